"""Build the same inputs on every engine and compare every mart with DuckDB's, row for row.

  python scripts/engines/compare_engines.py
  python scripts/engines/compare_engines.py --engine postgres --input demo_bank --customers 2000

Starts a PostgreSQL server and a Spark cluster of its own in a temporary folder, loads each input
with the same arrival, builds it, compares, and stops all that it started. Keys, dates, integers,
decimals and labels must be equal, doubles up to a billionth of their size. Exit code 1 where a
mart differs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import duckdb
import yaml
from rich.console import Console
from rich.table import Table
from servers import ServerError, postgres_server, spark_cluster

SCRIPTS = Path(__file__).resolve().parent.parent
PROJECT_FOLDER = SCRIPTS.parent
CONTRACTS = PROJECT_FOLDER / "models" / "marts" / "_marts__models.yml"
INPUTS = ("demo_bank", "online_retail")
ENGINES = ("duckdb", "postgres", "spark")
ARRIVED = "2026-09-19 00:00:00"
TOLERANCE = 1e-9
NO_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")


class StepError(Exception):
    """A command that failed; the text is the end of what it printed."""


@dataclass(frozen=True)
class Mart:
    """A mart by its contract: its key and the type of each of its columns."""

    name: str
    key: tuple[str, ...]
    types: Mapping[str, str]


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


def read_marts() -> list[Mart]:
    """The marts as their contracts declare them; the key is what unique_combination tests."""
    declared = yaml.safe_load(CONTRACTS.read_text(encoding="utf-8"))["models"]
    return [
        Mart(
            mart["name"],
            tuple(mart["data_tests"][0]["unique_combination"]["arguments"]["columns"]),
            {column["name"]: column["data_type"] for column in mart["columns"]},
        )
        for mart in declared
    ]


# ---- comparing ----------------------------------------------------------------------------------


def compare(
    connection: duckdb.DuckDBPyConnection, mart: Mart, engine: str, input_name: str
) -> MartDifference:
    """Compare the tables expected.<mart> and found.<mart> of a DuckDB connection."""
    name = mart.name
    values = [column for column in mart.types if column not in mart.key]
    on_key = " and ".join(f"expected.{key} is not distinct from found.{key}" for key in mart.key)
    differs = {column: differs_sql(column, mart.types[column]) for column in values}
    counted = ", ".join(f"count(*) filter ({sql})" for sql in differs.values())
    any_differs = " or ".join(differs.values())
    both = f"expected.{name} as expected inner join found.{name} as found on {on_key}"
    [(differing, *by_column)] = connection.execute(
        f"select count(*) filter ({any_differs}), {counted} from {both}"
    ).fetchall()
    only = "select count(*) from {0}.{2} as {0} anti join {1}.{2} as {1} on {3}"
    [(missing,)] = connection.execute(only.format("expected", "found", name, on_key)).fetchall()
    [(additional,)] = connection.execute(only.format("found", "expected", name, on_key)).fetchall()
    [(rows,)] = connection.execute(f"select count(*) from expected.{name}").fetchall()
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


# ---- the engines --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Engine:
    """A running engine: the environment that finds it, and where a DuckDB file would be."""

    name: str
    environment: Mapping[str, str]
    folder: Path

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.folder / "warehouse.duckdb"

    def run(self, *command: str) -> None:
        """Run a Python script or dbt to its end. Raises StepError."""
        environment = os.environ | {
            "DBT_PROFILES_DIR": str(PROJECT_FOLDER),
            "CRITICAL_CUSTOMERS_WAREHOUSE": str(self.warehouse),
            **self.environment,
        }
        done = subprocess.run(
            command,
            cwd=PROJECT_FOLDER,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            tail = "\n".join(done.stdout.strip().splitlines()[-25:])
            raise StepError(f"On {self.name} this failed: {' '.join(command)}\n{tail}")

    def load(self, delivery: Path, input_name: str) -> None:
        """Load a delivery as of one fixed arrival."""
        place = ["--warehouse", str(self.warehouse)] if self.name == "duckdb" else []
        self.run(
            *(sys.executable, str(SCRIPTS / "load_raw.py"), str(delivery), *place),
            *("--target", self.name, "--input-name", input_name, "--loaded-at", ARRIVED),
        )

    def build(self, variables: Mapping[str, object], arguments: Sequence[str] = NO_TESTS) -> None:
        """Build everything with dbt."""
        target = self.folder / "target"
        self.run(
            *(str(Path(sys.executable).parent / "dbt"), "build", "--target", self.name),
            *("--target-path", str(target), "--log-path", str(target), *arguments),
            *(["--vars", yaml.safe_dump(dict(variables))] if variables else []),
        )

    def fetch(self, connection: duckdb.DuckDBPyConnection, schema: str, mart: Mart) -> None:
        """Copy a mart into a schema of a DuckDB connection, typed as its contract says."""
        cells = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in mart.types.items())
        with self.export(mart) as relation:
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(
                f"create or replace table {schema}.{mart.name} as select {cells} from {relation}"
            )

    @contextmanager
    def export(self, mart: Mart) -> Iterator[str]:
        """A mart as a relation that DuckDB can read."""
        path = self.folder / f"{mart.name}.export"
        columns = ", ".join(mart.types)
        if self.name == "duckdb":
            with duckdb.connect(str(self.warehouse), read_only=True) as connection:
                connection.execute(f"copy marts.{mart.name} to '{path}' (format parquet)")
            yield f"read_parquet('{path}')"
        elif self.name == "postgres":
            import psycopg2

            place = {"host": "PGHOST", "user": "PGUSER", "dbname": "PGDATABASE"}
            connection = psycopg2.connect(**{k: self.environment[v] for k, v in place.items()})
            with connection, connection.cursor() as cursor, path.open("wb") as file:
                query = f"copy (select {columns} from marts.{mart.name}) to stdout (format csv)"
                cursor.copy_expert(
                    query.replace("(format csv)", "(format csv, force_quote *)"), file
                )
            connection.close()
            names = ", ".join(f"'{name}': 'varchar'" for name in mart.types)
            yield (
                f"read_csv('{path}', auto_detect = false, header = false, columns = {{{names}}}, "
                "delim = ',', quote = '\"', escape = '\"', nullstr = '', "
                "allow_quoted_nulls = false, new_line = '\\n', max_line_size = 10000000)"
            )
        else:
            from pyhive import hive

            connection = hive.connect(
                host=self.environment["SPARK_THRIFT_HOST"],
                port=int(self.environment["SPARK_THRIFT_PORT"]),
            )
            connection.cursor().execute(
                f"insert overwrite directory '{path}' using parquet "
                f"select {columns} from marts.{mart.name}"
            )
            connection.close()
            yield f"read_parquet('{path}/*.parquet')"


@contextmanager
def running_engine(name: str, folder: Path, database: str) -> Iterator[Engine]:
    """An engine with a folder of its own; its server, if it has one, runs while it is used."""
    folder.mkdir(parents=True, exist_ok=True)
    if name == "duckdb":
        yield Engine(name, {}, folder)
    elif name == "postgres":
        with postgres_server(folder, database) as environment:
            yield Engine(name, environment, folder)
    else:
        with spark_cluster(folder) as environment:
            yield Engine(name, environment, folder)


# ---- the command --------------------------------------------------------------------------------


def prepare_input(name: str, folder: Path, customers: int) -> tuple[Path, dict[str, object]]:
    """The delivery of an input and its vars; the demo bank is made."""
    if name != "demo_bank":
        delivery = PROJECT_FOLDER / "data" / name
        mapping = yaml.safe_load((delivery / "mapping.yml").read_text(encoding="utf-8"))
        return delivery, mapping.get("vars") or {}
    generator = str(SCRIPTS / "generate_demo.py")
    subprocess.run(
        [sys.executable, generator, str(folder / name), "--customers", str(customers)],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return folder / name / "delivery", {}


def build_input(
    engine: Engine, delivery: Path, input_name: str, variables: Mapping[str, object]
) -> tuple[float, float]:
    """Load and build; the seconds of both."""
    begun = time.perf_counter()
    engine.load(delivery, input_name)
    loaded = time.perf_counter()
    engine.build(variables)
    return loaded - begun, time.perf_counter() - loaded


def show(differences: Sequence[MartDifference], console: Console) -> None:
    """The table of differences."""
    table = Table(title="Rows of each mart beside DuckDB's", title_justify="left")
    for heading in ("input", "engine", "mart"):
        table.add_column(heading, no_wrap=True)
    for heading in ("rows", "lost", "extra", "other"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in differences:
        counts = (one.missing, one.additional, one.differing)
        table.add_row(
            *(one.input_name, one.engine, one.mart, f"{one.rows:,}"),
            *(f"[red]{count:,}" if count else "0" for count in counts),
        )
    console.print(table)
    for one in differences:
        if one.columns:
            where = ", ".join(f"{name} ({count:,})" for name, count in one.columns.items())
            console.print(
                f"{one.engine}, {one.input_name}, {one.mart}: {where}; {one.example}",
                markup=False,
                highlight=False,
            )


@click.command()
@click.option(
    "--engine", "engines", multiple=True, type=click.Choice(ENGINES[1:]), default=ENGINES[1:]
)
@click.option("--input", "inputs", multiple=True, type=click.Choice(INPUTS), default=INPUTS)
@click.option("--customers", default=20_000, show_default=True, help="Size of the demo bank.")
def main(engines: Sequence[str], inputs: Sequence[str], customers: int) -> None:
    """Build inputs on several engines and compare every mart with DuckDB's."""
    console = Console()
    marts, differences = read_marts(), []
    with TemporaryDirectory(prefix="engines") as place:
        folder = Path(place)
        for input_name in inputs:
            delivery, variables = prepare_input(input_name, folder, customers)
            connection = duckdb.connect()
            for name in ("duckdb", *engines):
                schema = "expected" if name == "duckdb" else "found"
                try:
                    with running_engine(name, folder / input_name / name, input_name) as engine:
                        loading, building = build_input(engine, delivery, input_name, variables)
                        console.print(
                            f"{input_name} on {name}: loaded in {loading:.0f} s, built in "
                            f"{building:.0f} s"
                        )
                        for mart in marts:
                            engine.fetch(connection, schema, mart)
                except (StepError, ServerError) as error:
                    raise click.ClickException(str(error)) from error
                if name != "duckdb":
                    differences += [compare(connection, mart, name, input_name) for mart in marts]
    show(differences, console)
    unequal = sum(not difference.is_equal for difference in differences)
    if unequal:
        raise click.ClickException(f"{unequal} of {len(differences)} marts differ from DuckDB's.")
    console.print(f"[green]All {len(differences)} marts are the same as DuckDB's.")


if __name__ == "__main__":
    main()
