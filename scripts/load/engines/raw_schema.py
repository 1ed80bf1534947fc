"""Schema raw of a warehouse, as the loader sees it: the same few steps on every engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from load.sql import literal

if TYPE_CHECKING:
    import duckdb

TARGETS = ("duckdb", "postgres", "spark")


class RawSchema(ABC):
    """Schema raw. Raises WarehouseError, and duckdb.Error for what DuckDB says of a file."""

    types: Mapping[str, str] = {"text": "varchar", "timestamp": "timestamp", "count": "bigint"}

    @abstractmethod
    def execute(self, statement: str) -> None:
        """Run a statement."""

    @abstractmethod
    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""

    @abstractmethod
    def columns(self) -> dict[str, set[str]]:
        """The columns of each table there is, in lower case."""

    @abstractmethod
    def insert(
        self, reader: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: str
    ) -> int:
        """Append rows and return how many.

        columns gives the DuckDB SQL of each column of the table, rows the relation that it is over
        ("from" and "where" of a query); where the engine does not run it, the reader does.
        """

    def create_schema(self) -> None:
        """Make the schema where it is missing."""
        self.execute("create schema if not exists raw")

    def create_table(self, table: str, columns: Mapping[str, str]) -> None:
        """Make a table; columns gives text, timestamp or count for each."""
        declared = ", ".join(f"{name} {self.types[kind]}" for name, kind in columns.items())
        self.execute(f"create table raw.{table} ({declared})")

    def add_column(self, table: str, column: str, kind: str) -> None:
        """Add a column that is null so far."""
        self.execute(f"alter table raw.{table} add column {column} {self.types[kind]}")

    def append(self, table: str, cells: Sequence[str | int | datetime | None]) -> None:
        """Append one row; times are UTC."""
        self.execute(f"insert into raw.{table} values ({', '.join(map(self.literal, cells))})")

    def newest_arrival(self, table: str) -> datetime | None:
        """The largest loaded_at of a table (UTC), none where it is empty."""
        [(newest,)] = self.rows(f"select max(loaded_at) from raw.{table}")
        return newest

    @staticmethod
    def literal(cell: str | int | datetime | None) -> str:
        """A cell as SQL."""
        if cell is None:
            return "null"
        if isinstance(cell, int):
            return str(cell)
        if isinstance(cell, datetime):
            return f"timestamp '{cell}'"
        return literal(cell)


def grouped(rows: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Columns by table from pairs of both."""
    columns: dict[str, set[str]] = {}
    for table, column in rows:
        columns.setdefault(table, set()).add(column.lower())
    return columns
