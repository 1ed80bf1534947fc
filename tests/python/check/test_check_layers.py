"""Each rule of check_layers, broken once on a small shop; the real project keeps them all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from check import check_layers
from check.check_layers import (
    PROJECT_FOLDER,
    RULES,
    Project,
    RulesError,
    check,
    parse,
    read_warehouse,
)
from click.testing import CliRunner

# states read each var in another way: a model, a macro of a macro, a macro of windows
FILES = {
    "dbt_project.yml": """\
name: shop
vars:
  # -- the business ----
  # days that count as recent
  recent_days: 30
  # silent for longer = churned
  churn_after_days: 180
  # days of the window
  rfm_window_days: 365
  # the day of the report
  as_of_date: null
  # kept without value
  criticality_floor: 0.4
  # -- the registry ----
  settings:
    recent_days: {whole: [1, 365], states: true}
    churn_after_days: {whole: [1, 365], states: true}
    rfm_window_days: {whole: [1, 365], states: true}
    as_of_date: {day: true}
    criticality_floor: {number: [0, 1]}
""",
    "models/staging/payments/base_orders.sql": (
        "{{ config(materialized='view', persist_docs={'columns': false}) }}\n\n"
        "{{ conform_to_contract('orders') }}\n"
    ),
    "models/staging/payments/stg_orders.sql": (
        "with\n\nsettled as (\n    select random_id, on_current_date\n)\n\nselect * from settled\n"
    ),
    "models/history/as_of_dates.sql": (
        "with\n\ndays as (\n    select {{ var('as_of_date') }}\n)\n\nselect * from days\n"
    ),
    "models/states/int_customer_states.sql": (
        "with\n\n-- not now(), nor select distinct, nor var('criticality_floor')\n"
        "recent as (\n    select {{ var('recent_days') }}, {{ is_silent() }}\n)\n\n"
        "select * from recent\n"
    ),
    "models/marts/customers/customers.sql": (
        "with\n\nvalued as (\n    select {{ var('criticality_floor') }}\n)\n\n"
        "select * from valued\n"
    ),
    "macros/engines/dates.sql": "{{ adapter.dispatch('day')() }} {{ target.type }}\n",
    "macros/storage/tables.sql": "{{ adapter.dispatch('table')() }} {{ target.type }}\n",
    "macros/sql/is_silent.sql": "{{ silence() }}\n",
    "macros/sql/silence.sql": "{{ var('churn_after_days') }}\n",
    "macros/sql/purchase_windows.sql": "{{ {'rfm': var('rfm_window_days')} }}\n",
    "macros/rules/check_vars.sql": "{{ var('recent_days') }} {{ var('settings') }}\n",
    "seeds/classes.csv": "class,label_en,label_zh\na,first,首\n",
}
COLUMNS = {"customer_id": "varchar", "class_en": "varchar", "class_zh": "VARCHAR"}
SEED_COLUMNS = {"class": None, "label_en": None, "label_zh": None}
# each model of the shop, with its folder and what it reads
MODELS = {
    "base_orders": ("staging/payments", ["orders"]),
    "stg_orders": ("staging/payments", ["base_orders", "classes"]),
    "int_records_unioned": ("staging", ["stg_orders"]),
    "int_customer_ids": ("identity", ["stg_orders"]),
    "daily_purchases": ("activity", ["stg_orders", "int_customer_ids"]),
    "known_customers": ("activity", ["daily_purchases"]),
    "as_of_dates": ("history", ["int_records_unioned"]),
    "int_metrics": ("states/rfm", ["daily_purchases", "as_of_dates"]),
    "int_customer_states": ("states", ["int_metrics", "classes"]),
    "int_segment_counts": ("states", ["int_customer_states"]),
    "slipping": ("critical/turning_points", ["int_customer_states", "classes"]),
    "value_drop": ("critical/turning_points", ["int_customer_states"]),
    "int_turning_points_unioned": (
        "critical",
        ["slipping", "value_drop", "daily_purchases", "as_of_dates"],
    ),
    "state_builds": ("history", ["int_segment_counts", "int_turning_points_unioned"]),
    "customers": (
        "marts/customers",
        [
            *("int_turning_points_unioned", "int_customer_states", "state_builds", "classes"),
            *("known_customers", "int_records_unioned"),
        ],
    ),
    "segments": ("marts/segments", ["int_segment_counts"]),
}
# stg_orders makes the columns; models above the marts pass them on without listing them
LISTS_COLUMNS = {"stg_orders", "customers", "segments"}
# each is a view, and its reader has a key test or keeps raw rows
WITHOUT_KEY_TEST = {"base_orders", "int_records_unioned", "slipping", "value_drop"}


class Shop:
    """A small project that keeps all rules; each test breaks one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.built: dict[str, list[str]] | None = None
        self.nodes: dict[str, dict[str, Any]] = {}
        self.tests: list[dict[str, Any]] = [{"resource_type": "test", "name": "a singular test"}]
        for path, text in FILES.items():
            self.write(path, text)
        self.add("source", "orders", "", [], {"order_id": "string"})
        self["orders"].update(source_name="raw", source_description="As it came.")
        self.add("seed", "classes", "seeds/classes.csv", [], SEED_COLUMNS)
        for name, (folder_name, reads) in MODELS.items():
            columns = COLUMNS if name in LISTS_COLUMNS else {}
            self.add("model", name, f"models/{folder_name}/{name}.sql", reads, columns)
            if name not in WITHOUT_KEY_TEST:
                self.test(name, "unique_combination")
        for name in ("base_orders", "int_records_unioned"):
            self[name]["description"] = "Raw. Grain: one row per\n  raw row.\n"
        for name in ("slipping", "value_drop"):
            self[name]["config"]["materialized"] = "view"
        self["int_metrics"]["config"]["meta"] = {"windows": "purchase_windows"}

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.nodes[name]

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        assert self.text(path).count(old) == 1
        self.write(path, self.text(path).replace(old, new))

    def add(
        self, kind: str, name: str, path: str, reads: list[str], columns: dict[str, str | None]
    ) -> None:
        self.nodes[name] = {
            "unique_id": f"{kind}.shop.{name}",
            "resource_type": kind,
            "name": name,
            "alias": name,
            "schema": "shop",
            "original_file_path": path,
            "description": "What it holds. Grain: one row per customer.",
            "columns": {
                column: {"name": column, "description": "What it is.", "data_type": data_type}
                for column, data_type in columns.items()
            },
            "depends_on": {"nodes": [self[parent]["unique_id"] for parent in reads]},
            "config": {
                "contract": {"enforced": path.startswith("models/marts/")},
                "materialized": "table",
                "meta": {},
            },
        }

    def test(self, name: str, kind: str, column: str | None = None, severity: str = "ERROR"):
        self.tests.append(
            {
                "resource_type": "test",
                "attached_node": self[name]["unique_id"],
                "column_name": column,
                "test_metadata": {"name": kind},
                "config": {"severity": severity},
            }
        )

    def drop_tests(self, name: str) -> None:
        self.tests = [
            test for test in self.tests if test.get("attached_node") != self[name]["unique_id"]
        ]

    def list_column(self, name: str, column: str, description: str) -> None:
        self[name]["columns"][column] = {
            "name": column,
            "description": description,
            "data_type": "varchar",
        }

    def reads(self, name: str, parent: str) -> None:
        self[name]["depends_on"]["nodes"].append(self[parent]["unique_id"])

    def text(self, path: str) -> str:
        return (self.folder / path).read_text() if (self.folder / path).is_file() else ""

    @property
    def macros(self) -> dict[str, dict[str, Any]]:
        paths = sorted((self.folder / "macros").rglob("*.sql"))
        return {
            f"macro.shop.{path.stem}": {
                "name": path.stem,
                "macro_sql": path.read_text(),
                "depends_on": {"macros": self.called(path.read_text())},
            }
            for path in paths
        }

    def called(self, text: str) -> list[str]:
        """Ids of the macros that a text calls, with one of dbt's own."""
        stems = [path.stem for path in sorted((self.folder / "macros").rglob("*.sql"))]
        return ["macro.dbt.ref", *(f"macro.shop.{stem}" for stem in stems if f"{stem}(" in text)]

    @property
    def manifest(self) -> dict[str, Any]:
        nodes = {node["unique_id"]: node for node in self.nodes.values()}
        for node in nodes.values():
            if node["resource_type"] == "model":
                node["raw_code"] = self.text(node["original_file_path"])
                node["depends_on"]["macros"] = self.called(node["raw_code"])
        tests = {f"test.shop.{number}": test for number, test in enumerate(self.tests)}
        children = {
            key: [child for child, node in nodes.items() if key in node["depends_on"]["nodes"]]
            + [test for test, node in tests.items() if node.get("attached_node") == key]
            for key in nodes
        }
        sources = {key: node for key, node in nodes.items() if key.startswith("source.")}
        return {
            "nodes": {key: node for key, node in nodes.items() if key not in sources} | tests,
            "sources": sources,
            "child_map": children,
            "macros": self.macros,
        }

    def offences(self) -> set[tuple[str, str]]:
        project = Project(self.folder, self.manifest, self.built)
        return {(name, offence.place) for name, offence in check(project)}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_project_that_keeps_the_rules_has_no_offence(shop):
    assert shop.offences() == set()


# ---- each rule, broken --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reader", "parent"),
    [
        ("stg_orders", "orders"),
        ("int_customer_ids", "orders"),
        ("int_customer_ids", "base_orders"),
        ("int_customer_ids", "classes"),
        ("int_customer_ids", "daily_purchases"),
        ("daily_purchases", "orders"),
        ("daily_purchases", "as_of_dates"),
        ("as_of_dates", "stg_orders"),
        ("as_of_dates", "daily_purchases"),
        ("as_of_dates", "int_customer_states"),
        ("int_customer_states", "stg_orders"),
        ("int_customer_states", "int_customer_ids"),
        ("int_metrics", "slipping"),
        ("slipping", "daily_purchases"),
        ("slipping", "int_segment_counts"),
        ("slipping", "as_of_dates"),
        ("slipping", "value_drop"),
        ("int_turning_points_unioned", "known_customers"),
        ("int_turning_points_unioned", "segments"),
        ("int_turning_points_unioned", "stg_orders"),
        ("customers", "segments"),
        ("customers", "slipping"),
        ("customers", "stg_orders"),
        ("customers", "daily_purchases"),
    ],
)
def test_layer_order(shop, reader, parent):
    shop.reads(reader, parent)
    assert shop.offences() == {("layer_order", reader)}


@pytest.mark.parametrize("path", ["models/other/int_metrics.sql", "models/int_metrics.sql"])
def test_layer_order_of_a_model_outside_the_layers(shop, path):
    shop["int_metrics"]["original_file_path"] = path
    shop["int_metrics"]["depends_on"]["nodes"] = []
    assert ("layer_order", "int_metrics") in shop.offences()


def test_layer_order_lets_base_models_read_sources_in_staging_alone(shop):
    shop.add("model", "base_days", "models/activity/base_days.sql", ["orders"], {})
    shop.test("base_days", "unique_combination")
    assert shop.offences() == {("layer_order", "base_days")}
    shop["base_days"]["original_file_path"] = "models/staging/base_days.sql"
    assert shop.offences() == set()


def test_layer_order_names_layers_and_models_of_the_project():
    models = PROJECT_FOLDER / "models"
    for layer, reads in check_layers.MAY_READ.items():
        for name in {layer, *reads} - {"seeds"}:
            folder, _, model = name.rpartition("/")
            is_model = any((models / folder).rglob(f"{model}.sql"))
            assert (models / name).is_dir() or is_model, name


def test_key_tested(shop):
    shop.drop_tests("customers")
    assert shop.offences() == {("key_tested", "customers")}
    shop.test("customers", "unique", "customer_id")
    shop.test("customers", "not_null", "class_en")
    assert shop.offences() == {("key_tested", "customers")}
    shop.test("customers", "not_null", "customer_id")
    assert shop.offences() == set()


def test_key_tested_by_a_test_that_stops_the_build(shop):
    shop.drop_tests("customers")
    shop.test("customers", "unique_combination", severity="WARN")
    assert shop.offences() == {("key_tested", "customers")}


def test_key_tested_by_the_reader_of_a_view(shop):
    shop.drop_tests("int_turning_points_unioned")
    names = ("int_turning_points_unioned", "slipping", "value_drop")
    assert shop.offences() == {("key_tested", name) for name in names}
    shop.test("value_drop", "unique_combination")
    # the reader of a view may be a view itself
    shop["int_turning_points_unioned"]["config"]["materialized"] = "view"
    assert shop.offences() == set()
    shop["slipping"]["config"]["materialized"] = "incremental"
    assert shop.offences() == {("key_tested", "slipping")}


@pytest.mark.parametrize("name", ["int_customer_ids", "int_customer_states", "customers"])
def test_key_tested_excepts_raw_rows_in_staging_alone(shop, name):
    shop.drop_tests(name)
    shop[name]["description"] = "Raw. Grain: one row per raw row."
    assert shop.offences() == {("key_tested", name)}


@pytest.mark.parametrize("name", ["int_metrics", "classes", "orders"])
def test_described(shop, name):
    shop[name]["description"] = " "
    assert ("described", name) in shop.offences()


def test_described_source(shop):
    shop["orders"]["source_description"] = ""
    assert shop.offences() == {("described", "raw")}


@pytest.mark.parametrize("name", ["stg_orders", "int_metrics", "orders"])
def test_described_where_a_column_is_made(shop, name):
    shop[name]["columns"]["Amount"] = {"name": "Amount", "description": " ", "data_type": "date"}
    assert shop.offences() == {("described", f"{name}.Amount")}


def test_described_by_none_of_the_models_that_list_a_column(shop):
    shop.list_column("int_metrics", "rank", "")
    shop.list_column("int_customer_states", "rank", "")
    places = ("int_metrics.rank", "int_customer_states.rank")
    assert shop.offences() == {("described", place) for place in places}


def test_described_in_a_seed(shop):
    shop["classes"]["columns"]["class"]["description"] = ""
    assert shop.offences() == {("described", "classes.class")}


def test_described_again_where_a_column_is_passed_on(shop):
    shop.list_column("int_customer_states", "CLASS_EN", "What it is.")
    assert shop.offences() == {("described", "int_customer_states.CLASS_EN")}
    shop.list_column("int_customer_states", "CLASS_EN", "")
    assert shop.offences() == set()


def test_described_again_where_a_column_comes_from_a_seed(shop):
    shop.list_column("int_customer_states", "label_en", "")
    assert shop.offences() == set()
    shop.list_column("int_customer_states", "label_en", "The class of the customer.")
    assert shop.offences() == set()
    # but the models below need not describe it a third time
    shop.list_column("int_segment_counts", "label_en", "The class of the customer.")
    assert shop.offences() == {("described", "int_segment_counts.label_en")}


@pytest.mark.parametrize("name", ["customers", "segments"])
def test_described_in_every_mart(shop, name):
    shop.list_column(name, "class_en", "")
    assert shop.offences() == {("described", f"{name}.class_en")}


@pytest.mark.parametrize("name", ["int_customer_states", "classes"])
@pytest.mark.parametrize("description", ["What it holds.", "What it holds. Grain: "])
def test_grain_named(shop, name, description):
    shop[name]["description"] = description
    assert shop.offences() == {("grain_named", name)}


def test_columns_agree_with_the_header_of_a_seed(shop):
    shop.write("seeds/classes.csv", "CLASS,label_en,label_zh,rank\n")
    assert shop.offences() == {("columns_agree", "classes.rank")}
    shop.write("seeds/classes.csv", "label_en,label_zh\n")
    assert shop.offences() == {("columns_agree", "classes.class")}


@pytest.fixture
def built(shop, tmp_path):
    """Build the shop's tables in a DuckDB file, some of them with other columns or not at all."""

    def build(**others: list[str] | None) -> None:
        columns = {name: list(COLUMNS) for name in MODELS}
        columns |= {"classes": list(SEED_COLUMNS), "base_orders": ["order_id"]} | others
        (tmp_path / "warehouse.duckdb").unlink(missing_ok=True)
        with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
            connection.execute("create schema shop")
            for name in (name for name in columns if columns[name]):
                listed = ", ".join(f"{column} integer" for column in columns[name])
                connection.execute(f"create table shop.{name} ({listed})")
        shop.built = read_warehouse(tmp_path / "warehouse.duckdb")

    return build


def test_columns_agree_with_the_warehouse(shop, built):
    built()
    assert shop.offences() == set()
    built(slipping=None)
    assert shop.offences() == {("columns_agree", "slipping")}
    built(base_orders=["ORDER_ID", "odd"])
    assert shop.offences() == {("columns_agree", "base_orders.odd")}
    built(stg_orders=["customer_id", "class_en", "rank"])
    places = {"stg_orders.class_zh", "stg_orders.rank"}
    assert shop.offences() == {("columns_agree", place) for place in places}


def test_columns_agree_where_they_are_passed_on(shop, built):
    built(int_customer_states=["customer_id", "LABEL_EN", "rank"])
    assert shop.offences() == {("columns_agree", "int_customer_states.rank")}
    shop.list_column("int_customer_states", "rank", "What it is.")
    assert shop.offences() == set()
    # the source's columns are described for its base model alone
    built(int_metrics=["customer_id", "order_id"], int_customer_states=["rank"])
    assert shop.offences() == {("columns_agree", "int_metrics.order_id")}
    # a column is passed on by the models below the one that makes it
    built(int_metrics=["rank"], int_customer_states=["rank"])
    assert shop.offences() == {("columns_agree", "int_metrics.rank")}
    built(int_segment_counts=["rank"], int_customer_states=["rank"])
    assert shop.offences() == set()


def test_columns_agree_in_every_mart(shop, built):
    del shop["customers"]["columns"]["customer_id"]
    built()
    assert shop.offences() == {("columns_agree", "customers.customer_id")}


def test_mart_contracted(shop):
    shop["customers"]["config"]["contract"]["enforced"] = False
    assert shop.offences() == {("mart_contracted", "customers")}


@pytest.mark.parametrize(
    "data_type", [None, "hugeint", "decimal", "varchar[]", "timestamptz", "string", "struct(a int)"]
)
def test_mart_contracted_types(shop, data_type):
    shop["customers"]["columns"]["customer_id"]["data_type"] = data_type
    assert shop.offences() == {("mart_contracted", "customers.customer_id")}


@pytest.mark.parametrize("data_type", ["bigint", "decimal(18,4)", "DECIMAL(18, 4)", "timestamp"])
def test_mart_contracted_takes_types_in_any_case(shop, data_type):
    shop["customers"]["columns"]["customer_id"]["data_type"] = data_type
    assert shop.offences() == set()


@pytest.mark.parametrize(("left", "lost"), [("class_en", "class_zh"), ("class_zh", "class_en")])
def test_label_in_both_languages(shop, left, lost):
    del shop["stg_orders"]["columns"][lost]
    assert shop.offences() == set()
    del shop["customers"]["columns"][lost]
    assert shop.offences() == {("label_in_both_languages", f"customers.{left}")}


def test_label_in_both_languages_in_a_seed(shop):
    shop.write("seeds/classes.csv", "class,label_en,label_zh,advice_en\n")
    assert ("label_in_both_languages", "classes.advice_en") in shop.offences()


COMMENT = "  # days that count as recent\n"


@pytest.mark.parametrize("comment", ["", "  # -- recency ----\n", COMMENT + "\n"])
def test_var_commented(shop, comment):
    shop.edit("dbt_project.yml", COMMENT, comment)
    assert shop.offences() == {("var_commented", "var recent_days")}


def test_var_commented_in_the_registry_alone(shop):
    shop.edit("dbt_project.yml", COMMENT, "")
    shop.edit("dbt_project.yml", "    recent_days:", "    # at most a year\n    recent_days:")
    assert shop.offences() == {("var_commented", "var recent_days")}


READ = "{{ var('criticality_floor') }}"


@pytest.mark.parametrize("text", ["0.4", f"{{# {READ} #}} 0.4", f"0.4 -- {READ}"])
def test_var_used(shop, text):
    shop.edit("models/marts/customers/customers.sql", READ, text)
    assert shop.offences() == {("var_used", "var criticality_floor")}
    shop.write("macros/rules/check_floor.sql", READ)
    assert shop.offences() == {("var_used", "var criticality_floor")}
    shop.write("macros/sql/floor.sql", READ)
    assert shop.offences() == set()


@pytest.mark.parametrize(
    "path", ["models/states/_states.yml", "macros/rules/other.sql", "tests/generic/recent.sql"]
)
def test_var_declared(shop, path):
    shop.write(path, "{{ var(\"recent_day\", 1) }} {{ env_var('HOME') }}\n")
    assert shop.offences() == {("var_declared", path)}


def test_setting_registered(shop):
    shop.edit("dbt_project.yml", "    criticality_floor: {number: [0, 1]}\n", "")
    assert shop.offences() == {("setting_registered", "var criticality_floor")}


def test_setting_registered_without_a_var(shop):
    shop.edit("dbt_project.yml", "  settings:\n", "  settings:\n    floor: {number: [0, 1]}\n")
    assert shop.offences() == {("setting_registered", "setting floor")}


def test_setting_registered_without_a_registry(shop):
    text = shop.text("dbt_project.yml").partition("  settings:")[0]
    shop.write("dbt_project.yml", text)
    names = ("recent_days", "churn_after_days", "rfm_window_days", "as_of_date")
    expected = {("setting_registered", f"var {name}") for name in (*names, "criticality_floor")}
    assert shop.offences() == expected | {("var_declared", "macros/rules/check_vars.sql")}


@pytest.mark.parametrize("name", ["recent_days", "churn_after_days", "rfm_window_days"])
@pytest.mark.parametrize("mark", ["", ", states: false"])
def test_setting_of_states(shop, name, mark):
    marked = f"    {name}: {{whole: [1, 365]"
    shop.edit("dbt_project.yml", f"{marked}, states: true}}", f"{marked}{mark}}}")
    assert shop.offences() == {("setting_of_states", f"setting {name}")}


@pytest.mark.parametrize(
    ("name", "allowed"), [("as_of_date", "day: true"), ("criticality_floor", "number: [0, 1]")]
)
def test_setting_of_states_that_changes_no_state(shop, name, allowed):
    unmarked = f"    {name}: {{{allowed}"
    shop.edit("dbt_project.yml", f"{unmarked}}}", f"{unmarked}, states: true}}")
    assert shop.offences() == {("setting_of_states", f"setting {name}")}


def test_setting_of_states_looks_above_state_builds_alone(shop):
    # without a step between them, states no longer read the window
    shop["int_customer_states"]["depends_on"]["nodes"] = []
    assert shop.offences() == {("setting_of_states", "setting rfm_window_days")}


def test_model_short(shop):
    path = "models/staging/payments/stg_orders.sql"
    most = check_layers.MOST_LINES
    shop.write(path, "\n" * (most - 7) + FILES[path])
    assert shop.offences() == set()
    shop.write(path, "-- one more\n" + "\n" * (most - 7) + FILES[path])
    assert shop.offences() == {("model_short", path)}


@pytest.mark.parametrize(
    "text",
    [
        "with\n\nsettled as (\n    select 1\n)\n\nselect one from settled\n",
        "with\n\nsettled as (\n    select 1\n)\n\nselect * from {{ ref('stg_orders') }}\n",
        "with\n\nsettled as (\n    select 1\n)\n\nselect * from unsettled\n",
        "with\n\nsettled as (\n    select 1\n)\n\nselect * from settled\nwhere true\n",
        "{{ conform_to_contract('orders') }}\n",
    ],
)
def test_last_line_selects(shop, text):
    shop.write("models/staging/payments/stg_orders.sql", text)
    assert shop.offences() == {("last_line_selects", "models/staging/payments/stg_orders.sql")}


@pytest.mark.parametrize(
    "text",
    [
        "{{ config(materialized='view') }}\n",
        "{{ conform_to_contract('orders') }}\nwhere true\n",
        "{{ conform_to_contract('orders') }}\n{{ conform_to_contract('orders') }}\n",
        "{{ conform_to_contract('orders') }}\n{{ config(materialized='view') }}\n",
    ],
)
def test_last_line_selects_or_a_base_model_is_one_call(shop, text):
    path = "models/staging/payments/base_orders.sql"
    shop.write(path, text)
    assert shop.offences() == {("last_line_selects", path)}
    shop.write(path, "{# raw #}\n{{ conform_to_contract('orders') }}\n")
    assert shop.offences() == set()


def test_last_line_selects_and_may_set_the_order(shop):
    ordered = "{{ stored_in_order('order_id, line') }}\n"
    text = "with\n\nsettled as (\n    select 1\n)\n\nselect * from settled\n"
    shop.write("models/staging/payments/stg_orders.sql", text + ordered)
    assert shop.offences() == set()
    shop.write("models/staging/payments/stg_orders.sql", text + ordered + "limit 1\n")
    assert shop.offences() == {("last_line_selects", "models/staging/payments/stg_orders.sql")}


@pytest.mark.parametrize(
    "path",
    [
        *("models/staging/payments/stg_orders.sql", "macros/a.sql", "macros/sql/engines/a.sql"),
        *("macros/history/a.sql", "tests/generic/a.sql"),
    ],
)
@pytest.mark.parametrize("text", ["target.type == 'duckdb'", "adapter.dispatch('day')"])
def test_dialect_in_engines(shop, path, text):
    shop.write(path, f"\n{{{{ {text} }}}}\n" + FILES["models/staging/payments/stg_orders.sql"])
    assert shop.offences() == {("dialect_in_engines", f"{path}:2")}


def test_no_distinct(shop):
    shop.write("macros/a.sql", "{#\n#}\nselect\n    distinct a, count(distinct b)\n")
    assert shop.offences() == {("no_distinct", "macros/a.sql:3")}


@pytest.mark.parametrize(
    "text", ["current_date", "NOW()", "random()", "{{ run_started_at }}", "datetime.date.today()"]
)
def test_no_clock(shop, text):
    shop.write("macros/a.sql", f"select {text}\n")
    assert shop.offences() == {("no_clock", "macros/a.sql:1")}


def test_every_rule_has_a_test_and_says_what_it_asks():
    tests = [name for name in globals() if name.startswith("test_")]
    for name, find in RULES.items():
        assert any(test.startswith(f"test_{name}") for test in tests), name
        assert find.__doc__ and "\n" not in find.__doc__, name


# ---- the command --------------------------------------------------------------------------------


@pytest.fixture
def run(shop, monkeypatch):
    monkeypatch.setattr(check_layers, "PROJECT_FOLDER", shop.folder)

    def invoke(*arguments: str):
        (shop.folder / "manifest.json").write_text(json.dumps(shop.manifest))
        manifest = str(shop.folder / "manifest.json")
        return CliRunner().invoke(check_layers.main, ["--manifest", manifest, *arguments])

    return invoke


def test_the_command_exits_with_0_if_all_rules_are_kept(run):
    result = run()
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"All {len(RULES)} rules are kept.\n"


def test_the_command_exits_with_1_and_prints_each_offence(run, shop):
    shop.reads("int_customer_states", "stg_orders")
    shop["customers"]["description"] = "Grain: one row per customer."
    shop["customers"]["columns"]["customer_id"]["description"] = ""
    result = run()
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "layer_order: int_customer_states reads stg_orders of staging, which states may not read; "
        "states may read activity, history, seeds, states.",
        "described: customers.customer_id has no description; add one to its YAML file.",
    ]
    assert result.stderr == "Error: 2 offences.\n"


def test_the_command_lists_the_rules(run):
    result = run("--list")
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == list(RULES)


@pytest.mark.parametrize("text", ["", "[]", '{"nodes": {}}'])
def test_another_file_than_a_manifest_is_refused(run, tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    result = run("--manifest", str(tmp_path / "other.json"))
    assert result.exit_code == 1
    assert "other.json is not a dbt manifest; make one with dbt parse." in result.stderr


def test_a_missing_warehouse_is_refused(run, tmp_path):
    result = run("--warehouse", str(tmp_path / "none.duckdb"))
    assert result.exit_code == 1
    assert "none.duckdb cannot be read: " in result.stderr


# ---- the real project ---------------------------------------------------------------------------


def test_a_project_that_dbt_cannot_parse_is_refused(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: elsewhere\n")
    with pytest.raises(RulesError, match=r"cannot parse the project: .* profile named 'elsewhere'"):
        parse(tmp_path)


def test_the_project_keeps_its_rules():
    offences = check(Project(PROJECT_FOLDER, parse(PROJECT_FOLDER)))
    assert [f"{name}: {offence}" for name, offence in offences] == []
