"""The command: results and their texts, exit codes, what it shows and what it writes."""

import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from build.run_dbt import PROJECT_FOLDER
from check.expectations import read_expectations
from check.results import ValidationResult, format_cell, validate
from check.validate import main
from click.testing import CliRunner, Result

SCRIPT = PROJECT_FOLDER / "scripts/check/validate.py"
TOO_HIGH = "update marts.customers set criticality = 120 where customer_id = 'C2'"
UNMASKED = "update marts.customers set masked_name = '王小明儿' where customer_id <> 'C2'"

MakeWarehouse = Callable[..., Path]
WriteExpectations = Callable[..., Path]


def run(*arguments: object) -> Result:
    """The command, in a terminal that is wide enough not to break lines."""
    command = [str(argument) for argument in arguments]
    return CliRunner().invoke(main, command, env={"COLUMNS": "400"})


# -- results ---------------------------------------------------------------------------------------


def validated(folder: Path, warehouse: Path) -> ValidationResult:
    """The result of a small warehouse."""
    return validate(read_expectations(folder), warehouse)


def test_a_pass(small_warehouse: MakeWarehouse, write_expectations: WriteExpectations) -> None:
    result = validated(write_expectations(), small_warehouse())
    in_range, masked = result.expectations
    assert in_range.observed == "all 3 rows passed, 1 without a value"
    assert in_range.expected == (
        "column values to be between: column criticality; min_value 0; max_value 100"
    )
    assert (masked.observed, masked.expected) == ("no unexpected rows", "no unexpected rows")
    assert masked.query == "select customer_id from marts.customers where length(masked_name) > 3"
    assert masked.arguments == {"length": 3}
    assert (result.success, result.summary.passed_count) == (True, 2)
    assert result.warehouse.endswith("/warehouse.duckdb")


def test_failures_are_counted_and_sampled(
    small_warehouse: MakeWarehouse, write_expectations: WriteExpectations
) -> None:
    result = validated(write_expectations(), small_warehouse(TOO_HIGH, UNMASKED))
    in_range, masked = result.expectations
    assert in_range.observed == "1 of 3 rows failed, 1 without a value"
    assert in_range.unexpected_count == 1
    assert in_range.sample.columns == ["customer_id", "criticality"]
    assert in_range.sample.rows == [["C2", "120"]]
    assert masked.observed == "2 unexpected rows"
    assert masked.unexpected_count == 2
    assert masked.sample.rows == [["C1"], ["C3"]]
    assert (in_range.fails_run, masked.fails_run) == (True, False)
    assert not result.success
    # the query does not select the name, so no file shows it
    assert "王小明" not in result.model_dump_json()


def test_many_failing_rows_are_counted_and_five_are_shown(
    small_warehouse: MakeWarehouse, write_expectations: WriteExpectations
) -> None:
    # more rows than Great Expectations fetches at a time
    many = """
        insert into marts.customers
        select 'D' || lpad(range::varchar, 3, '0'), 120, '王小明儿', date '2026-09-18'
        from range(300)
    """
    warehouse = small_warehouse(many)
    result = validated(write_expectations(), warehouse)
    in_range, masked = result.expectations
    assert in_range.observed == "300 of 303 rows failed, 1 without a value"
    assert masked.observed == "300 unexpected rows"
    assert masked.sample.rows == [["D000"], ["D001"], ["D002"], ["D003"], ["D004"]]
    assert in_range.sample_row_count == 5
    # the same warehouse gives the same result
    assert validated(write_expectations(), warehouse) == result


def test_a_row_count_is_observed(
    small_warehouse: MakeWarehouse, write_expectations: WriteExpectations
) -> None:
    folder = write_expectations("column_values_to_be", "table_row_count_to_be")
    path = folder / "customers.expectations.yml"
    text = path.read_text(encoding="utf-8").replace(
        "column: criticality, min_value: 0", "min_value: 4"
    )
    path.write_text(text, encoding="utf-8")
    [counted, _] = validated(folder, small_warehouse()).expectations
    assert not counted.success
    assert counted.expected == "table row count to be between: min_value 4; max_value 100"
    assert counted.observed == "3 rows"
    assert counted.unexpected_count is None


def test_progress_is_reported(
    small_warehouse: MakeWarehouse, write_expectations: WriteExpectations
) -> None:
    steps, marts = [], []
    folder = write_expectations()
    validate(
        read_expectations(folder),
        small_warehouse(UNMASKED),
        on_step=steps.append,
        on_mart=lambda mart: marts.append((mart.mart, mart.row_count, mart.summary.passed_count)),
    )
    assert steps[-2:] == ["starting Great Expectations", "validating customers"]
    assert marts == [("customers", 3, 1)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "true"),
        (2026, "2026"),
        (20000, "20,000"),
        (0.5, "0.5"),
        (12.0, "12"),
        (-0.00000001, "-1e-08"),
        (Decimal("1234567.8900"), "1,234,567.89"),
        ([1, None], "1, –"),
        ("", ""),
    ],
)
def test_cells_are_readable(value: object, text: str) -> None:
    assert format_cell(value) == text


# -- the command -----------------------------------------------------------------------------------


def test_a_pass_is_exit_code_0(
    small_warehouse: MakeWarehouse, write_expectations: WriteExpectations
) -> None:
    warehouse = small_warehouse("create view marts.segments as select 1 as x")
    result = run(warehouse, "--expectations", write_expectations())
    assert result.exit_code == 0, result.output
    assert "2 of 2 expectations passed, as of 2026-09-18" in result.stdout
    assert "The mart segments has no expectation file." in result.stdout
    assert f"Open {warehouse.with_name('validation.html')} in a browser." in result.stdout
    assert json.loads(warehouse.with_name("validation.json").read_text())["success"] is True
    junit = ElementTree.parse(warehouse.with_name("validation.xml")).getroot()
    assert junit.find("testsuite").get("failures") == "0"


def test_a_critical_failure_is_exit_code_1(
    small_warehouse: MakeWarehouse, write_expectations: WriteExpectations, tmp_path: Path
) -> None:
    page = tmp_path / "pages.html"
    warehouse = small_warehouse(TOO_HIGH)
    result = run(warehouse, "--expectations", write_expectations(), "--report", page)
    assert result.exit_code == 1, result.output
    for text in (
        "critical  customers.in_range",
        "Criticality is a mark from 0 to 100.",
        "1 of 3 rows failed, 1 without a value",
        "customer_id C2  criticality 120",
        "1 of 2 expectations passed, 1 critical failed, as of",
    ):
        assert text in result.stdout
    assert "Criticality is a mark from 0 to 100." in page.read_text(encoding="utf-8")
    assert json.loads(page.with_suffix(".json").read_text())["success"] is False
    [failure] = ElementTree.parse(page.with_suffix(".xml")).iter("failure")
    assert "for example: customer_id=C2  criticality=120" in failure.text


def test_a_warning_is_exit_code_1_only_on_demand(
    small_warehouse: MakeWarehouse, write_expectations: WriteExpectations
) -> None:
    warehouse = small_warehouse(UNMASKED)
    arguments = (warehouse, "--expectations", write_expectations())
    result = run(*arguments)
    assert result.exit_code == 0
    assert "warning  customers.masked" in result.stdout
    assert "1 of 2 expectations passed, 1 warning, as of" in result.stdout
    junit = warehouse.with_name("validation.xml")
    assert ElementTree.parse(junit).find("testsuite").get("failures") == "0"

    assert run(*arguments, "--fail-on", "warning").exit_code == 1
    assert ElementTree.parse(junit).find("testsuite").get("failures") == "1"


def test_a_stop_is_exit_code_2_and_leaves_no_old_report(
    small_warehouse: MakeWarehouse, write_expectations: WriteExpectations
) -> None:
    warehouse = small_warehouse()
    report = [warehouse.with_name(f"validation.{kind}") for kind in ("html", "json", "xml")]
    assert run(warehouse, "--expectations", write_expectations()).exit_code == 0
    assert all(path.exists() for path in report)
    folder = write_expectations("because: Names", "becuase: Names")
    result = run(warehouse, "--expectations", folder)
    assert result.exit_code == 2
    assert (
        "The marts were not validated. customers.expectations.yml, masked: the key becuase is"
        in (result.stderr)
    )
    assert "Traceback" not in result.output
    assert not any(path.exists() for path in report)


def test_a_report_that_cannot_be_written(
    small_warehouse: MakeWarehouse, write_expectations: WriteExpectations, tmp_path: Path
) -> None:
    page = tmp_path / "nowhere" / "page.html"
    result = run(small_warehouse(), "--expectations", write_expectations(), "--report", page)
    assert result.exit_code == 2
    assert f"{page} cannot be written: No such file or directory." in result.stderr


def test_a_page_with_the_name_of_another_file(tmp_path: Path) -> None:
    result = run(tmp_path / "warehouse.duckdb", "--report", tmp_path / "validation.xml")
    assert result.exit_code == 2
    assert "validation.xml must end in .html." in result.stderr


def test_help_says_the_exit_codes() -> None:
    text = " ".join(run("--help").output.split())
    assert "Exit codes: 0 no expectation of the --fail-on severity or higher failed; 1 one" in text
    assert "JUnit XML (.xml)" in text


def test_the_command_prints_nothing_but_its_progress_and_its_result(
    small_warehouse: MakeWarehouse, write_expectations: WriteExpectations
) -> None:
    warehouse = small_warehouse()
    done = subprocess.run(
        [sys.executable, SCRIPT, warehouse, "--expectations", write_expectations()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines() == [
        f"Validating the marts of {warehouse}",
        "reading the expectations",
        "comparing the expectations with the warehouse",
        "starting Great Expectations",
        "validating customers",
    ]
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["✓", "Open"]


def test_the_first_line_waits_for_no_import() -> None:
    code = "import sys, check.validate; print(*sys.modules)"
    modules = subprocess.check_output(
        [sys.executable, "-c", code], cwd=PROJECT_FOLDER / "scripts", text=True
    ).split()
    assert "click" in modules
    slow = {"duckdb", "great_expectations", "jinja2", "pandas", "pydantic", "rich", "ruamel.yaml"}
    assert not slow & set(modules)


def test_without_great_expectations(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['great_expectations'] = sys.modules['ruamel'] = None\n"
        "from check.validate import main; main([sys.argv[1]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "warehouse.duckdb"],
        cwd=PROJECT_FOLDER / "scripts",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"Validating the marts of {tmp_path / 'warehouse.duckdb'}",
        "The marts were not validated. Python packages are missing: great_expectations, ruamel; "
        "make validate installs them.",
    ]
