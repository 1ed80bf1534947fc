"""What each setting may be, tried just inside and just outside of what the registry says.

The checks are macros; they are rendered here without dbt and without a warehouse. That a wrong
setting stops a run before anything is built, test_bad_input.py sees in dbt itself.
"""

import math
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from build.run_dbt import PROJECT_FOLDER
from dbt.clients.jinja import get_template
from dbt.context.base import get_context_modules
from dbt_common.clients.jinja import BaseMacroGenerator, extract_toplevel_blocks
from dbt_common.exceptions.macros import MacroReturn

DECLARED = yaml.safe_load((PROJECT_FOLDER / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
REGISTRY: dict[str, dict[str, Any]] = DECLARED["settings"]
RANGES = {
    name: rule.get("whole") or rule["number"]
    for name, rule in REGISTRY.items()
    if "whole" in rule or "number" in rule
}


def range_kind(name: str) -> str:
    return "a whole number" if "whole" in REGISTRY[name] else "a number"


class Refusal(Exception):
    """A message with which a macro stops the run."""


class Macro(BaseMacroGenerator):
    """A macro of the project as a function, which sees a context."""

    def __init__(self, name: str, text: str, context: dict[str, Any]) -> None:
        super().__init__(context)
        self.name, self.template = name, get_template(text, {})

    def get_name(self) -> str:
        return self.name

    def get_template(self) -> Any:
        return self.template

    def __call__(self, *args: Any) -> Any:
        return self.call_macro(*args)


def macros(folder: str, **context: Any) -> dict[str, Callable[..., Any]]:
    """The macros of a folder as functions, which see the context and one another."""

    def give_back(value: Any) -> None:
        raise MacroReturn(value)

    def refuse(message: str) -> None:
        raise Refusal(message)

    context |= {
        "return": give_back,
        "exceptions": SimpleNamespace(raise_compiler_error=refuse),
        "modules": get_context_modules(),
        "execute": True,
    }
    for path in (PROJECT_FOLDER / "macros" / folder).glob("*.sql"):
        text = path.read_text(encoding="utf-8")
        for block in extract_toplevel_blocks(text, {"macro"}, collect_raw_data=False):
            context[block.block_name] = Macro(block.block_name, block.full_block, context)
    return context


SETTINGS: dict[str, Any] = {}
RULES = macros("rules", var=SETTINGS.__getitem__)


def objections(**changes: Any) -> str:
    """What check_vars says of the settings with these changes; empty where it accepts them."""
    SETTINGS.update({**DECLARED, **changes})
    try:
        RULES["check_vars"]()
    except Refusal as refusal:
        [message] = re.findall(
            r"Nothing was built\. (.+)\. Settings stand in dbt_project\.yml", str(refusal)
        )
        return message
    return ""


def test_the_settings_as_declared_are_accepted() -> None:
    assert objections() == ""


# ---- ranges --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RANGES)
def test_the_ends_of_a_range_are_accepted(name: str) -> None:
    """Whether two settings fit each other is another rule."""
    for end in RANGES[name]:
        assert f"var {name} is" not in objections(**{name: end})


@pytest.mark.parametrize("name", RANGES)
def test_just_outside_a_range_is_refused_with_what_is_allowed(name: str) -> None:
    low, high = RANGES[name]
    allowed = f"{range_kind(name)} between {low} and {high}"
    allowed += ", or null" if REGISTRY[name].get("or_null") else ""
    for outside in just_outside(name):
        assert objections(**{name: outside}) == f"var {name} is {outside}; it must be {allowed}"


def just_outside(name: str) -> tuple[float, float]:
    low, high = RANGES[name]
    if "whole" in REGISTRY[name]:
        return low - 1, high + 1
    return math.nextafter(low, -math.inf), math.nextafter(high, math.inf)


@pytest.mark.parametrize("name", RANGES)
def test_a_number_is_a_number_and_no_text_or_truth(name: str) -> None:
    low, high = RANGES[name]
    for value in (str(low), True, False, *([high - 0.5] if "whole" in REGISTRY[name] else [])):
        assert objections(**{name: value}).startswith(f"var {name} is {value}; it must be ")


@pytest.mark.parametrize("name", REGISTRY)
def test_null_is_accepted_where_the_registry_says_so(name: str) -> None:
    """Null has a meaning of its own in the comment of each of these settings."""
    expected = "" if REGISTRY[name].get("or_null") else f"var {name} is None; it must be "
    assert objections(**{name: None}).startswith(expected)
    assert (objections(**{name: None}) == "") == (expected == "")


def test_settings_that_may_be_null() -> None:
    assert {name for name, rule in REGISTRY.items() if rule.get("or_null")} == {
        *("as_of_date", "rfm_window_days", "churn_after_days")
    }


# ---- why the ranges end where they do ------------------------------------------------------------


def test_scores_end_where_the_cut_points_do() -> None:
    mart = PROJECT_FOLDER / "models" / "marts" / "segments" / "rfm_references.yml"
    cut_points = re.findall(r"name: cut_point_\d+", mart.read_text(encoding="utf-8"))
    assert RANGES["rfm_score_bins"] == [3, len(cut_points) + 1]


def test_days_that_are_held_against_a_year_are_fewer_than_a_year() -> None:
    year = macros("sql")["days_of_year"]()
    for name in ("value_drop_days", "engagement_faded_days", "engagement_surge_days"):
        assert RANGES[name] == [1, year - 1]


def test_an_amount_ends_where_its_type_does() -> None:
    digits, decimals = re.findall(r"\d+", macros("engines")["amount_type"]())
    assert RANGES["largest_valid_amount"] == [1, 10 ** (int(digits) - int(decimals)) - 1]


def test_shares_are_parts_of_one() -> None:
    shares = {name for name in RANGES if name.endswith(("_share", "_floor"))}
    # a share that is left off on both sides leaves something
    assert 2 * RANGES["second_purchase_tail_share"][1] < 1
    for name in shares - {"second_purchase_tail_share"}:
        assert RANGES[name] == [0, 1]


def test_counts_begin_at_one() -> None:
    """No lag freezes all closed months; a habit needs a gap, so two purchase days."""
    begin = {name: low for name, (low, _) in RANGES.items() if not name.endswith("_share")}
    others = {"history_lag_months": 0, "rfm_score_bins": 3, "slipping_min_purchase_days": 2}
    others |= {"criticality_floor": 0}
    assert begin == dict.fromkeys(begin, 1) | others


# ---- settings that must fit each other -----------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, rule in REGISTRY.items() if "below" in rule])
def test_a_share_must_be_below_another(name: str) -> None:
    other = REGISTRY[name]["below"]
    assert objections(**{name: 0.5, other: 0.5}) == f"var {name} must be below {other}"
    assert objections(**{name: math.nextafter(0.5, 0), other: 0.5}) == ""


def test_customers_churn_after_the_recent_days_at_the_earliest() -> None:
    """A return is looked for in the recent days."""
    assert objections(churn_after_days=30, recent_days=30) == ""
    expected = "var churn_after_days must be at least recent_days"
    assert objections(churn_after_days=29, recent_days=30) == expected
    assert objections(churn_after_days=None, recent_days=30) == ""


def test_which_settings_must_fit_each_other() -> None:
    pairs = {
        (name, kind, rule[kind])
        for name, rule in REGISTRY.items()
        for kind in ("below", "at_least")
        if kind in rule
    }
    assert pairs == {
        ("abc_a_share", "below", "abc_b_share"),
        ("high_value_share", "below", "mid_value_share"),
        ("churn_after_days", "at_least", "recent_days"),
    }


# ---- settings that are no numbers ----------------------------------------------------------------

CHOICES = {name: rule["one_of"] for name, rule in REGISTRY.items() if "one_of" in rule}


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_is_one_of_those_that_there_are(name: str) -> None:
    for choice in CHOICES[name]:
        assert objections(**{name: choice}) == ""
    allowed = " or ".join(map(str, CHOICES[name]))
    # 0 and 1 are equal to false and true
    for other in ("other", "", 0, 1):
        assert objections(**{name: other}) == f"var {name} is {other}; it must be {allowed}"


@pytest.mark.parametrize(
    ("name", "right", "wrong", "allowed"),
    [
        (
            "as_of_date",
            ["2024-02-29", "0001-01-01", "9999-12-31", "2026-10-31"],
            [
                *("2023-02-29", "2024-02-30", "2026-04-31", "2026-13-01", "2026-00-10"),
                *("2026-01-00", "2026-01-32", "0000-01-01", "2026-1-1", "20240228", 20240228),
                "2026-09-19 10:00",
            ],
            "a day written YYYY-MM-DD, or null",
        ),
        (
            "earliest_valid_date",
            ["1990-01-01"],
            ["0000-01-01", "1990-02-29"],
            "a day written YYYY-MM-DD",
        ),
        (
            "base_currency",
            ["CNY", "USD"],
            ["yuan", "cny", "CN", "CNYX", 156],
            "an ISO 4217 code such as CNY",
        ),
        (
            "business_timezone",
            ["Asia/Shanghai", "UTC", "America/New_York"],
            ["Mars", "asia/shanghai", "+08:00"],
            "an IANA time zone such as Asia/Shanghai",
        ),
    ],
)
def test_days_currencies_and_time_zones(
    name: str, right: list[Any], wrong: list[Any], allowed: str
) -> None:
    for value in right:
        assert objections(**{name: value}) == ""
    for value in wrong:
        assert objections(**{name: value}) == f"var {name} is {value}; it must be {allowed}"


def test_every_mistake_is_named_at_once() -> None:
    """Whether settings fit each other is asked only once each of them is right."""
    message = objections(rfm_score_bins=11, as_of_date="today", abc_a_share=0.99)
    assert message == (
        "var as_of_date is today; it must be a day written YYYY-MM-DD, or null; "
        "var rfm_score_bins is 11; it must be a whole number between 3 and 10"
    )
