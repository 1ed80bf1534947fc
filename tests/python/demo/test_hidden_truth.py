"""What was hidden in the demo bank, and how much of it the warehouse finds on each as-of date.

generate_demo.py gives each customer an archetype, some of them a turning point at which they stand
for some days of the history, and plants dirt among the rows. It writes down what it hid beside the
delivery, where dbt sees nothing of it.
"""

import calendar
import statistics
from pathlib import Path

import pandas as pd
import pytest
from warehouses import Warehouse

# turning-point type: least recall, least precision. Recall holds on the current date and over the
# month-ends of the last year; precision over all of these dates, a little below what is measured.
# A customer who is found and was not meant stands at that point too, by chance or on the way to
# another: archetypes are ways to behave, and types are lines that anyone can cross.
LEAST_FOUND = {
    # complaints are rare, and others get an answer
    "complained_while_valuable": (1.00, 0.80),
    # whoever leaves, for what reason ever, is slipping before being gone
    "slipping": (1.00, 0.20),
    # what one customer pays differs thirtyfold from day to day, so that a quarter with few
    # purchases is often a drop, even of the loyal; who falls, surges or fades buys less as well
    "value_drop": (0.90, 0.03),
    # who complained and left was valuable too, and the lines rise as the history grows
    "dormant_high_value": (1.00, 0.45),
    # a type of all who cross a line between two dates, of whom few were meant to
    "class_fell": (1.00, 0.01),
    # who has left is in touch no more
    "engagement_faded": (1.00, 0.15),
    # the dormant and casual buyers stay away for as long and some buy again
    "came_back": (1.00, 0.45),
    # all who are new and have bought once wait in the same window
    "second_purchase_window": (1.00, 0.25),
    # the newly met have no year before, so that any three visits are a surge
    "engagement_surge": (1.00, 0.38),
    # as class_fell
    "class_rose": (1.00, 0.01),
    # others who are new are in touch as well
    "shallow_recent": (1.00, 0.40),
}
# Those who crossed a line since the as-of date before: fewer where that is less than a month.
OF_A_MONTH = {"class_rose", "class_fell"}


@pytest.fixture(scope="module")
def truth(demo_folder: Path, demo_warehouse: Warehouse) -> pd.DataFrame:
    """The hidden truth by customer_id; stands_at_turn says whether it holds on the current date."""
    return demo_warehouse.frame(
        f"""
        select
            truth.*,
            coalesce(as_of_date between turn_start_date and turn_end_date, false) as stands_at_turn
        from '{demo_folder}/truth.parquet' as truth
        cross join (select as_of_date from history.as_of_dates where is_current) as current_dates
        """
    ).set_index("customer_id")


@pytest.fixture(scope="module")
def findings(demo_folder: Path, demo_warehouse: Warehouse) -> pd.DataFrame:
    """Who stands at which turning point by the truth (is_hidden), the marts (is_found) or both.

    A row for each customer, turning_point_type and as_of_date, which are the month-ends of the last
    year and the current date (is_current).
    """
    return demo_warehouse.frame(
        f"""
        with

        dates as (
            select as_of_date
            from history.as_of_dates
            qualify row_number() over (order by as_of_date desc) <= 13
        ),

        hidden as (
            select truth.customer_id, truth.turning_point_type, dates.as_of_date
            from '{demo_folder}/truth.parquet' as truth
            inner join dates
                on dates.as_of_date between truth.turn_start_date and truth.turn_end_date
        ),

        found as (
            select customer_id, turning_point_type, as_of_date
            from marts.turning_points
            semi join dates using (as_of_date)
        )

        select
            turning_point_type,
            as_of_date,
            as_of_date = (select max(as_of_date) from dates) as is_current,
            hidden.customer_id is not null as is_hidden,
            found.customer_id is not null as is_found
        from hidden
        full join found using (customer_id, turning_point_type, as_of_date)
        """
    )


@pytest.fixture(scope="module")
def criticality(demo_warehouse: Warehouse, truth: pd.DataFrame) -> pd.Series:
    """The criticality of every customer; 0 where there is no turning point."""
    critical = demo_warehouse.frame("select customer_id, criticality from marts.critical_customers")
    critical = critical.set_index("customer_id")["criticality"].astype(float)
    return critical.reindex(truth.index).fillna(0)


def of_archetype(truth: pd.DataFrame, archetype: str) -> set[str]:
    customers = set(truth.index[truth["archetype"] == archetype])
    assert customers
    return customers


# -- turning points -------------------------------------------------------------------------------


def test_every_type_is_hidden_somewhere(truth: pd.DataFrame, demo_warehouse: Warehouse) -> None:
    registry = demo_warehouse.rows("select turning_point_type from seeds.turning_point_types")
    assert set(truth["turning_point_type"].dropna()) == {code for (code,) in registry}
    assert set(LEAST_FOUND) == {code for (code,) in registry}


@pytest.mark.parametrize("turning_point_type", LEAST_FOUND)
@pytest.mark.parametrize("is_current", [True, False], ids=["now", "at month-ends"])
def test_hidden_turning_points_are_found(
    findings: pd.DataFrame, turning_point_type: str, is_current: bool
) -> None:
    hidden = findings[
        findings["is_hidden"]
        & (findings["turning_point_type"] == turning_point_type)
        & (findings["is_current"] == is_current)
    ]
    assert hidden["as_of_date"].nunique() == (1 if is_current else 12)
    least_recall, _ = LEAST_FOUND[turning_point_type]
    assert hidden["is_found"].mean() >= least_recall


@pytest.mark.parametrize("turning_point_type", LEAST_FOUND)
def test_those_found_were_meant(findings: pd.DataFrame, turning_point_type: str) -> None:
    found = findings[findings["is_found"] & (findings["turning_point_type"] == turning_point_type)]
    _, least_precision = LEAST_FOUND[turning_point_type]
    assert found["is_hidden"].mean() >= least_precision


@pytest.mark.parametrize("turning_point_type", LEAST_FOUND)
def test_no_type_jumps_at_the_end_of_the_history(
    demo_warehouse: Warehouse, turning_point_type: str
) -> None:
    """Protects comparing this month with last, which archetypes that all turn at the end spoil.

    The count lies between two thirds of the median of the six month-ends before and one and a half
    times that, with three deviations of a count by chance (Poisson) on either side.
    """
    *before, (current_date, current) = demo_warehouse.rows(
        f"""
        select as_of_date, count(turning_point_type)
        from history.as_of_dates
        left join (
            from marts.turning_points where turning_point_type = '{turning_point_type}'
        ) using (as_of_date)
        group by as_of_date
        order by as_of_date desc
        limit 7
        """
    )[::-1]
    assert len(before) == 6
    usual = statistics.median(count for _, count in before)
    least, most = usual * 2 / 3, usual * 3 / 2
    if turning_point_type in OF_A_MONTH:
        days_in_month = calendar.monthrange(current_date.year, current_date.month)[1]
        least *= current_date.day / days_in_month
    assert least - 3 * least**0.5 <= current <= most + 3 * most**0.5


# -- criticality ----------------------------------------------------------------------------------


def test_customers_at_a_hidden_turning_point_rank_first(
    truth: pd.DataFrame, criticality: pd.Series
) -> None:
    """Of two customers, one at a turning point, that one ranks higher four times in five."""
    is_hidden = truth["stands_at_turn"].astype(bool)
    ranks = criticality.rank()
    hidden_count, other_count = is_hidden.sum(), (~is_hidden).sum()
    pairs_won = ranks[is_hidden].sum() - hidden_count * (hidden_count + 1) / 2
    assert pairs_won / (hidden_count * other_count) >= 0.8
    assert (criticality[is_hidden] > 0).mean() >= 0.99
    assert criticality[is_hidden].median() > 30
    assert criticality[~is_hidden].median() == 0


@pytest.mark.parametrize(
    ("archetype", "largest_share"),
    [
        ("churned_low_value", 0.0),  # gone, and never worth much
        ("only_returns", 0.0),  # never a buyer
        ("potential", 0.03),  # a few of them were met this year and have been in touch
    ],
)
def test_who_stands_at_no_turning_point_is_not_critical(
    truth: pd.DataFrame, criticality: pd.Series, archetype: str, largest_share: float
) -> None:
    customers = list(of_archetype(truth, archetype))
    assert (criticality[customers] > 0).mean() <= largest_share


# -- customers of an unusual kind -----------------------------------------------------------------


def test_everybody_is_known_and_nobody_else(demo_warehouse: Warehouse, truth: pd.DataFrame) -> None:
    stored = demo_warehouse.rows("select customer_id from marts.customers")
    assert len(stored) == len(truth)
    assert {customer_id for (customer_id,) in stored} == set(truth.index)


def test_customers_that_the_register_lacks_are_kept(
    demo_warehouse: Warehouse, truth: pd.DataFrame
) -> None:
    stored = demo_warehouse.rows(
        """
        select customer_id, purchase_day_count > 0 from marts.customer_states
        where is_current and not is_registered
        """
    )
    assert dict(stored) == dict.fromkeys(of_archetype(truth, "unregistered"), True)


def test_who_only_returns_is_never_a_buyer(demo_warehouse: Warehouse, truth: pd.DataFrame) -> None:
    customers = of_archetype(truth, "only_returns")
    stored = demo_warehouse.frame(
        """
        select
            customer_id,
            count(*) as state_count,
            bool_or(is_buyer) as was_buyer,
            max(purchase_day_count) as purchase_day_count,
            min(lifetime_net_amount) as least_net_amount,
            max(gross_amount) as gross_amount,
            list(distinct value_class) as value_classes
        from states.int_customer_states
        group by customer_id
        """
    ).set_index("customer_id")
    stored = stored.loc[list(customers)]
    assert (stored["state_count"] == 14).all()
    assert not stored["was_buyer"].any()
    assert (stored["purchase_day_count"] == 0).all()
    assert (stored["gross_amount"] == 0).all()
    assert (stored["least_net_amount"] < 0).all()
    assert all(classes == ["no_purchase"] for classes in stored["value_classes"])


# -- planted dirt ---------------------------------------------------------------------------------

TABLES = ["transactions", "customers", "interactions", "feedback", "social_mentions"]


@pytest.mark.parametrize("table", TABLES)
def test_the_planted_dirt_is_found_to_the_row(
    demo_warehouse: Warehouse, demo_folder: Path, table: str
) -> None:
    planted = pd.read_parquet(demo_folder / "planted_dirt.parquet")
    planted = planted[planted["table_name"] == table].set_index("reason_code")["row_count"]
    stored = demo_warehouse.rows(
        f"""
        select reason_code, sum(record_count) from marts.data_quality_summary
        where table_name = '{table}' and record_status != 'accepted'
        group by reason_code
        """
    )
    assert len(planted) > 0
    assert dict(stored) == planted.to_dict()


@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_accepted_rejected_or_a_duplicate(
    demo_warehouse: Warehouse, demo_folder: Path, table: str
) -> None:
    delivered = pd.read_parquet(demo_folder / "delivery" / f"{table}.parquet")
    planted = pd.read_parquet(demo_folder / "planted_dirt.parquet")
    dirt_count = planted.loc[planted["table_name"] == table, "row_count"].sum()
    stored = dict(
        demo_warehouse.rows(
            f"""
            select record_status = 'accepted', sum(record_count) from marts.data_quality_summary
            where table_name = '{table}'
            group by all
            """
        )
    )
    assert stored == {True: len(delivered) - dirt_count, False: dirt_count}
