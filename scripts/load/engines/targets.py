"""The engines that a delivery can be loaded into."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from load.contract import PROJECT_FOLDER
from load.engines.raw_schema import RawSchema
from load.errors import WarehouseError


@contextmanager
def open_raw(target: str, warehouse: Path | None = None) -> Iterator[RawSchema]:
    """Schema raw of a target of profiles.yml; for duckdb, of the file warehouse.

    DuckDB and PostgreSQL keep all of what is done inside or nothing; Spark keeps each file.
    Raises WarehouseError where it cannot be used.
    """
    # an engine that is not asked for need not be installed
    if target == "duckdb":
        from load.engines.duckdb_raw import open_duckdb

        if warehouse is None:
            raise WarehouseError("Name the DuckDB file with --warehouse.")
        with open_duckdb(warehouse) as raw:
            yield raw
        return
    if warehouse is not None:
        raise WarehouseError(
            f"--warehouse names a DuckDB file; {target} is found by its settings in profiles.yml."
        )
    if target == "postgres":
        from load.engines.postgres_raw import open_postgres as open_server
    else:
        from load.engines.spark_raw import open_spark as open_server
    with open_server(credentials(target)) as raw:
        yield raw


def credentials(target: str) -> Any:
    """The credentials of a target as dbt reads them from profiles.yml.

    Raises WarehouseError where dbt has no adapter for the target, or its settings are not right.
    """
    # takes two seconds, which a load into DuckDB need not wait for
    from dbt.config.runtime import load_profile
    from dbt.flags import set_from_args
    from dbt_common.context import set_invocation_context
    from dbt_common.exceptions import DbtBaseException

    set_from_args(Namespace(PROFILES_DIR=PROJECT_FOLDER), {})
    set_invocation_context(os.environ)
    if find_spec(f"dbt.adapters.{target}") is None:
        raise WarehouseError(
            f"The package dbt-{target} is not installed; install the dependencies of the group "
            "engines in pyproject.toml."
        )
    try:
        return load_profile(str(PROJECT_FOLDER), {}, target_override=target).credentials
    except DbtBaseException as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise WarehouseError(f"profiles.yml has no usable target {target}: {reason}.") from error
