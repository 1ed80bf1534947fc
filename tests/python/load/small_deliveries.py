"""Small deliveries, and what a warehouse holds after they were loaded."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from load.delivery import load_delivery
from load.errors import DeliveryError

HEADER = "transaction_id,customer_id,occurred_at,amount,transaction_type"
ROW = "t1,c1,2026-01-01 10:00:00,12.50,purchase"
RAW_ROW = ("t1", "c1", "2026-01-01 10:00:00", "12.50", "purchase")


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
