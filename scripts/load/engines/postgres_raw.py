"""Schema raw in a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from load.engines.raw_schema import RawSchema, grouped
from load.errors import WarehouseError, first_line
from load.sql import literal

if TYPE_CHECKING:
    import duckdb


class PostgresRaw(RawSchema):
    """In a PostgreSQL database; rows arrive by COPY."""

    def __init__(self, connection: Any, scratch: Path) -> None:
        """Use an open psycopg2 connection and a folder for files on their way."""
        self.connection = connection
        self.scratch = scratch

    def execute(self, statement: str) -> None:
        """Run a statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def columns(self) -> dict[str, set[str]]:
        """The columns of each table."""
        return grouped(
            self.rows(
                "select table_name, column_name from information_schema.columns "
                "where table_schema = 'raw'"
            )
        )

    def insert(
        self, reader: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: str
    ) -> int:
        """Append rows by way of a CSV file, in which only null stands without quotes.

        PostgreSQL has no text with a zero byte; it arrives as the character of broken text.
        """
        path = self.scratch / f"{table}.csv"
        cells = ", ".join(
            sql if name == "loaded_at" else f"replace({sql}, chr(0), '\ufffd')"
            for name, sql in columns.items()
        )
        reader.execute(
            f"copy (select {cells} {rows}) to {literal(str(path))} "
            "(format csv, header false, force_quote *)"
        )
        with path.open("rb") as file, self.connection.cursor() as cursor:
            cursor.copy_expert(
                f"copy raw.{table} ({', '.join(columns)}) from stdin (format csv)", file
            )
            count = cursor.rowcount
        path.unlink()
        return count


@contextmanager
def open_postgres(settings: Any) -> Iterator[PostgresRaw]:
    """A database inside one transaction."""
    import psycopg2

    place = f"PostgreSQL database {settings.database} at {settings.host}:{settings.port}"
    try:
        connection = psycopg2.connect(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            password=settings.password,
            dbname=settings.database,
        )
    except psycopg2.Error as error:
        raise WarehouseError(
            f"The {place} cannot be opened as user {settings.user}; see that it runs and that "
            f"PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE are right: {first_line(error)}."
        ) from error
    try:
        with TemporaryDirectory() as scratch:
            raw = PostgresRaw(connection, Path(scratch))
            raw.execute("set TimeZone = 'UTC'")
            yield raw
        connection.commit()
    except psycopg2.Error as error:
        raise WarehouseError(f"The {place} took nothing: {first_line(error)}.") from error
    finally:
        # closing without commit rolls back
        connection.close()
