"""What the commands of all peers share: their arguments, their clocks and the line they print."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pyarrow import parquet


class Arguments(NamedTuple):
    """A Parquet of purchases, where to write, and the day to tell of, YYYY-MM-DD."""

    purchases: Path
    result: Path
    as_of_date: str


def read_purchases(arguments: Arguments) -> pd.DataFrame:
    """The purchases as rows of customer_id (text), activity_date (datetime64) and amount (float).

    pandas reads days as Python objects, on which everything is slow; turning them into its own
    kind of time is part of the reading.
    """
    purchases = pd.read_parquet(arguments.purchases)
    purchases["activity_date"] = pd.to_datetime(purchases["activity_date"])
    return purchases


def run(
    package: str,
    compute: Callable[[Any, str], pd.DataFrame],
    read: Callable[[Arguments], Any] = read_purchases,
) -> None:
    """Read, compute from what was read as of the day, and write; only the first two are timed.

    Prints a line of JSON: seconds of the computing and of the reading, how many purchases were
    read and customers written, and the version of the package.
    """
    parser = argparse.ArgumentParser(description=f"Recency, frequency and money by {package}.")
    parser.add_argument("purchases", type=Path, help="Parquet: customer_id, activity_date, amount")
    parser.add_argument("result", type=Path, help="Parquet of a row a customer to be written")
    parser.add_argument("--as-of-date", required=True, help="YYYY-MM-DD")
    arguments = Arguments(**vars(parser.parse_args()))
    begun = time.perf_counter()
    purchases = read(arguments)
    read_at = time.perf_counter()
    customers = compute(purchases, arguments.as_of_date)
    computed_at = time.perf_counter()
    customers.to_parquet(arguments.result, index=False)
    told = {
        "seconds": computed_at - read_at,
        "reading_seconds": read_at - begun,
        "rows": parquet.read_metadata(arguments.purchases).num_rows,
        "customers": len(customers),
        "version": version(package),
    }
    print(json.dumps(told))
