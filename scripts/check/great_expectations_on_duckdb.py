"""Great Expectations on a DuckDB warehouse: the fix that it needs there, and the run.

This is the only module that imports Great Expectations. The import takes some seconds, so it is
done only when the package is used.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from check.expectations import (
    SCHEMA,
    SQL_ARGUMENT,
    Expectation,
    MartExpectations,
    ValidationStopped,
    did_you_mean,
    listed,
)

# fields that every expectation of Great Expectations has; the files cannot set them
COMMON_FIELDS = {
    *("id", "meta", "notes", "description", "severity", "windows", "batch_id"),
    *("result_format", "catch_exceptions", "rendered_content"),
}


# -- the fix ---------------------------------------------------------------------------------------


class KeptConnection(StrEnum):
    """A dialect as Great Expectations lists it: a name with a .value."""

    DUCKDB = "duckdb"


def keep_connection_of_duckdb() -> None:
    """Make Great Expectations keep its DuckDB connection open until it has fetched a result.

    Great Expectations closes its connection after each query and fetches the rows afterwards.
    duckdb-engine reads the rows from the connection, so nothing is left to fetch and every metric
    fails with "list index out of range". Great Expectations has a list of dialects, such as SQLite,
    whose connection it keeps; DuckDB is added to that list. test_great_expectations_on_duckdb.py
    fails once this is no longer needed.
    """
    from great_expectations.execution_engine import sqlalchemy_execution_engine as engines

    if KeptConnection.DUCKDB not in engines._PERSISTED_CONNECTION_DIALECTS:
        engines._PERSISTED_CONNECTION_DIALECTS += (KeptConnection.DUCKDB,)


def release_duckdb() -> None:
    """Release DuckDB before the interpreter ends.

    Great Expectations keeps duckdb_engine and its dialects until the very end. DuckDB's binding
    then prints every object that they still hold, some 40 lines, to stderr.
    """
    import duckdb_engine

    for thing in gc.get_objects():
        if isinstance(thing, duckdb_engine.Dialect):
            vars(thing).clear()
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "duckdb_engine":
            vars(module).clear()


def load_great_expectations() -> Any:
    """The imported package, ready for DuckDB."""
    # read on import; without it, usage statistics are sent over the network
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations

    keep_connection_of_duckdb()
    atexit.unregister(release_duckdb)
    atexit.register(release_duckdb)
    return great_expectations


# -- the run ---------------------------------------------------------------------------------------


def make_expectation(expectation: Expectation, place: str) -> Any:
    """An expectation as an object of Great Expectations.

    Raises ValidationStopped if it does not know the type or does not take the arguments.
    """
    load_great_expectations()
    from great_expectations.compatibility.pydantic import ValidationError
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    kind = expectation.type
    try:
        implementation = get_expectation_impl(kind)
    except ExpectationNotFoundError as error:
        known = list_registered_expectation_implementations()
        raise ValidationStopped(
            f"{place}: Great Expectations has no type {kind}{did_you_mean(kind, known)}."
        ) from error
    arguments = expectation.arguments
    if expectation.query:
        arguments = {SQL_ARGUMENT: expectation.query}
    allowed = [name for name in implementation.__fields__ if name not in COMMON_FIELDS]
    for name in arguments:
        if name not in allowed:
            raise ValidationStopped(
                f"{place}: {kind} has no argument {name}{did_you_mean(name, allowed)}; "
                f"it has {listed(allowed)}."
            )
    try:
        return implementation(
            **arguments, severity=expectation.severity, meta={"name": expectation.name}
        )
    except ValidationError as error:
        # a value that could have several types gives one message for each; the first is enough
        mistake = error.errors()[0]
        where = ", ".join(str(part) for part in mistake["loc"] if part != "__root__")
        raise ValidationStopped(
            f"{place}: {where}{': ' if where else ''}{mistake['msg']}."
        ) from error
    except (ValueError, TypeError) as error:
        raise ValidationStopped(f"{place}: {kind} refuses its arguments: {error}.") from error


@contextmanager
def open_source(warehouse: Path) -> Iterator[tuple[Any, Any]]:
    """A context in memory and, in it, the warehouse as a read-only data source.

    Raises ValidationStopped if the warehouse cannot be opened.
    """
    gx = load_great_expectations()
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.datasource.fluent.interfaces import TestConnectionError

    settings = DataContextConfig(
        # the package's own pages need the network, so it makes none
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=settings)
    try:
        source = context.data_sources.add_sql(
            "warehouse",
            # the path is passed apart, because some of its characters would mean something here
            connection_string="duckdb:///",
            create_temp_table=False,
            kwargs={"connect_args": {"database": str(warehouse), "read_only": True}},
        )
    except TestConnectionError as error:
        reason = " ".join(str(error).split("\n[SQL")[0].split())
        raise ValidationStopped(f"Great Expectations cannot open {warehouse}: {reason}") from error
    try:
        yield context, source
    finally:
        # close the kept connection, or nobody can write to the file
        with source.get_execution_engine().get_connection() as connection:
            connection.close()
        source.get_execution_engine().close()
        source.get_engine().dispose()


def run_checkpoint(
    mart: MartExpectations, made: list[Any], context: Any, source: Any, sample_rows: int
) -> dict[str, dict[str, Any]]:
    """Run the expectations of a mart, in a checkpoint of its own because of its own key.

    made holds them as objects of Great Expectations. Returns the results in its JSON, by the name
    of the expectation, with at most sample_rows failing rows each. Raises ValidationStopped if one
    could not be evaluated.
    """
    gx = load_great_expectations()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asset = source.add_table_asset(mart.mart, table_name=mart.mart, schema_name=SCHEMA)
        definition = gx.ValidationDefinition(
            name=mart.mart,
            data=asset.add_batch_definition_whole_table(mart.mart),
            suite=context.suites.add(gx.ExpectationSuite(mart.mart, expectations=made)),
        )
        checkpoint = gx.Checkpoint(
            name=mart.mart,
            validation_definitions=[context.validation_definitions.add(definition)],
            result_format={
                "result_format": "SUMMARY",
                "unexpected_index_column_names": mart.key,
                "partial_unexpected_count": sample_rows,
                "return_unexpected_index_query": False,
            },
        )
        [run] = context.checkpoints.add(checkpoint).run().run_results.values()
    results = {
        result.expectation_config.meta["name"]: result.to_json_dict() for result in run.results
    }
    for expectation in mart.expectations:
        place = mart.place(expectation)
        if expectation.name not in results:
            raise ValidationStopped(f"{place}: Great Expectations returned no result.")
        message = raised_message(results[expectation.name]["exception_info"])
        if message:
            raise ValidationStopped(f"{place}: it could not be evaluated: {message}")
    return results


def raised_message(exception_info: Mapping[str, Any]) -> str | None:
    """The first error that was raised while an expectation was evaluated; None without errors."""
    # one entry for the expectation, or one for each of its metrics
    entries = [exception_info] if "raised_exception" in exception_info else exception_info.values()
    messages = [str(entry["exception_message"]) for entry in entries if entry["raised_exception"]]
    return " ".join(messages[0].split("\n[SQL")[0].split()) if messages else None
