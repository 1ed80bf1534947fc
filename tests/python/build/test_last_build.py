"""A build says that nothing is new only when it would change nothing; anything else is built.

A wrong "nothing new" would leave people with yesterday's list, without a sound. So each thing that
makes a build necessary is tried after a build without it. A function takes the place of dbt.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pytest
from build import build_warehouse
from build.blue_green import building_folder
from build.build_warehouse import build
from build.inputs import find_input
from build.last_build import RECORD_NAME, fingerprint
from build.run_dbt import PROJECT_FOLDER, DbtError
from load.errors import WarehouseError
from rich.progress import Progress

SILENT = Progress(disable=True)
ROWS = "transaction_id,customer_id,occurred_at,amount,transaction_type\n"
MAPPING = "vars: {base_currency: GBP}\n"


def fake_dbt(*_: str, warehouse: Path, **__: Any) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute(
            "create or replace table marts.customers as select distinct customer_id "
            "from raw.transactions"
        )


def failing_dbt(*_: str, **__: Any) -> None:
    raise DbtError("no")


@dataclass
class Shop:
    """A shop with a delivery, a warehouse, and a copy of the project that it is built by."""

    folder: Path
    built: list[str] = field(default_factory=list)

    @property
    def delivery(self) -> Path:
        return self.folder / "shop"

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def served(self) -> Path:
        return self.folder / "warehouses" / "shop" / "warehouse.duckdb"

    def build(self, dbt: Callable[..., None] = fake_dbt, full_refresh: bool = False) -> bool:
        """Build; whether there was something new. built has the dbt commands."""

        def run(*arguments: str, **options: Any) -> None:
            self.built.append(" ".join(arguments))
            dbt(*arguments, **options)

        made_from = partial(fingerprint, project_folder=self.project)
        chosen = find_input(str(self.delivery), self.folder / "warehouses")
        with (
            patch.object(build_warehouse, "run_dbt", run),
            patch.object(build_warehouse, "fingerprint", made_from),
        ):
            return build(chosen, self.served, full_refresh, SILENT)

    def execute(self, *statements: str) -> None:
        """Run statements on the served file, as another program does."""
        with duckdb.connect(str(self.served)) as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture
def project(tmp_path) -> Path:
    """A part of the project, with files of each kind."""
    copy = tmp_path / "project"
    copy.mkdir()
    for name in ("dbt_project.yml", "profiles.yml", ".dbtignore"):
        shutil.copy(PROJECT_FOLDER / name, copy / name)
    for place in ("models/critical", "macros/sql", "seeds/input", "tests/totals", "scripts/build"):
        shutil.copytree(PROJECT_FOLDER / place, copy / place)
    return copy


@pytest.fixture
def shop(project, tmp_path) -> Shop:
    """A shop that has been built."""
    made = Shop(tmp_path)
    made.delivery.mkdir()
    rows = "".join(
        f"t{n},c{n % 7},2026-01-{1 + n % 28:02} 10:00:00,5,purchase\n" for n in range(90)
    )
    (made.delivery / "transactions.csv").write_text(ROWS + rows, encoding="utf-8")
    (made.delivery / "mapping.yml").write_text(MAPPING, encoding="utf-8")
    assert made.build()
    return made


def append(path: Path, text: str = "\n") -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def first_file(folder: Path, ending: str) -> Path:
    return min(folder.rglob("*" + ending))


# ---- nothing new ---------------------------------------------------------------------------------


def read_it(shop: Shop) -> None:
    duckdb.connect(str(shop.served), read_only=True).execute("from marts.customers").fetchall()


def touch_a_seed(shop: Shop) -> None:
    first_file(shop.project / "seeds", ".csv").touch()


def write_a_test_in_python(shop: Shop) -> None:
    (shop.project / "tests" / "test_something.py").write_text("", encoding="utf-8")


def change_a_macro_and_back(shop: Shop) -> None:
    path = first_file(shop.project / "macros", ".sql")
    before = path.read_text(encoding="utf-8")
    append(path)
    with pytest.raises(DbtError):
        shop.build(failing_dbt)
    path.write_text(before, encoding="utf-8")
    shop.built.clear()


@pytest.mark.parametrize(
    "happen",
    [
        lambda shop: None,
        read_it,
        # opened for writing and nothing written, as "dbt docs generate" does
        lambda shop: shop.execute("from marts.customers"),
        touch_a_seed,
        write_a_test_in_python,
        change_a_macro_and_back,
    ],
)
def test_nothing_is_built_when_nothing_is_new(shop, happen):
    inode = shop.served.stat().st_ino
    shop.built.clear()
    happen(shop)
    assert not shop.build()
    assert shop.built == []
    assert shop.served.stat().st_ino == inode
    assert not list(building_folder(shop.served).glob("*.duckdb*"))


# ---- something new -------------------------------------------------------------------------------


def update_in_place_and_hide_it(shop: Shop) -> None:
    """A row of raw changes, while the file keeps its size and its time."""
    update = "update raw.transactions set amount = '{}' where transaction_id = 't1'"
    # the first update makes the file grow, the second finds room
    shop.execute(update.format(6))
    assert shop.build()
    before = shop.served.stat()
    shop.execute(update.format(7))
    os.utime(shop.served, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = shop.served.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (
        before.st_ino,
        before.st_size,
        before.st_mtime_ns,
    )


def leave_a_log(shop: Shop) -> None:
    """A program is killed after its commit."""
    child = os.fork()
    if child == 0:
        connection = duckdb.connect(str(shop.served))
        connection.execute("update raw.transactions set amount = '8'")
        os._exit(0)
    os.waitpid(child, 0)
    assert shop.served.with_name("warehouse.duckdb.wal").exists()


def restore_a_backup(shop: Shop) -> None:
    backup = shop.folder / "backup.duckdb"
    shutil.copy2(shop.served, backup)
    backup.replace(shop.served)


def fail_after_a_change(shop: Shop) -> None:
    append(first_file(shop.project / "models", ".sql"))
    with pytest.raises(DbtError):
        shop.build(failing_dbt)


def fail_after_a_delivery(shop: Shop) -> None:
    (shop.delivery / "transactions_2.csv").write_text(
        ROWS + "new,c1,2026-02-01 10:00:00,5,purchase\n", encoding="utf-8"
    )
    with pytest.raises(DbtError):
        shop.build(failing_dbt)


def write_during_a_build(shop: Shop) -> None:
    """A build is refused, because another loader wrote the served file meanwhile."""

    def load_meanwhile(*_: str, **__: Any) -> None:
        shop.execute("insert into raw.transactions (transaction_id) values ('x')")

    append(first_file(shop.project / "models", ".sql"))
    with pytest.raises(WarehouseError, match="during the build"):
        shop.build(load_meanwhile)


def record(shop: Shop) -> Path:
    return building_folder(shop.served) / RECORD_NAME


NEEDED: dict[str, Callable[[Shop], Any]] = {
    "a seed": lambda shop: append(first_file(shop.project / "seeds", ".csv"), "x,y\n"),
    "a var of the mapping": lambda shop: (shop.delivery / "mapping.yml").write_text(
        "vars: {base_currency: EUR}\n"
    ),
    "a line of the mapping": lambda shop: append(
        shop.delivery / "mapping.yml", "ignore: ['*.notes']\n"
    ),
    "no mapping any more": lambda shop: (shop.delivery / "mapping.yml").unlink(),
    "a delivery": lambda shop: (shop.delivery / "transactions_2.csv").write_text(
        ROWS + "new,c1,2026-02-01 10:00:00,5,purchase\n"
    ),
    "a delivery without rows": lambda shop: (shop.delivery / "transactions_2.csv").write_text(ROWS),
    "a row of another loader": lambda shop: shop.execute(
        "insert into raw.transactions select 'other', * exclude (transaction_id) "
        "from raw.transactions limit 1"
    ),
    "a row that keeps its old arrival": lambda shop: shop.execute(
        "insert into raw.transactions select * from raw.transactions limit 1"
    ),
    "a row updated in place": lambda shop: shop.execute(
        "update raw.transactions set amount = '6' where transaction_id = 't1'"
    ),
    "an update that leaves no trace in size and time": update_in_place_and_hide_it,
    "a row deleted": lambda shop: shop.execute(
        "delete from raw.transactions where transaction_id = 't1'"
    ),
    "a commit that is still in the log": leave_a_log,
    "a mart dropped": lambda shop: shop.execute("drop table marts.customers"),
    "a mart changed by hand": lambda shop: shop.execute("delete from marts.customers"),
    "a backup restored": restore_a_backup,
    "no warehouse any more": lambda shop: shop.served.unlink(),
    "no record of the last build": lambda shop: record(shop).unlink(),
    "a broken record": lambda shop: record(shop).write_text('{"made_from": '),
    "a record of another shape": lambda shop: record(shop).write_text("[]"),
    "a change whose build failed": fail_after_a_change,
    "a delivery whose build failed": fail_after_a_delivery,
    "a change whose build was refused": write_during_a_build,
}


@pytest.mark.parametrize("what", NEEDED)
def test_what_is_new_is_built(shop, what):
    NEEDED[what](shop)
    shop.built.clear()
    assert shop.build()
    assert len(shop.built) == 1
    # and then nothing is new any more
    assert not shop.build()


def test_a_full_refresh_is_always_built(shop, monkeypatch):
    assert shop.build(full_refresh=True)
    assert shop.built[-1].endswith("--full-refresh")
    monkeypatch.setenv("DBT_FULL_REFRESH", "1")
    assert shop.build()
    assert shop.build()


def test_a_variable_of_dbt_is_part_of_what_a_build_is_made_from(shop, monkeypatch):
    monkeypatch.setenv("DBT_EVENT_TIME_END", "2026-01-05")
    assert shop.build()
    assert not shop.build()
    monkeypatch.delenv("DBT_EVENT_TIME_END")
    assert shop.build()


def test_another_version_of_a_package_builds_again(shop):
    with patch("build.last_build.version", lambda package: "99.0"):
        assert shop.build()
        assert not shop.build()


# ---- what a build is made from -------------------------------------------------------------------

MAPPING_FILE = Path("no mapping")


def rename_a_model(project: Path) -> None:
    """The order of the files stays the same."""
    path = first_file(project / "models", ".sql")
    path.rename(path.with_stem(path.stem + "_"))


CHANGES: dict[str, Callable[[Path], Any]] = {
    "a seed": lambda project: append(first_file(project / "seeds", ".csv"), "x,y\n"),
    "a macro": lambda project: append(first_file(project / "macros", ".sql")),
    "a model": lambda project: append(first_file(project / "models", ".sql")),
    "a model removed": lambda project: first_file(project / "models", ".sql").unlink(),
    "a model renamed": rename_a_model,
    "a property": lambda project: append(first_file(project / "models", ".yml"), "# new\n"),
    "a description": lambda project: (project / "models" / "new.md").write_text("new"),
    "a data test": lambda project: append(first_file(project / "tests", ".sql")),
    "a var of the project": lambda project: append(project / "dbt_project.yml", "# new\n"),
    "the profile": lambda project: append(project / "profiles.yml", "# new\n"),
    "what dbt ignores": lambda project: append(project / ".dbtignore", "x\n"),
    "packages": lambda project: (project / "packages.yml").write_text("packages: []"),
    "the build itself": lambda project: append(project / "scripts" / "build" / "run_dbt.py"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_the_project_changes_what_a_build_is_made_from(project, what):
    before = fingerprint({}, MAPPING_FILE, project)
    assert fingerprint({}, MAPPING_FILE, project) == before
    CHANGES[what](project)
    assert fingerprint({}, MAPPING_FILE, project) != before


def test_the_vars_of_an_input_are_part_of_what_a_build_is_made_from():
    before = fingerprint({}, MAPPING_FILE)
    assert before == fingerprint({}, MAPPING_FILE)
    assert before != fingerprint({"base_currency": "GBP"}, MAPPING_FILE)
