"""Warehouses that tests build: small, in a temporary folder, inside this process."""

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from build.run_dbt import PROJECT_FOLDER, run_dbt
from dbt.cli.main import dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from load.delivery import load_delivery

NO_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
QUIET = ("--threads", "1", "--no-write-json", "--log-level-file", "none")
FIRST_BUILD = ("build", *NO_TESTS, *QUIET)
# what a further build has to do: seeds, and views on tables of this project, stay as they are
NEXT_BUILD = (
    "run",
    *QUIET,
    "--select",
    "base_*",
    *(f"config.materialized:{kind}" for kind in ("table", "incremental", "by_as_of_date")),
)
BUILT_SCHEMAS = (
    *("staging", "restricted", "identity", "activity", "history", "states", "critical", "marts"),
)
# set by each run, whatever the data say
OF_THE_RUN = ("needs_rebuild",)


def parse_project(target_folder: Path) -> None:
    """Parse the project; dbt keeps it in the folder."""
    # a name that no file has: parsing opens no warehouse
    run_dbt("parse", warehouse=target_folder / "warehouse.duckdb", target_folder=target_folder)


@cache
def parsed_project(target_folder: Path) -> Manifest:
    """The project as it was parsed; models take their vars anew in every run."""
    manifest = Manifest.from_msgpack((target_folder / "partial_parse.msgpack").read_bytes())
    # what macros read as "graph"
    manifest.build_flat_graph()
    return manifest


class Warehouse:
    """A warehouse file and what a test does with it."""

    def __init__(self, folder: Path, target_folder: Path) -> None:
        # every warehouse has this file name, as the parsed project knows its database by it
        self.path = folder / "warehouse.duckdb"
        self.target_folder = target_folder

    def copied(self, folder: Path) -> "Warehouse":
        """A warehouse of its own, in another folder, that begins as this one is."""
        shutil.copy(self.path, folder)
        return Warehouse(folder, self.target_folder)

    def load(self, delivery: Path, **options: Any) -> Any:
        """Load a folder of files into schema raw."""
        return load_delivery(delivery, self.path, **options)

    def load_rows(self, **tables: pd.DataFrame) -> None:
        """Append rows of text (loaded_at: timestamp) to raw tables, made where they are missing."""
        with duckdb.connect(str(self.path)) as connection:
            insert_rows(connection, **tables)

    def build(self, *arguments: str, **options: Any) -> dbtRunnerResult:
        """dbt build without data tests; give arguments to say otherwise. options: of run_dbt."""
        return run_dbt(
            *(arguments or ("build", *NO_TESTS)),
            warehouse=self.path,
            target_folder=self.target_folder,
            manifest=parsed_project(self.target_folder),
            **options,
        )

    @contextmanager
    def reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for queries."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            yield connection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.reader() as connection:
            return connection.execute(query).fetchall()

    def value(self, query: str) -> Any:
        """The one cell of a query."""
        [(value,)] = self.rows(query)
        return value

    def frame(self, query: str) -> pd.DataFrame:
        """The rows of a query as a table of plain Python cells; decimals stay decimals."""
        with self.reader() as connection:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description]
            return pd.DataFrame(cursor.fetchall(), columns=names, dtype=object)


def shared_data(name: str) -> Path | None:
    """A file that must not be copied into the project; None where this machine does not have it."""
    folder = Path(
        os.environ.get("CRITICAL_CUSTOMERS_SHARED_DATA", PROJECT_FOLDER.parent / "shared" / "data")
    )
    return folder / name if (folder / name).exists() else None


def insert_rows(connection: duckdb.DuckDBPyConnection, **tables: pd.DataFrame) -> None:
    """Append rows of text (loaded_at: timestamp) to raw tables, made where they are missing."""
    connection.execute("create schema if not exists raw")
    for name, rows in tables.items():
        connection.register("rows", rows)
        columns = ", ".join(
            f"cast({column} as {'timestamp' if column == 'loaded_at' else 'varchar'}) as {column}"
            for column in rows.columns
        )
        connection.execute(
            f"create table if not exists raw.{name} as select {columns} from rows limit 0"
        )
        connection.execute(f"insert into raw.{name} by name select {columns} from rows")
        connection.unregister("rows")


# ---- comparing warehouses ------------------------------------------------------------------------


def relations(warehouse: Warehouse, kind: str = "%", column: str = "%") -> list[str]:
    """What was built from the data: tables and views, or one kind, or those with a column."""
    return [
        f"{schema}.{name}"
        for schema, name in warehouse.rows(
            f"""
            select distinct table_schema, table_name
            from information_schema.tables
            inner join information_schema.columns using (table_schema, table_name)
            where table_schema in {BUILT_SCHEMAS}
                and table_type like '{kind}' and column_name like '{column}'
            order by all
            """
        )
    ]


def comparable(
    warehouse: Warehouse, names: Iterable[str], where: str, without: Iterable[str]
) -> dict[str, str]:
    """A query of each relation; floats to nine decimals, as they may be summed in any order."""
    columns = warehouse.rows(
        f"""
        select concat(table_schema, '.', table_name), column_name, data_type
        from information_schema.columns
        where table_schema in {BUILT_SCHEMAS} and column_name not in {(*without, "")}
        order by ordinal_position
        """
    )
    return {
        name: "select "
        + ", ".join(
            f"round({column}, 9) as {column}" if data_type == "DOUBLE" else column
            for relation, column, data_type in columns
            if relation == name
        )
        + f" from {name} where {where}"
        for name in names
    }


def differences(
    left: Warehouse,
    right: Warehouse,
    names: Iterable[str],
    where: str = "true",
    without: Iterable[str] = OF_THE_RUN,
) -> str:
    """What relations hold on one side only, for a person to read; empty where they are the same."""
    queries = comparable(right, names, where, without)
    # rows are compared one by one only where their hashes do not add up to the same
    sums = " union all ".join(
        f"select '{name}', count(*), sum(cast(hash(found) as hugeint)) from ({query}) as found"
        for name, query in queries.items()
    )
    unequal = sorted({name for name, *_ in set(left.rows(sums)) ^ set(right.rows(sums))})
    return "\n".join(difference(left, right, name, queries[name]) for name in unequal)


def difference(left: Warehouse, right: Warehouse, name: str, query: str) -> str:
    """How many rows one side only has, and one of them with the row that comes nearest to it."""
    one, other = (Counter(side.rows(query)) for side in (left, right))
    only_left, only_right = list((one - other).elements()), list((other - one).elements())
    columns = list(left.frame(f"{query} limit 0").columns)
    lines = [f"{name}: {len(only_left)} rows only left, {len(only_right)} only right"]
    for row in (only_left or only_right)[:1]:
        candidates = only_right if only_left else []
        nearest = max(candidates, key=lambda found: matches(found, row), default=[None] * len(row))
        cells = zip(columns, row, nearest, strict=True)
        lines += [
            f"    {column}: {cell!r} <> {near!r}" for column, cell, near in cells if cell != near
        ]
        lines.append(f"    in {dict(zip(columns, row, strict=True))}")
    return "\n".join(lines)


def matches(row: Iterable[Any], other: Iterable[Any]) -> int:
    return sum(cell == near for cell, near in zip(row, other, strict=True))
