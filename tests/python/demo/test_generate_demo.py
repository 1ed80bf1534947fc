"""The demo bank: reproducible, true to its archetypes, dirty where it says so, and believable."""

from __future__ import annotations

import csv
import functools
import hashlib
import re
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner
from demo import generate_demo
from demo.generate_demo import DEMO_FOLDER, TABLES, DemoError
from load.delivery import load_delivery

ROOT = Path(__file__).resolve().parents[3]
CUSTOMERS = 2_000
FEW = 500
THEN_DAYS = 12
END = date(2026, 9, 18)
SILENT = END + timedelta(days=2)
MONTH_END = date(2026, 3, 31)
HISTORY_FROM = date(2024, 9, 19)
SPRING_FESTIVALS = [date(2025, 1, 29), date(2026, 2, 17)]
MOST_DAYS_LATE = 20

# What the rows up to a day say about each customer, by the definitions of the turning points. A
# business day is one of Shanghai; what was bought in dollars counts as seven times as much.
BEHAVIOUR = f"""
create table money as
select
    transactions.customer_id,
    transactions.transaction_type,
    cast(cast(occurred_at as timestamp) + interval 8 hour as date) as activity_date,
    cast(amount as double) * case currency when 'USD' then 7.1 when 'HKD' then 0.91 else 1 end
        as amount,
    is_purchase,
    is_return
from transactions
inner join read_csv('{ROOT}/seeds/input/transaction_types.csv') as kinds using (transaction_type)
where
    coalesce(status, 'completed') = 'completed'
    and cast(cast(occurred_at as timestamp) + interval 8 hour as date) <= getvariable('day');

create table purchase_days as
select
    *,
    row_number() over by_day as number,
    activity_date - lag(activity_date) over by_day as gap_days
from (select distinct customer_id, activity_date from money where is_purchase)
window by_day as (partition by customer_id order by activity_date);

create table contacts as
select
    customer_id,
    getvariable('day') - cast(cast(occurred_at as timestamp) + interval 8 hour as date) as age
from interactions
where age >= 0;

create table behaviour as
with

bought as (
    select
        customer_id,
        count(*) as purchase_days,
        getvariable('day') - max(activity_date) as silent_days,
        (
            max(activity_date)
            - min(activity_date)
            + 2 * (select avg(gap_days) from purchase_days)
        )
        / (count(*) + 1) as pace_days,
        count(*) filter (
            getvariable('day') - activity_date between 90 and 454
        ) as purchase_days_before,
        max(gap_days) filter (getvariable('day') - activity_date < 30) as last_long_gap_days
    from purchase_days
    group by customer_id
),

spent as (
    select
        customer_id,
        sum(if(is_return, -amount, amount)) as net_amount,
        sum(if(is_return, -amount, amount)) filter (age < 365) as year_amount,
        sum(if(is_return, -amount, amount)) filter (age < 90) as recent_amount,
        sum(if(is_return, -amount, amount)) filter (age between 90 and 454) as earlier_amount,
        max(amount) filter (is_purchase and age < day(getvariable('day'))) as largest_this_month,
        count(*) filter (is_return) as return_count,
        max(amount) filter (
            (is_return and age < day(getvariable('day')))
            or (is_purchase and age - 365 between 0 and day(getvariable('day')) - 1)
        ) as largest_lost_this_month
    from (select *, getvariable('day') - activity_date as age from money)
    where is_purchase or is_return
    group by customer_id
),

visited as (
    select
        customer_id,
        count(*) filter (age < 30) as visits_of_30_days,
        count(*) filter (age between 30 and 394) * 30 / 365 as usual_visits_of_30_days,
        count(*) filter (age < 60) as visits_of_60_days,
        count(*) filter (age between 60 and 424) as visits_of_the_year_before
    from contacts
    group by customer_id
),

complained as (
    select customer_id
    from feedback
    where
        feedback_type = 'complaint'
        and coalesce(cast(resolved_at as timestamp), 'infinity') > getvariable('day')
        and cast(occurred_at as timestamp)
            between getvariable('day') - 60 and getvariable('day') + interval 16 hour
    group by customer_id
)

select
    truth.*,
    coalesce(purchase_days, 0) as purchase_days,
    bought.* exclude (customer_id, purchase_days),
    spent.* exclude (customer_id),
    spent.net_amount >= (
        select quantile_cont(spent.net_amount, 0.8)
        from spent
        inner join bought using (customer_id)
    ) as is_top_fifth,
    spent.year_amount >= (select avg(year_amount) from spent) as is_of_high_value,
    visited.* exclude (customer_id),
    complained.customer_id is not null as has_open_complaint,
    customers.customer_id is not null as is_registered,
    getvariable('day') - cast(registered_at as date) as known_days
from truth
left join bought using (customer_id)
left join spent using (customer_id)
left join visited using (customer_id)
left join complained using (customer_id)
left join customers using (customer_id)
"""

# What the customers of an archetype do
CONDITIONS = {
    "loyal": "purchase_days >= 3 and silent_days <= 50",
    "joining": "known_days <= 730 and (purchase_days >= 1 or known_days <= 40)",
    "slipping": "purchase_days >= 3 and silent_days > 2 * pace_days and silent_days <= 180",
    "gone_silent_valuable": "silent_days > 180 and is_top_fifth",
    "newly_met": "purchase_days <= 1 and visits_of_30_days >= 1 and known_days <= 180",
    "one_time_buyer": """
        purchase_days = 1
        and silent_days between
            (select quantile_cont(gap_days, 0.25) from purchase_days where number = 2)
            and (select quantile_cont(gap_days, 0.75) from purchase_days where number = 2)
    """,
    "value_dropper": """
        purchase_days_before >= 4
        and coalesce(recent_amount, 0) <= 0.5 * earlier_amount * 90 / 365
    """,
    "coming_back": "last_long_gap_days > 180",
    "complaining": "has_open_complaint and is_of_high_value",
    "fading": """
        visits_of_the_year_before >= 6
        and visits_of_60_days <= 0.25 * visits_of_the_year_before * 60 / 365
    """,
    "surging": """
        visits_of_30_days >= greatest(3, 3 * usual_visits_of_30_days) and silent_days >= 30
    """,
    "rising": "largest_this_month >= 30000",
    "falling": "largest_lost_this_month >= 30000",
    "potential": "is_registered and purchase_days = 0",
    "casual": "purchase_days >= 1 and pace_days > 30",
    "churned_low_value": "silent_days > 180 and not is_top_fifth",
    "only_returns": "purchase_days = 0 and return_count >= 1",
    "unregistered": "not is_registered and purchase_days >= 1",
}
# where chance has a say: of so many customers the condition must hold
SHARES = {"value_dropper": 0.9, "complaining": 0.9, "gone_silent_valuable": 0.9}


class Bank:
    """A demo bank to be queried: a view for each delivered table, the truth and what is planted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = duckdb.connect()
        self.connection.execute("set TimeZone = 'UTC'")
        for path in [*folder.glob("delivery/*.parquet"), *folder.glob("*.parquet")]:
            self.connection.execute(f"create view {path.stem} as from '{path}'")

    def behave_until(self, day: date) -> None:
        """Make the tables of BEHAVIOUR from what happened up to a day."""
        self.connection.execute(f"set variable day = date '{day}'; {BEHAVIOUR}")

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()

    def value(self, query: str) -> Any:
        [(value,)] = self.rows(query)
        return value

    def frame(self, query: str) -> pd.DataFrame:
        cursor = self.connection.execute(query)
        names = [column[0] for column in cursor.description]
        return pd.DataFrame(cursor.fetchall(), columns=names, dtype=object)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Without dirt, and with the behaviour of each customer at the end date."""
    folder = tmp_path_factory.mktemp("clean_bank")
    generate_demo.generate_demo(folder, CUSTOMERS, with_dirt=False)
    bank = Bank(folder)
    bank.behave_until(END)
    return bank


@pytest.fixture(scope="module")
def bank_at_month_end(bank: Bank) -> Bank:
    """The same bank with the behaviour of each customer at a month-end of the history."""
    earlier = Bank(bank.folder)
    earlier.behave_until(MONTH_END)
    return earlier


@pytest.fixture(scope="module")
def dirty_bank(bank: Bank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """With dirt, and with the days after it; arrived_TABLE is what came when, without the dirt."""
    folder = tmp_path_factory.mktemp("dirty_bank")
    generate_demo.generate_demo(folder, CUSTOMERS, then_days=THEN_DAYS)
    dirty_bank = Bank(folder)
    for table in TABLES:
        dirty_bank.connection.execute(
            f"""
            create view arrived_{table} as
            select *, date '{END}' as delivered_on
            from '{bank.folder}/delivery/{table}.parquet'
            union all
            select * exclude (filename), cast(split_part(filename, '/', -2) as date)
            from read_parquet('{folder}/days/*/{table}.parquet', filename = true)
            """
        )
    return dirty_bank


@pytest.fixture(scope="module")
def few_customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bank to compare with."""
    folder = tmp_path_factory.mktemp("few_customers")
    generate_demo.generate_demo(folder, FEW)
    return folder


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@functools.cache
def codes(seed: str) -> set[str]:
    """The first column of a seed."""
    return {
        next(iter(row.values())) for row in read_csv(next((ROOT / "seeds").rglob(f"{seed}.csv")))
    }


def contents(folder: Path) -> dict[str, str]:
    """A hash of the rows of every Parquet file below a folder, in their order, by its path."""
    with duckdb.connect() as connection:
        return {
            str(path.relative_to(folder)): hashlib.sha256(
                repr(connection.execute(f"from '{path}'").fetchall()).encode()
            ).hexdigest()
            for path in sorted(folder.rglob("*.parquet"))
        }


def file_names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# ---- the same arguments, the same bank ----------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_arguments_give_the_same_rows_on_any_number_of_threads(
    monkeypatch, tmp_path, few_customers, threads
):
    connect = functools.partial(duckdb.connect, config={"threads": threads})
    monkeypatch.setattr(duckdb, "connect", connect)
    generate_demo.generate_demo(tmp_path, FEW)
    assert contents(tmp_path) == contents(few_customers)


def test_another_seed_gives_another_bank(tmp_path, few_customers):
    generate_demo.generate_demo(tmp_path, FEW, seed=8)
    one, other = Bank(few_customers), Bank(tmp_path)
    shares = "select archetype, count(*) from truth group by archetype order by archetype"
    assert one.rows(shares) == other.rows(shares)
    for table in ("truth", *TABLES):
        common = set(one.rows(f"from {table}")) & set(other.rows(f"from {table}"))
        most = 0.2 if table == "truth" else 0.001
        assert len(common) <= most * one.value(f"select count(*) from {table}")


def test_more_days_change_nothing_in_what_came_before(dirty_bank, tmp_path):
    generate_demo.generate_demo(tmp_path, CUSTOMERS, then_days=3)
    fewer, more = contents(tmp_path), contents(dirty_bank.folder)
    del fewer["planted_changes.parquet"]
    assert {f"days/{END + timedelta(days=days)}/transactions.parquet" for days in (1, 3)} < set(
        fewer
    )
    assert fewer == {name: more.get(name) for name in fewer}


def made(sql: str, customers: int = 1, then_days: int = 0) -> list[tuple]:
    """The rows of a query over what the steps make."""
    with duckdb.connect() as connection:
        generate_demo.read_settings(connection, customers, 7, END, 24, then_days)
        for script in sorted(DEMO_FOLDER.glob("[1-5]_*.sql")):
            connection.execute(script.read_text(encoding="utf-8"))
        return connection.execute(sql).fetchall()


def test_a_draw_is_the_same_with_every_release_of_duckdb():
    [(drawn,)] = made("select chance(1, 'x', 0)")
    assert drawn == 0.08156315216261212


def test_draws_are_even_and_know_nothing_of_their_neighbours():
    [(mean, deviation, customers, numbers, purposes)] = made(
        """
        select
            avg(drawn),
            stddev_pop(drawn),
            corr(drawn, chance(range + 1, 'x', 0)),
            corr(drawn, chance(range, 'x', 1)),
            corr(drawn, chance(range, 'y', 0))
        from (select range, chance(range, 'x', 0) as drawn from range(100000))
        """
    )
    assert mean == pytest.approx(0.5, abs=0.005)
    assert deviation == pytest.approx((1 / 12) ** 0.5, abs=0.003)
    assert max(map(abs, (customers, numbers, purposes))) < 0.015


# ---- the truth ----------------------------------------------------------------------------------


def test_archetypes_have_the_shares_that_their_list_gives_them(bank):
    found = {
        archetype: (count, turning_point_type)
        for archetype, turning_point_type, count in bank.rows(
            "select archetype, turning_point_type, count(*) from truth group by all"
        )
    }
    listed = read_csv(DEMO_FOLDER / "archetypes.csv")
    assert sum(Decimal(row["share"]) for row in listed) == 1
    for row in listed:
        listed_type = row["turning_point_type"] or None
        count, turning_point_type = found.pop(row["archetype"], (0, listed_type))
        assert abs(count - Decimal(row["share"]) * CUSTOMERS) < 1
        assert turning_point_type == listed_type
    assert found == {}
    assert bank.rows("select count(*), count(distinct customer_id) from truth") == [
        (CUSTOMERS, CUSTOMERS)
    ]


def test_the_truth_speaks_of_registered_turning_points(bank):
    stored = bank.rows("select distinct turning_point_type from truth")
    assert {code for (code,) in stored if code} <= codes("turning_point_types")


def test_every_archetype_is_tested_by_what_it_does():
    archetypes = {row["archetype"] for row in read_csv(DEMO_FOLDER / "archetypes.csv")}
    assert set(CONDITIONS) == archetypes - {"newcomer"}


@pytest.mark.parametrize("archetype", CONDITIONS)
def test_an_archetype_does_what_it_is_named_for(bank, archetype):
    assert share_that_meets_its_condition(bank, archetype) >= SHARES.get(archetype, 1)


@pytest.mark.parametrize(
    "archetype",
    [
        row["archetype"]
        for row in read_csv(DEMO_FOLDER / "archetypes.csv")
        if row["turning_point_type"]
    ],
)
def test_an_archetype_with_a_turn_has_it_at_an_earlier_month_end_too(bank_at_month_end, archetype):
    assert share_that_meets_its_condition(bank_at_month_end, archetype) >= SHARES.get(archetype, 1)


def share_that_meets_its_condition(bank: Bank, archetype: str) -> float:
    """The share of an archetype, at its turn if it has one, that behaves accordingly on the day."""
    return bank.value(
        f"""
        select count(*) filter ({CONDITIONS[archetype]}) / count(*)
        from behaviour
        where
            archetype = '{archetype}'
            and (
                turning_point_type is null
                or getvariable('day') between turn_start_date and turn_end_date
            )
        """
    )


# ---- turns over time, and what follows them -----------------------------------------------------

# the as-of dates of the marts: the month-ends of the last year and the end date
AS_OF_DATES = [
    *(date(year, month, 1) - timedelta(days=1) for year, month in [(2025, 10), (2025, 11)]),
    *(date(2025 + month // 12, month % 12 + 1, 1) - timedelta(days=1) for month in range(11, 20)),
    END,
]


def test_about_as_many_stand_at_each_turn_on_every_as_of_date():
    """Of 20,000 customers, so that a count is more than chance."""
    counts = pd.DataFrame(
        made(
            f"""
            select turning_point_type, as_of_date, count(*)
            from people
            cross join unnest({[str(day) for day in AS_OF_DATES]}) as as_of_dates(as_of_date)
            where cast(as_of_date as date) between turn_start_date and turn_end_date
            group by all
            """,
            customers=20_000,
        ),
        columns=["turning_point_type", "as_of_date", "customers"],
    ).pivot(index="as_of_date", columns="turning_point_type", values="customers")
    assert counts.notna().all(axis=None)
    for turning_point_type, over_time in counts.items():
        if turning_point_type in ("class_rose", "class_fell"):
            # those of a month, which are fewer where the month is not over
            over_time = over_time * 30 / pd.to_datetime(over_time.index).day
        recent = over_time.tail(7)
        # who went silent before the history is no customer of it, so that the first are few
        steady = recent if turning_point_type == "dormant_high_value" else over_time
        assert steady.max() < 1.25 * steady.median() + 3 * steady.median() ** 0.5
        assert steady.min() > 0.75 * steady.median() - 3 * steady.median() ** 0.5


def test_the_same_shares_follow_a_turn_as_are_listed():
    listed = read_csv(DEMO_FOLDER / "outcomes.csv")
    planned = dict(
        ((archetype, outcome), count)
        for archetype, outcome, count in made(
            """
            select archetype, outcome, count(*)
            from people
            where outcome is not null
            group by all
            """,
            customers=20_000,
        )
    )
    for archetype in {row["archetype"] for row in listed}:
        weights = {
            row["outcome"]: int(row["weight"]) for row in listed if row["archetype"] == archetype
        }
        customers = sum(planned[archetype, outcome] for outcome in weights)
        for outcome, weight in weights.items():
            share = weight / sum(weights.values())
            deviation = (share * (1 - share) / customers) ** 0.5
            assert planned[archetype, outcome] / customers == pytest.approx(
                share, abs=4 * deviation
            )


def test_of_the_slipping_more_buy_again_than_of_the_dormant_and_neither_all_nor_none(bank):
    bought = dict(
        bank.rows(
            f"""
            select archetype, count(*) filter (outcome = 'buys') / count(*)
            from truth
            where turn_start_date < date '{END}' - 250
            group by archetype
            """
        )
    )
    assert 0.15 < bought["gone_silent_valuable"] < bought["slipping"] < 0.7


def test_what_follows_a_turn_is_in_the_rows(bank):
    followed = bank.frame(
        f"""
        select
            archetype,
            outcome,
            outcome_date,
            coalesce(list_contains(days_bought, outcome_date), false) as buys_on_the_day,
            coalesce(list_max(days_bought) > outcome_date, false) as buys_later,
            coalesce(days_settled = outcome_date, false) as is_settled_on_the_day
        from truth
        left join (
            select customer_id, list(activity_date) as days_bought
            from purchase_days
            group by customer_id
        ) using (customer_id)
        left join (
            select customer_id, max({business_day("resolved_at")}) as days_settled
            from feedback
            where feedback_id like '%10000'
            group by customer_id
        ) using (customer_id)
        where outcome_date <= date '{END}'
        """
    )
    assert followed["outcome_date"].max() <= END
    by_outcome = followed.groupby("outcome")
    assert set(by_outcome.groups) == {"buys", "leaves", "recovers", "settled", "visits"}
    assert by_outcome["buys_on_the_day"].all()["buys"]
    assert not by_outcome["buys_later"].any()["leaves"]
    assert by_outcome["is_settled_on_the_day"].all()["settled"]
    still_buying = by_outcome["buys_later"].mean()
    assert min(still_buying[["recovers", "settled", "visits", "buys"]]) > 0.7


def test_the_truth_tells_nothing_that_comes_after_the_end(bank):
    [(to_come, known_too_early)] = bank.rows(
        f"""
        select
            count(*) filter (turn_start_date > date '{END}'),
            count(*) filter (
                outcome_date > date '{END}' or (outcome is null and outcome_date is not null)
            )
        from truth
        """
    )
    assert to_come > 0.05 * CUSTOMERS
    assert known_too_early == 0


# ---- the dirt -----------------------------------------------------------------------------------


def text(value: str | None) -> str | None:
    return (value or "").strip() or None


def moment(value: str | None) -> datetime | None:
    """A timestamp or date; None where it cannot be read."""
    try:
        return datetime.fromisoformat(value.strip())
    except (AttributeError, ValueError):
        return None


def number(value: str | None) -> Decimal | None:
    """A plain decimal; None where it cannot be read."""
    try:
        return Decimal(value.strip())
    except (AttributeError, InvalidOperation):
        return None


def is_unreadable(row: dict[str, Any], name: str, read: Any) -> bool:
    return text(row.get(name)) is not None and read(row[name]) is None


def fault(table: str, row: dict[str, Any]) -> str | None:
    """The reason for which staging must reject a row, in plain Python; None = acceptable."""
    keys = [row[TABLES[table]], row["customer_id"]]
    if text(keys[0]) is None:
        return "missing_key"
    if text(keys[1]) is None:
        return "missing_customer"
    if any("\ufffd" in key for key in keys):
        return "broken_text"
    happened = row["registered_at" if table == "customers" else "occurred_at"]
    times = ("birth_date", "updated_at", "resolved_at")
    if moment(happened) is None or any(is_unreadable(row, name, moment) for name in times):
        return "invalid_timestamp"
    if moment(happened).year < 1990:
        return "date_out_of_range"
    if business_date(moment(happened)) > business_date(row["loaded_at"]):
        return "date_in_future"
    if table == "customers":
        return None
    return {
        "transactions": transaction_fault,
        "interactions": interaction_fault,
        "feedback": feedback_fault,
        "social_mentions": mention_fault,
    }[table](row)


def transaction_fault(row: dict[str, Any]) -> str | None:
    amount = number(row["amount"])
    if amount is None or is_unreadable(row, "profit_amount", number):
        return "invalid_amount"
    if abs(amount) > 1_000_000_000:
        return "amount_out_of_range"
    if amount < 0:
        return "negative_amount"
    if row["transaction_type"] not in codes("transaction_types"):
        return "unknown_type"
    if (row["status"] or "completed") not in codes("transaction_statuses"):
        return "unknown_status"
    if row["currency"] not in codes("exchange_rates") | {"CNY"}:
        return "unknown_currency"
    return None


def interaction_fault(row: dict[str, Any]) -> str | None:
    if row["interaction_type"] not in codes("interaction_types"):
        return "unknown_type"
    if row["direction"] not in (None, "inbound", "outbound"):
        return "unknown_direction"
    return None


def feedback_fault(row: dict[str, Any]) -> str | None:
    if row["feedback_type"] not in codes("feedback_types"):
        return "unknown_type"
    scale = number(row["rating_scale"] or "5")
    if is_unreadable(row, "rating", number) or scale is None or scale <= 1:
        return "invalid_rating"
    if row["rating"] and not 1 <= number(row["rating"]) <= scale:
        return "invalid_rating"
    if row["resolved_at"] and moment(row["resolved_at"]) < moment(row["occurred_at"]):
        return "resolved_before_occurred"
    return None


def mention_fault(row: dict[str, Any]) -> str | None:
    return None if row["mention_type"] in codes("mention_types") else "unknown_type"


def business_date(moment_utc: datetime) -> date:
    """The day on which it is in Shanghai."""
    return (moment_utc + timedelta(hours=8)).date()


@pytest.mark.parametrize("table", TABLES)
def test_what_is_planted_is_found(bank, dirty_bank, table):
    spoiled = dirty_bank.frame(
        f"from {table} except all from '{bank.folder}/delivery/{table}.parquet'"
    )
    assert dirty_bank.value(f"select count(*) from {table}") == len(spoiled) + bank.value(
        f"select count(*) from {table}"
    )
    key = TABLES[table]
    clean = {row[key]: row for row in bank.frame(f"from {table}").to_dict("records")}
    found = Counter()
    for row in spoiled.to_dict("records"):
        reason = fault(table, row)
        if reason is None:
            kept = clean[row[key]]
            assert row["loaded_at"] <= kept["loaded_at"]
            is_copy = {**row, "loaded_at": None} == {**kept, "loaded_at": None}
            reason = "exact_duplicate" if is_copy else "superseded"
        found[reason] += 1
    planted = dirty_bank.rows(
        f"select reason_code, row_count from planted_dirt where table_name = '{table}'"
    )
    assert found == dict(planted)


def test_every_reason_is_planted_and_the_dirt_is_a_little(dirty_bank):
    planted = dirty_bank.rows("select distinct reason_code from planted_dirt")
    assert {code for (code,) in planted} == codes("rejection_reasons")
    for table in TABLES:
        rows = dirty_bank.value(f"select count(*) from {table}")
        dirt = dirty_bank.value(
            f"select sum(row_count) from planted_dirt where table_name = '{table}'"
        )
        assert 0.005 < dirt / rows < 0.03


@pytest.mark.parametrize("table", TABLES)
def test_without_dirt_no_row_is_rejected_and_no_key_stands_twice(bank, table):
    rows = bank.frame(f"from {table}")
    assert {fault(table, row) for row in rows.to_dict("records")} == {None}
    assert rows[TABLES[table]].is_unique
    assert bank.value("select count(*) from planted_dirt") == 0


# ---- the days after the history ------------------------------------------------------------------


def test_a_delivery_comes_on_every_day_but_the_second(dirty_bank):
    folders = sorted(path.name for path in (dirty_bank.folder / "days").iterdir())
    days = [END + timedelta(days=number) for number in range(1, THEN_DAYS + 1)]
    assert folders == [str(day) for day in days if day != SILENT]
    caught_up = dirty_bank.value(
        f"""
        select count(*)
        from arrived_transactions
        where
            delivered_on = date '{SILENT}' + 1
            and cast(cast(occurred_at as timestamp) + interval 8 hour as date) = date '{SILENT}'
        """
    )
    assert caught_up > 10


def test_changes_are_what_the_files_say(dirty_bank):
    found = Counter()
    for table, key in TABLES.items():
        seen = {}
        rows = dirty_bank.frame(f"from arrived_{table} order by delivered_on")
        for row in rows.to_dict("records"):
            day, earlier = row["delivered_on"], seen.get(row[key])
            if day > END:
                assert row["loaded_at"] == datetime(day.year, day.month, day.day, 17)
                assert earlier is None or earlier["loaded_at"] < row["loaded_at"]
                found[day, table, change(table, row, earlier)] += 1
            seen[row[key]] = row
    planted = dirty_bank.frame("from planted_changes")
    assert found == {tuple(row[:3]): row[3] for row in planted.itertuples(index=False)}
    kinds = {kind for _, table, kind in found if table == "transactions"}
    assert kinds == {"new", "late", "corrected", "deleted"}
    assert {kind for _, table, kind in found if table == "customers"} == {"new", "updated"}
    assert {table for _, table, _ in found} == set(TABLES)


def change(table: str, row: dict[str, Any], earlier: dict[str, Any] | None) -> str:
    """What a row of a later delivery is to what has been delivered before."""
    if table == "customers":
        return "new" if earlier is None else "updated"
    if row.get("status") == "deleted":
        assert earlier is not None
        return "deleted"
    if earlier is not None:
        assert Decimal(row["amount"]) > Decimal(earlier["amount"])
        return "corrected"
    days_late = (row["delivered_on"] - business_date(moment(row["occurred_at"]))).days
    assert 0 <= days_late <= MOST_DAYS_LATE + 1
    return "late" if table == "transactions" and days_late > 1 else "new"


def test_some_rows_come_very_late(dirty_bank):
    latest = dirty_bank.value(
        f"""
        select max(days_late)
        from (
            select min(delivered_on) - min({business_day("occurred_at")}) as days_late
            from arrived_transactions
            group by transaction_id
            having min(delivered_on) > date '{END}'
        )
        """
    )
    assert MOST_DAYS_LATE - 5 < latest <= MOST_DAYS_LATE + 1


def test_a_late_purchase_is_none_from_before_its_customer():
    [(purchases, latest, strangers)] = made(
        """
        select
            count(*),
            max(arrived_on - activity_date),
            count(*) filter (activity_date < known_date)
        from later_purchases
        inner join people using (customer_number)
        """,
        then_days=200,
    )
    assert purchases > 200
    assert latest > MOST_DAYS_LATE - 5
    assert strangers == 0


def test_a_refund_never_arrives_before_a_late_purchase():
    [(refunds, too_early)] = made(
        """
        select
            count(*) filter (refunds.activity_date < purchases.arrived_on),
            count(*) filter (refunds.arrived_on < purchases.arrived_on)
        from refunds
        inner join purchases
            on
                refunds.customer_number = purchases.customer_number
                and refunds.number = purchases.number + 20000
        where purchases.number >= 12000
        """,
        customers=CUSTOMERS,
        then_days=100,
    )
    assert refunds > 3
    assert too_early == 0


def test_a_refund_comes_within_two_weeks_of_its_purchase_and_is_no_larger(dirty_bank):
    rows = dirty_bank.frame(
        "from arrived_transactions qualify row_number() over "
        "(partition by transaction_id order by loaded_at) = 1"
    )
    by_id = {row["transaction_id"]: row for row in rows.to_dict("records")}
    refunds = [
        (row, by_id[f"T{int(key[1:]) - 20_000}"])
        for key, row in by_id.items()
        # what turns a customer is handed back when it suits the turn
        if row["transaction_type"] == "refund" and not key.endswith("31000")
    ]
    assert len(refunds) > 500
    for refund, purchase in refunds:
        assert purchase["status"] in (None, "completed")
        assert Decimal(refund["amount"]) <= Decimal(purchase["amount"])
        assert refund["order_id"] == purchase["order_id"]
        assert refund["loaded_at"] >= purchase["loaded_at"]
        days = business_date(moment(refund["occurred_at"])) - business_date(
            moment(purchase["occurred_at"])
        )
        assert 1 <= days.days <= 14


def business_day(column: str) -> str:
    """The SQL of the day on which it is in Shanghai."""
    return f"cast(cast({column} as timestamp) + interval 8 hour as date)"


# ---- believable ----------------------------------------------------------------------------------


def test_nothing_happens_before_the_history_or_its_customer_or_after_the_end(bank):
    for table in ("transactions", "interactions", "feedback", "social_mentions"):
        [(first, last, strangers)] = bank.rows(
            f"""
            select
                min({business_day("occurred_at")}),
                max({business_day("occurred_at")}),
                count(*) filter ({business_day("occurred_at")} < {business_day("registered_at")})
            from {table}
            left join customers using (customer_id)
            """
        )
        assert HISTORY_FROM <= first <= HISTORY_FROM + timedelta(days=7)
        assert END - timedelta(days=7) <= last <= END
        assert strangers == 0
    register = bank.frame("from customers")
    assert register["registered_at"].max() <= register["updated_at"].max() < f"{END} 16:00:00"
    assert (register["registered_at"] <= register["updated_at"]).all()
    resolved = bank.value("select max(resolved_at) from feedback")
    assert resolved < f"{END} 16:00:00"


def test_people_are_busy_by_day_and_asleep_at_night(bank):
    by_hour = dict(
        bank.rows(
            """
            select hour(cast(occurred_at as timestamp) + interval 8 hour), count(*)
            from transactions
            group by all
            """
        )
    )
    assert set(by_hour) <= set(range(7, 24))
    assert min(by_hour[12], by_hour[19]) > 2 * max(by_hour[8], by_hour[22])


def test_a_fifth_of_the_customers_brings_most_of_the_money(bank):
    spent = pd.Series(
        [amount for (amount,) in bank.rows("select net_amount from behaviour where net_amount > 0")]
    ).sort_values(ascending=False)
    top_fifth = spent.head(len(spent) // 5).sum() / spent.sum()
    assert 0.75 < top_fifth < 0.95
    assert spent.head(len(spent) // 100).sum() / spent.sum() > 0.1
    assert spent.mean() > 3 * spent.median()


def test_more_is_bought_in_the_busy_seasons(bank):
    days = bank.frame(
        "select activity_date, count(*) as bought from money where is_purchase group by all"
    )
    bought = pd.Series(
        days["bought"].astype(int).values, index=pd.to_datetime(days["activity_date"])
    ).reindex(pd.date_range(HISTORY_FROM, END), fill_value=0)

    def daily(first: str | date, last: str | date) -> float:
        return bought.loc[str(first) : str(last)].mean()

    ordinary = bought.median()
    for year in (2024, 2025):
        assert daily(f"{year}-11-11", f"{year}-11-11") > 3 * ordinary
    for year in (2025, 2026):
        assert daily(f"{year}-06-16", f"{year}-06-20") > 1.3 * ordinary
    assert daily("2025-10-01", "2025-10-07") > 1.2 * ordinary
    for festival in SPRING_FESTIVALS:
        before = daily(festival - timedelta(days=21), festival - timedelta(days=1))
        at_home = daily(festival, festival + timedelta(days=6))
        assert before > 1.3 * ordinary
        assert at_home < 0.8 * ordinary
    # quiet weeks are neither
    assert daily("2025-03-03", "2025-03-30") == pytest.approx(ordinary, rel=0.15)
    by_weekday = bought.groupby(bought.index.day_of_week).mean()
    assert by_weekday[5:].min() > 1.1 * by_weekday[:5].max()


def test_salaries_come_on_a_payday_or_the_friday_before_and_january_brings_a_bonus(bank):
    paydays = {
        int(row["choice"])
        for row in read_csv(DEMO_FOLDER / "choices.csv")
        if row["list_name"] == "payday"
    }
    salaries = bank.frame(
        "select customer_id, activity_date, amount from money where transaction_type = 'salary'"
    )
    assert salaries["customer_id"].nunique() > 0.05 * CUSTOMERS
    for paid_on in set(salaries["activity_date"]):
        weekend = (
            [paid_on + timedelta(days=days) for days in (1, 2)] if paid_on.weekday() == 4 else []
        )
        assert paid_on.weekday() < 5
        assert paydays & {day.day for day in [paid_on, *weekend]}
    months = pd.to_datetime(salaries["activity_date"]).dt.to_period("M")
    assert not salaries.assign(month=months).duplicated(["customer_id", "month"]).any()
    by_month = salaries["amount"].astype(float).groupby(months.dt.month).median()
    assert by_month[1] == pytest.approx(2 * by_month[2], rel=0.2)


def test_names_are_chinese_and_some_latin_and_reach_nobody(bank):
    register = bank.frame("from customers")
    is_chinese = register["customer_name"].str.fullmatch("[\u4e00-\u9fff]{2,4}")
    is_latin = register["customer_name"].str.fullmatch("[A-Z][a-z]+ [A-Z][A-Za-zü']+")
    assert (is_chinese ^ is_latin).all()
    assert 0.02 < is_latin.mean() < 0.06
    assert register.loc[is_latin, "id_number"].isna().all()
    assert register.loc[is_chinese, "id_number"].str.fullmatch("000000[0-9]{11}Z").all()
    assert (
        register.loc[is_chinese, "id_number"].str[6:14]
        == register.loc[is_chinese, "birth_date"].str.replace("-", "")
    ).all()
    assert register["phone"].dropna().str.fullmatch("12[0-9]{9}").all()
    addresses = register["email"].dropna()
    assert addresses.str.fullmatch(r"[a-z.]+[0-9]+@(mail\.)?example\.(com|cn|org)").all()
    assert addresses.is_unique
    for column, least, most in (("phone", 0.9, 0.97), ("email", 0.6, 0.7)):
        assert least < register[column].notna().mean() < most
    age = register["registered_at"].str[:4].astype(int) - register["birth_date"].str[:4].astype(int)
    assert age.between(17, 76).all()


def test_every_way_to_the_bank_is_used(bank):
    def share(table: str, **values: str) -> float:
        condition = " and ".join(f"{name} = '{value}'" for name, value in values.items())
        return bank.value(f"select count(*) filter ({condition}) / count(*) from {table}")

    for channel, least in (
        *(("app", 0.2), ("web", 0.1), ("pos", 0.15)),
        *(("branch", 0.02), ("counter", 0.005), ("payroll", 0.05)),
    ):
        assert share("transactions", channel=channel) > least
    for channel, least in (("app", 0.4), ("web", 0.1), ("branch", 0.05), ("phone", 0.05)):
        assert share("interactions", channel=channel) > least
    assert 0.05 < share("interactions", direction="outbound") < 0.25
    used = bank.rows("select distinct transaction_type from transactions")
    # the others are a shop's
    assert {code for (code,) in used} == codes("transaction_types") - {"gift", "no_sale"}
    used = bank.rows("select distinct interaction_type from interactions")
    of_shops = {"coupon_redeemed", "mailing"}
    assert {code for (code,) in used} == codes("interaction_types") - of_shops
    currencies = dict(bank.rows("select currency, count(*) from transactions group by currency"))
    assert set(currencies) == {"CNY", "USD", "HKD"}
    assert currencies["CNY"] > 0.95 * sum(currencies.values())


# ---- any size, any dates, both formats -----------------------------------------------------------


@pytest.mark.parametrize("end_date", [date(2005, 1, 1), date(2096, 2, 29)])
def test_any_end_date_and_the_shortest_history(tmp_path, end_date):
    generate_demo.generate_demo(tmp_path, 200, end_date=end_date, months=16, with_dirt=False)
    bank = Bank(tmp_path)
    [(first, last, customers)] = bank.rows(
        f"""
        select
            min({business_day("occurred_at")}),
            max({business_day("occurred_at")}),
            count(distinct customer_id)
        from transactions
        """
    )
    assert 480 <= (last - first).days <= 488
    assert end_date - timedelta(days=3) <= last <= end_date
    assert customers > 160


def test_a_bank_of_one_customer_is_a_bank(tmp_path):
    counts = generate_demo.generate_demo(tmp_path, 1, then_days=2)
    assert Bank(tmp_path).value("select count(*) from truth") == 1
    report = load_delivery(tmp_path / "delivery", tmp_path / "demo.duckdb")
    assert set(report.warnings) <= {
        f"{table}.parquet holds no rows for {table}." for table in TABLES
    }
    assert sorted(path.name for path in tmp_path.glob("days/*")) == ["2026-09-19"]
    assert counts.keys() == TABLES.keys()


def test_the_loader_takes_every_delivery_and_has_nothing_to_say(dirty_bank, tmp_path):
    deliveries = [
        dirty_bank.folder / "delivery",
        *sorted((dirty_bank.folder / "days").iterdir())[:5],
    ]
    loaded = Counter()
    for delivery in deliveries:
        report = load_delivery(delivery, tmp_path / "demo.duckdb", input_name="demo")
        assert report.warnings == []
        assert report.skipped == []
        loaded.update(report.rows)
    planted = dict(
        dirty_bank.rows(
            f"""
            select table_name, sum(row_count)
            from planted_changes
            where delivered_on <= date '{deliveries[-1].name}'
            group by table_name
            """
        )
    )
    for table in TABLES:
        delivered = dirty_bank.value(f"select count(*) from {table}")
        assert loaded[table] == delivered + planted.get(table, 0)


def test_csv_loads_as_parquet_does(few_customers, tmp_path):
    generate_demo.generate_demo(tmp_path, FEW, file_format="csv")
    assert sorted(path.name for path in (tmp_path / "delivery").iterdir()) == sorted(
        f"{table}.csv" for table in TABLES
    )
    raw = {}
    for name, folder in (("parquet", few_customers), ("csv", tmp_path)):
        warehouse = tmp_path / f"{name}.duckdb"
        assert load_delivery(folder / "delivery", warehouse).warnings == []
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            raw[name] = {
                table: connection.execute(f"from raw.{table} order by all").fetchall()
                for table in TABLES
            }
    assert raw["csv"] == raw["parquet"]


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"customers": 0}, "customers must be a whole number from 1 to 20,000,000, got 0."),
        ({"customers": 20_000_001}, "customers must be a whole number from 1 to 20,000,000"),
        ({"customers": 2.5}, "got 2.5."),
        ({"customers": True}, "got True."),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"months": 15}, "months must be a whole number from 16 to 120, got 15."),
        ({"then_days": 367}, "then_days must be a whole number from 0 to 366, got 367."),
        ({"end_date": "2026-09-18"}, "end_date must be a date, got '2026-09-18'."),
        ({"end_date": datetime(2026, 9, 18)}, "end_date must be a date"),
        ({"end_date": date(2004, 12, 31)}, "between 2005-01-01 and 2100-01-01, got 2004-12-31."),
        ({"file_format": "xlsx"}, "file_format must be parquet or csv, got 'xlsx'."),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused(tmp_path, arguments, message):
    output = tmp_path / "bank"
    with pytest.raises(DemoError) as caught:
        generate_demo.generate_demo(output, **({"customers": 1} | arguments))
    assert message in str(caught.value)
    assert not output.exists()


@pytest.mark.parametrize("name", ["delivery/transactions.csv", "days/2026-09-19/notes.txt"])
def test_a_delivery_that_is_no_demo_is_refused_and_left_alone(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(DemoError, match="holds a delivery that is not a demo; name another folder"):
        generate_demo.generate_demo(tmp_path, 1)
    assert file_names(tmp_path) == [name]
    assert path.read_text() == "mine"


def test_a_file_of_somebody_in_a_demo_is_left_alone(tmp_path):
    generate_demo.generate_demo(tmp_path, 1, with_dirt=False)
    before = contents(tmp_path)
    (tmp_path / "delivery" / "mapping.yml").write_text("input: mine")
    with pytest.raises(DemoError, match=r"mapping\.yml is not part of a demo; move it"):
        generate_demo.generate_demo(tmp_path, 2)
    (tmp_path / "delivery" / "mapping.yml").unlink()
    assert contents(tmp_path) == before


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "bank"
    path.write_text("mine")
    with pytest.raises(DemoError, match="bank is a file; name a folder"):
        generate_demo.generate_demo(path, 1)


def test_an_earlier_demo_is_replaced_and_nothing_else(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    generate_demo.generate_demo(tmp_path, 20, then_days=1, with_dirt=False)
    generate_demo.generate_demo(tmp_path, 10, file_format="csv", with_dirt=False)
    assert file_names(tmp_path) == sorted(
        [
            *(f"delivery/{table}.csv" for table in TABLES),
            *("notes.txt", "planted_dirt.parquet", "truth.parquet"),
        ]
    )
    assert Bank(tmp_path).value("select count(*) from truth") == 10


def test_a_demo_that_breaks_off_leaves_the_earlier_one_whole(monkeypatch, tmp_path):
    generate_demo.generate_demo(tmp_path, 20, with_dirt=False)
    before = contents(tmp_path)

    def break_off(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(generate_demo, "write_planted", break_off)
    with pytest.raises(KeyboardInterrupt):
        generate_demo.generate_demo(tmp_path, 10, with_dirt=False)
    assert contents(tmp_path) == before


# ---- the command ---------------------------------------------------------------------------------


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(generate_demo.main, list(map(str, arguments)))


def test_the_command_writes_a_bank_and_shows_what_is_in_it(tmp_path):
    result = run(tmp_path, "--customers", 50, "--end-date", "2025-12-31", "--clean")
    assert result.exit_code == 0
    assert result.stderr == ""
    bank = Bank(tmp_path)
    for table in TABLES:
        rows = bank.value(f"select count(*) from {table}")
        assert re.search(rf"\b{table}\b.*\b{rows:,}\b", result.stdout)
    assert bank.value("select count(*) from truth") == 50
    assert bank.value("select count(*) from planted_dirt") == 0
    assert bank.rows("select distinct loaded_at from transactions") == [
        (datetime(2025, 12, 31, 17),)
    ]


def test_the_command_explains_itself():
    result = run("--help")
    assert result.exit_code == 0
    for option in ("customers", "seed", "end-date", "months", "then-days", "format", "clean"):
        assert f"--{option}" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["--months", 3], 1, "Error: months must be a whole number from 16 to 120, got 3.\n"),
        (["--customers", "many"], 2, "'many' is not a valid integer."),
        (["--format", "xlsx"], 2, "'xlsx' is not one of 'parquet', 'csv'."),
        (["--end-date", "18.09.2026"], 2, "'18.09.2026' does not match the format"),
    ],
)
def test_the_command_fails_with_one_sentence(tmp_path, arguments, exit_code, message):
    result = run(tmp_path / "bank", *arguments)
    assert result.exit_code == exit_code
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "bank").exists()


def test_the_command_says_where_it_must_not_write(tmp_path):
    (tmp_path / "bank").write_text("mine")
    result = run(tmp_path / "bank", "--customers", 1)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: {tmp_path / 'bank'} is a file; name a folder.\n"
