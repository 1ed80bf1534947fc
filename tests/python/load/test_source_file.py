"""What fills the columns of the contract from the columns of a file."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from load.delivery import load_delivery
from load.mapping import read_mapping
from small_deliveries import HEADER, ROW, refused, transactions, write, write_parquet

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
        ("tables: {transactions: {files: [x*]}}", ["no file in", "matches 'x*'; it holds mapping"]),
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
    ],
)
def test_a_mapping_that_does_not_fit_the_files_is_refused(folder, warehouse, mapping, parts):
    write(folder, "transactions.csv", HEADER, ROW)
    write(folder, "mapping.yml", mapping)
    refused(folder, warehouse, *parts)
