"""What the expectations need from the built marts in DuckDB: columns, row counts, sample rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from check.expectations import SCHEMA, MartExpectations, ValidationStopped, did_you_mean

# arguments of Great Expectations that name columns of the mart
COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list", "column_set")


@dataclass(frozen=True)
class Facts:
    """What the results say about a warehouse besides the expectations.

    as_of_date is ISO text, or None without customers; row_counts holds the marts with expectations.
    """

    as_of_date: str | None
    row_counts: dict[str, int]
    marts_without_expectations: list[str]


@contextmanager
def open_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection. Raises ValidationStopped if the file cannot be opened."""
    if not path.is_file():
        raise ValidationStopped(f"There is no warehouse {path}: run make build first.")
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        text = first_paragraph(error)
        if "lock" in text:
            holder = re.search(r"\(PID (\d+)\)", text)
            owner = f"process {holder[1]}" if holder else "another process"
            raise ValidationStopped(
                f"{path} is open for writing in {owner}: wait until it has ended, or end it."
            ) from error
        raise ValidationStopped(f"{path} cannot be opened as a warehouse: {text}") from error
    with connection:
        yield connection


def check_against_warehouse(marts: list[MartExpectations], warehouse: Path) -> Facts:
    """Check that all marts, columns and SQL of the expectations exist in a warehouse.

    Raises ValidationStopped at the first that does not.
    """
    with open_warehouse(warehouse) as connection:
        columns = find_columns(connection)
        if not columns:
            raise ValidationStopped(
                f"{warehouse} has no schema {SCHEMA}, so it is not built: run make build."
            )
        for mart in marts:
            if mart.mart not in columns:
                raise ValidationStopped(
                    f"{mart.file_name}: {warehouse} has no mart {mart.mart}"
                    f"{did_you_mean(mart.mart, columns)}; correct the name, or run make build."
                )
            check_mart(mart, columns[mart.mart], connection)
        return Facts(
            as_of_date=find_as_of_date(connection) if "customers" in columns else None,
            row_counts={mart.mart: count_rows(mart.mart, connection) for mart in marts},
            marts_without_expectations=sorted(set(columns) - {mart.mart for mart in marts}),
        )


def find_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns of every built mart, by the name of the mart."""
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


def find_as_of_date(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The current as-of date as ISO text; None if there are no customers."""
    [(as_of_date,)] = connection.execute(
        f"select cast(max(as_of_date) as varchar) from {SCHEMA}.customers"
    ).fetchall()
    return as_of_date


def count_rows(mart: str, connection: duckdb.DuckDBPyConnection) -> int:
    """The number of rows of a mart."""
    [(row_count,)] = connection.execute(f"select count(*) from {SCHEMA}.{mart}").fetchall()
    return row_count


def check_mart(
    mart: MartExpectations, columns: list[str], connection: duckdb.DuckDBPyConnection
) -> None:
    """Check the columns and the SQL of the expectations of a mart. Raises ValidationStopped."""
    check_columns(mart.key, columns, f"{mart.file_name}, key")
    for expectation in mart.expectations:
        place = mart.place(expectation)
        for argument in COLUMN_ARGUMENTS:
            named = expectation.arguments.get(argument, [])
            check_columns([named] if isinstance(named, str) else named, columns, place)
        if query := mart.sql(expectation):
            try:
                connection.execute(f"explain {query}").fetchall()
            except duckdb.Error as error:
                raise ValidationStopped(
                    f"{place}: its SQL does not run: {first_paragraph(error)}"
                ) from error


def check_columns(named: Iterable[str], columns: list[str], place: str) -> None:
    """Raise ValidationStopped if a mart does not have one of these columns."""
    for name in named:
        if name not in columns:
            raise ValidationStopped(
                f"{place}: the mart has no column {name}{did_you_mean(str(name), columns)}."
            )


def select_sample(
    query: str, row_limit: int, connection: duckdb.DuckDBPyConnection
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and first rows of a query, ordered by all columns from left to right."""
    cursor = connection.execute(
        f"select * from (\n{query}\n) as unexpected order by all limit {row_limit}"
    )
    return [column[0] for column in cursor.description], cursor.fetchall()


def first_paragraph(error: Exception) -> str:
    """The message of DuckDB in one line, without the SQL that it prints below."""
    text = re.split(r"\n\s*\n|LINE \d+:", str(error))[0]
    return " ".join(text.split())
