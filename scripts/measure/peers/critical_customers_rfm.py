"""This project: the current states out of the view that dbt has left, with scores and classes.

Takes the warehouse where its peers take a Parquet of purchases. Writing is part of the seconds, as
reading a view is computing it.
"""

import json
import time
from pathlib import Path

import click
import duckdb

STATES = """
copy (
    select
        customer_id, recency_days, frequency_count, monetary_amount,
        recency_score, frequency_score, monetary_score, value_class
    from states.int_rfm_segments
    inner join states.int_rfm_metrics using (customer_id, as_of_date)
    where as_of_date = cast('{as_of_date}' as date)
) to '{result}' (format parquet)
"""


@click.command()
@click.argument("warehouse", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("result", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--as-of-date", type=click.DateTime(["%Y-%m-%d"]), required=True)
def main(warehouse: Path, result: Path, as_of_date) -> None:
    """Write the buyers' states of a WAREHOUSE into RESULT; print a line of JSON."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        begun = time.perf_counter()
        query = STATES.format(as_of_date=as_of_date.date(), result=result)
        [(customers,)] = connection.execute(query).fetchall()
        seconds = time.perf_counter() - begun
    click.echo(json.dumps({"seconds": seconds, "customers": customers}))


if __name__ == "__main__":
    main()
