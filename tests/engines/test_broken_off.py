"""Builds on servers that break off: what people read stays, and the next build makes up for it.

Each server is a real one. "make test-engines FULL=1" runs these, after it has compared the engines.
The warehouse in the end is compared with what DuckDB makes of the same deliveries undisturbed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from check.compare_engines import compare
from check.engines import MISSING_IN_SPARK, NO_TESTS, Engine, read_marts, running_engine
from check.servers import spark_cluster, spark_worker
from demo.generate_demo import generate_demo

ARRIVALS = ("2026-09-19 00:00:00", "2026-09-20 00:00:00")
PUBLISHING = "on-run-end"
# staging, facts, tables replaced by as-of date, a mart
KILLED_AT = (
    *("stg_transactions", "daily_purchases", "int_purchase_metrics"),
    *("int_customer_states", "critical_customers"),
)


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The history of a small bank, and the day after it."""
    folder = tmp_path_factory.mktemp("bank")
    generate_demo(folder, customers=300, then_days=1)
    return [folder / "delivery", *(folder / "days").iterdir()]


@pytest.fixture(scope="module")
def undisturbed(deliveries, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """DuckDB, built after each delivery."""
    engine = Engine("duckdb", {}, tmp_path_factory.mktemp("undisturbed"))
    for delivery, arrived in zip(deliveries, ARRIVALS, strict=True):
        engine.load(delivery, "bank", arrived)
        engine.dbt("build", *NO_TESTS)
    return engine


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("spark")
    # a statement that no worker is left for is given up
    with spark_cluster(folder, settings={"spark.sql.thriftServer.queryTimeout": "60"}) as place:
        yield Engine("spark", place, folder)


def what_people_read(engine: Engine) -> dict[str, tuple[int, int]]:
    """By mart, the number of its rows and a digest of them in any order."""
    digests = {}
    with duckdb.connect() as connection:
        for mart in read_marts():
            engine.fetch(connection, "read", mart)
            [digests[mart.name]] = connection.execute(
                f"select count(*), bit_xor(hash(mart)) from read.{mart.name} as mart"
            ).fetchall()
    return digests


def assert_ends_in_the_same(engine: Engine, undisturbed: Engine) -> None:
    with duckdb.connect() as connection:
        for mart in read_marts():
            for one in (undisturbed, engine):
                one.fetch(connection, f"{one.name}_bank", mart)
        found = [compare(connection, mart, engine.name, "bank") for mart in read_marts()]
    assert all(one.rows for one in found)
    assert [one for one in found if not one.is_equal] == []


def build_until(engine: Engine, node: str) -> subprocess.Popen[str]:
    """A build that has just begun with a node; what it goes on to print must be read."""
    for _ in range(2):
        process = engine.start(*engine.dbt_command("build", *NO_TESTS))
        printed = []
        for line in process.stdout:
            if "START" in line and node in line:
                return process
            printed.append(line)
        if not any(MISSING_IN_SPARK in line for line in printed):
            break
    pytest.fail(f"The build ended before {node}:\n{''.join(printed[-20:])}")


def kill_at(engine: Engine, node: str) -> None:
    """End a build without a word when it has begun with a node."""
    process = build_until(engine, node)
    # into the statement
    time.sleep(0.1)
    process.kill()
    process.communicate()


def kill_server(folder: Path, name: str) -> None:
    """End a server of a cluster, and all that it has started, without a word."""
    with suppress(ProcessLookupError):
        os.killpg(int((folder / f"{name}.pid").read_text()), signal.SIGKILL)


def leave_what_a_killed_spark_would(engine: Engine) -> None:
    """Tables as a server leaves them that ends while one takes the place of another.

    A month of a table that grows is in the table beside it alone; state_builds had not taken its
    name yet; the catalogue does not know files of today's states.
    """
    tables = engine.folder / "tables"
    month = "partition_month=2026-09-01"
    today = "as_of_date=2026-09-19"
    states = tables / "states.db" / "int_purchase_metrics" / today
    engine.statements(
        [
            "create table staging.stg_transactions__months_20260920000000000000 using parquet"
            " as select * from staging.stg_transactions where partition_month = date '2026-09-01'",
            "alter table history.state_builds drop partition (as_of_date = date '2026-09-19')",
            "alter table history.state_builds rename to"
            " history.state_builds__new_20260920000000000000",
        ]
    )
    shutil.rmtree(tables / "staging.db" / "stg_transactions" / month)
    shutil.copytree(states, engine.folder / today)
    engine.statements(
        ["alter table states.int_purchase_metrics drop partition (as_of_date = date '2026-09-19')"]
    )
    shutil.copytree(engine.folder / today, states)


@pytest.mark.parametrize("name", ["postgres", "spark"])
def test_killed_builds_leave_what_people_read_and_the_next_makes_up_for_them(
    name, request, deliveries, undisturbed
):
    engine = request.getfixturevalue(name)
    engine.load(deliveries[0], "bank", ARRIVALS[0])
    engine.dbt("build", *NO_TESTS)
    yesterday = what_people_read(engine)
    engine.load(deliveries[1], "bank", ARRIVALS[1])
    for node in KILLED_AT:
        kill_at(engine, node)
        assert what_people_read(engine) == yesterday, node
    # what people read then: on PostgreSQL tests/python/engines stops there; Spark knows no
    # transaction, and marts take their names one after the other
    kill_at(engine, PUBLISHING)
    if name == "spark":
        leave_what_a_killed_spark_would(engine)
    printed = engine.dbt("build", *NO_TESTS)
    if name == "spark":
        assert "before history.state_builds took its name; it does now" in printed
        assert "before all months of staging.stg_transactions were in place" in printed
    assert_ends_in_the_same(engine, undisturbed)


# rows counted, and one written, after some ten seconds with 60,000
COUNT_PAIRS = """
insert into raw.pairs
select count_if(hash(a.id, b.id) = 7) from range({0}) as a cross join range({0}) as b
"""
SEND_AND_WAIT = """
import sys, time
from pyhive import hive
from TCLIService.ttypes import TOperationState
host, port, statement = sys.argv[1:]
cursor = hive.connect(host, int(port)).cursor()
cursor.execute(statement, async_=True)
while cursor.poll().operationState != TOperationState.RUNNING_STATE:
    time.sleep(0.05)
print("running", flush=True)
sys.stdin.read()
"""


def test_a_statement_whose_client_was_killed_writes_nothing_any_more(spark):
    """Otherwise it would add its rows to those that the next build has written."""
    spark.statements(
        [
            "create schema if not exists raw",
            "create table raw.pairs (pairs bigint) using parquet",
            COUNT_PAIRS.format(100),
        ]
    )
    place = [spark.environment[f"SPARK_THRIFT_{name}"] for name in ("HOST", "PORT")]
    client = subprocess.Popen(
        [sys.executable, "-c", SEND_AND_WAIT, *place, COUNT_PAIRS.format(60_000)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout.readline() == "running\n"
    client.kill()
    client.communicate()
    # when the same statement, sent later, has ended, the first would have ended too
    spark.statements([COUNT_PAIRS.format(60_000)])
    with spark.spark() as connection:
        cursor = connection.cursor()
        cursor.execute("select count(*) from raw.pairs")
        assert cursor.fetchall() == [(2,)]


def test_a_cluster_that_loses_workers_in_mid_build(spark, deliveries, undisturbed):
    """Without one of two workers it succeeds; without any it says so, and the next one succeeds."""
    spark.clear()
    spark.load(deliveries[0], "bank", ARRIVALS[0])
    process = build_until(spark, "int_customer_states")
    kill_server(spark.folder, "worker_1")
    printed, _ = process.communicate()
    assert process.returncode == 0, printed
    yesterday = what_people_read(spark)

    spark.load(deliveries[1], "bank", ARRIVALS[1])
    process = build_until(spark, "int_customer_states")
    kill_server(spark.folder, "worker_2")
    printed, _ = process.communicate()
    assert process.returncode == 1
    assert "Schema marts is as it was" in printed
    assert "no worker took it" in printed

    with spark_worker("worker_3", spark.folder, spark.environment["SPARK_MASTER"]):
        assert what_people_read(spark) == yesterday
        spark.dbt("build", *NO_TESTS)
        assert_ends_in_the_same(spark, undisturbed)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 400 MB."""
    with TemporaryDirectory(prefix="disk") as place:
        mount = ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", place]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("only who may mount a file system can fill one up")
        try:
            Path(place).chmod(0o755)
            yield Path(place)
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)


@contextmanager
def filled_up(disk: Path) -> Iterator[None]:
    """Room for seeds and little more."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(100_000)):
            pass
    os.truncate(filler, filler.stat().st_size - 200_000)
    yield
    filler.unlink()


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    yield
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


def build_that_fails(engine: Engine) -> str:
    """What it printed."""
    process = engine.start(*engine.dbt_command("build", *NO_TESTS))
    printed, _ = process.communicate()
    assert process.returncode != 0
    return printed


def test_a_disk_that_is_full_on_the_server(small_disk, deliveries, undisturbed):
    with running_engine("postgres", small_disk / "server") as engine:
        engine.load(deliveries[0], "bank", ARRIVALS[0])
        engine.dbt("build", *NO_TESTS)
        yesterday = what_people_read(engine)
        engine.load(deliveries[1], "bank", ARRIVALS[1])
        with filled_up(small_disk):
            # what dbt writes goes elsewhere
            printed = build_that_fails(replace(engine, folder=undisturbed.folder))
        assert "A disk of the server is full: make room on it" in printed
        assert "Schema marts is as it was" in printed
        assert what_people_read(engine) == yesterday
        engine.dbt("build", *NO_TESTS)
        assert_ends_in_the_same(engine, undisturbed)


def test_a_cluster_whose_disk_is_full_or_read_only_or_whose_server_ends(
    small_disk, tmp_path, deliveries, undisturbed
):
    tables = {"spark.sql.warehouse.dir": str(small_disk / "tables")}
    with spark_cluster(tmp_path, settings=tables) as place:
        engine = Engine("spark", place, tmp_path)
        engine.load(deliveries[0], "bank", ARRIVALS[0])
        engine.dbt("build", *NO_TESTS)
        yesterday = what_people_read(engine)
        engine.load(deliveries[1], "bank", ARRIVALS[1])
        with read_only(small_disk):
            printed = build_that_fails(engine)
            assert f"{small_disk}/tables/spark_must_be_able_to_write_here" in printed
            assert what_people_read(engine) == yesterday
        with filled_up(small_disk):
            printed = build_that_fails(engine)
        assert "A disk of the server is full: make room on it" in printed
        assert "Schema marts is as it was" in printed
        assert what_people_read(engine) == yesterday
        process = build_until(engine, "stg_transactions")
        time.sleep(2)
        kill_server(tmp_path, "thrift_server")
        printed, _ = process.communicate()
        assert process.returncode == 1
        assert "The Spark Thrift server does not answer any more: see that it runs" in printed
    with spark_cluster(tmp_path, settings=tables) as place:
        engine = Engine("spark", place, tmp_path)
        assert what_people_read(engine) == yesterday
        engine.dbt("build", *NO_TESTS)
        assert_ends_in_the_same(engine, undisturbed)


# of dbt, in a model that takes some milliseconds
END_SESSIONS = """
select pg_terminate_backend(pid)
from pg_stat_activity
where
    pid != pg_backend_pid()
    and query like '%"model.critical_customers.int_customer_states"%'
"""


def test_a_server_that_drops_its_connections_in_mid_build(postgres, deliveries, undisturbed):
    """As one does that is stopped, or fails over."""
    postgres.clear()
    postgres.load(deliveries[0], "bank", ARRIVALS[0])
    postgres.dbt("build", *NO_TESTS)
    yesterday = what_people_read(postgres)
    postgres.load(deliveries[1], "bank", ARRIVALS[1])
    process = postgres.start(*postgres.dbt_command("build", *NO_TESTS))
    with postgres.postgres() as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while process.poll() is None:
            cursor.execute(END_SESSIONS)
    printed, _ = process.communicate()
    assert process.returncode == 1
    assert "The server ended its connections: see that it runs" in printed
    assert "Schema marts is as it was" in printed
    assert what_people_read(postgres) == yesterday
    postgres.dbt("build", *NO_TESTS)
    assert_ends_in_the_same(postgres, undisturbed)
