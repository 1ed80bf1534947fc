"""The customer states told a second time, in plain pandas, to be compared with the warehouse.

Written from the rules and not from the SQL, so that a mistake has to be made twice to go unseen.
Nothing here is clever: each function is one paragraph of the rules, for one as-of date.

    accepted = stage(raw, seeds, variables)
    states   = customer_states(accepted, seeds, variables)
    points   = turning_points(states, seeds, variables)
    critical = critical_customers(states, points, daily_purchases(accepted), seeds, variables)

raw        table name -> DataFrame as a loader wrote it (text columns; loaded_at may be a timestamp)
seeds      seed name -> DataFrame (read_seeds)
variables  the vars of dbt_project.yml (read_variables), changed as the case needs

Dates are midnights (datetime64), money is decimal.Decimal with four decimals in base currency,
counts and days are whole numbers, a missing value is null. D stands for the as-of date.
"The last n days" are D and the n - 1 days before it.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd
from reference_input import (
    DATES,
    NEVER_LOADED,
    ONE_UNIT,
    Frame,
    Seeds,
    Series,
    Variables,
    business_dates,
    daily_feedback,
    daily_interactions,
    daily_purchases,
    daily_purchases_in_units,
    date_of,
    exact,
    exact_decimal,
    is_missing,
    known_customers,
    read_seeds,
    read_variables,
    settle,
    stage,
    to_amounts,
    where,
)

__all__ = [
    "CRITICAL_COLUMNS",
    "POINT_COLUMNS",
    "STATE_COLUMNS",
    "as_of_dates",
    "critical_customers",
    "customer_states",
    "daily_feedback",
    "daily_interactions",
    "daily_purchases",
    "known_customers",
    "read_seeds",
    "read_variables",
    "settle",
    "stage",
    "turning_points",
]

# -- as-of dates ----------------------------------------------------------------------------------


def as_of_dates(accepted: Mapping[str, Frame], variables: Variables) -> Frame:
    """The month-ends of the history and the current as-of date, each with the one before it.

    The current one is given, or the last day with a transaction that was over when the newest
    row arrived. Month-ends before the first transaction are left out.
    """
    transaction_dates = accepted["transactions"]["activity_date"]
    if transaction_dates.empty:
        return pd.DataFrame({"as_of_date": [], "previous_as_of_date": []}, dtype=DATES)
    if variables["as_of_date"] is not None:
        current = date_of(variables["as_of_date"])
    else:
        current = transaction_dates.max()
        arrivals = pd.concat([rows["loaded_at"] for rows in accepted.values() if len(rows)])
        if arrivals.max() > NEVER_LOADED:
            newest = business_dates(pd.Series([arrivals.max()]).astype(DATES), variables)[0]
            current = min(current, newest - pd.Timedelta(days=1))
    first_of_month = current.replace(day=1)
    month_ends = [
        first_of_month - pd.DateOffset(months=months) - pd.Timedelta(days=1)
        for months in range(int(variables["history_months"]))
    ]
    dates = [date for date in month_ends if date >= transaction_dates.min()]
    told = pd.Series(sorted([*dates, current])).astype(DATES)
    return pd.DataFrame({"as_of_date": told, "previous_as_of_date": told.shift(1)})


# -- lines ----------------------------------------------------------------------------------------


def as_fraction(value: Any) -> Fraction:
    """A count, a number of days or an amount as an exact number."""
    return Fraction(value) if isinstance(value, Decimal | Fraction) else Fraction(int(value))


def as_line(value: Fraction) -> Decimal:
    """Rounded half up (away from zero) to eight decimals: what values are compared with."""
    steps = math.floor(abs(value) * 10**8 + Fraction(1, 2))
    return Decimal(steps if value >= 0 else -steps).scaleb(-8)


def mean_line(values: Iterable[Any]) -> Decimal | None:
    values = list(values)
    return as_line(Fraction(sum(values)) / len(values)) if values else None


def continuous_quantile(values: Iterable[Any], share: Fraction) -> Decimal | None:
    """Between the two values nearest to the share, in proportion, as a line."""
    ordered = sorted(values)
    if not ordered:
        return None
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    lower, upper = as_fraction(ordered[below]), as_fraction(ordered[above])
    return as_line(lower + (upper - lower) * (position - below))


def discrete_quantile(values: Iterable[int], share: Fraction) -> int | None:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    if not ordered:
        return None
    return int(ordered[max(math.ceil(share * len(ordered)), 1) - 1])


METRICS = ["recency_days", "frequency_count", "monetary_amount"]


@dataclass
class Lines:
    """Where the lines lay on one as-of date."""

    cut_points: dict[str, list[Decimal]]
    references: dict[str, Decimal | None]
    top_fifth: Decimal | None
    high_value: Decimal | None
    mid_value: Decimal | None
    pooled_gap: Decimal | None
    churn_days: int | None
    second_gap_lower: int | None
    second_gap_upper: int | None


def _above(values: Series, line: Any) -> Series:
    """value > line; false where either is null."""
    return where(lambda value: line is not None and value > line, values)


# -- measured -------------------------------------------------------------------------------------


@dataclass
class Facts:
    """The daily facts of all customers; customer_id is one category in all of them."""

    known: Frame
    purchases: Frame
    purchase_days: Frame
    interactions: Frame
    complaints: Frame


def _gather(accepted: Mapping[str, Frame], variables: Variables) -> Facts:
    known = known_customers(accepted, variables)
    same_customers = pd.CategoricalDtype(list(known["customer_id"]))

    def categorised(facts: Frame) -> Frame:
        facts = facts.assign(customer_id=facts["customer_id"].astype(same_customers))
        return facts.sort_values(["customer_id", "activity_date"]).reset_index(drop=True)

    purchases = categorised(daily_purchases_in_units(accepted))
    purchase_days = purchases[purchases["purchase_count"] > 0].copy()
    of_customer = purchase_days.groupby("customer_id", observed=True)
    purchase_days["day_number"] = of_customer.cumcount() + 1
    purchase_days["gap_days"] = of_customer["activity_date"].diff().dt.days.astype("Int64")
    feedback = categorised(daily_feedback(accepted))
    return Facts(
        known=known,
        purchases=purchases,
        purchase_days=purchase_days,
        interactions=categorised(daily_interactions(accepted)),
        complaints=feedback[feedback["complaint_count"] > 0],
    )


def _days(count: int) -> pd.Timedelta:
    return pd.Timedelta(days=int(count))


def last_days(facts: Frame, as_of: pd.Timestamp, days: int | None) -> Frame:
    """The facts of the last n days: D and the n - 1 days before it; null = all up to D."""
    told = facts[facts["activity_date"] <= as_of]
    return told if days is None else told[told["activity_date"] > as_of - _days(days)]


def year_before_last_days(facts: Frame, as_of: pd.Timestamp, days: int) -> Frame:
    """The facts of the 365 days that end where the last n days begin."""
    return last_days(facts, as_of - _days(days), 365)


def _by_customer(facts: Frame) -> Any:
    """Groups of every customer, also of those without a fact: their sums are 0, dates null."""
    return facts.groupby("customer_id", observed=False)


def _total(facts: Frame, column: str) -> Series:
    return _by_customer(facts)[column].sum()


def _first_date(facts: Frame) -> Series:
    return _by_customer(facts)["activity_date"].min()


def _last_date(facts: Frame) -> Series:
    return _by_customer(facts)["activity_date"].max()


def _whole_days(durations: Series) -> Series:
    return durations.dt.days.astype("Int64")


def _measure_purchases(facts: Facts, as_of: pd.Timestamp, variables: Variables) -> Frame:
    """What each customer bought by D, sums still in ten-thousandths."""
    window, recent = variables["rfm_window_days"], variables["recent_days"]
    drop = variables["value_drop_days"]
    half = (365 if window is None else window) // 2
    purchases, purchase_days = facts.purchases, facts.purchase_days
    in_life = last_days(purchases, as_of, None)
    in_window = last_days(purchases, as_of, window)
    days_in_life = last_days(purchase_days, as_of, None)
    days_in_window = last_days(purchase_days, as_of, window)
    half_before = last_days(purchases, as_of - _days(half), half)
    days_of_second = days_in_life[days_in_life["day_number"] == 2]
    measured = pd.DataFrame(
        {
            "first_purchase_date": _first_date(days_in_life),
            "second_purchase_date": _first_date(days_of_second),
            "last_purchase_date": _last_date(days_in_life),
            "purchase_day_count": _by_customer(days_in_life).size(),
            "lifetime_net_amount": _total(in_life, "net_amount"),
            "window_purchase_day_count": _by_customer(days_in_window).size(),
            "order_count": _total(in_window, "order_count"),
            "gross_amount": _total(in_window, "gross_amount"),
            "returned_amount": _total(in_window, "returned_amount"),
            "net_amount": _total(in_window, "net_amount"),
            "profit_amount": _by_customer(in_window)["profit_amount"].sum(min_count=1),
            "net_amount_365": _total(last_days(purchases, as_of, 365), "net_amount"),
            "net_amount_half": _total(last_days(purchases, as_of, half), "net_amount"),
            "net_amount_half_before": _total(half_before, "net_amount"),
            "net_amount_value_drop": _total(last_days(purchases, as_of, drop), "net_amount"),
            "net_amount_value_drop_year": _total(
                year_before_last_days(purchases, as_of, drop), "net_amount"
            ),
            "purchase_day_count_value_drop_year": _by_customer(
                year_before_last_days(purchase_days, as_of, drop)
            ).size(),
            "returned_on_date": _first_date(last_days(purchase_days, as_of, recent)),
            "purchase_before_return_date": _last_date(
                last_days(purchase_days, as_of - _days(recent), None)
            ),
        }
    )
    measured["recency_days"] = _whole_days(as_of - measured["last_purchase_date"])
    measured["is_buyer"] = measured["window_purchase_day_count"] > 0
    by_orders = variables["rfm_frequency_unit"] == "orders"
    measured["frequency_count"] = measured[
        "order_count" if by_orders else "window_purchase_day_count"
    ]
    is_gross = variables["rfm_monetary_basis"] == "gross"
    measured["monetary_amount"] = measured["gross_amount" if is_gross else "net_amount"]
    return measured


def _measure_interactions(facts: Facts, as_of: pd.Timestamp, variables: Variables) -> Frame:
    faded, surge = variables["engagement_faded_days"], variables["engagement_surge_days"]
    interactions = facts.interactions
    in_life = last_days(interactions, as_of, None)
    count = "interaction_count"
    return pd.DataFrame(
        {
            "last_interaction_date": _last_date(in_life[in_life[count] > 0]),
            "interaction_count_faded": _total(last_days(interactions, as_of, faded), count),
            "interaction_count_faded_year": _total(
                year_before_last_days(interactions, as_of, faded), count
            ),
            "interaction_count_surge": _total(last_days(interactions, as_of, surge), count),
            "interaction_count_surge_year": _total(
                year_before_last_days(interactions, as_of, surge), count
            ),
            "contact_count": _total(in_life, "contact_count"),
            "intent_count": _total(in_life, "intent_count"),
        }
    )


def _measure_complaints(facts: Facts, as_of: pd.Timestamp, variables: Variables) -> Frame:
    """The last complaint day of the last days, and the last one that is not settled by D."""
    recent = last_days(facts.complaints, as_of, variables["complaint_days"])
    is_open = recent["all_resolved_date"].isna() | (recent["all_resolved_date"] > as_of)
    return pd.DataFrame(
        {
            "last_complaint_date": _last_date(recent),
            "last_unresolved_complaint_date": _last_date(recent[is_open]),
        }
    )


MONEY_OF_A_STATE = [
    "lifetime_net_amount",
    "gross_amount",
    "returned_amount",
    "net_amount",
    "profit_amount",
    "monetary_amount",
    "net_amount_365",
    "net_amount_half",
    "net_amount_half_before",
    "net_amount_value_drop",
    "net_amount_value_drop_year",
]


def _measure(facts: Facts, as_of: pd.Timestamp, variables: Variables) -> Frame:
    """One row per customer known by D, indexed by customer, money in decimals."""
    known = facts.known.set_index(pd.Index(facts.known["customer_id"], name="customer"))
    measured = pd.concat(
        [
            _measure_purchases(facts, as_of, variables),
            _measure_interactions(facts, as_of, variables),
            _measure_complaints(facts, as_of, variables),
        ],
        axis=1,
    )
    # the groups stand in the order of the known customers, as the category was made from them
    measured.index = known.index
    states = known.join(measured)
    states = states[states["known_since_date"] <= as_of].copy()
    # who registers later is known from activity alone until then
    states["is_registered"] &= ~(states["registered_date"] > as_of)
    states["known_days"] = (as_of - states["known_since_date"]).dt.days
    for column in MONEY_OF_A_STATE:
        states[column] = to_amounts(states[column])
    is_unanswered = states["last_purchase_date"].isna() | (
        states["last_purchase_date"] <= states["last_complaint_date"]
    )
    unanswered = states["last_complaint_date"].where(is_unanswered)
    states["open_complaint_date"] = pd.concat(
        [states["last_unresolved_complaint_date"], unanswered], axis=1
    ).max(axis=1)
    return states


# -- scored and classified ------------------------------------------------------------------------


def _cut_points(buyers: Frame, seeds: Seeds, variables: Variables) -> dict[str, list[Decimal]]:
    bins = int(variables["rfm_score_bins"])
    if variables["rfm_score_method"] == "fixed":
        seed = seeds["rfm_fixed_cut_points"]
        seed = seed[seed["cut_number"].astype(int) < bins]
        return {
            metric: sorted(
                as_line(exact(cut)) for cut in seed.loc[seed["metric"] == metric, "cut_point"]
            )
            for metric in METRICS
        }
    if buyers.empty:
        return {metric: [] for metric in METRICS}
    return {
        metric: [continuous_quantile(buyers[metric], Fraction(k, bins)) for k in range(1, bins)]
        for metric in METRICS
    }


def _scores(buyers: Frame, cut_points: dict[str, list[Decimal]], variables: Variables) -> Frame:
    """1..n, higher is better in all three: recency counts down, as fewer days are better."""
    bins = int(variables["rfm_score_bins"])
    is_fixed = variables["rfm_score_method"] == "fixed"
    # bisect_left counts the cut points strictly below the value, bisect_right those up to it
    count_passed = bisect_right if is_fixed else bisect_left
    scores = pd.DataFrame(index=buyers.index)
    for metric in METRICS:
        cuts = cut_points[metric]
        passed = [count_passed(cuts, value) for value in buyers[metric].tolist()]
        score = [bins - n if metric == "recency_days" else 1 + n for n in passed]
        scores[metric] = pd.Series(score, index=buyers.index, dtype="int64")
    return scores


def _references(
    buyers: Frame,
    cut_points: dict[str, list[Decimal]],
    seeds: Seeds,
    variables: Variables,
) -> dict[str, Decimal | None]:
    """The line between high and low of each metric; where scores decide, their mean."""
    kind = variables["value_class_reference"]
    if kind == "fixed":
        seed = seeds["rfm_fixed_references"].set_index("metric")["reference_value"]
        return {metric: as_line(exact(seed[metric])) for metric in METRICS}
    if kind == "median":
        return {metric: continuous_quantile(buyers[metric], Fraction(1, 2)) for metric in METRICS}
    values = _scores(buyers, cut_points, variables) if kind == "score" else buyers
    return {metric: mean_line(values[metric].tolist()) for metric in METRICS}


def _highs(buyers: Frame, lines: Lines, variables: Variables) -> Frame | None:
    """Whether each buyer stands high in R, F and M; null where there are no lines."""
    if any(lines.references[metric] is None for metric in METRICS):
        return None
    by_score = variables["value_class_reference"] == "score"
    values = _scores(buyers, lines.cut_points, variables) if by_score else buyers
    highs = pd.DataFrame(
        {metric: _above(values[metric], lines.references[metric]) for metric in METRICS}
    )
    if not by_score:  # few days are high; a score already counts the right way
        highs["recency_days"] = ~highs["recency_days"]
    return highs


def _classes(states: Frame, lines: Lines | None, seeds: Seeds, variables: Variables) -> Frame:
    """is_recency_high, is_frequency_high, is_monetary_high and value_class by some lines."""
    flags = ["is_recency_high", "is_frequency_high", "is_monetary_high"]
    classes = pd.DataFrame(index=states.index, columns=[*flags, "value_class"], dtype=object)
    if lines is None:
        return classes.where(classes.notna(), None)
    classes.loc[~states["is_buyer"], "value_class"] = "no_purchase"
    buyers = states[states["is_buyer"]]
    highs = _highs(buyers, lines, variables)
    if highs is not None:
        class_of = {
            tuple(str(getattr(row, flag)).lower() == "true" for flag in flags): row.value_class
            for row in seeds["value_classes"].itertuples()
            if not is_missing(row.is_recency_high)  # the other classes stand for no class
        }
        for flag, metric in zip(flags, METRICS, strict=True):
            classes.loc[buyers.index, flag] = highs[metric].astype(object)
        classes.loc[buyers.index, "value_class"] = [
            class_of[tuple(bool(high) for high in row)]
            for row in highs[METRICS].itertuples(index=False)
        ]
    return classes.where(classes.notna(), None)


def _ranks(classes: Series, seeds: Seeds) -> Series:
    rank = dict(
        zip(
            seeds["value_classes"]["value_class"],
            seeds["value_classes"]["value_class_rank"].astype(int),
            strict=True,
        )
    )
    return pd.Series([rank.get(code) for code in classes], index=classes.index, dtype="Int64")


def _draw_lines(
    states: Frame, facts: Facts, as_of: pd.Timestamp, seeds: Seeds, variables: Variables
) -> Lines:
    """Every line of one as-of date, from the customers known by then."""
    buyers = states[states["is_buyer"]]
    ever_bought = states[states["purchase_day_count"] > 0]
    returned = states[states["purchase_day_count"] > 1]
    high_share = 1 - exact(variables["high_value_share"])
    mid_share = 1 - exact(variables["mid_value_share"])
    tail = exact(variables["second_purchase_tail_share"])

    days_by_then = last_days(facts.purchase_days, as_of, None)
    gaps = days_by_then["gap_days"].dropna().tolist()
    second_gaps = days_by_then.loc[days_by_then["day_number"] == 2, "gap_days"].tolist()
    spans = (returned["last_purchase_date"] - returned["first_purchase_date"]).dt.days
    steps = int((returned["purchase_day_count"] - 1).sum())
    given = variables["churn_after_days"]
    cut_points = _cut_points(buyers, seeds, variables)
    return Lines(
        cut_points=cut_points,
        references=_references(buyers, cut_points, seeds, variables),
        top_fifth=continuous_quantile(ever_bought["lifetime_net_amount"], high_share),
        high_value=continuous_quantile(buyers["monetary_amount"], high_share),
        mid_value=continuous_quantile(buyers["monetary_amount"], mid_share),
        pooled_gap=as_line(Fraction(int(spans.sum()), steps)) if steps else None,
        churn_days=(
            discrete_quantile(gaps, exact(variables["churn_gap_share"]))
            if given is None
            else int(given)
        ),
        second_gap_lower=discrete_quantile(second_gaps, tail),
        second_gap_upper=discrete_quantile(second_gaps, 1 - tail),
    )


# -- value ----------------------------------------------------------------------------------------


def _value_levels(states: Frame, lines: Lines) -> Series:
    monetary = states["monetary_amount"]
    return pd.Series(
        np.select(
            [
                ~states["is_buyer"],
                _above(monetary, lines.high_value),
                _above(monetary, lines.mid_value),
            ],
            ["none", "high", "mid"],
            "low",
        ),
        index=states.index,
        dtype=object,
    )


def _abc_classes(states: Frame, variables: Variables) -> Series:
    """a while the share of all buyers' money, from the largest amount down to its own, is small."""
    classes = pd.Series("none", index=states.index, dtype=object)
    amounts = states.loc[states["is_buyer"], "monetary_amount"]
    total = sum(amounts, Decimal(0))
    if total <= 0:
        classes[amounts.index] = "c"
        return classes
    a_line = exact_decimal(variables["abc_a_share"]) * total
    b_line = exact_decimal(variables["abc_b_share"]) * total
    times = amounts.value_counts()
    ordered = sorted(times.index, reverse=True)
    sums = accumulate(amount * int(times[amount]) for amount in ordered)
    class_of = {
        amount: "a" if cumulated <= a_line else "b" if cumulated <= b_line else "c"
        for amount, cumulated in zip(ordered, sums, strict=True)
    }
    classes[amounts.index] = [class_of[amount] for amount in amounts]
    return classes


# -- lifecycle ------------------------------------------------------------------------------------


def _own_pace(states: Frame, lines: Lines) -> Series:
    """Days between purchases, drawn towards the mean gap of all as if by two gaps more."""
    paces: list[Decimal | None] = []
    spans = (states["last_purchase_date"] - states["first_purchase_date"]).dt.days
    for span, count in zip(spans, states["purchase_day_count"], strict=True):
        if count == 0 or lines.pooled_gap is None:
            paces.append(None)
        else:
            pace = (Fraction(int(span)) + 2 * as_fraction(lines.pooled_gap)) / (int(count) - 1 + 2)
            paces.append(as_line(pace))
    return pd.Series(paces, index=states.index, dtype=object)


def _silence_over_pace(states: Frame, variables: Variables) -> Series:
    """recency_days > multiple x own pace; false where either is null."""
    multiple = exact_decimal(variables["at_risk_pace_multiple"])
    return where(
        lambda recency, pace: recency > multiple * pace,
        states["recency_days"],
        states["usual_gap_days"],
    )


def _silence_before_return(states: Frame) -> Series:
    """Days of silence that a purchase of the last days ended; null where there is none."""
    return _whole_days(states["returned_on_date"] - states["purchase_before_return_date"])


def _place(states: Frame, lines: Lines, as_of: pd.Timestamp, variables: Variables) -> Frame:
    """Lifecycle stage, since when, movement, journeys and relationship."""
    states = states.copy()
    count = states["purchase_day_count"]
    states["usual_gap_days"] = _own_pace(states, lines)
    never_bought = count == 0
    is_churned = ~never_bought & _above(states["recency_days"], lines.churn_days)
    is_reactivated = _above(_silence_before_return(states), lines.churn_days)

    states["lifecycle_stage"] = np.select(
        [never_bought, is_churned, count == 1],
        ["potential", "churned", "first_purchase"],
        "repeat",
    )
    stage_dates = {
        "potential": states["known_since_date"],
        "churned": states["last_purchase_date"] + _days((lines.churn_days or 0) + 1),
        "first_purchase": states["first_purchase_date"],
        "repeat": states["second_purchase_date"].mask(is_reactivated, states["returned_on_date"]),
    }
    since = pd.Series(pd.NaT, index=states.index, dtype=DATES)
    for stage_code, dates in stage_dates.items():
        since = since.mask(states["lifecycle_stage"] == stage_code, dates)
    states["lifecycle_stage_since_date"] = since

    half, before = states["net_amount_half"], states["net_amount_half_before"]
    growth = exact_decimal(variables["growth_share"])
    is_new = states["first_purchase_date"] > as_of - _days(variables["recent_days"])
    is_at_risk = ~is_churned & _silence_over_pace(states, variables)
    is_growing = where(lambda now, then: then > 0 and now >= (1 + growth) * then, half, before)
    is_declining = where(lambda now, then: then > 0 and now <= (1 - growth) * then, half, before)
    states["movement"] = np.select(
        [never_bought, is_new, is_reactivated, is_at_risk, is_growing, is_declining],
        ["steady", "new", "reactivated", "at_risk", "growing", "declining"],
        "steady",
    )

    is_super = (count >= int(variables["super_customer_purchases"])) & _above(
        states["lifetime_net_amount"], lines.top_fifth
    )
    states["ecommerce_stage"] = np.select(
        [never_bought, is_super, count >= 2], ["new", "super", "repeat"], "first"
    )
    states["consultative_stage"] = np.select(
        [
            is_super,
            count >= 2,
            count == 1,
            states["intent_count"] > 0,
            states["contact_count"] > 0,
        ],
        ["super", "repeat", "first_order", "intent", "contacted"],
        "stranger",
    )
    states["relationship"] = (
        states["lifecycle_stage"].map({"potential": "potential", "churned": "churned"})
    ).fillna("active")
    return states


# -- customer states ------------------------------------------------------------------------------

STATE_COLUMNS = [
    "customer_id",
    "as_of_date",
    "previous_as_of_date",
    "known_since_date",
    "known_days",
    "is_registered",
    "first_purchase_date",
    "second_purchase_date",
    "last_purchase_date",
    "recency_days",
    "purchase_day_count",
    "lifetime_net_amount",
    "window_purchase_day_count",
    "order_count",
    "gross_amount",
    "returned_amount",
    "net_amount",
    "profit_amount",
    "frequency_count",
    "monetary_amount",
    "is_buyer",
    "net_amount_365",
    "net_amount_half",
    "net_amount_half_before",
    "net_amount_value_drop",
    "net_amount_value_drop_year",
    "purchase_day_count_value_drop_year",
    "returned_on_date",
    "purchase_before_return_date",
    "last_interaction_date",
    "interaction_count_faded",
    "interaction_count_faded_year",
    "interaction_count_surge",
    "interaction_count_surge_year",
    "contact_count",
    "intent_count",
    "last_complaint_date",
    "last_unresolved_complaint_date",
    "open_complaint_date",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "is_recency_high",
    "is_frequency_high",
    "is_monetary_high",
    "value_class",
    "value_class_rank",
    "value_class_with_previous_lines",
    "value_class_rank_with_previous_lines",
    "usual_gap_days",
    "churn_line_days",
    "top_fifth_line_amount",
    "second_gap_lower_days",
    "second_gap_upper_days",
    "lifecycle_stage",
    "lifecycle_stage_since_date",
    "movement",
    "ecommerce_stage",
    "consultative_stage",
    "relationship",
    "value_level",
    "abc_class",
    "previous_value_class",
    "previous_value_class_rank",
    "previous_lifecycle_stage",
    "previous_movement",
    "previous_recency_days",
    "previous_monetary_amount",
]
COMPARED = [
    "value_class",
    "value_class_rank",
    "lifecycle_stage",
    "movement",
    "recency_days",
    "monetary_amount",
]


def _state_of(
    facts: Facts,
    as_of: pd.Timestamp,
    previous_lines: Lines | None,
    seeds: Seeds,
    variables: Variables,
) -> tuple[Frame, Lines]:
    """The states of one as-of date, without the comparison with the state before."""
    states = _measure(facts, as_of, variables)
    lines = _draw_lines(states, facts, as_of, seeds, variables)
    scores = _scores(states[states["is_buyer"]], lines.cut_points, variables)
    for metric, column in zip(
        METRICS, ["recency_score", "frequency_score", "monetary_score"], strict=True
    ):
        states[column] = scores[metric].reindex(states.index).astype("Int64")
    for column, values in _classes(states, lines, seeds, variables).items():
        states[column] = values
    states["value_class_rank"] = _ranks(states["value_class"], seeds)
    by_old_lines = _classes(states, previous_lines, seeds, variables)["value_class"]
    states["value_class_with_previous_lines"] = by_old_lines
    states["value_class_rank_with_previous_lines"] = _ranks(by_old_lines, seeds)
    states["value_level"] = _value_levels(states, lines)
    states["abc_class"] = _abc_classes(states, variables)
    states = _place(states, lines, as_of, variables)

    def on_every_row(value: Any, dtype: Any) -> Series:
        return pd.Series([value] * len(states), index=states.index, dtype=dtype)

    states["churn_line_days"] = on_every_row(lines.churn_days, "Int64")
    states["top_fifth_line_amount"] = on_every_row(lines.top_fifth, object)
    states["second_gap_lower_days"] = on_every_row(lines.second_gap_lower, "Int64")
    states["second_gap_upper_days"] = on_every_row(lines.second_gap_upper, "Int64")
    return states, lines


def _compare_with_before(states: Frame, before: Frame | None) -> Frame:
    """previous_*: the state of the previous as-of date; null where the customer was not known."""
    for column in COMPARED:
        if before is None:
            dtype = "Int64" if column in ("value_class_rank", "recency_days") else object
            states[f"previous_{column}"] = pd.Series([None] * len(states), states.index, dtype)
        else:
            states[f"previous_{column}"] = before[column].reindex(states.index)
    return states


def customer_states(accepted: Mapping[str, Frame], seeds: Seeds, variables: Variables) -> Frame:
    """One row per as-of date and customer known by then, with the columns STATE_COLUMNS."""
    facts = _gather(accepted, variables)
    told: list[Frame] = []
    before: Frame | None = None
    lines: Lines | None = None
    for as_of, previous in as_of_dates(accepted, variables).itertuples(index=False):
        states, lines = _state_of(facts, as_of, lines, seeds, variables)
        states["as_of_date"] = pd.Series(as_of, index=states.index, dtype=DATES)
        states["previous_as_of_date"] = pd.Series(previous, index=states.index, dtype=DATES)
        states = _compare_with_before(states, before)
        told.append(states[STATE_COLUMNS])
        before = states
    if not told:
        return pd.DataFrame(columns=STATE_COLUMNS)
    return pd.concat(told, ignore_index=True)


# -- turning points -------------------------------------------------------------------------------

POINT_COLUMNS = [
    "customer_id",
    "as_of_date",
    "turning_point_type",
    "observed_value",
    "reference_value",
    "strength",
    "started_on",
]


def _exceeds(observed: Fraction, reference: Fraction) -> Fraction:
    """How far something lies above its reference."""
    return 1 - reference / observed if observed else Fraction(0)


def _falls_short(observed: Fraction, reference: Fraction) -> Fraction:
    """How far something lies below its reference."""
    return 1 - observed / reference if reference else Fraction(0)


def _closing(observed: Fraction, reference: Fraction) -> Fraction:
    """How much of a window is over."""
    return observed / reference if reference else Fraction(1)


def _as_shown(value: Fraction) -> Decimal:
    steps = math.floor(abs(value) * 10**4 + Fraction(1, 2))
    return Decimal(steps if value >= 0 else -steps).scaleb(-4)


def _points(
    holding: Frame,
    type_code: str,
    observed: Series,
    reference: Series,
    strength: Callable[[Fraction, Fraction], Fraction],
    started_on: Series,
) -> Frame:
    """The rows of one type; strength comes from the numbers before they are rounded to be shown."""
    seen = [as_fraction(value) for value in observed]
    meant = [as_fraction(value) for value in reference]
    index = holding.index
    strengths = [
        float(min(max(strength(o, r), Fraction(0)), Fraction(1)))
        for o, r in zip(seen, meant, strict=True)
    ]
    return pd.DataFrame(
        {
            "customer_id": holding["customer_id"],
            "as_of_date": holding["as_of_date"],
            "turning_point_type": pd.Series(type_code, index=index, dtype=object),
            "observed_value": pd.Series(map(_as_shown, seen), index, object),
            "reference_value": pd.Series(map(_as_shown, meant), index, object),
            "strength": pd.Series(strengths, index=index, dtype="float64"),
            "started_on": started_on.astype(DATES),
        }
    )


def _later(dates: Series, days: Series | Iterable[int]) -> Series:
    """Dates so many days later, each its own number."""
    return dates + pd.to_timedelta(pd.Series(list(days), dates.index, "int64"), unit="D")


def _same(states: Frame, value: Any) -> Series:
    return pd.Series([value] * len(states), index=states.index, dtype=object)


def _age(states: Frame, dates: Series) -> Series:
    return _whole_days(states["as_of_date"] - dates)


def _beyond_churn_line(states: Frame, days: Series) -> Series:
    return where(lambda silence, line: silence > line, days, states["churn_line_days"])


def _slipping(states: Frame, variables: Variables) -> Frame:
    multiple = exact_decimal(variables["at_risk_pace_multiple"])
    within_line = where(
        lambda recency, line: recency <= line, states["recency_days"], states["churn_line_days"]
    )
    holding = states[
        (states["purchase_day_count"] >= int(variables["slipping_min_purchase_days"]))
        & _silence_over_pace(states, variables)
        & within_line
    ]
    quiet_days = [math.floor(multiple * pace) + 1 for pace in holding["usual_gap_days"]]
    return _points(
        holding,
        "slipping",
        holding["recency_days"],
        holding["usual_gap_days"],
        _exceeds,
        _later(holding["last_purchase_date"], quiet_days),
    )


def _dormant_high_value(states: Frame, variables: Variables) -> Frame:
    is_valuable = where(
        lambda amount, line: amount > line,
        states["lifetime_net_amount"],
        states["top_fifth_line_amount"],
    )
    holding = states[_beyond_churn_line(states, states["recency_days"]) & is_valuable]
    return _points(
        holding,
        "dormant_high_value",
        holding["recency_days"],
        holding["churn_line_days"],
        _exceeds,
        _later(holding["last_purchase_date"], holding["churn_line_days"] + 1),
    )


def _shallow_recent(states: Frame, variables: Variables) -> Frame:
    recent = int(variables["recent_days"])
    age = _age(states, states["last_interaction_date"])
    holding = states[
        where(lambda days: days < recent, age)
        & (states["purchase_day_count"] <= 1)
        & (states["known_days"] <= int(variables["shallow_known_days"]))
    ]
    return _points(
        holding,
        "shallow_recent",
        age[holding.index],
        _same(holding, recent),
        _falls_short,
        holding["last_interaction_date"],
    )


def _second_purchase_window(states: Frame, variables: Variables) -> Frame:
    is_between = where(
        lambda recency, lower, upper: lower <= recency <= upper,
        states["recency_days"],
        states["second_gap_lower_days"],
        states["second_gap_upper_days"],
    )
    holding = states[(states["purchase_day_count"] == 1) & is_between]
    return _points(
        holding,
        "second_purchase_window",
        holding["recency_days"],
        holding["second_gap_upper_days"],
        _closing,
        _later(holding["first_purchase_date"], holding["second_gap_lower_days"]),
    )


def _own_mean(totals_of_year: Series, days: int) -> Series:
    """What so many days of that year brought on average, as a line."""
    totals = totals_of_year.tolist()
    mean_of = {total: as_line(as_fraction(total) * int(days) / 365) for total in set(totals)}
    return pd.Series([mean_of[total] for total in totals], totals_of_year.index, dtype=object)


def _value_drop(states: Frame, variables: Variables) -> Frame:
    days = int(variables["value_drop_days"])
    share = exact_decimal(variables["value_drop_share"])
    mean = _own_mean(states["net_amount_value_drop_year"], days)
    has_dropped = where(
        lambda amount, usual: usual > 0 and amount <= share * usual,
        states["net_amount_value_drop"],
        mean,
    )
    enough = states["purchase_day_count_value_drop_year"] >= int(
        variables["value_drop_min_purchase_days"]
    )
    still_buys = where(lambda recency: recency < days, states["recency_days"])
    holding = states[enough & still_buys & has_dropped]
    return _points(
        holding,
        "value_drop",
        holding["net_amount_value_drop"],
        mean[holding.index],
        _falls_short,
        holding["as_of_date"] - _days(days - 1),
    )


def _class_moved(states: Frame, fell: bool) -> Frame:
    """By behaviour: the rank moved with today's lines, and with those of the date before too."""
    among_eight = pd.Series(True, index=states.index)
    for column in ("previous_value_class", "value_class", "value_class_with_previous_lines"):
        among_eight &= states[column].notna() & (states[column] != "no_purchase")
    known = states[among_eight]
    before = known["previous_value_class_rank"]
    today, by_old_lines = known["value_class_rank"], known["value_class_rank_with_previous_lines"]
    if fell:
        holding = known[((today < before) & (by_old_lines < before)).astype(bool)]
    else:
        holding = known[((today > before) & (by_old_lines > before)).astype(bool)]
    return _points(
        holding,
        "class_fell" if fell else "class_rose",
        holding["value_class_rank"],
        holding["previous_value_class_rank"],
        _falls_short if fell else _exceeds,
        holding["previous_as_of_date"] + _days(1),
    )


def _class_fell(states: Frame, variables: Variables) -> Frame:
    return _class_moved(states, fell=True)


def _class_rose(states: Frame, variables: Variables) -> Frame:
    return _class_moved(states, fell=False)


def _came_back(states: Frame, variables: Variables) -> Frame:
    silence = _silence_before_return(states)
    holding = states[_beyond_churn_line(states, silence)]
    return _points(
        holding,
        "came_back",
        silence[holding.index],
        holding["churn_line_days"],
        _exceeds,
        holding["returned_on_date"],
    )


def _complained_while_valuable(states: Frame, variables: Variables) -> Frame:
    is_key = where(lambda high: bool(high), states["is_monetary_high"])
    holding = states[states["open_complaint_date"].notna() & is_key]
    return _points(
        holding,
        "complained_while_valuable",
        _age(holding, holding["open_complaint_date"]),
        _same(holding, int(variables["complaint_days"])),
        _falls_short,
        holding["open_complaint_date"],
    )


def _engagement_faded(states: Frame, variables: Variables) -> Frame:
    days = int(variables["engagement_faded_days"])
    share = exact_decimal(variables["engagement_faded_share"])
    mean = _own_mean(states["interaction_count_faded_year"], days)
    has_faded = where(
        lambda count, usual: count <= share * usual, states["interaction_count_faded"], mean
    )
    enough = states["interaction_count_faded_year"] >= int(
        variables["engagement_faded_min_interactions"]
    )
    holding = states[enough & has_faded]
    return _points(
        holding,
        "engagement_faded",
        holding["interaction_count_faded"],
        mean[holding.index],
        _falls_short,
        holding["as_of_date"] - _days(days - 1),
    )


def _engagement_surge(states: Frame, variables: Variables) -> Frame:
    days = int(variables["engagement_surge_days"])
    multiple = exact_decimal(variables["engagement_surge_multiple"])
    mean = _own_mean(states["interaction_count_surge_year"], days)
    has_surged = where(
        lambda count, usual: count >= multiple * usual, states["interaction_count_surge"], mean
    )
    enough = states["interaction_count_surge"] >= int(
        variables["engagement_surge_min_interactions"]
    )
    bought = where(lambda recency: recency < days, states["recency_days"])
    holding = states[enough & has_surged & ~bought]
    return _points(
        holding,
        "engagement_surge",
        holding["interaction_count_surge"],
        mean[holding.index],
        _exceeds,
        holding["as_of_date"] - _days(days - 1),
    )


POINT_TYPES = [
    _slipping,
    _dormant_high_value,
    _shallow_recent,
    _second_purchase_window,
    _value_drop,
    _class_fell,
    _class_rose,
    _came_back,
    _complained_while_valuable,
    _engagement_faded,
    _engagement_surge,
]


def turning_points(states: Frame, seeds: Seeds, variables: Variables) -> Frame:
    """One row per customer, as-of date and type that holds, with the columns POINT_COLUMNS."""
    if states.empty:
        return pd.DataFrame(columns=POINT_COLUMNS)
    points = [of_type(states, variables) for of_type in POINT_TYPES]
    return pd.concat(points, ignore_index=True)[POINT_COLUMNS]


# -- critical customers ---------------------------------------------------------------------------

CRITICAL_COLUMNS = [
    "customer_id",
    "as_of_date",
    "criticality",
    "value_at_stake_amount",
    "most_urgent_type",
]


def best_year_amount(purchases: Frame, as_of: pd.Timestamp) -> Decimal:
    """The most that 365 days on end, the last of them with a purchase or return, brought.

    purchases: the activity_date and net_amount of that customer.
    """
    dates = pd.to_datetime(purchases["activity_date"])
    days = sorted(zip(dates, purchases["net_amount"], strict=True))
    best = in_year = Decimal(0)
    oldest = 0
    for date, amount in days:
        if date > as_of:
            break
        in_year += amount
        while days[oldest][0] <= date - _days(365):
            in_year -= days[oldest][1]
            oldest += 1
        best = max(best, in_year)
    return best


def _value_percentiles(states: Frame) -> Series:
    """The share of customers with a value that have at most this one; 0 without a value."""
    values = [amount for amount in states["lifetime_net_amount"] if amount > 0]
    ordered = sorted(values)
    percentiles = [
        Fraction(bisect_right(ordered, amount), len(ordered)) if amount > 0 else Fraction(0)
        for amount in states["lifetime_net_amount"]
    ]
    return pd.Series(percentiles, index=states.index, dtype=object)


def critical_customers(
    states: Frame, points: Frame, purchases: Frame, seeds: Seeds, variables: Variables
) -> Frame:
    """One row per customer with a turning point on the current (newest) as-of date.

    purchases: daily_purchases, money in decimals.
    """
    if states.empty or points.empty:
        return pd.DataFrame(columns=CRITICAL_COLUMNS)
    as_of = states["as_of_date"].max()
    current = states[states["as_of_date"] == as_of].set_index("customer_id", drop=False)
    reasons = points[points["as_of_date"] == as_of].merge(
        seeds["turning_point_types"], on="turning_point_type", validate="many_to_one"
    )
    reasons["urgency"] = [
        float(weight) * strength
        for weight, strength in zip(reasons["weight"], reasons["strength"], strict=True)
    ]
    reasons["shown_urgency"] = reasons["urgency"].round(8)
    reasons = reasons.sort_values(
        ["customer_id", "shown_urgency", "sort_order"], ascending=[True, False, True]
    )

    percentile = _value_percentiles(current)
    floor = float(variables["criticality_floor"])
    aim_of = dict(
        zip(
            seeds["value_classes"]["value_class"],
            seeds["value_classes"]["aims_at_class"],
            strict=True,
        )
    )
    median_of = {
        value_class: continuous_quantile(members, Fraction(1, 2))
        for value_class, members in current.groupby("value_class")["monetary_amount"]
    }
    days_of = dict(list(purchases.groupby("customer_id", observed=True)))

    rows = []
    for customer_id, of_customer in reasons.groupby("customer_id", sort=True):
        state = current.loc[customer_id]
        first = of_customer.iloc[0]
        if first["stake_basis"] == "recent_year":
            stake = state["net_amount_365"]
        elif first["stake_basis"] == "best_year":
            stake = best_year_amount(days_of[customer_id], as_of)
        elif first["stake_basis"] == "class_aimed_at":
            median = median_of.get(aim_of[state["value_class"]])
            stake = Decimal(0) if median is None else median - state["monetary_amount"]
        else:
            raise ValueError(f"unknown stake_basis {first['stake_basis']!r}")
        calm = math.prod(1 - urgency for urgency in of_customer["urgency"])
        share = (1 - calm) * (floor + (1 - floor) * float(percentile[customer_id]))
        rows.append(
            {
                "customer_id": customer_id,
                "as_of_date": as_of,
                "criticality": Decimal(str(round(100 * share, 8))).quantize(
                    Decimal("0.01"), ROUND_HALF_UP
                ),
                "value_at_stake_amount": max(stake, Decimal(0)).quantize(ONE_UNIT, ROUND_HALF_UP),
                "most_urgent_type": first["turning_point_type"],
            }
        )
    return pd.DataFrame(rows, columns=CRITICAL_COLUMNS)
