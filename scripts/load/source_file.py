"""A file of a delivery, checked against the input contract and its mapping."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
from load.contract import ARRIVAL, Column, Table
from load.errors import DeliveryError, first_line, listed
from load.mapping import MAPPING_NAME, Mapping, TableMapping
from load.readers.formats import READERS
from load.readers.reader import Reader
from load.sql import as_text, literal


@dataclass(frozen=True)
class SourceFile:
    """A file that can be loaded into a table.

    columns gives the DuckDB SQL, as text, of each column of the contract that the file can fill.
    """

    table: Table
    mapping: TableMapping
    reader: Reader
    sha256: str
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The path of the file within the delivery."""
        return self.reader.name

    @property
    def rows(self) -> str:
        """The rows to load: from and where of a query."""
        where = self.mapping.where
        # a line end closes a comment in the SQL of the mapping
        condition = "" if where is None else f" where ({where}\n)"
        return f"from {self.reader.relation()}{condition}"


def check_file(
    checker: duckdb.DuckDBPyConnection, table: Table, path: Path, folder: Path, mapping: Mapping
) -> SourceFile:
    """Open a file and check its columns; no data row is read yet.

    Raises DeliveryError where it cannot be read, lacks a required column, or has no column that
    the mapping names, or where SQL of the mapping does not fit its columns.
    """
    rules = mapping.tables.get(table.name, TableMapping())
    name = Path(os.path.relpath(path, folder)).as_posix()
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    reader = READERS[path.suffix.lower()].open(checker, path, name, rules.csv)
    source = SourceFile(table, rules, reader, sha256)
    if rules.where is not None:
        described(checker, source, f"select 1 {source.rows}", "where")
    columns = {column.name: column_sql(checker, source, column) for column in table.columns}
    return replace(source, columns={name: sql for name, sql in columns.items() if sql is not None})


def column_sql(
    checker: duckdb.DuckDBPyConnection, source: SourceFile, column: Column
) -> str | None:
    """The SQL that fills a column of the contract from a file; None where the file lacks it."""
    rule = source.mapping.columns.get(column.name)
    types = source.reader.types
    names = {name.lower(): name for name in types}
    # a constant for loaded_at is the arrival of rows that do not bring their own
    if rule is None or (column.name == ARRIVAL and rule.kind == "constant"):
        own = names.get(column.name)
        if own is None and column.is_required:
            raise DeliveryError(
                f"{source.name} has no column {column.name}, which {source.table.name} requires; "
                f"it has {listed(types)}. Name it so in the file, or map it in {MAPPING_NAME}."
            )
        return own and file_column(source.reader, column, own)
    if rule.kind == "constant":
        return "cast(null as varchar)" if rule.constant is None else literal(rule.constant)
    if rule.kind == "expression":
        sql = f"({rule.expression}\n)"
        query = f"select {sql} from {source.reader.relation()}"
        [(_, data_type, *_)] = described(checker, source, query, column.name)
        return as_text(sql, data_type)
    if rule.column.lower() not in names:
        raise DeliveryError(
            f"The mapping of {source.table.name}.{column.name} names a column {rule.column}, which "
            f"{source.name} does not have; it has {listed(types)}."
        )
    return file_column(source.reader, column, names[rule.column.lower()])


def file_column(reader: Reader, column: Column, name: str) -> str:
    """The SQL of a column of the file as text that fits a column of the contract."""
    return reader.decimal_text(name) if column.data_type == "decimal" else reader.text(name)


def described(
    checker: duckdb.DuckDBPyConnection, source: SourceFile, query: str, place: str
) -> list[tuple]:
    """What DuckDB says about the columns of a query with SQL of the mapping: name, type, ...

    place is the entry of the mapping that holds the SQL. Raises DeliveryError where it is broken.
    """
    try:
        if len(duckdb.extract_statements(query)) != 1:
            raise duckdb.ParserException("it is more than one expression")
        return checker.execute(f"describe {query}").fetchall()
    except duckdb.Error as error:
        raise DeliveryError(broken_sql(source, place, error)) from error


def floating_keys(source: SourceFile) -> list[str]:
    """The columns of the contract that should be whole texts and are floating-point numbers."""
    floats = {
        source.reader.text(name)
        for name, data_type in source.reader.types.items()
        if data_type in ("DOUBLE", "FLOAT")
    }
    return [
        column.name
        for column in source.table.columns
        if column.data_type == "string" and source.columns.get(column.name) in floats
    ]


def why_unreadable(
    checker: duckdb.DuckDBPyConnection, source: SourceFile, error: duckdb.Error
) -> str:
    """The sentence for a file whose rows could not be loaded.

    It names the first row that cannot be read, else the SQL of the mapping that fails, else what
    DuckDB said.
    """
    fault = source.reader.first_fault(checker)
    if fault:
        return fault
    trials = {
        column: source.columns[column]
        for column, rule in source.mapping.columns.items()
        if rule.kind == "expression"
    }
    if source.mapping.where is not None:
        trials = {"where": f"({source.mapping.where}\n)"} | trials
    for place, sql in trials.items():
        # an expression need not work on rows that "where" leaves out
        rows = f"from {source.reader.relation()}" if place == "where" else source.rows
        try:
            checker.execute(f"select count({sql}) {rows}").fetchall()
        except duckdb.Error as cause:
            return broken_sql(source, place, cause)
    return f"{source.name} cannot be read: {first_line(error)}; {source.reader.advice}."


def broken_sql(source: SourceFile, place: str, error: Exception) -> str:
    """The sentence for SQL of the mapping that does not work on a file."""
    return (
        f"The mapping of {source.table.name}.{place} does not work on {source.name}: "
        f"{first_line(error)}; the file has {listed(source.reader.types)}."
    )
