"""What must be in the warehouse: the sentence for each thing that is missing, and the facts."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from check.built_marts import check_against_warehouse
from check.expectations import ValidationStopped, read_expectations


def test_the_facts_of_a_warehouse(
    small_warehouse: Callable[..., Path], write_expectations: Callable[..., Path]
) -> None:
    warehouse = small_warehouse(
        "create view marts.b as select 1 as x", "create view marts.a as select 1 as x"
    )
    facts = check_against_warehouse(read_expectations(write_expectations()), warehouse)
    assert facts.as_of_date == "2026-09-18"
    assert facts.row_counts == {"customers": 3}
    assert facts.marts_without_expectations == ["a", "b"]


def test_no_customers_no_date(
    small_warehouse: Callable[..., Path], write_expectations: Callable[..., Path]
) -> None:
    warehouse = small_warehouse("delete from marts.customers")
    facts = check_against_warehouse(read_expectations(write_expectations()), warehouse)
    assert facts.as_of_date is None


@pytest.mark.parametrize(
    ("old", "new", "name", "sentence"),
    [
        (
            "customer_id]",
            "custmer_id]",
            "customers",
            "key: the mart has no column custmer_id (did ",
        ),
        ("column: c", "column: k", "customers", "in_range: the mart has no column kriticality (di"),
        ("masked_name", "full_name", "customers", "masked: its SQL does not run: Binder Error: "),
        ("mart: customers", "mart: customer", "customer", "has no mart customer (did you mean cus"),
    ],
)
def test_what_is_missing_is_one_sentence(
    small_warehouse: Callable[..., Path],
    write_expectations: Callable[..., Path],
    old: str,
    new: str,
    name: str,
    sentence: str,
) -> None:
    marts = read_expectations(write_expectations(old, new, name))
    warehouse = small_warehouse()
    with pytest.raises(ValidationStopped) as stopped:
        check_against_warehouse(marts, warehouse)
    assert str(stopped.value).startswith(f"{name}.expectations.yml")
    assert sentence in str(stopped.value)
    assert "\n" not in str(stopped.value)


def test_the_columns_of_a_pair_and_of_a_list_are_checked(
    small_warehouse: Callable[..., Path], write_expectations: Callable[..., Path]
) -> None:
    warehouse = small_warehouse()
    for argument in ("column_A: x1", "column_B: x1", "column_list: [customer_id, x1]"):
        marts = read_expectations(write_expectations("column: criticality", argument))
        with pytest.raises(ValidationStopped, match="the mart has no column x1"):
            check_against_warehouse(marts, warehouse)


def test_a_missing_warehouse(write_expectations: Callable[..., Path], tmp_path: Path) -> None:
    marts = read_expectations(write_expectations())
    with pytest.raises(ValidationStopped, match=r"There is no warehouse .*: run make build first"):
        check_against_warehouse(marts, tmp_path / "warehouse.duckdb")


def test_a_file_that_is_no_warehouse(
    write_expectations: Callable[..., Path], tmp_path: Path
) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("no database" * 1000)
    with pytest.raises(ValidationStopped, match="cannot be opened as a warehouse"):
        check_against_warehouse(read_expectations(write_expectations()), path)


def test_a_warehouse_without_marts(
    small_warehouse: Callable[..., Path], write_expectations: Callable[..., Path]
) -> None:
    warehouse = small_warehouse("drop table marts.customers")
    with pytest.raises(ValidationStopped, match="has no schema marts, so it is not built: run"):
        check_against_warehouse(read_expectations(write_expectations()), warehouse)


def test_a_warehouse_that_is_being_written(
    small_warehouse: Callable[..., Path], write_expectations: Callable[..., Path]
) -> None:
    warehouse = small_warehouse()
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as writer:
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(ValidationStopped, match=f"is open for writing in process {writer.pid}"):
            check_against_warehouse(read_expectations(write_expectations()), warehouse)
        writer.communicate("\n")
