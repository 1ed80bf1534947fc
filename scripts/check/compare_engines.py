"""Build the same deliveries on every engine and compare every mart with DuckDB's, row for row.

  python scripts/check/compare_engines.py --customers 2000
  python scripts/check/compare_engines.py --engine postgres --input path/to/folder

The demo bank comes in two deliveries, its history and the day after it, and is built and compared
after each; a folder is one delivery. Starts a PostgreSQL server and a Spark cluster of its own in a
temporary folder, loads with the same arrival everywhere, runs the tests of tests/cross_engine, and
stops all that it started. Keys, dates, integers, decimals and labels must be equal, doubles up to a
billionth of their size. Exit code 1 where a mart differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory

import click
import duckdb
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
from load.complete_journey import COMPLETE_JOURNEY, make_delivery
from load.errors import DeliveryError
from load.mapping import read_mapping
from load.project_data import DATA_FOLDER, link_delivery
from rich.console import Console
from rich.table import Table

DEMO_BANK = "demo_bank"
ARRIVALS = ("2026-09-19 00:00:00", "2026-09-20 00:00:00")
TOLERANCE = 1e-9


@dataclass(frozen=True)
class MartDifference:
    """How a mart of an engine differs from DuckDB's.

    rows: how many DuckDB has. missing, additional: keys that DuckDB alone has, or the engine alone.
    differing: rows of both with another value; columns: how many rows differ in each.
    """

    engine: str
    input_name: str
    mart: str
    rows: int
    missing: int
    additional: int
    differing: int
    columns: Mapping[str, int] = field(default_factory=dict)
    example: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether every row is the same."""
        return not (self.missing or self.additional or self.differing)


# ---- comparing ----------------------------------------------------------------------------------


def compare(
    connection: duckdb.DuckDBPyConnection, mart: Mart, engine: str, input_name: str
) -> MartDifference:
    """Compare two tables of a DuckDB connection: duckdb_<input>.<mart>, <engine>_<input>.<mart>."""
    name = mart.name
    tables = {
        "expected": f"duckdb_{input_name}.{name} as expected",
        "found": f"{engine}_{input_name}.{name} as found",
    }
    values = [column for column in mart.types if column not in mart.key]
    on_key = " and ".join(f"expected.{key} is not distinct from found.{key}" for key in mart.key)
    differs = {column: differs_sql(column, mart.types[column]) for column in values}
    counted = ", ".join(f"count(*) filter ({sql})" for sql in differs.values())
    any_differs = " or ".join(differs.values())
    both = f"{tables['expected']} inner join {tables['found']} on {on_key}"
    [(differing, *by_column)] = connection.execute(
        f"select count(*) filter ({any_differs}), {counted} from {both}"
    ).fetchall()
    [(missing,)] = connection.execute(
        f"select count(*) from {tables['expected']} anti join {tables['found']} on {on_key}"
    ).fetchall()
    [(additional,)] = connection.execute(
        f"select count(*) from {tables['found']} anti join {tables['expected']} on {on_key}"
    ).fetchall()
    [(rows,)] = connection.execute(f"select count(*) from {tables['expected']}").fetchall()
    columns = {column: count for column, count in zip(values, by_column, strict=True) if count}
    example = ""
    if columns:
        column = max(columns, key=columns.__getitem__)
        keys = ", ".join(f"expected.{key}" for key in mart.key)
        row = connection.execute(
            f"select {keys}, expected.{column}, found.{column} from {both} "
            f"where {differs[column]} order by all limit 1"
        ).fetchone()
        example = (
            f"{column} of {', '.join(map(str, row[:-2]))}: {row[-2]} on DuckDB, {row[-1]} here"
        )
    return MartDifference(
        engine, input_name, name, rows, missing, additional, differing, columns, example
    )


def differs_sql(column: str, data_type: str) -> str:
    """Whether a column of two joined rows is another value."""
    different = f"expected.{column} is distinct from found.{column}"
    if data_type != "double":
        return f"({different})"
    distance = f"abs(expected.{column} - found.{column})"
    size = f"greatest(abs(expected.{column}), abs(found.{column}))"
    return f"({different} and coalesce({distance} > {TOLERANCE} * {size}, true))"


# ---- the command --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prepared:
    """An input: what it is called in SQL, its deliveries in order, and its vars."""

    name: str
    deliveries: Sequence[Path]
    variables: Mapping[str, object] = field(default_factory=dict)

    def steps(self) -> list[str]:
        """What the marts after each delivery are called."""
        return [self.name, *(f"{self.name}_day_{n}" for n in range(1, len(self.deliveries)))]


def prepare_delivery(chosen: str, folder: Path) -> Path:
    """The folder of an input of data/, or of files. Raises ClickException without one."""
    try:
        if chosen == COMPLETE_JOURNEY:
            make_delivery(folder / chosen)
        elif (DATA_FOLDER / chosen).is_dir():
            link_delivery(chosen, folder / chosen)
        elif Path(chosen).is_dir():
            return Path(chosen)
        else:
            raise click.ClickException(
                f"There is no folder {chosen}. Name a folder of files with --input, an input of "
                f"data/, or {DEMO_BANK}."
            )
    except DeliveryError as error:
        raise click.ClickException(str(error)) from error
    return folder / chosen


def prepare_input(chosen: str, folder: Path, customers: int) -> Prepared:
    """Make the demo bank in a folder, or find a delivery. Raises ClickException without one."""
    if chosen != DEMO_BANK:
        delivery = prepare_delivery(chosen, folder)
        name = re.sub(r"\W", "_", delivery.resolve().name)
        return Prepared(name, [delivery], read_mapping(delivery).vars)
    generator = str(SCRIPTS / "demo" / "generate_demo.py")
    size = ["--customers", str(customers), "--then-days", "1"]
    subprocess.run(
        [sys.executable, generator, str(folder / DEMO_BANK), *size],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    days = sorted((folder / DEMO_BANK / "days").iterdir())
    return Prepared(DEMO_BANK, [folder / DEMO_BANK / "delivery", *days])


def build_and_fetch(
    engine: Engine, prepared: Prepared, connection: duckdb.DuckDBPyConnection, console: Console
) -> None:
    """Load and build each delivery; fetch the marts into schemas <engine>_<step>."""
    engine.clear()
    arrivals = ARRIVALS[: len(prepared.deliveries)]
    for step, delivery, arrived in zip(
        prepared.steps(), prepared.deliveries, arrivals, strict=True
    ):
        begun = time.perf_counter()
        engine.load(delivery, prepared.name, arrived)
        loaded = time.perf_counter()
        engine.dbt("build", *NO_TESTS, variables=prepared.variables)
        built = time.perf_counter()
        console.print(
            f"{step} on {engine.name}: loaded in {loaded - begun:.0f} s, "
            f"built in {built - loaded:.0f} s"
        )
        for mart in read_marts():
            engine.fetch(connection, f"{engine.name}_{step}", mart)
    engine.dbt("test", "--select", "path:tests/cross_engine", variables=prepared.variables)


def show(input_name: str, differences: Sequence[MartDifference], console: Console) -> None:
    """The table of differences of an input: rows that DuckDB alone has, that the engine alone has,
    and that have another value."""
    engines = list(dict.fromkeys(one.engine for one in differences))
    table = Table(title=f"{input_name}: rows that differ from DuckDB's", title_justify="left")
    for heading in ("mart", "rows", *engines):
        table.add_column(heading, justify="left" if heading == "mart" else "right")
    for mart in dict.fromkeys(one.mart for one in differences):
        of_mart = {one.engine: one for one in differences if one.mart == mart}
        cells = [
            "0"
            if one.is_equal
            else f"[red]{one.missing:,} missing, {one.additional:,} more, {one.differing:,} other"
            for one in (of_mart[engine] for engine in engines)
        ]
        table.add_row(mart, f"{of_mart[engines[0]].rows:,}", *cells)
    console.print(table)
    for one in differences:
        if one.columns:
            where = ", ".join(f"{name} ({count:,})" for name, count in one.columns.items())
            console.print(
                f"{one.engine}, {one.mart}: {where}; {one.example}", markup=False, highlight=False
            )


@click.command()
@click.option(
    "--engine", "engines", multiple=True, type=click.Choice(ENGINES[1:]), default=ENGINES[1:]
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    default=[DEMO_BANK],
    show_default=True,
    help="The demo bank, an input of data/, or a folder of files.",
)
@click.option("--customers", default=20_000, show_default=True, help="Size of the demo bank.")
def main(engines: Sequence[str], inputs: Sequence[str], customers: int) -> None:
    """Build inputs on several engines and compare every mart with DuckDB's."""
    end_cleanly()
    console = Console()
    unequal = 0
    with TemporaryDirectory(prefix="engines") as place, duckdb.connect() as connection:
        folder = Path(place)
        prepared = [prepare_input(chosen, folder, customers) for chosen in inputs]
        for name in ("duckdb", *engines):
            try:
                with running_engine(name, folder / name) as engine:
                    for one in prepared:
                        build_and_fetch(engine, one, connection, console)
            except (StepError, ServerError) as error:
                raise click.ClickException(str(error)) from error
        for step in (step for one in prepared for step in one.steps()):
            differences = [
                compare(connection, mart, engine, step)
                for mart in read_marts()
                for engine in engines
            ]
            show(step, differences, console)
            unequal += sum(not one.is_equal for one in differences)
    if unequal:
        raise click.ClickException(f"{unequal} marts differ from DuckDB's.")
    console.print("[green]Every mart is the same as DuckDB's.")


if __name__ == "__main__":
    main()
