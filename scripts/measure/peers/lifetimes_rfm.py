"""lifetimes: summary_data_from_transaction_data, as its models of customer lifetime value want it.

The package has had no release since 2020; it still runs on the pandas of its lock.
"""

import pandas as pd
from lifetimes.utils import summary_data_from_transaction_data
from peer_command import run


def compute(purchases: pd.DataFrame, as_of_date: str) -> pd.DataFrame:
    """A row a customer: frequency, recency and T in days, monetary_value a repeated day."""
    summary = summary_data_from_transaction_data(
        purchases,
        "customer_id",
        "activity_date",
        monetary_value_col="amount",
        observation_period_end=as_of_date,
    )
    return summary.reset_index()


if __name__ == "__main__":
    run("lifetimes", compute)
