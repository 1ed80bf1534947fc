"""Load a delivery, a folder of files, into schema raw of a warehouse.

files.py finds the files of each table, source_file.py checks them against the input contract and
the mapping, deliveries.py keeps the log of what has been loaded, arrivals.py stamps the rows, and
engines/ writes them. Every raw column is text, except loaded_at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from load.arrivals import (
    Arrival,
    arrival_sql,
    assign_arrivals,
    refuse_old_arrivals,
    to_utc,
)
from load.contract import ARRIVAL, Table, read_contract
from load.deliveries import log_file, not_yet_loaded, prepare_schema, require_tables
from load.engines.raw_schema import RawSchema
from load.engines.targets import open_raw
from load.errors import DeliveryError, WarehouseError, first_line
from load.files import find_files
from load.mapping import read_mapping
from load.source_file import SourceFile, check_file, floating_keys, why_unreadable
from rich.progress import Progress


@dataclass
class DeliveryReport:
    """What a load did.

    rows and files count what was added to every table of the contract; absent_columns names, for
    each table with a file, the columns that no file fills; skipped names files loaded before.
    """

    input_name: str
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    absent_columns: dict[str, list[str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Steps:
    """One line of a progress that moves until the load is done."""

    def __init__(self, progress: Progress) -> None:
        """Add the line; how much there is to do is not known yet."""
        self.progress = progress
        self.task = progress.add_task("looking for files", total=None)

    def __call__(self, description: str, done: int = 0) -> None:
        """Name what is done now, after done bytes more were read."""
        self.progress.update(self.task, description=description[:48], advance=done)

    def total(self, size: int) -> None:
        """Say how many bytes there are to load; one more keeps the line moving until the end."""
        self.progress.update(self.task, total=size + 1)

    def end(self, description: str) -> None:
        """Say what was done."""
        self.progress.update(self.task, description=description, total=1, completed=1)


def load_delivery(
    folder: Path,
    warehouse: Path | None = None,
    mapping: Path | None = None,
    loaded_at: datetime | str | None = None,
    input_name: str | None = None,
    progress: Progress | None = None,
    target: str = "duckdb",
) -> DeliveryReport:
    """Load a folder of files into schema raw of a DuckDB file, or of another target.

    All of it is loaded or nothing (on Spark: all of a file; see engines/spark_raw.py). A target
    other than duckdb is found by its settings in profiles.yml. mapping stands for the mapping.yml
    in the folder. loaded_at is UTC where it names no zone. input_name overrules the name in the
    mapping, which overrules that of the folder. Raises DeliveryError; the warehouse is then as it
    was before.
    """
    folder, warehouse = Path(folder), warehouse and Path(warehouse)
    asked = None if loaded_at is None else to_utc(loaded_at, "--loaded-at")
    steps = Steps(progress or Progress(disable=True))
    try:
        contract = read_contract()
        rules = read_mapping(folder, mapping)
        report = DeliveryReport(input_name or rules.input or folder.resolve().name)
        paths, warnings = find_files(folder, contract, rules)
        report.warnings += warnings
        with scratch_connection() as checker:
            sources = []
            for table, path in paths:
                steps(f"checking {path.name}")
                sources.append(check_file(checker, contract[table], path, folder, rules))
            note_columns(sources, contract, report)
            steps("opening the warehouse")
            with open_raw(target, warehouse) as raw:
                prepare_schema(raw, contract, report.input_name)
                new_sources, known_sources = not_yet_loaded(raw, sources)
                report.skipped = [source.name for source in known_sources]
                require_tables(raw, contract, sources, folder)
                tables = [source.table.name for source in new_sources]
                arrivals, warnings = assign_arrivals(raw, rules, asked, tables)
                report.warnings += warnings
                load_files(raw, checker, new_sources, arrivals, report, steps)
                steps("storing what was loaded")
        steps.end(f"files loaded: {sum(report.files.values())}")
    except WarehouseError as error:
        raise DeliveryError(str(error)) from error
    except (duckdb.Error, OSError) as error:
        raise DeliveryError(first_line(error)) from error
    return report


@contextmanager
def scratch_connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, in which files are looked at without touching the warehouse."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def note_columns(
    sources: list[SourceFile], contract: dict[str, Table], report: DeliveryReport
) -> None:
    """Report the columns that no file of a table fills, and keys that are floating point."""
    for table in contract.values():
        filled = [source.columns for source in sources if source.table == table]
        report.rows[table.name] = report.files[table.name] = 0
        if filled:
            report.absent_columns[table.name] = [
                name
                for name in table.column_names
                if name != ARRIVAL and not any(name in columns for columns in filled)
            ]
    report.warnings += [
        f"{source.name}: {name} is a floating-point number, so that 17 is stored as 17.0; map it "
        "with an expression that casts it to bigint."
        for source in sources
        for name in floating_keys(source)
    ]


def load_files(
    raw: RawSchema,
    checker: duckdb.DuckDBPyConnection,
    sources: list[SourceFile],
    arrivals: dict[str, Arrival],
    report: DeliveryReport,
    steps: Steps,
) -> None:
    """Add the rows of files to their tables and the files to the log; arrivals go by table."""
    sizes = [source.reader.path.stat().st_size for source in sources]
    steps.total(sum(sizes))
    for source, size in zip(sources, sizes, strict=True):
        steps(f"loading {source.name}")
        with TemporaryDirectory() as scratch:
            reader, warnings = source.reader.in_utf8(Path(scratch))
            report.warnings += warnings
            readable = replace(source, reader=reader)
            load_file(raw, checker, readable, arrivals[source.table.name], report)
        steps(f"loaded {source.name}", done=size)


def load_file(
    raw: RawSchema,
    checker: duckdb.DuckDBPyConnection,
    source: SourceFile,
    arrival: Arrival,
    report: DeliveryReport,
) -> None:
    """Add the rows of a file to its table and the file to the log."""
    table = source.table.name
    columns = source.columns | {ARRIVAL: arrival_sql(source, arrival)}
    try:
        refuse_old_arrivals(checker, source, arrival)
        row_count = raw.insert(checker, table, columns, source.rows)
    except duckdb.Error as error:
        raise DeliveryError(why_unreadable(checker, source, error)) from error
    newest = raw.newest_arrival(table) or arrival.assigned
    log_file(raw, source, row_count, newest, report.input_name)
    report.rows[table] += row_count
    report.files[table] += 1
    if row_count == 0:
        report.warnings.append(f"{source.name} holds no rows for {table}.")
