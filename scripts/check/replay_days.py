"""Deliver a bank day by day, build each day, and compare with a full refresh on several days.

  python scripts/check/replay_days.py --engine duckdb --days 90

The deliveries hold new rows, rows up to 20 days late, corrected rows, deletions by status and days
without data. One day comes twice, and the column "channel" of transactions begins halfway. Each
check builds a second DuckDB warehouse at once from the same deliveries: as-of dates inside the
history lag must be the same row for row, and dates outside of it must be as they were when they
left it. Exit code 1 where they are not.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from tempfile import TemporaryDirectory

import click
import duckdb
from check.compare_engines import MartDifference, compare
from check.engines import (
    ENGINES,
    NO_TESTS,
    SCRIPTS,
    Engine,
    Mart,
    StepError,
    read_marts,
    running_engine,
)
from check.servers import ServerError, end_cleanly
from rich.console import Console
from rich.table import Table

END_DATE = date(2026, 9, 18)
INPUT = "bank"


@dataclass(frozen=True)
class Delivery:
    """A folder of files and the day on which it arrives; none where the day brings nothing."""

    day: date
    folder: Path | None
    comes_twice: bool = False


# ---- the deliveries -----------------------------------------------------------------------------


def make_deliveries(folder: Path, customers: int, days: int) -> list[Delivery]:
    """The history as the first delivery, then one for each day."""
    size = ["--customers", str(customers), "--then-days", str(days)]
    subprocess.run(
        [sys.executable, str(SCRIPTS / "demo" / "generate_demo.py"), str(folder), *size],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    deliveries = [Delivery(END_DATE, without_columns(folder / "delivery", ["channel"]))]
    for number in range(1, days + 1):
        day = END_DATE + timedelta(days=number)
        delivered = folder / "days" / day.isoformat()
        if not delivered.exists():
            deliveries.append(Delivery(day, None))
            continue
        if number <= days // 2:
            delivered = without_columns(delivered, ["channel"])
        deliveries.append(Delivery(day, delivered, comes_twice=number == days // 3))
    return deliveries


def without_columns(delivery: Path, columns: Sequence[str]) -> Path:
    """The same delivery, its transactions without some columns."""
    path = delivery / "transactions.parquet"
    if path.exists():
        narrower = path.with_suffix(".narrower")
        names = ", ".join(columns)
        duckdb.sql(
            f"copy (select * exclude ({names}) from '{path}') to '{narrower}' (format parquet)"
        )
        narrower.replace(path)
    return delivery


def deliver(engine: Engine, delivery: Delivery, scratch: Path) -> None:
    """Load what a day brings, the second time as other files with the same rows."""
    if delivery.folder is None:
        return
    engine.load(delivery.folder, INPUT, f"{delivery.day} 17:00:00")
    if not delivery.comes_twice:
        return
    again = scratch / f"{delivery.day} again"
    if not again.exists():
        again.mkdir(parents=True)
        for path in delivery.folder.glob("*.parquet"):
            duckdb.sql(
                f"copy (select * exclude (loaded_at) from '{path}') to '{again / path.name}'"
            )
    engine.load(again, INPUT, f"{delivery.day} 20:00:00")


# ---- comparing ----------------------------------------------------------------------------------


def only_dates(mart: Mart) -> bool:
    """Whether the mart holds as-of dates, and not today alone."""
    return "as_of_date" in mart.key


@dataclass(frozen=True)
class Check:
    """What a day's comparison found: the marts with differing rows, and how many each has."""

    day: date
    open_dates: int
    frozen_dates: int
    rows: int
    differing_inside: Mapping[str, int]
    differing_frozen: Mapping[str, int]

    @property
    def is_right(self) -> bool:
        """Whether nothing differs."""
        return not self.differing_inside and not self.differing_frozen


def check_day(
    connection: duckdb.DuckDBPyConnection, engine: Engine, refreshed: Engine, day: date
) -> Check:
    """Compare the marts of an engine with those of a full refresh, and of the check before.

    Dates are inside the lag where both the date and the one before it are open to late rows. Marts
    of the previous check stay in the schema "frozen" of the connection.
    """
    marts = read_marts()
    for mart in marts:
        refreshed.fetch(connection, f"duckdb_{INPUT}", mart)
        engine.fetch(connection, f"{engine.name}_found", mart)
    with duckdb.connect(str(refreshed.warehouse), read_only=True) as warehouse:
        dates = warehouse.execute(
            "select as_of_date, is_frozen, "
            "coalesce(lag(is_frozen) over (order by as_of_date), true) as was_frozen "
            "from history.as_of_dates order by as_of_date"
        ).fetchall()
    inside = [date for date, is_frozen, was_frozen in dates if not is_frozen and not was_frozen]
    # of the oldest one, summaries no longer say what changed: the date before it has left
    frozen = [date for date, is_frozen, _ in dates[1:] if is_frozen]
    rows, differing_inside, differing_frozen = 0, {}, {}
    for mart in marts:
        if mart.name in ("rejected_records", "data_quality_summary"):
            continue
        filtered = "true" if not only_dates(mart) else f"as_of_date in {sql_list(inside)}"
        found = compare_where(connection, mart, f"duckdb_{INPUT}", f"{engine.name}_found", filtered)
        rows += found.rows
        if not found.is_equal:
            differing_inside[mart.name] = found.missing + found.additional + found.differing
        if only_dates(mart) and has_schema(connection, "frozen") and frozen:
            # what was frozen at the last check already, and is still stored
            kept = f"as_of_date in {sql_list(frozen)} and as_of_date in (from frozen.dates)"
            found = compare_where(connection, mart, "frozen", f"{engine.name}_found", kept)
            if not found.is_equal:
                differing_frozen[mart.name] = found.missing + found.additional + found.differing
    connection.execute("create schema if not exists frozen")
    values = ", ".join(f"(date '{one}')" for one in frozen) or "(null::date)"
    connection.execute(f"create or replace table frozen.dates as from (values {values})")
    for mart in marts:
        connection.execute(
            f"create or replace table frozen.{mart.name} as from {engine.name}_found.{mart.name}"
        )
    return Check(day, len(inside), len(frozen), rows, differing_inside, differing_frozen)


def compare_where(
    connection: duckdb.DuckDBPyConnection, mart: Mart, expected: str, found: str, where: str
) -> MartDifference:
    """Compare the rows of two schemas that meet a condition."""
    for schema, side in ((expected, "duckdb_part"), (found, "other_part")):
        connection.execute(f"create schema if not exists {side}")
        connection.execute(
            f"create or replace table {side}.{mart.name} as from {schema}.{mart.name} where {where}"
        )
    return compare(connection, mart, "other", "part")


def sql_list(dates: Sequence[date]) -> str:
    """Dates for "in"."""
    return "(" + ", ".join(f"date '{one}'" for one in dates) + ")" if dates else "(null::date)"


def has_schema(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether there is a schema of that name."""
    return bool(
        connection.execute(
            "select 1 from information_schema.schemata where schema_name = ?", [name]
        ).fetchall()
    )


# ---- the command --------------------------------------------------------------------------------


def replay(
    engine: Engine, deliveries: Sequence[Delivery], every: int, folder: Path, console: Console
) -> list[Check]:
    """Deliver and build each day; check at every so many days and at the last."""
    refreshed = Engine("duckdb", {}, folder / "refreshed")
    refreshed.folder.mkdir(parents=True)
    checks, waiting = [], []
    begun = time.perf_counter()
    with duckdb.connect() as connection:
        for number, delivery in enumerate(deliveries):
            deliver(engine, delivery, folder)
            waiting.append(delivery)
            engine.dbt("build", *NO_TESTS)
            if number % every and delivery is not deliveries[-1]:
                continue
            for missed in waiting:
                deliver(refreshed, missed, folder)
            waiting = []
            refreshed.dbt("build", "--full-refresh", *NO_TESTS)
            checks.append(check_day(connection, engine, refreshed, delivery.day))
            verdict = "as one full refresh" if checks[-1].is_right else str(checks[-1])
            seconds = time.perf_counter() - begun
            console.print(f"{engine.name}, day {number}: {verdict} ({seconds:.0f} s)")
    return checks


def show(engine_name: str, checks: Sequence[Check], console: Console) -> None:
    """The table of checks."""
    table = Table(title=f"{engine_name}: day by day beside one full refresh", title_justify="left")
    for heading in ("as of", "dates inside", "rows", "differing", "dates frozen", "changed since"):
        table.add_column(heading, justify="left" if heading == "as of" else "right")
    for check in checks:
        table.add_row(
            check.day.isoformat(),
            str(check.open_dates),
            f"{check.rows:,}",
            str(sum(check.differing_inside.values())),
            str(check.frozen_dates),
            str(sum(check.differing_frozen.values())),
        )
    console.print(table)


@click.command()
@click.option("--engine", "engine_name", type=click.Choice(ENGINES), default="duckdb")
@click.option("--days", default=90, show_default=True, help="Daily deliveries after the history.")
@click.option("--every", default=30, show_default=True, help="Days from one check to the next.")
@click.option("--customers", default=500, show_default=True, help="Size of the demo bank.")
def main(engine_name: str, days: int, every: int, customers: int) -> None:
    """Deliver a bank day by day and compare each so many days with one full refresh."""
    end_cleanly()
    console = Console()
    with TemporaryDirectory(prefix="replay") as place:
        folder = Path(place)
        deliveries = make_deliveries(folder / "bank", customers, days)
        try:
            with running_engine(engine_name, folder / engine_name) as engine:
                checks = replay(engine, deliveries, every, folder, console)
        except (StepError, ServerError) as error:
            raise click.ClickException(str(error)) from error
    show(engine_name, checks, console)
    if not all(check.is_right for check in checks):
        raise click.ClickException("Day by day is not what one full refresh gives.")


if __name__ == "__main__":
    main()
