"""CSV files: the separator and the header are found in Python, the rows are read by DuckDB."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import duckdb
from load.errors import DeliveryError, first_line, listed
from load.readers.reader import Reader
from load.readers.text_encoding import (
    REPLACED,
    UTF8,
    copy_as_utf8,
    is_utf8,
    likely_encodings,
    text_encoding,
)
from load.sql import literal, path_literal

if TYPE_CHECKING:
    from load.mapping import CsvFormat

DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class CsvFile(Reader):
    """A CSV file; all of its columns are text. format is complete: nothing is left to detect."""

    format: CsvFormat

    row_number: ClassVar[str] = "row_number() over ()"
    advice: ClassVar[str] = "end all rows in the same way (LF or CRLF)"

    @classmethod
    def open(
        cls, checker: duckdb.DuckDBPyConnection, path: Path, name: str, given: CsvFormat
    ) -> Self:
        """Look at the header of a file.

        The separator is the one that cuts the header into the most columns.
        """
        known = given.model_copy(update={"encoding": text_encoding(path, given.encoding)})
        formats = [
            known.model_copy(update={"delimiter": delimiter})
            for delimiter in ([given.delimiter] if given.delimiter else DELIMITERS)
        ]
        headers = [(one, read_header(path, name, one)) for one in formats]
        found, header = max(headers, key=lambda candidate: len(candidate[1]))
        names = [one.strip() or f"column_{place}" for place, one in enumerate(header, start=1)]
        seen = [one.lower() for one in names]
        repeated = sorted({one for one in names if seen.count(one.lower()) > 1})
        if repeated:
            raise DeliveryError(
                f"{name} has more than one column named {listed(repeated)}: give every column its "
                "own name."
            )
        return cls(path, name, dict.fromkeys(names, "VARCHAR"), found)

    def scan(self) -> str:
        """The table function that reads the file."""
        return self.scan_with("")

    def scan_with(self, options: str) -> str:
        """The table function that reads the file, with further options."""
        columns = ", ".join(f"{literal(name)}: 'varchar'" for name in self.types)
        quote = self.format.quote
        escape = quote if self.format.escape is None else self.format.escape
        return (
            f"read_csv({path_literal(self.path)}, auto_detect = false, header = true, "
            f"hive_partitioning = false, columns = {{{columns}}}, "
            f"delim = {literal(self.format.delimiter)}, quote = {literal(quote)}, "
            f"escape = {literal(escape)}, nullstr = {literal(self.format.null_text)}{options})"
        )

    def decimal_text(self, name: str) -> str:
        """The SQL of a column of numbers as text with a decimal point and no separators."""
        text = self.text(name)
        if self.format.thousands:
            text = f"replace({text}, {literal(self.format.thousands)}, '')"
        if self.format.decimal != ".":
            text = f"replace({text}, {literal(self.format.decimal)}, '.')"
        return text

    def in_utf8(self, scratch: Path) -> tuple[Self, list[str]]:
        """The file, or a copy of one that is not UTF-8: what is unreadable is U+FFFD there."""
        if self.format.encoding == UTF8 and is_utf8(self.path):
            return self, []
        copy = scratch / "utf8.csv"
        replaced = copy_as_utf8(self.path, self.format.encoding, copy)
        warnings = [self.broken_text(replaced)] if replaced else []
        return replace(self, path=copy), warnings

    def broken_text(self, replaced: int) -> str:
        """The warning for characters that could not be read."""
        encoding = self.format.encoding.removesuffix("-sig").upper()
        likely = likely_encodings(self.path)[:3] if self.format.encoding == UTF8 else []
        advice = (
            f"It may be in {' or '.join(likely)}; give" if likely else "Export it as UTF-8, or give"
        )
        count = "1 character is" if replaced == 1 else f"{replaced:,} characters are"
        return (
            f"{self.name}: {count} not valid {encoding} and loaded as {REPLACED}; rows with one in "
            f"a key are rejected. {advice} its encoding in mapping.yml: csv: "
            f"{{encoding: {next(iter(likely), '...')}}}."
        )

    def first_fault(self, checker: duckdb.DuckDBPyConnection) -> str | None:
        """The sentence for the first row that does not fit the header, by the line it begins on."""
        try:
            options = ", store_rejects = true, rejects_limit = 1000"
            checker.execute(f"select count(*) from {self.scan_with(options)}").fetchall()
        except duckdb.Error:
            return None
        rejected = checker.execute(
            "select line_byte_position, error_message from reject_errors order by 1 limit 1"
        ).fetchone()
        if rejected is None:
            return None
        with self.path.open("rb") as stream:
            before = stream.read(rejected[0] - 1)
        line = before.count(b"\n" if b"\n" in before else b"\r") + 1
        return (
            f"{self.name} line {line}: {first_line(rejected[1])}. Every row needs a value, which "
            "may be empty, for each column of the header; a value with the separator or a line "
            "end in it must stand in quotes."
        )


def read_header(path: Path, name: str, csv_format: CsvFormat) -> list[str]:
    """The first row of a CSV file, cut as its format says."""
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
    return header
