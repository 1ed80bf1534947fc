"""Run dbt inside this process, on a warehouse file of one's choice.

dbt is imported only when it runs: that takes two seconds, and a build with nothing new needs none
of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest
    from rich.progress import Progress

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
WAREHOUSE_VARIABLE = "CRITICAL_CUSTOMERS_WAREHOUSE"
PARSED_FOLDER_NAME = "parsed"


class DbtError(Exception):
    """A dbt command that failed; the text says which nodes, and why."""


def run_dbt(
    *arguments: str,
    warehouse: Path,
    variables: Mapping[str, Any] | None = None,
    target_folder: Path | None = None,
    manifest: Manifest | None = None,
    callbacks: list[Callable[[Any], None]] | None = None,
    project_folder: Path = PROJECT_FOLDER,
) -> dbtRunnerResult:
    """Run a dbt command such as "build" on a DuckDB file and return its result.

    variables override the vars of dbt_project.yml. target_folder takes what dbt writes (default:
    target and logs of the project). manifest is the parsed project; without one, the project is
    parsed by parse_project. Raises DbtError if a node failed.
    """
    if manifest is None and arguments[0] != "parse":
        parsed = (target_folder or project_folder / "target") / PARSED_FOLDER_NAME
        manifest = parse_project(warehouse.name, parsed, project_folder)
    options = [
        *("--project-dir", str(project_folder), "--profiles-dir", str(project_folder)),
        # the file that is named here, whatever engine is the default
        *("--target", "duckdb", "--quiet"),
    ]
    if target_folder:
        options += ["--target-path", str(target_folder), "--log-path", str(target_folder)]
    if variables:
        options += ["--vars", json.dumps(variables, ensure_ascii=False, default=str)]
    result = invoke([*arguments, *options], warehouse, manifest, callbacks)
    if not result.success:
        raise DbtError(failure(result))
    return result


def parse_project(file_name: str, folder: Path, project_folder: Path = PROJECT_FOLDER) -> Manifest:
    """The parsed project for warehouses of this file name; folder keeps it for later commands.

    dbt parses only files that changed since the last command, unless the path of the warehouse or
    --vars changed: then it parses all of them. So the project is parsed with a bare file name and
    without vars, and the result serves every warehouse and any vars: models read their vars when
    they run. Raises DbtError if the project cannot be parsed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # two builds at once must not write the same file
    with FileLock(folder / "lock"):
        return run_dbt(
            *("parse", "--no-write-json"),
            # parsing opens no warehouse; dbt names the database by the stem of the file
            warehouse=Path(file_name),
            target_folder=folder,
            project_folder=project_folder,
        ).result


def invoke(
    command: list[str],
    warehouse: Path,
    manifest: Manifest | None,
    callbacks: list[Callable[[Any], None]] | None,
) -> dbtRunnerResult:
    """Run a whole dbt command line; profiles.yml finds the warehouse by a variable."""
    from dbt.cli.main import dbtRunner

    with environment_variable(WAREHOUSE_VARIABLE, str(warehouse)):
        try:
            return dbtRunner(manifest=manifest, callbacks=callbacks).invoke(command)
        finally:
            release_warehouse()


@contextmanager
def environment_variable(name: str, value: str) -> Iterator[None]:
    """Set an environment variable for as long as the context lasts."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def release_warehouse() -> None:
    """Close the warehouse, which the adapter keeps open for the next command of the process."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()


class ShowNodes:
    """A callback that moves a progress bar when dbt begins a node."""

    def __init__(self, progress: Progress) -> None:
        """Add the bar to a progress."""
        self.progress = progress
        self.task = progress.add_task("reading the project", total=None)

    def __call__(self, event: Any) -> None:
        """Look at an event of dbt; the start of a node says how many there are."""
        if event.info.name == "LogStartLine":
            self.progress.update(
                self.task,
                total=event.data.total,
                completed=event.data.index - 1,
                description=f"building {event.data.node_info.node_name}"[:48],
            )


def failure(result: dbtRunnerResult) -> str:
    """What went wrong, a line for each node that failed by itself."""
    if result.exception is not None:
        # an interrupt has no text of its own
        return clean(str(result.exception)) or f"dbt was ended by {type(result.exception).__name__}"
    failed = [
        f"{node.node.name}: {clean(node.message or node.status)}"
        for node in getattr(result.result, "results", [])
        if node.status in ("error", "fail", "runtime error")
    ]
    return "\n".join(failed) or "dbt failed and named no node; logs/dbt.log says more"


def clean(message: str) -> str:
    """A message of dbt without the trace of macros that led to it."""
    lines = [line.strip() for line in message.strip().splitlines()]
    return " ".join(line for line in lines if line and not line.startswith(("> in", "> called")))
