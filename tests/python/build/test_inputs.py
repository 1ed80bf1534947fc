"""The demo bank's next day: what comes, in which order, and where there is none."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pytest
from build import build_warehouse
from build.build_warehouse import build
from build.inputs import WAREHOUSE_NAME, find_input, with_next_day
from demo.generate_demo import DemoError, generate_demo
from load.errors import DeliveryError
from rich.progress import Progress

CUSTOMERS = 200
SILENT = Progress(disable=True)


def build_bank(warehouses: Path, next_day: bool = False) -> dict[str, int]:
    """Build the demo bank without dbt; how many rows each raw table has then."""
    chosen = find_input("demo_bank", warehouses, CUSTOMERS)
    # as a person who names no size
    if next_day:
        chosen = with_next_day(find_input("demo_bank", warehouses), warehouses)
    warehouse = warehouses / "demo_bank" / WAREHOUSE_NAME

    def no_dbt(*_: Any, **__: Any) -> None:
        pass

    with patch.object(build_warehouse, "run_dbt", no_dbt):
        build(chosen, warehouse, False, SILENT)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select table_name, sum(row_count)::int from raw._deliveries group by all"
        ).fetchall()
    return dict(rows)


def days(warehouses: Path) -> list[str]:
    return sorted(path.name for path in (warehouses / "demo_bank" / "days").iterdir())


def test_each_next_day_brings_what_the_bank_delivers_on_it(tmp_path):
    """The second day delivers nothing, so the next one after the first is the third."""
    first = build_bank(tmp_path)
    second = build_bank(tmp_path, next_day=True)
    assert days(tmp_path) == ["2026-09-19"]
    third = build_bank(tmp_path, next_day=True)
    assert days(tmp_path) == ["2026-09-19", "2026-09-21"]
    expected = [
        generate_demo(tmp_path / f"bank_{then_days}", customers=CUSTOMERS, then_days=then_days)
        for then_days in (1, 3)
    ]
    assert [second, third] == expected
    assert sum(third.values()) > sum(second.values()) > sum(first.values())
    # an ordinary build keeps the days that have come, in the size that they came in
    assert build_bank(tmp_path) == third
    assert days(tmp_path) == ["2026-09-19", "2026-09-21"]
    scratch = [path.name for path in (tmp_path / "demo_bank").glob(".*")]
    assert scratch == []


def test_another_size_of_the_bank_begins_before_its_days(tmp_path):
    bank = tmp_path / "demo_bank"
    build_bank(tmp_path)
    shutil.copytree(bank / "delivery", bank / "days" / "2026-09-19")
    chosen = find_input("demo_bank", tmp_path, CUSTOMERS + 10)
    assert chosen.deliveries() == [bank / "delivery", bank / "days" / "2026-09-19"]
    chosen.prepare(SILENT)
    assert chosen.deliveries() == [bank / "delivery"]


def test_only_the_demo_bank_has_a_next_day(tmp_path):
    (tmp_path / "shop").mkdir()
    chosen = find_input(str(tmp_path / "shop"), tmp_path)
    with pytest.raises(DeliveryError, match=r"Only demo_bank has a next day. Put the next del"):
        with_next_day(chosen, tmp_path)


def test_a_bank_that_is_not_there_has_no_next_day(tmp_path):
    with pytest.raises(DemoError, match=r"There is no demo bank in .*; build it first"):
        with_next_day(find_input("demo_bank", tmp_path), tmp_path)


def test_a_bank_of_another_version_gets_no_day_of_this_one(tmp_path):
    build_bank(tmp_path)
    delivery = tmp_path / "demo_bank" / "delivery"
    transactions = delivery / "transactions.parquet"
    duckdb.sql(f"from '{transactions}' limit 100").write_parquet(str(transactions) + "_less")
    Path(str(transactions) + "_less").replace(transactions)
    with pytest.raises(DemoError, match="another version of this project"):
        build_bank(tmp_path, next_day=True)
    assert not (tmp_path / "demo_bank" / "days").exists()
