"""Check the built marts of a warehouse against what is expected of them, with Great Expectations.

The expectations stand beside the models: models/marts/<mart>.expectations.yml (.dbtignore keeps dbt
from reading them). Such a file names its mart, the key by which a failing row is found again, and
what must hold:

  mart: customers
  key: [customer_id]
  expectations:
    - name: criticality_in_range                 unique within the mart
      because: Criticality is a mark from 0 to 100.    what is expected, for everyone to read
      severity: critical                         critical or warning
      type: expect_column_values_to_be_between   an expectation of Great Expectations, in snake_case
      arguments: {column: criticality, min_value: 0, max_value: 100}

What takes SQL is an unexpected_rows_expectation: its unexpected_rows_query gives the rows that
should not be there, the key first; {batch} stands for the mart, and further arguments, such as
days: 7, are filled in as {days}. Any other brace is written twice. What the query selects is shown
to whoever reads the report, so personal data must not be in it.

Exit codes: 0 all critical expectations hold, 1 one does not, 2 the marts could not be checked.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import atexit
import difflib
import gc
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import click
import duckdb
import jinja2
import yaml
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
EXPECTATIONS_FOLDER = PROJECT_FOLDER / "models/marts"
EXPECTATIONS_SUFFIX = ".expectations.yml"
TEMPLATE_FOLDER = Path(__file__).resolve().parent
TEMPLATE_NAME = "report.html.j2"
REPORT_NAME = "validation.html"
SCHEMA = "marts"
SEVERITIES = ("critical", "warning")
# how many failing rows are shown: enough to find the fault, few enough to read
SAMPLE_ROWS = 5

SQL_TYPE = "unexpected_rows_expectation"
SQL_ARGUMENT = "unexpected_rows_query"
# Great Expectations has these, and they do not work on DuckDB
UNSUPPORTED_TYPES = {
    r"expect_column_quantile_values_to_be_between": "it stops the whole checkpoint",
    r"expect_column_values_to(_not)?_match_(regex|like_pattern)(_list)?": (
        f"use {SQL_TYPE} with regexp_matches"
    ),
    r"expect_column_values_to_be_(of_type|in_type_list)|expect_column_type_to_be": (
        "the contract of the mart says its types"
    ),
}
# arguments that name columns of the mart
COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list", "column_set")


class ValidationStopped(Exception):
    """The marts could not be checked; the text says why, in one sentence, with the mend."""


@dataclass(frozen=True)
class Expectation:
    """One thing that must hold of a mart."""

    mart: str
    name: str
    because: str
    severity: str
    type: str
    arguments: dict[str, Any]

    @property
    def full_name(self) -> str:
        """The name in every list of all marts."""
        return f"{self.mart}.{self.name}"

    @property
    def query(self) -> str | None:
        """The SQL of an expectation that has some, its own arguments filled in; {batch} stays."""
        if self.type != SQL_TYPE:
            return None
        query = str(self.arguments[SQL_ARGUMENT]).strip().rstrip(";")
        for name, value in self.arguments.items():
            query = query.replace(f"{{{name}}}", str(value))
        return query

    @property
    def gx_arguments(self) -> dict[str, Any]:
        """The arguments as Great Expectations knows them."""
        return {SQL_ARGUMENT: self.query} if self.query else self.arguments


@dataclass(frozen=True)
class MartExpectations:
    """What must hold of one mart, and the columns by which its rows are found."""

    mart: str
    key: list[str]
    expectations: list[Expectation]
    file_name: str


# -- the files -------------------------------------------------------------------------------------


def read_expectations(folder: Path) -> list[MartExpectations]:
    """What must hold, mart by mart in the order of their names. Raises ValidationStopped."""
    paths = sorted(folder.rglob(f"*{EXPECTATIONS_SUFFIX}"))
    if not paths:
        raise ValidationStopped(f"{folder} holds no file that ends in {EXPECTATIONS_SUFFIX}.")
    marts = [read_file(path) for path in paths]
    for mart in marts:
        twins = [other.file_name for other in marts if other.mart == mart.mart]
        if len(twins) > 1:
            raise ValidationStopped(f"{' and '.join(twins)} both speak of the mart {mart.mart}.")
    return marts


def read_file(path: Path) -> MartExpectations:
    """One file of expectations. Raises ValidationStopped where it does not have the form above."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise ValidationStopped(f"{path.name} cannot be read: {one_line(error)}") from error
    check_keys(content, {"mart": str, "key": list, "expectations": list}, path.name)
    expectations = []
    for number, entry in enumerate(content["expectations"], start=1):
        place = f"{path.name}, expectation {number}"
        if isinstance(entry, dict) and entry.get("name"):
            place = f"{path.name}, {entry['name']}"
        wanted = {"name": str, "because": str, "severity": str, "type": str, "arguments": dict}
        check_keys(entry, wanted, place)
        if entry["severity"] not in SEVERITIES:
            raise ValidationStopped(
                f"{place}: severity is {entry['severity']}; it can be {' or '.join(SEVERITIES)}."
            )
        if any(entry["name"] == other.name for other in expectations):
            raise ValidationStopped(f"{place}: there are two expectations of this name.")
        expectations.append(Expectation(mart=content["mart"], **entry))
    return MartExpectations(content["mart"], content["key"], expectations, path.name)


def check_keys(content: Any, wanted: Mapping[str, type], place: str) -> None:
    """Raise ValidationStopped unless a mapping has exactly these keys, with such values."""
    keys = list(content) if isinstance(content, dict) else []
    for key, kind in wanted.items():
        is_given = key in keys and isinstance(content[key], kind)
        # only arguments may be empty
        if not is_given or not (content[key] or kind is dict):
            form = {str: "a text", list: "a list", dict: "a mapping"}[kind]
            raise ValidationStopped(f"{place}: {key} must be there and be {form}.")
    for key in keys:
        if key not in wanted:
            raise ValidationStopped(
                f"{place}: {key} means nothing here{suggestion(str(key), wanted)}; "
                f"there are {', '.join(wanted)}."
            )


# -- the warehouse ---------------------------------------------------------------------------------


@contextmanager
def open_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection. Raises ValidationStopped where the file cannot be read."""
    if not path.is_file():
        raise ValidationStopped(f"There is no warehouse {path}: build one with make build.")
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        text = one_line(error)
        if "lock" in text or "different configuration" in text:
            holder = re.search(r"\(PID (\d+)\)", text)
            whose = f"process {holder[1]}" if holder else "another process"
            raise ValidationStopped(
                f"{path} is open for writing in {whose}: wait until it has ended, or end it."
            ) from error
        raise ValidationStopped(f"{path} cannot be opened as a warehouse: {text}") from error
    with connection:
        yield connection


def find_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns of every mart that has been built, by the mart's name."""
    rows = connection.execute(
        """
        select table_name, list(column_name order by ordinal_position)
        from information_schema.columns
        where table_schema = $schema and table_catalog = current_database()
        group by table_name
        order by table_name
        """,
        {"schema": SCHEMA},
    ).fetchall()
    return dict(rows)


def check_against_warehouse(marts: list[MartExpectations], warehouse: Path) -> dict[str, Any]:
    """Raise ValidationStopped where an expectation speaks of what is not there.

    Returns what the report tells of the warehouse: as_of_date, the rows of each mart, and the marts
    of which nothing is expected.
    """
    with open_warehouse(warehouse) as connection:
        columns = find_columns(connection)
        if not columns:
            raise ValidationStopped(
                f"{warehouse} has not been built: it has no schema {SCHEMA}; run dbt build."
            )
        for mart in marts:
            if mart.mart not in columns:
                raise ValidationStopped(
                    f"{mart.file_name} speaks of the mart {mart.mart}, which {warehouse} does not "
                    f"have{suggestion(mart.mart, columns)}; mend the name, or run dbt build."
                )
        for mart in marts:
            check_mart(mart, columns[mart.mart], connection)
        row_counts = {}
        for mart in marts:
            [(row_counts[mart.mart],)] = connection.execute(
                f"select count(*) from {SCHEMA}.{mart.mart}"
            ).fetchall()
        as_of_date = None
        if "customers" in columns:
            [(as_of_date,)] = connection.execute(
                f"select cast(max(as_of_date) as varchar) from {SCHEMA}.customers"
            ).fetchall()
    expected = {mart.mart for mart in marts}
    return {
        "as_of_date": as_of_date,
        "row_counts": row_counts,
        "without_expectations": [name for name in columns if name not in expected],
    }


def check_mart(
    mart: MartExpectations, present: list[str], connection: duckdb.DuckDBPyConnection
) -> None:
    """Raise ValidationStopped where a file speaks of a column or of SQL that is not there."""
    check_columns(mart.key, present, f"{mart.file_name}, key")
    for expectation in mart.expectations:
        place = f"{mart.file_name}, {expectation.name}"
        for argument in COLUMN_ARGUMENTS:
            named = expectation.arguments.get(argument, [])
            check_columns([named] if isinstance(named, str) else named, present, place)
        if expectation.type == SQL_TYPE:
            check_query(expectation, connection, place)


def check_columns(named: Iterable[str], present: list[str], place: str) -> None:
    """Raise ValidationStopped where a mart has no column of that name."""
    for name in named:
        if name not in present:
            raise ValidationStopped(
                f"{place}: the mart has no column {name}{suggestion(str(name), present)}."
            )


def check_query(
    expectation: Expectation, connection: duckdb.DuckDBPyConnection, place: str
) -> None:
    """Raise ValidationStopped where the SQL of an expectation does not run."""
    raw_query = str(expectation.arguments.get(SQL_ARGUMENT, ""))
    for name in expectation.arguments:
        if name != SQL_ARGUMENT and f"{{{name}}}" not in raw_query:
            raise ValidationStopped(
                f"{place}: the query has no {{{name}}} to fill the argument in."
            )
    if "{batch}" not in raw_query:
        raise ValidationStopped(f"{place}: {SQL_ARGUMENT} must read the mart as {{batch}}.")
    try:
        connection.execute(f"explain {runnable(expectation)}").fetchall()
    except (KeyError, IndexError, ValueError) as error:
        raise ValidationStopped(
            f"{place}: its SQL has a brace that cannot be filled in; one that is meant is doubled."
        ) from error
    except duckdb.Error as error:
        raise ValidationStopped(f"{place}: its SQL does not run: {one_line(error)}") from error


def runnable(expectation: Expectation) -> str:
    """The SQL of an expectation as DuckDB takes it."""
    return str(expectation.query).format(batch=f"{SCHEMA}.{expectation.mart}")


# -- Great Expectations ----------------------------------------------------------------------------


class KeptConnection(StrEnum):
    """What Great Expectations takes for one of its dialects: a name with a .value."""

    DUCKDB = "duckdb"


def keep_connection_of_duckdb() -> None:
    """Make Great Expectations keep its DuckDB connection open between reading and fetching.

    Unless a dialect stands in its list of those with a kept connection, Great Expectations closes
    the connection right after a query and fetches afterwards. Most drivers have brought the rows
    along by then; duckdb-engine reads them from the connection, so that nothing is left to fetch
    and every metric fails with "list index out of range". The list names SQLite for a like reason;
    DuckDB is added to it. tests/python/test_validate.py fails once this is no longer needed.
    """
    from great_expectations.execution_engine import sqlalchemy_execution_engine as engines

    if KeptConnection.DUCKDB not in engines._PERSISTED_CONNECTION_DIALECTS:
        engines._PERSISTED_CONNECTION_DIALECTS += (KeptConnection.DUCKDB,)


def leave_quietly() -> None:
    """Let go of DuckDB before the interpreter ends.

    Great Expectations keeps duckdb_engine and its dialects alive beyond the end, and the binding of
    DuckDB then lists all that they still hold, some 40 lines, on stderr.
    """
    import duckdb_engine

    for thing in gc.get_objects():
        if isinstance(thing, duckdb_engine.Dialect):
            vars(thing).clear()
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "duckdb_engine":
            vars(module).clear()


def load_great_expectations() -> Any:
    """The package, ready for DuckDB. It is slow to import, so nothing else waits for it."""
    # read on import; usage statistics would be sent over the network
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations

    keep_connection_of_duckdb()
    atexit.unregister(leave_quietly)
    atexit.register(leave_quietly)
    return great_expectations


def make_expectation(expectation: Expectation, place: str) -> Any:
    """An expectation as Great Expectations has it. Raises ValidationStopped if it has none."""
    load_great_expectations()
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    for pattern, instead in UNSUPPORTED_TYPES.items():
        if re.fullmatch(pattern, expectation.type):
            raise ValidationStopped(
                f"{place}: {expectation.type} does not work on DuckDB; {instead}."
            )
    try:
        implementation = get_expectation_impl(expectation.type)
    except ExpectationNotFoundError as error:
        known = list_registered_expectation_implementations()
        raise ValidationStopped(
            f"{place}: Great Expectations has no {expectation.type}"
            f"{suggestion(expectation.type, known)}."
        ) from error
    try:
        return implementation(
            **expectation.gx_arguments,
            severity=expectation.severity,
            meta={"name": expectation.name},
        )
    # pydantic's errors of both versions are ValueErrors, and some checks raise TypeErrors
    except (ValueError, TypeError) as error:
        raise ValidationStopped(
            f"{place}: {expectation.type} does not take these arguments: {one_line(error)}"
        ) from error


@contextmanager
def open_source(warehouse: Path) -> Iterator[tuple[Any, Any]]:
    """A context in memory, with the warehouse in it as a read-only data source."""
    gx = load_great_expectations()
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.datasource.fluent.interfaces import TestConnectionError

    settings = DataContextConfig(
        # its own pages need the network, so there are none
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=settings)
    try:
        source = context.data_sources.add_sql(
            "warehouse",
            # the path is not part of the address, in which some characters have a meaning
            connection_string="duckdb:///",
            create_temp_table=False,
            kwargs={"connect_args": {"database": str(warehouse), "read_only": True}},
        )
    except TestConnectionError as error:
        raise ValidationStopped(
            f"Great Expectations cannot open {warehouse}: {one_line(error)}"
        ) from error
    try:
        yield context, source
    finally:
        # the connection that is kept must be closed by hand, or nobody can write the file
        with source.get_execution_engine().get_connection() as connection:
            connection.close()
        source.get_execution_engine().close()
        source.get_engine().dispose()


def run_checkpoint(
    mart: MartExpectations, expectations: list[Any], context: Any, source: Any
) -> dict[str, dict[str, Any]]:
    """Run the expectations of a mart in a checkpoint of its own, as it has a key of its own.

    Returns the results in the JSON of Great Expectations, by the name of the expectation. Raises
    ValidationStopped where one could not be evaluated.
    """
    gx = load_great_expectations()
    asset = source.add_table_asset(mart.mart, table_name=mart.mart, schema_name=SCHEMA)
    definition = gx.ValidationDefinition(
        name=mart.mart,
        data=asset.add_batch_definition_whole_table(mart.mart),
        suite=context.suites.add(gx.ExpectationSuite(mart.mart, expectations=expectations)),
    )
    checkpoint = gx.Checkpoint(
        name=mart.mart,
        validation_definitions=[context.validation_definitions.add(definition)],
        result_format={
            "result_format": "SUMMARY",
            "unexpected_index_column_names": mart.key,
            "partial_unexpected_count": SAMPLE_ROWS,
            "return_unexpected_index_query": False,
        },
    )
    [run] = context.checkpoints.add(checkpoint).run().run_results.values()
    results = {
        result.expectation_config.meta["name"]: result.to_json_dict() for result in run.results
    }
    for expectation in mart.expectations:
        place = f"{mart.file_name}, {expectation.name}"
        if expectation.name not in results:
            raise ValidationStopped(f"{place}: Great Expectations left it out.")
        message = raised_message(results[expectation.name]["exception_info"])
        if message:
            raise ValidationStopped(f"{place}: it could not be evaluated: {message}")
    return results


def raised_message(exception_info: Mapping[str, Any]) -> str | None:
    """What was raised while an expectation was evaluated; None if nothing was."""
    # one entry for the expectation, or one for each of its metrics
    entries = [exception_info] if "raised_exception" in exception_info else exception_info.values()
    messages = [
        one_line(entry["exception_message"]) for entry in entries if entry["raised_exception"]
    ]
    return messages[0] if messages else None


# -- the result ------------------------------------------------------------------------------------


def validate(
    marts: list[MartExpectations],
    warehouse: Path,
    progress: Callable[[str], None] = lambda mart: None,
) -> dict[str, Any]:
    """Check the marts of a warehouse; progress is called with the name of each mart in its turn.

    The result is plain JSON, and the same for the same warehouse:

    warehouse, as_of_date, expected_count, held_count, failed_counts by severity,
    without_expectations: the marts of which nothing is expected,
    marts: of each its name, row_count, expected_count, held_count, failed_counts and
    expectations: what tell_expectation gives of each.

    Raises ValidationStopped where they could not be checked.
    """
    facts = check_against_warehouse(marts, warehouse)
    results = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = {
            mart.mart: [
                make_expectation(one, f"{mart.file_name}, {one.name}") for one in mart.expectations
            ]
            for mart in marts
        }
        with open_source(warehouse) as (context, source):
            for mart in marts:
                progress(mart.mart)
                results[mart.mart] = run_checkpoint(mart, made[mart.mart], context, source)
    with open_warehouse(warehouse) as connection:
        told = [
            tell_mart(mart, results[mart.mart], facts["row_counts"][mart.mart], connection)
            for mart in marts
        ]
    return {
        "warehouse": "/".join(warehouse.resolve().parts[-2:]),
        "as_of_date": facts["as_of_date"],
        **count([expectation for mart in told for expectation in mart["expectations"]]),
        "without_expectations": facts["without_expectations"],
        "marts": told,
    }


def tell_mart(
    mart: MartExpectations,
    results: Mapping[str, Mapping[str, Any]],
    row_count: int,
    connection: duckdb.DuckDBPyConnection,
) -> dict[str, Any]:
    """What became of the expectations of a mart."""
    expectations = [
        tell_expectation(expectation, results[expectation.name], row_count, connection)
        for expectation in mart.expectations
    ]
    return {
        "mart": mart.mart,
        "row_count": row_count,
        **count(expectations),
        "expectations": expectations,
    }


def count(expectations: list[dict[str, Any]]) -> dict[str, Any]:
    """How many expectations there are, hold, and do not hold by severity."""
    failed = [expectation["severity"] for expectation in expectations if not expectation["holds"]]
    return {
        "expected_count": len(expectations),
        "held_count": len(expectations) - len(failed),
        "failed_counts": {severity: failed.count(severity) for severity in SEVERITIES},
    }


def tell_expectation(
    expectation: Expectation,
    result: Mapping[str, Any],
    row_count: int,
    connection: duckdb.DuckDBPyConnection,
) -> dict[str, Any]:
    """What became of an expectation: what it says, what was observed, rows where it does not hold.

    mart, name, because, severity, type, arguments, query (SQL or null), holds, observed (a text),
    sample: columns and rows, all texts.
    """
    sample: dict[str, Any] = {"columns": [], "rows": []}
    if not result["success"] and expectation.query:
        sample = sample_of_query(expectation, connection)
    elif not result["success"]:
        sample = sample_of_keys(result["result"].get("partial_unexpected_index_list") or [])
    return {
        "mart": expectation.mart,
        "name": expectation.name,
        "because": expectation.because,
        "severity": expectation.severity,
        "type": expectation.type,
        "arguments": {
            name: value for name, value in expectation.arguments.items() if name != SQL_ARGUMENT
        },
        "query": runnable(expectation) if expectation.query else None,
        "holds": result["success"],
        "observed": observed_text(expectation, result, row_count),
        "sample": sample,
    }


def observed_text(expectation: Expectation, result: Mapping[str, Any], row_count: int) -> str:
    """What was observed, in words: rows against it, rows that hold, or the number looked at."""
    details = result["result"]
    if expectation.query:
        count_against = details["observed_value"]
        return (
            f"{plural(count_against, 'row')} against it" if count_against else "no row against it"
        )
    if "unexpected_count" in details and "element_count" in details:
        held = "all" if result["success"] else f"{details['unexpected_count']:,}"
        missing_count = details.get("missing_count", 0)
        missing = f", {missing_count:,} without a value" if missing_count else ""
        return f"{held} of {plural(row_count, 'row')}{missing}"
    if expectation.type.startswith("expect_table_row_count"):
        return plural(details["observed_value"], "row")
    return shown(details.get("observed_value"))


def sample_of_query(
    expectation: Expectation, connection: duckdb.DuckDBPyConnection
) -> dict[str, Any]:
    """The first rows that should not be there, in the order of their columns, so of the key."""
    cursor = connection.execute(
        f"""
        select *
        from (
            {runnable(expectation)}
        ) as unexpected
        order by all
        limit {SAMPLE_ROWS}
        """
    )
    columns = [column[0] for column in cursor.description]
    return {
        "columns": columns,
        "rows": [[shown(cell) for cell in row] for row in cursor.fetchall()],
    }


def sample_of_keys(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The failing rows that Great Expectations gives: the key and the columns that it looked at."""
    columns = list(rows[0]) if rows else []
    cells = [[shown(row[column]) for column in columns] for row in rows]
    return {"columns": columns, "rows": sorted(cells)}


def shown(value: Any) -> str:
    """A cell as a reader likes it: no digits that say nothing, a dash where there is no value."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, list):
        return ", ".join(shown(one) for one in value)
    if isinstance(value, (float, Decimal)):
        # a tiny number is not to look like none
        if 0 < abs(value) < 0.000001:
            return f"{value:.2g}"
        return f"{value:,.6f}".rstrip("0").rstrip(".")
    return str(value)


def plural(number: int, noun: str) -> str:
    """A number and its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def one_line(error: Any) -> str:
    """The message of an error, without what DuckDB and pydantic hang below it."""
    text = str(error)
    # pydantic: a heading, then the place and the message of each mistake
    if re.match(r"\d+ validation errors? for", text):
        lines = [line.strip() for line in text.splitlines()[1:]]
        return "; ".join(
            f"{place}: {message}" for place, message in zip(lines[::2], lines[1::2], strict=False)
        )
    lines = [line.strip() for line in re.split(r"\n\s*\n|LINE \d+:|\n\[SQL", text)[0].splitlines()]
    return " ".join(line for line in lines if line)


def suggestion(name: str, known: Iterable[str]) -> str:
    """A question after a name that is unknown, where one that is known looks like it."""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {matches[0]}?)" if matches else ""


# -- the report ------------------------------------------------------------------------------------


def render_report(result: Mapping[str, Any]) -> str:
    """The result as one HTML page that needs no other file."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(TEMPLATE_NAME).render(**result, failures=failures_of(result))


def failures_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The expectations that do not hold, the critical ones first."""
    failed = [
        expectation
        for mart in result["marts"]
        for expectation in mart["expectations"]
        if not expectation["holds"]
    ]
    return sorted(failed, key=lambda expectation: SEVERITIES.index(expectation["severity"]))


def show_result(result: Mapping[str, Any], report: Path, console: Console) -> None:
    """Print what failed, with sample rows, and how many expectations hold."""
    for failure in failures_of(result):
        console.print(failure_table(failure))
    for mart in result["without_expectations"]:
        console.print(f"[yellow]Nothing is expected of the mart {escape(mart)}.", highlight=False)
    color = "green"
    if result["failed_counts"]["warning"]:
        color = "yellow"
    if result["failed_counts"]["critical"]:
        color = "red"
    console.print(
        f"[bold {color}]{result['held_count']} of {result['expected_count']} expectations hold[/] "
        f"[dim]as of {result['as_of_date']}; all of them stand in {escape(str(report))}",
        highlight=False,
        soft_wrap=True,
    )


def failure_table(failure: Mapping[str, Any]) -> Table:
    """An expectation that does not hold: where, what was expected and observed, sample rows."""
    color = "red" if failure["severity"] == "critical" else "yellow"
    table = Table(
        title=f"[bold {color}]{failure['severity']}[/]  {failure['mart']}.{failure['name']}",
        title_justify="left",
        title_style="bold",
        show_header=False,
        box=box.SIMPLE,
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("mart", failure["mart"])
    table.add_row("expected", escape(failure["because"]))
    table.add_row("observed", escape(failure["observed"]))
    for number, row in enumerate(failure["sample"]["rows"]):
        cells = zip(failure["sample"]["columns"], row, strict=True)
        text = "  ".join(f"[dim]{column}[/] {escape(cell)}" for column, cell in cells)
        table.add_row("" if number else "for instance", text)
    return table


@click.command()
@click.argument("warehouse", type=click.Path(path_type=Path))
@click.option(
    "--expectations",
    "folder",
    type=click.Path(path_type=Path),
    default=EXPECTATIONS_FOLDER,
    help=f"The folder of the *{EXPECTATIONS_SUFFIX}.  [default: models/marts]",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The HTML page to write.  [default: {REPORT_NAME} beside the warehouse]",
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="critical",
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
def main(warehouse: Path, folder: Path, report: Path | None, fail_on: str) -> None:
    """Check the marts of the file WAREHOUSE, which has been built, and write a report."""
    errors = Console(stderr=True)
    report = report or warehouse.with_name(REPORT_NAME)
    try:
        with errors.status("reading the expectations") as status:
            result = validate(
                read_expectations(folder), warehouse, lambda mart: status.update(f"checking {mart}")
            )
        write_report(result, report)
    except ValidationStopped as error:
        errors.print(
            f"[bold red]The marts were not checked.[/] {escape(str(error))}",
            highlight=False,
            soft_wrap=True,
        )
        sys.exit(2)
    show_result(result, report, Console())
    failing = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    sys.exit(1 if any(result["failed_counts"][severity] for severity in failing) else 0)


def write_report(result: Mapping[str, Any], report: Path) -> None:
    """Write the page. Raises ValidationStopped where that is not possible."""
    try:
        report.write_text(render_report(result), encoding="utf-8")
    except OSError as error:
        raise ValidationStopped(
            f"The report {report} cannot be written: {error.strerror}."
        ) from error


if __name__ == "__main__":
    main()
