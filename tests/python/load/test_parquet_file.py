"""Parquet files: their types as text, and files that are none."""

from __future__ import annotations

from load.delivery import load_delivery
from small_deliveries import HEADER, refused, transactions, write, write_parquet


def test_parquet_types_become_plain_text_in_utc(folder, warehouse):
    write_parquet(
        folder,
        "transactions.parquet",
        """
        select
            7 as transaction_id,
            encode('甲') as customer_id,
            timestamptz '2026-01-01 08:00:00+08:00' as occurred_at,
            12.50::decimal(18, 2) as amount,
            'purchase'::enum('purchase') as transaction_type,
            0.1::double as profit_amount,
            date '2026-01-02' as order_id,
            timestamp '2026-01-01 10:00:00.5' as channel,
            true as status
        """,
    )
    report = load_delivery(folder, warehouse)
    assert transactions(warehouse, HEADER + ",profit_amount,order_id,channel,status") == [
        (
            *("7", "甲", "2026-01-01 00:00:00", "12.50", "purchase"),
            *("0.1", "2026-01-02", "2026-01-01 10:00:00.5", "true"),
        )
    ]
    assert report.warnings == []


def test_a_floating_point_key_is_warned_about(folder, warehouse):
    write_parquet(
        folder,
        "transactions.parquet",
        "select 't' transaction_id, 17850.0::double customer_id, '2026-01-01' occurred_at, "
        "1.5::double amount, 'purchase' transaction_type",
    )
    [warning] = load_delivery(folder, warehouse).warnings
    assert warning.startswith("transactions.parquet: customer_id is a floating-point number")
    assert transactions(warehouse, "customer_id, amount") == [("17850.0", "1.5")]


def test_a_broken_parquet_file_is_refused(folder, warehouse):
    write(folder, "transactions.parquet", "this is no Parquet file at all")
    refused(folder, warehouse, "transactions.parquet cannot be read as Parquet")
