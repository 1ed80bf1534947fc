"""What comes of bad input on its whole way through load and build: a counted rejection, or a stop
with a message that says what is wrong, where, and how to fix it.

What the loader refuses by itself is tested in tests/python/load.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from build.run_dbt import PROJECT_FOLDER, DbtError, run_dbt
from load.errors import DeliveryError
from warehouses import FIRST_BUILD, QUIET, Warehouse, differences, relations

ARRIVED = "2026-09-18 17:00:00"  # in Shanghai, one o'clock of the 19th


def run(*selected: str) -> tuple[str, ...]:
    return ("run", *QUIET, "--select", *selected)


def stopped(build: Callable[[], Any], *parts: str) -> str:
    """The message of a build that stops, which holds the parts."""
    with pytest.raises(DbtError) as caught:
        build()
    message = str(caught.value)
    for part in parts:
        assert part in message
    return message


def rows_of(*changes: dict[str, str | None], **everywhere: str) -> pd.DataFrame:
    """Purchases of raw.transactions, good ones but for the changes."""
    rows = [
        {
            "transaction_id": f"t{number}",
            "customer_id": f"c{number}",
            "occurred_at": "2026-09-01 04:00:00",
            "amount": "12.50",
            "transaction_type": "purchase",
            "loaded_at": ARRIVED,
        }
        | everywhere
        | change
        for number, change in enumerate(changes)
    ]
    return pd.DataFrame(rows, dtype=object)


# ---- a dirty delivery ----------------------------------------------------------------------------

GOOD = {
    "transaction_id": "t-{case}",
    "customer_id": "c-{case}",
    "occurred_at": "2026-09-01 04:00:00",
    "amount": "12.50",
    "transaction_type": "purchase",
    "currency": "CNY",
    "status": "completed",
    "profit_amount": "1.5",
    "order_id": "{case}",
}
# what is wrong with a transaction, and the reason it is rejected for; none: it is accepted
CASES: dict[str, tuple[dict[str, str], str | None]] = {
    "good": ({}, None),
    "spaces": ({"transaction_id": "  t-{case} ", "transaction_type": " Purchase "}, None),
    "currency in lower case": ({"currency": "cny"}, None),
    "with an offset": ({"occurred_at": "2026-09-01T20:00:00-05:00"}, None),
    "on the day of its arrival": ({"occurred_at": "2026-09-18 16:30:00"}, None),
    "amount in words": ({"amount": "twelve"}, "invalid_amount"),
    "amount with thousands": ({"amount": "1,234.50"}, "invalid_amount"),
    "amount not a number": ({"amount": "NaN"}, "invalid_amount"),
    "amount infinite": ({"amount": "inf"}, "invalid_amount"),
    "amount missing": ({"amount": ""}, "invalid_amount"),
    "amount of thirty digits": ({"amount": "9" * 30}, "invalid_amount"),
    "profit in words": ({"profit_amount": "some"}, "invalid_amount"),
    "amount absurd": ({"amount": "99999999999"}, "amount_out_of_range"),
    "amount absurd and negative": ({"amount": "-99999999999"}, "amount_out_of_range"),
    "amount negative": ({"amount": "-12.50"}, "negative_amount"),
    "type unknown": ({"transaction_type": "crypto_purchase"}, "unknown_type"),
    "type missing": ({"transaction_type": " "}, "unknown_type"),
    "status unknown": ({"status": "ok"}, "unknown_status"),
    "currency unknown": ({"currency": "yuan"}, "unknown_currency"),
    "year 1": ({"occurred_at": "0001-01-01 00:00:00"}, "date_out_of_range"),
    "a spreadsheet's day zero": ({"occurred_at": "1899-12-30"}, "date_out_of_range"),
    "before Christ": ({"occurred_at": "0044-03-15 (BC)"}, "invalid_timestamp"),
    "tomorrow": ({"occurred_at": "2026-09-19 16:00:00"}, "date_in_future"),
    "year 9999": ({"occurred_at": "9999-12-31 23:59:59"}, "date_in_future"),
    "never": ({"occurred_at": "infinity"}, "invalid_timestamp"),
    "30 February": ({"occurred_at": "2026-02-30 10:00:00"}, "invalid_timestamp"),
    "day first": ({"occurred_at": "18/09/2026 10:15"}, "invalid_timestamp"),
    "time missing": ({"occurred_at": ""}, "invalid_timestamp"),
    "key missing": ({"transaction_id": ""}, "missing_key"),
    "key blank": ({"transaction_id": "   "}, "missing_key"),
    "customer missing": ({"customer_id": ""}, "missing_customer"),
    "key broken": ({"transaction_id": "t-\xe9"}, "broken_text"),
    "customer broken": ({"customer_id": "Jos\xe9"}, "broken_text"),
}
REASONS = {case: reason for case, (_, reason) in CASES.items()}


def transaction_line(case: str, changes: dict[str, str]) -> str:
    return ";".join(value.replace("{case}", case) for value in (GOOD | changes).values())


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory, target_folder: Path) -> Warehouse:
    """Files in Latin-1, with all separators, one with only a header; loaded and built."""
    folder = tmp_path_factory.mktemp("dirty")
    lines = {
        "transactions.csv": [
            ";".join(GOOD),
            *(transaction_line(case, changes) for case, (changes, _) in CASES.items()),
            transaction_line("twice", {}),
            transaction_line("twice", {}),
            transaction_line("corrected", {"amount": "10"}),
            transaction_line("corrected", {"amount": "20"}),
        ],
        "customers.csv": [
            "customer_id,customer_name,birth_date,city,registered_at",
            "c-good,Wang Fang,1980-02-29,北京,2026-01-01",
            "c-spaces,Li Na,1990-02-30,上海,2026-01-01",
            "only registered,Zhao Lei,,,2026-01-01",
        ],
        "interactions.tsv": [
            "interaction_id\tcustomer_id\toccurred_at\tinteraction_type\tdirection",
            "i1\tc-good\t2026-09-01 04:00:00\tlogin\t",
            "i2\tc-good\t2026-09-01 04:00:00\ttelepathy\t",
            "i3\tc-good\t2026-09-01 04:00:00\tlogin\tsideways",
        ],
        "feedback.txt": [
            "feedback_id|customer_id|occurred_at|feedback_type|rating|rating_scale|resolved_at",
            "f1|c-good|2026-09-01 04:00:00|complaint|||",
            "f2|c-good|2026-09-01 04:00:00|rating|4.5|5|",
            "f3|c-good|2026-09-01 04:00:00|rating|70|10|",
            "f4|c-good|2026-09-01 04:00:00|rating|four|5|",
            "f5|c-good|2026-09-01 04:00:00|complaint|||1999-12-31",
        ],
        "social_mentions.csv": ["mention_id,customer_id,occurred_at,platform,mention_type"],
    }
    for name, text in lines.items():
        encoding = "latin-1" if name == "transactions.csv" else "utf-8"
        (folder / name).write_text("\n".join(text) + "\n", encoding=encoding)
    warehouse = Warehouse(tmp_path_factory.mktemp("warehouse"), target_folder)
    report = warehouse.load(folder, loaded_at=ARRIVED)
    assert [warning.split(":")[0] for warning in report.warnings] == [
        "transactions.csv",
        "social_mentions.csv holds no rows for social_mentions.",
    ]
    warehouse.build(*FIRST_BUILD)
    return warehouse


@pytest.fixture(scope="module")
def validated(dirty: Warehouse) -> dict[str, tuple[str, str | None]]:
    """Status and reason of each case's transaction."""
    staged = dirty.rows("select order_id, record_status, reason_code from staging.stg_transactions")
    return {case: (status, reason) for case, status, reason in staged if case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_a_transaction_is_judged(validated, case):
    expected = ("rejected", REASONS[case]) if REASONS[case] else ("accepted", None)
    assert validated[case] == expected


def test_a_rejected_row_can_be_looked_up_and_says_how_to_mend_it(dirty):
    found = dirty.rows(
        """
        select reason_code, raw_content, reason_en, reason_zh, fix_en, fix_zh
        from marts.rejected_records
        where table_name = 'transactions' and record_status = 'rejected'
        """
    )
    by_case = {json.loads(content)["order_id"]: reason for reason, content, *_ in found}
    assert by_case == {case: reason for case, reason in REASONS.items() if reason}
    assert all(all(texts) for *_, texts in ((row[0], row[2:]) for row in found))


def test_repeated_keys_are_kept_once_and_counted(dirty):
    """Of two versions that arrived together the same one wins in every run."""
    staged = """
        select order_id, record_status, reason_code, amount
        from staging.stg_transactions
        where order_id in ('twice', 'corrected')
        order by all
    """
    assert dirty.rows(staged) == [
        ("corrected", "accepted", None, Decimal("20.0000")),
        ("corrected", "duplicate", "superseded", Decimal("10.0000")),
        ("twice", "accepted", None, Decimal("12.5000")),
        ("twice", "duplicate", "exact_duplicate", Decimal("12.5000")),
    ]
    bought = "select monetary_amount from marts.customers where customer_id = 'c-corrected'"
    assert dirty.value(bought) == 20


def test_every_raw_row_is_counted(dirty):
    raw = dirty.rows(
        " union all ".join(
            f"select '{name}', count(*) from raw.{name} having count(*) > 0"
            for name in ("transactions", "customers", "interactions", "feedback", "social_mentions")
        )
    )
    counted = dirty.rows(
        "select table_name, sum(record_count) from marts.data_quality_summary group by table_name"
    )
    assert sorted(counted) == sorted(raw)
    assert len(dirty.rows("from marts.rejected_records")) == dirty.value(
        "select sum(record_count) from marts.data_quality_summary where record_status <> 'accepted'"
    )


@pytest.mark.parametrize(
    ("staging_model", "reasons"),
    [
        ("restricted.stg_customers", {"invalid_timestamp": 1}),
        ("staging.stg_interactions", {"unknown_type": 1, "unknown_direction": 1}),
        ("staging.stg_feedback", {"invalid_rating": 2, "resolved_before_occurred": 1}),
        ("staging.stg_social_mentions", {}),
    ],
)
def test_rows_of_the_other_tables_are_judged(dirty, staging_model, reasons):
    counted = dirty.rows(
        f"select reason_code, count(*) from {staging_model} "
        "where record_status = 'rejected' group by reason_code"
    )
    assert dict(counted) == reasons


def test_files_with_other_separators_reach_the_marts(dirty):
    counts = "interaction_count, feedback_count, complaint_count, mention_count, city"
    found = dirty.rows(f"select {counts} from marts.customers where customer_id = 'c-good'")
    assert found == [(1, 2, 1, 0, "北京")]


def test_a_customer_who_is_not_in_the_register_is_kept(dirty):
    """Also one whose row in the register was rejected."""
    found = dirty.rows(
        "select customer_id, is_registered, purchase_day_count from marts.customers "
        "where customer_id in ('c-good', 'c-spaces', 'c-twice', 'only registered') order by all"
    )
    assert found == [
        ("c-good", True, 1),
        ("c-spaces", False, 1),
        ("c-twice", False, 1),
        ("only registered", True, 0),
    ]


def test_personal_data_of_a_rejected_row_is_masked(dirty):
    content = dirty.value(
        "select raw_content from marts.rejected_records where table_name = 'customers'"
    )
    assert json.loads(content)["customer_id"] == "c-spaces"
    assert "Li Na" not in content
    assert "1990-02-30" not in content


def test_a_time_with_an_offset_is_turned_into_utc(dirty):
    occurred = "select cast(occurred_at as varchar) from staging.stg_transactions "
    occurred += "where order_id = 'with an offset'"
    assert dirty.value(occurred) == "2026-09-02 01:00:00"


def test_the_end_of_time_is_rejected_and_does_not_stop_the_build(seeded):
    seeded.load_rows(transactions=rows_of({"occurred_at": "294247-01-10 04:00:54"}))
    seeded.build(*run("base_transactions", "stg_exchange_rates", "stg_transactions"))
    assert seeded.rows("select reason_code from staging.stg_transactions") == [
        ("invalid_timestamp",)
    ]


# ---- too much is rejected ------------------------------------------------------------------------


def test_a_build_stops_where_too_much_is_rejected(new_warehouse):
    warehouse = new_warehouse()
    bad = [{"amount": "x"}, {"amount": "y"}, {"transaction_type": "z"}, {"customer_id": None}]
    warehouse.load_rows(transactions=rows_of(*bad, *[{}] * 6))
    selected = ("--select", "+stg_transactions", "activity_days", "rejection_reasons")
    arguments = (*QUIET, *selected, "--indirect-selection", "cautious")
    message = stopped(
        lambda: warehouse.build("build", *arguments),
        "Too much of raw.transactions is rejected: 4 of 10 rows, where the var "
        "largest_rejected_share allows 0.3.",
        "By reason: invalid_amount 2, missing_customer 1, unknown_type 1.",
        'The rows stand in "warehouse"."staging"."stg_transactions"',
    )
    assert message.count("Too much") == 1
    # what was validated stays, to be looked at, and nothing is built on it
    assert warehouse.value("select count(*) from staging.stg_transactions") == 10
    assert relations(warehouse, "BASE%") == ["staging.stg_transactions"]
    # the share that is allowed is allowed
    warehouse.build(
        "build",
        *QUIET,
        "--select",
        "stg_transactions",
        "--indirect-selection",
        "cautious",
        variables={"largest_rejected_share": 0.4},
    )


# ---- no data, other loaders ----------------------------------------------------------------------


def test_a_warehouse_without_raw_tables_says_how_to_load(new_warehouse):
    warehouse = new_warehouse()
    stopped(
        lambda: warehouse.build(*run("base_transactions")),
        "raw.transactions does not exist in this warehouse. Load a delivery first: "
        f"python scripts/load/load_raw.py FOLDER --warehouse {warehouse.path}",
    )


def test_a_refused_delivery_leaves_a_warehouse_that_says_how_to_load(new_warehouse, tmp_path):
    warehouse = new_warehouse()
    (tmp_path / "transactions.csv").write_bytes(b"")
    with pytest.raises(DeliveryError, match=r"transactions\.csv is empty \(0 bytes\)"):
        warehouse.load(tmp_path)
    stopped(lambda: warehouse.build(*run("base_transactions")), "Load a delivery first")


def test_a_delivery_with_only_a_header_stops_the_build(seeded, tmp_path):
    header = "transaction_id,customer_id,occurred_at,amount,transaction_type\n"
    (tmp_path / "transactions.csv").write_text(header)
    assert seeded.load(tmp_path).warnings == ["transactions.csv holds no rows for transactions."]
    stopped(
        lambda: seeded.build(*run("+as_of_dates")),
        "There is no day to report: not one row of raw.transactions has been accepted.",
        f"python scripts/load/load_raw.py FOLDER --warehouse {seeded.path}",
    )


def test_a_delivery_of_which_all_is_rejected_stops_the_build(seeded):
    seeded.load_rows(transactions=rows_of({"amount": "x"}, {"amount": "y"}))
    stopped(
        lambda: seeded.build(*run("+as_of_dates")),
        "not one row of raw.transactions has been accepted",
        "reason_code in the staging model stg_transactions says why its rows were rejected",
    )


def test_an_as_of_date_before_the_first_transaction_stops_the_build(seeded):
    seeded.load_rows(transactions=rows_of({"occurred_at": "2026-03-05 04:00:00"}, {}))
    stopped(
        lambda: seeded.build(*run("+as_of_dates"), variables={"as_of_date": "2026-03-04"}),
        "var as_of_date is 2026-03-04, and the first transaction in the data is of 2026-03-05",
        "choose a day from then on, or null for the last complete business day",
    )
    assert "history.as_of_dates" not in relations(seeded)
    # the first day itself can be built
    seeded.build(*run("as_of_dates"), variables={"as_of_date": "2026-03-05"})
    assert seeded.rows("select cast(as_of_date as varchar) from history.as_of_dates") == [
        ("2026-03-05",)
    ]


def test_a_first_day_that_is_not_complete_stops_the_build(seeded):
    today = {"occurred_at": "2026-09-18 01:00:00"}
    seeded.load_rows(transactions=rows_of(today, loaded_at="2026-09-18 10:00:00"))
    stopped(
        lambda: seeded.build(*run("+as_of_dates")),
        "No business day is complete yet: the first transaction in the data is of 2026-09-18",
        "Load what came later, or set var as_of_date to 2026-09-18",
    )


@pytest.mark.parametrize(
    ("table", "columns", "missing"),
    [
        ("transactions", "transaction_id, customer_id, occurred_at, amount", "transaction_type"),
        ("interactions", "interaction_id, occurred_at, interaction_type", "customer_id"),
    ],
)
def test_a_raw_table_that_lacks_a_required_column_stops_the_build(
    new_warehouse, table, columns, missing
):
    warehouse = new_warehouse()
    with duckdb.connect(str(warehouse.path)) as connection:
        definition = columns.replace(",", " varchar,") + " varchar"
        connection.execute(f"create schema raw; create table raw.{table} ({definition})")
    stopped(
        lambda: warehouse.build(*run(f"base_{table}")),
        f"raw.{table} has no column {missing}, which the input contract requires; it has {columns}",
        "Name it so in the load, or map it.",
    )


MOVEMENTS = rows_of(
    *({"customer_id": f"{n % 3 + 1}", "amount": f"{n}.2500"} for n in range(1, 9)),
    # a habit that ended
    *({"customer_id": "9", "occurred_at": f"2026-04-{day} 22:10:00"} for day in (11, 18, 25, 28)),
)
OTHER_TYPES = """
    create schema raw;
    create table raw.transactions as
    select
        transaction_id,
        cast(customer_id as bigint) as customer_id,
        cast(occurred_at as timestamptz) as "Occurred_At",
        cast(amount as decimal(12, 4)) as amount,
        cast(transaction_type as enum ('purchase')) as transaction_type,
        cast(loaded_at as timestamptz) as loaded_at,
        12 as batch_number,
        {'file': 'a.csv'} as origin
    from movements
"""


@pytest.fixture(scope="module")
def only_transactions(
    tmp_path_factory: pytest.TempPathFactory, target_folder: Path
) -> tuple[Warehouse, Warehouse]:
    """The same transactions and no other raw table: as text, and typed by another loader."""
    text, typed = (Warehouse(tmp_path_factory.mktemp(name), target_folder) for name in "ab")
    text.load_rows(transactions=MOVEMENTS)
    with duckdb.connect(str(typed.path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("movements", MOVEMENTS)
        connection.execute(OTHER_TYPES)
    for warehouse in (text, typed):
        warehouse.build(*FIRST_BUILD)
    return text, typed


def test_all_marts_are_built_from_transactions_alone(only_transactions):
    text, _ = only_transactions
    marts = [name for name in relations(text) if name.startswith("marts.")]
    assert len(marts) == len(list((PROJECT_FOLDER / "models" / "marts").rglob("*.sql")))
    assert text.rows(
        "select customer_id, is_registered, purchase_day_count, interaction_count, feedback_count "
        "from marts.customers where customer_id = '9'"
    ) == [("9", False, 4, 0, 0)]
    assert text.value("select count(*) from marts.critical_customers") > 0


def test_columns_of_other_types_give_the_same(only_transactions):
    built = set(relations(only_transactions[0])) - {"staging.base_transactions"}
    assert differences(*only_transactions, built) == ""


# ---- settings ------------------------------------------------------------------------------------


def test_wrong_settings_stop_a_run_before_anything_is_built(new_warehouse):
    """What each setting may be, test_settings.py tries."""
    warehouse = new_warehouse()
    stopped(
        lambda: warehouse.build(
            *run("stg_exchange_rates"),
            variables={"rfm_score_bins": 11, "base_currency": "yuan"},
        ),
        "Nothing was built. var base_currency is yuan; it must be an ISO 4217 code such as CNY; "
        "var rfm_score_bins is 11; it must be a whole number between 3 and 10. "
        "Settings stand in dbt_project.yml, an input's in its mapping.yml.",
    )
    assert relations(warehouse) == []


# ---- seeds ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spoiled_seeds(
    only_transactions: tuple[Warehouse, Warehouse],
    tmp_path_factory: pytest.TempPathFactory,
    target_folder: Path,
) -> Callable[..., str]:
    """Seeds spoiled in a copy of the project; runs it and gives the message with which it stops."""
    project, target = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("target")
    for name in ("macros", "models", "seeds", "tests/generic", "tests/registry"):
        shutil.copytree(PROJECT_FOLDER / name, project / name)
    for name in ("dbt_project.yml", "profiles.yml", ".dbtignore"):
        shutil.copy(PROJECT_FOLDER / name, project)
    shutil.copy(target_folder / "partial_parse.msgpack", target)
    for name, left_out in (
        ("value_classes", ("key_retention,", "general_value,")),
        ("rfm_fixed_cut_points", ("recency_days,4,",)),
    ):
        [path] = (project / "seeds").rglob(f"{name}.csv")
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not line.startswith(left_out)]
        assert len(kept) == len(lines) - len(left_out)
        path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    labels = project / "seeds" / "labels.csv"
    text = labels.read_text(encoding="utf-8")
    assert "value_level,low,3," in text
    labels.write_text(text.replace("value_level,low,3,", "value_level,low,2,"), encoding="utf-8")
    types = project / "seeds" / "input" / "transaction_types.csv"
    types.write_text(
        types.read_text(encoding="utf-8") + "loan,,false,loan,贷款\n", encoding="utf-8"
    )

    def run_stopped(*arguments: str) -> str:
        warehouse = only_transactions[0].copied(tmp_path_factory.mktemp("warehouse"))
        return stopped(
            lambda: run_dbt(
                *arguments,
                *QUIET,
                warehouse=warehouse.path,
                target_folder=target,
                project_folder=project,
            )
        )

    return run_stopped


@pytest.fixture(scope="module")
def failed_seeds(spoiled_seeds) -> str:
    names = ("value_classes", "strategies", "transaction_types", "rfm_fixed_cut_points")
    names += ("rfm_fixed_references", "value_classes_are_whole", "fixed_lines_are_whole")
    names += ("labels", "turning_point_types", "units", "sort_orders_are_whole")
    fixed = ("--vars", "{rfm_score_method: fixed}")
    return spoiled_seeds(
        "build", "--select", *names, *fixed, "--indirect-selection", "cautious", "--full-refresh"
    )


def test_other_seeds_without_a_full_refresh_stop_before_anything_is_built(spoiled_seeds):
    message = spoiled_seeds("run", "--select", "as_of_dates")
    assert "Nothing was built." in message
    changed = "seed rfm_fixed_cut_points, seed transaction_types, seed value_classes"
    assert f"(now: {changed}), so that old and new rows would follow different rules." in message
    assert (
        "Build all of history again: make build REFRESH=1, or dbt build --full-refresh." in message
    )


def test_a_class_that_is_aimed_at_and_missing_fails(failed_seeds):
    assert "relationships_value_classes_aims_at_class" in failed_seeds


def test_a_type_that_says_nothing_fails(failed_seeds):
    assert "not_null_transaction_types_is_purchase" in failed_seeds


def test_a_class_that_is_missing_is_named(failed_seeds):
    assert "has 0 classes for recency low, frequency high, monetary high" in failed_seeds


def test_a_place_in_an_order_that_is_left_out_is_named(failed_seeds):
    """Of the classes that were taken out, one had rank 6 and one rank 4."""
    sentence = "The seed segments/value_classes has 5 in value_class_rank where 4 would come next."
    assert sentence in failed_seeds


def test_a_place_in_an_order_that_is_taken_twice_is_named(failed_seeds):
    sentence = "The seed labels has 2 in sort_order of value_level where 3 would come next."
    assert sentence in failed_seeds


def test_a_cut_point_that_is_missing_fails(failed_seeds):
    assert "fixed_lines_are_whole" in failed_seeds and "rfm_fixed_cut_points" in failed_seeds
