"""Load a delivery, a folder of CSV or Parquet files, into schema raw of a warehouse.

Which file makes which table of the input contract (models/staging/_raw__sources.yml):
  transactions.csv, transactions.parquet       the table's name
  transactions_2026-01.csv, transactions-2.csv the name, "_" or "-", and a part with a leading digit
  transactions/**/*.parquet                    every file in a folder of that name
Upper and lower case are one; .tsv and .txt are read as CSV; names with a leading "." or "_" are
passed over. Other folders are not looked into; other files are named in a warning. A mapping.yml
in the folder says otherwise:

  input: my_shop                     names the input; inputs never mix in one warehouse
  vars: {base_currency: GBP}         dbt vars of this input, not used here
  ignore: ["*_notes.csv"]            files that are passed over without a warning
  tables:
    transactions:
      files: ["sales/*.csv"]         instead of the rule above
      csv: {delimiter: ";", encoding: gb18030, decimal: ",", thousands: ".",
            quote: "'", escape: "'", null_text: "NULL"}
      where: "cancelled = 'no'"      only these rows are loaded
      columns:
        customer_id: CustomerID      a column of the file
        currency: {constant: GBP}
        transaction_id: {expression: "InvoiceNo || '-' || source_row_number"}

Expressions are DuckDB SQL over the columns of the file (all text in a CSV); source_row_number
counts its rows from 1. A column that is not mapped is taken under its own name.

Every raw column is text, except loaded_at (UTC): the row's own where the file has the column, else
the mapping's constant, else --loaded-at, else now. Staging picks up only what is newer than all
that it has seen, so what is loaded is always newer than what its table holds. raw._deliveries
logs each file by its SHA-256; a file that stands there is not loaded again, whatever the mapping.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import codecs
import csv
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import click
import duckdb
import yaml
from load.raw_schema import TARGETS, RawSchema, WarehouseError, first_line, open_raw
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn
from rich.table import Table as RichTable

CONTRACT_FILE = Path(__file__).resolve().parents[2] / "models/staging/_raw__sources.yml"
MAPPING_NAME = "mapping.yml"
# the log of what has been loaded
DELIVERIES = "_deliveries"
CSV_SUFFIXES = {".csv", ".tsv", ".txt"}
PARQUET_SUFFIXES = {".parquet", ".pq"}
DELIMITERS = (",", ";", "\t", "|")
BLOCK_SIZE = 1 << 20
# UTF-8 with or without a byte order mark
UTF8 = "utf-8-sig"
NOT_DATA = {".md", ".yml", ".yaml"}


class DeliveryError(Exception):
    """A delivery that cannot be loaded; the text says what is wrong, where, and the mend."""


@dataclass(frozen=True)
class Column:
    """A column of the input contract."""

    name: str
    data_type: str
    is_required: bool


@dataclass(frozen=True)
class Table:
    """A table of the input contract."""

    name: str
    is_required: bool
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV file is written; None = found by looking at the file."""

    delimiter: str | None = None
    quote: str = '"'
    escape: str | None = None
    encoding: str | None = None
    decimal: str = "."
    thousands: str = ""
    null_text: str = ""


@dataclass(frozen=True)
class ColumnRule:
    """What fills a column of the contract; kind is column (of the file), constant or expression."""

    kind: str
    text: str | None


@dataclass(frozen=True)
class TableMapping:
    """What a mapping says about one table."""

    files: tuple[str, ...] = ()
    csv: CsvFormat = CsvFormat()
    where: str | None = None
    columns: dict[str, ColumnRule] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapping:
    """A mapping file; the default is that of a folder without one."""

    input: str | None = None
    vars: dict[str, Any] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    tables: dict[str, TableMapping] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceFile:
    """A file that has been checked against the contract.

    name is its path within the delivery, types the SQL type of each of its columns, columns the
    SQL text expression of each column of the contract that it can fill.
    """

    table: Table
    mapping: TableMapping
    csv: CsvFormat
    path: Path
    name: str
    sha256: str
    types: dict[str, str]
    columns: dict[str, str] = field(default_factory=dict)


@dataclass
class DeliveryReport:
    """What a load did. rows and files count what was added, for every table of the contract."""

    input_name: str
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    absent_columns: dict[str, list[str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


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

    All of it is loaded or nothing (on Spark: all of a file; see raw_schema). A target other than
    duckdb is found by its settings in profiles.yml.
    loaded_at is UTC where it names no zone. input_name overrules the mapping's, which overrules the
    folder's name. Raises DeliveryError; the warehouse is then as it was before.
    """
    folder, warehouse = Path(folder), warehouse and Path(warehouse)
    progress = progress or Progress(disable=True)
    stamp = None if loaded_at is None else to_utc(loaded_at, "--loaded-at")
    try:
        contract = read_contract()
        rules = read_mapping(folder, mapping)
        report = DeliveryReport(input_name or rules.input or folder.resolve().name)
        paths = find_files(folder, contract, rules, report)
        with TemporaryDirectory() as scratch, scratch_connection() as checker:
            sources = [
                check_file(checker, contract[table], path, folder, rules)
                for table, path in progress.track(paths, description="checking")
            ]
            note_columns(sources, contract, report)
            with open_raw(target, warehouse) as raw:
                prepare_schema(raw, contract, report.input_name)
                new_sources = skip_loaded(raw, sources, report)
                require_tables(raw, contract, sources, folder)
                stamps = assign_stamps(raw, rules, stamp, new_sources, report)
                for source in progress.track(new_sources, description="loading"):
                    readable = make_readable(source, Path(scratch), report)
                    load_file(raw, checker, readable, stamps[source.table.name], report)
    except WarehouseError as error:
        raise DeliveryError(str(error)) from error
    except (duckdb.Error, OSError) as error:
        raise DeliveryError(first_line(error)) from error
    return report


# ---- the contract and the mapping ---------------------------------------------------------------


def read_contract(path: Path = CONTRACT_FILE) -> dict[str, Table]:
    """The tables of the input contract by name; each has loaded_at as its last column."""
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"][0]["tables"]
    return {
        table["name"]: Table(
            table["name"],
            is_required(table),
            (
                *(
                    Column(column["name"], column["data_type"], is_required(column))
                    for column in table["columns"]
                    if column["name"] != "loaded_at"
                ),
                Column("loaded_at", "timestamp", False),
            ),
        )
        for table in declared
    }


def is_required(declared: dict[str, Any]) -> bool:
    """Whether config.meta of a table or column says that it must be there."""
    return bool(declared.get("config", {}).get("meta", {}).get("required", False))


def read_mapping(folder: Path, mapping: Path | None = None) -> Mapping:
    """The mapping of a folder: the file given, else mapping.yml in the folder, else an empty one.

    Raises DeliveryError where the folder or the file given is missing, the file is no YAML or has a
    key, table or column that is not known.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DeliveryError(f"There is no folder {folder}.")
    path = Path(mapping) if mapping else folder / MAPPING_NAME
    if not path.exists():
        if mapping:
            raise DeliveryError(f"There is no mapping file {path}.")
        return Mapping()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise DeliveryError(f"{path.name} cannot be read as YAML: {reason}.") from error
    return parse_mapping(content, read_contract(), path.name)


def parse_mapping(content: Any, contract: dict[str, Table], name: str) -> Mapping:
    """A mapping from the content of its YAML file; name is the file's, for messages."""
    check_keys(content, names_of(Mapping), name)
    tables = content.get("tables") or {}
    check_keys(tables, contract, f"{name}: tables")
    check_keys(content.get("vars") or {}, None, f"{name}: vars")
    return Mapping(
        input=None if content.get("input") is None else str(content["input"]),
        vars=content.get("vars") or {},
        ignore=text_list(content.get("ignore")),
        tables={
            table: parse_table_mapping(rules or {}, contract[table], f"{name}: tables.{table}")
            for table, rules in tables.items()
        },
    )


def parse_table_mapping(rules: Any, table: Table, place: str) -> TableMapping:
    """What the mapping says about one table; place is where it stands, for messages."""
    check_keys(rules, names_of(TableMapping), place)
    csv_format = rules.get("csv") or {}
    check_keys(csv_format, names_of(CsvFormat), f"{place}.csv")
    columns = rules.get("columns") or {}
    check_keys(columns, [column.name for column in table.columns], f"{place}.columns")
    return TableMapping(
        files=text_list(rules.get("files")),
        csv=parse_csv_format(csv_format, f"{place}.csv"),
        where=None if rules.get("where") is None else str(rules["where"]),
        columns={
            column: parse_column_rule(rule, f"{place}.columns.{column}")
            for column, rule in columns.items()
        },
    )


def parse_csv_format(settings: dict[str, Any], place: str) -> CsvFormat:
    """How the CSV files of a table are written, as the mapping says."""
    csv_format = CsvFormat(
        **{key: str(value) for key, value in settings.items() if value is not None}
    )
    if csv_format.delimiter is not None and len(csv_format.delimiter) != 1:
        raise DeliveryError(f"{place}.delimiter must be one character.")
    for key in ("quote", "escape"):
        if len(getattr(csv_format, key) or "") > 1:
            raise DeliveryError(f"{place}.{key} must be one character, or empty for none.")
    try:
        "".encode(csv_format.encoding or "utf-8")
    except (LookupError, UnicodeError) as error:
        raise DeliveryError(f"{place}.encoding is unknown: {csv_format.encoding}.") from error
    return csv_format


def parse_column_rule(rule: Any, place: str) -> ColumnRule:
    """One line of a mapping's columns."""
    if isinstance(rule, str):
        return ColumnRule("column", rule)
    if (
        not isinstance(rule, dict)
        or len(rule) != 1
        or not rule.keys() <= {"constant", "expression"}
    ):
        raise DeliveryError(
            f"{place} must be the name of a column, {{constant: value}} or {{expression: SQL}}, "
            f"got {rule!r}."
        )
    [(kind, value)] = rule.items()
    if isinstance(value, bool):
        value = str(value).lower()
    return ColumnRule(kind, None if value is None else str(value))


def check_keys(content: Any, known: Iterable[str] | None, place: str) -> None:
    """Raise DeliveryError where content is no mapping or has a key not known (None = any)."""
    if not isinstance(content, dict):
        raise DeliveryError(f"{place} must hold keys and values, got {content!r}.")
    known = content if known is None else known
    for key in content:
        if key not in known:
            raise DeliveryError(f"{place} has an unknown entry '{key}'; known are {listed(known)}.")


def names_of(shape: type) -> list[str]:
    """The fields of a dataclass."""
    return [one.name for one in fields(shape)]


def text_list(value: Any) -> tuple[str, ...]:
    """A list of texts from a YAML value that may be absent, one text or a list."""
    if value is None:
        return ()
    return tuple(str(one) for one in value) if isinstance(value, list) else (str(value),)


# ---- the files ----------------------------------------------------------------------------------


def find_files(
    folder: Path, contract: dict[str, Table], rules: Mapping, report: DeliveryReport
) -> list[tuple[str, Path]]:
    """Pairs of table and file, in the order of the contract and then of the names.

    Files that make no table go into a warning. Raises DeliveryError where there is no file for any
    table, or a glob of the mapping matches none.
    """
    found = [
        (table, path)
        for table in contract
        for path in (
            mapped_files(folder, table, rules.tables[table].files)
            if table in rules.tables and rules.tables[table].files
            else named_files(folder, table)
        )
    ]
    if not found:
        raise DeliveryError(
            f"{folder} holds no file for any table of the input contract; it holds "
            f"{contents(folder)}. Name a file transactions.csv or transactions.parquet, or name it "
            f"in {MAPPING_NAME}."
        )
    used = {path for _, path in found}
    for pattern in rules.ignore:
        used |= set(matching_files(folder, pattern, "ignore"))
    unused = [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_file()
        and path not in used
        and path.suffix.lower() not in NOT_DATA
        and not is_hidden(path.name)
    ]
    if unused:
        report.warnings.append(f"Files that make no table were passed over: {listed(unused)}.")
    return found


def named_files(folder: Path, table: str) -> list[Path]:
    """The CSV and Parquet files that make a table by their name or by that of their folder."""
    part_of_table = re.compile(rf"{re.escape(table)}([-_]\d.*)?", re.IGNORECASE)
    return sorted(
        path
        for entry in folder.iterdir()
        for path in (
            entry.rglob("*") if entry.is_dir() and entry.name.lower() == table else [entry]
        )
        if path.is_file()
        and path.suffix.lower() in CSV_SUFFIXES | PARQUET_SUFFIXES
        and not any(is_hidden(part) for part in path.relative_to(folder).parts)
        and (path != entry or part_of_table.fullmatch(path.stem))
    )


def mapped_files(folder: Path, table: str, patterns: tuple[str, ...]) -> list[Path]:
    """The files that the globs of a mapping match."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        matches = matching_files(folder, pattern, f"tables.{table}.files")
        if not matches:
            raise DeliveryError(
                f"tables.{table}.files: no file in {folder} matches '{pattern}'; it holds "
                f"{contents(folder)}."
            )
        found |= dict.fromkeys(matches)
    for path in found:
        if path.suffix.lower() not in CSV_SUFFIXES | PARQUET_SUFFIXES:
            raise DeliveryError(
                f"{path.name} is neither CSV nor Parquet: export it as one of them."
            )
    return list(found)


def matching_files(folder: Path, pattern: str, place: str) -> list[Path]:
    """The files that a glob matches; place is where the mapping has it, for messages."""
    try:
        return sorted(path for path in folder.glob(pattern) if path.is_file())
    except (NotImplementedError, ValueError) as error:
        raise DeliveryError(f"{place}: '{pattern}' must be a pattern within the folder.") from error


def contents(folder: Path) -> str:
    """What a folder holds, for messages."""
    return listed(sorted(path.name for path in folder.iterdir()), "nothing")


def is_hidden(name: str) -> bool:
    """Whether tools write such files beside the data (_SUCCESS, .part.crc)."""
    return name.startswith((".", "_"))


def check_file(
    checker: duckdb.DuckDBPyConnection, table: Table, path: Path, folder: Path, rules: Mapping
) -> SourceFile:
    """A file, opened and checked against the contract and its mapping; no data row is read yet."""
    mapping = rules.tables.get(table.name, TableMapping())
    name = Path(os.path.relpath(path, folder)).as_posix()
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    if path.suffix.lower() in PARQUET_SUFFIXES:
        csv_format, types = mapping.csv, parquet_columns(checker, path, name)
    else:
        csv_format, types = csv_columns(path, name, mapping.csv)
    source = SourceFile(table, mapping, csv_format, path, name, sha256, types)
    if mapping.where is not None:
        described(
            checker, source, f"select 1 from {relation(source)}{condition_sql(source)}", "where"
        )
    columns = {column.name: column_sql(checker, source, column) for column in table.columns}
    return replace(source, columns={name: sql for name, sql in columns.items() if sql is not None})


def parquet_columns(checker: duckdb.DuckDBPyConnection, path: Path, name: str) -> dict[str, str]:
    """The columns of a Parquet file with their SQL types."""
    try:
        rows = checker.execute(f"describe select * from {parquet_scan(path)}").fetchall()
    except duckdb.Error as error:
        raise DeliveryError(f"{name} cannot be read as Parquet: {first_line(error)}") from error
    return {row[0]: row[1] for row in rows}


def csv_columns(path: Path, name: str, given: CsvFormat) -> tuple[CsvFormat, dict[str, str]]:
    """The format of a CSV file, completed by looking at its header, and its columns, all text.

    The separator is the one that cuts the header into the most columns.
    """
    csv_format = replace(given, encoding=text_encoding(path, given.encoding))
    headers = [
        read_header(path, name, replace(csv_format, delimiter=delimiter))
        for delimiter in ([given.delimiter] if given.delimiter else DELIMITERS)
    ]
    delimiter, header = max(headers, key=lambda candidate: len(candidate[1]))
    names = [one.strip() or f"column_{place}" for place, one in enumerate(header, start=1)]
    seen = [one.lower() for one in names]
    repeated = sorted({one for one in names if seen.count(one.lower()) > 1})
    if repeated:
        raise DeliveryError(
            f"{name} has more than one column named {listed(repeated)}: give every column its own "
            "name."
        )
    return replace(csv_format, delimiter=delimiter), dict.fromkeys(names, "VARCHAR")


def text_encoding(path: Path, given: str | None) -> str:
    """The encoding given, else UTF-16 where the file has its byte order mark, else UTF-8."""
    if given:
        return UTF8 if codecs.lookup(given).name == "utf-8" else given
    with path.open("rb") as stream:
        start = stream.read(2)
    return "utf-16" if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else UTF8


def read_header(path: Path, name: str, csv_format: CsvFormat) -> tuple[str, list[str]]:
    """The separator and the first row of a CSV file, cut with it."""
    quoting = csv.QUOTE_MINIMAL if csv_format.quote else csv.QUOTE_NONE
    with path.open(encoding=csv_format.encoding, errors="replace", newline="") as stream:
        rows = csv.reader(
            stream,
            delimiter=csv_format.delimiter,
            quotechar=csv_format.quote or None,
            quoting=quoting,
        )
        try:
            header = next(rows, [])
        except (csv.Error, TypeError, ValueError) as error:
            raise DeliveryError(
                f"{name} line 1 cannot be read as a CSV header: {error}."
            ) from error
    if not any(one.strip() for one in header):
        what = "is empty (0 bytes)" if path.stat().st_size == 0 else "begins with a blank line"
        raise DeliveryError(
            f"{name} {what}: a CSV file needs a header with the names of its columns."
        )
    return csv_format.delimiter, header


def column_sql(
    checker: duckdb.DuckDBPyConnection, source: SourceFile, column: Column
) -> str | None:
    """The SQL text expression that fills a column of the contract from a file; None = absent.

    Raises DeliveryError where a required column is absent, or the mapping names what is not there.
    """
    rule = source.mapping.columns.get(column.name)
    names = {name.lower(): name for name in source.types}
    # a constant for loaded_at is the arrival of rows that do not bring their own
    if rule is None or (column.name == "loaded_at" and rule.kind == "constant"):
        own = names.get(column.name)
        if own is None and column.is_required:
            raise DeliveryError(
                f"{source.name} has no column {column.name}, which {source.table.name} requires; "
                f"it has {listed(source.types)}. Name it so in the file, or map it in "
                f"{MAPPING_NAME}."
            )
        return own and file_column(source, column, own)
    if rule.kind == "constant":
        return "cast(null as varchar)" if rule.text is None else literal(rule.text)
    if rule.kind == "expression":
        query = f"select ({rule.text}\n) from {relation(source)}"
        return as_text(f"({rule.text}\n)", described(checker, source, query, column.name)[0][1])
    if rule.text.lower() not in names:
        raise DeliveryError(
            f"The mapping of {source.table.name}.{column.name} names a column {rule.text}, which "
            f"{source.name} does not have; it has {listed(source.types)}."
        )
    return file_column(source, column, names[rule.text.lower()])


def file_column(source: SourceFile, column: Column, name: str) -> str:
    """A column of the file as text, numbers with a decimal point."""
    text = as_text(identifier(name), source.types[name])
    if column.data_type == "decimal" and not is_parquet(source):
        if source.csv.thousands:
            text = f"replace({text}, {literal(source.csv.thousands)}, '')"
        if source.csv.decimal != ".":
            text = f"replace({text}, {literal(source.csv.decimal)}, '.')"
    return text


def described(
    checker: duckdb.DuckDBPyConnection,
    source: SourceFile,
    query: str,
    place: str,
) -> list[tuple]:
    """Name and type of the columns that a query with SQL of the mapping gives.

    Raises DeliveryError where that SQL is broken; place is what the mapping says there.
    """
    try:
        if len(duckdb.extract_statements(query)) != 1:
            raise duckdb.ParserException("it is more than one expression")
        return checker.execute(f"describe {query}").fetchall()
    except duckdb.Error as error:
        raise DeliveryError(broken_sql(source, place, error)) from error


def note_columns(
    sources: list[SourceFile], contract: dict[str, Table], report: DeliveryReport
) -> None:
    """Report the columns that no file of a table fills, and keys that are floating point."""
    for table in contract.values():
        filled = [source.columns for source in sources if source.table == table]
        report.rows[table.name] = report.files[table.name] = 0
        if filled:
            report.absent_columns[table.name] = [
                column.name
                for column in table.columns
                if column.name != "loaded_at" and not any(column.name in one for one in filled)
            ]
    for source in sources:
        floats = {
            as_text(identifier(name), data_type)
            for name, data_type in source.types.items()
            if data_type in ("DOUBLE", "FLOAT")
        }
        for column in source.table.columns:
            if column.data_type == "string" and source.columns.get(column.name) in floats:
                report.warnings.append(
                    f"{source.name}: {column.name} is a floating-point number, so that 17 is "
                    "stored as 17.0; map it with an expression that casts it to bigint."
                )


# ---- the warehouse ------------------------------------------------------------------------------


@contextmanager
def scratch_connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, in which files are looked at without touching the warehouse."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def prepare_schema(raw: RawSchema, contract: dict[str, Table], input_name: str) -> None:
    """Make what is missing of schema raw; refuse a warehouse that holds another input."""
    raw.create_schema()
    columns_of = raw.columns()
    if DELIVERIES in columns_of:
        others = raw.rows(
            f"select distinct input_name from raw.{DELIVERIES} "
            f"where input_name <> {raw.literal(input_name)}"
        )
        if others:
            raise DeliveryError(
                f"This warehouse holds the input {others[0][0]} and the delivery belongs to "
                f"{input_name}. Inputs never mix in one warehouse: choose another one, or "
                f"give --input-name {others[0][0]} if it is a further delivery of the same input."
            )
    else:
        raw.create_table(
            DELIVERIES,
            {
                "table_name": "text",
                "file_name": "text",
                "sha256": "text",
                "row_count": "count",
                "loaded_at": "timestamp",
                "input_name": "text",
            },
        )
    for table in contract.values():
        missing = {
            column.name: "timestamp" if column.name == "loaded_at" else "text"
            for column in table.columns
            if column.name not in columns_of.get(table.name, set())
        }
        if table.name not in columns_of:
            raw.create_table(table.name, missing)
            continue
        for column, kind in missing.items():
            raw.add_column(table.name, column, kind)


def skip_loaded(
    raw: RawSchema, sources: list[SourceFile], report: DeliveryReport
) -> list[SourceFile]:
    """The files whose content their table does not hold yet, each content once."""
    loaded = set(raw.rows(f"select table_name, sha256 from raw.{DELIVERIES}"))
    new_sources = []
    for source in sources:
        content = (source.table.name, source.sha256)
        if content in loaded:
            report.skipped.append(source.name)
        else:
            loaded.add(content)
            new_sources.append(source)
    return new_sources


def require_tables(
    raw: RawSchema,
    contract: dict[str, Table],
    sources: list[SourceFile],
    folder: Path,
) -> None:
    """Raise DeliveryError where a required table has come neither now nor earlier."""
    come = {table for (table,) in raw.rows(f"select table_name from raw.{DELIVERIES}")}
    come |= {source.table.name for source in sources}
    for table in contract.values():
        if table.is_required and table.name not in come:
            raise DeliveryError(
                f"{folder} holds no file for the required table {table.name}; it holds "
                f"{contents(folder)}. Name a file {table.name}.csv or {table.name}.parquet, or "
                f"name it in {MAPPING_NAME}."
            )


@dataclass(frozen=True)
class Stamp:
    """The arrival of rows that bring none, and the newest that their table holds (both UTC)."""

    assigned: datetime
    newest: datetime | None


def assign_stamps(
    raw: RawSchema,
    rules: Mapping,
    given: datetime | None,
    sources: list[SourceFile],
    report: DeliveryReport,
) -> dict[str, Stamp]:
    """When the rows of each table arrived, always newer than what the table holds."""
    now = datetime.now(UTC).replace(tzinfo=None)
    stamps = {}
    for name in dict.fromkeys(source.table.name for source in sources):
        asked = given
        rule = rules.tables.get(name, TableMapping()).columns.get("loaded_at")
        if rule is not None and rule.kind == "constant":
            asked = to_utc(rule.text or "", f"The mapping's constant for {name}.loaded_at")
        newest = raw.newest_arrival(name)
        assigned = asked or now
        if newest is not None and assigned <= newest:
            assigned = newest + timedelta(microseconds=1)
            if asked:
                report.warnings.append(
                    f"{name} already holds rows that arrived at {newest}; the new ones are loaded "
                    f"as of {assigned}."
                )
        stamps[name] = Stamp(assigned, newest)
    return stamps


def make_readable(source: SourceFile, scratch: Path, report: DeliveryReport) -> SourceFile:
    """The file itself, or a UTF-8 copy of a CSV file that is none: unreadable is U+FFFD there."""
    if is_parquet(source) or (source.csv.encoding == UTF8 and is_utf8(source.path)):
        return source
    copy = scratch / f"{source.table.name}-{source.sha256}.csv"
    replaced = 0
    with (
        source.path.open(encoding=source.csv.encoding, errors="replace", newline="") as original,
        copy.open("w", encoding="utf-8", newline="") as readable,
    ):
        for block in iter(partial(original.read, BLOCK_SIZE), ""):
            replaced += block.count("\ufffd")
            readable.write(block)
    if replaced:
        encoding = source.csv.encoding.removesuffix("-sig").upper()
        report.warnings.append(
            f"{source.name}: {replaced} characters are no {encoding} and are loaded as \ufffd; "
            "rows with a broken key are rejected. Export it as UTF-8, or give csv: "
            f"{{encoding: ...}} in {MAPPING_NAME}."
        )
    return replace(source, path=copy)


def is_utf8(path: Path) -> bool:
    """Whether every byte of a file is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as stream:
            for block in iter(partial(stream.read, BLOCK_SIZE), b""):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def load_file(
    raw: RawSchema,
    checker: duckdb.DuckDBPyConnection,
    source: SourceFile,
    stamp: Stamp,
    report: DeliveryReport,
) -> None:
    """Add the rows of a file to its raw table and the file to raw._deliveries."""
    table = source.table.name
    arrived = arrived_at(source, stamp)
    columns = source.columns | {"loaded_at": arrived}
    try:
        refuse_old_arrivals(checker, source, stamp)
        rows = f"from {relation(source)}{condition_sql(source)}"
        row_count = raw.insert(checker, table, columns, rows)
    except duckdb.Error as error:
        raise DeliveryError(explained(checker, source, error)) from error
    arrived_last = raw.newest_arrival(table) or stamp.assigned
    raw.append(
        DELIVERIES,
        (table, source.name, source.sha256, row_count, arrived_last, report.input_name),
    )
    report.rows[table] += row_count
    report.files[table] += 1
    if row_count == 0:
        report.warnings.append(f"{source.name} holds no rows for {table}.")


def arrived_at(source: SourceFile, stamp: Stamp) -> str:
    """The SQL of loaded_at: the row's own (null if unreadable), else the assigned one."""
    assigned = f"timestamp '{stamp.assigned}'"
    own = source.columns.get("loaded_at")
    if own is None:
        return assigned
    return (
        f"case when coalesce(trim({own}), '') = '' then {assigned} "
        f"else try_cast({own} as timestamptz) at time zone 'UTC' end"
    )


def refuse_old_arrivals(
    checker: duckdb.DuckDBPyConnection, source: SourceFile, stamp: Stamp
) -> None:
    """Raise DeliveryError on a row whose own loaded_at is no time, or not newer than the table."""
    own = source.columns.get("loaded_at")
    if own is None:
        return
    newest = f"timestamp '{stamp.newest}'" if stamp.newest else "timestamp '-infinity'"
    bad = checker.execute(
        f"select source_row_number, own, arrived is null or not isfinite(arrived) as is_unreadable "
        f"from (select source_row_number, {own} as own, {arrived_at(source, stamp)} as arrived "
        f"from {relation(source)}{condition_sql(source)}) as arrivals "
        f"where is_unreadable or arrived <= {newest} "
        f"order by source_row_number limit 1"
    ).fetchone()
    if bad is None:
        return
    row_number, text, is_unreadable = bad
    place = f"{source.name} row {row_number}: loaded_at '{text}'"
    if is_unreadable:
        raise DeliveryError(
            f"{place} is no time; write it as YYYY-MM-DD HH:MM:SS in UTC, or leave the column out."
        )
    raise DeliveryError(
        f"{place} is not newer than {stamp.newest}, the newest that {source.table.name} holds, and "
        "an incremental build would never see it. Give the rows a newer loaded_at, or leave the "
        "column out, so that the time of loading is taken."
    )


# ---- errors -------------------------------------------------------------------------------------


def explained(checker: duckdb.DuckDBPyConnection, source: SourceFile, error: duckdb.Error) -> str:
    """Why a file could not be loaded: a ragged row, a broken expression, else what DuckDB says."""
    if not is_parquet(source):
        ragged = ragged_row(checker, source)
        if ragged:
            return ragged
    trials = {
        rule_column: source.columns[rule_column]
        for rule_column, rule in source.mapping.columns.items()
        if rule.kind == "expression"
    }
    if source.mapping.where is not None:
        trials = {"where": f"({source.mapping.where}\n)"} | trials
    for place, sql in trials.items():
        try:
            # an expression need not work on rows that "where" leaves out
            condition = "" if place == "where" else condition_sql(source)
            checker.execute(f"select count({sql}) from {relation(source)}{condition}").fetchall()
        except duckdb.Error as cause:
            return broken_sql(source, place, cause)
    advice = (
        "export it again" if is_parquet(source) else "end all rows in the same way (LF or CRLF)"
    )
    return f"{source.name} cannot be read: {first_line(error)}; {advice}."


def ragged_row(checker: duckdb.DuckDBPyConnection, source: SourceFile) -> str | None:
    """The first row of a CSV file that does not fit its header, by the line on which it begins."""
    try:
        checker.execute(
            "select count(*) from "
            + csv_scan(source, ", store_rejects = true, rejects_limit = 1000")
        ).fetchall()
    except duckdb.Error:
        return None
    rejected = checker.execute(
        "select line_byte_position, error_message from reject_errors order by 1 limit 1"
    ).fetchone()
    if rejected is None:
        return None
    with source.path.open("rb") as stream:
        before = stream.read(rejected[0] - 1)
    line = before.count(b"\n" if b"\n" in before else b"\r") + 1
    return (
        f"{source.name} line {line}: {first_line(rejected[1])}. Every row needs a value, be it "
        "empty, for each column of the header; a value with the separator or a line end in it "
        "must stand in quotes."
    )


def broken_sql(source: SourceFile, place: str, error: Exception) -> str:
    """The sentence for SQL of the mapping that does not work on a file."""
    return (
        f"The mapping of {source.table.name}.{place} does not work on {source.name}: "
        f"{first_line(error)}; the file has {listed(source.types)}."
    )


def listed(names: Iterable[str], empty: str = "none") -> str:
    """Names for a message, the first ten of many."""
    names = list(names)
    shown = ", ".join(names[:10]) or empty
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown


# ---- SQL ----------------------------------------------------------------------------------------


def relation(source: SourceFile) -> str:
    """The rows of a file with source_row_number, as a derived table."""
    if is_parquet(source):
        scan = parquet_scan(source.path, ", file_row_number = true")
        row_number = "file_row_number + 1"
    else:
        scan, row_number = csv_scan(source), "row_number() over ()"
    columns = [identifier(name) for name in source.types if name.lower() != "source_row_number"]
    return (
        f"(select {', '.join(columns)}, {row_number} as source_row_number from {scan}) "
        f"as source_rows"
    )


def parquet_scan(path: Path, options: str = "") -> str:
    """The table function that reads a Parquet file."""
    return (
        f"read_parquet({path_literal(path)}, binary_as_string = true, hive_partitioning = "
        f"false{options})"
    )


def csv_scan(source: SourceFile, options: str = "") -> str:
    """The table function that reads a CSV file as text; nothing is left to detection."""
    csv_format = source.csv
    columns = ", ".join(f"{literal(name)}: 'varchar'" for name in source.types)
    escape = csv_format.quote if csv_format.escape is None else csv_format.escape
    return (
        f"read_csv({path_literal(source.path)}, auto_detect = false, header = true, "
        f"hive_partitioning = false, columns = {{{columns}}}, delim = "
        f"{literal(csv_format.delimiter)}, quote = {literal(csv_format.quote)}, escape = "
        f"{literal(escape)}, nullstr = {literal(csv_format.null_text)}{options})"
    )


def condition_sql(source: SourceFile) -> str:
    """The where clause of the mapping, if any."""
    return f" where ({source.mapping.where}\n)" if source.mapping.where is not None else ""


def as_text(sql: str, data_type: str) -> str:
    """An SQL expression as text, times with a zone in UTC."""
    if data_type == "VARCHAR":
        return sql
    if data_type == "TIMESTAMP WITH TIME ZONE":
        sql = f"({sql} at time zone 'UTC')"
    return f"cast({sql} as varchar)"


def is_parquet(source: SourceFile) -> bool:
    """Whether a file is read as Parquet."""
    return source.path.suffix.lower() in PARQUET_SUFFIXES


def identifier(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def path_literal(path: Path) -> str:
    """A path as SQL; characters that would make it a glob are taken as they are."""
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def to_utc(value: datetime | date | str, place: str) -> datetime:
    """A time as UTC without a zone; place is where it stands, for messages."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise DeliveryError(
            f"{place} is no time: '{value}'; write it as YYYY-MM-DD HH:MM:SS."
        ) from error
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


# ---- the command --------------------------------------------------------------------------------


def summary(report: DeliveryReport, contract: dict[str, Table]) -> RichTable:
    """The report as a table: what each raw table got, and which columns it lacks."""
    table = RichTable(
        "table", "files", "rows", "columns absent", title=f"input {report.input_name}"
    )
    for name in contract:
        absent = report.absent_columns.get(name)
        table.add_row(
            name,
            str(report.files[name]),
            f"{report.rows[name]:,}",
            "not delivered" if absent is None else ", ".join(absent),
        )
    return table


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--warehouse", type=click.Path(path_type=Path), help="DuckDB file.")
@click.option(
    "--target",
    type=click.Choice(TARGETS),
    default="duckdb",
    show_default=True,
    help="Another engine, as profiles.yml describes it, instead of a file.",
)
@click.option("--mapping", type=click.Path(path_type=Path), help="Instead of FOLDER/mapping.yml.")
@click.option("--loaded-at", help="When the delivery arrived (UTC).  [default: now]")
@click.option("--input-name", help="Name of the input.  [default: the mapping's, or the folder's]")
def main(
    folder: Path,
    warehouse: Path | None,
    target: str,
    mapping: Path | None,
    loaded_at: str | None,
    input_name: str | None,
) -> None:
    """Load the CSV or Parquet files of FOLDER into schema raw of a warehouse."""
    errors = Console(stderr=True)
    try:
        with Progress(
            SpinnerColumn(),
            *Progress.get_default_columns(),
            TimeElapsedColumn(),
            console=errors,
            transient=True,
            disable=not errors.is_terminal,
        ) as progress:
            report = load_delivery(
                folder, warehouse, mapping, loaded_at, input_name, progress, target
            )
    except DeliveryError as error:
        raise click.ClickException(str(error)) from error
    for warning in report.warnings:
        click.echo(f"Warning: {warning}", err=True)
    if report.skipped:
        click.echo(f"Already loaded: {listed(report.skipped)}.", err=True)
    Console().print(summary(report, read_contract()))


if __name__ == "__main__":
    main()
