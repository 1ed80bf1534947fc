"""The reference itself, on cases small enough to work out by hand."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import reference
from reference_input import clean_text, parse_amount, parse_timestamp

PROJECT = Path(__file__).parents[3]
SEEDS = reference.read_seeds(PROJECT / "seeds")
DAY = pd.Timestamp


def variables(**changes):
    return reference.read_variables(
        PROJECT / "dbt_project.yml", **{"business_timezone": "UTC", "history_months": 1, **changes}
    )


def transactions(*rows):
    """Rows of customer_id, occurred_at, amount and, where it is no purchase, transaction_type."""
    return pd.DataFrame(
        [
            {
                "transaction_id": f"t{number}",
                "customer_id": row[0],
                "occurred_at": row[1],
                "amount": str(row[2]),
                "transaction_type": row[3] if len(row) > 3 else "purchase",
            }
            for number, row in enumerate(rows)
        ]
    )


def states_of(rows, as_of, others=None, **changes):
    """The states as of one day, by customer."""
    settings = variables(as_of_date=as_of, **changes)
    raw = {"transactions": rows, **(others or {})}
    states = reference.customer_states(reference.stage(raw, SEEDS, settings), SEEDS, settings)
    return states[states["as_of_date"] == DAY(as_of)].set_index("customer_id", drop=False)


def points_of(rows, as_of, others=None, **changes):
    settings = variables(as_of_date=as_of, **changes)
    raw = {"transactions": rows, **(others or {})}
    states = reference.customer_states(reference.stage(raw, SEEDS, settings), SEEDS, settings)
    points = reference.turning_points(states, SEEDS, settings)
    return points[points["as_of_date"] == DAY(as_of)].set_index(
        ["customer_id", "turning_point_type"]
    )


# -- what is accepted -----------------------------------------------------------------------------


def test_timestamps_are_read_as_the_engine_reads_them():
    texts = """2026-01-01|2026-1-1|2026/01/01|2026-01/01|2026-01-01 10|2026-01-01 10:00
2026-01-01T10:00:00|2026-01-01T10:00:00Z|2026-01-01 10:00:00.123|2026-01-01 10:00:00.1234567
2026-01-01 24:00:00|2026-01-01 24:00:01|2026-01-01 10:60:00|2026-02-29|2028-02-29|2026-13-01
26-01-01|20260101|01/02/2026| 2026-01-01|2026-01-01 10:00:00 |2026-01-01 |2026-01|2026-01-01x
2026-01-01T|2026-01-01 10:00:00,5|2026年1月1日|today"""
    engine = duckdb.connect()
    for text in texts.replace("\n", "|").split("|"):
        meant = engine.execute("select try_cast(? as timestamp)", [text]).fetchone()[0]
        assert parse_timestamp(text) == meant, text


def test_amounts_are_read_as_the_engine_reads_them():
    texts = """1|1.00005|1.00004999999|-1.00005|1,000|1_000|1e3|1e-5|15e-5|+5|+ 5|.5|5.|.|1.5.2|nan
        |inf|1e20|99999999999999|100000000000000|99999999999999.99999|0x10|一千|１２|$5|5-|12 3"""
    engine = duckdb.connect()
    for text in (text.strip() for text in texts.split("|")):
        meant = engine.execute("select try_cast(? as decimal(18, 4))", [text]).fetchone()[0]
        assert parse_amount(text) == meant, text


def test_spaces_of_every_alphabet_are_trimmed():
    assert clean_text("\u3000 a b\u00a0") == "a b"
    assert clean_text(" \u3000 ") is None
    assert clean_text("\ta") == "\ta"


def test_the_first_fault_in_the_order_of_checks_is_told():
    rows = pd.DataFrame(
        [
            [None, "c", "2026-01-01", "1", "purchase", None, None],
            ["b", " ", "never", "x", "?", None, None],
            ["c\ufffd", "c", "never", "1", "purchase", None, None],
            ["d", "c", "1989-12-31", "x", "purchase", None, None],
            ["e", "c", "2026-02-02", "1", "purchase", None, None],
            ["f", "c", "2026-01-01", "1,000", "?", None, None],
            ["g", "c", "2026-01-01", "-1000000001", "purchase", None, None],
            ["h", "c", "2026-01-01", "-1", "?", None, None],
            ["i", "c", "2026-01-01", "1", "?", "?", None],
            ["j", "c", "2026-01-01", "1", "purchase", "?", "XXX"],
            ["k", "c", "2026-01-01", "1", "Purchase ", None, "XXX"],
            ["l", "c", "2026-02-01", "1", "purchase", " ", " cny "],
        ],
        columns=[
            "transaction_id",
            "customer_id",
            "occurred_at",
            "amount",
            "transaction_type",
            "status",
            "currency",
        ],
    ).assign(loaded_at="2026-02-01 12:00:00")
    settled = reference.settle({"transactions": rows}, SEEDS, variables())["transactions"]
    assert settled["reason_code"].tolist()[:-1] == [
        "missing_key",
        "missing_customer",
        "broken_text",
        "date_out_of_range",
        "date_in_future",
        "invalid_amount",
        "amount_out_of_range",
        "negative_amount",
        "unknown_type",
        "unknown_status",
        "unknown_currency",
    ]
    assert settled["record_status"].tolist()[-1] == "accepted"


def test_the_newest_acceptable_version_of_a_key_is_accepted():
    rows = transactions(*[("c", "2026-01-01", amount) for amount in (1, 2, "?", 2)])
    rows["transaction_id"] = ["x", " x", "x", "y"]
    rows["loaded_at"] = [f"2026-02-0{day}" for day in (1, 2, 3, 1)]
    copy = rows.iloc[[3]]
    raw = {"transactions": pd.concat([rows, copy])}
    settled = reference.settle(raw, SEEDS, variables())["transactions"]
    assert settled["record_status"].tolist()[:3] == ["duplicate", "accepted", "rejected"]
    assert settled["reason_code"].tolist()[0] == "superseded"
    assert sorted(settled["record_status"].tolist()[3:]) == ["accepted", "duplicate"]
    assert "exact_duplicate" in settled["reason_code"].tolist()[3:]


def test_a_business_day_ends_at_midnight_of_its_time_zone():
    rows = transactions(("a", "2026-01-31 15:59:59", 1), ("a", "2026-01-31 16:00:00", 2))
    accepted = reference.stage(
        {"transactions": rows}, SEEDS, variables(business_timezone="Asia/Shanghai")
    )
    assert accepted["transactions"]["activity_date"].tolist() == [
        DAY("2026-01-31"),
        DAY("2026-02-01"),
    ]


def test_amounts_are_turned_into_base_currency_by_the_rate_of_the_day():
    rates = pd.DataFrame(
        [["USD", "CNY", "2026-01-02", "7.1"], ["USD", "CNY", "2026-01-03", "7.00005"]],
        columns=["from_currency", "to_currency", "valid_from_date", "rate"],
    )
    rows = transactions(*[("a", f"2026-01-0{day}", "1") for day in (1, 2, 3)])
    rows["currency"] = "usd"
    settled = reference.settle(
        {"transactions": rows}, {**SEEDS, "exchange_rates": rates}, variables()
    )["transactions"]
    assert settled["reason_code"].tolist()[0] == "unknown_currency"
    assert settled["amount"].tolist()[1:] == [Decimal("7.1000"), Decimal("7.0001")]


# -- as-of dates ----------------------------------------------------------------------------------


def dates_of(rows, **changes):
    settings = variables(**changes)
    accepted = reference.stage({"transactions": rows}, SEEDS, settings)
    told = reference.as_of_dates(accepted, settings)["as_of_date"]
    return [str(date.date()) for date in told]


def test_the_month_ends_of_the_history_end_with_the_current_date():
    rows = transactions(("a", "2023-12-31", 1), ("a", "2024-03-31", 1))
    assert dates_of(rows, history_months=13) == [
        "2023-12-31",
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
    ]
    assert dates_of(rows, history_months=1) == ["2024-02-29", "2024-03-31"]


def test_the_day_of_the_newest_arrival_is_not_complete():
    rows = transactions(("a", "2026-01-05", 1), ("a", "2026-01-10", 1))
    assert dates_of(rows.assign(loaded_at="2026-01-10 23:00:00"))[-1] == "2026-01-09"
    assert dates_of(rows.assign(loaded_at="2026-01-11 00:00:00"))[-1] == "2026-01-10"
    assert dates_of(rows.assign(loaded_at="2026-01-20 00:00:00"))[-1] == "2026-01-10"
    assert dates_of(rows)[-1] == "2026-01-10"


# -- states ---------------------------------------------------------------------------------------


def test_the_last_n_days_are_the_as_of_date_and_the_days_before_it():
    rows = transactions(
        ("edge", "2025-01-02", 1),  # 364 days before
        ("out", "2025-01-01", 1),  # 365 days before, over the end of a common year
        ("today", "2026-01-01", 1),
        ("later", "2026-01-02", 1),
    )
    states = states_of(rows, "2026-01-01")
    assert states["is_buyer"].to_dict() == {"edge": True, "out": False, "today": True}
    assert states["recency_days"].to_dict() == {"edge": 364, "out": 365, "today": 0}
    assert states.loc["edge", "net_amount_365"] == 1
    assert states.loc["out", "value_class"] == "no_purchase"
    assert pd.isna(states.loc["out", "monetary_score"])


def test_a_leap_day_is_a_day():
    rows = transactions(("in", "2024-01-31", 1), ("out", "2024-01-30", 1))
    states = states_of(rows, "2024-02-29", rfm_window_days=30)
    assert states["recency_days"].to_dict() == {"in": 29, "out": 30}
    assert states["is_buyer"].to_dict() == {"in": True, "out": False}


def test_equal_values_get_equal_scores():
    # five buyers: the cut points of 10, 10, 10, 20, 30 are 10, 10, 14 and 22
    rows = transactions(
        *[(c, "2026-01-01", a) for c, a in zip("abcde", (10, 10, 10, 20, 30), strict=True)]
    )
    states = states_of(rows, "2026-01-01")
    assert states["monetary_score"].tolist() == [1, 1, 1, 4, 5]
    assert states["recency_score"].tolist() == [5] * 5
    assert states["frequency_score"].tolist() == [1] * 5


def test_fixed_cut_points_are_reached_where_they_are_equalled():
    rows = transactions(("a", "2025-12-02", "499.9999"), ("b", "2025-12-03", 500))
    states = states_of(rows, "2026-01-01", rfm_score_method="fixed")
    assert states["monetary_score"].to_dict() == {"a": 1, "b": 2}
    assert states["recency_days"].to_dict() == {"a": 30, "b": 29}
    assert states["recency_score"].to_dict() == {"a": 4, "b": 5}


def test_a_value_on_the_line_is_low_and_a_recency_on_the_line_is_high():
    # the mean recency is 2 days, the mean amount 2, both customer b's own
    rows = transactions(("a", "2026-01-04", 3), ("b", "2026-01-03", 2), ("c", "2026-01-02", 1))
    states = states_of(rows, "2026-01-05")
    assert states["is_recency_high"].tolist() == [True, True, False]
    assert states["is_monetary_high"].tolist() == [True, False, False]
    assert states["value_class"].tolist() == [
        "key_development",
        "general_development",
        "general_win_back",
    ]


def test_a_return_before_the_purchase_counts_in_net_only():
    rows = transactions(("a", "2025-12-01", 3, "return"), ("a", "2025-12-05", 10))
    state = states_of(rows, "2026-01-01").loc["a"]
    assert state["first_purchase_date"] == DAY("2025-12-05")
    assert state["known_since_date"] == DAY("2025-12-01")
    assert (state["purchase_day_count"], state["order_count"]) == (1, 1)
    assert (state["gross_amount"], state["returned_amount"], state["net_amount"]) == (10, 3, 7)
    assert state["lifecycle_stage"] == "first_purchase"


def test_a_customer_with_only_returns_is_kept_and_is_no_buyer():
    rows = transactions(("a", "2025-12-01", 3, "return"), ("b", "2025-12-01", 3))
    state = states_of(rows, "2026-01-01").loc["a"]
    assert not state["is_buyer"]
    assert state["lifetime_net_amount"] == Decimal("-3")
    assert pd.isna(state["recency_days"])
    assert pd.isna(state["usual_gap_days"])
    assert state["lifecycle_stage"] == state["relationship"] == "potential"
    assert (state["value_class"], state["value_class_rank"]) == ("no_purchase", 0)
    assert (state["value_level"], state["abc_class"], state["movement"]) == (
        "none",
        "none",
        "steady",
    )


def test_without_a_churn_line_it_is_the_gap_that_most_stay_below():
    # gaps of 1 to 10 days: nine of the ten do not exceed 9
    day, rows = DAY("2026-01-01"), []
    for gap in range(11):
        day += pd.Timedelta(days=gap)
        rows.append(("a", str(day), 1))
    rows.append(("b", "2026-02-15", 1))
    states = states_of(transactions(*rows), "2026-02-25", churn_after_days=None)
    assert states["churn_line_days"].tolist() == [9, 9]
    assert states.loc["b", "lifecycle_stage"] == "churned"  # silent for ten days
    assert states.loc["b", "lifecycle_stage_since_date"] == DAY("2026-02-25")
    alone = states_of(transactions(("a", "2020-01-01", 1)), "2026-01-01", churn_after_days=None)
    assert pd.isna(alone.loc["a", "churn_line_days"])
    assert alone.loc["a", "lifecycle_stage"] == "first_purchase"


def test_amounts_add_up_without_an_error_of_floating_point():
    rows = transactions(*[("a", "2025-12-01", "0.1")] * 3, ("a", "2025-12-02", "0.3", "return"))
    assert states_of(rows, "2026-01-01").loc["a", "net_amount"] == 0


def test_peers_share_a_class_of_cumulative_revenue():
    # 40 of 100, then two peers with 40 together: 80 of 100 is still A; 95 of 100 is still B
    rows = transactions(
        *[(c, "2026-01-01", a) for c, a in zip("abcdef", (40, 20, 20, 15, 4, 1), strict=True)]
    )
    assert states_of(rows, "2026-01-01")["abc_class"].tolist() == ["a", "a", "a", "b", "c", "c"]


def test_previous_lines_tell_whether_the_behaviour_or_the_line_moved():
    # a bought 10 twice by December: the mean was 15 and fell to 8 as two small buyers came
    rows = transactions(
        ("a", "2025-12-01", 10),
        ("b", "2025-12-01", 20),
        ("c", "2026-01-05", 1),
        ("d", "2026-01-05", 1),
    )
    states = states_of(rows, "2026-01-05")
    assert states.loc["a", "is_monetary_high"]
    assert states.loc["a", "previous_value_class"] == "general_development"
    assert states.loc["a", "value_class"] == "key_win_back"
    # with December's lines: 35 days are more than 30, 10 is less than 15
    assert states.loc["a", "value_class_with_previous_lines"] == "general_win_back"
    assert pd.isna(states.loc["c", "previous_value_class"])


def test_a_complaint_is_open_until_it_is_resolved_or_followed_by_a_purchase():
    rows = transactions(("a", "2025-12-10", 1), ("b", "2025-12-21", 1), ("c", "2025-12-10", 1))
    feedback = pd.DataFrame(
        [
            ["f1", "a", "2025-12-20", "rating", "2", "2025-12-22"],  # no purchase since
            ["f2", "b", "2025-12-20", "rating", "2", "2025-12-22"],  # resolved, bought since
            ["f3", "b", "2025-11-01", "complaint", None, None],  # 61 days ago
            ["f4", "c", "2025-12-20", "rating", "3", None],  # not in the lowest 40 %
        ],
        columns=[
            "feedback_id",
            "customer_id",
            "occurred_at",
            "feedback_type",
            "rating",
            "resolved_at",
        ],
    )
    states = states_of(rows, "2025-12-31", {"feedback": feedback})
    assert states["open_complaint_date"].tolist()[:1] == [DAY("2025-12-20")]
    assert states["open_complaint_date"].isna().tolist() == [False, True, True]
    assert states["last_unresolved_complaint_date"].isna().all()
    earlier = states_of(rows, "2025-12-21", {"feedback": feedback})
    assert earlier.loc["b", "open_complaint_date"] == DAY("2025-12-20")


# -- turning points -------------------------------------------------------------------------------


def test_slipping_is_silence_beyond_twice_the_own_pace():
    # every gap is 10 days: the pooled mean gap is 10 and so is the own pace
    rows = transactions(*[("a", day, 5) for day in ("2026-01-01", "2026-01-11", "2026-01-21")])
    assert ("a", "slipping") not in points_of(rows, "2026-02-10").index
    point = points_of(rows, "2026-02-11").loc[("a", "slipping")]
    assert (point["observed_value"], point["reference_value"]) == (21, 10)
    assert point["strength"] == pytest.approx(11 / 21)
    assert point["started_on"] == DAY("2026-02-11")


def test_came_back_starts_with_the_first_purchase_after_a_long_silence():
    rows = transactions(
        ("a", "2025-07-05", 1),
        ("a", "2026-01-02", 1),
        ("a", "2026-01-05", 1),
        ("b", "2025-07-06", 1),
    )
    point = points_of(rows, "2026-01-31").loc[("a", "came_back")]
    assert (point["observed_value"], point["reference_value"]) == (181, 180)
    assert point["started_on"] == DAY("2026-01-02")
    # a day later the return is no longer within the last 30 days
    assert ("a", "came_back") not in points_of(rows, "2026-02-01").index
    states = states_of(rows, "2026-01-31")
    assert states.loc["a", "movement"] == "reactivated"
    assert states.loc["a", "lifecycle_stage_since_date"] == DAY("2026-01-02")


def test_a_second_purchase_is_due_between_the_quartiles_of_the_others():
    # first-to-second gaps of 10, 20, 30 and 40 days: the quartiles are 10 and 30
    rows = [(c, "2025-10-01", 1) for c in "abcd"]
    for c, day in zip("abcd", ("11", "21", "31"), strict=False):
        rows.append((c, f"2025-10-{day}", 1))
    rows += [("d", "2025-11-10", 1), ("x", "2025-12-22", 1), ("y", "2025-12-23", 1)]
    rows += [("z", "2025-12-01", 1)]
    points = points_of(transactions(*rows), "2026-01-01")
    due = points[points.index.get_level_values(1) == "second_purchase_window"]
    assert due.index.get_level_values(0).tolist() == ["x"]
    point = due.iloc[0]
    assert (point["observed_value"], point["reference_value"]) == (10, 30)
    assert point["strength"] == pytest.approx(1 / 3)
    assert point["started_on"] == DAY("2026-01-01")


def test_an_engagement_surge_needs_no_history_but_some_visits():
    def visits(*days):
        return pd.DataFrame(
            {
                "interaction_id": [f"i{number}" for number in range(len(days))],
                "customer_id": "a",
                "occurred_at": days,
                "interaction_type": "login",
            }
        )

    rows = transactions(("b", "2025-01-01", 1))
    three = visits("2025-12-03", "2025-12-30", "2026-01-01")
    point = points_of(rows, "2026-01-01", {"interactions": three}).loc[("a", "engagement_surge")]
    assert (point["observed_value"], point["reference_value"]) == (3, 0)
    assert point["strength"] == 1
    assert point["started_on"] == DAY("2025-12-03")
    two = visits("2025-12-02", "2025-12-30", "2026-01-01")  # one of them 30 days ago
    points = points_of(rows, "2026-01-01", {"interactions": two})
    assert ("a", "engagement_surge") not in points.index


# -- critical customers ---------------------------------------------------------------------------

TYPES = pd.DataFrame(
    [
        ["slipping", 1, "risk", "0.5", "recent_year"],
        ["came_back", 2, "opportunity", "0.5", "class_aimed_at"],
        ["dormant_high_value", 3, "risk", "0.6", "best_year"],
    ],
    columns=["turning_point_type", "sort_order", "direction", "weight", "stake_basis"],
)


def critical_of(reasons):
    """Customers a (net 10 of the last year, 40 of the best) and b (30), with reasons for a."""
    rows = transactions(
        ("a", "2023-01-01", 5),
        ("a", "2023-06-01", 20),
        ("a", "2023-12-31", 15),
        ("a", "2024-01-01", 1),  # 365 days after the first: not within the same year
        ("a", "2025-12-01", 10),
        ("b", "2025-12-01", 60),
    )
    settings = variables(as_of_date="2026-01-01")
    seeds = {**SEEDS, "turning_point_types": TYPES}
    accepted = reference.stage({"transactions": rows}, seeds, settings)
    states = reference.customer_states(accepted, seeds, settings)
    points = pd.DataFrame(
        [["a", DAY("2026-01-01"), code, strength] for code, strength in reasons],
        columns=["customer_id", "as_of_date", "turning_point_type", "strength"],
    )
    purchases = reference.daily_purchases(accepted)
    told = reference.critical_customers(states, points, purchases, seeds, settings)
    return told.set_index("customer_id").loc["a"]


def test_reasons_add_up_like_independent_chances_and_weigh_by_value():
    # 1 - 0.75 * 0.8 = 0.4; a is the lower of two in value: 0.4 + 0.6 * 0.5 = 0.7
    critical = critical_of([("slipping", 0.5), ("came_back", 0.4)])
    assert critical["criticality"] == Decimal("28.00")
    assert critical["most_urgent_type"] == "slipping"
    assert critical["value_at_stake_amount"] == 10


def test_the_registry_order_decides_between_equally_urgent_reasons():
    assert critical_of([("came_back", 0.5), ("slipping", 0.5)])["most_urgent_type"] == "slipping"


def test_the_value_at_stake_follows_the_most_urgent_reason():
    # 5 + 20 + 15 within 365 days; 20 + 15 + 1 would be less
    assert critical_of([("dormant_high_value", 0.5)])["value_at_stake_amount"] == 40
    # a is a general development customer (10 of mean 35): no one is in general_value, aimed at
    assert critical_of([("came_back", 0.5)])["value_at_stake_amount"] == 0
