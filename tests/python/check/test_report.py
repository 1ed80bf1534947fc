"""The files of a report, from a result made by hand: page, JSON, JUnit XML."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from check.expectations import ValidationStopped
from check.report import render_junit, render_page, report_paths, write_report
from check.results import ExpectationResult, MartResult, Sample, Summary, ValidationResult


def make_expectation(name: str, **changes: Any) -> ExpectationResult:
    """A critical expectation of the mart customers that passed, with changes."""
    fields = {
        "mart": "customers",
        "name": name,
        "severity": "critical",
        "because": f"Because of {name}.",
        "type": "expect_column_values_to_be_between",
        "arguments": {"column": "criticality", "max_value": 100},
        "query": None,
        "success": True,
        "fails_run": False,
        "expected": "column values to be between: column criticality; max_value 100",
        "observed": "all 3 rows passed",
        "unexpected_count": 0,
        "sample": Sample(columns=[], rows=[]),
    }
    return ExpectationResult(**(fields | changes))


FAILED = make_expectation(
    "in_range",
    success=False,
    fails_run=True,
    observed="7 of 9 rows failed",
    unexpected_count=7,
    sample=Sample(
        columns=["customer_id", "note"],
        rows=[["C1", "<script>x</script> & 王"], ["C2", "a\x00b\ufffe]]>"]],
    ),
)
WARNING = make_expectation(
    "many", severity="warning", success=False, query="select 1", observed="2 unexpected rows"
)


@pytest.fixture
def result() -> ValidationResult:
    """Two marts: one with a failure, a warning and a pass, one with a pass."""
    other = make_expectation("some", mart="turning_points")
    return ValidationResult(
        success=False,
        fail_on="critical",
        warehouse="demo_bank/warehouse.duckdb",
        as_of_date="2026-09-18",
        summary=Summary(
            expectation_count=4, passed_count=2, failed_critical_count=1, failed_warning_count=1
        ),
        marts_without_expectations=["segments"],
        marts=[
            MartResult(
                mart="customers",
                row_count=9,
                summary=Summary(
                    expectation_count=3,
                    passed_count=1,
                    failed_critical_count=1,
                    failed_warning_count=1,
                ),
            ),
            MartResult(
                mart="turning_points",
                row_count=12_345,
                summary=Summary(
                    expectation_count=1,
                    passed_count=1,
                    failed_critical_count=0,
                    failed_warning_count=0,
                ),
            ),
        ],
        expectations=[WARNING, FAILED, make_expectation("named"), other],
    )


def test_a_testsuite_for_each_mart(result: ValidationResult) -> None:
    root = ElementTree.fromstring(render_junit(result).encode())
    assert root.tag == "testsuites"
    assert [suite.attrib for suite in root] == [
        {"name": "customers", "tests": "3", "failures": "1", "errors": "0", "skipped": "1"},
        {"name": "turning_points", "tests": "1", "failures": "0", "errors": "0", "skipped": "0"},
    ]
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert cases == [
        ("customers", "many"),
        ("customers", "in_range"),
        ("customers", "named"),
        ("turning_points", "some"),
    ]


def test_a_failure_says_what_and_where(result: ValidationResult) -> None:
    root = ElementTree.fromstring(render_junit(result).encode())
    [failure] = root.iter("failure")
    assert failure.get("type") == "critical"
    assert failure.get("message") == "Because of in_range. Observed: 7 of 9 rows failed."
    assert failure.text.splitlines() == [
        "Because of in_range.",
        "expected: column values to be between: column criticality; max_value 100",
        "observed: 7 of 9 rows failed",
        "for example: customer_id=C1  note=<script>x</script> & 王",
        "for example: customer_id=C2  note=a?b?]]>",
    ]


def test_a_warning_that_fails_nothing_is_skipped(result: ValidationResult) -> None:
    root = ElementTree.fromstring(render_junit(result).encode())
    [case] = root.findall(".//testcase[skipped]")
    assert case.get("name") == "many"
    assert case.find("skipped").get("type") == "warning"
    # with --fail-on warning
    strict = result.model_copy(
        update={"expectations": [WARNING.model_copy(update={"fails_run": True})]}
    )
    root = ElementTree.fromstring(render_junit(strict).encode())
    assert root.find("testsuite").get("failures") == "1"
    assert root.find(".//failure").get("type") == "warning"


# what the JUnit schema of Jenkins' xUnit plugin (junit-10.xsd) and that of pytest allow
ALLOWED = {
    "testsuites": ({"name"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped"}, {"testcase"}),
    "testcase": ({"classname", "name"}, {"failure", "skipped"}),
    "failure": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
}


def test_junit_has_only_what_ci_tools_know(result: ValidationResult) -> None:
    for element in ElementTree.fromstring(render_junit(result).encode()).iter():
        attributes, children = ALLOWED[element.tag]
        assert set(element.attrib) == attributes
        assert {child.tag for child in element} <= children


def test_json_has_the_documented_keys(result: ValidationResult, tmp_path: Path) -> None:
    write_report(result, tmp_path / "validation.html")
    content = json.loads((tmp_path / "validation.json").read_text(encoding="utf-8"))
    assert list(content) == [
        *("success", "fail_on", "warehouse", "as_of_date", "summary"),
        *("marts_without_expectations", "marts", "expectations"),
    ]
    assert content["success"] is False
    assert content["summary"] == {
        "expectation_count": 4,
        "passed_count": 2,
        "failed_critical_count": 1,
        "failed_warning_count": 1,
    }
    assert set(content["marts"][0]) == {"mart", "row_count", "summary"}
    failed = content["expectations"][1]
    assert set(failed) == {
        *("mart", "name", "severity", "because", "type", "arguments", "query"),
        *("success", "fails_run", "expected", "observed", "unexpected_count"),
        *("sample_row_count", "sample"),
    }
    assert (failed["unexpected_count"], failed["sample_row_count"]) == (7, 2)
    assert failed["sample"]["rows"][0][1] == "<script>x</script> & 王"


def test_the_page_needs_no_other_file_and_runs_nothing(result: ValidationResult) -> None:
    page = render_page(result)
    assert not re.search(r"https?:|//|url\(|src=|@import|<script|<link|<iframe", page)
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    # every link leads to a place on the page
    links = set(re.findall(r'href="#(\w+)"', page))
    assert links == set(re.findall(r' id="(\w+)"', page)) == {"customers", "turning_points"}
    assert 'name="viewport"' in page


def test_the_page_says_what_failed(result: ValidationResult) -> None:
    text = text_of(render_page(result))
    assert "1 critical expectation failed, 1 warning" in text
    assert "What failed" in text
    assert "Observed: 7 of 9 rows failed; the first 2:" in text
    assert "12,345 rows, 1 of 1 passed" in text
    assert "Marts without expectations: segments." in text
    # critical ones first
    assert text.index("Because of in_range.") < text.index("Because of many.")


def test_the_page_of_a_pass(result: ValidationResult) -> None:
    passed = result.model_copy(
        update={
            "expectations": [make_expectation("named")],
            "summary": Summary(
                expectation_count=1, passed_count=1, failed_critical_count=0, failed_warning_count=0
            ),
        }
    )
    text = text_of(render_page(passed))
    assert "Every expectation passed" in text
    assert "What failed" not in text


def text_of(page: str) -> str:
    """The visible text of a page, blanks made single."""
    body = page[page.index("<body>") :]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split()).replace(" ,", ",").replace(" ;", ";")


def test_a_folder_that_is_missing(result: ValidationResult, tmp_path: Path) -> None:
    page = tmp_path / "nowhere" / "page.html"
    with pytest.raises(ValidationStopped, match=r"page.html cannot be written: No such file or d"):
        write_report(result, page)


def test_the_files_of_a_report() -> None:
    assert [path.name for path in report_paths(Path("a/validation.html"))] == [
        "validation.html",
        "validation.json",
        "validation.xml",
    ]
