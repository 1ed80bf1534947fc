"""What the flags of the seeds say of each code, read by a person: SQL counts by nothing else.

A flag that is flipped by mistake changes money and counts of everyone, and no rule is broken by it.
"""

import csv
from pathlib import Path

import pytest
import yaml
from build.run_dbt import PROJECT_FOLDER

SEEDS = PROJECT_FOLDER / "seeds"

# by seed and flag the codes of which it is true
TRUE_OF = {
    ("transaction_types", "is_purchase"): {
        *("purchase", "card_payment", "mobile_payment", "wealth_purchase"),
        *("insurance_premium", "service_fee", "loan_interest"),
    },
    ("transaction_types", "is_return"): {"return", "refund"},
    ("transaction_statuses", "is_counted"): {"completed"},
    ("interaction_types", "is_contact"): {
        *("branch_visit", "phone_call", "message", "email", "chat", "event", "mailing"),
        *("product_enquiry", "quote_request", "application_started"),
    },
    ("interaction_types", "shows_intent"): {
        *("product_enquiry", "quote_request", "application_started", "cart_added"),
    },
    ("feedback_types", "is_complaint"): {"complaint"},
    ("units", "is_value_class"): {"value_class"},
    ("value_classes", "is_recency_high"): {
        *("key_value", "key_development", "general_value", "general_development"),
    },
    ("value_classes", "is_frequency_high"): {
        *("key_value", "key_retention", "general_value", "general_retention"),
    },
    ("value_classes", "is_monetary_high"): {
        *("key_value", "key_development", "key_retention", "key_win_back"),
    },
}
# the classes beside the eight are neither high nor low
NEITHER = {"no_purchase", "newly_known"}


def rows_of(seed: str) -> list[dict[str, str]]:
    """The rows of a seed, as texts."""
    [path] = SEEDS.rglob(f"{seed}.csv")
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def flags() -> list[tuple[str, str]]:
    """Each boolean column of a seed, as its YAML types it."""
    seeds = yaml.safe_load(Path(SEEDS / "_seeds.yml").read_text(encoding="utf-8"))["seeds"]
    return [
        (seed["name"], column)
        for seed in seeds
        for column, kind in seed.get("config", {}).get("column_types", {}).items()
        if kind == "boolean"
    ]


def test_every_flag_is_read_by_a_person() -> None:
    assert set(flags()) == set(TRUE_OF)


@pytest.mark.parametrize(("seed", "flag"), TRUE_OF)
def test_a_flag_is_true_of_these_codes_and_of_no_others(seed: str, flag: str) -> None:
    rows = rows_of(seed)
    code = next(iter(rows[0]))
    expected = {
        row[code]: "" if row[code] in NEITHER else str(row[code] in TRUE_OF[seed, flag]).lower()
        for row in rows
    }
    assert TRUE_OF[seed, flag] <= set(expected)
    assert {row[code]: row[flag] for row in rows} == expected
