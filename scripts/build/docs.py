"""Write the documentation of every table and column as one page: target/static_index.html."""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click
from rich.console import Console
from rich.markup import escape

from build.progress import make_progress
from build.warehouse_file import WarehouseFile

PAGE_NAME = "static_index.html"
# dbt writes catalog and manifest beside the page, where no build overwrites them
DOCS_FOLDER_NAME = "docs"


@click.command()
@click.argument("warehouse", type=WarehouseFile())
@click.option(
    "--target",
    "target_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that the page is written into.  [default: target of the project]",
)
def main(warehouse: Path, target_folder: Path | None) -> None:
    """Write the documentation of the file WAREHOUSE, which has been built."""
    errors = Console(stderr=True, highlight=False)
    errors.print(f"Writing the documentation of {escape(str(warehouse))}", soft_wrap=True)
    with make_progress(errors) as progress:
        progress.add_task("reading the project and the tables", total=None)
        # imported here, because they take longer than a person should wait for the first line
        from build.run_dbt import PROJECT_FOLDER, DbtError

        try:
            page = write_docs(warehouse, target_folder or PROJECT_FOLDER / "target")
        except DbtError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{page} is written; open it in a browser.")


def write_docs(warehouse: Path, target_folder: Path) -> Path:
    """Write the page into a folder and return its path. Raises DbtError if dbt fails."""
    from build.run_dbt import PARSED_FOLDER_NAME, parse_project, run_dbt

    folder = target_folder.resolve() / DOCS_FOLDER_NAME
    folder.mkdir(parents=True, exist_ok=True)
    run_dbt(
        *("docs", "generate", "--static"),
        warehouse=warehouse,
        target_folder=folder,
        manifest=parse_project(warehouse.name, target_folder.resolve() / PARSED_FOLDER_NAME),
    )
    return (folder / PAGE_NAME).replace(target_folder / PAGE_NAME)


if __name__ == "__main__":
    main()
