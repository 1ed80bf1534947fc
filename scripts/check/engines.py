"""An engine: how to load, build and read marts, the same way on each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml
from check.servers import postgres_server, spark_cluster

SCRIPTS = Path(__file__).resolve().parent.parent
PROJECT_FOLDER = SCRIPTS.parent
MARTS = PROJECT_FOLDER / "models" / "marts"
ENGINES = ("duckdb", "postgres", "spark")
SCHEMAS = (
    *(
        "raw",
        "seeds",
        "staging",
        "restricted",
        "identity",
        "activity",
        "history",
        "states",
        "critical",
    ),
    *("marts_built", "marts"),
)
# a line of a Java stack trace
JAVA_FRAME = re.compile(r"\s+(at [\w.$/]+\S*\(.*\)|\.\.\. \d+ more)$")
# a class that Spark lacks and, rarely, needs when it closes a session; the client's run fails, and
# succeeds when it is started again
MISSING_IN_SPARK = "hive/llap/security/LlapSigner"
NO_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")


class StepError(Exception):
    """A command that failed; the text is the end of what it printed, without stack traces."""


@dataclass(frozen=True)
class Mart:
    """A mart by its contract: its key and the type of each of its columns."""

    name: str
    key: tuple[str, ...]
    types: Mapping[str, str]


def read_marts() -> list[Mart]:
    """The marts as their contracts declare them; the key is what unique_combination tests."""
    contracts = [
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted(MARTS.rglob("*.yml"))
        if not path.name.endswith(".expectations.yml")
    ]
    declared = [mart for contract in contracts for mart in contract.get("models", [])]
    return [
        Mart(
            mart["name"],
            tuple(mart["data_tests"][0]["unique_combination"]["arguments"]["columns"]),
            {column["name"]: column["data_type"] for column in mart["columns"]},
        )
        for mart in declared
    ]


@dataclass(frozen=True)
class Engine:
    """A running engine: the environment that finds it, and a folder for its files."""

    name: str
    environment: Mapping[str, str]
    folder: Path

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.folder / "warehouse.duckdb"

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command on this engine; what it prints can be read from its stdout."""
        environment = os.environ | {
            "DBT_PROFILES_DIR": str(PROJECT_FOLDER),
            "CRITICAL_CUSTOMERS_WAREHOUSE": str(self.warehouse),
            **self.environment,
        }
        return subprocess.Popen(
            command,
            cwd=PROJECT_FOLDER,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str) -> str:
        """Run a command to its end and return what it printed. Raises StepError."""
        process = self.start(*command)
        printed, _ = process.communicate()
        if process.returncode:
            lines = [line for line in printed.strip().splitlines() if not JAVA_FRAME.match(line)]
            tail = "\n".join(lines[-25:])
            raise StepError(f"On {self.name} this failed: {' '.join(command)}\n{tail}")
        return printed

    def load(self, delivery: Path, input_name: str, arrived: str) -> None:
        """Load a delivery as of a fixed arrival (UTC)."""
        place = ["--warehouse", str(self.warehouse)] if self.name == "duckdb" else []
        self.run(
            *(sys.executable, str(SCRIPTS / "load" / "load_raw.py"), str(delivery), *place),
            *("--target", self.name, "--input-name", input_name, "--loaded-at", arrived),
        )

    def dbt(self, *arguments: str, variables: Mapping[str, object] | None = None) -> str:
        """Run dbt and return what it printed. Raises StepError."""
        command = self.dbt_command(*arguments, variables=variables)
        try:
            return self.run(*command)
        except StepError as error:
            if MISSING_IN_SPARK not in str(error):
                raise
            return self.run(*command)

    def dbt_command(
        self, *arguments: str, variables: Mapping[str, object] | None = None
    ) -> list[str]:
        """The command that runs dbt on this engine."""
        target = str(self.folder / "target")
        return [
            *(str(Path(sys.executable).parent / "dbt"), *arguments, "--target", self.name),
            *("--target-path", target, "--log-path", target),
            *(["--vars", yaml.safe_dump(dict(variables))] if variables else []),
        ]

    def statements(self, statements: Sequence[str]) -> None:
        """Run SQL."""
        if self.name == "duckdb":
            with duckdb.connect(str(self.warehouse)) as connection:
                for statement in statements:
                    connection.execute(statement)
        elif self.name == "postgres":
            with self.postgres() as connection, connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        else:
            with self.spark() as connection:
                for statement in statements:
                    connection.cursor().execute(statement)

    def clear(self) -> None:
        """Drop everything, so that another input can be loaded."""
        if self.name == "duckdb":
            self.warehouse.unlink(missing_ok=True)
        else:
            self.statements([f"drop schema if exists {schema} cascade" for schema in SCHEMAS])

    def fetch(self, connection: duckdb.DuckDBPyConnection, schema: str, mart: Mart) -> None:
        """Copy a mart into a schema of a DuckDB connection, typed as its contract says."""
        cells = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in mart.types.items())
        connection.execute(f"create schema if not exists {schema}")
        connection.execute(
            f"create or replace table {schema}.{mart.name} as select {cells} "
            f"from {self.exported(mart)}"
        )

    def exported(self, mart: Mart) -> str:
        """A mart, written into the folder, as a relation that DuckDB can read."""
        path = self.folder / f"{mart.name}.export"
        query = f"select {', '.join(mart.types)} from marts.{mart.name}"
        if self.name == "duckdb":
            with duckdb.connect(str(self.warehouse), read_only=True) as connection:
                connection.execute(f"copy ({query}) to '{path}' (format parquet)")
            return f"read_parquet('{path}')"
        if self.name == "spark":
            self.statements([f"insert overwrite directory '{path}' using parquet {query}"])
            return f"read_parquet('{path}/*.parquet')"
        with self.postgres() as connection, connection.cursor() as cursor, path.open("wb") as file:
            cursor.copy_expert(f"copy ({query}) to stdout (format csv, force_quote *)", file)
        names = ", ".join(f"'{name}': 'varchar'" for name in mart.types)
        return (
            f"read_csv('{path}', auto_detect = false, header = false, columns = {{{names}}}, "
            "delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false)"
        )

    @contextmanager
    def postgres(self) -> Iterator:
        """A connection to the server, inside one transaction."""
        import psycopg2

        place = {"host": "PGHOST", "user": "PGUSER", "dbname": "PGDATABASE"}
        connection = psycopg2.connect(**{k: self.environment[v] for k, v in place.items()})
        try:
            yield connection
            connection.commit()
        finally:
            connection.close()

    @contextmanager
    def spark(self) -> Iterator:
        """A connection to the Thrift server."""
        from pyhive import hive

        connection = hive.connect(
            host=self.environment["SPARK_THRIFT_HOST"],
            port=int(self.environment["SPARK_THRIFT_PORT"]),
        )
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def running_engine(name: str, folder: Path) -> Iterator[Engine]:
    """An engine with a folder of its own; its server, if it has one, runs while it is used."""
    folder.mkdir(parents=True, exist_ok=True)
    if name == "duckdb":
        yield Engine(name, {}, folder)
        return
    with (postgres_server if name == "postgres" else spark_cluster)(folder) as environment:
        yield Engine(name, environment, folder)
