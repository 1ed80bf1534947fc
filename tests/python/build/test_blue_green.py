"""What people read while a build runs and after one that broke off: never a half-written file.

The first delivery of a bank is served, and the next day arrives. Builds run in this process, with
the models that a further delivery affects; builds that are killed or run out of disk run in a child
process. Where only the files matter, a function takes the place of dbt.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pytest
from build import blue_green, build_warehouse
from build.blue_green import only_build, working_file
from build.build_warehouse import build
from build.inputs import Input, find_input
from build.run_dbt import DbtError, failure, run_dbt
from dbt.cli.main import dbtRunnerResult
from demo.generate_demo import generate_demo
from load.errors import DeliveryError, WarehouseError
from models.test_incremental import FIRST_BUILD, NEXT_BUILD, QUIET, differences, relations
from rich.progress import Progress
from warehouses import Warehouse, parsed_project

SILENT = Progress(disable=True)
# staging of transactions, with its data tests
STAGING = ("build", *QUIET, "--exclude-resource-type", "unit_test", "--select", "stg_transactions")
KNOWN = "select count(distinct customer_id) from raw.customers"
# what changes with the next day, from the first table to the last
TOLD = """
    select
        (select count(*) from raw.transactions),
        (select count(*) from staging.stg_transactions),
        (select count(*) from marts.customer_states),
        (select cast(max(as_of_date) as varchar) from marts.customers),
        (select cast(sum(lifetime_net_amount) as varchar) from marts.customers)
"""


@dataclass
class Bank:
    """A bank: the folder of its deliveries, and the warehouse that people read."""

    deliveries: Path
    served: Warehouse

    @property
    def working(self) -> Path:
        return working_file(self.served.path)

    def build(self, *arguments: str, at_event: Callable[[Any], None] = lambda event: None) -> None:
        """Build with dbt arguments of one's choice; at_event is called with what dbt tells."""

        def run(*_: str, warehouse: Path, variables: Any, callbacks: list) -> None:
            run_dbt(
                *arguments,
                warehouse=warehouse,
                variables=variables,
                callbacks=[*callbacks, at_event],
                target_folder=self.served.target_folder,
                manifest=parsed_project(self.served.target_folder),
            )

        self.build_by(run)

    def build_by(self, run: Callable[..., None] = lambda *_, **__: None) -> None:
        """Build with a function in place of dbt; by default it does nothing."""
        with patch.object(build_warehouse, "run_dbt", run):
            build(Input("bank", self.deliveries, {}), self.served.path, False, SILENT)

    def deliver(self, folder: Path) -> None:
        """Put the files of a folder beside those that are there."""
        for path in folder.iterdir():
            shutil.copy(path, self.deliveries / f"{path.stem}_2{path.suffix}")

    def bytes_served(self) -> str:
        assert not blue_green.log_file(self.served.path).exists()
        return hashlib.sha256(self.served.path.read_bytes()).hexdigest()


def copied(bank: Bank, folder: Path) -> Bank:
    """A bank of its own that begins as another one is."""
    served = Warehouse(folder / "served", bank.served.target_folder)
    served.path.parent.mkdir()
    shutil.copy(bank.served.path, served.path)
    return Bank(shutil.copytree(bank.deliveries, folder / "deliveries"), served)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    generate_demo(folder, customers=300, then_days=1)
    return folder


@pytest.fixture(scope="module")
def next_day(generated) -> Path:
    [folder] = (generated / "days").iterdir()
    return folder


@pytest.fixture(scope="module")
def first(generated, tmp_path_factory: pytest.TempPathFactory, target_folder: Path) -> Bank:
    """The first delivery, built and served."""
    served = Warehouse(tmp_path_factory.mktemp("first") / "served", target_folder)
    bank = Bank(generated / "delivery", served)
    bank.build(*FIRST_BUILD)
    return bank


@pytest.fixture
def bank(first, tmp_path) -> Bank:
    """The first delivery served, for a test of its own."""
    return copied(first, tmp_path)


@dataclass
class Watched:
    """A bank after an undisturbed build of its next day, and what was read meanwhile."""

    bank: Bank
    held: list[Any]
    opened_anew: list[Any]


READER = f"""
import json, os, sys, time, duckdb
path, stop, way = sys.argv[1:]
def told(connection):
    return connection.execute({TOLD!r}).fetchone()
def opened():
    with duckdb.connect(path, read_only=True) as connection:
        return told(connection)
held = duckdb.connect(path, read_only=True) if way == "held" else None
answers = []
while True:
    stopping = os.path.exists(stop)
    answer = told(held) if held else opened()
    if answer not in answers:
        answers.append(answer)
        print(json.dumps(answer), flush=True)
    if stopping:
        break
    time.sleep(0.02)
"""


@pytest.fixture(scope="module")
def watched(first, next_day, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    folder = tmp_path_factory.mktemp("watched")
    bank, stop = copied(first, folder), folder / "stop"
    bank.deliver(next_day)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, bank.served.path, stop, way],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for way in ("held", "opened anew")
    ]
    begun = [reader.stdout.readline() for reader in readers]
    try:
        bank.build(*NEXT_BUILD)
    finally:
        stop.touch()
        printed = [
            line + reader.communicate()[0] for line, reader in zip(begun, readers, strict=True)
        ]
    assert [reader.returncode for reader in readers] == [0, 0], printed
    return Watched(bank, *([json.loads(line) for line in text.splitlines()] for text in printed))


# ---- who reads -----------------------------------------------------------------------------------


def test_a_reader_keeps_its_answers_or_gets_all_of_the_new_ones(first, watched):
    before, after = (list(bank.served.rows(TOLD)[0]) for bank in (first, watched.bank))
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert watched.held == [before]
    assert watched.opened_anew == [before, after]
    assert not watched.bank.working.exists()


def test_who_has_it_open_for_writing_is_asked_to_close_it_before_anything_is_built(bank):
    holder = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); "
    with subprocess.Popen(
        [sys.executable, "-c", holder + "input()", bank.served.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "open\n"
        with pytest.raises(WarehouseError, match="close the programs that have it open for wri"):
            bank.build_by(lambda *_, **__: pytest.fail("something was built"))
        process.communicate("\n")


def test_what_another_program_wrote_during_a_build_is_not_lost(bank):
    def write_elsewhere(*_: str, warehouse: Path, **__: Any) -> None:
        writer = (
            "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table kept(i int)')"
        )
        subprocess.run([sys.executable, "-c", writer, bank.served.path], check=True)

    with pytest.raises(WarehouseError, match=r"has written .* during the build"):
        bank.build_by(write_elsewhere)
    bank.build_by()
    assert bank.served.rows("from kept") == []


def test_what_a_command_on_the_served_file_left_in_its_log_is_kept(bank):
    def write_and_die() -> None:
        connection = duckdb.connect(str(bank.served.path))
        connection.execute("create table kept as select 1 as number")
        os.kill(os.getpid(), signal.SIGKILL)

    in_a_child(write_and_die)
    assert blue_green.log_file(bank.served.path).exists()
    bank.build_by()
    assert bank.served.rows("from kept") == [(1,)]
    assert bank.bytes_served()


# ---- builds that fail ----------------------------------------------------------------------------

BROKEN = "transaction_id,customer_id,occurred_at,amount,transaction_type\n" + "".join(
    f"broken{number},c1,2026-09-18 04:00:00,twelve,purchase\n" for number in range(9_000)
)


def test_a_build_whose_tests_fail_leaves_what_is_served_and_the_rows_to_look_at(bank):
    before, broken = bank.bytes_served(), bank.deliveries / "transactions_3.csv"
    broken.write_text(BROKEN, encoding="utf-8")
    with pytest.raises(DbtError, match=r"Too much of raw\.transactions is rejected") as caught:
        bank.build(*STAGING)
    assert f"{bank.served.path} has not changed" in str(caught.value)
    assert f"is in {bank.working} until the next build" in str(caught.value)
    assert bank.bytes_served() == before
    rejected = "select count(*) from staging.stg_transactions where reason_code = 'invalid_amount'"
    with duckdb.connect(str(bank.working), read_only=True) as connection:
        assert connection.execute(rejected).fetchone()[0] >= 9_000
    # once the rows are mended at their source, the next build knows nothing of the broken ones
    broken.write_text(BROKEN.replace("twelve", "12"), encoding="utf-8")
    bank.build_by()
    amounts = "select distinct amount from raw.transactions where transaction_id like 'broken%'"
    assert bank.served.rows(amounts) == [("12",)]


def test_a_first_build_that_fails_serves_nothing(bank):
    def fail(*_: str, **__: Any) -> None:
        raise DbtError("no")

    bank.served.path.unlink()
    with pytest.raises(DbtError, match="Nothing is served"):
        bank.build_by(fail)
    assert bank.working.exists() and not bank.served.path.exists()


def test_a_delivery_that_cannot_be_loaded_leaves_what_is_served(bank):
    before = bank.bytes_served()
    (bank.deliveries / "transactions_3.csv").write_text("a;b\n1;2;3\n", encoding="utf-8")
    with pytest.raises(DeliveryError):
        bank.build_by()
    assert bank.bytes_served() == before


def test_another_size_of_the_demo_bank_starts_anew_when_it_is_built(tmp_path, target_folder):
    folder = tmp_path / "demo_bank"
    served = Warehouse(folder, target_folder)

    def build_demo(customers: int, run: Callable[..., None] = lambda *_, **__: None) -> None:
        chosen = find_input("demo_bank", tmp_path, customers)
        with patch.object(build_warehouse, "run_dbt", run):
            build(chosen, served.path, False, SILENT)

    def fail(*_: str, **__: Any) -> None:
        raise DbtError("no")

    build_demo(200)
    known, generated_at = served.value(KNOWN), (folder / "truth.parquet").stat().st_mtime_ns
    build_demo(200)
    assert (folder / "truth.parquet").stat().st_mtime_ns == generated_at
    with pytest.raises(DbtError):
        build_demo(260, fail)
    assert served.value(KNOWN) == known
    # the bank is there in its new size, and what failed is still to be made up for
    build_demo(260)
    logged = "select count(*) from raw._deliveries"
    assert served.value(logged) == len(list((folder / "delivery").iterdir()))
    assert served.value(KNOWN) > known
    # from now on builds go on from what is served
    with duckdb.connect(str(served.path)) as connection:
        connection.execute("create table kept (number integer)")
    build_demo(260)
    assert served.rows("from kept") == []


# ---- builds that are killed, and full disks ------------------------------------------------------


def in_a_child(run: Callable[[], None]) -> tuple[int, str]:
    """Run something in a child of this process; the signal that ended it, and what it raised."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            run()
        except Exception as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        raised = pipe.read()
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status), raised


def kill(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_in(model: str) -> Callable[[Any], None]:
    """Kills the process when dbt begins with a model."""

    def at_event(event: Any) -> None:
        if event.info.name == "LogStartLine" and event.data.node_info.node_name == model:
            kill()

    return at_event


def test_a_killed_build_has_touched_nothing_and_the_next_is_as_if_it_had_not_been(
    bank, next_day, watched
):
    """Killed when it has loaded, in the middle of the models, and just before the swap."""
    before = bank.bytes_served()
    bank.deliver(next_day)
    at_event = kill_in("int_customer_states")
    killed = [
        in_a_child(lambda: bank.build_by(kill)),
        in_a_child(lambda: bank.build(*NEXT_BUILD, at_event=at_event)),
    ]
    assert bank.bytes_served() == before and bank.working.exists()
    with patch.object(blue_green, "replace_served", kill):
        killed.append(in_a_child(lambda: bank.build(*NEXT_BUILD)))
    assert killed == [(signal.SIGKILL, "")] * 3
    assert bank.bytes_served() == before
    bank.build(*NEXT_BUILD)
    assert differences(bank.served, watched.bank.served, relations(watched.bank.served)) == ""


@pytest.mark.parametrize("room", ["for half a copy", "for the copy and little more"])
def test_a_full_disk_is_named_and_leaves_what_is_served(bank, next_day, room):
    before, size = bank.bytes_served(), bank.served.path.stat().st_size
    bank.deliver(next_day)

    def build_in_little_room() -> None:
        most = size // 2 if room == "for half a copy" else size + 100_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        bank.build(*NEXT_BUILD)

    _, raised = in_a_child(build_in_little_room)
    assert raised.startswith(
        f"WarehouseError: There is no room for a build in {bank.working.parent}"
    )
    assert "Make room, or name a folder on a larger disk" in raised and "\n" not in raised
    assert bank.bytes_served() == before
    # nothing is left that would take room itself
    assert sorted(path.name for path in bank.working.parent.iterdir()) == ["lock", "process"]
    # once there is room
    bank.build_by()
    assert bank.served.value("select count(*) from raw.transactions") > 0


def test_a_full_disk_does_not_keep_a_build_from_removing_what_a_killed_one_left(bank):
    def begin() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        with only_build(bank.served.path):
            pass

    assert in_a_child(begin) == (0, "")


def test_an_interrupt_is_told_by_its_name():
    interrupted = dbtRunnerResult(success=False, exception=KeyboardInterrupt())
    assert failure(interrupted) == "dbt was ended by KeyboardInterrupt"


# ---- what stands in the way ----------------------------------------------------------------------


def test_the_log_of_a_warehouse_that_was_removed_is_not_taken_for_that_of_the_new_one(bank):
    def write_and_die() -> None:
        connection = duckdb.connect(str(bank.served.path))
        connection.execute("create table of_the_old_one as select 1 as number")
        os.kill(os.getpid(), signal.SIGKILL)

    in_a_child(write_and_die)
    bank.served.path.unlink()
    assert blue_green.log_file(bank.served.path).exists()
    bank.build_by()
    assert bank.served.value(KNOWN) > 0


def test_what_is_built_is_the_file_whatever_engine_is_the_default(first, monkeypatch):
    monkeypatch.setenv("CRITICAL_CUSTOMERS_TARGET", "postgres")
    shown = first.served.build("show", "--inline", "select current_database() as place")
    assert shown.result.results[0].agate_table.rows[0]["place"] == "warehouse"


def test_of_two_builds_at_once_the_second_is_told_of_the_first(bank):
    before = bank.bytes_served()
    with only_build(bank.served.path):
        _, raised = in_a_child(bank.build_by)
    assert f"Another build of {bank.served.path} is running (process {os.getpid()})" in raised
    assert bank.bytes_served() == before
    bank.build_by()


def test_who_may_read_the_file_may_read_the_new_one(bank):
    bank.served.path.chmod(0o640)
    inode = bank.served.path.stat().st_ino
    bank.build_by()
    assert bank.served.path.stat().st_ino != inode
    assert bank.served.path.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_made_is_named(bank):
    bank.working.parent.write_text("in the way", encoding="utf-8")
    with pytest.raises(WarehouseError, match=r"building cannot be written .*; move what stands in"):
        bank.build_by()
    assert bank.served.value(KNOWN) > 0
