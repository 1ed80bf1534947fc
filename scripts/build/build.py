"""The main command: load an input into its own warehouse, build it, and show who is critical.

--input demo_bank       generated into WAREHOUSES/demo_bank, --customers of them
--input complete_journey, online_retail, ...
                        an input of data/, whose README.md says what it is
--input FOLDER          your own delivery (scripts/load/load_raw.py says what it may hold)

Each input has a folder of its own name in WAREHOUSES with its warehouse.duckdb. That file is
replaced when a build has succeeded with its data tests; until then it does not change
(blue_green.py). A delivery that has been loaded is not loaded again, and a build without anything
new says so and ends (last_build.py).
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click
from rich.console import Console
from rich.markup import escape

from build.progress import make_progress


@click.command()
@click.option(
    "--input", "input_name", default="demo_bank", show_default=True, help="Name or folder."
)
@click.option("--customers", default=20_000, show_default=True, help="Size of the demo bank.")
@click.option(
    "--warehouses",
    type=click.Path(path_type=Path, file_okay=False),
    default="warehouse",
    show_default=True,
    help="The folder that holds a folder for each input.",
)
@click.option("--full-refresh", is_flag=True, help="Build all of history again.")
@click.option(
    "--next-day",
    is_flag=True,
    help="Let a day pass in the demo bank that is there, whatever its size, and build it.",
)
def main(
    input_name: str, customers: int, warehouses: Path, full_refresh: bool, next_day: bool
) -> None:
    """Load an input, build its warehouse and show who is critical."""
    errors = Console(stderr=True, highlight=False)
    errors.print(f"Building {escape(input_name)}", soft_wrap=True)
    with make_progress(errors) as progress:
        start = progress.add_task("starting", total=None)
        # imported here, because they take longer than a person should wait for the first line
        import duckdb
        from demo.generate_demo import DemoError
        from load.errors import DeliveryError, WarehouseError
        from publish.show_summary import show_summary

        from build.build_warehouse import build, command_line
        from build.inputs import WAREHOUSE_NAME, find_input, with_next_day
        from build.run_dbt import DbtError

        progress.remove_task(start)
        try:
            chosen = find_input(input_name, warehouses, customers)
            if next_day:
                chosen = with_next_day(chosen, warehouses)
            warehouse = warehouses / chosen.name / WAREHOUSE_NAME
            is_new = build(chosen, warehouse, full_refresh, progress)
        except (DemoError, DeliveryError, DbtError, WarehouseError, OSError, duckdb.Error) as error:
            progress.stop()
            errors.print(
                f"[bold red]The build of {escape(input_name)} stopped.[/] {escape(str(error))}"
            )
            sys.exit(1)
    if not is_new:
        errors.print(
            f"Nothing is new since the last build of {escape(str(warehouse))}. To build all of it "
            "again, run make build REFRESH=1 (--full-refresh).",
            soft_wrap=True,
        )
    show_summary(warehouse, Console())
    Console().print(
        f"[dim]This build as a dbt command: {escape(command_line(warehouse, chosen.variables))}",
        highlight=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
