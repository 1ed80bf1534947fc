"""A warehouse that is built day by day holds what one build of all deliveries gives.

A demo bank is followed over a month end, with new, late, corrected and deleted rows and a day that
brings nothing. A small shop shows one by one what a late or changed row does, and what a run that
broke off leaves behind.
"""

from __future__ import annotations

import os
import pickle
import re
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from build.run_dbt import DbtError
from children import start_child, wait_for
from demo.generate_demo import generate_demo
from made_once import DEMO, PROJECT, MadeOnce
from warehouses import (
    FIRST_BUILD,
    NEXT_BUILD,
    OF_THE_RUN,
    QUIET,
    Warehouse,
    differences,
    relations,
)

# ---- a bank, followed over a month end -----------------------------------------------------------

END_DATE = date(2026, 9, 27)
SILENT_DATE = date(2026, 9, 29)
# the last of these builds finds the deliveries of three days
BUILT_ON = (date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 4))


@dataclass
class Bank:
    """A bank that was built day by day, and the same one built once.

    stored: the as-of dates that any table held, after the build of each day.
    """

    folder: Path
    followed: Warehouse
    fresh: Warehouse
    stored: dict[date, set[date]]


@pytest.fixture(scope="module")
def bank(made_once: MadeOnce, target_folder: Path) -> Bank:
    def make(folder: Path) -> None:
        followed, fresh = warehouses_in(folder, ("followed", "fresh"), target_folder)
        generate_demo(folder / "bank", customers=400, end_date=END_DATE, then_days=7)
        for warehouse in (followed, fresh):
            warehouse.load(folder / "bank" / "delivery", input_name="bank")
        followed.build(*FIRST_BUILD)
        stored = {END_DATE: stored_dates(followed)}
        for delivery in sorted((folder / "bank" / "days").iterdir()):
            for warehouse in (followed, fresh):
                warehouse.load(delivery, input_name="bank")
            day = date.fromisoformat(delivery.name)
            if day in BUILT_ON:
                followed.build(*NEXT_BUILD)
                stored[day] = stored_dates(followed)
        fresh.build(*FIRST_BUILD)
        (folder / "stored.pickle").write_bytes(pickle.dumps(stored))

    folder = made_once("followed_bank", make, *DEMO, *PROJECT)
    return Bank(
        folder / "bank",
        *(Warehouse(folder / name, target_folder) for name in ("followed", "fresh")),
        pickle.loads((folder / "stored.pickle").read_bytes()),
    )


def warehouses_in(folder: Path, names: Iterable[str], target_folder: Path) -> list[Warehouse]:
    """Warehouses in new folders of these names."""
    for name in names:
        (folder / name).mkdir()
    return [Warehouse(folder / name, target_folder) for name in names]


def stored_dates(warehouse: Warehouse) -> set[date]:
    """Every as-of date that stands in any table."""
    queries = [
        f"select as_of_date from {name}" for name in relations(warehouse, "BASE%", "as_of_date")
    ]
    return {day for (day,) in warehouse.rows(" union ".join(queries))}


def oldest_date(warehouse: Warehouse) -> str:
    return warehouse.value("select cast(min(as_of_date) as varchar) from history.as_of_dates")


def test_the_bank_brings_every_kind_of_change(bank):
    changes = duckdb.sql(
        f"select distinct change from '{bank.folder / 'planted_changes.parquet'}'"
    ).fetchall()
    assert {change for (change,) in changes} == {"new", "late", "corrected", "deleted", "updated"}
    assert not (bank.folder / "days" / SILENT_DATE.isoformat()).exists()


def test_day_by_day_is_the_same_as_all_at_once(bank):
    """Of the states, all but the oldest month-end, which a test of its own looks at."""
    dated = relations(bank.fresh, column="as_of_date")
    undated = [name for name in relations(bank.fresh) if name not in dated]
    assert relations(bank.followed) == relations(bank.fresh)
    assert differences(bank.followed, bank.fresh, undated) == ""
    after_oldest = f"as_of_date > date '{oldest_date(bank.fresh)}'"
    assert differences(bank.followed, bank.fresh, dated, after_oldest) == ""


def test_the_oldest_month_end_keeps_what_it_was_compared_with(bank):
    """It is frozen: that the month before it has left the history does not change what happened."""
    before = "select max(previous_as_of_date) from states.int_customer_states "
    before += f"where as_of_date = date '{oldest_date(bank.fresh)}'"
    assert bank.followed.value(before) is not None
    assert bank.fresh.value(before) is None


def test_a_day_stays_only_while_it_is_current_or_a_month_end(bank):
    for day, stored in bank.stored.items():
        recent = {stored_day for stored_day in stored if stored_day >= END_DATE}
        assert recent == {day} | ({date(2026, 9, 30)} if day > date(2026, 9, 30) else set())


def test_a_month_more_moves_the_oldest_one_out(bank):
    counts = {day: len(stored) for day, stored in bank.stored.items()}
    assert counts == dict.fromkeys(counts, 14)
    assert min(bank.stored[date(2026, 9, 30)]) == date(2025, 8, 31)
    assert min(bank.stored[date(2026, 10, 1)]) == date(2025, 9, 30)


def test_the_same_delivery_again_changes_nothing(bank, tmp_path):
    """Nothing is loaded, no as-of date is built again, and every table holds what it held."""
    again = bank.followed.copied(tmp_path)
    report = again.load(bank.folder / "days" / "2026-10-04", input_name="bank")
    assert sum(report.rows.values()) == 0
    again.build(*NEXT_BUILD)
    assert again.rows("select as_of_date from history.as_of_dates where needs_rebuild") == []
    assert differences(again, bank.followed, relations(bank.followed)) == ""


# ---- a shop, one change at a time ----------------------------------------------------------------

FIRST_ARRIVAL = pd.Timestamp("2026-09-18 17:00:00")
SECOND_ARRIVAL = pd.Timestamp("2026-09-20 17:00:00")
FROZEN, FIRST_OPEN, OPEN, FIRST_CURRENT, CURRENT = (
    f"date '{day}'"
    for day in ("2026-06-30", "2026-07-31", "2026-08-31", "2026-09-18", "2026-09-19")
)


def row(transaction_id: str, customer_id: str, day: str, amount: int, **more: str) -> dict:
    """A purchase at noon in Shanghai; more overrules or adds columns."""
    return {
        "transaction_id": transaction_id,
        "customer_id": customer_id,
        "occurred_at": f"{day} 04:00:00",
        "amount": str(amount),
        "transaction_type": "purchase",
        "status": "completed",
    } | more


def opinion(feedback_type: str, day: str) -> dict:
    occurred = {"customer_id": "c2", "occurred_at": f"{day} 04:00:00"}
    return {"feedback_id": "f1", "feedback_type": feedback_type} | occurred


def mention(mention_id: str) -> dict:
    occurred = {"customer_id": "c2", "occurred_at": "2026-09-01 04:00:00"}
    return {"mention_id": mention_id, "platform": "weibo", "mention_type": "post"} | occurred


def arrived(rows: list[dict], at: pd.Timestamp) -> pd.DataFrame:
    return pd.DataFrame(rows, dtype=object).assign(loaded_at=at)


FIRST_ROWS = [
    *(
        row(f"c{number}-{day}", f"c{number}", f"2026-{day}", 100 * number + int(day[:2]))
        for number in range(1, 7)
        for day in ("03-05", "04-20", "06-11", f"08-1{number}", "09-18")
    ),
    # half past midnight in Shanghai, of a day that has only begun when the delivery comes
    row("of-tomorrow", "c6", "2026-09-19", 45, occurred_at="2026-09-18 16:30:00"),
    row("to-be-deleted", "c7", "2026-08-20", 50),
    row("to-be-moved", "c8", "2026-08-12", 70),
    row("to-be-a-gift", "c1", "2026-08-25", 30),
]
SECOND_ROWS = [
    row("late-in-frozen", "c1", "2026-06-10", 500),
    row("late-newcomer-in-frozen", "c9", "2026-06-12", 90),
    row("late-in-open", "c2", "2026-08-05", 300),
    row("to-be-deleted", "c7", "2026-08-20", 50, status="deleted"),
    row("to-be-moved", "c4", "2026-09-02", 70),
    row("to-be-a-gift", "c1", "2026-08-25", 30, transaction_type="gift"),
    row("new", "c3", "2026-09-19", 80, profit_amount="8.5"),
]


@dataclass
class Shop:
    """A shop after its first delivery, after a second one, and built again in full."""

    first: Warehouse
    second: Warehouse
    restated: Warehouse


@pytest.fixture(scope="module")
def shop(made_once: MadeOnce, target_folder: Path) -> Shop:
    names = ("first", "second", "restated")

    def make(folder: Path) -> None:
        first, second, restated = warehouses_in(folder, names, target_folder)
        deliver_first(first)
        first.build(*FIRST_BUILD)
        first.copied(second.path.parent)
        deliver_second(second)
        second.build(*NEXT_BUILD)
        second.copied(restated.path.parent)
        restated.build(*NEXT_BUILD, "--full-refresh")

    folder = made_once("changing_shop", make, *PROJECT)
    return Shop(*(Warehouse(folder / name, target_folder) for name in names))


def deliver_first(warehouse: Warehouse) -> None:
    """The first delivery: every raw table has rows but interactions."""
    warehouse.load_rows(
        transactions=arrived(FIRST_ROWS, FIRST_ARRIVAL),
        customers=arrived(
            [{"customer_id": "c5", "registered_at": "2026-03-01 04:00:00"}], FIRST_ARRIVAL
        ),
        feedback=arrived([opinion("complaint", "2026-08-29")], FIRST_ARRIVAL),
        # from a loader that does not say when a row arrived
        social_mentions=pd.DataFrame([mention("m1")]),
    )


def deliver_second(warehouse: Warehouse) -> None:
    """The second delivery, which has a column more."""
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("alter table raw.transactions add column profit_amount varchar")
    warehouse.load_rows(transactions=arrived(SECOND_ROWS, SECOND_ARRIVAL))


def lifetime_amount(warehouse: Warehouse, customer_id: str, as_of_date: str) -> Decimal:
    return warehouse.value(
        f"select lifetime_net_amount from marts.customer_states "
        f"where customer_id = '{customer_id}' and as_of_date = {as_of_date}"
    )


def test_a_late_row_leaves_a_frozen_month_end_as_it_was(shop):
    stored = {*relations(shop.first, "BASE%", "as_of_date"), "marts.customer_states"}
    # these say what has arrived, whether states use it or not
    stored -= {"history.as_of_dates", "history.state_builds"}
    dates = f"as_of_date <= {FROZEN}"
    assert differences(shop.first, shop.second, stored, dates) == ""
    assert lifetime_amount(shop.second, "c1", FROZEN) == 100 * 3 + 3 + 4 + 6


def test_a_full_refresh_restates_a_frozen_month_end(shop):
    before = lifetime_amount(shop.second, "c1", FROZEN)
    assert lifetime_amount(shop.restated, "c1", FROZEN) == before + 500


def test_a_late_row_changes_the_open_month_ends_after_it(shop):
    for customer_id, as_of_date, late_amount in (
        ("c1", FIRST_OPEN, 500),
        ("c2", FIRST_OPEN, 0),
        ("c2", OPEN, 300),
    ):
        before = lifetime_amount(shop.first, customer_id, as_of_date)
        assert lifetime_amount(shop.second, customer_id, as_of_date) == before + late_amount


def test_only_open_dates_that_something_affected_are_built_again(shop):
    outdated = "select as_of_date from history.as_of_dates where needs_rebuild order by as_of_date"
    assert [str(day) for (day,) in shop.second.rows(outdated)] == [
        "2026-07-31",
        "2026-08-31",
        "2026-09-19",
    ]


def test_only_customers_whose_facts_changed_are_recomputed(shop, tmp_path):
    """Who is not recomputed keeps a mark; today starts as a copy of the day before."""
    marked = shop.first.copied(tmp_path)
    with duckdb.connect(str(marked.path)) as connection:
        connection.execute("update states.int_purchase_metrics set order_count = 99")
    deliver_second(marked)
    marked.build(*NEXT_BUILD)
    kept = {
        str(day): customers
        for day, customers in marked.rows(
            "select as_of_date, string_agg(customer_id, ' ' order by customer_id) "
            "from states.int_purchase_metrics where order_count = 99 group by as_of_date"
        )
    }
    assert kept["2026-07-31"] == "c2 c3 c4 c5 c6"
    assert kept["2026-08-31"] == "c3 c4 c5 c6"
    assert kept["2026-09-19"] == "c5"
    assert "2026-09-18" not in kept


def test_open_dates_are_as_a_full_build_makes_them(shop):
    """The first of them looks back at a frozen month-end, which does not know the late row."""
    dated = relations(shop.second, column="as_of_date")
    dates = f"as_of_date > {FIRST_OPEN}"
    assert differences(shop.second, shop.restated, dated, dates) == ""
    looks_back = (
        *("previous_value_class", "previous_value_class_rank", "value_class_with_previous_lines"),
        *("value_class_rank_with_previous_lines", "previous_lifecycle_stage", "previous_movement"),
        *("previous_recency_days", "previous_monetary_amount", *OF_THE_RUN),
    )
    names = ("states.int_customer_states", "marts.customer_states")
    dates = f"as_of_date = {FIRST_OPEN}"
    assert differences(shop.second, shop.restated, names, dates, looks_back) == ""


def test_an_open_date_looks_back_at_the_states_that_are_stored(shop):
    looked_at = f"""
        select open_states.customer_id, open_states.previous_value_class, frozen_states.value_class
        from states.int_customer_states as open_states
        left join states.int_customer_states as frozen_states
            on open_states.customer_id = frozen_states.customer_id
            and open_states.previous_as_of_date = frozen_states.as_of_date
        where open_states.as_of_date = {FIRST_OPEN}
            and open_states.previous_value_class is distinct from frozen_states.value_class
    """
    assert shop.restated.rows(looked_at) == []
    assert shop.second.rows(looked_at) == []


def test_what_has_no_as_of_date_is_as_a_full_build_makes_it(shop):
    dated = relations(shop.second, column="as_of_date")
    undated = [name for name in relations(shop.second) if name not in dated]
    assert differences(shop.second, shop.restated, undated) == ""


def test_a_customer_whose_only_row_is_deleted_is_known_and_bought_nothing(shop):
    bought = "select lifecycle_stage, purchase_day_count, lifetime_net_amount, monetary_amount "
    bought += "from marts.customers where customer_id = 'c7'"
    assert shop.first.rows(bought) == [("first_purchase", 1, 50, 50)]
    for warehouse in (shop.second, shop.restated):
        assert warehouse.rows(bought) == [("potential", 0, 0, 0)]


def test_a_customer_whose_only_row_is_moved_to_another_is_not_known(shop):
    assert shop.first.value("select count(*) from marts.customers where customer_id = 'c8'") == 1
    for name in ("marts.customers", "marts.customer_states", "activity.known_customers"):
        for warehouse in (shop.second, shop.restated):
            assert warehouse.rows(f"select 1 from {name} where customer_id = 'c8'") == [], name
    # the other customer has it, on its new day
    moved = lifetime_amount(shop.second, "c4", CURRENT)
    assert moved == lifetime_amount(shop.first, "c4", FIRST_CURRENT) + 70
    assert lifetime_amount(shop.second, "c4", OPEN) == lifetime_amount(shop.first, "c4", OPEN)


def test_a_row_that_is_no_longer_a_purchase_no_longer_counts(shop):
    late = 500
    was = lifetime_amount(shop.first, "c1", FIRST_CURRENT)
    assert lifetime_amount(shop.second, "c1", CURRENT) == was + late - 30


def test_a_column_that_comes_later_is_taken_up(shop):
    profit = (
        "select customer_id, profit_amount from marts.customers where profit_amount is not null"
    )
    assert shop.first.rows(profit) == []
    assert shop.second.rows(profit) == [("c3", Decimal("8.5000"))]


# ---- runs that broke off, and changed settings ---------------------------------------------------


def test_a_run_that_broke_off_is_caught_up_by_the_next(shop, tmp_path):
    broken = shop.first.copied(tmp_path)
    deliver_second(broken)
    broken.build("run", *QUIET, "--select", "+stg_transactions")
    broken.build("run", *QUIET, "--select", "+int_purchase_metrics", "--exclude", "stg_feedback")
    assert lifetime_amount(broken, "c2", OPEN) == lifetime_amount(shop.first, "c2", OPEN)
    broken.build(*NEXT_BUILD)
    assert differences(broken, shop.second, relations(shop.second)) == ""


def test_a_run_as_of_another_day_that_broke_off_is_caught_up(shop, tmp_path):
    broken = shop.second.copied(tmp_path)
    one_day_back = {"as_of_date": "2026-09-18"}
    broken.build("run", *QUIET, "--select", "+int_purchase_metrics", variables=one_day_back)
    broken.build(*NEXT_BUILD)
    assert differences(broken, shop.second, relations(shop.second)) == ""


def test_a_full_refresh_that_broke_off_is_caught_up(shop, tmp_path):
    broken = shop.second.copied(tmp_path)
    broken.build("run", *QUIET, "--full-refresh", "--select", "+int_purchase_metrics")
    broken.build(*NEXT_BUILD)
    assert differences(broken, shop.restated, relations(shop.restated)) == ""


def test_a_killed_build_is_repaired_by_the_next(shop, tmp_path):
    """Killed time and again, in staging, activity, states and marts; nothing is half-written."""
    killed = shop.first.copied(tmp_path)
    deliver_second(killed)
    for model in KILLED_IN:
        kill_in(killed, model)
        # what people read can still be read
        assert killed.value("select count(*) from marts.customer_states") > 0
    killed.build(*NEXT_BUILD)
    assert differences(killed, shop.second, relations(shop.second)) == ""


KILLED_IN = ("stg_transactions", "daily_purchases", "int_customer_states", "customers")


# rows go into a table, or a table made beside it takes its name
WRITES = re.compile(r"\b(insert into|rename to)\b", re.IGNORECASE)


def kill_in(warehouse: Warehouse, model: str) -> None:
    """Build in a child of this process, which kills itself before it writes a model's rows."""

    def at_event(event: Any) -> None:
        if event.info.name != "SQLQuery" or event.data.node_info.node_name != model:
            return
        if WRITES.search(event.data.sql):
            os.kill(os.getpid(), signal.SIGKILL)

    child = start_child(lambda: warehouse.build(*NEXT_BUILD, callbacks=[at_event]))
    assert wait_for(child) is signal.SIGKILL


@pytest.mark.parametrize("last", ["stg_transactions", "as_of_dates"])
def test_a_full_refresh_with_other_vars_that_broke_off_is_not_mixed_with(shop, tmp_path, last):
    """Whatever its vars, the next run says that only a full refresh can go on; one then does."""
    broken = shop.second.copied(tmp_path)
    elsewhere = {"business_timezone": "America/New_York"}
    begun = ("--full-refresh", "--select", f"+{last}")
    broken.build("run", *QUIET, *begun, variables=elsewhere)
    for variables in (elsewhere, None):
        with pytest.raises(DbtError, match="did not come to its end"):
            broken.build(*NEXT_BUILD, variables=variables)
    broken.build(*NEXT_BUILD, "--full-refresh")
    assert differences(broken, shop.restated, relations(shop.restated)) == ""
    # and an ordinary run may follow
    broken.build("run", *QUIET, "--select", last)


def test_a_look_back_that_would_restate_what_is_frozen_stops_before_anything_is_built(
    shop, tmp_path
):
    looked_back = shop.second.copied(tmp_path)
    with pytest.raises(DbtError) as caught:
        looked_back.build(*NEXT_BUILD, variables={"as_of_date": "2026-08-15"})
    assert "As of 2026-08-15, month-ends that are frozen would open again or leave (" in str(
        caught.value
    )
    assert "2026-06-30 to 2026-06-30" in str(caught.value)
    assert "Look back in a warehouse of its own. Or: Build all of history again" in str(
        caught.value
    )
    assert differences(looked_back, shop.second, relations(shop.second)) == ""
    # a day of the same month opens nothing again, and a full refresh is asked to restate
    looked_back.build(*NEXT_BUILD, variables={"as_of_date": "2026-09-10"})
    looked_back.build(*NEXT_BUILD)
    assert differences(looked_back, shop.second, relations(shop.second)) == ""
    looked_back.build(*NEXT_BUILD, "--full-refresh", variables={"as_of_date": "2026-05-31"})
    assert looked_back.value("select max(as_of_date) from history.as_of_dates") == date(2026, 5, 31)


@pytest.mark.parametrize(
    ("name", "value"),
    [("rfm_window_days", 90), ("business_timezone", "UTC"), ("churn_after_days", None)],
)
def test_other_vars_without_a_full_refresh_stop_before_anything_is_built(
    shop, tmp_path, name, value
):
    changed = shop.first.copied(tmp_path)
    deliver_second(changed)
    with pytest.raises(DbtError) as caught:
        changed.build(*NEXT_BUILD, variables={name: value})
    assert f"(now: var {name} = {value}), so that" in str(caught.value)
    staged = "select count(*) from staging.stg_transactions"
    assert changed.value(staged) == shop.first.value(staged)


@pytest.mark.parametrize(
    ("table", "column"),
    [("staging.stg_feedback", "raw_key"), ("states.int_purchase_metrics", "last_changed_at")],
)
def test_a_warehouse_of_an_earlier_version_asks_for_a_full_refresh_before_anything_is_built(
    shop, tmp_path, table, column
):
    older = shop.first.copied(tmp_path)
    with duckdb.connect(str(older.path)) as connection:
        connection.execute(f"alter table {table} drop column {column}")
    deliver_second(older)
    with pytest.raises(DbtError) as caught:
        older.build(*NEXT_BUILD)
    assert f"{table} was built by an earlier version" in str(caught.value)
    assert f"without the column {column}" in str(caught.value)
    assert "Build all of history again: make build REFRESH=1" in str(caught.value)
    staged = "select count(*) from staging.stg_transactions"
    assert older.value(staged) == shop.first.value(staged)
    older.build(*NEXT_BUILD, "--full-refresh")
    assert differences(older, shop.restated, ["marts.critical_customers", "marts.customers"]) == ""


def test_vars_that_no_state_depends_on_may_change(shop, tmp_path):
    changed = shop.first.copied(tmp_path)
    free = {"criticality_floor": 0.1, "largest_rejected_share": 0.5, "history_lag_months": 1}
    changed.build("run", *QUIET, "--select", "as_of_dates", variables=free)
    assert changed.value("select count(*) from history.as_of_dates where needs_rebuild") == 0


# ---- what comes later ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def latecomers(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The shop, after a first call, a registration, a mention and a complaint that was none."""
    warehouse = shop.first.copied(tmp_path_factory.mktemp("latecomers"))
    call = {"interaction_id": "i1", "customer_id": "c2", "interaction_type": "phone_call"}
    registration = {"customer_id": "c1", "registered_at": "2026-09-02 04:00:00"}
    warehouse.load_rows(
        interactions=arrived([call | {"occurred_at": "2026-09-01 04:00:00"}], SECOND_ARRIVAL),
        customers=arrived([registration], SECOND_ARRIVAL),
        feedback=arrived([opinion("praise", "2026-09-02")], SECOND_ARRIVAL),
        social_mentions=pd.DataFrame([mention("m2")]),
    )
    warehouse.build(*NEXT_BUILD)
    return warehouse


def test_a_table_that_was_empty_at_first_is_taken_up(latecomers):
    assert latecomers.value("select count(*) from staging.stg_interactions") == 1


def test_a_row_without_an_arrival_waits_for_a_full_refresh(latecomers, tmp_path):
    count = "select count(*) from staging.stg_social_mentions"
    assert latecomers.value(count) == 1
    refreshed = latecomers.copied(tmp_path)
    refreshed.build("run", *QUIET, "--full-refresh", "--select", "+stg_social_mentions")
    assert refreshed.value(count) == 2


def test_a_late_registration_counts_from_its_own_day_on(latecomers):
    registered = f"""
        select bool_and(is_registered = (as_of_date >= date '2026-09-02'))
        from marts.customer_states
        where customer_id = 'c1' and as_of_date > {FROZEN}
    """
    assert latecomers.value(registered)


def test_a_date_with_nothing_left_is_emptied(shop, latecomers):
    """Only the older version of a row that moved past it affects the month-end."""
    complained = f"select 1 from states.int_feedback_metrics where as_of_date = {OPEN}"
    assert shop.first.rows(complained) != []
    assert latecomers.rows(complained) == []
