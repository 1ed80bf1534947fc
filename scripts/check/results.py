"""Validate the marts of a warehouse; the result, as the page, the JSON and the JUnit file show it.

The JSON file is ValidationResult as it stands here. Its keys are stable:

  success                      false if a failure is severe enough for exit code 1
  fail_on                      the lowest severity that is: critical or warning
  warehouse                    folder and file name
  as_of_date                   the current as-of date, or null without customers
  summary                      expectation_count, passed_count, failed_critical_count,
                               failed_warning_count
  marts_without_expectations   names of built marts without an expectation file
  marts                        mart, row_count and summary of each
  expectations                 of each, in the order of the files:
    mart, name, severity, because, type, arguments
    query                      the SQL of the unexpected rows, or null
    success                    true or false
    fails_run                  true if it failed and is severe enough for exit code 1
    expected, observed         texts
    unexpected_count           number of rows that fail, or null if no rows are counted
    sample_row_count, sample   at most 5 failing rows: columns (names) and rows (lists of texts)

Texts are in English. The same warehouse and the same expectations give the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from check import great_expectations_on_duckdb as gx
from check.built_marts import check_against_warehouse, open_warehouse, select_sample
from check.expectations import (
    SEVERITIES,
    SQL_ARGUMENT,
    Expectation,
    MartExpectations,
    Severity,
)
from pydantic import BaseModel, computed_field

# enough rows to find the fault, few enough to read
SAMPLE_ROWS = 5


class Sample(BaseModel):
    """Some failing rows, each cell as text."""

    columns: list[str]
    rows: list[list[str]]


class ExpectationResult(BaseModel):
    """The result of one expectation."""

    mart: str
    name: str
    severity: Severity
    because: str
    type: str
    arguments: dict[str, Any]
    query: str | None
    success: bool
    fails_run: bool
    expected: str
    observed: str
    unexpected_count: int | None
    sample: Sample

    @computed_field
    @property
    def sample_row_count(self) -> int:
        """The number of rows in the sample."""
        return len(self.sample.rows)


class Summary(BaseModel):
    """How many expectations there are, and how many passed or failed."""

    expectation_count: int
    passed_count: int
    failed_critical_count: int
    failed_warning_count: int

    @classmethod
    def of(cls, outcomes: Iterable[tuple[Severity, bool]]) -> Summary:
        """The summary of some expectations: the severity of each, and whether it passed."""
        severities = [None if success else severity for severity, success in outcomes]
        return cls(
            expectation_count=len(severities),
            passed_count=severities.count(None),
            failed_critical_count=severities.count("critical"),
            failed_warning_count=severities.count("warning"),
        )


class MartResult(BaseModel):
    """The summary of one mart."""

    mart: str
    row_count: int
    summary: Summary


class ValidationResult(BaseModel):
    """The result of all expectations; the module's docstring describes the keys."""

    success: bool
    fail_on: Severity
    warehouse: str
    as_of_date: str | None
    summary: Summary
    marts_without_expectations: list[str]
    marts: list[MartResult]
    expectations: list[ExpectationResult]

    @property
    def failures(self) -> list[ExpectationResult]:
        """The expectations that failed, critical ones first."""
        failed = [one for one in self.expectations if not one.success]
        return sorted(failed, key=lambda failure: SEVERITIES.index(failure.severity))

    def expectations_of(self, mart: str) -> list[ExpectationResult]:
        """The results of one mart."""
        return [one for one in self.expectations if one.mart == mart]


def validate(
    marts: list[MartExpectations],
    warehouse: Path,
    fail_on: Severity = "critical",
    on_step: Callable[[str], None] = lambda text: None,
    on_mart: Callable[[MartResult], None] = lambda mart: None,
) -> ValidationResult:
    """Validate the marts of a warehouse.

    on_step is called with a short text before each step, on_mart with the result of each mart.
    Raises ValidationStopped if the marts cannot be validated.
    """
    on_step("comparing the expectations with the warehouse")
    facts = check_against_warehouse(marts, warehouse)
    on_step("starting Great Expectations")
    made = {
        mart.mart: [gx.make_expectation(one, mart.place(one)) for one in mart.expectations]
        for mart in marts
    }
    raw = {}
    mart_results = []
    with gx.open_source(warehouse) as (context, source):
        for mart in marts:
            on_step(f"validating {mart.mart}")
            outcome = gx.run_checkpoint(mart, made[mart.mart], context, source, SAMPLE_ROWS)
            mart_result = MartResult(
                mart=mart.mart,
                row_count=facts.row_counts[mart.mart],
                summary=Summary.of(
                    (one.severity, outcome[one.name]["success"]) for one in mart.expectations
                ),
            )
            on_mart(mart_result)
            raw[mart.mart] = outcome
            mart_results.append(mart_result)
    # only now, because Great Expectations opens the file with another configuration
    with open_warehouse(warehouse) as connection:
        results = [
            make_result(mart, one, raw[mart.mart][one.name], row_count, fail_on, connection)
            for mart, row_count in zip(marts, facts.row_counts.values(), strict=True)
            for one in mart.expectations
        ]
    return ValidationResult(
        success=not any(result.fails_run for result in results),
        fail_on=fail_on,
        warehouse="/".join(warehouse.resolve().parts[-2:]),
        as_of_date=facts.as_of_date,
        summary=Summary.of((result.severity, result.success) for result in results),
        marts_without_expectations=facts.marts_without_expectations,
        marts=mart_results,
        expectations=results,
    )


def make_result(
    mart: MartExpectations,
    expectation: Expectation,
    raw: Mapping[str, Any],
    row_count: int,
    fail_on: Severity,
    connection: duckdb.DuckDBPyConnection,
) -> ExpectationResult:
    """The result of an expectation, from what Great Expectations returned of it."""
    query = mart.sql(expectation)
    success, details = raw["success"], raw["result"]
    sample = Sample(columns=[], rows=[])
    if not success and query:
        columns, rows = select_sample(query, SAMPLE_ROWS, connection)
        sample = Sample(columns=columns, rows=[[format_cell(cell) for cell in row] for row in rows])
    elif not success:
        sample = sample_of_keys(details.get("partial_unexpected_index_list") or [])
    return ExpectationResult(
        mart=mart.mart,
        **expectation.model_dump(include={"name", "severity", "because", "type"}),
        arguments={
            name: value for name, value in expectation.arguments.items() if name != SQL_ARGUMENT
        },
        query=query,
        success=success,
        fails_run=not success and is_severe(expectation.severity, fail_on),
        expected=expected_text(expectation),
        observed=observed_text(expectation, success, details, row_count),
        unexpected_count=details["observed_value"] if query else details.get("unexpected_count"),
        sample=sample,
    )


def is_severe(severity: Severity, fail_on: Severity) -> bool:
    """Whether a severity is at least as high as the lowest that gives exit code 1."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(fail_on)


def sample_of_keys(rows: list[dict[str, Any]]) -> Sample:
    """The failing rows that Great Expectations returns: the key and the column that it checked."""
    columns = list(rows[0]) if rows else []
    return Sample(
        columns=columns,
        rows=sorted([format_cell(row[column]) for column in columns] for row in rows),
    )


# -- texts -----------------------------------------------------------------------------------------


def expected_text(expectation: Expectation) -> str:
    """What an expectation asks for, in the words of its type."""
    if expectation.query:
        return "no unexpected rows"
    words = expectation.type.removeprefix("expect_").replace("_", " ")
    arguments = [f"{name} {format_cell(value)}" for name, value in expectation.arguments.items()]
    return f"{words}: {'; '.join(arguments)}" if arguments else words


def observed_text(
    expectation: Expectation, success: bool, details: Mapping[str, Any], row_count: int
) -> str:
    """What was found: how many rows failed or passed, or the number that was checked."""
    if expectation.query:
        return plural(details["observed_value"], "unexpected row")
    if "unexpected_count" in details and "element_count" in details:
        failing = f"{details['unexpected_count']:,} of {plural(row_count, 'row')} failed"
        passing = f"all {plural(row_count, 'row')} passed" if row_count else "no rows"
        missing_count = details.get("missing_count", 0)
        missing = f", {missing_count:,} without a value" if missing_count else ""
        return f"{passing if success else failing}{missing}"
    if expectation.type.startswith("expect_table_row_count"):
        return plural(details["observed_value"], "row")
    return format_cell(details.get("observed_value"))


def format_cell(value: Any) -> str:
    """A cell as text: no meaningless digits, a dash for no value."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, list):
        return ", ".join(format_cell(one) for one in value)
    if isinstance(value, (float, Decimal)):
        # a tiny number must not look like 0
        if 0 < abs(value) < 0.000001:
            return f"{value:.2g}"
        return f"{value:,.6f}".rstrip("0").rstrip(".")
    return str(value)


def plural(number: int, noun: str) -> str:
    """A number and its noun: no rows, 1 row, 2 rows."""
    count = f"{number:,}" if number else "no"
    return f"{count} {noun}{'' if number == 1 else 's'}"
