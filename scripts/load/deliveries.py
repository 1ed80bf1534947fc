"""Schema raw and its log of deliveries.

raw._deliveries has one row for each file that was loaded, with the SHA-256 of its content. A file
whose content stands there is not loaded again into the same table, whatever the mapping says.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from load.contract import ARRIVAL, Table
from load.engines.raw_schema import RawSchema
from load.errors import DeliveryError
from load.files import contents, how_to_name
from load.source_file import SourceFile

DELIVERIES = "_deliveries"
LOG_COLUMNS = {
    "table_name": "text",
    "file_name": "text",
    "sha256": "text",
    "row_count": "count",
    "loaded_at": "timestamp",
    "input_name": "text",
}


def prepare_schema(raw: RawSchema, contract: dict[str, Table], input_name: str) -> None:
    """Make the tables and columns that schema raw lacks.

    Raises DeliveryError where the warehouse holds another input.
    """
    raw.create_schema()
    columns_of = raw.columns()
    if DELIVERIES in columns_of:
        refuse_other_input(raw, input_name)
    else:
        raw.create_table(DELIVERIES, LOG_COLUMNS)
    for table in contract.values():
        missing = {
            name: "timestamp" if name == ARRIVAL else "text"
            for name in table.column_names
            if name not in columns_of.get(table.name, set())
        }
        if table.name not in columns_of:
            raw.create_table(table.name, missing)
            continue
        for name, kind in missing.items():
            raw.add_column(table.name, name, kind)


def refuse_other_input(raw: RawSchema, input_name: str) -> None:
    """Raise DeliveryError where the log names another input."""
    others = raw.rows(
        f"select distinct input_name from raw.{DELIVERIES} "
        f"where input_name <> {raw.literal(input_name)}"
    )
    if others:
        raise DeliveryError(
            f"This warehouse holds the input {others[0][0]} and the delivery belongs to "
            f"{input_name}. Inputs never mix in one warehouse: choose another one, or give "
            f"--input-name {others[0][0]} if it is a further delivery of the same input."
        )


def not_yet_loaded(
    raw: RawSchema, sources: list[SourceFile]
) -> tuple[list[SourceFile], list[SourceFile]]:
    """The files whose content their table does not hold yet, each content once; and the others."""
    loaded = set(raw.rows(f"select table_name, sha256 from raw.{DELIVERIES}"))
    new_sources, known_sources = [], []
    for source in sources:
        content = (source.table.name, source.sha256)
        (known_sources if content in loaded else new_sources).append(source)
        loaded.add(content)
    return new_sources, known_sources


def require_tables(
    raw: RawSchema, contract: dict[str, Table], sources: list[SourceFile], folder: Path
) -> None:
    """Raise DeliveryError where a required table was delivered neither now nor earlier."""
    delivered = {table for (table,) in raw.rows(f"select table_name from raw.{DELIVERIES}")}
    delivered |= {source.table.name for source in sources}
    for table in contract.values():
        if table.is_required and table.name not in delivered:
            raise DeliveryError(
                f"{folder} holds no file for the required table {table.name}; it holds "
                f"{contents(folder)}. {how_to_name(table.name)}"
            )


def log_file(
    raw: RawSchema, source: SourceFile, row_count: int, arrived: datetime, input_name: str
) -> None:
    """Add a loaded file to the log; arrived (UTC) is the newest arrival in its table."""
    name, sha256 = source.name, source.sha256
    raw.append(DELIVERIES, (source.table.name, name, sha256, row_count, arrived, input_name))
