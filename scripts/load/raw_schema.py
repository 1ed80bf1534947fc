"""Schema raw of a warehouse, as the loader sees it: the same few steps on every engine.

DuckDB and PostgreSQL take a delivery in one transaction. Spark has none: a file whose loading
broke off is loaded again by the next one, and its rows that had arrived count as duplicates.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
# a file that DuckDB 1.4 clients can open
STORAGE = {"storage_compatibility_version": "v1.4.0"}
TARGETS = ("duckdb", "postgres", "spark")


class WarehouseError(Exception):
    """A warehouse that cannot be used; the text says which, why, and the mend."""


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
        return "'" + cell.replace("'", "''") + "'"


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
            f"copy (select {cells} {rows}) to {self.literal(str(path))} "
            "(format csv, header false, force_quote *)"
        )
        with path.open("rb") as file, self.connection.cursor() as cursor:
            cursor.copy_expert(
                f"copy raw.{table} ({', '.join(columns)}) from stdin (format csv)", file
            )
            count = cursor.rowcount
        path.unlink()
        return count


class SparkRaw(RawSchema):
    """In a Spark catalog; rows arrive as a Parquet file in a folder that the cluster can read."""

    types: Mapping[str, str] = {"text": "string", "timestamp": "timestamp", "count": "bigint"}

    def __init__(self, connection: Any, landing: Path) -> None:
        """Use an open PyHive connection and the folder."""
        self.connection = connection
        self.landing = landing

    def execute(self, statement: str) -> None:
        """Run a statement."""
        self.connection.cursor().execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        cursor = self.connection.cursor()
        cursor.execute(query)
        return cursor.fetchall()

    def columns(self) -> dict[str, set[str]]:
        """The columns of each table."""
        tables = [table for _, table, _ in self.rows("show tables in raw")]
        return {
            table: {row[0].lower() for row in self.rows(f"show columns in raw.{table}")}
            for table in tables
        }

    def create_table(self, table: str, columns: Mapping[str, str]) -> None:
        """Make a table of Parquet files."""
        declared = ", ".join(f"{name} {self.types[kind]}" for name, kind in columns.items())
        self.execute(f"create table raw.{table} ({declared}) using parquet")

    def add_column(self, table: str, column: str, kind: str) -> None:
        """Add a column that is null so far."""
        self.execute(f"alter table raw.{table} add columns ({column} {self.types[kind]})")

    def newest_arrival(self, table: str) -> datetime | None:
        """The largest loaded_at of a table (UTC); the server gives times as text."""
        [(newest,)] = self.rows(f"select cast(max(loaded_at) as string) from raw.{table}")
        return None if newest is None else datetime.fromisoformat(newest)

    def insert(
        self, reader: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: str
    ) -> int:
        """Append rows by way of a Parquet file."""
        path = self.landing / f"{table}.parquet"
        cells = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
        [(count,)] = reader.execute(
            f"copy (select {cells} {rows}) to {self.literal(str(path))} (format parquet)"
        ).fetchall()
        names = ", ".join(columns)
        self.execute(f"insert into raw.{table} ({names}) select {names} from parquet.`{path}`")
        path.unlink()
        return count


def grouped(rows: list[tuple[str, str]]) -> dict[str, set[str]]:
    """Columns by table from pairs of both."""
    columns: dict[str, set[str]] = {}
    for table, column in rows:
        columns.setdefault(table, set()).add(column.lower())
    return columns


# ---- opening ------------------------------------------------------------------------------------


@contextmanager
def open_raw(target: str, warehouse: Path | None = None) -> Iterator[RawSchema]:
    """Schema raw of a target of profiles.yml; for duckdb, of a file. All of it or nothing."""
    if target == "duckdb":
        if warehouse is None:
            raise WarehouseError("Name the DuckDB file with --warehouse.")
        with open_duckdb(warehouse) as raw:
            yield raw
        return
    if warehouse is not None:
        raise WarehouseError(
            f"--warehouse names a DuckDB file; {target} is found by its settings in profiles.yml."
        )
    with (open_postgres if target == "postgres" else open_spark)(credentials(target)) as raw:
        yield raw


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


@contextmanager
def open_spark(settings: Any) -> Iterator[SparkRaw]:
    """A catalog behind a Thrift server. SPARK_LANDING_FOLDER is where files are handed over."""
    from pyhive import exc, hive
    from thrift.transport.TTransport import TTransportException

    place = f"Spark Thrift server at {settings.host}:{settings.port}"
    try:
        connection = hive.connect(
            host=settings.host,
            port=settings.port,
            configuration={"spark.sql.session.timeZone": "UTC"},
        )
    except (TTransportException, exc.Error, OSError) as error:
        raise WarehouseError(
            f"The {place} does not answer; see that it runs and that SPARK_THRIFT_HOST and "
            f"SPARK_THRIFT_PORT are right: {first_line(error)}."
        ) from error
    try:
        with landing_folder() as landing:
            yield SparkRaw(connection, landing)
    except (TTransportException, exc.Error) as error:
        raise WarehouseError(f"The {place} failed: {spark_message(error)}.") from error
    finally:
        connection.close()


@contextmanager
def landing_folder() -> Iterator[Path]:
    """A folder for one load in SPARK_LANDING_FOLDER; the workers may read it as another user."""
    place = os.environ.get("SPARK_LANDING_FOLDER")
    try:
        folder = TemporaryDirectory(dir=place)
    except OSError as error:
        raise WarehouseError(
            f"No file can be handed over to Spark in {place or 'the folder of temporary files'} "
            f"({error.strerror}); set SPARK_LANDING_FOLDER to a folder that this user may write "
            "and every worker reads."
        ) from error
    with folder as name:
        Path(name).chmod(0o755)
        yield Path(name)


def credentials(target: str) -> Any:
    """The credentials of a target as dbt reads them from profiles.yml."""
    # takes two seconds, which a load into DuckDB need not wait for
    from dbt.config.runtime import load_profile
    from dbt.flags import set_from_args
    from dbt_common.context import set_invocation_context

    set_from_args(Namespace(PROFILES_DIR=PROJECT_FOLDER), {})
    set_invocation_context(os.environ)
    return load_profile(str(PROJECT_FOLDER), {}, target_override=target).credentials


def spark_message(error: Exception) -> str:
    """What a Thrift server says, without the trace of the server."""
    status = getattr(error.args[0], "status", None) if error.args else None
    return first_line(status.errorMessage if status is not None else error)


def first_line(error: Exception | str) -> str:
    """The first line of a message, without its full stop."""
    return next(iter(str(error).splitlines()), "unknown").rstrip(" .")
