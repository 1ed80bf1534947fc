"""The benchmark stops where the floor makes other marts than the models."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest
from click.testing import CliRunner
from measure import compare_floor
from measure.build_floor import PROJECT_FOLDER, SCRIPT
from measure.build_floor import main as build_floor
from measure.compare_floor import differences, main

ROWS = "values (1, 0.10, 'a'), (2, 0.20, 'b'), (2, 0.20, 'b')"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two schemas with the same mart of three rows, two of them equal."""
    with duckdb.connect() as connection:
        for schema in ("marts", "floor"):
            connection.execute(f"create schema {schema}")
            connection.execute(
                f"create table {schema}.sums (id integer, amount decimal(9, 2), label varchar)"
            )
            connection.execute(f"insert into {schema}.sums {ROWS}")
        yield connection


@pytest.mark.parametrize(
    ("change", "how"),
    [
        ("update floor.sums set amount = 0.11 where id = 1", "1 rows of schema marts alone"),
        ("update floor.sums set label = null where id = 1", "1 rows of schema marts alone"),
        ("delete from floor.sums where id = 1", "1 rows of schema marts alone"),
        ("insert into floor.sums values (2, 0.20, 'b')", "1 rows of schema floor alone"),
        ("alter table floor.sums alter amount type decimal(9, 3)", "DECIMAL(9,3)"),
        ("alter table floor.sums add column more integer", "('more', 'INTEGER')"),
    ],
)
def test_a_difference_is_found(connection, change, how):
    assert differences(connection, ["sums"]) == {}
    connection.execute(change)
    assert how in differences(connection, ["sums"])["sums"]


def test_marts_without_rows_prove_nothing(connection):
    for schema in ("marts", "floor"):
        connection.execute(f"delete from {schema}.sums")
    assert differences(connection, ["sums"]) == {"sums": "no rows to compare"}


def test_a_mart_that_the_floor_lacks_is_named(connection):
    connection.execute("create table marts.more (id integer)")
    with pytest.raises(duckdb.Error, match="Table with name more does not exist"):
        differences(connection, ["more"])


def test_a_difference_ends_the_command_with_the_marts_and_the_fix(monkeypatch):
    monkeypatch.setattr(compare_floor, "compare_floor", lambda customers: {})
    assert CliRunner().invoke(main).exit_code == 0
    monkeypatch.setattr(compare_floor, "compare_floor", lambda customers: {"sums": "no rows"})
    result = CliRunner().invoke(main)
    assert result.exit_code == 1
    assert "\n  sums: no rows\nBring scripts/measure/floor.sql in line" in result.output


def test_the_floor_reads_nothing_but_raw_tables_and_seeds():
    script = re.sub(r"--[^\n]*", "", SCRIPT.read_text(encoding="utf-8"))
    read = set(re.findall(r"\b(?:from|join)\s+(\w+)\.\w+", script))
    assert read == {"raw", "floor"}
    files = set(re.findall(r"'/(\w+\.csv)'", script))
    assert files <= {path.name for path in (PROJECT_FOLDER / "seeds").rglob("*.csv")}


def test_a_warehouse_that_has_a_floor_gets_no_second_one(tmp_path):
    warehouse = str(tmp_path / "warehouse.duckdb")
    with duckdb.connect(warehouse) as connection:
        connection.execute("create schema floor")
    result = CliRunner().invoke(build_floor, [warehouse])
    assert result.exit_code == 1 and "already exists" in result.output
