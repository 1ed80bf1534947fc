"""The expectations of the marts: all pass on the demo bank, and each of them can fail."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from build.run_dbt import PROJECT_FOLDER
from check.expectations import SQL_TYPE, Expectation, MartExpectations, read_expectations
from check.results import validate
from check.validate import EXPECTATIONS_FOLDER
from warehouses import Warehouse

MARTS = read_expectations(EXPECTATIONS_FOLDER)
EXPECTATIONS = {f"{mart.mart}.{one.name}": one for mart in MARTS for one in mart.expectations}
QUERIES = {
    f"{mart.mart}.{one.name}": mart.sql(one)
    for mart in MARTS
    for one in mart.expectations
    if one.type == SQL_TYPE
}

# for each expectation, a change of the marts that must make it fail
FAULTS = {
    "critical_customers.somebody_is_critical": "delete from marts.critical_customers",
    "critical_customers.one_row_per_critical_customer": (
        "delete from marts.critical_customers where criticality_rank = 1"
    ),
    "critical_customers.one_row_per_customer_who_turns": (
        "update marts.critical_customers set turning_point_count = turning_point_count + 1"
    ),
    "critical_customers.is_of_the_current_date": (
        "update marts.critical_customers set as_of_date = as_of_date - 1"
    ),
    "critical_customers.criticality_in_range": (
        "update marts.critical_customers set criticality = 120"
    ),
    "critical_customers.value_at_stake_not_negative": (
        "update marts.critical_customers set value_at_stake_amount = -1"
    ),
    "critical_customers.value_percentile_in_range": (
        "update marts.critical_customers set value_percentile = 1.1"
    ),
    "critical_customers.ranked_by_criticality": (
        "update marts.critical_customers set criticality_rank = criticality_rank + 1"
    ),
    "critical_customers.direction_is_known": (
        "update marts.critical_customers set direction = 'chance'"
    ),
    "critical_customers.reasons_begin_with_the_most_urgent": (
        "update marts.critical_customers set reasons_zh = '其他 | ' || reasons_zh"
    ),
    "critical_customers.act_by_a_day_that_follows": (
        "update marts.critical_customers set act_by_date = act_by_date + 1"
    ),
    "critical_customers.says_what_to_do": "update marts.critical_customers set offer_zh = null",
    "critical_customers.names_are_masked": (
        "update marts.critical_customers set masked_name = '王小明'"
    ),
    "critical_customers.labels_in_both_languages": (
        "update marts.critical_customers set movement_en = ''"
    ),
    "customer_states.has_states": "delete from marts.customer_states",
    "customer_states.as_of_dates_are_complete": """
        delete from marts.customer_states
        where as_of_date = (select min(as_of_date) from marts.customer_states)
    """,
    "customer_states.population_does_not_shrink": (
        "delete from marts.customer_states where is_current and right(customer_id, 1) = '0'"
    ),
    "customer_states.population_does_not_jump": (
        "delete from marts.customer_states where not is_current and right(customer_id, 1) < '5'"
    ),
    "customer_states.recency_score_in_range": (
        "update marts.customer_states set recency_score = 11"
    ),
    "customer_states.frequency_score_in_range": (
        "update marts.customer_states set frequency_score = 0"
    ),
    "customer_states.monetary_score_in_range": (
        "update marts.customer_states set monetary_score = 11"
    ),
    "customer_states.only_buyers_are_scored": (
        "update marts.customer_states set frequency_score = null"
    ),
    "customer_states.class_follows_from_three_thresholds": (
        "update marts.customer_states set is_recency_high = not is_recency_high"
    ),
    "customer_states.net_is_gross_less_returns": (
        "update marts.customer_states set net_amount = net_amount + 0.01"
    ),
    "customer_states.gross_not_negative": "update marts.customer_states set gross_amount = -1",
    "customer_states.returned_not_negative": (
        "update marts.customer_states set returned_amount = -1"
    ),
    "customer_states.recency_not_negative": "update marts.customer_states set recency_days = -1",
    "customer_states.frequency_not_negative": (
        "update marts.customer_states set frequency_count = -1"
    ),
    "customer_states.pace_is_positive": "update marts.customer_states set usual_gap_days = 0",
    "customer_states.lifecycle_follows_from_purchases": (
        "update marts.customer_states set lifecycle_stage = 'potential'"
    ),
    "customer_states.stage_began_by_the_as_of_date": (
        "update marts.customer_states set lifecycle_stage_since_date = as_of_date + 1"
    ),
    "customer_states.previous_date_lies_before": (
        "update marts.customer_states set previous_as_of_date = as_of_date"
    ),
    "customer_states.labels_in_both_languages": (
        "update marts.customer_states set relationship_zh = null"
    ),
    "customers.has_customers": "delete from marts.customers",
    "customers.one_current_state_each": (
        "create or replace table marts.customers as "
        "(select * from marts.customers order by customer_id limit 1)"
        " union all from marts.customers"
    ),
    "customers.is_of_the_current_date": ("update marts.customers set as_of_date = as_of_date - 1"),
    "customers.newest_purchase_is_fresh": (
        "update marts.customers set last_purchase_date = last_purchase_date - 8"
    ),
    "customers.criticality_in_range": "update marts.customers set criticality = 120",
    "customers.value_at_stake_not_negative": (
        "update marts.customers set value_at_stake_amount = -1"
    ),
    "customers.critical_facts_stand_together": "update marts.customers set criticality = null",
    "customers.critical_share_is_workable": "update marts.customers set is_critical = true",
    "customers.registered_share_is_high": (
        "update marts.customers set is_registered = false where right(customer_id, 1) < '5'"
    ),
    "customers.dates_in_order": "update marts.customers set known_since_date = as_of_date + 1",
    "customers.recency_counts_from_last_purchase": (
        "update marts.customers set recency_days = recency_days + 1"
    ),
    "customers.complaints_are_feedback": (
        "update marts.customers set complaint_count = feedback_count + 1"
    ),
    "customers.negative_mentions_are_mentions": (
        "update marts.customers set negative_mention_count = mention_count + 1"
    ),
    "customers.birth_decade_is_plausible": "update marts.customers set birth_decade = 1890",
    "customers.names_are_masked": "update marts.customers set masked_name = '王小明'",
    "customers.labels_in_both_languages": "update marts.customers set movement_zh = null",
    "data_quality_summary.has_accepted_transactions": (
        "delete from marts.data_quality_summary where record_status = 'accepted'"
    ),
    "data_quality_summary.transactions_arrived_by_the_as_of_date": (
        "update marts.data_quality_summary set loaded_date = loaded_date - 30"
    ),
    "data_quality_summary.other_tables_still_arrive": """
        update marts.data_quality_summary
        set loaded_date = loaded_date - 60
        where table_name = 'feedback'
    """,
    "data_quality_summary.newest_delivery_is_mostly_accepted": """
        update marts.data_quality_summary
        set record_count = record_count * 1000
        where record_status = 'rejected'
    """,
    "data_quality_summary.counts_equal_those_of_staging": (
        "update marts.data_quality_summary set record_count = record_count + 1"
    ),
    "data_quality_summary.a_reason_counts_something": (
        "update marts.data_quality_summary set record_count = 0"
    ),
    "data_quality_summary.record_share_in_range": (
        "update marts.data_quality_summary set record_share = 1.5"
    ),
    "data_quality_summary.shares_sum_to_one": (
        "update marts.data_quality_summary set record_share = 0.9 * record_share"
    ),
    "data_quality_summary.status_is_known": (
        "update marts.data_quality_summary set record_status = 'lost'"
    ),
    "data_quality_summary.labels_in_both_languages": (
        "update marts.data_quality_summary set reason_zh = null"
    ),
    "rejected_records.status_is_known": "update marts.rejected_records set record_status = 'lost'",
    "rejected_records.reasons_are_registered": (
        "update marts.rejected_records set reason_code = 'no_mood'"
    ),
    "rejected_records.raw_row_is_kept": "update marts.rejected_records set raw_content = null",
    "rejected_records.personal_data_is_masked": """
        update marts.rejected_records set raw_content = '{"phone": "13800000000"}'
    """,
    "rejected_records.counts_equal_those_of_the_summary": (
        "delete from marts.rejected_records where reason_code = 'missing_customer'"
    ),
    "rejected_records.reason_and_fix_in_both_languages": (
        "update marts.rejected_records set fix_zh = null"
    ),
    "revenue_concentration.every_class_on_every_date": (
        "delete from marts.revenue_concentration where is_current and abc_class = 'b'"
    ),
    "revenue_concentration.newest_concentration_is_current": (
        "delete from marts.revenue_concentration where is_current"
    ),
    "revenue_concentration.customer_share_in_range": (
        "update marts.revenue_concentration set customer_share = 1.5"
    ),
    "revenue_concentration.shares_sum_to_one": (
        "update marts.revenue_concentration set monetary_share = 0.9 * monetary_share"
    ),
    "revenue_concentration.sums_equal_those_of_the_states": (
        "update marts.revenue_concentration set monetary_amount = monetary_amount + 0.01"
    ),
    "revenue_concentration.classes_in_order": (
        "update marts.revenue_concentration set smallest_monetary_amount = 0 where abc_class = 'a'"
    ),
    "revenue_concentration.top_fifth_share_in_range": (
        "update marts.revenue_concentration set top_fifth_monetary_share = 1.1"
    ),
    "revenue_concentration.revenue_has_a_base": (
        "update marts.revenue_concentration set top_fifth_monetary_share = 0.99"
    ),
    "revenue_concentration.labels_in_both_languages": (
        "update marts.revenue_concentration set abc_class_en = null"
    ),
    "rfm_references.three_thresholds_for_every_date": (
        "delete from marts.rfm_references where metric = 'recency_days'"
    ),
    "rfm_references.newest_thresholds_are_current": (
        "update marts.rfm_references set is_current = false"
    ),
    "rfm_references.cut_points_ascend": (
        "update marts.rfm_references set cut_point_1 = cut_point_2 + 1"
    ),
    "rfm_references.thresholds_in_order": (
        "update marts.rfm_references set reference_value = 0 where metric = 'abc_a_line_amount'"
    ),
    "rfm_references.days_and_counts_not_negative": (
        "update marts.rfm_references set reference_value = -1 where metric = 'frequency_count'"
    ),
    "rfm_references.churn_threshold_is_that_of_the_states": (
        "update marts.rfm_references set reference_value = 181 where metric = 'churn_line_days'"
    ),
    "rfm_references.reference_method_is_known": (
        "update marts.rfm_references set reference_method = 'guess'"
    ),
    "rfm_references.score_method_is_known": (
        "update marts.rfm_references set score_method = 'guess'"
    ),
    "rfm_references.thresholds_move_gently": (
        "update marts.rfm_references set reference_value = 2 * reference_value where is_current"
    ),
    "rfm_references.labels_in_both_languages": "update marts.rfm_references set metric_zh = null",
    "turning_points.customers_are_known": (
        "update marts.turning_points set customer_id = 'nobody' where urgency_rank = 1"
    ),
    "turning_points.dates_are_as_of_dates": (
        "update marts.turning_points set as_of_date = as_of_date + 1"
    ),
    "turning_points.somebody_turns_now": "delete from marts.turning_points where is_current",
    "turning_points.types_are_registered": (
        "update marts.turning_points set turning_point_type = 'mood_swing'"
    ),
    "turning_points.strength_in_range": "update marts.turning_points set strength = 1.1",
    "turning_points.strength_is_known": (
        "update marts.turning_points set strength = null where is_current"
    ),
    "turning_points.urgency_is_weight_times_strength": (
        "update marts.turning_points set urgency = urgency + 0.001"
    ),
    "turning_points.reasons_are_ranked": (
        "update marts.turning_points set urgency_rank = urgency_rank + 1"
    ),
    "turning_points.began_by_the_as_of_date": (
        "update marts.turning_points set started_on = as_of_date + 1"
    ),
    "turning_points.reasons_in_whole_sentences": (
        "update marts.turning_points set reason_en = 'Silent for {observed}'"
    ),
    "turning_points.no_type_holds_for_a_crowd": (
        "delete from marts.customers where customer_id not in"
        " (select customer_id from marts.turning_points where is_current)"
    ),
    "turning_points.labels_in_both_languages": (
        "update marts.turning_points set perspective_zh = null"
    ),
    "value_class_migrations.everyone_arrives_somewhere": (
        "delete from marts.value_class_migrations where to_value_class = 'key_value'"
    ),
    "value_class_migrations.everyone_comes_from_somewhere": (
        "delete from marts.value_class_migrations where from_value_class = 'key_value'"
    ),
    "value_class_migrations.newest_moves_are_current": (
        "delete from marts.value_class_migrations where is_current"
    ),
    "value_class_migrations.a_move_moves_somebody": (
        "update marts.value_class_migrations set customer_count = 0"
    ),
    "value_class_migrations.behaviour_moves_are_moves": (
        "update marts.value_class_migrations set behaviour_moved_count = customer_count + 1"
    ),
    "value_class_migrations.threshold_moves_are_moves": (
        "update marts.value_class_migrations set line_moved_count = customer_count + 1"
    ),
    "value_class_migrations.behaviour_and_thresholds_make_the_whole": (
        "update marts.value_class_migrations set line_rank_change = line_rank_change + 1"
    ),
    "value_class_migrations.thresholds_move_few": (
        "update marts.value_class_migrations set line_moved_count = customer_count"
    ),
    "value_class_migrations.labels_in_both_languages": (
        "update marts.value_class_migrations set to_value_class_en = null"
    ),
    "value_class_summary.every_class_on_every_date": """
        delete from marts.value_class_summary where is_current and value_class = 'key_value'
    """,
    "value_class_summary.newest_summary_is_current": (
        "delete from marts.value_class_summary where is_current"
    ),
    "value_class_summary.customer_share_in_range": (
        "update marts.value_class_summary set customer_share = 1.5"
    ),
    "value_class_summary.shares_sum_to_one": (
        "update marts.value_class_summary set customer_share = 0.9 * customer_share"
    ),
    "value_class_summary.sums_equal_those_of_the_states": (
        "update marts.value_class_summary set customer_count = customer_count + 1"
    ),
    "value_class_summary.movement_adds_up": (
        "update marts.value_class_summary set arrived_count = arrived_count + 1"
    ),
    "value_class_summary.no_class_holds_nearly_all": """
        update marts.value_class_summary
        set customer_count = 0
        where value_class not in ('general_win_back', 'no_purchase')
    """,
    "value_class_summary.labels_in_both_languages": (
        "update marts.value_class_summary set value_class_zh = null"
    ),
}


@pytest.fixture(scope="module")
def loose_warehouse(demo_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo bank with marts that are all tables, so that any row can be changed."""
    path = tmp_path_factory.mktemp("loose") / "warehouse.duckdb"
    shutil.copy(demo_warehouse.path, path)
    with duckdb.connect(str(path)) as connection:
        views = connection.execute(
            "select table_name from information_schema.views where table_schema = 'marts'"
        ).fetchall()
        for (view,) in views:
            connection.execute(f"create table marts.{view}_rows as select * from marts.{view}")
            connection.execute(f"drop view marts.{view}")
            connection.execute(f"alter table marts.{view}_rows rename to {view}")
    return path


@pytest.fixture(scope="module")
def loose_connection(loose_warehouse: Path) -> duckdb.DuckDBPyConnection:
    """A connection for tests that roll their changes back."""
    with duckdb.connect(str(loose_warehouse)) as connection:
        yield connection


def test_every_mart_has_expectations() -> None:
    models = {path.stem for path in (PROJECT_FOLDER / "models/marts").rglob("*.sql")}
    assert {mart.mart for mart in MARTS} == models


def test_every_expectation_has_a_fault() -> None:
    assert set(FAULTS) == set(EXPECTATIONS)


def test_the_demo_bank_passes(demo_warehouse: Warehouse) -> None:
    result = validate(MARTS, demo_warehouse.path, fail_on="warning")
    assert [failure.name for failure in result.failures] == []
    assert result.success
    assert result.as_of_date == "2026-09-18"
    assert result.summary.passed_count == len(EXPECTATIONS)
    assert result.marts_without_expectations == []


@pytest.mark.parametrize("name", QUERIES)
def test_sql_finds_its_fault(loose_connection: duckdb.DuckDBPyConnection, name: str) -> None:
    assert loose_connection.execute(QUERIES[name]).fetchall() == []
    loose_connection.execute("begin")
    try:
        loose_connection.execute(FAULTS[name])
        assert loose_connection.execute(QUERIES[name]).fetchall()
    finally:
        loose_connection.execute("rollback")


def counts_rows(expectation: Expectation) -> bool:
    return expectation.type == "expect_table_row_count_to_be_between"


def checks_a_column(expectation: Expectation) -> bool:
    return expectation.type != SQL_TYPE and not counts_rows(expectation)


# a mart without rows has no other fault, so rows are counted in a warehouse of their own
@pytest.mark.parametrize("chosen", [checks_a_column, counts_rows])
def test_the_other_expectations_find_their_faults(
    loose_warehouse: Path, tmp_path: Path, chosen: Callable[[Expectation], bool]
) -> None:
    marts = [only(mart, chosen) for mart in MARTS if any(map(chosen, mart.expectations))]
    # in their order, because two faults can change the same column
    names = [f"{mart.mart}.{one.name}" for mart in marts for one in mart.expectations]
    warehouse = tmp_path / "warehouse.duckdb"
    shutil.copy(loose_warehouse, warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        for name in names:
            connection.execute(FAULTS[name])
    failed = validate(marts, warehouse).failures
    assert {f"{failure.mart}.{failure.name}" for failure in failed} == set(names)


def only(mart: MartExpectations, chosen: Callable[[Expectation], bool]) -> MartExpectations:
    """A mart with some of its expectations."""
    return mart.model_copy(update={"expectations": list(filter(chosen, mart.expectations))})
