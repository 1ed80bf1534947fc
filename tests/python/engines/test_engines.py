"""PostgreSQL gives the marts that DuckDB gives, day after day; what cannot be reached is named.

The server is a real one, on a socket in a temporary folder. Spark is compared by
scripts/check/compare_engines.py, which takes minutes.
"""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest.mock import patch

import duckdb
import psutil
import pytest
from build.run_dbt import WAREHOUSE_VARIABLE, release_warehouse
from check import servers
from check.compare_engines import compare
from check.engines import NO_TESTS, PROJECT_FOLDER, Engine, StepError, read_marts
from check.servers import ServerError, find_java, thrift_settings
from children import kill, start_child
from dbt.adapters.spark.connections import PyhiveConnectionWrapper
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt_common.exceptions import DbtRuntimeError
from demo.generate_demo import generate_demo
from load.delivery import load_delivery
from load.engines.postgres_raw import PostgresRaw, open_postgres
from load.engines.spark_raw import landing_folder
from load.engines.targets import credentials
from load.errors import DeliveryError, WarehouseError
from made_once import DEMO, PROJECT, MadeOnce
from warehouses import parsed_project

ARRIVALS = ("2026-09-19 00:00:00", "2026-09-20 00:00:00", "2026-09-22 00:00:00")
# of a month that is over, so that its month-end is built again
LATE = (
    "transaction_id,customer_id,occurred_at,amount,transaction_type\n"
    "late,late,2026-08-20 04:00:00,70000,purchase\n"
)
# the last mart of a build cannot be made, as on a full disk
LAST_MART_FAILS = """
create function stop_customers() returns event_trigger language plpgsql as $$
begin
    if exists (
        select from pg_event_trigger_ddl_commands()
        where object_identity like 'marts_built.customers\\_\\_%'
    ) then
        raise exception 'no space left on device';
    end if;
end $$;
create event trigger stop_customers on ddl_command_end
when tag in ('CREATE TABLE', 'CREATE TABLE AS') execute function stop_customers()
"""

# otherwise each row of today that is recomputed is looked for in all of them
TODAY_IS_COUNTED = """
select most_common_vals::text like '%2026-09-19%'
from pg_stats
where
    attname = 'as_of_date'
    and tablename in ('int_purchase_metrics', 'int_interaction_metrics')
"""
# the connections of a build
OF_DBT = """
select from pg_stat_activity where pid != pg_backend_pid() and query like '%"app": "dbt"%'
"""


@dataclass(frozen=True)
class InProcess(Engine):
    """An engine whose commands run in this process: nothing is imported or parsed for them.

    target_folder: where dbt has parsed the project for this engine, and writes.
    """

    target_folder: Path

    @contextmanager
    def found(self) -> Iterator[None]:
        """Let profiles.yml find the engine."""
        places = {**self.environment, WAREHOUSE_VARIABLE: str(self.warehouse)}
        with patch.dict(os.environ, places):
            yield

    def load(self, delivery: Path, input_name: str, arrived: str) -> None:
        place = {"warehouse": self.warehouse} if self.name == "duckdb" else {"target": self.name}
        with self.found():
            load_delivery(delivery, input_name=input_name, loaded_at=arrived, **place)

    def dbt(self, *arguments: str) -> str:
        result, printed = self.invoke(*arguments)
        if not result.success:
            raise StepError(f"On {self.name} this failed: {result.exception or ''}\n{printed}")
        return printed

    def invoke(self, *arguments: str) -> tuple[dbtRunnerResult, str]:
        """Run dbt; its result and what it printed."""
        manifest = None if arguments[0] == "parse" else parsed_project(self.target_folder)
        folder = str(self.target_folder)
        options = ["--target", self.name, "--target-path", folder, "--log-path", folder]
        options += ["--project-dir", str(PROJECT_FOLDER), "--profiles-dir", str(PROJECT_FOLDER)]
        with self.found(), redirect_stdout(StringIO()) as printed:
            try:
                result = dbtRunner(manifest=manifest).invoke([*arguments, *options])
            finally:
                release_warehouse()
        return result, printed.getvalue()


@pytest.fixture(scope="module")
def postgres(postgres: Engine, made_once: MadeOnce) -> InProcess:
    def server(target_folder: Path) -> InProcess:
        return InProcess(postgres.name, postgres.environment, postgres.folder, target_folder)

    def make(folder: Path) -> None:
        server(folder).dbt("parse")

    return server(made_once("parsed_for_postgres", make, *PROJECT))


@pytest.fixture(scope="module")
def bank(made_once: MadeOnce) -> list[Path]:
    """The deliveries of a small bank: its history, and two of the three days after it."""

    def make(folder: Path) -> None:
        generate_demo(folder, customers=300, then_days=3)

    folder = made_once("bank_of_300", make, *DEMO)
    return [folder / "delivery", *sorted((folder / "days").iterdir())]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, target_folder: Path) -> Engine:
    """DuckDB, which the server is compared with."""
    return InProcess("duckdb", {}, tmp_path_factory.mktemp("embedded"), target_folder)


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def unequal(
    embedded: Engine, other: Engine, connection: duckdb.DuckDBPyConnection
) -> dict[str, object]:
    """The marts that differ, each with how."""
    marts = read_marts()
    for engine in (embedded, other):
        for mart in marts:
            engine.fetch(connection, f"{engine.name}_bank", mart)
    found = {mart.name: compare(connection, mart, other.name, "bank") for mart in marts}
    assert all(one.rows for one in found.values())
    return {name: one for name, one in found.items() if not one.is_equal}


@pytest.fixture(scope="module")
def two_days(bank: list[Path], embedded: Engine, postgres: Engine) -> list[dict[str, object]]:
    """Both engines hold two deliveries, built one after the other; the marts that then differed."""
    found = []
    for delivery, arrived in list(zip(bank, ARRIVALS, strict=True))[:2]:
        for engine in (embedded, postgres):
            engine.load(delivery, "bank", arrived)
            engine.dbt("build", *NO_TESTS)
        with duckdb.connect() as connection:
            found.append(unequal(embedded, postgres, connection))
    return found


def test_every_mart_of_postgres_is_that_of_duckdb_and_stays_so(two_days, postgres):
    assert two_days == [{}, {}]
    with postgres.postgres() as connection, connection.cursor() as cursor:
        cursor.execute(TODAY_IS_COUNTED)
        assert cursor.fetchall() == 2 * [(True,)]
    postgres.dbt("test", "--select", "path:tests/cross_engine", "path:tests/totals")


def test_a_step_that_fails_says_what_went_wrong_and_not_where_in_the_engine(embedded):
    message = "Not enough memory to build\n" + 30 * "\tat org.apache.spark.X$.run(X.scala:7)\n"
    program = f"print({message + chr(9) + '... 22 more'!r}); print('Done.'); raise SystemExit(1)"
    with pytest.raises(StepError) as error:
        embedded.run(sys.executable, "-c", program)
    assert str(error.value).endswith("\nNot enough memory to build\nDone.")


def what_people_read(cursor) -> dict[str, str]:
    """By mart, a digest of its rows in any order."""
    digests = {}
    for mart in read_marts():
        rows = "string_agg(cast(mart as text), '|' order by cast(mart as text))"
        cursor.execute(f"select md5({rows}) from marts.{mart.name} as mart")
        [(digests[mart.name],)] = cursor.fetchall()
    return digests


def wait_for(is_so: Callable[[], bool]) -> None:
    """Until something is so; five minutes at most, for a machine that has much else to do."""
    deadline = time.monotonic() + 300
    while not is_so():
        assert time.monotonic() < deadline, "This has not come in five minutes."
        time.sleep(0.05)


def wait_until(cursor, condition: str) -> None:
    """Until a condition is true for the server."""

    def is_so() -> bool:
        cursor.execute(f"select {condition}")
        return cursor.fetchall() == [(True,)]

    wait_for(is_so)


def kill_while_publishing(postgres: InProcess, cursor) -> dict[str, str]:
    """Kill a build that waits to change the last mart; what people read, by another, until then."""
    with postgres.postgres() as holder:
        holder.cursor().execute("lock table marts.revenue_concentration in share mode")
        build = start_child(lambda: postgres.invoke("build", *NO_TESTS))
        try:
            waits = (
                """wait_event_type = 'Lock' and query like '%"marts"."revenue_concentration"%'"""
            )
            wait_until(cursor, f"exists ({OF_DBT} and {waits})")
            return what_people_read(cursor)
        finally:
            kill(build)


def test_who_reads_postgres_has_yesterday_until_all_of_today_is_there(
    two_days, bank, embedded, postgres, tmp_path
):
    """A reader has the marts open while one build fails at its last mart, another builds but one,
    and a third is killed when it has brought some marts to their readers and others not."""
    postgres.statements(["create role reader", "grant select on marts.customers to reader"])
    late = tmp_path / "late"
    late.mkdir()
    (late / "transactions.csv").write_text(LATE, encoding="utf-8")
    for delivery in (bank[2], late):
        postgres.load(delivery, "bank", ARRIVALS[2])
    with postgres.postgres() as reader, postgres.postgres() as another:
        reader.set_session(isolation_level="REPEATABLE READ")
        another.autocommit = True
        with reader.cursor() as long_open, another.cursor() as cursor:
            yesterday = what_people_read(long_open)
            postgres.statements([LAST_MART_FAILS])
            with pytest.raises(StepError, match=r"because this failed: customers\s") as said:
                postgres.dbt("build", *NO_TESTS)
            assert "A disk of the server is full: make room on it. Then build again" in str(
                said.value
            )
            # today is built, all but the last mart, and not what people read
            cursor.execute("select max(as_of_date) from marts_built.critical_customers")
            [(today,)] = cursor.fetchall()
            cursor.execute("select max(as_of_date) from marts.critical_customers")
            assert cursor.fetchall() < [(today,)]
            assert what_people_read(cursor) == yesterday
            postgres.statements(["drop event trigger stop_customers"])
            part = postgres.dbt("build", *NO_TESTS, "--select", "customers")
            assert "because not every mart was built" in part
            assert what_people_read(cursor) == yesterday

            # all marts but one have today's rows then, for the build alone
            assert kill_while_publishing(postgres, cursor) == yesterday
            wait_until(cursor, f"not exists ({OF_DBT})")
            assert what_people_read(cursor) == yesterday

            printed = postgres.dbt("build", *NO_TESTS)
            assert "if this fails, it stays as it was" in printed
            # nobody waited for the reader, who still has yesterday, and grants are what they were
            assert what_people_read(long_open) == yesterday
            today = what_people_read(cursor)
            assert not [mart for mart in today if today[mart] == yesterday[mart]]
            cursor.execute("select has_table_privilege('reader', 'marts.customers', 'select')")
            assert cursor.fetchall() == [(True,)]
            cursor.execute(
                "select obj_description(oid), col_description(oid, 1) from pg_class "
                "where oid = 'marts.customers'::regclass"
            )
            assert None not in cursor.fetchall()[0]
    # a table of another version is replaced, with all of its dates
    postgres.statements(["alter table marts.turning_points rename column strength to weakness"])
    postgres.dbt("build", *NO_TESTS)
    at_once = InProcess("duckdb", {}, tmp_path, embedded.target_folder)
    for delivery, arrived in zip([*bank, late], [*ARRIVALS, ARRIVALS[2]], strict=True):
        at_once.load(delivery, "bank", arrived)
    at_once.dbt("build", *NO_TESTS)
    with duckdb.connect() as connection:
        assert unequal(at_once, postgres, connection) == {}


def test_a_cell_that_differs_is_found(bank, tables):
    """The comparison itself: a cent, a double, a row that is missing and one too many."""
    mart = next(mart for mart in read_marts() if mart.name == "value_class_summary")
    columns = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in mart.types.items())
    for schema in ("duckdb_bank", "postgres_bank"):
        tables.execute(f"create schema {schema}")
        tables.execute(f"create table {schema}.value_class_summary as select {columns} limit 0")
        for day in (1, 2, 3):
            tables.execute(
                f"insert into {schema}.value_class_summary (as_of_date, value_class, "
                f"customer_count, monetary_amount, customer_share) "
                f"values (date '2026-01-0{day}', 'key_value', 5, 100.01, 0.25)"
            )
    name = "postgres_bank.value_class_summary"
    assert compare(tables, mart, "postgres", "bank").is_equal
    tables.execute(f"update {name} set customer_share = 0.25 * (1 + 5e-10)")
    assert compare(tables, mart, "postgres", "bank").is_equal
    tables.execute(f"update {name} set customer_share = 0.25 * (1 + 5e-9)")
    assert compare(tables, mart, "postgres", "bank").columns == {"customer_share": 3}
    tables.execute(f"update {name} set customer_share = null where as_of_date = '2026-01-01'")
    tables.execute(f"update {name} set monetary_amount = 100.02 where as_of_date = '2026-01-02'")
    tables.execute(f"update {name} set as_of_date = '2026-01-04' where as_of_date = '2026-01-03'")
    found = compare(tables, mart, "postgres", "bank")
    assert (found.missing, found.additional, found.differing) == (1, 1, 2)
    assert found.columns == {"customer_share": 2, "monetary_amount": 1}


def test_null_and_blank_and_zero_bytes_arrive_as_they_are(postgres):
    with (
        TemporaryDirectory() as scratch,
        postgres.postgres() as connection,
        duckdb.connect() as reader,
    ):
        raw = PostgresRaw(connection, Path(scratch))
        raw.execute("create temporary table cells (a text, b text, c text, d text)")
        reader.execute("create table given as select null as a, '' as b, 'x' || chr(0) as c")
        raw.execute("create schema if not exists raw")
        raw.execute("create table raw.cells (a text, b text, c text, d text)")
        texts = {"a": "a", "b": "b", "c": "c", "d": "'line' || chr(10) || '\"end\", \\N'"}
        assert raw.insert(reader, "cells", texts, "from given") == 1
        assert raw.rows("select * from raw.cells") == [(None, "", "x\ufffd", 'line\n"end", \\N')]
        connection.rollback()


def test_a_server_that_does_not_answer_is_named(bank, monkeypatch, tmp_path):
    monkeypatch.setenv("PGHOST", str(tmp_path))
    monkeypatch.setenv("PGUSER", "bank")
    with pytest.raises(DeliveryError, match=r"database critical_customers at .* see that it runs"):
        load_delivery(bank[0], target="postgres")


def settings_of(postgres: Engine, user: str = "postgres", password: str = "") -> SimpleNamespace:
    return SimpleNamespace(
        host=postgres.environment["PGHOST"],
        port=5432,
        user=user,
        password=password,
        database=postgres.environment["PGDATABASE"],
    )


def test_a_wrong_password_is_said_and_nothing_is_loaded(bank, postgres, monkeypatch):
    for name, value in postgres.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGUSER", "guarded")
    monkeypatch.setenv("PGPASSWORD", "wrong")
    with postgres.postgres() as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("create role guarded login password 'right'")
        cursor.execute("select pg_read_file(path), path from current_setting('hba_file') as path")
        [(rules, path)] = cursor.fetchall()

        def write_rules(text: str) -> None:
            cursor.execute("select lo_from_bytea(0, convert_to(%s, 'utf8'))", [text])
            [(written,)] = cursor.fetchall()
            cursor.execute("select lo_export(%s, %s), lo_unlink(%s)", [written, path, written])
            cursor.execute("select pg_reload_conf()")

        try:
            write_rules("local all guarded scram-sha-256\n" + rules)
            with pytest.raises(
                DeliveryError, match="cannot be opened as user guarded; see"
            ) as said:
                load_delivery(bank[0], target="postgres")
            assert "password authentication failed" in str(said.value)
            with open_postgres(settings_of(postgres, "guarded", "right")) as raw:
                assert raw.rows("select current_user") == [("guarded",)]
        finally:
            write_rules(rules)
            cursor.execute("drop role guarded")


def test_a_file_and_a_target_are_not_named_together(bank, tmp_path):
    with pytest.raises(DeliveryError, match="--warehouse names a DuckDB file"):
        load_delivery(bank[0], tmp_path / "warehouse.duckdb", target="postgres")
    with pytest.raises(DeliveryError, match="Name the DuckDB file with --warehouse"):
        load_delivery(bank[0])


def test_a_load_that_fails_leaves_nothing_in_postgres(postgres):
    with pytest.raises(RuntimeError), open_postgres(settings_of(postgres)) as raw:
        raw.execute("create table half_written (a text)")
        raise RuntimeError
    with open_postgres(settings_of(postgres)) as raw:
        assert raw.rows("select to_regclass('half_written')") == [(None,)]


def java(folder: Path, version: str) -> Path:
    """The home of a Java of a version."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


@pytest.mark.parametrize(
    ("version", "message"),
    [("1.8.0_392", "is of version 8"), ("11.0.21", "is of version 11"), ("?", "version unknown")],
)
def test_an_old_java_is_refused(version, message, tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path, version)))
    with pytest.raises(ServerError, match=message + r"\. Spark needs Java 17 or newer; install it"):
        find_java()


def test_a_new_java_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path, "21.0.1")))
    assert find_java() == tmp_path


def test_no_java_is_said(tmp_path, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerError, match=r"no Java on this machine\. Spark needs Java 17"):
        find_java()


def test_the_page_on_engines_starts_spark_with_the_settings_that_are_tested():
    page = (PROJECT_FOLDER / "docs" / "engines.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"--conf (\S+?)=(\S+)", page))
    tested = thrift_settings(Path("folder"), 10000, "2g", 2)
    assert named and named == {name: tested.get(name) for name in named}
    # what changes answers or ends a build; the rest is where this machine keeps things
    needed = {name for name in tested if name.startswith("spark.sql.")}
    of_this_machine = {"warehouse.dir", "shuffle.partitions", "catalogImplementation"}
    assert needed - set(named) == {f"spark.sql.{name}" for name in of_this_machine}


def test_a_server_that_ends_at_once_is_named_with_its_log(tmp_path):
    command = ["sh", "-c", "echo Address already in use; exit 1"]
    with (
        pytest.raises(ServerError, match=r"Spark master did not come up on port (?s:.*)in use"),
        servers.server_process("master", command, tmp_path, os.environ, servers.free_port()),
    ):
        pass


def test_what_a_server_failed_with_is_said_with_its_fix_once(embedded):
    """The messages are those that PostgreSQL 18 and Spark 4.3 were seen to give."""
    disk, ended = "A disk of the server is full", "The server ended its connections"
    folder, outlived = "The server cannot write in its own folder", "The folder of a table was left"
    thrift, no_worker = "The Spark Thrift server does not answer", "no worker took it"
    fixes = [disk, folder, outlived, ended, thrift, no_worker]

    def found_in(status: str, *messages: str | None) -> list[str]:
        results = [{"status": status, "message": message} for message in messages]
        arguments = json.dumps({"results": results})
        printed = embedded.dbt("run-operation", "suggest_fixes", "--args", arguments)
        found = [fix for fix in fixes if fix in printed]
        assert printed.count("Then build again: the next run builds what is missing.") == len(found)
        return found

    found = found_in(
        "error",
        'could not extend file "base/1/2": No space left on device',
        'could not extend file "base/1/3": No space left on device',
        "java.io.IOException: Mkdirs failed to create file:/tables/restricted.db/stg_customers",
        "[LOCATION_ALREADY_EXISTS] Cannot name the managed table as `seeds`.`units`",
        "server closed the connection unexpectedly",
        "failed to connect: TTransportException: unexpected exception",
        "Query failed with status: TIMEDOUT_STATE",
    )
    assert found == fixes
    assert found_in(
        "error",
        "terminating connection due to administrator command",
        "TSocket read 0 bytes",
        "Binder Error: no such column",
    ) == [ended, thrift]
    assert found_in("skipped", "TSocket read 0 bytes", None) == []


def test_a_statement_that_is_lost_from_sight_is_not_sent_again():
    """It may have done its work, and an insert would double its rows."""
    settings, sent = credentials("spark"), []

    class LosingCursor:
        def execute(self, statement: str, *_: object, **__: object) -> None:
            sent.append(statement)

        def poll(self) -> None:
            raise ConnectionResetError

    connection = PyhiveConnectionWrapper(
        SimpleNamespace(cursor=LosingCursor),
        poll_interval=0,
        query_retries=settings.query_retries,
    )
    with pytest.raises(DbtRuntimeError, match="Connection lost"):
        connection.cursor().execute("insert")
    assert sent == ["insert"]


def test_a_port_in_use_is_said_before_anything_is_started(tmp_path):
    with socket.create_server((servers.LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(ServerError, match=f"cannot have port {port}: another program listens"),
            servers.server_process("master", ["false"], tmp_path, os.environ, port),
        ):
            pass
    assert not list(tmp_path.iterdir())


def test_a_folder_that_takes_no_files_for_spark_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SPARK_LANDING_FOLDER", str(tmp_path / "missing"))
    said = r"handed over to Spark in .*missing \(No such file"
    with pytest.raises(WarehouseError, match=said), landing_folder():
        pass


def test_a_server_is_ended_with_its_children(tmp_path):
    command = ["sh", "-c", "sleep 600 & echo $! > child; wait"]
    with servers.server_process("worker", command, tmp_path, os.environ, None):
        written = tmp_path / "child"
        wait_for(lambda: written.exists() and written.read_text().endswith("\n"))
        child = psutil.Process(int(written.read_text()))
        assert child.is_running()
    # whoever takes in orphans may leave its entry for a while
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


class Scripted(Engine):
    """An engine on which dbt fails so often with a text before it is done."""

    def dbt_command(self, message: str, fails: str, **_) -> list[str]:
        program = """
import sys, pathlib
message, fails, runs = *sys.argv[1:3], pathlib.Path(sys.argv[3])
runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
is_done = len(runs.read_text()) > int(fails)
print("Done." if is_done else message)
raise SystemExit(not is_done)
"""
        return [sys.executable, "-c", program, message, fails, str(self.folder / "runs")]


@pytest.mark.parametrize(
    ("message", "fails", "runs"),
    [
        ("java.lang.NoClassDefFoundError: org/apache/hadoop/hive/llap/security/LlapSigner", 1, 2),
        ("java.lang.NoClassDefFoundError: org/apache/hadoop/hive/llap/security/LlapSigner", 2, 2),
        ("No space left on device", 1, 1),
    ],
)
def test_a_run_that_ends_for_a_class_that_spark_lacks_is_started_again(
    tmp_path, message, fails, runs
):
    engine = Scripted("spark", {}, tmp_path)
    if fails < runs:
        assert engine.dbt(message, str(fails)) == "Done.\n"
    else:
        with pytest.raises(StepError, match=message.split(":")[0]):
            engine.dbt(message, str(fails))
    assert len((tmp_path / "runs").read_text()) == runs
