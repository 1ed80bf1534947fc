"""Schema raw in a DuckDB file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from load.engines.raw_schema import RawSchema, grouped
from load.errors import WarehouseError, first_line

# a file that DuckDB 1.4 clients can open
STORAGE = {"storage_compatibility_version": "v1.4.0"}


class DuckDBRaw(RawSchema):
    """In a DuckDB file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Use an open connection."""
        self.connection = connection

    def execute(self, statement: str) -> None:
        """Run a statement."""
        self.connection.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.connection.execute(query).fetchall()

    def columns(self) -> dict[str, set[str]]:
        """The columns of each table."""
        return grouped(
            self.rows(
                "select table_name, column_name from duckdb_columns() "
                "where schema_name = 'raw' and database_name = current_database()"
            )
        )

    def insert(
        self, reader: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: str
    ) -> int:
        """Append rows; DuckDB reads the file itself."""
        [(count,)] = self.rows(
            f"insert into raw.{table} ({', '.join(columns)}) "
            f"select {', '.join(columns.values())} {rows}"
        )
        return count


@contextmanager
def open_duckdb(path: Path) -> Iterator[DuckDBRaw]:
    """A file inside one transaction; a failure rolls back and removes a file that was new."""
    if path.stem.lower() == "raw":
        raise WarehouseError(
            f"{path.name} cannot be a warehouse: it would be named like its schema raw; choose "
            "another name."
        )
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(path), config=STORAGE)
    except duckdb.Error as error:
        raise WarehouseError(
            f"The warehouse {path} cannot be opened; close the programs that have it open, or "
            f"choose another file: {first_line(error)}"
        ) from error
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.begin()
        yield DuckDBRaw(connection)
        connection.commit()
    except BaseException:
        # closing without commit rolls back
        connection.close()
        if is_new:
            for leftover in (path, path.with_name(path.name + ".wal")):
                leftover.unlink(missing_ok=True)
        raise
    connection.close()
