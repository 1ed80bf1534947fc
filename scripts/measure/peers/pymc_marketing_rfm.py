"""pymc-marketing: rfm_segments, which calls rfm_summary, scores by quartiles and names segments.

0.19.2 is its last release for Python 3.11; no model is fitted and nothing is compiled.
"""

import pandas as pd
from peer_command import run
from pymc_marketing.clv.utils import rfm_segments


def compute(purchases: pd.DataFrame, as_of_date: str) -> pd.DataFrame:
    """A row a customer: frequency, recency, monetary_value a purchase day, rfm_score, segment."""
    return rfm_segments(
        purchases,
        "customer_id",
        "activity_date",
        "amount",
        observation_period_end=as_of_date,
    )


if __name__ == "__main__":
    run("pymc-marketing", compute)
