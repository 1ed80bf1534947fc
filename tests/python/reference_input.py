"""Which raw rows are accepted, and what they come to per customer and day: the first half of the
reference that reference.py continues. Written from the rules, not from the SQL.

An amount is a decimal.Decimal with four decimals in base currency; sums are made of whole
ten-thousandths (units), so they are exact. Dates are midnights (datetime64).
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import yaml

Frame = pd.DataFrame
Series = pd.Series
Seeds = Mapping[str, Frame]
Variables = Mapping[str, Any]

ONE_UNIT = Decimal("0.0001")  # the smallest amount: sums are made of whole units, so they are exact
ONE_LINE_STEP = Decimal("0.00000001")  # a line is told to eight decimals
NEVER_LOADED = pd.Timestamp("1970-01-01")  # stands for "no arrival known"
DATES = "datetime64[us]"


# -- settings -------------------------------------------------------------------------------------


def read_seeds(folder: Path | str) -> dict[str, Frame]:
    """Every CSV of the folder, by its name. Rates are kept as text, so that 7.1 stays 7.1."""
    as_text = {"rate": str, "cut_point": str, "reference_value": str, "weight": str}
    return {
        path.stem: pd.read_csv(path, dtype=as_text, keep_default_na=False, na_values=[""])
        for path in sorted(Path(folder).rglob("*.csv"))
    }


def read_variables(project_file: Path | str, **changes: Any) -> dict[str, Any]:
    """The vars of dbt_project.yml, with some of them changed."""
    project = yaml.safe_load(Path(project_file).read_text(encoding="utf-8"))
    return {**project["vars"], **changes}


def exact(number: Any) -> Fraction:
    """A var or seed value as the number that was written: 0.1 is a tenth."""
    return Fraction(str(number))


def exact_decimal(number: Any) -> Decimal:
    return Decimal(str(number))


def date_of(text: Any) -> pd.Timestamp:
    return pd.Timestamp(str(text)).normalize()


# -- reading text ---------------------------------------------------------------------------------

# Spaces of every alphabet are trimmed; tabs and line ends are not.
SPACES = "".join(map(chr, [0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000]))
DIGITS = r"\d(?:_?\d)*"
AMOUNT = re.compile(
    rf"[+-]?(?:{DIGITS}(?:\.(?:{DIGITS})?)?|\.{DIGITS})(?:[eE][+-]?{DIGITS})?", re.ASCII
)
TIMESTAMP = re.compile(
    r"(?P<year>\d{1,4})(?P<dash>[-/ \\])(?P<month>\d{1,2})(?P=dash)(?P<day>\d{1,2})"
    r"(?:[ T]\s*(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{0,2})(?:\.(?P<part>\d*))?)?"
    r"\s*(?:Z|UTC|(?P<offset>[+-]\d{2}(?::?\d{2})?))?\s*)?",
    re.ASCII,
)


def is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value != value


def where(rule: Callable[..., bool], *columns: Series) -> Series:
    """Row by row, whether the rule holds of the values; false where one of them is null."""
    holds = [
        not any(map(is_missing, values)) and rule(*values)
        for values in zip(*(column.tolist() for column in columns), strict=True)
    ]
    return pd.Series(holds, index=columns[0].index, dtype=bool)


def clean_text(value: Any) -> str | None:
    """Trimmed; blank is null."""
    if is_missing(value):
        return None
    return str(value).strip(SPACES) or None


def clean_code(value: Any) -> str | None:
    """Trimmed and in lower case; blank is null."""
    text = clean_text(value)
    return None if text is None else text.lower()


def parse_amount(value: Any) -> Decimal | None:
    """A plain decimal, rounded half up to four decimals; null where it is anything else."""
    if is_missing(value):
        return None
    text = str(value).strip(" \t\n\v\f\r")
    if not AMOUNT.fullmatch(text):
        return None
    number = Decimal(text.replace("_", ""))
    if number.is_zero() or number.adjusted() < -10:
        return Decimal("0.0000")
    if number.adjusted() >= 14:
        return None
    amount = number.quantize(ONE_UNIT, ROUND_HALF_UP)
    return amount if abs(amount) < Decimal(10) ** 14 else None


def _offset(text: str | None) -> timedelta:
    """How far +08, +0800 or -05:30 lies ahead of UTC."""
    if not text:
        return timedelta(0)
    digits = text[1:].replace(":", "").ljust(4, "0")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -ahead if text[0] == "-" else ahead


def parse_timestamp(value: Any) -> datetime | None:
    """An ISO date or timestamp; null where there is no such moment.

    The column is declared to be UTC; where another offset is written, it is applied.
    """
    if is_missing(value):
        return None
    found = TIMESTAMP.fullmatch(str(value).lstrip(" \t\n\v\f\r"))
    if found is None:
        return None
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    micro = int((found["part"] or "").ljust(6, "0")[:6])
    end_of_day = (hour, minute, second, micro) == (24, 0, 0, 0)
    try:
        moment = datetime(
            int(found["year"]),
            int(found["month"]),
            int(found["day"]),
            0 if end_of_day else hour,
            minute,
            second,
            micro,
        )
        moment += timedelta(days=1) if end_of_day else timedelta(0)
        return moment - _offset(found["offset"])
    except (ValueError, OverflowError):
        return None


def parse_date(value: Any) -> datetime | None:
    """A day, or the day of a timestamp, at midnight."""
    moment = None if is_missing(value) else parse_timestamp(str(value).strip(" \t\n\v\f\r"))
    return None if moment is None else datetime(moment.year, moment.month, moment.day)


def business_dates(moments: Series, variables: Variables) -> Series:
    """The day on which a UTC timestamp falls in the business time zone."""
    zone = ZoneInfo(variables["business_timezone"])
    # no zone has a history before 1800; such days are out of range in any zone
    told = moments.where(moments >= pd.Timestamp("1800-01-01"))
    local = told.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
    return local.fillna(moments).dt.normalize().astype(DATES)


# -- staging: which rows are accepted -------------------------------------------------------------

CONTRACT = {
    "transactions": [
        "transaction_id",
        "customer_id",
        "occurred_at",
        "amount",
        "transaction_type",
        "currency",
        "order_id",
        "account_id",
        "product_code",
        "channel",
        "status",
        "profit_amount",
    ],
    "customers": [
        "customer_id",
        "customer_name",
        "phone",
        "email",
        "id_number",
        "birth_date",
        "gender",
        "city",
        "acquisition_channel",
        "relationship_manager_id",
        "registered_at",
        "updated_at",
    ],
    "interactions": [
        "interaction_id",
        "customer_id",
        "occurred_at",
        "interaction_type",
        "channel",
        "direction",
        "outcome",
        "staff_id",
        "campaign_id",
    ],
    "feedback": [
        "feedback_id",
        "customer_id",
        "occurred_at",
        "feedback_type",
        "rating",
        "rating_scale",
        "topic",
        "resolved_at",
    ],
    "social_mentions": [
        "mention_id",
        "customer_id",
        "occurred_at",
        "platform",
        "mention_type",
        "sentiment",
    ],
}


def _column(rows: Frame, name: str, read: Callable[[Any], Any], dtype: Any = object) -> Series:
    """A raw column read value by value; null where the delivery does not have it."""
    if name not in rows:
        return pd.Series([None] * len(rows), index=rows.index, dtype=dtype)
    texts = rows[name].tolist()
    meant = {text: read(text) for text in set(texts)}  # read once, however many rows hold it
    return pd.Series([meant[text] for text in texts], index=rows.index, dtype=dtype)


def _moments(rows: Frame, name: str) -> Series:
    if name in rows and pd.api.types.is_datetime64_any_dtype(rows[name]):
        moments = rows[name]
        if moments.dt.tz is not None:
            moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
        return moments.astype(DATES)
    return _column(rows, name, parse_timestamp, DATES)


def _is_broken(text: Series) -> Series:
    """The replacement character stands where a loader met bytes that are no UTF-8."""
    return where(lambda value: "\ufffd" in value, text)


def _flag(codes: Series, seed: Frame, code_column: str, flag_column: str) -> Series:
    """A true/false column of a seed, looked up by code; false for an unknown code."""
    flagged = seed.loc[seed[flag_column].map(lambda flag: str(flag).lower() == "true"), code_column]
    return codes.isin(list(flagged))


def _first_fault(checks: list[tuple[str, Series]], index: pd.Index) -> Series:
    """The reason of the first check that a row fails; null where it fails none."""
    fault = pd.Series([None] * len(index), index=index, dtype=object)
    for reason, fails in reversed(checks):
        fault = fault.mask(fails.astype(bool), reason)
    return fault


def _is_in_future(dates: Series, loaded_at: Series, variables: Variables) -> Series:
    """Nothing can have happened after it arrived, where the arrival is known."""
    return (dates > business_dates(loaded_at, variables)) & (loaded_at > NEVER_LOADED)


def _event(
    rows: Frame, key: str, type_column: str, variables: Variables
) -> tuple[Frame, list[tuple[str, Series]]]:
    """What every event has (key, customer, moment, type), and its checks in their order."""
    typed = pd.DataFrame(
        {
            key: _column(rows, key, clean_text),
            "customer_id": _column(rows, "customer_id", clean_text),
            "occurred_at": _moments(rows, "occurred_at"),
            type_column: _column(rows, type_column, clean_code),
            "loaded_at": _moments(rows, "loaded_at").fillna(NEVER_LOADED),
        }
    )
    typed["activity_date"] = business_dates(typed["occurred_at"], variables)
    earliest = date_of(variables["earliest_valid_date"])
    checks = [
        ("missing_key", typed[key].isna()),
        ("missing_customer", typed["customer_id"].isna()),
        ("broken_text", _is_broken(typed[key]) | _is_broken(typed["customer_id"])),
        ("invalid_timestamp", typed["occurred_at"].isna()),
        ("date_out_of_range", typed["activity_date"] < earliest),
        (
            "date_in_future",
            _is_in_future(typed["activity_date"], typed["loaded_at"], variables),
        ),
    ]
    return typed, checks


def _rates(currencies: Series, dates: Series, seeds: Seeds, variables: Variables) -> Series:
    """What one unit of a currency was worth in base currency that day; null where unknown."""
    base = variables["base_currency"]
    known = seeds["exchange_rates"]
    known = known[known["to_currency"] == base]
    rate = pd.Series([None] * len(currencies), index=currencies.index, dtype=object)
    for row in known.sort_values("valid_from_date").itertuples():
        # a later rate of the same currency replaces the earlier one from its day on
        holds = (currencies == row.from_currency) & (dates >= date_of(row.valid_from_date))
        rate[holds] = exact_decimal(row.rate).quantize(ONE_LINE_STEP, ROUND_HALF_UP)
    rate[currencies == base] = Decimal(1)
    return rate


def _in_base_currency(amounts: Series, rates: Series) -> Series:
    def convert(amount: Any, rate: Any) -> Decimal | None:
        if is_missing(amount) or is_missing(rate):
            return None
        return (amount * rate).quantize(ONE_UNIT, ROUND_HALF_UP)

    converted = [convert(amount, rate) for amount, rate in zip(amounts, rates, strict=True)]
    return pd.Series(converted, index=amounts.index, dtype=object)


def _judge_transactions(rows: Frame, seeds: Seeds, variables: Variables) -> Frame:
    typed, checks = _event(rows, "transaction_id", "transaction_type", variables)
    types, statuses = seeds["transaction_types"], seeds["transaction_statuses"]
    row_amount = _column(rows, "amount", parse_amount)
    row_profit = _column(rows, "profit_amount", parse_amount)
    status = _column(rows, "status", clean_code).fillna("completed")
    currency = _column(rows, "currency", clean_text).map(
        lambda code: variables["base_currency"] if is_missing(code) else code.upper()
    )
    rate = _rates(currency, typed["activity_date"], seeds, variables)
    largest = exact_decimal(variables["largest_valid_amount"])
    checks += [
        ("invalid_amount", row_amount.isna()),
        (
            "invalid_amount",
            row_profit.isna() & _column(rows, "profit_amount", clean_text).notna(),
        ),
        ("amount_out_of_range", where(lambda amount: abs(amount) > largest, row_amount)),
        (
            "negative_amount",
            where(lambda amount: amount < 0, row_amount)
            & (not variables["negative_amount_is_return"]),
        ),
        ("unknown_type", ~typed["transaction_type"].isin(types["transaction_type"])),
        ("unknown_status", ~status.isin(statuses["transaction_status"])),
        ("unknown_currency", rate.isna()),
    ]
    is_counted = _flag(status, statuses, "transaction_status", "is_counted")
    types_of_rows = typed["transaction_type"]
    counted_purchase = is_counted & _flag(types_of_rows, types, "transaction_type", "is_purchase")
    counted_return = is_counted & _flag(types_of_rows, types, "transaction_type", "is_return")
    is_negative = where(lambda amount: amount < 0, row_amount)
    return typed.assign(
        transaction_status=status,
        is_purchase=counted_purchase & ~is_negative,
        is_return=counted_return | (counted_purchase & is_negative),
        amount=_in_base_currency(
            row_amount.map(lambda amount: None if is_missing(amount) else abs(amount)), rate
        ),
        profit_amount=_in_base_currency(row_profit, rate),
        currency=currency,
        order_id=_column(rows, "order_id", clean_text),
        fault_code=_first_fault(checks, rows.index),
    )


def _judge_customers(rows: Frame, seeds: Seeds, variables: Variables) -> Frame:
    typed = pd.DataFrame(
        {
            "customer_id": _column(rows, "customer_id", clean_text),
            "registered_at": _moments(rows, "registered_at"),
            "updated_at": _moments(rows, "updated_at"),
            "birth_date": _column(rows, "birth_date", parse_date, DATES),
            "loaded_at": _moments(rows, "loaded_at").fillna(NEVER_LOADED),
        }
    )
    typed["registered_date"] = business_dates(typed["registered_at"], variables)
    checks = [
        ("missing_key", typed["customer_id"].isna()),
        ("broken_text", _is_broken(typed["customer_id"])),
    ]
    for moment in ("birth_date", "registered_at", "updated_at"):
        unread = typed[moment].isna() & _column(rows, moment, clean_text).notna()
        checks.append(("invalid_timestamp", unread))
    earliest = date_of(variables["earliest_valid_date"])
    checks += [
        ("date_out_of_range", typed["registered_date"] < earliest),
        (
            "date_in_future",
            _is_in_future(typed["registered_date"], typed["loaded_at"], variables),
        ),
    ]
    return typed.assign(fault_code=_first_fault(checks, rows.index))


def _judge_interactions(rows: Frame, seeds: Seeds, variables: Variables) -> Frame:
    typed, checks = _event(rows, "interaction_id", "interaction_type", variables)
    types = seeds["interaction_types"]
    direction = _column(rows, "direction", clean_code).fillna("inbound")
    checks += [
        ("unknown_type", ~typed["interaction_type"].isin(types["interaction_type"])),
        ("unknown_direction", ~direction.isin(["inbound", "outbound"])),
    ]
    types_of_rows = typed["interaction_type"]
    return typed.assign(
        direction=direction,
        is_inbound=direction == "inbound",
        is_contact=_flag(types_of_rows, types, "interaction_type", "is_contact"),
        shows_intent=_flag(types_of_rows, types, "interaction_type", "shows_intent"),
        fault_code=_first_fault(checks, rows.index),
    )


def _judge_feedback(rows: Frame, seeds: Seeds, variables: Variables) -> Frame:
    typed, checks = _event(rows, "feedback_id", "feedback_type", variables)
    types = seeds["feedback_types"]
    rating = _column(rows, "rating", parse_amount)
    scale_is_given = _column(rows, "rating_scale", clean_text).notna()
    scale = _column(rows, "rating_scale", parse_amount).where(scale_is_given, Decimal(5))
    resolved_at = _moments(rows, "resolved_at")
    outside = where(lambda given, best: not 1 <= given <= best, rating, scale)
    checks += [
        ("unknown_type", ~typed["feedback_type"].isin(types["feedback_type"])),
        ("invalid_rating", rating.isna() & _column(rows, "rating", clean_text).notna()),
        ("invalid_rating", scale.isna() | where(lambda best: best <= 1, scale)),
        ("invalid_rating", outside),
        (
            "invalid_timestamp",
            resolved_at.isna() & _column(rows, "resolved_at", clean_text).notna(),
        ),
        ("resolved_before_occurred", resolved_at < typed["occurred_at"]),
    ]
    lowest = exact_decimal(variables["low_rating_share"])
    is_low = where(lambda given, best: given <= best * lowest, rating, scale)
    complains = _flag(typed["feedback_type"], types, "feedback_type", "is_complaint")
    return typed.assign(
        rating=rating,
        rating_scale=scale,
        is_complaint=complains | is_low,
        resolved_at=resolved_at,
        resolved_date=business_dates(resolved_at, variables),
        fault_code=_first_fault(checks, rows.index),
    )


def _judge_social_mentions(rows: Frame, seeds: Seeds, variables: Variables) -> Frame:
    typed, checks = _event(rows, "mention_id", "mention_type", variables)
    types = seeds["mention_types"]
    checks.append(("unknown_type", ~typed["mention_type"].isin(types["mention_type"])))
    return typed.assign(fault_code=_first_fault(checks, rows.index))


JUDGES = {
    "transactions": ("transaction_id", _judge_transactions),
    "customers": ("customer_id", _judge_customers),
    "interactions": ("interaction_id", _judge_interactions),
    "feedback": ("feedback_id", _judge_feedback),
    "social_mentions": ("mention_id", _judge_social_mentions),
}


def _contents(rows: Frame, table: str) -> Series:
    """A raw row as one JSON text: what tells two versions apart, personal data included."""

    def content(row: Mapping[str, Any]) -> str:
        values = {name: row.get(name) for name in CONTRACT[table]}
        texts = {name: None if is_missing(value) else str(value) for name, value in values.items()}
        return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))

    texts = [content(row) for row in rows.to_dict("records")]
    return pd.Series(texts, index=rows.index, dtype=object)


def settle(raw: Mapping[str, Frame], seeds: Seeds, variables: Variables) -> dict[str, Frame]:
    """Every raw row, typed, with its record_status (accepted, rejected, duplicate) and reason_code.

    Among the acceptable versions of a key the newest loaded_at is accepted; of versions that
    arrived together, the one with the larger content.
    """
    settled = {}
    for table, (key, judge) in JUDGES.items():
        rows = raw.get(table, pd.DataFrame(columns=CONTRACT[table])).reset_index(drop=True)
        validated = judge(rows, seeds, variables)
        validated["reason_code"] = validated["fault_code"]
        validated["record_status"] = "accepted"
        validated.loc[validated["fault_code"].notna(), "record_status"] = "rejected"

        acceptable = validated[validated["fault_code"].isna()]
        repeated = acceptable[acceptable[key].duplicated(keep=False)]
        ranked = repeated.assign(content=_contents(rows.loc[repeated.index], table)).sort_values(
            ["loaded_at", "content"], ascending=False
        )
        kept_content = ranked.groupby(key)["content"].transform("first")
        is_older = ranked[key].duplicated(keep="first")
        older = ranked[is_older].index
        is_copy = (ranked["content"] == kept_content)[is_older]
        validated.loc[older, "record_status"] = "duplicate"
        validated.loc[older, "reason_code"] = np.where(is_copy, "exact_duplicate", "superseded")
        settled[table] = validated.drop(columns="fault_code")
    return settled


def stage(raw: Mapping[str, Frame], seeds: Seeds, variables: Variables) -> dict[str, Frame]:
    """The accepted rows of every table; a table that was not delivered is empty."""
    return {
        table: rows[rows["record_status"] == "accepted"].reset_index(drop=True)
        for table, rows in settle(raw, seeds, variables).items()
    }


# -- daily facts ----------------------------------------------------------------------------------

MONEY_OF_A_DAY = ["gross_amount", "returned_amount", "net_amount", "profit_amount"]


def _to_units(amounts: Series) -> Series:
    """Amounts as whole ten-thousandths, which add up without an error."""
    units = [None if is_missing(amount) else int(amount.scaleb(4)) for amount in amounts]
    return pd.Series(units, index=amounts.index, dtype="Int64")


def to_amounts(units: Series) -> Series:
    """Whole ten-thousandths as decimals."""
    amounts = [None if is_missing(unit) else Decimal(int(unit)).scaleb(-4) for unit in units]
    return pd.Series(amounts, index=units.index, dtype=object)


def daily_purchases_in_units(accepted: Mapping[str, Frame]) -> Frame:
    rows = accepted["transactions"]
    rows = rows[rows["is_purchase"] | rows["is_return"]]
    units = _to_units(rows["amount"]).fillna(0).astype("int64")
    # a purchase without an order is an order of its own
    order = [
        (True, order_id) if not is_missing(order_id) else (False, transaction_id)
        for order_id, transaction_id in zip(rows["order_id"], rows["transaction_id"], strict=True)
    ]
    facts = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "activity_date": rows["activity_date"],
            "purchase_count": rows["is_purchase"].astype("int64"),
            "return_count": rows["is_return"].astype("int64"),
            "gross_amount": units.where(rows["is_purchase"], 0),
            "returned_amount": units.where(rows["is_return"], 0),
            "profit_amount": _to_units(rows["profit_amount"]),
            "order": pd.Series(order, index=rows.index, dtype=object),
        }
    )
    day = ["customer_id", "activity_date"]
    counted = ["purchase_count", "return_count", "gross_amount", "returned_amount"]
    daily = facts.groupby(day)[counted].sum()
    daily["profit_amount"] = facts.groupby(day)["profit_amount"].sum(min_count=1)
    purchases = facts[facts["purchase_count"] > 0].drop_duplicates([*day, "order"])
    orders = purchases.groupby(day).size()
    daily["order_count"] = orders.reindex(daily.index, fill_value=0).astype("int64")
    daily["net_amount"] = daily["gross_amount"] - daily["returned_amount"]
    return daily.reset_index()


def daily_purchases(accepted: Mapping[str, Frame]) -> Frame:
    """One row per customer and day with a counted purchase or return."""
    daily = daily_purchases_in_units(accepted)
    for column in MONEY_OF_A_DAY:
        daily[column] = to_amounts(daily[column])
    return daily


def daily_interactions(accepted: Mapping[str, Frame]) -> Frame:
    """One row per customer and day with an interaction; interaction_count: the customer came."""
    rows = accepted["interactions"]
    facts = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "activity_date": rows["activity_date"],
            "interaction_count": rows["is_inbound"].astype("int64"),
            "contact_count": rows["is_contact"].astype("int64"),
            "intent_count": (rows["is_inbound"] & rows["shows_intent"]).astype("int64"),
            "touch_count": 1,
        }
    )
    return facts.groupby(["customer_id", "activity_date"]).sum().reset_index()


def daily_feedback(accepted: Mapping[str, Frame]) -> Frame:
    """One row per customer and day with feedback.

    all_resolved_date: when the last complaint of the day was settled; null while one is open.
    """
    rows = accepted["feedback"]
    day = ["customer_id", "activity_date"]
    facts = rows[day].assign(feedback_count=1, complaint_count=rows["is_complaint"].astype("int64"))
    daily = facts.groupby(day).sum()
    complaints = rows[rows["is_complaint"].astype(bool)]
    is_open = complaints["resolved_date"].isna().groupby([complaints[name] for name in day]).any()
    last_resolved = complaints.groupby(day)["resolved_date"].max()
    daily["all_resolved_date"] = last_resolved.where(~is_open.astype(bool)).reindex(daily.index)
    return daily.reset_index()


def known_customers(accepted: Mapping[str, Frame], variables: Variables) -> Frame:
    """Since when each customer is known: the first event of any kind, or the registration."""
    registered = accepted["customers"]
    earliest = date_of(variables["earliest_valid_date"])
    sightings = [
        accepted[table][["customer_id", "activity_date"]]
        for table in ("transactions", "interactions", "feedback", "social_mentions")
    ]
    sightings.append(
        pd.DataFrame(
            {
                "customer_id": registered["customer_id"],
                "activity_date": registered["registered_date"].fillna(earliest),
            }
        )
    )
    first_seen = pd.concat(sightings).groupby("customer_id")["activity_date"].min()
    known = first_seen.rename("known_since_date").sort_index().reset_index()
    known["is_registered"] = known["customer_id"].isin(registered["customer_id"])
    since = dict(zip(registered["customer_id"], registered["registered_date"], strict=True))
    known["registered_date"] = known["customer_id"].map(since).astype(DATES)
    return known
