"""The expectations of the marts: they hold, each of them can fail, and what fails is told."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from build.run_dbt import PROJECT_FOLDER
from check import validate
from check.validate import SQL_TYPE, Expectation, MartExpectations, ValidationStopped
from click.testing import CliRunner, Result
from warehouses import Warehouse

MARTS = validate.read_expectations(validate.EXPECTATIONS_FOLDER)
EXPECTATIONS = {one.full_name: one for mart in MARTS for one in mart.expectations}

# What must make an expectation fail, one fault for each.
FAULTS = {
    "critical_customers.somebody_is_critical": "delete from marts.critical_customers",
    "critical_customers.one_row_per_critical_customer": (
        "delete from marts.critical_customers where criticality_rank = 1"
    ),
    "critical_customers.one_row_per_customer_who_turns": (
        "update marts.critical_customers set turning_point_count = turning_point_count + 1"
    ),
    "critical_customers.told_as_of_the_current_date": (
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
    "customer_states.class_follows_from_three_lines": (
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
        "insert into marts.customers select * from marts.customers order by customer_id limit 1"
    ),
    "customers.told_as_of_the_current_date": (
        "update marts.customers set as_of_date = as_of_date - 1"
    ),
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
    "rejected_records.reason_and_mend_in_both_languages": (
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
    "rfm_references.three_lines_for_every_date": (
        "delete from marts.rfm_references where metric = 'recency_days'"
    ),
    "rfm_references.newest_lines_are_current": (
        "update marts.rfm_references set is_current = false"
    ),
    "rfm_references.cut_points_ascend": (
        "update marts.rfm_references set cut_point_1 = cut_point_2 + 1"
    ),
    "rfm_references.lines_in_order": (
        "update marts.rfm_references set reference_value = 0 where metric = 'abc_a_line_amount'"
    ),
    "rfm_references.days_and_counts_not_negative": (
        "update marts.rfm_references set reference_value = -1 where metric = 'frequency_count'"
    ),
    "rfm_references.churn_line_is_that_of_the_states": (
        "update marts.rfm_references set reference_value = 181 where metric = 'churn_line_days'"
    ),
    "rfm_references.reference_method_is_known": (
        "update marts.rfm_references set reference_method = 'guess'"
    ),
    "rfm_references.score_method_is_known": (
        "update marts.rfm_references set score_method = 'guess'"
    ),
    "rfm_references.lines_move_gently": (
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
        "update marts.turning_points set turning_point_type = 'slipping'"
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
    "value_class_migrations.line_moves_are_moves": (
        "update marts.value_class_migrations set line_moved_count = customer_count + 1"
    ),
    "value_class_migrations.behaviour_and_line_make_the_whole": (
        "update marts.value_class_migrations set line_rank_change = line_rank_change + 1"
    ),
    "value_class_migrations.lines_move_few": (
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


@pytest.fixture
def faulty_warehouse(loose_warehouse: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes a copy of the warehouse in which faults are planted."""

    def plant(*faults: str) -> Path:
        path = tmp_path / "warehouse.duckdb"
        shutil.copy(loose_warehouse, path)
        with duckdb.connect(str(path)) as connection:
            for fault in faults:
                connection.execute(fault)
        return path

    return plant


@pytest.fixture
def expectations_of(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder with the expectations of some marts only, which is faster."""

    def copy(*marts: str) -> Path:
        folder = tmp_path / "expectations"
        folder.mkdir()
        for mart in marts:
            shutil.copy(validate.EXPECTATIONS_FOLDER / f"{mart}.expectations.yml", folder)
        return folder

    return copy


def run(*arguments: object) -> Result:
    """The command, in a terminal that is wide enough not to break lines."""
    command = [str(argument) for argument in arguments]
    return CliRunner().invoke(validate.main, command, env={"COLUMNS": "400"})


def only(mart: MartExpectations, chosen: Callable[[Expectation], bool]) -> MartExpectations:
    """The expectations of a mart that are chosen."""
    return replace(mart, expectations=[one for one in mart.expectations if chosen(one)])


# -- they hold, and each of them can fail ----------------------------------------------------------


def test_every_mart_has_its_expectations() -> None:
    marts = {path.stem for path in (PROJECT_FOLDER / "models/marts").rglob("*.sql")}
    assert {mart.mart for mart in MARTS} == marts
    assert [mart.file_name for mart in MARTS] == [f"{m.mart}.expectations.yml" for m in MARTS]


def test_a_built_warehouse_passes(demo_warehouse: Warehouse) -> None:
    result = run(demo_warehouse.path)
    assert result.exit_code == 0, result.output
    count = len(EXPECTATIONS)
    assert f"{count} of {count} expectations hold as of 2026-09-18" in result.output
    page = demo_warehouse.path.with_name("validation.html").read_text(encoding="utf-8")
    assert "Everything holds" in page
    assert "What does not hold" not in page


def test_every_expectation_has_a_fault() -> None:
    assert set(FAULTS) == set(EXPECTATIONS)


@pytest.fixture(scope="module")
def loose_connection(loose_warehouse: Path) -> duckdb.DuckDBPyConnection:
    """A connection whose changes are rolled back by whoever makes them."""
    with duckdb.connect(str(loose_warehouse)) as connection:
        yield connection


@pytest.mark.parametrize(
    "name", [name for name, one in EXPECTATIONS.items() if one.type == SQL_TYPE]
)
def test_sql_finds_its_fault(loose_connection: duckdb.DuckDBPyConnection, name: str) -> None:
    query = validate.runnable(EXPECTATIONS[name])
    assert loose_connection.execute(query).fetchall() == []
    loose_connection.execute("begin")
    try:
        loose_connection.execute(FAULTS[name])
        assert loose_connection.execute(query).fetchall()
    finally:
        loose_connection.execute("rollback")


def test_all_other_expectations_find_their_faults(faulty_warehouse: Callable[..., Path]) -> None:
    def counts_rows(expectation: Expectation) -> bool:
        return expectation.type == "expect_table_row_count_to_be_between"

    def looks_at_columns(expectation: Expectation) -> bool:
        return expectation.type != SQL_TYPE and not counts_rows(expectation)

    # rows are counted last, as an empty mart has no other fault
    for chosen in (looks_at_columns, counts_rows):
        marts = [only(mart, chosen) for mart in MARTS]
        marts = [mart for mart in marts if mart.expectations]
        names = [one.full_name for mart in marts for one in mart.expectations]
        warehouse = faulty_warehouse(*(FAULTS[name] for name in names))
        failed = validate.failures_of(validate.validate(marts, warehouse))
        assert {f"{one['mart']}.{one['name']}" for one in failed} == set(names)


# -- what fails is told ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mart", "fault", "failing", "sample"),
    [
        pytest.param(
            "customers",
            FAULTS["customers.one_current_state_each"],
            "one_current_state_each",
            "customer_id C10000001  customer_rows 2  state_rows 1",
            id="a customer twice",
        ),
        pytest.param(
            "customers",
            "update marts.customers set movement_zh = null where customer_id = 'C10000007'",
            "labels_in_both_languages",
            "customer_id C10000007",
            id="a label is missing",
        ),
        pytest.param(
            "critical_customers",
            "update marts.critical_customers set criticality = 120 where criticality_rank = 1",
            "criticality_in_range",
            "criticality 120",
            id="criticality 120",
        ),
        pytest.param(
            "turning_points",
            "update marts.turning_points set as_of_date = date '2026-09-17' where is_current",
            "dates_are_as_of_dates",
            "as_of_date 2026-09-17  is_current true",
            id="a stale as-of date",
        ),
        pytest.param(
            "value_class_summary",
            FAULTS["value_class_summary.every_class_on_every_date"],
            "every_class_on_every_date",
            "as_of_date 2026-09-18  value_class key_value  row_count 0",
            id="a lost class",
        ),
        pytest.param(
            "revenue_concentration",
            """
            update marts.revenue_concentration set customer_share = 1.5
            where is_current and abc_class = 'a'
            """,
            "customer_share_in_range",
            "as_of_date 2026-09-18  abc_class a  customer_share 1.5",
            id="a share above one",
        ),
    ],
)
def test_a_critical_fault_is_named_with_its_key(
    faulty_warehouse: Callable[..., Path],
    expectations_of: Callable[..., Path],
    mart: str,
    fault: str,
    failing: str,
    sample: str,
) -> None:
    warehouse = faulty_warehouse(fault)
    result = run(warehouse, "--expectations", expectations_of(mart))
    assert result.exit_code == 1, result.output
    assert f"critical  {mart}.{failing}" in result.output
    assert sample in result.output
    because = EXPECTATIONS[f"{mart}.{failing}"].because
    assert because in result.output
    page = warehouse.with_name("validation.html").read_text(encoding="utf-8")
    assert "What does not hold" in page
    assert because in page


def test_a_warning_fails_only_on_demand(
    faulty_warehouse: Callable[..., Path], expectations_of: Callable[..., Path]
) -> None:
    warehouse = faulty_warehouse(FAULTS["revenue_concentration.revenue_has_a_base"])
    folder = expectations_of("revenue_concentration")
    arguments = (warehouse, "--expectations", folder)
    result = run(*arguments)
    assert result.exit_code == 0
    assert "warning  revenue_concentration.revenue_has_a_base" in result.output
    assert "8 of 9 expectations hold" in result.output
    assert run(*arguments, "--fail-on", "warning").exit_code == 1


def test_many_failing_rows_are_counted_and_a_few_are_shown(
    faulty_warehouse: Callable[..., Path],
) -> None:
    # more rows than Great Expectations fetches at a time
    warehouse = faulty_warehouse(
        FAULTS["critical_customers.names_are_masked"],
        FAULTS["critical_customers.criticality_in_range"],
    )
    [mart] = [mart for mart in MARTS if mart.mart == "critical_customers"]
    result = validate.validate([mart], warehouse)
    [told] = result["marts"]
    by_name = {one["name"]: one for one in told["expectations"]}
    count = f"{told['row_count']:,}"
    assert told["row_count"] > 200
    assert by_name["names_are_masked"]["observed"] == f"{count} rows against it"
    assert by_name["criticality_in_range"]["observed"] == f"{count} of {count} rows"
    for name in ("names_are_masked", "criticality_in_range"):
        assert len(by_name[name]["sample"]["rows"]) == validate.SAMPLE_ROWS
    # the names that should not be there are not in the report either
    assert "王小明" not in json.dumps(result, ensure_ascii=False)
    # the same warehouse gives the same page
    assert validate.render_report(result) == validate.render_report(
        validate.validate([mart], warehouse)
    )
    # nobody is kept from writing afterwards
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("drop table marts.critical_customers")


def test_the_page_needs_no_other_file_and_runs_nothing(
    faulty_warehouse: Callable[..., Path], expectations_of: Callable[..., Path], tmp_path: Path
) -> None:
    folder = expectations_of("value_class_summary")
    path = folder / "value_class_summary.expectations.yml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("named in English and in Chinese", "named <b>twice</b>")
    path.write_text(text, encoding="utf-8")
    warehouse = faulty_warehouse(
        "update marts.value_class_summary set value_class_zh = ''",
        "update marts.value_class_summary set value_class = '<script>x</script>'",
    )
    report = tmp_path / "pages.html"
    assert run(warehouse, "--expectations", folder, "--report", report).exit_code == 1
    page = report.read_text(encoding="utf-8")
    assert not re.search(r"https?:|//|url\(|src=|@import|<script|<link|<iframe", page)
    assert "named &lt;b&gt;twice&lt;/b&gt;" in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    # every link leads to a place on the page
    assert set(re.findall(r'href="#(\w+)"', page)) <= set(re.findall(r' id="(\w+)"', page))
    assert 'name="viewport"' in page


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "true"),
        (2026, "2026"),
        (20000, "20,000"),
        (0.5, "0.5"),
        (12.0, "12"),
        (-0.00000001, "-1e-08"),
        (Decimal("1234567.8900"), "1,234,567.89"),
        ([1, None], "1, –"),
        ("", ""),
    ],
)
def test_cells_are_readable(value: object, text: str) -> None:
    assert validate.shown(value) == text


# -- what cannot be checked ------------------------------------------------------------------------


def test_a_missing_warehouse(tmp_path: Path) -> None:
    result = run(tmp_path / "warehouse.duckdb")
    assert result.exit_code == 2
    assert f"There is no warehouse {tmp_path}/warehouse.duckdb: build one" in result.output


def test_a_file_that_is_no_warehouse(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("no database" * 1000)
    result = run(path)
    assert result.exit_code == 2
    assert f"{path} cannot be opened as a warehouse" in result.output


def test_a_warehouse_that_has_not_been_built(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema raw")
    result = run(path)
    assert result.exit_code == 2
    assert "has not been built: it has no schema marts" in result.output


def test_a_mart_that_is_missing(faulty_warehouse: Callable[..., Path]) -> None:
    result = run(faulty_warehouse("drop table marts.turning_points"))
    assert result.exit_code == 2
    assert "turning_points.expectations.yml speaks of the mart turning_points" in result.output
    assert "mend the name, or run dbt build" in result.output


def test_a_warehouse_that_is_being_written(loose_warehouse: Path, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    shutil.copy(loose_warehouse, path)
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as writer:
        assert writer.stdout.readline() == "open\n"
        result = run(path)
        writer.communicate("\n")
    assert result.exit_code == 2
    assert f"is open for writing in process {writer.pid}: wait until it has ended" in result.output


def test_a_report_that_cannot_be_written(
    demo_warehouse: Warehouse, expectations_of: Callable[..., Path], tmp_path: Path
) -> None:
    report = tmp_path / "nowhere" / "page.html"
    folder = expectations_of("rejected_records")
    result = run(demo_warehouse.path, "--expectations", folder, "--report", report)
    assert result.exit_code == 2
    assert f"The report {report} cannot be written: No such file or directory." in result.output


GOOD_FILE = """
mart: customers
key: [customer_id]
expectations:
  - name: in_range
    because: Criticality is a mark from 0 to 100.
    severity: critical
    type: expect_column_values_to_be_between
    arguments: {column: criticality, min_value: 0, max_value: 100}
  - name: masked
    because: Names are masked.
    severity: warning
    type: unexpected_rows_expectation
    arguments:
      length: 3
      unexpected_rows_query: select customer_id from {batch} where length(masked_name) > {length}
"""


@pytest.mark.parametrize(
    ("good", "bad", "sentence"),
    [
        ("mart: customers", "mart: customer", "speaks of the mart customer, which"),
        ("mart: customers", "mart: customer", "(did you mean customers?)"),
        ("mart: customers", "mart: [", "customers.expectations.yml cannot be read"),
        ("key: [customer_id]", "key: [id]", "key: the mart has no column id"),
        ("key: [customer_id]", "keys: [customer_id]", "key must be there and be a list"),
        ("severity: critical", "severity: high", "severity is high; it can be critical or warning"),
        ("because: Names", "reason: Names", "masked: because must be there and be a text"),
        ("name: masked", "name: in_range", "there are two expectations of this name"),
        ("column: criticality", "column: critcality", "(did you mean criticality?)"),
        ("values_to_be_between", "value_to_be_between", "has no expect_column_value_to_be_between"),
        ("values_to_be_between", "value_to_be_between", "mean expect_column_values_to_be_between?"),
        (
            "values_to_be_between",
            "quantile_values_to_be_between",
            "does not work on DuckDB; it stops the whole checkpoint",
        ),
        (
            "values_to_be_between",
            "values_to_match_regex",
            "does not work on DuckDB; use unexpected_rows_expectation with regexp_matches",
        ),
        (
            "min_value: 0",
            "minimum: 0",
            "in_range: expect_column_values_to_be_between does not take",
        ),
        ("masked_name", "name_masked", "masked: its SQL does not run: Binder Error"),
        ("{batch}", "marts.customers", "must read the mart as {batch}"),
        ("> {length}", "> 3", "the query has no {length} to fill the argument in"),
        ("> {length}", "> {length} + {more}", "has a brace that cannot be filled in"),
    ],
)
def test_a_file_that_is_wrong(
    demo_warehouse: Warehouse, tmp_path: Path, good: str, bad: str, sentence: str
) -> None:
    assert good in GOOD_FILE
    path = tmp_path / "customers.expectations.yml"
    path.write_text(GOOD_FILE.replace(good, bad), encoding="utf-8")
    result = run(demo_warehouse.path, "--expectations", tmp_path)
    assert result.exit_code == 2, result.output
    assert sentence in result.output
    assert "customers.expectations.yml" in result.output
    assert "Traceback" not in result.output


def test_a_folder_without_expectations(demo_warehouse: Warehouse, tmp_path: Path) -> None:
    result = run(demo_warehouse.path, "--expectations", tmp_path)
    assert result.exit_code == 2
    assert f"{tmp_path} holds no file that ends in .expectations.yml" in result.output


def test_a_mart_of_two_files(demo_warehouse: Warehouse, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.expectations.yml").write_text(GOOD_FILE, encoding="utf-8")
    result = run(demo_warehouse.path, "--expectations", tmp_path)
    assert result.exit_code == 2
    assert "both speak of the mart customers" in result.output


# -- Great Expectations on DuckDB ------------------------------------------------------------------


def test_the_kept_connection_is_still_needed(
    demo_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate.load_great_expectations()
    from great_expectations.execution_engine import sqlalchemy_execution_engine as engines

    as_shipped = tuple(
        dialect for dialect in engines._PERSISTED_CONNECTION_DIALECTS if dialect.value != "duckdb"
    )
    monkeypatch.setattr(engines, "_PERSISTED_CONNECTION_DIALECTS", as_shipped)
    monkeypatch.setattr(validate, "keep_connection_of_duckdb", lambda: None)
    [mart] = [mart for mart in MARTS if mart.mart == "rejected_records"]
    # when this fails Great Expectations has learnt it: take keep_connection_of_duckdb away
    with pytest.raises(ValidationStopped, match="list index out of range"):
        validate.validate([mart], demo_warehouse.path)


def test_the_command_says_nothing_but_its_result(
    demo_warehouse: Warehouse, expectations_of: Callable[..., Path]
) -> None:
    folder = expectations_of("data_quality_summary")
    script = PROJECT_FOLDER / "scripts" / "check" / "validate.py"
    done = subprocess.run(
        [sys.executable, script, demo_warehouse.path, "--expectations", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    # the warehouse was checked in part, which is told
    assert "Nothing is expected of the mart customers." in done.stdout
    assert "10 of 10 expectations hold" in done.stdout
