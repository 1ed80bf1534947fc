"""A file of a delivery, as DuckDB reads it: what every format has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from load.sql import as_text, identifier

if TYPE_CHECKING:
    import duckdb
    from load.mapping import CsvFormat

ROW_NUMBER = "source_row_number"


@dataclass(frozen=True)
class Reader(ABC):
    """A file whose columns are known.

    path is where it is read, name its path within the delivery, for messages and the log. types
    gives the SQL type of each of its columns, in their order.
    """

    path: Path
    name: str
    types: dict[str, str]

    # the SQL that numbers the rows of scan() from 1, in their order
    row_number: ClassVar[str]
    # what may help where DuckDB cannot read a file that it could open
    advice: ClassVar[str]

    @classmethod
    @abstractmethod
    def open(
        cls, checker: duckdb.DuckDBPyConnection, path: Path, name: str, given: CsvFormat
    ) -> Self:
        """Look at the columns of a file; no data row is read.

        given is what the mapping says about CSV files. Raises DeliveryError where the file
        cannot be read.
        """

    @abstractmethod
    def scan(self) -> str:
        """The table function of DuckDB that reads the file."""

    def relation(self) -> str:
        """The rows of the file with source_row_number, as a derived table."""
        columns = [identifier(name) for name in self.types if name.lower() != ROW_NUMBER]
        return (
            f"(select {', '.join(columns)}, {self.row_number} as {ROW_NUMBER} from {self.scan()}) "
            f"as source_rows"
        )

    def text(self, name: str) -> str:
        """The SQL of a column as text."""
        return as_text(identifier(name), self.types[name])

    def decimal_text(self, name: str) -> str:
        """The SQL of a column of numbers as text with a decimal point and no separators."""
        return self.text(name)

    def in_utf8(self, scratch: Path) -> tuple[Self, list[str]]:
        """The file, or a copy in the folder scratch that DuckDB can read; and warnings."""
        return self, []

    def first_fault(self, checker: duckdb.DuckDBPyConnection) -> str | None:
        """The sentence for the first row that cannot be read; None where there is none."""
        return None
