"""CSV files: separators, encodings, headers, and what cannot be read."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from load.delivery import load_delivery
from load.mapping import CsvFormat
from load.readers.csv_file import CsvFile
from small_deliveries import HEADER, RAW_ROW, ROW, refused, transactions, write


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_found(folder, warehouse, delimiter, line_end):
    text = line_end.join([HEADER + ",channel", ROW + ",", ""]).replace(",", delimiter)
    (folder / "transactions.csv").write_bytes(text.encode())
    load_delivery(folder, warehouse)
    assert transactions(warehouse, HEADER + ",channel") == [(*RAW_ROW, None)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_files_are_read_whole(folder, warehouse, encoding):
    text = f"{HEADER}\n{ROW.replace('c1', '客户一')}\n"
    (folder / "transactions.csv").write_bytes(text.encode(encoding))
    report = load_delivery(folder, warehouse)
    assert transactions(warehouse, "customer_id") == [("客户一",)]
    assert report.warnings == []


def test_broken_bytes_are_marked_and_no_row_is_lost(folder, warehouse):
    rows = [ROW, ROW.replace("t1", "t2").replace("c1", "José"), ROW.replace("t1", "t3")]
    (folder / "transactions.csv").write_bytes("\n".join([HEADER, *rows]).encode("latin-1"))
    [warning] = load_delivery(folder, warehouse).warnings
    assert warning.startswith(
        "transactions.csv: 1 character is not valid UTF-8 and loaded as \ufffd"
    )
    assert transactions(warehouse, "transaction_id, customer_id") == [
        ("t1", "c1"),
        ("t2", "Jos\ufffd"),
        ("t3", "c1"),
    ]


def test_the_first_column_may_have_no_name(folder, warehouse):
    write(folder, "transactions.csv", "," + HEADER, "0," + ROW)
    load_delivery(folder, warehouse)
    assert transactions(warehouse) == [RAW_ROW]


cell = st.text(st.characters(codec="utf-8"), max_size=8)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(cell, cell, cell, cell, cell), min_size=1, max_size=4))
def test_any_text_that_a_csv_writer_writes_comes_back(rows):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(HEADER.split(","))
    writer.writerows(rows)
    with TemporaryDirectory() as scratch, duckdb.connect() as connection:
        path = Path(scratch, "transactions.csv")
        path.write_bytes(buffer.getvalue().encode())
        reader, warnings = CsvFile.open(connection, path, path.name, CsvFormat()).in_utf8(scratch)
        read = connection.execute(f"select {HEADER} from {reader.relation()}").fetchall()
    assert warnings == []
    # CSV has no null: an empty text is one
    assert read == [tuple(value or None for value in row) for row in rows]


def test_a_file_with_only_a_header_has_no_rows_and_a_warning(folder, warehouse):
    (folder / "transactions.csv").write_text(HEADER)
    report = load_delivery(folder, warehouse)
    assert report.rows["transactions"] == 0
    assert report.warnings == ["transactions.csv holds no rows for transactions."]
    assert transactions(warehouse) == []


@pytest.mark.parametrize(
    ("lines", "parts"),
    [
        (
            ["transaction_id,cust,amount", "1,2,3"],
            [
                "transactions.csv has no column customer_id, which transactions requires; it has "
                "transaction_id, cust, amount. Name it so in the file, or map it in mapping.yml."
            ],
        ),
        (
            [HEADER, ROW, "t2,c1"],
            ["transactions.csv line 3: Expected Number of Columns: 5 Found: 2"],
        ),
        (
            [HEADER + ",channel", ROW + ',"two\nlines"', ROW + ",x,y"],
            ["transactions.csv line 4: Expected Number of Columns: 6 Found: 7"],
        ),
        ([HEADER, '"never closed'], ["transactions.csv line 2"]),
        (
            [HEADER + ",Amount", ROW + ",1"],
            ["transactions.csv has more than one column named Amount, amount"],
        ),
        ([], ["transactions.csv is empty (0 bytes): a CSV file needs a header"]),
        (["", HEADER, ROW], ["transactions.csv begins with a blank line"]),
        (
            [HEADER + "\r", ROW, ROW + "\r"],
            ["transactions.csv cannot be read", "end all rows in the same way"],
        ),
    ],
)
def test_a_broken_csv_file_is_refused(folder, warehouse, lines, parts):
    write(folder, "transactions.csv", *lines)
    refused(folder, warehouse, *parts)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "王芳,北京市朝阳区,手机银行"),
        ("big5", "王芳,台北市中正區,手機銀行"),
        ("cp1252", "José,Köln,à la carte"),
    ],
)
def test_the_warning_for_broken_text_names_the_likely_encoding(folder, warehouse, encoding, text):
    path = folder / "transactions.csv"
    path.write_bytes(f"{HEADER},order_id,channel,status\n{ROW},{text}\n".encode(encoding))
    [warning] = load_delivery(folder, warehouse).warnings
    guess = re.search(r"It may be in (.*); give its encoding in mapping.yml: csv: {enc", warning)
    assert encoding in guess.group(1).split(" or ")
    write(folder, "mapping.yml", f"tables: {{transactions: {{csv: {{encoding: {encoding}}}}}}}")
    other = warehouse.with_name("other.duckdb")
    assert load_delivery(folder, other).warnings == []
    assert transactions(other, "order_id, channel, status") == [tuple(text.split(","))]


def test_text_that_breaks_a_given_encoding_is_marked(folder, warehouse):
    write(folder, "mapping.yml", "tables: {transactions: {csv: {encoding: ascii}}}")
    write(folder, "transactions.csv", HEADER, ROW.replace("c1", "é"))
    [warning] = load_delivery(folder, warehouse).warnings
    assert warning.startswith("transactions.csv: 2 characters are not valid ASCII and loaded as")
    assert warning.endswith(
        "Export it as UTF-8, or give its encoding in mapping.yml: csv: {encoding: ...}."
    )
