"""The loader: what gets into schema raw, what is refused, and that a refusal leaves no trace."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from click.testing import CliRunner
from deliveries import delivery_of
from hypothesis import given, settings
from hypothesis import strategies as st
from load import load_raw, raw_schema
from load.load_raw import DeliveryError, load_delivery, read_contract, read_mapping

ROOT = Path(__file__).resolve().parents[3]
HEADER = "transaction_id,customer_id,occurred_at,amount,transaction_type"
ROW = "t1,c1,2026-01-01 10:00:00,12.50,purchase"
RAW_ROW = ("t1", "c1", "2026-01-01 10:00:00", "12.50", "purchase")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    made.mkdir()
    return made


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "made" / "on_demand" / "shop.duckdb"


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="")
    return path


def write_parquet(folder: Path, name: str, select: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'Asia/Shanghai'")
        connection.execute(f"copy ({select}) to '{path}' (format parquet)")
    return path


def query(warehouse: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def transactions(warehouse: Path, columns: str = HEADER) -> list[tuple]:
    return query(warehouse, f"select {columns} from raw.transactions order by all")


def content(warehouse: Path) -> dict[str, list[tuple]]:
    """Everything that schema raw holds."""
    tables = query(warehouse, "select table_name from duckdb_tables() where schema_name = 'raw'")
    return {name: query(warehouse, f"from raw.{name} order by all") for (name,) in sorted(tables)}


def refused(folder: Path, warehouse: Path, *parts: str, **options) -> str:
    """The message of a refused load, which holds the parts; the warehouse is as it was."""
    before = content(warehouse) if warehouse.exists() else None
    with pytest.raises(DeliveryError) as caught:
        load_delivery(folder, warehouse, **options)
    message = str(caught.value)
    for part in parts:
        assert part in message
    assert "\n" not in message
    if before is None:
        assert not warehouse.exists()
        assert not warehouse.with_name(warehouse.name + ".wal").exists()
    else:
        assert content(warehouse) == before
    return message


# ---- what gets in --------------------------------------------------------------------------------


def test_a_csv_file_is_stored_as_text_with_every_column_of_the_contract(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    report = load_delivery(folder, warehouse, loaded_at="2026-01-02 00:00:00")
    assert transactions(warehouse) == [RAW_ROW]
    described = query(
        warehouse,
        "select table_name, column_name, data_type from duckdb_columns() "
        "where schema_name = 'raw' and table_name <> '_deliveries'",
    )
    assert sorted(described) == sorted(
        (table.name, column.name, "TIMESTAMP" if column.name == "loaded_at" else "VARCHAR")
        for table in read_contract().values()
        for column in table.columns
    )
    assert report.rows == {name: int(name == "transactions") for name in read_contract()}
    assert report.files["transactions"] == 1
    assert "currency" in report.absent_columns["transactions"]
    assert "customers" not in report.absent_columns
    assert query(warehouse, "select count(*) from raw.customers") == [(0,)]
    assert report.warnings == []


def test_a_file_that_duckdb_1_4_can_open(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse)
    header = warehouse.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    # 67 is the storage version of DuckDB 1.4
    assert int.from_bytes(header[12:20], "little") <= 67


def test_every_delivered_file_is_logged(folder, warehouse):
    path = write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(
        folder, warehouse, loaded_at="2026-01-02 08:00:00+08:00", input_name="corner_shop"
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert query(warehouse, "from raw._deliveries") == [
        ("transactions", path.name, digest, 1, datetime(2026, 1, 2), "corner_shop")
    ]


@pytest.mark.parametrize(
    "name",
    [
        "transactions.csv",
        "Transactions.CSV",
        "transactions.tsv",
        "transactions_2026-01.csv",
        "transactions-0001.txt",
        "transactions/part-0.csv",
        "transactions/2026/01/anything.csv",
    ],
)
def test_names_that_make_a_table(folder, warehouse, name):
    write(folder, name, HEADER, ROW)
    load_delivery(folder, warehouse)
    assert transactions(warehouse) == [RAW_ROW]


@pytest.mark.parametrize("name", ["transactions_old.csv", "old_transactions.csv", "notes.txt"])
def test_other_files_are_passed_over_with_a_warning(folder, warehouse, name):
    write(folder, "transactions.csv", HEADER, ROW)
    write(folder, name, HEADER, ROW.replace("t1", "t2"))
    write(folder, "_SUCCESS")
    write(folder, "README.md", "About this data.")
    report = load_delivery(folder, warehouse)
    assert report.warnings == [f"Files that make no table were passed over: {name}."]
    assert transactions(warehouse) == [RAW_ROW]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file_alone(folder, warehouse):
    write(folder, "transactions_0*.csv", HEADER, ROW)
    write(folder, "transactions_01.csv", HEADER, ROW.replace("t1", "t2"))
    load_delivery(folder, warehouse)
    assert transactions(warehouse, "transaction_id") == [("t1",), ("t2",)]


def test_parts_in_both_formats_make_one_table(folder, warehouse):
    write(folder, "transactions_1.csv", HEADER, ROW)
    write(folder, "transactions/a.csv", HEADER + ",currency", ROW.replace("t1", "t2") + ",EUR")
    write(folder, "transactions/_temporary/b.csv", "not,looked,at")
    columns = "'t3' as transaction_id, 'c1' as CUSTOMER_ID, timestamp '2026-01-01' as occurred_at"
    write_parquet(
        folder, "transactions/b.parquet", f"select {columns}, 1 as amount, 'gift' transaction_type"
    )
    report = load_delivery(folder, warehouse)
    assert transactions(warehouse, "transaction_id, currency") == [
        ("t1", None),
        ("t2", "EUR"),
        ("t3", None),
    ]
    assert (report.rows["transactions"], report.files["transactions"]) == (3, 3)
    assert "currency" not in report.absent_columns["transactions"]


def test_parquet_types_become_plain_text_in_utc(folder, warehouse):
    write_parquet(
        folder,
        "transactions.parquet",
        """
        select
            7 as transaction_id,
            encode('甲') as customer_id,
            timestamptz '2026-01-01 08:00:00+08:00' as occurred_at,
            12.50::decimal(18, 2) as amount,
            'purchase'::enum('purchase') as transaction_type,
            0.1::double as profit_amount,
            date '2026-01-02' as order_id,
            timestamp '2026-01-01 10:00:00.5' as channel,
            true as status
        """,
    )
    report = load_delivery(folder, warehouse)
    assert transactions(warehouse, HEADER + ",profit_amount,order_id,channel,status") == [
        (
            *("7", "甲", "2026-01-01 00:00:00", "12.50", "purchase"),
            *("0.1", "2026-01-02", "2026-01-01 10:00:00.5", "true"),
        )
    ]
    assert report.warnings == []


def test_a_floating_point_key_is_warned_about(folder, warehouse):
    write_parquet(
        folder,
        "transactions.parquet",
        "select 't' transaction_id, 17850.0::double customer_id, '2026-01-01' occurred_at, "
        "1.5::double amount, 'purchase' transaction_type",
    )
    [warning] = load_delivery(folder, warehouse).warnings
    assert warning.startswith("transactions.parquet: customer_id is a floating-point number")
    assert transactions(warehouse, "customer_id, amount") == [("17850.0", "1.5")]


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
    assert warning.startswith("transactions.csv: 1 characters are no UTF-8")
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


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(cell, cell, cell, cell, cell), min_size=1, max_size=4))
def test_any_text_that_a_csv_writer_writes_comes_back(rows):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(HEADER.split(","))
    writer.writerows(rows)
    with TemporaryDirectory() as scratch:
        path, warehouse = Path(scratch, "transactions.csv"), Path(scratch, "shop.duckdb")
        path.write_bytes(buffer.getvalue().encode())
        load_delivery(Path(scratch), warehouse)
        loaded = query(warehouse, f"select {HEADER} from raw.transactions")
    # CSV has no null: an empty text is one
    assert sorted(map(repr, loaded)) == sorted(
        repr(tuple(value or None for value in row)) for row in rows
    )


def test_a_file_with_only_a_header_has_no_rows_and_a_warning(folder, warehouse):
    (folder / "transactions.csv").write_text(HEADER)
    report = load_delivery(folder, warehouse)
    assert report.rows["transactions"] == 0
    assert report.warnings == ["transactions.csv holds no rows for transactions."]
    assert transactions(warehouse) == []


# ---- deliveries ----------------------------------------------------------------------------------


def test_the_same_delivery_twice_changes_nothing(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    write(folder, "transactions_2.csv", HEADER, ROW)
    first = load_delivery(folder, warehouse)
    before = warehouse.read_bytes()
    second = load_delivery(folder, warehouse)
    assert (first.rows["transactions"], first.skipped) == (1, ["transactions_2.csv"])
    assert second.rows["transactions"] == 0
    assert second.skipped == ["transactions.csv", "transactions_2.csv"]
    assert warehouse.read_bytes() == before


def test_a_second_delivery_is_added_and_newer(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse, loaded_at="2026-01-02")
    write(folder, "transactions.csv", HEADER + ",currency", ROW.replace("t1", "t2") + ",EUR")
    [warning] = load_delivery(folder, warehouse, loaded_at="2026-01-02").warnings
    assert "already holds rows that arrived at 2026-01-02 00:00:00" in warning
    assert transactions(warehouse, "transaction_id, currency, loaded_at") == [
        ("t1", None, datetime(2026, 1, 2)),
        ("t2", "EUR", datetime(2026, 1, 2, 0, 0, 0, 1)),
    ]


def test_without_a_time_the_clock_is_taken_and_still_newer(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse, loaded_at="2999-01-01")
    write(folder, "transactions.csv", HEADER, ROW.replace("t1", "t2"))
    assert load_delivery(folder, warehouse).warnings == []
    assert transactions(warehouse, "max(loaded_at)") == [(datetime(2999, 1, 1, 0, 0, 0, 1),)]


def test_a_later_delivery_may_lack_the_required_table(folder, warehouse, tmp_path):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse)
    write(tmp_path / "day_2", "customers.csv", "customer_id", "c1")
    report = load_delivery(tmp_path / "day_2", warehouse, input_name="shop")
    assert report.rows["customers"] == 1


def test_rows_bring_their_own_arrival(folder, warehouse):
    write(
        folder,
        "transactions.csv",
        HEADER + ",loaded_at",
        ROW + ",2026-01-02T08:00:00+08:00",
        ROW + ",2026-01-03",
        ROW + ",",
    )
    load_delivery(folder, warehouse, loaded_at="2026-01-04")
    assert transactions(warehouse, "loaded_at") == [
        (datetime(2026, 1, 2),),
        (datetime(2026, 1, 3),),
        (datetime(2026, 1, 4),),
    ]
    assert query(warehouse, "select loaded_at from raw._deliveries") == [(datetime(2026, 1, 4),)]


@pytest.mark.parametrize("value", ["yesterday", "infinity"])
def test_an_unreadable_own_arrival_is_refused(folder, warehouse, value):
    write(folder, "transactions.csv", HEADER + ",loaded_at", ROW + ",2026-01-02", f"{ROW},{value}")
    refused(folder, warehouse, f"transactions.csv row 2: loaded_at '{value}' is no time")


@pytest.mark.parametrize("arrival", ["2026-01-02 00:00:00", "2026-01-01"])
def test_an_own_arrival_that_staging_would_never_see_is_refused(folder, warehouse, arrival):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse, loaded_at="2026-01-02")
    write(
        folder,
        "transactions.csv",
        HEADER + ",loaded_at",
        ROW + ",2026-01-05",
        f"{ROW},{arrival}",
    )
    refused(
        folder,
        warehouse,
        f"transactions.csv row 2: loaded_at '{arrival}' is not newer than 2026-01-02 00:00:00",
        "Give the rows a newer loaded_at, or leave the column out",
    )


def test_the_mapping_constant_is_the_arrival_of_rows_without_one(folder, warehouse):
    mapping = "tables: {transactions: {columns: {loaded_at: {constant: 2026-01-07}}}}"
    write(folder, "mapping.yml", mapping)
    write(folder, "transactions_1.csv", HEADER, ROW)
    write(folder, "transactions_2.csv", HEADER + ",loaded_at", ROW + ",2026-01-08", ROW + ",")
    load_delivery(folder, warehouse, loaded_at="2026-02-01")
    assert transactions(warehouse, "loaded_at") == [
        (datetime(2026, 1, 7),),
        (datetime(2026, 1, 7),),
        (datetime(2026, 1, 8),),
    ]


def test_inputs_never_mix(folder, warehouse, tmp_path):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse)
    write(tmp_path / "bank", "transactions.csv", HEADER, ROW.replace("t1", "t2"))
    refused(
        tmp_path / "bank",
        warehouse,
        "holds the input shop and the delivery belongs to bank. Inputs never mix in one warehouse",
        "--input-name shop",
    )
    load_delivery(tmp_path / "bank", warehouse, input_name="shop")
    assert len(transactions(warehouse)) == 2


def test_a_raw_schema_of_an_older_contract_gets_the_new_columns(folder, warehouse):
    warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(warehouse), config=raw_schema.STORAGE) as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw.transactions (transaction_id varchar)")
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse)
    assert transactions(warehouse) == [RAW_ROW]


# ---- the mapping ---------------------------------------------------------------------------------

MAPPING = """
input: mapped_shop
vars: {base_currency: GBP, as_of_date: null}
ignore: ["*_notes.csv"]
tables:
  transactions:
    files: [sales/*.csv, old.csv]
    csv: {delimiter: ";", quote: "'", encoding: gb18030, decimal: ",", thousands: ".",
          null_text: "NULL"}
    where: cancelled = 'no'
    columns:
      transaction_id: {expression: "invoice || '-' || source_row_number"}
      customer_id: CUSTOMER
      amount: total
      transaction_type: {constant: purchase}
      currency: {constant: GBP}
      status: {constant: null}
"""


def mapped_folder(folder: Path) -> Path:
    write(folder, "mapping.yml", MAPPING)
    write(folder, "free_notes.csv", "not", "read")
    header = "invoice;customer;occurred_at;total;cancelled;channel"
    for name, invoice in (("sales/1.csv", "i1"), ("old.csv", "i2")):
        path = write(folder, name)
        lines = [
            header,
            f"{invoice};甲;2026-01-01;1.234,50;yes;NULL",
            f"{invoice};乙;2026-01-02;-1.000,25;no;'a;''b'''",
            f"{invoice};丙;2026-01-03;3;no;NULL",
        ]
        path.write_text("\n".join(lines), encoding="gb18030")
    return folder


def test_a_mapping_fits_foreign_files_to_the_contract(folder, warehouse):
    report = load_delivery(mapped_folder(folder), warehouse)
    columns = "transaction_id, customer_id, amount, transaction_type, currency, status, channel"
    rest = ("purchase", "GBP", None)
    assert transactions(warehouse, columns) == [
        ("i1-2", "乙", "-1000.25", *rest, "a;'b'"),
        ("i1-3", "丙", "3", *rest, None),
        ("i2-2", "乙", "-1000.25", *rest, "a;'b'"),
        ("i2-3", "丙", "3", *rest, None),
    ]
    assert report.input_name == "mapped_shop"
    assert report.warnings == []


def test_a_mapping_is_readable_for_its_vars(folder):
    write(folder, "mapping.yml", MAPPING)
    assert read_mapping(folder).vars == {"base_currency": "GBP", "as_of_date": None}
    assert read_mapping(folder).input == "mapped_shop"


def test_a_folder_without_a_mapping_has_an_empty_one(folder):
    assert read_mapping(folder) == load_raw.Mapping()


def test_a_mapping_may_stand_elsewhere(folder, warehouse, tmp_path):
    write(folder, "transactions.csv", HEADER, ROW)
    other = write(tmp_path, "other.yml", "input: elsewhere")
    assert load_delivery(folder, warehouse, mapping=other).input_name == "elsewhere"


def test_row_numbers_follow_the_file(folder, warehouse):
    """Parallel reading must not shuffle them: the key of a row would change from load to load."""
    columns = (
        "'c' customer_id, timestamp '2026-01-01' occurred_at, 1 amount, 'purchase' transaction_type"
    )
    select = f"select i as order_id, {columns} from range(1, 300001) as numbers (i)"
    write_parquet(folder, "transactions_1.parquet", select)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({select}) to '{folder / 'transactions_2.csv'}'")
    rules = "columns: {transaction_id: {expression: source_row_number}}"
    write(folder, "mapping.yml", f"tables: {{transactions: {{{rules}}}}}")
    load_delivery(folder, warehouse)
    checks = "count(*), count(*) filter (where transaction_id = order_id)"
    assert transactions(warehouse, checks) == [(600_000, 600_000)]


@pytest.mark.parametrize(
    ("mapping", "parts"),
    [
        ("inputs: x", ["mapping.yml has an unknown entry 'inputs'; known are input, vars"]),
        ("tables: {sales: {}}", ["tables has an unknown entry 'sales'", "transactions, customers"]),
        ("tables: {transactions: {file: x}}", ["tables.transactions has an unknown entry 'file'"]),
        (
            "tables: {transactions: {columns: {client: x}}}",
            ["tables.transactions.columns has an unknown entry 'client'; known are transaction_id"],
        ),
        ("tables: {transactions: {csv: {sep: x}}}", ["csv has an unknown entry 'sep'"]),
        ("tables: {transactions: {csv: {encoding: klingon}}}", ["encoding is unknown: klingon"]),
        ("tables: {transactions: {csv: {encoding: rot13}}}", ["encoding is unknown: rot13"]),
        ("tables: {transactions: {csv: {delimiter: ab}}}", ["delimiter must be one character"]),
        ("tables: {transactions: {csv: {quote: ab}}}", ["quote must be one character"]),
        (
            "tables: {transactions: {columns: {channel: {fixed: x}}}}",
            ["columns.channel must be the name of a column, {constant: value} or {expr"],
        ),
        ("tables: [x]", ["mapping.yml: tables must hold keys and values, got ['x']"]),
        ("just text", ["mapping.yml must hold keys and values, got 'just text'"]),
        ("vars: [1]", ["mapping.yml: vars must hold keys and values"]),
        ("a: [", ["mapping.yml cannot be read as YAML"]),
        ("tables: {transactions: {files: [x*]}}", ["no file in", "matches 'x*'; it holds mapping"]),
        ("tables: {transactions: {files: [/x]}}", ["'/x' must be a pattern within the folder"]),
        ("ignore: /x", ["ignore: '/x' must be a pattern within the folder"]),
        ("tables: {transactions: {files: '*.yml'}}", ["mapping.yml is neither CSV nor Parquet"]),
        (
            "tables: {transactions: {columns: {customer_id: CustID}}}",
            ["customer_id names a column CustID, which transactions.csv does not have; it has"],
        ),
        (
            "tables: {transactions: {columns: {channel: {expression: nowhere + 1}}}}",
            ["mapping of transactions.channel does not work on transactions.csv", '"nowhere"'],
        ),
        (
            "tables: {transactions: {columns: {channel: {expression: '1); select (1'}}}}",
            ["mapping of transactions.channel does not work", "more than one expression"],
        ),
        (
            "tables: {transactions: {columns: {channel: {expression: cast(customer_id as int)}}}}",
            ["mapping of transactions.channel does not work on transactions.csv", "'c1'"],
        ),
        (
            "tables: {transactions: {where: nowhere = 1}}",
            ["mapping of transactions.where does not work on transactions.csv"],
        ),
        (
            "tables: {transactions: {where: cast(amount as int) / cast(customer_id as int) > 1}}",
            ["mapping of transactions.where does not work on transactions.csv", "'c1'"],
        ),
        (
            "tables: {transactions: {columns: {loaded_at: {constant: soon}}}}",
            ["The mapping's constant for transactions.loaded_at is no time: 'soon'"],
        ),
    ],
)
def test_a_wrong_mapping_is_refused(folder, warehouse, mapping, parts):
    write(folder, "transactions.csv", HEADER, ROW)
    write(folder, "mapping.yml", mapping)
    refused(folder, warehouse, *parts)


# ---- what is refused -----------------------------------------------------------------------------


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


def test_a_broken_parquet_file_is_refused(folder, warehouse):
    write(folder, "transactions.parquet", "this is no Parquet file at all")
    refused(folder, warehouse, "transactions.parquet cannot be read as Parquet")


def test_a_missing_folder_is_refused(tmp_path, warehouse):
    refused(tmp_path / "nowhere", warehouse, "There is no folder", "nowhere")


def test_a_missing_mapping_is_refused(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    refused(folder, warehouse, "There is no mapping file", mapping=folder / "nowhere.yml")


def test_a_folder_without_any_table_is_refused(folder, warehouse):
    write(folder, "sales.csv", HEADER, ROW)
    refused(folder, warehouse, "holds no file for any table of the input contract; it holds sales")


def test_a_first_delivery_without_a_required_table_is_refused(folder, warehouse):
    write(folder, "customers.csv", "customer_id", "c1")
    refused(
        folder,
        warehouse,
        "holds no file for the required table transactions; it holds customers.csv",
        "Name a file transactions.csv or transactions.parquet",
    )


def test_a_bad_time_of_loading_is_refused(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    refused(folder, warehouse, "--loaded-at is no time: 'noon'", loaded_at="noon")


def test_a_warehouse_named_like_its_schema_is_refused(folder, tmp_path):
    write(folder, "transactions.csv", HEADER, ROW)
    refused(folder, tmp_path / "raw.duckdb", "raw.duckdb cannot be a warehouse")


def test_a_file_that_is_no_warehouse_is_refused_and_kept(folder, tmp_path):
    write(folder, "transactions.csv", HEADER, ROW)
    letter = write(tmp_path, "letter.duckdb", "Dear customer," * 1000)
    before = letter.read_bytes()
    with pytest.raises(DeliveryError, match=r"letter\.duckdb cannot be opened"):
        load_delivery(folder, letter)
    assert letter.read_bytes() == before


def test_a_warehouse_that_another_program_has_open_is_refused(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse)
    before = warehouse.read_bytes()
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    command = [sys.executable, "-c", code, str(warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        reader.stdout.readline()
        with pytest.raises(DeliveryError, match="close the programs that have it open"):
            load_delivery(folder, warehouse)
        reader.communicate(b"\n")
    assert warehouse.read_bytes() == before


def test_a_late_failure_leaves_the_warehouse_as_it_was(folder, warehouse):
    """The good files are already in when the last one fails: all of it or nothing."""
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse)
    before = warehouse.read_bytes()
    write(folder, "transactions_2.csv", HEADER, ROW.replace("t1", "t2"))
    write(folder, "customers.csv", "customer_id,city", "c1,Berlin", "c2")
    refused(folder, warehouse, "customers.csv line 3")
    assert warehouse.read_bytes() == before


# ---- the command ---------------------------------------------------------------------------------


def test_the_command_prints_a_summary(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    write(folder, "notes.csv", "a")
    arguments = [str(folder), "--warehouse", str(warehouse), "--loaded-at", "2026-01-02"]
    result = CliRunner().invoke(load_raw.main, arguments)
    assert result.exit_code == 0
    assert "input shop" in result.stdout
    assert "transactions" in result.stdout
    assert result.stderr == "Warning: Files that make no table were passed over: notes.csv.\n"
    again = CliRunner().invoke(load_raw.main, arguments)
    assert "Already loaded: transactions.csv." in again.stderr


def test_the_command_fails_with_one_sentence(folder, warehouse):
    environment = os.environ | {"COLUMNS": "80"}
    script = ROOT / "scripts/load/load_raw.py"
    result = subprocess.run(
        [sys.executable, script, folder / "nowhere", "--warehouse", warehouse],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == f"Error: There is no folder {folder / 'nowhere'}.\n"


# ---- the data of the project ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def online_retail(tmp_path_factory) -> Path:
    warehouse = tmp_path_factory.mktemp("online_retail") / "warehouse.duckdb"
    delivery = delivery_of("online_retail", tmp_path_factory.mktemp("delivery"))
    report = load_delivery(delivery, warehouse)
    assert report.warnings == []
    assert report.input_name == "online_retail"
    return warehouse


def test_online_retail_loads_whole(online_retail):
    columns = (
        "count(*), count(distinct transaction_id), count(*) filter (where customer_id is null), "
        "min(occurred_at), max(occurred_at), min(loaded_at), max(loaded_at)"
    )
    arrived = datetime(2011, 12, 12)
    times = ("2010-12-01 08:26:00", "2011-12-09 12:50:00", arrived, arrived)
    assert transactions(online_retail, columns) == [(541_909, 541_909, 135_080, *times)]


def test_online_retail_cleaned_gives_the_published_numbers(online_retail):
    sql = """
        select count(*), count(distinct customer_id), count(distinct order_id),
            sum(amount::decimal(18, 3))::varchar
        from raw.transactions
        where customer_id is not null
            and transaction_type = 'purchase' and amount::decimal(18, 3) > 0
    """
    assert query(online_retail, sql) == [(397_884, 4_338, 18_532, "8911407.904")]


def test_online_retail_netted_gives_the_published_numbers(online_retail):
    sql = """
        select count(distinct customer_id), sum(
            case transaction_type when 'return' then -amount::decimal(18, 3)
            else amount::decimal(18, 3) end
        )::varchar
        from raw.transactions
        where customer_id is not null
    """
    assert query(online_retail, sql) == [(4_372, "8300065.814")]


def test_online_retail_types_and_signs(online_retail):
    sql = """
        select transaction_type, count(*), count(*) filter (where amount::decimal(18, 3) < 0)
        from raw.transactions group by transaction_type order by transaction_type
    """
    assert query(online_retail, sql) == [
        ("gift", 2_515, 0),
        ("purchase", 530_106, 2),
        ("return", 9_288, 0),
    ]


def test_the_orders_of_the_rfm_package_load_whole(warehouse, tmp_path):
    folder = delivery_of("rfm_package", tmp_path / "rfm_package")
    assert load_delivery(folder, warehouse).warnings == []
    columns = (
        "count(*), count(distinct transaction_id), count(distinct customer_id), "
        "sum(amount::int)::int, max(occurred_at)"
    )
    assert transactions(warehouse, columns) == [(4_906, 4_906, 995, 464_158, "2006-12-30")]
    assert read_mapping(folder).vars["as_of_date"] == "2006-12-31"
