"""Show what a warehouse says now: rows in, value classes, turning points, critical customers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import duckdb
from rich import box
from rich.console import Console
from rich.table import Table

# what a customer's list shows in the terminal; the mart has the rest
MOST_CRITICAL = 10
# ... and its table of reasons; marts.data_quality_summary has the rest
MOST_REASONS = 8


def show_summary(warehouse: Path, console: Console, language: str = "en") -> None:
    """Print the summary of a warehouse that has been built. language: en or zh."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        show_records(connection, console, language)
        show_classes(connection, console, language)
        show_turning_points(connection, console, language)
        show_most_critical(connection, console, language)
    console.print(
        "[dim]Next: the marts are in schema marts of [/]"
        f"{warehouse}[dim] (critical_customers, turning_points, customers, ...); rejected rows "
        "with their mend in marts.rejected_records; make docs describes every column."
    )


def show_records(connection: duckdb.DuckDBPyConnection, console: Console, language: str) -> None:
    """The as-of date, and the rows of each raw table by what became of them."""
    [(as_of_date, customer_count)] = connection.execute(
        "select max(as_of_date), count(*) from marts.customers"
    ).fetchall()
    console.print(f"\n[bold]As of {as_of_date}[/]  {customer_count:,} customers known")
    by_table = connection.execute(
        """
        select
            table_name,
            sum(record_count),
            coalesce(sum(record_count) filter (where record_status = 'accepted'), 0),
            coalesce(sum(record_count) filter (where record_status = 'rejected'), 0),
            coalesce(sum(record_count) filter (where record_status = 'duplicate'), 0)
        from marts.data_quality_summary
        group by table_name
        order by 2 desc
        """
    ).fetchall()
    table = make_table("Rows in", ["table", "rows", "accepted", "rejected", "duplicates"], "lrrrr")
    add_rows(table, by_table)
    console.print(table)
    by_reason = connection.execute(
        f"""
        select
            reason_{language}, sum(record_count) as record_count, record_status,
            count(distinct table_name) || ' of '
            || (select count(distinct table_name) from marts.data_quality_summary)
        from marts.data_quality_summary
        where record_status <> 'accepted'
        group by all
        order by record_count desc, 1
        """
    ).fetchall()
    if by_reason:
        table = make_table("Not let in, by reason", ["reason", "rows", "as", "in tables"], "lrlr")
        add_rows(table, by_reason[:MOST_REASONS])
        if len(by_reason) > MOST_REASONS:
            rest = by_reason[MOST_REASONS:]
            add_rows(table, [(f"{len(rest)} more reasons", sum(row[1] for row in rest), "", "")])
        console.print(table)


def show_classes(connection: duckdb.DuckDBPyConnection, console: Console, language: str) -> None:
    """The eight value classes with how many, how much and what moved."""
    rows = connection.execute(
        f"""
        select
            value_class_{language}, customer_count, customer_share, monetary_amount, monetary_share,
            customer_count - previous_customer_count
        from marts.value_class_summary
        where is_current
        order by value_class_rank desc
        """
    ).fetchall()
    [(lines,)] = connection.execute(
        """
        select string_agg(
            metric || ' ' || case when metric = 'recency_days' then '<= ' else '> ' end
            || format('{:,.1f}', cast(reference_value as double)), ', ' order by metric_sort
        )
        from marts.rfm_references
        where is_current and reference_method is not null
        """
    ).fetchall()
    [(method,)] = connection.execute(
        "select max(reference_method) from marts.rfm_references where is_current"
    ).fetchall()
    table = make_table(
        f"Value classes (high by the {method}: {lines})",
        ["class", "customers", "share", "amount", "share", "since last month-end"],
        "lrrrrr",
    )
    for name, count, count_share, amount, amount_share, change in rows:
        table.add_row(
            name,
            f"{count:,}",
            percent(count_share),
            f"{amount:,.0f}",
            percent(amount_share),
            "" if change is None else f"{change:+,}",
        )
    console.print(table)


def show_turning_points(
    connection: duckdb.DuckDBPyConnection, console: Console, language: str
) -> None:
    """How many customers stand at each turning point."""
    rows = connection.execute(
        f"""
        select
            turning_point_type_{language}, direction_{language}, count(*),
            count(*) filter (where urgency_rank = 1), avg(strength)
        from marts.turning_points
        where is_current
        group by all
        order by min(turning_point_type_sort)
        """
    ).fetchall()
    [(critical, all_customers)] = connection.execute(
        "select count(*) filter (where is_critical), count(*) from marts.customers"
    ).fetchall()
    table = make_table(
        f"Turning points ({critical:,} of {all_customers:,} customers stand at one)",
        ["turning point", "direction", "customers", "most urgent reason", "mean strength"],
        "llrrr",
    )
    for name, direction, count, first_count, strength in rows:
        table.add_row(name, direction, f"{count:,}", f"{first_count:,}", f"{strength:.2f}")
    console.print(table)


def show_most_critical(
    connection: duckdb.DuckDBPyConnection, console: Console, language: str
) -> None:
    """The most critical customers with their reasons and the next step."""
    rows = connection.execute(
        f"""
        select
            customer_id, value_class_{language}, criticality, value_at_stake_amount,
            reasons_{language},
            next_step_{language} || ' (' || next_channel_{language} || ', ' || act_by_date || ')'
        from marts.critical_customers
        order by criticality_rank
        limit {MOST_CRITICAL}
        """
    ).fetchall()
    table = make_table(
        "The most critical customers",
        ["customer", "class", "criticality", "at stake", "why", "what to do, how and by when"],
        "llrrll",
        lines=True,
    )
    for customer_id, value_class, criticality, stake, reasons, next_step in rows:
        table.add_row(
            customer_id,
            value_class,
            f"{criticality:.1f}",
            f"{stake:,.0f}",
            reasons.replace(" | ", "\n"),
            next_step,
        )
    console.print(table)


def make_table(title: str, headings: list[str], sides: str, lines: bool = False) -> Table:
    """An empty table; sides: l or r for each column."""
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_lines=lines
    )
    for heading, side in zip(headings, sides, strict=True):
        table.add_column(heading, justify="right" if side == "r" else "left", overflow="fold")
    return table


def add_rows(table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows of texts and whole numbers."""
    for row in rows:
        table.add_row(*(value if isinstance(value, str) else f"{int(value):,}" for value in row))


def percent(share: float | None) -> str:
    """A share of 0..1 as per cent; blank where there is none."""
    return "" if share is None else f"{round(100 * share, 1) + 0.0:.1f} %"


@click.command()
@click.argument("warehouse", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
def main(warehouse: Path, language: str) -> None:
    """Show the summary of the file WAREHOUSE, which has been built."""
    try:
        show_summary(warehouse, Console(), language)
    except duckdb.Error as error:
        raise click.ClickException(
            f"{warehouse} has no marts to show; run dbt build on it first: {error}"
        ) from error


if __name__ == "__main__":
    main()
