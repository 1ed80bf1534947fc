"""openretailscience: RFMSegmentation on an Ibis table, which DuckDB computes in memory.

It counts different transaction_id; the day stands for it, so that frequency is purchase days.
"""

import ibis
import pandas as pd
from openretailscience.segmentation.rfm import RFMSegmentation
from peer_command import Arguments, run

SEGMENTS = 4


def read(arguments: Arguments) -> ibis.Table:
    """The purchases as a table of DuckDB with the column names that the package wants."""
    connection = ibis.duckdb.connect()
    purchases = connection.read_parquet(arguments.purchases).select(
        "customer_id",
        transaction_date="activity_date",
        transaction_id="activity_date",
        unit_spend="amount",
    )
    return connection.create_table("purchases", purchases)


def compute(purchases: ibis.Table, as_of_date: str) -> pd.DataFrame:
    """A row a customer: recency_days, frequency, monetary, their scores from 0 and segments."""
    segmentation = RFMSegmentation(
        purchases,
        current_date=as_of_date,
        r_segments=SEGMENTS,
        f_segments=SEGMENTS,
        m_segments=SEGMENTS,
    )
    return segmentation.df.reset_index()


if __name__ == "__main__":
    run("openretailscience", compute, read)
