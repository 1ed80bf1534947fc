"""Write a validation result: an HTML page, and beside it JSON and JUnit XML for other programs.

The page needs no other file and runs no script. results.py describes the JSON.

The JUnit file has a testsuite for each mart and a testcase for each expectation; classname is the
mart. A <failure> is an expectation that failed and that makes the exit code 1: its type is the
severity, its message the sentence, its text also has the observed value and the sample rows. A
warning that failed without making the exit code 1 is <skipped>, so that a CI tool shows it and does
not fail the run; pytest reports expected failures in the same way. There are no times, so that the
same warehouse gives the same files.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import jinja2
from check.expectations import ValidationStopped
from check.results import ExpectationResult, ValidationResult

TEMPLATE = Path(__file__).with_name("report.html.j2")
# characters that XML cannot hold
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report_paths(page: Path) -> dict[Path, Callable[[ValidationResult], str]]:
    """The files of a report and what renders each: the page, the JSON and the JUnit XML."""
    return {
        page: render_page,
        page.with_suffix(".json"): render_json,
        page.with_suffix(".xml"): render_junit,
    }


def write_report(result: ValidationResult, page: Path) -> None:
    """Write all files of a report. Raises ValidationStopped if that is not possible."""
    for path, render in report_paths(page).items():
        try:
            path.write_text(render(result), encoding="utf-8")
        except OSError as error:
            raise ValidationStopped(f"{path} cannot be written: {error.strerror}.") from error


def remove_report(page: Path) -> None:
    """Remove the files of an earlier report, so that nobody takes them for those of this run."""
    for path in report_paths(page):
        # a file that cannot be removed must not hide why the validation stopped
        with suppress(OSError):
            path.unlink()


def render_page(result: ValidationResult) -> str:
    """The result as an HTML page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(TEMPLATE.name).render(result=result)


def render_json(result: ValidationResult) -> str:
    """The result as JSON, indented."""
    return result.model_dump_json(indent=2) + "\n"


def render_junit(result: ValidationResult) -> str:
    """The result as JUnit XML."""
    root = ElementTree.Element("testsuites", name="validation")
    for mart in result.marts:
        suite = ElementTree.SubElement(root, "testsuite", name=mart.mart)
        for expectation in result.expectations_of(mart.mart):
            case = ElementTree.SubElement(
                suite, "testcase", classname=mart.mart, name=expectation.name
            )
            if not expectation.success:
                ElementTree.SubElement(
                    case,
                    "failure" if expectation.fails_run else "skipped",
                    type=expectation.severity,
                    message=legal(f"{expectation.because} Observed: {expectation.observed}."),
                ).text = legal(failure_text(expectation))
        suite.attrib |= {
            "tests": str(len(suite)),
            "failures": str(len(suite.findall("testcase/failure"))),
            "errors": "0",
            "skipped": str(len(suite.findall("testcase/skipped"))),
        }
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def failure_text(expectation: ExpectationResult) -> str:
    """A failed expectation as lines of text: the sentence, expected, observed, sample rows."""
    lines = [
        expectation.because,
        f"expected: {expectation.expected}",
        f"observed: {expectation.observed}",
    ]
    for row in expectation.sample.rows:
        cells = zip(expectation.sample.columns, row, strict=True)
        lines.append("for example: " + "  ".join(f"{column}={cell}" for column, cell in cells))
    return "\n".join(lines)


def legal(text: str) -> str:
    """A text without the characters that XML cannot hold; a question mark replaces each."""
    return NOT_XML.sub("?", text)
