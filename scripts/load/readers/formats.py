"""The formats that a delivery may have, by the ending of the file name in lower case."""

from __future__ import annotations

from load.readers.csv_file import CsvFile
from load.readers.parquet_file import ParquetFile
from load.readers.reader import Reader

READERS: dict[str, type[Reader]] = {
    ".csv": CsvFile,
    ".tsv": CsvFile,
    ".txt": CsvFile,
    ".parquet": ParquetFile,
    ".pq": ParquetFile,
}
