"""Schema raw in a Spark catalog.

Spark has no transactions: a file whose loading broke off is loaded again by the next load, and its
rows that had arrived count as duplicates.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from load.engines.raw_schema import RawSchema
from load.errors import WarehouseError, first_line
from load.sql import literal

if TYPE_CHECKING:
    import duckdb


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
            f"copy (select {cells} {rows}) to {literal(str(path))} (format parquet)"
        ).fetchall()
        names = ", ".join(columns)
        self.execute(f"insert into raw.{table} ({names}) select {names} from parquet.`{path}`")
        path.unlink()
        return count


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


def spark_message(error: Exception) -> str:
    """What a Thrift server says, without the trace of the server."""
    status = getattr(error.args[0], "status", None) if error.args else None
    return first_line(status.errorMessage if status is not None else error)
