"""Show what a warehouse says now: rows in, value classes, turning points, critical customers."""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from collections.abc import Iterable
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

# headings as they stand in the code, and what a reader of Chinese sees
CHINESE = {
    "As of {}": "截至 {}",
    "{:,} customers known": "已知客户 {:,} 名",
    "Rows in": "入库记录",
    "table": "表",
    "rows": "行数",
    "accepted": "接受",
    "rejected": "拒收",
    "duplicates": "重复",
    "Not let in, by reason": "未入库记录(按原因)",
    "reason": "原因",
    "as": "处理",
    "duplicate": "重复",
    "in tables": "涉及表数",
    "{} of {}": "{} / {}",
    "{} more reasons": "其余 {} 种原因",
    "Value classes (high by the {}: {})": "价值分类(以{}为界:{})",
    "mean": "均值",
    "median": "中位数",
    "fixed": "固定值",
    "score": "平均得分",
    "class": "分类",
    "customers": "客户数",
    "share": "占比",
    "amount": "金额",
    "since last month-end": "较上月末",
    "Turning points ({:,} of {:,} customers stand at one)": "临界点(客户 {1:,} 名,其中 {0:,} 名)",
    "turning point": "临界点",
    "direction": "方向",
    "most urgent reason": "首要原因",
    "mean strength": "平均强度",
    "The most critical customers": "最临界的客户",
    "customer": "客户",
    "criticality": "临界度",
    "at stake": "涉及金额",
    "why → what to do, how and by when": "原因 → 下一步、渠道与期限",
    "Next: the marts are in schema marts of": "接下来:集市在此文件的 marts 模式中:",
    " (critical_customers, turning_points, customers, ...); rejected rows "
    "with their mend in marts.rejected_records; make docs describes every column.": (
        "(critical_customers、turning_points、customers 等);被拒记录及其修正办法在 "
        "marts.rejected_records;make docs 说明每一列。"
    ),
}


def show_summary(warehouse: Path, console: Console, language: str = "en") -> None:
    """Print the summary of a warehouse that has been built. language: en or zh."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        show_records(connection, console, language)
        show_classes(connection, console, language)
        show_turning_points(connection, console, language)
        show_most_critical(connection, console, language)
    where = say("Next: the marts are in schema marts of", language)
    what = say(
        " (critical_customers, turning_points, customers, ...); rejected rows "
        "with their mend in marts.rejected_records; make docs describes every column.",
        language,
    )
    console.print(f"[dim]{where}[/] {warehouse}[dim]{what}")


def say(text: str, language: str, *values: Any) -> str:
    """A heading of this module in a language (en or zh), with its values filled in."""
    return (CHINESE[text] if language == "zh" else text).format(*values)


def show_records(connection: duckdb.DuckDBPyConnection, console: Console, language: str) -> None:
    """The as-of date, and the rows of each raw table by what became of them."""
    [(as_of_date, customer_count)] = connection.execute(
        "select max(as_of_date), count(*) from marts.customers"
    ).fetchall()
    known = say("{:,} customers known", language, customer_count)
    console.print(f"\n[bold]{say('As of {}', language, as_of_date)}[/]  {known}")
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
    headings = ["table", "rows", "accepted", "rejected", "duplicates"]
    table = make_table(say("Rows in", language), headings, "lrrrr", language)
    add_rows(table, by_table)
    console.print(table)
    by_reason = connection.execute(
        f"""
        select
            reason_{language}, sum(record_count) as record_count, record_status,
            count(distinct table_name),
            (select count(distinct table_name) from marts.data_quality_summary)
        from marts.data_quality_summary
        where record_status <> 'accepted'
        group by all
        order by record_count desc, 1
        """
    ).fetchall()
    if by_reason:
        headings = ["reason", "rows", "as", "in tables"]
        table = make_table(say("Not let in, by reason", language), headings, "lrlr", language)
        for reason, count, status, table_count, all_tables in by_reason[:MOST_REASONS]:
            in_tables = say("{} of {}", language, table_count, all_tables)
            add_rows(table, [(reason, count, say(status, language), in_tables)])
        if rest := by_reason[MOST_REASONS:]:
            more = say("{} more reasons", language, len(rest))
            add_rows(table, [(more, sum(row[1] for row in rest), "", "")])
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
        f"""
        select string_agg(
            metric_{language} || ' ' || case when metric = 'recency_days' then '<= ' else '> ' end
            || format('{{:,.1f}}', cast(reference_value as double)), ', ' order by metric_sort
        )
        from marts.rfm_references
        where is_current and reference_method is not null
        """
    ).fetchall()
    [(method,)] = connection.execute(
        "select max(reference_method) from marts.rfm_references where is_current"
    ).fetchall()
    table = make_table(
        say("Value classes (high by the {}: {})", language, say(method, language), lines),
        ["class", "customers", "share", "amount", "share", "since last month-end"],
        "lrrrrr",
        language,
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
        say(
            "Turning points ({:,} of {:,} customers stand at one)",
            language,
            critical,
            all_customers,
        ),
        ["turning point", "direction", "customers", "most urgent reason", "mean strength"],
        "llrrr",
        language,
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
        say("The most critical customers", language),
        ["customer", "class", "criticality", "at stake", "why → what to do, how and by when"],
        "llrrl",
        language,
        lines=True,
    )
    for customer_id, value_class, criticality, stake, reasons, next_step in rows:
        table.add_row(
            customer_id,
            value_class,
            f"{criticality:.1f}",
            f"{stake:,.0f}",
            reasons.replace(" | ", "\n") + f"\n→ {next_step}",
        )
    console.print(table)


def make_table(
    title: str, headings: list[str], sides: str, language: str, lines: bool = False
) -> Table:
    """An empty table; headings as they stand in the code; sides: l or r for each column."""
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_lines=lines
    )
    for heading, side in zip(headings, sides, strict=True):
        table.add_column(
            say(heading, language), justify="right" if side == "r" else "left", overflow="fold"
        )
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
