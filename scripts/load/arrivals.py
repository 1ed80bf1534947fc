"""When the rows of a delivery arrived (loaded_at, UTC).

It is the row's own time where the file has the column, else the constant of the mapping, else
--loaded-at, else now. Staging picks up only what is newer than all that it has seen, so what is
loaded is always newer than what its table holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import duckdb
from load.contract import ARRIVAL
from load.engines.raw_schema import RawSchema
from load.errors import DeliveryError
from load.mapping import Mapping, TableMapping
from load.source_file import SourceFile


@dataclass(frozen=True)
class Arrival:
    """The arrival of rows that bring none, and the newest that their table holds (both UTC)."""

    assigned: datetime
    newest: datetime | None


def assign_arrivals(
    raw: RawSchema, mapping: Mapping, given: datetime | None, tables: Iterable[str]
) -> tuple[dict[str, Arrival], list[str]]:
    """The arrival of each table, always newer than what the table holds; and warnings.

    given (UTC) is what the user asked for. Raises DeliveryError where the mapping's constant is
    not a time.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    arrivals, warnings = {}, []
    for table in dict.fromkeys(tables):
        asked = given
        rule = mapping.tables.get(table, TableMapping()).columns.get(ARRIVAL)
        if rule is not None and rule.kind == "constant":
            asked = to_utc(rule.constant or "", f"The mapping's constant for {table}.{ARRIVAL}")
        newest = raw.newest_arrival(table)
        assigned = asked or now
        if newest is not None and assigned <= newest:
            assigned = newest + timedelta(microseconds=1)
            if asked:
                warnings.append(
                    f"{table} already holds rows that arrived at {newest}; the new ones are loaded "
                    f"as of {assigned}."
                )
        arrivals[table] = Arrival(assigned, newest)
    return arrivals, warnings


def arrival_sql(source: SourceFile, arrival: Arrival) -> str:
    """The SQL of loaded_at: the row's own (null if unreadable), else the assigned one."""
    assigned = f"timestamp '{arrival.assigned}'"
    own = source.columns.get(ARRIVAL)
    if own is None:
        return assigned
    return (
        f"case when coalesce(trim({own}), '') = '' then {assigned} "
        f"else try_cast({own} as timestamptz) at time zone 'UTC' end"
    )


def refuse_old_arrivals(
    checker: duckdb.DuckDBPyConnection, source: SourceFile, arrival: Arrival
) -> None:
    """Raise DeliveryError on a row whose own time is not readable or not newer than the table."""
    own = source.columns.get(ARRIVAL)
    if own is None:
        return
    newest = f"timestamp '{arrival.newest}'" if arrival.newest else "timestamp '-infinity'"
    bad = checker.execute(
        f"select source_row_number, own, arrived is null or not isfinite(arrived) as is_unreadable "
        f"from (select source_row_number, {own} as own, {arrival_sql(source, arrival)} as arrived "
        f"{source.rows}) as arrivals where is_unreadable or arrived <= {newest} "
        f"order by source_row_number limit 1"
    ).fetchone()
    if bad is None:
        return
    row_number, text, is_unreadable = bad
    place = f"{source.name} row {row_number}: {ARRIVAL} '{text}'"
    if is_unreadable:
        raise DeliveryError(
            f"{place} is not a time; write it as YYYY-MM-DD HH:MM:SS in UTC, or leave the column "
            "out."
        )
    raise DeliveryError(
        f"{place} is not newer than {arrival.newest}, the newest that {source.table.name} holds, "
        "so that an incremental build would never see it. Give the rows a newer loaded_at, or "
        "leave the column out: then the time of loading is taken."
    )


def to_utc(value: datetime | date | str, place: str) -> datetime:
    """A time as UTC without a zone; place is where it stands, for messages.

    Raises DeliveryError where it is not a time. A time without a zone is taken as UTC.
    """
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise DeliveryError(
            f"{place} is not a time: '{value}'; write it as YYYY-MM-DD HH:MM:SS."
        ) from error
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
