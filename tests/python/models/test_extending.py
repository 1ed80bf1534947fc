"""What CONTRIBUTING promises of additions, on a copy of the project to which one of each was added.

A turning-point type that needs no new count is five places: its model, its YAML with a unit test,
its row in the seed, its line in the union and its rule in the reference. A raw table that is added
to the input contract and forgotten in the union is missed by two tests.
"""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import reference
from build.run_dbt import PROJECT_FOLDER, DbtError, run_dbt
from check.check_layers import Project, check, read_manifest
from compare import differences
from test_bad_input import rows_of
from warehouses import Warehouse, parsed_project

# ---- a turning-point type: whoever was worth much at once, and has not come back yet -------------

TYPE = "large_first_purchase"
MODEL = """-- One purchase day, and in the top fifth by lifetime net amount already.
with

states as (
    select * from {{ ref('int_customer_states') }}
    where
        purchase_day_count = 1
        and lifetime_net_amount > top_fifth_line_amount
),

turning_points as (
    select
        customer_id,
        as_of_date,
        'large_first_purchase' as turning_point_type,
        {{ to_amount('lifetime_net_amount') }} as observed_value,
        {{ to_amount('top_fifth_line_amount') }} as reference_value,
        {{ strength('lifetime_net_amount', 'top_fifth_line_amount', lies='above') }} as strength,
        first_purchase_date as started_on
    from states
)

select * from turning_points
"""
YAML = """version: 2

models:
  - name: large_first_purchase
    description: >-
      One purchase day, with an amount of the top fifth.
      Grain: one row per customer and as-of date on which it holds.

unit_tests:
  - name: a_first_purchase_is_large_above_the_line_of_the_top_fifth
    description: An amount on the line is not above it; who bought twice has come back.
    model: large_first_purchase
    given:
      - input: ref('int_customer_states')
        format: csv
        rows: |
          customer_id,as_of_date,purchase_day_count,lifetime_net_amount,top_fifth_line_amount
          c1,2025-06-30,1,200,100
          c2,2025-06-30,1,100,100
          c3,2025-06-30,2,200,100
    expect:
      rows:
        - {customer_id: c1, observed_value: 200, reference_value: 100, strength: "0.5"}
"""
SEED_ROW = (
    "large_first_purchase,12,opportunity,lifecycle,0.45,amount,usual_amount,class_aimed_at,30,"
    "second_purchase,large first purchase,高额首购,"
    '"Spent {observed} at once; the top fifth begins at {reference}",'
    '"首购 {observed}；前五分之一线为 {reference}"\n'
)


def large_first_purchase(states: pd.DataFrame, variables: reference.Variables) -> pd.DataFrame:
    """The rule in the reference."""
    is_large = reference.where(
        lambda amount, line: amount > line,
        states["lifetime_net_amount"],
        states["top_fifth_line_amount"],
    )
    holding = states[(states["purchase_day_count"] == 1) & is_large]
    return reference._points(
        holding,
        TYPE,
        holding["lifetime_net_amount"],
        holding["top_fifth_line_amount"],
        reference._exceeds,
        holding["first_purchase_date"],
    )


# ---- a raw table ---------------------------------------------------------------------------------

CONTRACT = """
      - name: loans
        description: Loans.
        columns:
          - {name: loan_id, description: Key., meta: {required: true}}
          - {name: loaded_at, description: When the row was loaded (UTC).}
"""
FORGOTTEN = {
    "raw_tables_are_in_the_union": "int_records_unioned does not read stg_loans, so rows of "
    "raw.loans would not be accounted for. Add it to the union.",
    "raw_rows_are_accounted_for": "Got 1 result",
}


# c9 bought once, for 900; c1 to c8 twice, for 1 to 8 each time
PURCHASES = [
    {
        "customer_id": f"c{number}",
        "amount": "900" if number == 9 else str(number),
        "occurred_at": f"2026-08-{day:02} 04:00:00",
    }
    for number in range(1, 10)
    for day in ((number,) if number == 9 else (number, number + 10))
]
QUIET = ("--threads", "1", "--log-level-file", "none")


@pytest.fixture(scope="module")
def extended(
    tmp_path_factory: pytest.TempPathFactory, target_folder: Path
) -> tuple[Path, Path, Warehouse]:
    """A copy of the project with both additions, its target folder, and a warehouse built by it."""
    project, target = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("target")
    for name in ("macros", "models", "seeds", "tests"):
        shutil.copytree(PROJECT_FOLDER / name, project / name)
    for name in ("dbt_project.yml", "profiles.yml", ".dbtignore"):
        shutil.copy(PROJECT_FOLDER / name, project)
    # only what was added is parsed anew
    parsed_project(target_folder)
    shutil.copy(target_folder / "partial_parse.msgpack", target)

    types = project / "models" / "critical" / "turning_points"
    (types / f"{TYPE}.sql").write_text(MODEL, encoding="utf-8")
    (types / f"{TYPE}.yml").write_text(YAML, encoding="utf-8")
    append(project / "seeds" / "critical" / "turning_point_types.csv", SEED_ROW)
    append(project / "models" / "staging" / "_raw__sources.yml", CONTRACT)
    union = project / "models" / "critical" / "int_turning_points_unioned.sql"
    text, last = union.read_text(encoding="utf-8"), "ref('shallow_recent')"
    assert last in text
    union.write_text(text.replace(last, f"{last},\n        ref('{TYPE}')"), encoding="utf-8")

    warehouse = Warehouse(tmp_path_factory.mktemp("warehouse"), target)
    loan = pd.DataFrame([{"loan_id": "l1", "loaded_at": "2026-09-18 17:00:00"}])
    warehouse.load_rows(transactions=rows_of(*PURCHASES), loans=loan)
    run_dbt(
        *("build", *QUIET, "--exclude-resource-type", "test", "--exclude", "test_type:unit"),
        *("--select", "+turning_points", "+data_quality_summary"),
        warehouse=warehouse.path,
        target_folder=target,
        project_folder=project,
    )
    return project, target, warehouse


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def failures(extended: tuple[Path, Path, Warehouse], *selected: str) -> dict[str, str]:
    """The tests that fail, each with its message."""
    project, target, warehouse = extended
    try:
        run_dbt(
            *("test", *QUIET, "--indirect-selection", "cautious", "--select", *selected),
            warehouse=warehouse.path,
            target_folder=target,
            project_folder=project,
        )
    except DbtError as error:
        return dict(line.split(": ", 1) for line in str(error).splitlines())
    return {}


def test_a_type_without_a_new_count_needs_no_more_than_its_five_places(extended):
    """Its own tests, those of all that it passes through, and those of the registry."""
    failed = failures(
        extended,
        *(TYPE, "turning_point_types", "int_turning_points_unioned", "int_turning_points_ranked"),
        *("int_turning_points_explained", "turning_points", "no_turning_point_is_lost"),
        *("turning_point_types_have_models", "sort_orders_are_whole", "codes_have_labels"),
        "sentences_have_known_placeholders",
    )
    assert failed == {}


def test_a_type_keeps_the_rules_of_the_layers(extended):
    project, target, _ = extended
    offences = check(Project(project, read_manifest(target / "manifest.json")))
    assert [str(offence) for _, offence in offences if "loans" not in offence.place] == []


def test_a_type_is_found_as_the_reference_finds_it(extended):
    _, _, warehouse = extended
    states = warehouse.frame("select * from states.int_customer_states")
    expected = large_first_purchase(states.astype({"first_purchase_date": "datetime64[us]"}), {})
    found = warehouse.frame(
        f"select {', '.join(reference.POINT_COLUMNS)} from critical.int_turning_points_unioned "
        f"where turning_point_type = '{TYPE}'"
    )
    assert set(found["customer_id"]) == {"c9"}
    assert len(found) == 1
    told = differences(expected, found, ["customer_id", "as_of_date", "turning_point_type"])
    assert told.empty, told.to_string()
    # of 2 4 6 8 10 12 14 16 900 the quantile 0.8 lies 0.4 of the way from 14 to 16
    reason = "select max(reason_en) from marts.turning_points where turning_point_type = "
    reason = warehouse.value(reason + f"'{TYPE}'")
    assert reason == "Spent 900 CNY at once; the top fifth begins at 15"


def test_a_raw_table_that_is_forgotten_in_the_union_is_missed(extended):
    failed = failures(extended, *FORGOTTEN)
    assert set(failed) == set(FORGOTTEN)
    for test, message in FORGOTTEN.items():
        assert message in failed[test]
