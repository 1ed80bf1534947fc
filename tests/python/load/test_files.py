"""Which files of a delivery make which table."""

from __future__ import annotations

import pytest
from load.delivery import load_delivery
from small_deliveries import HEADER, RAW_ROW, ROW, refused, transactions, write


@pytest.mark.parametrize(
    "name",
    [
        "transactions.csv",
        "Transactions.CSV",
        "transactions.tsv",
        "transactions_2026-01.csv",
        "transactions-0001.txt",
        "transactions/part-0.csv",
        "transactions/2026/01/anything.csv",
    ],
)
def test_names_that_make_a_table(folder, warehouse, name):
    write(folder, name, HEADER, ROW)
    load_delivery(folder, warehouse)
    assert transactions(warehouse) == [RAW_ROW]


@pytest.mark.parametrize("name", ["transactions_old.csv", "old_transactions.csv", "notes.txt"])
def test_other_files_are_passed_over_with_a_warning(folder, warehouse, name):
    write(folder, "transactions.csv", HEADER, ROW)
    write(folder, name, HEADER, ROW.replace("t1", "t2"))
    write(folder, "_SUCCESS")
    write(folder, "README.md", "About this data.")
    report = load_delivery(folder, warehouse)
    assert report.warnings == [f"Files that make no table were passed over: {name}."]
    assert transactions(warehouse) == [RAW_ROW]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file_alone(folder, warehouse):
    write(folder, "transactions_0*.csv", HEADER, ROW)
    write(folder, "transactions_01.csv", HEADER, ROW.replace("t1", "t2"))
    load_delivery(folder, warehouse)
    assert transactions(warehouse, "transaction_id") == [("t1",), ("t2",)]


def test_a_missing_folder_is_refused(tmp_path, warehouse):
    refused(tmp_path / "nowhere", warehouse, "There is no folder", "nowhere")


def test_a_folder_without_any_table_is_refused(folder, warehouse):
    write(folder, "sales.csv", HEADER, ROW)
    refused(folder, warehouse, "holds no file for any table of the input contract; it holds sales")
