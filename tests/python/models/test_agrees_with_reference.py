"""The warehouse against the reference: states, turning points and critical customers.

reference.py computes all of them from the raw tables by the rules alone. The warehouse must have
the same rows and cells on every as-of date, whatever the vars.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
import reference
from build.run_dbt import PROJECT_FOLDER
from compare import differences
from demo.generate_demo import generate_demo
from load.mapping import read_mapping
from made_once import DEMO, PROJECT, MadeOnce
from reference_input import JUDGES
from warehouses import NO_TESTS, Warehouse

PROJECT_FILE = PROJECT_FOLDER / "dbt_project.yml"
SEEDS = reference.read_seeds(PROJECT_FOLDER / "seeds")
DEFAULTS = reference.read_variables(PROJECT_FILE)

# -- warehouse and reference ----------------------------------------------------------------------

COMPARED = {
    # columns, relation, key
    "states": (
        reference.STATE_COLUMNS,
        "states.int_customer_states",
        ["customer_id", "as_of_date"],
    ),
    "points": (
        reference.POINT_COLUMNS,
        "critical.int_turning_points_unioned",
        ["customer_id", "as_of_date", "turning_point_type"],
    ),
    "critical": (reference.CRITICAL_COLUMNS, "marts.critical_customers", ["customer_id"]),
}


@dataclass
class BothSides:
    """A warehouse, and what the reference says of its raw rows."""

    warehouse: Warehouse
    settled: dict[str, pd.DataFrame]
    reference: dict[str, pd.DataFrame]

    def differing_records(self) -> Counter:
        """Raw rows of a table and key that one side accepts, rejects or drops otherwise."""
        counts = Counter()
        for table, (key, _) in JUDGES.items():
            columns = (self.settled[table][name] for name in (key, "record_status", "reason_code"))
            for record_key, status, reason in zip(*map(list, columns), strict=True):
                counts[table, none_of(record_key), status, none_of(reason)] += 1
        for *row, count in self.warehouse.rows(
            """
            select table_name, record_key, record_status, reason_code, count(*)
            from staging.int_records_unioned
            group by all
            """
        ):
            counts[tuple(row)] -= count
        return Counter({row: count for row, count in counts.items() if count})

    def differing_cells(self, name: str) -> pd.DataFrame:
        """Cells of the states, points or critical customers that are not the same in both."""
        columns, relation, key = COMPARED[name]
        rows = self.warehouse.frame(f"select {', '.join(columns)} from {relation}")
        assert len(rows) > 0
        return but_for_halves(differences(self.reference[name], rows, key))


def none_of(value: Any) -> Any:
    return None if pd.isna(value) else value


def but_for_halves(cells: pd.DataFrame) -> pd.DataFrame:
    """Without the paces that differ by one in their last, eighth decimal.

    A quarter or an eighth of a line often ends in a half of that decimal, and a double lies on
    either side of it.
    """
    last_decimal = Decimal("0.00000001")
    is_half = [
        column == "usual_gap_days"
        and None not in (left, right)
        and abs(left - right) <= last_decimal
        for column, left, right in zip(cells["column"], cells["left"], cells["right"], strict=True)
    ]
    return cells[[not half for half in is_half]]


def both_sides(warehouse: Warehouse, **changes: Any) -> BothSides:
    """What the reference says of the raw rows of a warehouse that was built with these vars."""
    variables = {**DEFAULTS, **changes}
    loaded = warehouse.rows("select table_name from duckdb_tables() where schema_name = 'raw'")
    raw = {
        table: warehouse.frame(f"select * from raw.{table}")
        for (table,) in loaded
        if table in JUDGES
    }
    settled = reference.settle(raw, SEEDS, variables)
    accepted = {
        table: rows[rows["record_status"] == "accepted"].reset_index(drop=True)
        for table, rows in settled.items()
    }
    states = reference.customer_states(accepted, SEEDS, variables)
    points = reference.turning_points(states, SEEDS, variables)
    critical = reference.critical_customers(
        states, points, reference.daily_purchases(accepted), SEEDS, variables
    )
    return BothSides(warehouse, settled, {"states": states, "points": points, "critical": critical})


# -- the demo bank and Online Retail, by the defaults ---------------------------------------------


@pytest.fixture(scope="module")
def demo(demo_warehouse: Warehouse) -> BothSides:
    return both_sides(demo_warehouse)


@pytest.fixture(scope="module")
def shop(shop_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> BothSides:
    warehouse = shop_warehouse.copied(tmp_path_factory.mktemp("shop"))
    variables = read_mapping(PROJECT_FOLDER / "data" / "online_retail").vars
    warehouse.build(variables=variables)
    return both_sides(warehouse, **variables)


@pytest.mark.parametrize("bank", ["demo", "shop"])
def test_the_same_records_are_accepted(request: pytest.FixtureRequest, bank: str) -> None:
    assert not request.getfixturevalue(bank).differing_records()


@pytest.mark.parametrize("bank", ["demo", "shop"])
@pytest.mark.parametrize("name", list(COMPARED))
def test_both_have_the_same_cells(request: pytest.FixtureRequest, bank: str, name: str) -> None:
    differing = request.getfixturevalue(bank).differing_cells(name)
    assert differing.empty, differing.head(20).to_string()


def test_the_demo_has_something_of_everything_to_compare(demo: BothSides) -> None:
    points, states = demo.reference["points"], demo.reference["states"]
    assert states["as_of_date"].nunique() == 14
    types = SEEDS["turning_point_types"]["turning_point_type"]
    assert set(points["turning_point_type"]) == set(types)
    classes = SEEDS["value_classes"]["value_class"]
    assert set(states["value_class"]) == set(classes) - {"newly_known"}
    for column, codes in SEEDS["labels"].groupby("column_name")["code"]:
        if column in states:
            assert set(states[column]) == set(codes), column


@pytest.mark.parametrize("facts", ["daily_purchases", "daily_interactions"])
def test_the_facts_of_a_customer_stand_side_by_side(demo_warehouse: Warehouse, facts: str) -> None:
    """Every measure of every as-of date adds them up; scattered, that takes three times as long."""
    scattered = f"""
        select count(*) from (
            select
                customer_id,
                lag(customer_id) over (order by rowid) as customer_before
            from activity.{facts}
        )
        where customer_id < customer_before
    """
    assert demo_warehouse.value(scattered) == 0


def test_rfm_alone_is_what_the_states_hold_of_their_buyers(demo_warehouse: Warehouse) -> None:
    """Straight from the staged purchases, beside what went through all models of states."""
    demo_warehouse.build("compile", "--select", "rfm_alone")
    [analysis] = demo_warehouse.target_folder.glob("compiled/*/analyses/rfm_alone.sql")
    alone = demo_warehouse.frame(analysis.read_text(encoding="utf-8"))
    states = demo_warehouse.frame(
        f"select {', '.join(alone.columns)} from marts.customer_states"
        " where is_current and recency_score is not null"
    )
    assert len(states) > 1_000
    sides = [table.sort_values("customer_id").to_dict("records") for table in (alone, states)]
    assert sides[0] == sides[1]


# -- every var ------------------------------------------------------------------------------------

# a history with a leap day in it
LAST_DAY = date(2024, 3, 18)
CASES: dict[str, dict[str, Any]] = {
    "lifetime to a leap day": {
        "as_of_date": "2024-02-29",
        "history_months": 4,
        "records_per_statement": 1,
        "rfm_window_days": None,
        "rfm_frequency_unit": "orders",
        "rfm_monetary_basis": "gross",
        "rfm_score_bins": 3,
        "value_class_reference": "median",
        "churn_after_days": None,
        "churn_gap_share": 0.8,
    },
    "fixed lines at the end of a year": {
        "as_of_date": "2023-12-31",
        "history_months": 3,
        "business_timezone": "America/New_York",
        "rfm_window_days": 180,
        "rfm_score_method": "fixed",
        "value_class_reference": "fixed",
        "negative_amount_is_return": True,
        "earliest_valid_date": "2022-09-01",
        "largest_valid_amount": 50000,
    },
    "fixed scores of ten as the line": {
        "history_months": 3,
        "business_timezone": "UTC",
        "rfm_score_method": "fixed",
        "rfm_score_bins": 10,
        "value_class_reference": "score",
        "rfm_window_days": 30,
        "rfm_frequency_unit": "orders",
        "churn_after_days": 30,
    },
    "ten quantiles as the line": {
        "history_months": 3,
        "as_of_date": "2024-03-01",
        "business_timezone": "Pacific/Apia",
        "rfm_score_bins": 10,
        "value_class_reference": "score",
        "rfm_monetary_basis": "gross",
        "churn_after_days": None,
        "negative_amount_is_return": True,
    },
    "other numbers, a month after the data": {
        "as_of_date": "2024-04-30",
        "history_months": 5,
        "records_per_statement": 30000,
        "rfm_window_days": 91,
        "abc_a_share": 0.6,
        "abc_b_share": 0.85,
        "high_value_share": 0.15,
        "mid_value_share": 0.7,
        "churn_after_days": 120,
        "recent_days": 45,
        "at_risk_pace_multiple": 1.5,
        "growth_share": 0.1,
        "super_customer_purchases": 4,
        "slipping_min_purchase_days": 2,
        "shallow_known_days": 400,
        "second_purchase_tail_share": 0.18,
        "value_drop_days": 60,
        "value_drop_min_purchase_days": 2,
        "value_drop_share": 0.7,
        "complaint_days": 120,
        "low_rating_share": 0.6,
        "engagement_faded_days": 30,
        "engagement_faded_min_interactions": 4,
        "engagement_faded_share": 0.5,
        "engagement_surge_days": 14,
        "engagement_surge_min_interactions": 2,
        "engagement_surge_multiple": 2.5,
        "criticality_floor": 0.15,
    },
}
CHOICES = {
    "rfm_frequency_unit": {"purchase_days", "orders"},
    "rfm_monetary_basis": {"net", "gross"},
    "rfm_score_method": {"quantile", "fixed"},
    "value_class_reference": {"mean", "median", "fixed", "score"},
    "negative_amount_is_return": {False, True},
}
# the shop has another currency; the other two decide what is built and not what it says
SWITCHED_ELSEWHERE = {"base_currency", "history_lag_months", "largest_rejected_share"}


def test_every_var_is_switched_by_some_case() -> None:
    switched = {name for case in CASES.values() for name in case if case[name] != DEFAULTS[name]}
    assert switched | SWITCHED_ELSEWHERE == set(DEFAULTS) - {"settings"}
    for name, choices in CHOICES.items():
        assert {
            DEFAULTS[name],
            *(case.get(name, DEFAULTS[name]) for case in CASES.values()),
        } == choices


@pytest.fixture(scope="module")
def small_bank(made_once: MadeOnce, seeds_folder: Path, target_folder: Path) -> Warehouse:
    """A bank of 400 customers, loaded, with its seeds."""

    def make(folder: Path) -> None:
        warehouse = Warehouse(seeds_folder, target_folder).copied(folder)
        with TemporaryDirectory() as bank:
            generate_demo(Path(bank), customers=400, end_date=LAST_DAY)
            warehouse.load(Path(bank) / "delivery", input_name="demo_bank")

    return Warehouse(made_once("small_bank", make, *DEMO, *PROJECT), target_folder)


@pytest.mark.parametrize("case", list(CASES))
def test_both_have_the_same_by_other_vars(small_bank: Warehouse, tmp_path: Path, case: str) -> None:
    warehouse = small_bank.copied(tmp_path)
    warehouse.build(
        *("build", *NO_TESTS, "--exclude-resource-type", "seed"),
        *("--select", "+critical_customers", "int_records_unioned"),
        variables=CASES[case],
    )
    sides = both_sides(warehouse, **CASES[case])
    for name in COMPARED:
        differing = sides.differing_cells(name)
        assert differing.empty, f"{name}\n{differing.head(20).to_string()}"
    assert not sides.differing_records()
