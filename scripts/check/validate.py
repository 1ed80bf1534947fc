"""Validate the built marts of a warehouse with Great Expectations, and write a report.

expectations.py describes the expectation files, report.py the files of the report. Progress and
errors go to stderr, the result to stdout.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from importlib.util import find_spec
from typing import Any

import click

EXPECTATIONS_FOLDER = Path(__file__).resolve().parents[2] / "models/marts"
REPORT_NAME = "validation.html"
# the packages that only this command needs
PACKAGES = ("great_expectations", "duckdb_engine", "ruamel")


@click.command(
    epilog="Exit codes: 0 no expectation of the --fail-on severity or higher failed; 1 one failed; "
    "2 the marts could not be validated."
)
@click.argument("warehouse", type=click.Path(path_type=Path))
@click.option(
    "--expectations",
    "folder",
    type=click.Path(path_type=Path),
    default=EXPECTATIONS_FOLDER,
    help="The folder of the *.expectations.yml files.  [default: models/marts]",
)
@click.option(
    "--report",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The HTML page to write; JSON (.json) and JUnit XML (.xml) are written beside it.  "
    f"[default: {REPORT_NAME} beside the warehouse]",
)
@click.option(
    "--fail-on",
    type=click.Choice(["critical", "warning"]),
    default="critical",
    show_default=True,
    help="The lowest severity that gives exit code 1.",
)
def main(warehouse: Path, folder: Path, page: Path | None, fail_on: Any) -> None:
    """Validate the built marts of the file WAREHOUSE and write a report.

    The report is an HTML page, JSON and JUnit XML.
    """
    page = page or warehouse.with_name(REPORT_NAME)
    if page.suffix in (".json", ".xml"):
        raise click.BadParameter(f"{page} must end in .html.", param_hint="--report")
    click.echo(f"Validating the marts of {warehouse}", err=True)

    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        click.echo(
            f"The marts were not validated. Python packages are missing: {', '.join(missing)}; "
            "make validate installs them.",
            err=True,
        )
        sys.exit(2)

    # imported here, because they take longer than a person should wait for the first line
    from check.expectations import ValidationStopped, read_expectations
    from check.report import remove_report, write_report
    from check.results import validate
    from check.terminal import ShowProgress, show_result
    from rich.console import Console
    from rich.markup import escape

    errors = Console(stderr=True, highlight=False)
    try:
        with ShowProgress(errors) as progress:
            progress.show_step("reading the expectations")
            marts = read_expectations(folder)
            progress.expect(sum(len(mart.expectations) for mart in marts))
            result = validate(marts, warehouse, fail_on, progress.show_step, progress.show_mart)
        write_report(result, page)
    except ValidationStopped as error:
        remove_report(page)
        errors.print(
            f"[bold red]The marts were not validated.[/] {escape(str(error))}", soft_wrap=True
        )
        sys.exit(2)
    show_result(result, page, Console(highlight=False))
    sys.exit(0 if result.success else 1)


if __name__ == "__main__":
    main()
