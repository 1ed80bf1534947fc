"""Parquet files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import duckdb
from load.errors import DeliveryError, first_line
from load.readers.reader import Reader
from load.sql import path_literal

if TYPE_CHECKING:
    from load.mapping import CsvFormat

# bytes are text where a writer did not say so; names of folders are no columns
OPTIONS = "binary_as_string = true, hive_partitioning = false"


@dataclass(frozen=True)
class ParquetFile(Reader):
    """A Parquet file; its columns have types of their own."""

    row_number: ClassVar[str] = "file_row_number + 1"
    advice: ClassVar[str] = "export it again"

    @classmethod
    def open(
        cls, checker: duckdb.DuckDBPyConnection, path: Path, name: str, given: CsvFormat
    ) -> Self:
        """Look at the columns of a file; given plays no part."""
        scan = f"read_parquet({path_literal(path)}, {OPTIONS})"
        try:
            rows = checker.execute(f"describe select * from {scan}").fetchall()
        except duckdb.Error as error:
            raise DeliveryError(
                f"{name} cannot be read as Parquet: {first_line(error)}."
            ) from error
        return cls(path, name, {row[0]: row[1] for row in rows})

    def scan(self) -> str:
        """The table function that reads the file and numbers its rows from 0."""
        return f"read_parquet({path_literal(self.path)}, {OPTIONS}, file_row_number = true)"
