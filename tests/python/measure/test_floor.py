"""The floor of the benchmarks is no shortcut: its marts are those of the models, row for row."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from measure.build_floor import PROJECT_FOLDER, SCRIPT, build_floor, connect_as_dbt, main
from warehouses import Warehouse

# a change of the models need not change the floor until someone measures beside it
pytestmark = pytest.mark.benchmark

MARTS = sorted(path.stem for path in (PROJECT_FOLDER / "models" / "marts").rglob("*.sql"))


@pytest.fixture(scope="module")
def connection(
    demo_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the demo bank's warehouse with the floor beside the marts."""
    copy = tmp_path_factory.mktemp("floor") / "warehouse.duckdb"
    shutil.copyfile(demo_warehouse.path, copy)
    with connect_as_dbt(copy) as connection:
        build_floor(connection)
        yield connection


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_of_the_floor_is_the_mart_of_the_models(
    connection: duckdb.DuckDBPyConnection, mart: str
):
    described = "select column_name, column_type from (describe {}.{})"
    columns = connection.execute(described.format("marts", mart)).fetchall()
    assert connection.execute(described.format("floor", mart)).fetchall() == columns
    differing = "(from {0}.{2} except all from {1}.{2}) order by all limit 3"
    missing = connection.execute(differing.format("marts", "floor", mart)).fetchall()
    surplus = connection.execute(differing.format("floor", "marts", mart)).fetchall()
    assert (missing, surplus) == ([], [])
    assert connection.execute(f"select count(*) > 0 from floor.{mart}").fetchone() == (True,)


def test_the_floor_reads_nothing_but_raw_tables_and_seeds():
    script = re.sub(r"--[^\n]*", "", SCRIPT.read_text(encoding="utf-8"))
    read = set(re.findall(r"\b(?:from|join)\s+(\w+)\.\w+", script))
    assert read == {"raw", "floor"}
    files = set(re.findall(r"'/(\w+\.csv)'", script))
    assert files <= {path.name for path in (PROJECT_FOLDER / "seeds").rglob("*.csv")}


def test_the_command_tells_its_seconds(demo_folder: Path, tmp_path: Path, new_warehouse):
    warehouse = new_warehouse()
    warehouse.load(demo_folder / "delivery", input_name="demo_bank")
    told = CliRunner().invoke(main, [str(warehouse.path)])
    assert told.exit_code == 0, told.output
    measured = json.loads(told.output)
    parts = measured["seconds_by_part"]
    assert {"transactions", "states", "critical_customers"} <= set(parts)
    # what is left is between the statements
    assert measured["seconds"] / 2 < sum(parts.values()) <= measured["seconds"]
    again = CliRunner().invoke(main, [str(warehouse.path)])
    assert again.exit_code == 1 and "already exists" in again.output
