"""Fixtures for validation: a warehouse of one small mart, and its expectation file."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

EXPECTATIONS = """
mart: customers
key: [customer_id]
expectations:
  - name: in_range
    because: Criticality is a mark from 0 to 100.
    severity: critical
    type: expect_column_values_to_be_between
    arguments: {column: criticality, min_value: 0, max_value: 100}
  - name: masked
    because: Names are masked.
    severity: warning
    type: unexpected_rows_expectation
    arguments:
      length: 3
      unexpected_rows_query: select customer_id from {batch} where length(masked_name) > {length}
"""


@pytest.fixture
def write_expectations(tmp_path: Path) -> Callable[..., Path]:
    """Write the expectation file with one text replaced; returns its folder."""

    def write(old: str = "", new: str = "", name: str = "customers") -> Path:
        assert old in EXPECTATIONS
        folder = tmp_path / "expectations"
        folder.mkdir(exist_ok=True)
        content = EXPECTATIONS.replace(old, new, 1) if old else EXPECTATIONS
        (folder / f"{name}.expectations.yml").write_text(content, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def small_warehouse(tmp_path: Path) -> Callable[..., Path]:
    """Make a warehouse with one mart of three customers, then run statements on it."""

    def make(*statements: str) -> Path:
        path = tmp_path / "warehouse.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema marts")
            connection.execute(
                """
                create table marts.customers as
                select
                    customer_id,
                    cast(criticality as double) as criticality,
                    masked_name,
                    date '2026-09-18' as as_of_date
                from (values ('C1', 10.5, '王**'), ('C2', 99.0, '李**'), ('C3', null, '张**'))
                    as customers (customer_id, criticality, masked_name)
                """
            )
            for statement in statements:
                connection.execute(statement)
        return path

    return make
