"""Show what a warehouse says now: rows in, value classes, turning points, critical customers."""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
from build.progress import make_progress
from build.warehouse_file import WarehouseFile
from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# how many customers are listed; the mart has the rest
MOST_CRITICAL = 10
# ... and how many reasons for rejecting; marts.data_quality_summary has the rest
MOST_REASONS = 8
# under each title
INDENT = 2

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
    "Value classes": "价值分类",
    "Value classes, and the change since {}": "价值分类(较 {} 的变动)",
    "high by the {}: {}": "以{}为界:{}",
    "mean": "均值",
    "median": "中位数",
    "fixed": "固定值",
    "score": "平均得分",
    "class": "分类",
    "customers": "客户数",
    "share": "占比",
    "amount": "金额",
    "change": "变动",
    "Turning points ({:,} of {:,} customers stand at one)": "临界点(客户 {1:,} 名,其中 {0:,} 名)",
    "turning point": "临界点",
    "direction": "方向",
    "most urgent": "首要",
    "strength": "强度",
    "The most critical customers": "最临界的客户",
    "criticality {:.1f}": "临界度 {:.1f}",
    "at stake {:,.0f} {}": "涉及金额 {:,.0f} {}",
    "→ {} ({}, by {})": "→ {}({},{} 前)",
    "Next: read the marts in schema marts of": "接下来:集市在此文件的 marts 模式中:",
    " (critical_customers, turning_points, customers, ...). marts.rejected_records has each "
    "rejected row and how to fix it; make docs describes every column.": (
        "(critical_customers、turning_points、customers 等);被拒记录及其修正办法在 "
        "marts.rejected_records;make docs 说明每一列。"
    ),
}


def show_summary(warehouse: Path, console: Console, language: str = "en") -> None:
    """Print the summary of a built warehouse. language: en or zh. Raises duckdb.Error."""
    console.print(*read_summary(warehouse, language), sep="\n")


def read_summary(warehouse: Path, language: str) -> list[RenderableType]:
    """The summary of a built warehouse. language: en or zh. Raises duckdb.Error."""
    # imported here, because it takes longer than a person should wait for the first line
    import duckdb

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return [
            *records(connection, language),
            *value_classes(connection, language),
            *turning_points(connection, language),
            *most_critical(connection, language),
            *next_steps(warehouse, language),
        ]


def say(text: str, language: str, *values: Any) -> str:
    """A heading of this module in a language (en or zh), with its values filled in."""
    return (CHINESE[text] if language == "zh" else text).format(*values)


def records(connection: DuckDBPyConnection, language: str) -> Iterator[RenderableType]:
    """The as-of date, and how many rows of each raw table were accepted, or why they were not."""
    [(as_of_date, customer_count)] = connection.execute(
        "select max(as_of_date), count(*) from marts.customers"
    ).fetchall()
    known = say("{:,} customers known", language, customer_count)
    yield Text.assemble("\n", (say("As of {}", language, as_of_date), "bold"), f"  {known}")
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
    yield title(say("Rows in", language))
    headings = say_each(["table", "rows", "accepted", "rejected", "duplicates"], language)
    yield table(headings, "lrrrr", by_table)
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
        rows = [
            (reason, count, say(status, language), say("{} of {}", language, *table_counts))
            for reason, count, status, *table_counts in by_reason[:MOST_REASONS]
        ]
        if rest := by_reason[MOST_REASONS:]:
            more = say("{} more reasons", language, len(rest))
            rows.append((more, sum(count for _, count, *_ in rest), "", ""))
        yield title(say("Not let in, by reason", language))
        yield table(say_each(["reason", "rows", "as", "in tables"], language), "lrlr", rows)


def value_classes(connection: DuckDBPyConnection, language: str) -> Iterator[RenderableType]:
    """Each value class with its customers, its amount and its change since the last month-end."""
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
    [(thresholds, method)] = connection.execute(
        f"""
        select
            string_agg(
                metric_{language}
                || ' ' || case when metric = 'recency_days' then '<= ' else '> ' end
                || format('{{:,.1f}}', cast(reference_value as double)), ', ' order by metric_sort
            ) filter (where reference_method is not null),
            max(reference_method)
        from marts.rfm_references
        where is_current
        """
    ).fetchall()
    [(before,)] = connection.execute(
        "select max(as_of_date) from marts.value_class_summary where not is_current"
    ).fetchall()
    if before is None:
        yield title(say("Value classes", language))
    else:
        yield title(say("Value classes, and the change since {}", language, before))
    rule = say("high by the {}: {}", language, say(method, language), thresholds)
    yield indented(Text(rule, "dim"))
    yield table(
        say_each(["class", "customers", "share", "amount", "share", "change"], language),
        "lrrrrr",
        [
            (
                name,
                count,
                percent(count_share),
                f"{amount:,.0f}",
                percent(amount_share),
                "" if change is None else f"{change:+,}",
            )
            for name, count, count_share, amount, amount_share, change in rows
        ],
    )


def turning_points(connection: DuckDBPyConnection, language: str) -> Iterator[RenderableType]:
    """How many customers stand at each turning point, and how many have it as their first."""
    rows = connection.execute(
        f"""
        select
            turning_point_type_{language}, direction_{language}, count(*),
            count(*) filter (where urgency_rank = 1), format('{{:.2f}}', avg(strength))
        from marts.turning_points
        where is_current
        group by all
        order by min(turning_point_type_sort)
        """
    ).fetchall()
    counts = connection.execute(
        "select count(*) filter (where is_critical), count(*) from marts.customers"
    ).fetchone()
    yield title(
        say("Turning points ({:,} of {:,} customers stand at one)", language, *counts or (0, 0))
    )
    headings = ["turning point", "direction", "customers", "most urgent", "strength"]
    yield table(say_each(headings, language), "llrrr", rows)


def most_critical(
    connection: DuckDBPyConnection, language: str, limit: int = MOST_CRITICAL
) -> Iterator[RenderableType]:
    """The most critical customers, each with the reasons and the next step."""
    rows = connection.execute(
        f"""
        select
            cast(criticality_rank as varchar), customer_id, value_class_{language}, criticality,
            value_at_stake_amount, currency, string_split(reasons_{language}, ' | '),
            next_step_{language}, next_channel_{language}, act_by_date
        from marts.critical_customers
        order by criticality_rank
        limit {limit}
        """
    ).fetchall()
    widths = [max((cell_len(row[place]) for row in rows), default=0) for place in range(3)]
    yield title(say("The most critical customers", language))
    for rank, customer_id, value_class, criticality, amount, currency, reasons, *step in rows:
        head = Text.assemble(
            f"{rank:>{widths[0]}}  ",
            (set_cell_size(customer_id, widths[1]), "bold"),
            f"  {set_cell_size(value_class, widths[2])}  ",
            say("criticality {:.1f}", language, criticality),
            "  ",
            say("at stake {:,.0f} {}", language, amount, currency),
        )
        yield indented(head)
        lines = [*reasons, say("→ {} ({}, by {})", language, *step)]
        yield indented(Text("\n".join([*lines, ""])), INDENT + widths[0] + 2)


def next_steps(warehouse: Path, language: str) -> Iterator[RenderableType]:
    """Where to read on."""
    where = say("Next: read the marts in schema marts of", language)
    what = say(
        " (critical_customers, turning_points, customers, ...). marts.rejected_records has each "
        "rejected row and how to fix it; make docs describes every column.",
        language,
    )
    yield Text.assemble((f"{where} ", "dim"), str(warehouse), (what, "dim"))


# ---- pieces --------------------------------------------------------------------------------------


def title(text: str) -> Text:
    """The title of a section, after a blank line."""
    return Text.assemble("\n", (text, "bold"))


def say_each(headings: Iterable[str], language: str) -> list[str]:
    """Headings of this module in a language (en or zh)."""
    return [say(heading, language) for heading in headings]


def table(headings: Sequence[str], sides: str, rows: Iterable[Sequence[Any]]) -> RenderableType:
    """A table of texts and whole numbers; sides: l or r for each column."""
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading, side in zip(headings, sides, strict=True):
        shown.add_column(heading, justify="right" if side == "r" else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(cell if isinstance(cell, str) else f"{int(cell):,}" for cell in row))
    return indented(shown)


def indented(shown: RenderableType, cells: int = INDENT) -> Padding:
    """Something some cells to the right."""
    return Padding(shown, (0, 0, 0, cells), expand=False)


def percent(share: float | None) -> str:
    """A share of 0..1 as per cent; blank if there is none."""
    return "" if share is None else f"{round(100 * share, 1) + 0.0:.1f} %"


# ---- the command ---------------------------------------------------------------------------------


@click.command()
@click.argument("warehouse", type=WarehouseFile())
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
def main(warehouse: Path, language: str) -> None:
    """Show the summary of the file WAREHOUSE, which has been built."""
    with make_progress(Console(stderr=True)) as progress:
        progress.add_task(f"reading {warehouse}", total=None)
        import duckdb

        try:
            summary = read_summary(warehouse, language)
        except duckdb.IOException as error:
            raise click.ClickException(
                f"{warehouse} cannot be read; close the programs that have it open for writing: "
                f"{error}"
            ) from error
        except duckdb.Error as error:
            raise click.ClickException(
                f"{warehouse} has no marts to show; build it first (make build): {error}"
            ) from error
    Console().print(*summary, sep="\n")


if __name__ == "__main__":
    main()
