"""Figures that others have published come out of warehouses that are built here.

Online Retail: known totals of the cleaned and of the netted data, and the classes that follow.
R package rfm: the score and segment of each of its customers, by its own rule.

data/README.md says where their files are looked for; without them these tests are skipped.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from deliveries import data_file, delivery_of
from load.mapping import read_mapping
from load.project_data import DATA_FOLDER
from warehouses import NO_TESTS, Warehouse

# what analyses of Online Retail call cleaned: purchases alone, over all of the data
CLEANED = {
    **read_mapping(DATA_FOLDER / "online_retail").vars,
    "as_of_date": "2011-12-11",
    "history_months": 1,
    "rfm_window_days": None,
    "rfm_frequency_unit": "orders",
    "rfm_monetary_basis": "gross",
}
CURRENT = "from marts.customer_states where is_current"


def copy_of(warehouse: Warehouse, folder: Path) -> Warehouse:
    """A warehouse that may be built on, where the first is only read."""
    copy = Warehouse(folder, warehouse.target_folder)
    shutil.copyfile(warehouse.path, copy.path)
    return copy


def build_scores_again(warehouse: Warehouse, variables: dict[str, object]) -> None:
    """Build what stands between the lines of RFM and the value classes, and nothing before it."""
    warehouse.build(
        *("build", "--full-refresh", *NO_TESTS),
        *("--select", "int_rfm_thresholds+,+value_class_summary", "rfm_references"),
        variables=variables,
    )


# -- Online Retail --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cleaned_shop(shop_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = copy_of(shop_warehouse, tmp_path_factory.mktemp("cleaned_shop"))
    warehouse.build(variables=CLEANED)
    return warehouse


@pytest.fixture(scope="module")
def median_shop(cleaned_shop: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = copy_of(cleaned_shop, tmp_path_factory.mktemp("median_shop"))
    build_scores_again(warehouse, {**CLEANED, "value_class_reference": "median"})
    return warehouse


def test_every_row_of_the_shop_is_accounted_for(cleaned_shop: Warehouse) -> None:
    assert cleaned_shop.value("select count(*) from raw.transactions") == 541_909
    counts = cleaned_shop.rows(
        """
        select record_status, reason_code, record_count
        from marts.data_quality_summary
        where table_name = 'transactions'
        order by all
        """
    )
    assert counts == [
        ("accepted", "accepted", 406_829),
        ("rejected", "missing_customer", 135_080),
    ]


def test_the_cleaned_shop_has_the_known_rows_buyers_invoices_and_revenue(
    cleaned_shop: Warehouse,
) -> None:
    purchase_rows = cleaned_shop.value("select sum(purchase_count) from activity.daily_purchases")
    [told] = cleaned_shop.rows(
        f"""
        select count(*), sum(order_count), sum(gross_amount), sum(monetary_amount)
        {CURRENT} and purchase_day_count > 0
        """
    )
    revenue = Decimal("8911407.904")
    assert purchase_rows == 397_884
    assert told == (4_338, 18_532, revenue, revenue)


def test_with_returns_netted_the_shop_has_more_customers_and_less_revenue(
    cleaned_shop: Warehouse,
) -> None:
    [told] = cleaned_shop.rows(
        f"select count(*), sum(net_amount), sum(lifetime_net_amount) {CURRENT}"
    )
    revenue = Decimal("8300065.814")
    assert told == (4_372, revenue, revenue)


def test_who_only_returned_is_kept_and_is_no_buyer(cleaned_shop: Warehouse) -> None:
    [told] = cleaned_shop.rows(
        f"""
        select count(*), count(*) filter (where value_class = 'no_purchase'), max(net_amount) < 0
        {CURRENT} and purchase_day_count = 0 and returned_amount > 0
        """
    )
    assert told == (33, 33, True)


def test_net_amounts_of_nothing_are_exactly_nothing(cleaned_shop: Warehouse) -> None:
    [told] = cleaned_shop.rows(
        f"""
        select
            count(*) filter (where lifetime_net_amount <= 0),
            count(*) filter (where lifetime_net_amount = 0)
        {CURRENT}
        """
    )
    assert told == (55, 14)


@pytest.mark.parametrize(
    ("customer_id", "gross", "net"),
    [("16446", "168472.50", "2.90"), ("12346", "77183.60", "0.00")],
)
def test_a_huge_order_that_was_cancelled_leaves_next_to_nothing(
    cleaned_shop: Warehouse, customer_id: str, gross: str, net: str
) -> None:
    told = cleaned_shop.rows(
        f"select gross_amount, net_amount {CURRENT} and customer_id = '{customer_id}'"
    )
    assert told == [(Decimal(gross), Decimal(net))]


def test_quintiles_of_frequency_keep_ties_together(cleaned_shop: Warehouse) -> None:
    told = cleaned_shop.rows(
        f"""
        select frequency_score, count(*), min(frequency_count), max(frequency_count)
        {CURRENT} and frequency_score is not null
        group by frequency_score
        order by frequency_score
        """
    )
    assert [count for _, count, _, _ in told] == [1_493, 835, 508, 802, 700]
    # one invoice, two, three, up to six, more
    assert [(lowest, highest) for _, _, lowest, highest in told[:4]] == [
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 6),
    ]


EIGHT_CLASSES = [
    "key_value",
    "key_development",
    "key_retention",
    "key_win_back",
    "general_value",
    "general_development",
    "general_retention",
    "general_win_back",
]


@pytest.mark.parametrize(
    ("shop", "reference_method", "counts"),
    [
        ("cleaned_shop", "mean", [689, 117, 27, 38, 358, 1750, 40, 1319]),
        ("median_shop", "median", [1300, 154, 425, 290, 145, 577, 140, 1307]),
    ],
)
def test_the_eight_classes_by_mean_and_by_median(
    request: pytest.FixtureRequest, shop: str, reference_method: str, counts: list[int]
) -> None:
    warehouse = request.getfixturevalue(shop)
    told = dict(
        warehouse.rows(
            "select value_class, customer_count from marts.value_class_summary where is_current"
        )
    )
    # 33 who only returned, and one who was only given something
    assert told == {**dict(zip(EIGHT_CLASSES, counts, strict=True)), "no_purchase": 34}
    methods = warehouse.rows(
        """
        select distinct reference_method from marts.rfm_references
        where is_current and reference_method is not null
        """
    )
    assert methods == [(reference_method,)]


def test_the_shop_lives_on_a_fifth_of_its_customers(cleaned_shop: Warehouse) -> None:
    """The known figures are of gross revenue; of net revenue, a fifth of buyers hold 73.59 %."""
    told = cleaned_shop.rows(
        """
        select abc_class, customer_count, round(100 * top_fifth_monetary_share, 2)
        from marts.revenue_concentration
        where is_current
        order by abc_class
        """
    )
    assert told == [("a", 1_132, 74.62), ("b", 1_469, 74.62), ("c", 1_737, 74.62)]
    by_state = cleaned_shop.rows(
        f"select abc_class, count(*) {CURRENT} group by abc_class order by abc_class"
    )
    assert by_state == [("a", 1_132), ("b", 1_469), ("c", 1_737), ("none", 34)]


# -- R package rfm --------------------------------------------------------------------------------

PUBLISHED_CUT_POINTS = {
    "recency_days": ["114", "180", "296.4", "481"],
    "frequency_count": ["3", "4", "5", "7"],
    "monetary_amount": ["254.8", "381", "505.4", "665"],
}
PACKAGE = {**read_mapping(DATA_FOLDER / "rfm_package").vars, "history_months": 1}


def set_cut_points(warehouse: Warehouse, cut_points: dict[str, list[Decimal]]) -> None:
    """Write cut points over those of the seed rfm_fixed_cut_points, as another business would."""
    rows = [
        (metric, number, cut_point)
        for metric, points in cut_points.items()
        for number, cut_point in enumerate(points, start=1)
    ]
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("delete from seeds.rfm_fixed_cut_points")
        connection.executemany("insert into seeds.rfm_fixed_cut_points values (?, ?, ?)", rows)


@pytest.fixture(scope="module")
def package_warehouse(tmp_path_factory: pytest.TempPathFactory, target_folder: Path) -> Warehouse:
    """The package's orders, scored by its rule.

    It counts the cut points c with value >= c + 1; fixed scores count those at or below the value.
    So c + 1 stands for c, in recency as well: there the count is the same and lowers the score.
    """
    warehouse = Warehouse(tmp_path_factory.mktemp("rfm_package"), target_folder)
    warehouse.load(delivery_of("rfm_package", tmp_path_factory.mktemp("rfm_delivery")))
    warehouse.build("seed")
    set_cut_points(
        warehouse,
        {
            metric: [Decimal(point) + 1 for point in points]
            for metric, points in PUBLISHED_CUT_POINTS.items()
        },
    )
    warehouse.build("build", *NO_TESTS, "--exclude-resource-type", "seed", variables=PACKAGE)
    return warehouse


@pytest.fixture(scope="module")
def quantile_warehouse(
    package_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> Warehouse:
    """The package's orders, scored by quantiles."""
    warehouse = copy_of(package_warehouse, tmp_path_factory.mktemp("rfm_quantiles"))
    build_scores_again(warehouse, {**PACKAGE, "rfm_score_method": "quantile"})
    return warehouse


def scored_customers(warehouse: Warehouse) -> pd.DataFrame:
    return warehouse.frame(
        f"""
        select
            customer_id, recency_days, frequency_count, monetary_amount,
            recency_score, frequency_score, monetary_score
        {CURRENT}
        """
    ).set_index("customer_id")


def segment_finder() -> Callable[[int, int, int], str]:
    """The name of the first of the package's segments whose ranges hold the three scores."""
    definitions = pd.read_csv(data_file("rfm_package", "rfm_segment_definitions.csv"), dtype=str)
    bounds = []
    for definition in definitions.itertuples():
        ranges = [
            [int(bound) for bound in getattr(definition, letter).split(" - ")] for letter in "RFM"
        ]
        bounds.append((definition.Segment.replace("’", "'"), ranges))

    def find(*scores: int) -> str:
        for name, ranges in bounds:
            if all(r[0] <= score <= r[-1] for score, r in zip(scores, ranges, strict=True)):
                return name
        return "Others"

    return find


def test_the_package_s_orders_are_all_there(package_warehouse: Warehouse) -> None:
    [told] = package_warehouse.rows(
        f"select count(*), sum(order_count), sum(monetary_amount) {CURRENT}"
    )
    assert told == (995, 4_906, 464_158)


def test_each_customer_of_the_package_has_its_published_scores_and_segment(
    package_warehouse: Warehouse,
) -> None:
    published = pd.read_csv(data_file("rfm_package", "rfm_scores.csv"))
    segment_of = segment_finder()
    expected = Counter(
        (
            row.segment.replace("’", "'"),
            row.rfm_score,
            row.recency_days,
            row.transaction_count,
            row.amount,
            (row.recency_score, row.frequency_score, row.monetary_score),
        )
        for row in published.itertuples()
    )
    told = Counter()
    for row in scored_customers(package_warehouse).itertuples():
        scores = (row.recency_score, row.frequency_score, row.monetary_score)
        told[
            segment_of(*scores),
            int("{}{}{}".format(*scores)),
            row.recency_days,
            row.frequency_count,
            row.monetary_amount,
            scores,
        ] += 1
    assert sum(told.values()) == 995
    assert told == expected


def test_the_package_s_segments_come_to_the_published_summary(
    package_warehouse: Warehouse,
) -> None:
    customers = scored_customers(package_warehouse)
    segment_of = segment_finder()
    scores = customers[["recency_score", "frequency_score", "monetary_score"]]
    customers["segment"] = [segment_of(*row) for row in scores.itertuples(index=False)]
    of_segment = customers.groupby("segment")
    told = of_segment.agg(
        customers=("segment", "size"),
        orders=("frequency_count", "sum"),
        revenue=("monetary_amount", "sum"),
    )
    summary = pd.read_csv(data_file("rfm_package", "rfm_segment_summary.csv"), index_col="segment")
    assert len(summary) == 10
    assert told.to_dict("index") == summary[list(told)].to_dict("index")
    # R printed three digits of the average order and rounds a half this way or that
    for segment, printed in summary["aov_rounded_3sig"].items():
        average_order = float(told.at[segment, "revenue"] / told.at[segment, "orders"])
        last_digit = 1 if printed >= 100 else 0.1
        assert average_order == pytest.approx(printed, abs=0.6 * last_digit), segment


def test_the_package_s_cut_points_are_the_quintiles(quantile_warehouse: Warehouse) -> None:
    told = {
        metric: list(points)
        for metric, *points in quantile_warehouse.rows(
            """
            select metric, cut_point_1, cut_point_2, cut_point_3, cut_point_4
            from marts.rfm_references
            where is_current and score_method = 'quantile'
            """
        )
    }
    assert told == {
        metric: [Decimal(point) for point in points]
        for metric, points in PUBLISHED_CUT_POINTS.items()
    }


def test_quantile_scores_are_the_package_s_but_within_one_above_a_cut_point(
    package_warehouse: Warehouse, quantile_warehouse: Warehouse
) -> None:
    """297 days are beyond a line of 296.4; the package, which adds 1 to it, says they are not."""
    by_package = scored_customers(package_warehouse)
    by_quantile = scored_customers(quantile_warehouse).loc[by_package.index]
    moved = 0
    for metric, points in PUBLISHED_CUT_POINTS.items():
        is_between = by_package[metric].map(
            lambda value, points=points: any(0 < value - Decimal(point) < 1 for point in points)
        )
        score = metric.split("_")[0] + "_score"
        step = -1 if metric == "recency_days" else 1
        difference = by_quantile[score] - by_package[score]
        assert (difference == is_between * step).all(), metric
        moved += is_between.sum()
    assert moved > 0
