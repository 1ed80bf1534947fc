"""Which file of a delivery makes which table of the input contract.

  transactions.csv, transactions.parquet       the table's name
  transactions_2026-01.csv, transactions-2.csv the name, "_" or "-", and a part with a leading digit
  transactions/**/*.parquet                    every file in a folder of that name

Upper and lower case are one; .tsv and .txt are read as CSV; names with a leading "." or "_" are
passed over. Other folders are not looked into; other files are named in a warning. The entries
files and ignore of a mapping.yml say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from load.errors import DeliveryError, listed
from load.mapping import MAPPING_NAME, Mapping
from load.readers.formats import READERS

# files that explain a delivery
NOT_DATA = {".md", ".yml", ".yaml"}


def find_files(
    folder: Path, tables: Collection[str], mapping: Mapping
) -> tuple[list[tuple[str, Path]], list[str]]:
    """Pairs of table and file, in the order of tables and then of names; and warnings.

    A warning names the files that make no table. Raises DeliveryError where no file makes a table,
    or a pattern of the mapping matches none.
    """
    found = [
        (table, path)
        for table in tables
        for path in (
            mapped_files(folder, table, mapping.tables[table].files)
            if table in mapping.tables and mapping.tables[table].files
            else named_files(folder, table)
        )
    ]
    if not found:
        raise DeliveryError(
            f"{folder} holds no file for any table of the input contract; it holds "
            f"{contents(folder)}. {how_to_name('transactions')}"
        )
    used = {path for _, path in found}
    for pattern in mapping.ignore:
        used |= set(matching_files(folder, pattern))
    unused = [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_file()
        and path not in used
        and path.suffix.lower() not in NOT_DATA
        and not is_hidden(path.name)
    ]
    warnings = [f"Files that make no table were passed over: {listed(unused)}."] if unused else []
    return found, warnings


def named_files(folder: Path, table: str) -> list[Path]:
    """The files that make a table by their name or by that of their folder."""
    part_of_table = re.compile(rf"{re.escape(table)}([-_]\d.*)?", re.IGNORECASE)
    return sorted(
        path
        for entry in folder.iterdir()
        for path in (
            entry.rglob("*") if entry.is_dir() and entry.name.lower() == table else [entry]
        )
        if path.is_file()
        and path.suffix.lower() in READERS
        and not any(is_hidden(part) for part in path.relative_to(folder).parts)
        and (path != entry or part_of_table.fullmatch(path.stem))
    )


def mapped_files(folder: Path, table: str, patterns: Collection[str]) -> list[Path]:
    """The files that the patterns of a mapping match."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        matches = matching_files(folder, pattern)
        if not matches:
            raise DeliveryError(
                f"tables.{table}.files: no file in {folder} matches '{pattern}'; it holds "
                f"{contents(folder)}."
            )
        found |= dict.fromkeys(matches)
    for path in found:
        if path.suffix.lower() not in READERS:
            raise DeliveryError(
                f"tables.{table}.files: {path.name} is neither CSV nor Parquet; export it as one "
                f"of them ({', '.join(READERS)})."
            )
    return list(found)


def matching_files(folder: Path, pattern: str) -> list[Path]:
    """The files that a pattern matches."""
    return sorted(path for path in folder.glob(pattern) if path.is_file())


def contents(folder: Path) -> str:
    """What a folder holds, for messages."""
    return listed(sorted(path.name for path in folder.iterdir()), "nothing")


def how_to_name(table: str) -> str:
    """How to deliver a table, for messages."""
    return f"Name a file {table}.csv or {table}.parquet, or name it in {MAPPING_NAME}."


def is_hidden(name: str) -> bool:
    """Whether tools write such files beside the data (_SUCCESS, .part.crc)."""
    return name.startswith((".", "_"))
