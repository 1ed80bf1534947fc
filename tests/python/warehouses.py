"""Warehouses that tests build: small, in a temporary folder, inside this process."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from build.run_dbt import PROJECT_FOLDER, run_dbt
from dbt.contracts.graph.manifest import Manifest
from load.delivery import load_delivery

NO_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")


@cache
def parsed_project(target_folder: Path) -> Manifest:
    """The project, parsed once a process; models take their vars anew in every run."""
    # a name that no file has: parsing opens no warehouse
    warehouse = target_folder / "warehouse.duckdb"
    return run_dbt("parse", warehouse=warehouse, target_folder=target_folder).result


class Warehouse:
    """A warehouse file and what a test does with it."""

    def __init__(self, folder: Path, target_folder: Path) -> None:
        # every warehouse has this file name, as the parsed project knows its database by it
        self.path = folder / "warehouse.duckdb"
        self.target_folder = target_folder

    def load(self, delivery: Path, **options: Any) -> Any:
        """Load a folder of files into schema raw."""
        return load_delivery(delivery, self.path, **options)

    def load_rows(self, **tables: pd.DataFrame) -> None:
        """Append rows of text (loaded_at: timestamp) to raw tables, made where they are missing."""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("create schema if not exists raw")
            for name, rows in tables.items():
                connection.register("rows", rows)
                types = {"loaded_at": "timestamp"}
                columns = ", ".join(
                    f"cast({column} as {types.get(column, 'varchar')}) as {column}"
                    for column in rows.columns
                )
                connection.execute(
                    f"create table if not exists raw.{name} as select {columns} from rows limit 0"
                )
                connection.execute(f"insert into raw.{name} by name select {columns} from rows")
                connection.unregister("rows")

    def build(self, *arguments: str, variables: Mapping[str, Any] | None = None) -> Any:
        """dbt build without data tests; give arguments to say otherwise."""
        return run_dbt(
            *(arguments or ("build", *NO_TESTS)),
            warehouse=self.path,
            variables=variables,
            target_folder=self.target_folder,
            manifest=parsed_project(self.target_folder),
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def value(self, query: str) -> Any:
        """The one cell of a query."""
        [(value,)] = self.rows(query)
        return value

    def frame(self, query: str) -> pd.DataFrame:
        """The rows of a query as a table of plain Python cells; decimals stay decimals."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description]
            return pd.DataFrame(cursor.fetchall(), columns=names, dtype=object)


def shared_data(name: str) -> Path | None:
    """A file that must not be copied into the project; None where this machine does not have it."""
    folder = Path(
        os.environ.get("CRITICAL_CUSTOMERS_SHARED_DATA", PROJECT_FOLDER.parent / "shared" / "data")
    )
    return folder / name if (folder / name).exists() else None
