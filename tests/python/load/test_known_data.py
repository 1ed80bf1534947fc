"""Published data sets, loaded by their mappings: the published numbers come out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from deliveries import delivery_of
from load.delivery import load_delivery
from load.mapping import read_mapping
from small_deliveries import query, transactions

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def online_retail(tmp_path_factory) -> Path:
    warehouse = tmp_path_factory.mktemp("online_retail") / "warehouse.duckdb"
    delivery = delivery_of("online_retail", tmp_path_factory.mktemp("delivery"))
    report = load_delivery(delivery, warehouse)
    assert report.warnings == []
    assert report.input_name == "online_retail"
    return warehouse


def test_online_retail_loads_whole(online_retail):
    columns = (
        "count(*), count(distinct transaction_id), count(*) filter (where customer_id is null), "
        "min(occurred_at), max(occurred_at), min(loaded_at), max(loaded_at)"
    )
    arrived = datetime(2011, 12, 12)
    times = ("2010-12-01 08:26:00", "2011-12-09 12:50:00", arrived, arrived)
    assert transactions(online_retail, columns) == [(541_909, 541_909, 135_080, *times)]


def test_online_retail_cleaned_gives_the_published_numbers(online_retail):
    sql = """
        select count(*), count(distinct customer_id), count(distinct order_id),
            sum(amount::decimal(18, 3))::varchar
        from raw.transactions
        where customer_id is not null
            and transaction_type = 'purchase' and amount::decimal(18, 3) > 0
    """
    assert query(online_retail, sql) == [(397_884, 4_338, 18_532, "8911407.904")]


def test_online_retail_netted_gives_the_published_numbers(online_retail):
    sql = """
        select count(distinct customer_id), sum(
            case transaction_type when 'return' then -amount::decimal(18, 3)
            else amount::decimal(18, 3) end
        )::varchar
        from raw.transactions
        where customer_id is not null
    """
    assert query(online_retail, sql) == [(4_372, "8300065.814")]


def test_online_retail_types_and_signs(online_retail):
    sql = """
        select transaction_type, count(*), count(*) filter (where amount::decimal(18, 3) < 0)
        from raw.transactions group by transaction_type order by transaction_type
    """
    assert query(online_retail, sql) == [
        ("gift", 2_515, 0),
        ("purchase", 530_106, 2),
        ("return", 9_288, 0),
    ]


def test_the_orders_of_the_rfm_package_load_whole(warehouse, tmp_path):
    folder = delivery_of("rfm_package", tmp_path / "rfm_package")
    assert load_delivery(folder, warehouse).warnings == []
    columns = (
        "count(*), count(distinct transaction_id), count(distinct customer_id), "
        "sum(amount::int)::int, max(occurred_at)"
    )
    assert transactions(warehouse, columns) == [(4_906, 4_906, 995, 464_158, "2006-12-30")]
    assert read_mapping(folder).vars["as_of_date"] == "2006-12-31"
