"""Run dbt inside this process, on a warehouse file of one's choice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
WAREHOUSE_VARIABLE = "CRITICAL_CUSTOMERS_WAREHOUSE"


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
    """Run a dbt command such as "build" and return its result.

    variables overrule the vars of dbt_project.yml. target_folder takes what dbt writes (default:
    target and logs of the project). A manifest that has been parsed before saves the parsing.
    Raises DbtError where a node failed.
    """
    options = [
        "--project-dir",
        str(project_folder),
        "--profiles-dir",
        str(project_folder),
        "--quiet",
    ]
    if target_folder:
        options += ["--target-path", str(target_folder), "--log-path", str(target_folder)]
    if variables:
        options += ["--vars", json.dumps(variables, ensure_ascii=False, default=str)]
    with warehouse_named(warehouse):
        try:
            result = dbtRunner(manifest=manifest, callbacks=callbacks).invoke(
                [*arguments, *options]
            )
        finally:
            release_warehouse()
    if not result.success:
        raise DbtError(failure(result))
    return result


@contextmanager
def warehouse_named(path: Path) -> Iterator[None]:
    """Let profiles.yml find this file for as long as the context lasts."""
    before = os.environ.get(WAREHOUSE_VARIABLE)
    os.environ[WAREHOUSE_VARIABLE] = str(path)
    try:
        yield
    finally:
        if before is None:
            del os.environ[WAREHOUSE_VARIABLE]
        else:
            os.environ[WAREHOUSE_VARIABLE] = before


def release_warehouse() -> None:
    """Close the warehouse, which the adapter keeps open for the next command of the process."""
    manager = DuckDBConnectionManager
    if manager._ENV is not None:
        manager._ENV.close()
        manager.close_all_connections()


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
