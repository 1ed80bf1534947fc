"""The main job: load an input into its own warehouse, build it with dbt, and show who is critical.

--input demo_bank       generated into WAREHOUSES/demo_bank, --customers of them
--input complete_journey, online_retail, ...
                        an input of data/, whose README.md says what it is
--input FOLDER          your own delivery (scripts/load/load_raw.py says what it may hold)

Each input has a folder of its own name in WAREHOUSES and its warehouse.duckdb in it, which is
replaced when a build has succeeded with its data tests, and else left as it is (blue_green.py).
A delivery that has been loaded is not loaded again, so that a second build costs what is new.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import click
import duckdb
import yaml
from build.blue_green import built_blue_green, only_build, start_anew
from build.run_dbt import PROJECT_FOLDER, WAREHOUSE_VARIABLE, DbtError, run_dbt
from demo.generate_demo import DemoError, generate_demo
from load.complete_journey import COMPLETE_JOURNEY, make_delivery
from load.delivery import load_delivery
from load.errors import DeliveryError, WarehouseError
from load.mapping import read_mapping
from load.project_data import DATA_FOLDER, require_files
from publish.show_summary import show_summary
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

DEMO_BANK = "demo_bank"
WAREHOUSE_NAME = "warehouse.duckdb"


@dataclass(frozen=True)
class Input:
    """An input: its name, the folder of its delivery, and the vars that its mapping sets.

    prepare sees that the delivery is there: it makes it, or says where to get it.
    """

    name: str
    delivery: Path
    variables: dict[str, Any]
    prepare: Callable[[Progress], None] = lambda progress: None


def find_input(name: str, warehouses: Path) -> Input:
    """The input of that name or folder. Raises DeliveryError where there is none."""
    if name == DEMO_BANK:
        return Input(DEMO_BANK, warehouses / DEMO_BANK / "delivery", {})
    shipped = PROJECT_FOLDER / "data" / name
    folder = shipped if shipped.is_dir() else Path(name)
    if not folder.is_dir():
        choices = sorted(path.name for path in (PROJECT_FOLDER / "data").iterdir() if path.is_dir())
        raise DeliveryError(
            f"There is no input {name}: give {DEMO_BANK}, {', '.join(choices)} or a folder with a "
            "delivery."
        )
    mapping = read_mapping(folder)
    if folder.resolve() == DATA_FOLDER / COMPLETE_JOURNEY:
        delivery = warehouses / COMPLETE_JOURNEY / "delivery"
        return Input(COMPLETE_JOURNEY, delivery, mapping.vars, partial(make_delivery, delivery))
    if folder.resolve().parent == DATA_FOLDER:
        return Input(folder.name, folder, mapping.vars, lambda progress: require_files(folder.name))
    return Input(mapping.input or folder.resolve().name, folder, mapping.vars)


def prepare_demo(folder: Path, customers: int, progress: Progress) -> None:
    """Generate the demo bank unless it is there in that size; another size starts anew.

    The warehouse of the earlier bank is served until that of the new one is built.
    """
    truth = folder / "truth.parquet"
    if truth.exists():
        [(present,)] = duckdb.sql(f"select count(*) from '{truth}'").fetchall()
        if present == customers and (folder / "delivery").is_dir():
            return
    start_anew(folder / WAREHOUSE_NAME)
    generate_demo(folder, customers=customers, progress=progress)


class ShowProgress:
    """Moves a progress bar by the events of dbt."""

    def __init__(self, progress: Progress) -> None:
        """Add the bar to a progress."""
        self.progress = progress
        self.task = progress.add_task("reading the project", total=None)

    def __call__(self, event: Any) -> None:
        """Look at an event; the start of a node says how many there are."""
        if event.info.name == "LogStartLine":
            self.progress.update(
                self.task,
                total=event.data.total,
                completed=event.data.index - 1,
                description=f"building {event.data.node_info.node_name}"[:48],
            )


def command_line(warehouse: Path, variables: dict[str, Any]) -> str:
    """The dbt command that builds this warehouse, for the shell."""
    text = yaml.safe_dump(variables, default_flow_style=True, width=10**6).strip()
    given = f" --vars {shlex.quote(text)}"
    return (
        f"{WAREHOUSE_VARIABLE}={shlex.quote(str(warehouse))} dbt build{given if variables else ''}"
    )


def build(
    chosen: Input, warehouse: Path, customers: int, full_refresh: bool, progress: Progress
) -> None:
    """Load an input and build it beside its warehouse, which the result then replaces.

    Warnings are printed on the console of progress. customers is the size of the demo bank. Raises
    DemoError, DeliveryError, DbtError and WarehouseError; what people read is then as it was.
    """
    with only_build(warehouse):
        if chosen.name == DEMO_BANK:
            prepare_demo(warehouse.parent, customers, progress)
        chosen.prepare(progress)
        with built_blue_green(warehouse) as working:
            report = load_delivery(
                chosen.delivery, working, input_name=chosen.name, progress=progress
            )
            for warning in report.warnings:
                progress.console.print(f"[yellow]{escape(warning)}")
            try:
                # unit tests prove the code, which no input can break: make test runs them
                run_dbt(
                    # the file that was loaded and will be served, whatever target is the default
                    *("build", "--target", "duckdb", "--exclude-resource-type", "unit_test"),
                    *(["--full-refresh"] if full_refresh else []),
                    warehouse=working,
                    variables=chosen.variables,
                    callbacks=[ShowProgress(progress)],
                )
            except DbtError as error:
                served = f"{warehouse} is as it was" if warehouse.exists() else "Nothing is served"
                raise DbtError(
                    f"{error}\n{served}; what was built, with the rows that were rejected, is in "
                    f"{working} until the next build."
                ) from error


@click.command()
@click.option("--input", "input_name", default=DEMO_BANK, show_default=True, help="Name or folder.")
@click.option("--customers", default=20_000, show_default=True, help="Size of the demo bank.")
@click.option(
    "--warehouses",
    type=click.Path(path_type=Path, file_okay=False),
    default="warehouse",
    show_default=True,
    help="The folder that holds a folder for each input.",
)
@click.option("--full-refresh", is_flag=True, help="Build all of history again.")
def main(input_name: str, customers: int, warehouses: Path, full_refresh: bool) -> None:
    """Load an input, build its warehouse and show who is critical."""
    errors = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<48}"),
        BarColumn(),
        TimeElapsedColumn(),
    )
    try:
        chosen = find_input(input_name, warehouses)
        warehouse = warehouses / chosen.name / WAREHOUSE_NAME
        with Progress(
            *columns, console=errors, transient=True, disable=not errors.is_terminal
        ) as progress:
            build(chosen, warehouse, customers, full_refresh, progress)
    except (DemoError, DeliveryError, DbtError, WarehouseError, OSError, duckdb.Error) as error:
        errors.print(
            f"[bold red]The build of {escape(input_name)} stopped.[/] {escape(str(error))}",
            highlight=False,
        )
        sys.exit(1)
    show_summary(warehouse, Console())
    Console().print(
        f"[dim]This build as a dbt command: {escape(command_line(warehouse, chosen.variables))}",
        highlight=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
