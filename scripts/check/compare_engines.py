"""Build the same inputs on every engine and compare every mart with DuckDB's, row for row.

  python scripts/check/compare_engines.py
  python scripts/check/compare_engines.py --engine postgres --input demo_bank --customers 2000
  python scripts/check/compare_engines.py --input complete_journey

Without --input the demo bank and Online Retail are compared, or the bank alone where the file of
Online Retail is not on this machine (data/README.md says where it is looked for).

Starts a PostgreSQL server and a Spark cluster of its own in a temporary folder, loads each input
with the same arrival, builds it, runs the tests of tests/cross_engine, compares, and stops all
that it started. Keys, dates, integers,
decimals and labels must be equal, doubles up to a billionth of their size. Exit code 1 where a
mart differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

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
    Mart,
    StepError,
    read_marts,
    running_engine,
)
from check.servers import ServerError, end_cleanly
from load.complete_journey import COMPLETE_JOURNEY, make_delivery
from load.errors import DeliveryError
from load.mapping import read_mapping
from load.project_data import link_delivery
from rich.console import Console
from rich.table import Table

DEMO_BANK = "demo_bank"
INPUTS = (DEMO_BANK, "online_retail", COMPLETE_JOURNEY)
# the others are compared where they are named
DEFAULT_INPUTS = (DEMO_BANK, "online_retail")
ARRIVED = "2026-09-19 00:00:00"
TOLERANCE = 1e-9


@dataclass(frozen=True)
class MartDifference:
    """How a mart of an engine differs from DuckDB's.

    rows is DuckDB's number, missing and additional rows are told by key, differing are the rows of
    both with another value, columns how many rows differ in each.
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


def prepare_input(name: str, folder: Path, customers: int) -> tuple[Path, dict[str, object]]:
    """Make the delivery of an input in a folder, and return it with its vars.

    Raises DeliveryError where files of the input are not on this machine.
    """
    if name == COMPLETE_JOURNEY:
        make_delivery(folder / name)
    elif name != DEMO_BANK:
        link_delivery(name, folder / name)
    if name != DEMO_BANK:
        return folder / name, read_mapping(folder / name).vars
    generator = str(SCRIPTS / "demo" / "generate_demo.py")
    subprocess.run(
        [sys.executable, generator, str(folder / name), "--customers", str(customers)],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return folder / name / "delivery", {}


def show(input_name: str, differences: Sequence[MartDifference], console: Console) -> None:
    """The table of differences of an input: rows that DuckDB alone has, that the engine alone has,
    and that have another value."""
    engines = list(dict.fromkeys(one.engine for one in differences))
    table = Table(title=f"{input_name}: rows that differ from DuckDB's", title_justify="left")
    for heading in ("mart", "rows", *engines):
        table.add_column(heading, justify="left" if heading == "mart" else "right")
    for mart in dict.fromkeys(one.mart for one in differences):
        of_mart = {one.engine: one for one in differences if one.mart == mart}
        told = [
            "0"
            if one.is_equal
            else f"[red]{one.missing:,} missing, {one.additional:,} more, {one.differing:,} other"
            for one in (of_mart[engine] for engine in engines)
        ]
        table.add_row(mart, f"{of_mart[engines[0]].rows:,}", *told)
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
@click.option("--input", "inputs", multiple=True, type=click.Choice(INPUTS))
@click.option("--customers", default=20_000, show_default=True, help="Size of the demo bank.")
def main(engines: Sequence[str], inputs: Sequence[str], customers: int) -> None:
    """Build inputs on several engines and compare every mart with DuckDB's."""
    end_cleanly()
    console = Console()
    marts = read_marts()
    with TemporaryDirectory(prefix="engines") as place, duckdb.connect() as connection:
        folder = Path(place)
        prepared = {}
        for name in inputs or DEFAULT_INPUTS:
            try:
                prepared[name] = prepare_input(name, folder, customers)
            except DeliveryError as error:
                if inputs:
                    raise click.ClickException(str(error)) from error
                console.print(f"{name} is left out. {error}", markup=False, highlight=False)
        differences: dict[str, list[MartDifference]] = {name: [] for name in prepared}
        for engine_name in ("duckdb", *engines):
            try:
                with running_engine(engine_name, folder / engine_name) as engine:
                    for input_name, (delivery, variables) in prepared.items():
                        engine.clear()
                        begun = time.perf_counter()
                        engine.load(delivery, input_name, ARRIVED)
                        loaded = time.perf_counter()
                        engine.dbt("build", *NO_TESTS, variables=variables)
                        built = time.perf_counter()
                        console.print(
                            f"{input_name} on {engine_name}: loaded in {loaded - begun:.0f} s, "
                            f"built in {built - loaded:.0f} s"
                        )
                        engine.dbt(
                            "test", "--select", "path:tests/cross_engine", variables=variables
                        )
                        for mart in marts:
                            engine.fetch(connection, f"{engine_name}_{input_name}", mart)
                            if engine_name != "duckdb":
                                differences[input_name].append(
                                    compare(connection, mart, engine_name, input_name)
                                )
            except (StepError, ServerError) as error:
                raise click.ClickException(str(error)) from error
    for input_name, of_input in differences.items():
        show(input_name, of_input, console)
    unequal = sum(not one.is_equal for of_input in differences.values() for one in of_input)
    if unequal:
        raise click.ClickException(f"{unequal} marts differ from DuckDB's.")
    console.print("[green]Every mart is the same as DuckDB's.")


if __name__ == "__main__":
    main()
