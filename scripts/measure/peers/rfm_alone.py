"""This project's analysis rfm_alone on the rows that its peers get, in DuckDB and in memory.

The compiled analysis lies beside the purchases as rfm_alone.sql. It reads the staged transactions,
the as-of dates and the value classes of a database called warehouse, which are made here.
"""

from pathlib import Path
from typing import NamedTuple

import duckdb
import pandas as pd
from peer_command import Arguments, run

SEEDS = Path(__file__).resolve().parents[3] / "seeds"
TABLES = """
attach ':memory:' as warehouse;
create schema warehouse.staging;
create schema warehouse.history;
create schema warehouse.identity;
create table warehouse.identity.int_customer_ids (source_customer_id varchar, customer_id varchar);
create schema warehouse.seeds;
create table warehouse.staging.stg_transactions as
select
    customer_id as source_customer_id,
    activity_date,
    cast(amount as decimal(18, 4)) as amount,
    true as is_purchase,
    false as is_return,
    'accepted' as record_status
from '{purchases}';
create table warehouse.history.as_of_dates as
select cast('{as_of_date}' as date) as as_of_date, true as is_current;
create table warehouse.seeds.value_classes as from '{value_classes}';
"""


class Prepared(NamedTuple):
    """A connection with the tables, and the query to run on them."""

    connection: duckdb.DuckDBPyConnection
    query: str


def read(arguments: Arguments) -> Prepared:
    """The purchases in memory, and the analysis as dbt has compiled it."""
    (value_classes,) = SEEDS.rglob("value_classes.csv")
    connection = duckdb.connect()
    connection.execute(
        TABLES.format(
            purchases=arguments.purchases,
            as_of_date=arguments.as_of_date,
            value_classes=value_classes,
        )
    )
    query = arguments.purchases.with_name("rfm_alone.sql").read_text(encoding="utf-8")
    return Prepared(connection, query)


def compute(prepared: Prepared, as_of_date: str) -> pd.DataFrame:
    """A row a buyer: recency, frequency, money, their scores from 1, and the value class."""
    return prepared.connection.execute(prepared.query).df()


if __name__ == "__main__":
    run("duckdb", compute, read)
