"""The log of what was loaded, and the tables that a load makes."""

from __future__ import annotations

import hashlib
from datetime import datetime

import duckdb
from load.delivery import load_delivery
from load.engines.duckdb_raw import STORAGE
from small_deliveries import HEADER, RAW_ROW, ROW, query, refused, transactions, write


def test_every_delivered_file_is_logged(folder, warehouse):
    path = write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(
        folder, warehouse, loaded_at="2026-01-02 08:00:00+08:00", input_name="corner_shop"
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert query(warehouse, "from raw._deliveries") == [
        ("transactions", path.name, digest, 1, datetime(2026, 1, 2), "corner_shop")
    ]


def test_the_same_delivery_twice_changes_nothing(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    write(folder, "transactions_2.csv", HEADER, ROW)
    first = load_delivery(folder, warehouse)
    before = warehouse.read_bytes()
    second = load_delivery(folder, warehouse)
    assert (first.rows["transactions"], first.skipped) == (1, ["transactions_2.csv"])
    assert second.rows["transactions"] == 0
    assert second.skipped == ["transactions.csv", "transactions_2.csv"]
    assert warehouse.read_bytes() == before


def test_a_later_delivery_may_lack_the_required_table(folder, warehouse, tmp_path):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse)
    write(tmp_path / "day_2", "customers.csv", "customer_id", "c1")
    report = load_delivery(tmp_path / "day_2", warehouse, input_name="shop")
    assert report.rows["customers"] == 1


def test_a_first_delivery_without_a_required_table_is_refused(folder, warehouse):
    write(folder, "customers.csv", "customer_id", "c1")
    refused(
        folder,
        warehouse,
        "holds no file for the required table transactions; it holds customers.csv",
        "Name a file transactions.csv or transactions.parquet",
    )


def test_inputs_never_mix(folder, warehouse, tmp_path):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse)
    write(tmp_path / "bank", "transactions.csv", HEADER, ROW.replace("t1", "t2"))
    refused(
        tmp_path / "bank",
        warehouse,
        "holds the input shop and the delivery belongs to bank. Inputs never mix in one warehouse",
        "--input-name shop",
    )
    load_delivery(tmp_path / "bank", warehouse, input_name="shop")
    assert len(transactions(warehouse)) == 2


def test_a_raw_schema_of_an_older_contract_gets_the_new_columns(folder, warehouse):
    warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(warehouse), config=STORAGE) as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw.transactions (transaction_id varchar)")
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse)
    assert transactions(warehouse) == [RAW_ROW]
