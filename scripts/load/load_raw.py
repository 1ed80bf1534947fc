"""Load a delivery, a folder of CSV or Parquet files, into schema raw of a warehouse.

files.py says which file makes which table of the input contract, mapping.py what a mapping.yml in
the folder may say. A file that has been loaded is not loaded again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click
from load.engines.raw_schema import TARGETS
from load.errors import DeliveryError, listed

if TYPE_CHECKING:
    from load.delivery import DeliveryReport
    from rich.table import Table


def summary(report: DeliveryReport) -> Table:
    """The report as a table: what each raw table got, and which columns it lacks."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        "table", "files", "rows", "columns absent", title=escape(f"input {report.input_name}")
    )
    for name, rows in report.rows.items():
        absent = report.absent_columns.get(name)
        table.add_row(
            name,
            str(report.files[name]),
            f"{rows:,}",
            "not delivered" if absent is None else ", ".join(absent),
        )
    return table


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--warehouse", type=click.Path(path_type=Path), help="DuckDB file.")
@click.option(
    "--target",
    type=click.Choice(TARGETS),
    default="duckdb",
    show_default=True,
    help="Another engine, as profiles.yml describes it, instead of a file.",
)
@click.option("--mapping", type=click.Path(path_type=Path), help="Instead of FOLDER/mapping.yml.")
@click.option("--loaded-at", help="When the delivery arrived (UTC).  [default: now]")
@click.option("--input-name", help="Name of the input.  [default: the mapping's, or the folder's]")
def main(
    folder: Path,
    warehouse: Path | None,
    target: str,
    mapping: Path | None,
    loaded_at: str | None,
    input_name: str | None,
) -> None:
    """Load the CSV or Parquet files of FOLDER into schema raw of a warehouse."""
    click.echo(f"Loading {folder} into {warehouse or target}", err=True)
    # imports that take time come after the first line
    from load.delivery import load_delivery
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn

    errors = Console(stderr=True)
    try:
        with Progress(
            SpinnerColumn(),
            *Progress.get_default_columns(),
            TimeElapsedColumn(),
            console=errors,
            transient=True,
            disable=not errors.is_terminal,
        ) as progress:
            report = load_delivery(
                folder, warehouse, mapping, loaded_at, input_name, progress, target
            )
    except DeliveryError as error:
        raise click.ClickException(str(error)) from error
    for warning in report.warnings:
        click.echo(f"Warning: {warning}", err=True)
    if report.skipped:
        click.echo(f"Already loaded: {listed(report.skipped)}.", err=True)
    Console().print(summary(report))


if __name__ == "__main__":
    main()
