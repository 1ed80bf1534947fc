"""When rows arrived, and that they are always newer than what the table holds."""

from __future__ import annotations

from datetime import datetime

import pytest
from load.delivery import load_delivery
from small_deliveries import HEADER, ROW, query, refused, transactions, write


def test_a_second_delivery_is_added_and_newer(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse, loaded_at="2026-01-02")
    write(folder, "transactions.csv", HEADER + ",currency", ROW.replace("t1", "t2") + ",EUR")
    [warning] = load_delivery(folder, warehouse, loaded_at="2026-01-02").warnings
    assert "already holds rows that arrived at 2026-01-02 00:00:00" in warning
    assert transactions(warehouse, "transaction_id, currency, loaded_at") == [
        ("t1", None, datetime(2026, 1, 2)),
        ("t2", "EUR", datetime(2026, 1, 2, 0, 0, 0, 1)),
    ]


def test_without_a_time_the_clock_is_taken_and_still_newer(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse, loaded_at="2999-01-01")
    write(folder, "transactions.csv", HEADER, ROW.replace("t1", "t2"))
    assert load_delivery(folder, warehouse).warnings == []
    assert transactions(warehouse, "max(loaded_at)") == [(datetime(2999, 1, 1, 0, 0, 0, 1),)]


def test_rows_bring_their_own_arrival(folder, warehouse):
    write(
        folder,
        "transactions.csv",
        HEADER + ",loaded_at",
        ROW + ",2026-01-02T08:00:00+08:00",
        ROW + ",2026-01-03",
        ROW + ",",
    )
    load_delivery(folder, warehouse, loaded_at="2026-01-04")
    assert transactions(warehouse, "loaded_at") == [
        (datetime(2026, 1, 2),),
        (datetime(2026, 1, 3),),
        (datetime(2026, 1, 4),),
    ]
    assert query(warehouse, "select loaded_at from raw._deliveries") == [(datetime(2026, 1, 4),)]


@pytest.mark.parametrize("value", ["yesterday", "infinity"])
def test_an_unreadable_own_arrival_is_refused(folder, warehouse, value):
    write(folder, "transactions.csv", HEADER + ",loaded_at", ROW + ",2026-01-02", f"{ROW},{value}")
    refused(folder, warehouse, f"transactions.csv row 2: loaded_at '{value}' is not a time")


@pytest.mark.parametrize("arrival", ["2026-01-02 00:00:00", "2026-01-01"])
def test_an_own_arrival_that_staging_would_never_see_is_refused(folder, warehouse, arrival):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse, loaded_at="2026-01-02")
    write(
        folder,
        "transactions.csv",
        HEADER + ",loaded_at",
        ROW + ",2026-01-05",
        f"{ROW},{arrival}",
    )
    refused(
        folder,
        warehouse,
        f"transactions.csv row 2: loaded_at '{arrival}' is not newer than 2026-01-02 00:00:00",
        "Give the rows a newer loaded_at, or leave the column out",
    )


def test_the_mapping_constant_is_the_arrival_of_rows_without_one(folder, warehouse):
    mapping = "tables: {transactions: {columns: {loaded_at: {constant: 2026-01-07}}}}"
    write(folder, "mapping.yml", mapping)
    write(folder, "transactions_1.csv", HEADER, ROW)
    write(folder, "transactions_2.csv", HEADER + ",loaded_at", ROW + ",2026-01-08", ROW + ",")
    load_delivery(folder, warehouse, loaded_at="2026-02-01")
    assert transactions(warehouse, "loaded_at") == [
        (datetime(2026, 1, 7),),
        (datetime(2026, 1, 7),),
        (datetime(2026, 1, 8),),
    ]


def test_a_bad_time_of_loading_is_refused(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    refused(folder, warehouse, "--loaded-at is not a time: 'noon'", loaded_at="noon")


def test_a_constant_arrival_that_is_not_a_time_is_refused(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    mapping = "tables: {transactions: {columns: {loaded_at: {constant: soon}}}}"
    write(folder, "mapping.yml", mapping)
    message = "The mapping's constant for transactions.loaded_at is not a time: 'soon'"
    refused(folder, warehouse, message)
