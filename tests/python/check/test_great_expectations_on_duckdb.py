"""Great Expectations on DuckDB: the fix is still needed, and what it refuses is one sentence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from build.run_dbt import PROJECT_FOLDER
from check import great_expectations_on_duckdb as gx
from check.expectations import ValidationStopped, read_expectations
from check.results import validate


def test_the_kept_connection_is_still_needed(
    small_warehouse: Callable[..., Path],
    write_expectations: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gx.load_great_expectations()
    from great_expectations.execution_engine import sqlalchemy_execution_engine as engines

    as_shipped = tuple(
        dialect for dialect in engines._PERSISTED_CONNECTION_DIALECTS if dialect.value != "duckdb"
    )
    monkeypatch.setattr(engines, "_PERSISTED_CONNECTION_DIALECTS", as_shipped)
    monkeypatch.setattr(gx, "keep_connection_of_duckdb", lambda: None)
    # if this fails, Great Expectations no longer needs the fix: remove keep_connection_of_duckdb
    with pytest.raises(ValidationStopped, match="list index out of range"):
        validate(read_expectations(write_expectations()), small_warehouse())


def test_the_warehouse_can_be_written_afterwards(
    small_warehouse: Callable[..., Path], write_expectations: Callable[..., Path]
) -> None:
    warehouse = small_warehouse()
    validate(read_expectations(write_expectations()), warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("drop table marts.customers")


def test_a_path_with_special_characters(
    small_warehouse: Callable[..., Path], write_expectations: Callable[..., Path], tmp_path: Path
) -> None:
    warehouse = tmp_path / "a b?c%20#d" / "warehouse.duckdb"
    warehouse.parent.mkdir()
    shutil.move(small_warehouse(), warehouse)
    assert validate(read_expectations(write_expectations()), warehouse).success


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "values_to_be_between",
            "value_to_be_between",
            "in_range: Great Expectations has no type expect_column_value_to_be_between "
            "(did you mean expect_column_values_to_be_between?).",
        ),
        (
            "min_value",
            "min_valeu",
            "in_range: expect_column_values_to_be_between has no argument min_valeu "
            "(did you mean min_value?); it has column, ",
        ),
        (
            "min_value: 0",
            "severity: warning",
            "in_range: expect_column_values_to_be_between has no",
        ),
        ("max_value: 100", "max_value: many", "in_range: max_value: value is not a valid float."),
        (
            "min_value: 0, max_value: 100",
            "mostly: 1",
            "in_range: min_value and max_value cannot both be None.",
        ),
    ],
)
def test_what_it_refuses_is_one_sentence(
    write_expectations: Callable[..., Path], old: str, new: str, sentence: str
) -> None:
    [mart] = read_expectations(write_expectations(old, new))
    [expectation, _] = mart.expectations
    with pytest.raises(ValidationStopped) as stopped:
        gx.make_expectation(expectation, mart.place(expectation))
    assert str(stopped.value).startswith(f"customers.expectations.yml, {sentence}")
    assert "\n" not in str(stopped.value)


def test_no_other_script_imports_it() -> None:
    scripts = PROJECT_FOLDER / "scripts"
    importing = {
        path.name
        for path in scripts.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.split()[:1] in (["import"], ["from"])
        and line.split()[1].split(".")[0] in ("great_expectations", "duckdb_engine", "sqlalchemy")
    }
    assert importing == {"great_expectations_on_duckdb.py"}
