"""A whole delivery: what the report says, and that a refusal leaves no trace."""

from __future__ import annotations

import io

from load.contract import read_contract
from load.delivery import load_delivery
from rich.console import Console
from rich.progress import Progress
from small_deliveries import (
    HEADER,
    RAW_ROW,
    ROW,
    query,
    refused,
    transactions,
    write,
    write_parquet,
)


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


def test_a_late_failure_leaves_the_warehouse_as_it_was(folder, warehouse):
    """The good files are already in when the last one fails: all of it or nothing."""
    write(folder, "transactions.csv", HEADER, ROW)
    load_delivery(folder, warehouse)
    before = warehouse.read_bytes()
    write(folder, "transactions_2.csv", HEADER, ROW.replace("t1", "t2"))
    write(folder, "customers.csv", "customer_id,city", "c1,Berlin", "c2")
    refused(folder, warehouse, "customers.csv line 3")
    assert warehouse.read_bytes() == before


class WatchedProgress(Progress):
    """A progress that keeps what its line said, and whether it still moved."""

    def __init__(self) -> None:
        super().__init__(console=Console(file=io.StringIO()))
        self.seen: list[tuple[str, bool]] = []

    def update(self, *arguments, **options) -> None:
        super().update(*arguments, **options)
        [task] = self.tasks
        self.seen.append((task.description, task.finished))


def test_one_line_moves_until_all_is_stored(folder, warehouse):
    write(folder, "transactions_1.csv", HEADER, ROW)
    write(folder, "transactions_2.csv", HEADER, ROW.replace("t1", "t2"))
    progress = WatchedProgress()
    load_delivery(folder, warehouse, progress=progress)
    *moving, last = progress.seen
    assert last == ("files loaded: 2", True)
    assert not any(finished for _, finished in moving)
    said = list(dict.fromkeys(text for text, _ in moving))
    steps = ["checking transactions_2.csv", "opening the warehouse", "loading transactions_2.csv"]
    assert [text for text in said if text in steps] == steps
    assert said[-1] == "storing what was loaded"
    load_delivery(folder, warehouse, progress=(again := WatchedProgress()))
    assert again.seen[-1] == ("files loaded: 0", True)
