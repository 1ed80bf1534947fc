"""What was hidden in the demo bank, and how much of it the warehouse finds.

generate_demo.py gives each customer an archetype, some of them a turning point to stand at, and
plants dirt among the rows. It writes down what it hid beside the delivery, where dbt sees nothing
of it.
"""

from pathlib import Path

import pandas as pd
import pytest
from warehouses import Warehouse

# turning-point type: least recall, least precision, both a little below what is measured.
# Who is found besides stands at that point too, by chance or on the way to another: archetypes
# are ways to behave, and types are lines that anyone can cross.
LEAST_FOUND = {
    # complaints are rare, and others get an answer
    "complained_while_valuable": (1.00, 0.95),
    # casual buyers miss their season, and the surging have not bought for a while
    "slipping": (1.00, 0.70),
    # what one customer pays differs thirtyfold from day to day, so that a quarter with few
    # purchases is often a drop, even of the loyal; who falls, surges or fades buys less as well
    "value_drop": (0.97, 0.18),
    # nobody else is both silent for so long and among the most valuable
    "dormant_high_value": (1.00, 0.95),
    # casual and slipping customers cross the recency line this month
    "class_fell": (1.00, 0.31),
    # the loyal visit once in these 60 days, and then by chance not at all
    "engagement_faded": (1.00, 0.65),
    # casual buyers stay away for as long and buy again
    "came_back": (1.00, 0.65),
    # the newly met who have bought once wait in the same window
    "second_purchase_window": (1.00, 0.80),
    # the newly met have no year before, so that any three visits are a surge
    "engagement_surge": (1.00, 0.49),
    # one purchase takes casual, loyal and returning customers over the recency line
    "class_rose": (1.00, 0.30),
    # nearly all who are new and in touch are of the archetype
    "shallow_recent": (1.00, 0.93),
}


@pytest.fixture(scope="module")
def truth(demo_folder: Path) -> pd.DataFrame:
    """Archetype and turning_point_type (null = none was hidden) by customer_id."""
    return pd.read_parquet(demo_folder / "truth.parquet").set_index("customer_id")


@pytest.fixture(scope="module")
def criticality(demo_warehouse: Warehouse, truth: pd.DataFrame) -> pd.Series:
    """The criticality of every customer; 0 where there is no turning point."""
    told = demo_warehouse.frame("select customer_id, criticality from marts.critical_customers")
    told = told.set_index("customer_id")["criticality"].astype(float)
    return told.reindex(truth.index).fillna(0)


def of_archetype(truth: pd.DataFrame, archetype: str) -> set[str]:
    customers = set(truth.index[truth["archetype"] == archetype])
    assert customers
    return customers


# -- turning points -------------------------------------------------------------------------------


def test_every_type_is_hidden_somewhere(truth: pd.DataFrame, demo_warehouse: Warehouse) -> None:
    registry = demo_warehouse.rows("select turning_point_type from seeds.turning_point_types")
    assert set(truth["turning_point_type"].dropna()) == {code for (code,) in registry}
    assert set(LEAST_FOUND) == {code for (code,) in registry}


@pytest.mark.parametrize(
    ("turning_point_type", "least_recall", "least_precision"),
    [(code, *shares) for code, shares in LEAST_FOUND.items()],
)
def test_hidden_turning_points_are_found(
    demo_warehouse: Warehouse,
    truth: pd.DataFrame,
    turning_point_type: str,
    least_recall: float,
    least_precision: float,
) -> None:
    hidden = set(truth.index[truth["turning_point_type"] == turning_point_type])
    found = {
        customer_id
        for (customer_id,) in demo_warehouse.rows(
            f"""
            select customer_id from marts.turning_points
            where is_current and turning_point_type = '{turning_point_type}'
            """
        )
    }
    assert len(hidden & found) / len(hidden) >= least_recall
    assert len(hidden & found) / len(found) >= least_precision


# -- criticality ----------------------------------------------------------------------------------


def test_customers_at_a_hidden_turning_point_rank_first(
    truth: pd.DataFrame, criticality: pd.Series
) -> None:
    """Of two customers, one of them at a turning point, that one ranks higher nine times in ten."""
    is_hidden = truth["turning_point_type"].notna()
    ranks = criticality.rank()
    hidden_count, other_count = is_hidden.sum(), (~is_hidden).sum()
    pairs_won = ranks[is_hidden].sum() - hidden_count * (hidden_count + 1) / 2
    assert pairs_won / (hidden_count * other_count) >= 0.87
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
    told = demo_warehouse.rows("select customer_id from marts.customers")
    assert len(told) == len(truth)
    assert {customer_id for (customer_id,) in told} == set(truth.index)


def test_customers_that_the_register_lacks_are_kept(
    demo_warehouse: Warehouse, truth: pd.DataFrame
) -> None:
    told = demo_warehouse.rows(
        """
        select customer_id, purchase_day_count > 0 from marts.customer_states
        where is_current and not is_registered
        """
    )
    assert dict(told) == dict.fromkeys(of_archetype(truth, "unregistered"), True)


def test_who_only_returns_is_never_a_buyer(demo_warehouse: Warehouse, truth: pd.DataFrame) -> None:
    customers = of_archetype(truth, "only_returns")
    told = demo_warehouse.frame(
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
    told = told.loc[list(customers)]
    assert (told["state_count"] == 14).all()
    assert not told["was_buyer"].any()
    assert (told["purchase_day_count"] == 0).all()
    assert (told["gross_amount"] == 0).all()
    assert (told["least_net_amount"] < 0).all()
    assert all(classes == ["no_purchase"] for classes in told["value_classes"])


# -- planted dirt ---------------------------------------------------------------------------------

TABLES = ["transactions", "customers", "interactions", "feedback", "social_mentions"]


@pytest.mark.parametrize("table", TABLES)
def test_the_planted_dirt_is_found_to_the_row(
    demo_warehouse: Warehouse, demo_folder: Path, table: str
) -> None:
    planted = pd.read_parquet(demo_folder / "planted_dirt.parquet")
    planted = planted[planted["table_name"] == table].set_index("reason_code")["row_count"]
    told = demo_warehouse.rows(
        f"""
        select reason_code, sum(record_count) from marts.data_quality_summary
        where table_name = '{table}' and record_status != 'accepted'
        group by reason_code
        """
    )
    assert len(planted) > 0
    assert dict(told) == planted.to_dict()


@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_accepted_rejected_or_a_duplicate(
    demo_warehouse: Warehouse, demo_folder: Path, table: str
) -> None:
    delivered = pd.read_parquet(demo_folder / "delivery" / f"{table}.parquet")
    planted = pd.read_parquet(demo_folder / "planted_dirt.parquet")
    dirt_count = planted.loc[planted["table_name"] == table, "row_count"].sum()
    told = dict(
        demo_warehouse.rows(
            f"""
            select record_status = 'accepted', sum(record_count) from marts.data_quality_summary
            where table_name = '{table}'
            group by all
            """
        )
    )
    assert told == {True: len(delivered) - dirt_count, False: dirt_count}
