"""Load an input and build its warehouse; people read the old one until the new one is complete.

The steps: keep other builds away, get the delivery, copy the served file, load new files into the
copy, build and test the copy with dbt, and serve the copy.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import yaml
from load.delivery import load_delivery
from rich.markup import escape
from rich.progress import Progress

from build.blue_green import blue_green, only_build
from build.inputs import Input
from build.last_build import fingerprint, is_last_build, remember_build
from build.run_dbt import WAREHOUSE_VARIABLE, DbtError, ShowNodes, run_dbt


def build(chosen: Input, warehouse: Path, full_refresh: bool, progress: Progress) -> bool:
    """Load an input and build its warehouse; false if there was nothing new to build.

    Warnings are printed on the console of progress. Raises DemoError, DeliveryError, DbtError and
    WarehouseError; the served warehouse is then as it was.
    """
    with only_build(warehouse):
        chosen.prepare(progress)
        copying = progress.add_task("copying the served warehouse", total=None)
        with blue_green(warehouse) as copy:
            progress.remove_task(copying)
            file_count = load(chosen, copy.working, progress)
            made_from = fingerprint(chosen.variables, chosen.mapping)
            # dbt reads its option from this variable too
            is_forced = full_refresh or "DBT_FULL_REFRESH" in os.environ
            is_needed = is_forced or file_count > 0
            if not is_needed and is_last_build(warehouse, made_from, copy.begun_with):
                copy.discard()
                return False
            build_copy(chosen, warehouse, copy.working, full_refresh, progress)
            progress.add_task("serving the new warehouse", total=None)
            remember_build(warehouse, made_from, copy.serve())
    return True


def load(chosen: Input, working: Path, progress: Progress) -> int:
    """Load the deliveries of an input that are not loaded yet; how many files that were."""
    row_count = file_count = 0
    for folder in chosen.deliveries():
        report = load_delivery(folder, working, input_name=chosen.name, progress=progress)
        for warning in report.warnings:
            progress.console.print(f"[yellow]{escape(warning)}")
        row_count += sum(report.rows.values())
        file_count += sum(report.files.values())
    if file_count:
        progress.console.print(f"Loaded {row_count:,} new rows.", highlight=False)
    return file_count


def build_copy(
    chosen: Input, warehouse: Path, working: Path, full_refresh: bool, progress: Progress
) -> None:
    """Build and test the copy of a warehouse with dbt. Raises DbtError if a node fails."""
    try:
        run_dbt(
            # unit tests prove the code, which no input can break: make test runs them
            *("build", "--exclude-resource-type", "unit_test"),
            *(["--full-refresh"] if full_refresh else []),
            warehouse=working,
            variables=chosen.variables,
            callbacks=[ShowNodes(progress)],
        )
    except DbtError as error:
        served = f"{warehouse} has not changed" if warehouse.exists() else "Nothing is served"
        raise DbtError(
            f"{error}\n{served}; what was built, with the rows that were rejected, is in {working} "
            "until the next build."
        ) from error


def command_line(warehouse: Path, variables: dict[str, Any]) -> str:
    """The dbt command that builds this warehouse, for the shell."""
    text = yaml.safe_dump(variables, default_flow_style=True, width=10**6).strip()
    given = f" --vars {shlex.quote(text)}" if variables else ""
    return f"{WAREHOUSE_VARIABLE}={shlex.quote(str(warehouse))} dbt build{given}"
