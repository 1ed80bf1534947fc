"""Warehouses that a load can use, and those that it cannot."""

from __future__ import annotations

import subprocess
import sys

import pytest
from load.delivery import load_delivery
from load.engines import targets
from load.errors import DeliveryError
from small_deliveries import HEADER, ROW, refused, write


def test_a_file_that_duckdb_1_4_can_open(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse)
    header = warehouse.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    # 67 is the storage version of DuckDB 1.4
    assert int.from_bytes(header[12:20], "little") <= 67


def test_a_warehouse_named_like_its_schema_is_refused(folder, tmp_path):
    write(folder, "transactions.csv", HEADER, ROW)
    refused(folder, tmp_path / "raw.duckdb", "raw.duckdb cannot be a warehouse")


def test_a_file_that_is_no_warehouse_is_refused_and_kept(folder, tmp_path):
    write(folder, "transactions.csv", HEADER, ROW)
    letter = write(tmp_path, "letter.duckdb", "Dear customer," * 1000)
    before = letter.read_bytes()
    with pytest.raises(DeliveryError, match=r"letter\.duckdb cannot be opened"):
        load_delivery(folder, letter)
    assert letter.read_bytes() == before


def test_a_warehouse_that_another_program_has_open_is_refused(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse)
    before = warehouse.read_bytes()
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    command = [sys.executable, "-c", code, str(warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        reader.stdout.readline()
        with pytest.raises(DeliveryError, match="close the programs that have it open"):
            load_delivery(folder, warehouse)
        reader.communicate(b"\n")
    assert warehouse.read_bytes() == before


@pytest.mark.parametrize("target", ["postgres", "spark"])
def test_an_engine_that_is_not_installed_is_named(folder, monkeypatch, target):
    write(folder, "transactions.csv", HEADER, ROW)
    monkeypatch.setattr(targets, "find_spec", lambda name: None)
    with pytest.raises(DeliveryError, match=f"The package dbt-{target} is not installed; install"):
        load_delivery(folder, target=target)
