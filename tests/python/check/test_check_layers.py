"""The rules of the project: each one seen broken on a small shop, and kept by the real project."""

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

FILES = {
    "dbt_project.yml": (
        "name: shop\nvars:\n  # -- the business ----\n"
        "  # days that count as recent\n  recent_days: 30\n"
    ),
    "models/staging/base/base_orders.sql": "{{ conform_to_contract('orders') }}\n",
    "models/staging/stg_orders.sql": (
        "with\n\nsettled as (\n    select 1\n)\n\nselect * from settled\n"
    ),
    "models/states/int_states.sql": (
        "with\n\n-- not now(), nor select distinct\n"
        "recent as (\n    select {{ var('recent_days') }}\n)\n\nselect * from recent\n"
    ),
    "macros/engines/dates.sql": "{{ adapter.dispatch('day')() }} {{ target.type }}\n",
    "macros/rules/check_vars.sql": "{{ var('recent_days') }}\n",
    "seeds/classes.csv": "class,label_en,label_zh\na,first,首\n",
}
COLUMNS = {"customer_id": "varchar", "class_en": "varchar", "class_zh": "VARCHAR"}
SEED_COLUMNS = {"class": None, "label_en": None, "label_zh": None}
# each model of the shop, with its folder and what it reads
MODELS = {
    "base_orders": ("staging/base", ["orders"]),
    "stg_orders": ("staging", ["base_orders", "classes"]),
    "int_records_unioned": ("staging", ["stg_orders"]),
    "daily_purchases": ("activity", ["stg_orders"]),
    "int_states": ("states", ["daily_purchases", "classes"]),
    "int_states_measured": ("states/measured", ["int_states"]),
    "slipping": ("critical/types", ["int_states"]),
    "int_unioned": ("critical/unioned", ["slipping", "daily_purchases"]),
    "customers": ("marts", ["int_unioned", "int_states", "int_records_unioned"]),
}
WITHOUT_KEY_TEST = {"base_orders", "int_records_unioned", "slipping"}


class Shop:
    """A project in which no rule is broken, to be broken by a test."""

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
            columns = {} if name == "base_orders" else COLUMNS
            self.add("model", name, f"models/{folder_name}/{name}.sql", reads, columns)
            if name not in WITHOUT_KEY_TEST:
                self.test(name, "unique_combination")
        for name in ("base_orders", "int_records_unioned"):
            self[name]["description"] = "Raw. Grain: one row per\n  raw row.\n"

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.nodes[name]

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, encoding="utf-8")

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
            "config": {"contract": {"enforced": path.startswith("models/marts/")}},
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

    def reads(self, name: str, parent: str) -> None:
        self[name]["depends_on"]["nodes"].append(self[parent]["unique_id"])

    @property
    def manifest(self) -> dict[str, Any]:
        nodes = {node["unique_id"]: node for node in self.nodes.values()}
        children = {
            key: [child for child, node in nodes.items() if key in node["depends_on"]["nodes"]]
            for key in nodes
        }
        tests = {f"test.shop.{number}": test for number, test in enumerate(self.tests)}
        sources = {key: node for key, node in nodes.items() if key.startswith("source.")}
        return {
            "nodes": {key: node for key, node in nodes.items() if key not in sources} | tests,
            "sources": sources,
            "child_map": children,
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
        ("daily_purchases", "orders"),
        ("daily_purchases", "base_orders"),
        ("daily_purchases", "int_states"),
        ("int_states", "stg_orders"),
        ("int_states_measured", "slipping"),
        ("slipping", "daily_purchases"),
        ("slipping", "slipping"),
        ("int_unioned", "customers"),
        ("int_unioned", "stg_orders"),
        ("customers", "slipping"),
        ("customers", "stg_orders"),
    ],
)
def test_layer_order(shop, reader, parent):
    shop.reads(reader, parent)
    assert shop.offences() == {("layer_order", reader)}


def test_layer_order_of_a_model_outside_the_layers(shop):
    shop["customers"]["original_file_path"] = "models/other/customers.sql"
    assert shop.offences() == {("layer_order", "customers")}


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


def test_key_tested_by_the_reader_of_a_part(shop):
    shop.drop_tests("int_unioned")
    assert shop.offences() == {("key_tested", "int_unioned"), ("key_tested", "slipping")}
    shop.test("slipping", "unique_combination")
    assert shop.offences() == {("key_tested", "int_unioned")}


@pytest.mark.parametrize("name", ["int_states", "customers"])
def test_key_tested_excepts_raw_rows_in_staging_alone(shop, name):
    shop.drop_tests(name)
    shop[name]["description"] = "Raw. Grain: one row per raw row."
    assert shop.offences() == {("key_tested", name)}


@pytest.mark.parametrize("name", ["stg_orders", "classes", "orders"])
def test_described(shop, name):
    shop[name]["columns"]["class_en"] = {"name": "amount", "description": " ", "data_type": "date"}
    shop[name]["columns"].setdefault("class_zh", {"name": "class_zh", "description": "?"})
    assert ("described", f"{name}.amount") in shop.offences()
    shop[name]["description"] = ""
    assert ("described", name) in shop.offences()


def test_described_source(shop):
    shop["orders"]["source_description"] = ""
    assert shop.offences() == {("described", "raw")}


def test_described_columns(shop):
    shop["int_states"]["columns"] = {}
    assert shop.offences() == {("described", "int_states")}
    shop["orders"]["columns"] = {}
    assert {("described", "orders"), ("described", "base_orders")} < shop.offences()


@pytest.mark.parametrize("name", ["int_states", "classes"])
@pytest.mark.parametrize("description", ["What it holds.", "What it holds. Grain: "])
def test_grain_named(shop, name, description):
    shop[name]["description"] = description
    assert shop.offences() == {("grain_named", name)}


def test_columns_agree_with_the_header_of_a_seed(shop):
    shop.write("seeds/classes.csv", "CLASS,label_en,label_zh,rank\n")
    assert shop.offences() == {("columns_agree", "classes.rank")}
    shop.write("seeds/classes.csv", "label_en,label_zh\n")
    assert shop.offences() == {("columns_agree", "classes.class")}


def test_columns_agree_with_the_warehouse(shop, tmp_path):
    given = {node["name"]: list(node["columns"]) for node in shop.nodes.values()}
    given["int_states"] = ["customer_id", "class_en", "rank"]
    given["base_orders"] = ["ORDER_ID", "odd"]
    del given["slipping"]
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema shop")
        for name, columns in given.items():
            listed = ", ".join(f"{column} integer" for column in columns)
            connection.execute(f"create table shop.{name} ({listed})")
    shop.built = read_warehouse(tmp_path / "warehouse.duckdb")
    places = {"slipping", "int_states.class_zh", "int_states.rank", "base_orders.odd"}
    assert shop.offences() == {("columns_agree", place) for place in places}


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
    del shop["int_states"]["columns"][lost]
    assert shop.offences() == set()
    del shop["customers"]["columns"][lost]
    assert shop.offences() == {("label_in_both_languages", f"customers.{left}")}


def test_label_in_both_languages_in_a_seed(shop):
    shop.write("seeds/classes.csv", "class,label_en,label_zh,advice_en\n")
    assert ("label_in_both_languages", "classes.advice_en") in shop.offences()


@pytest.mark.parametrize(
    "text",
    [
        "vars:\n  recent_days: 30\n",
        "vars:\n  # -- the business ----\n  recent_days: 30\n",
        "vars:\n  # days that count as recent\n\n  recent_days: 30\n",
        "vars: {recent_days: 30}\n",
    ],
)
def test_var_commented(shop, text):
    shop.write("dbt_project.yml", "name: shop\n\n" + text)
    assert shop.offences() == {("var_commented", "var recent_days")}


@pytest.mark.parametrize(
    "text", ["", "{# {{ var('recent_days') }} #}\n", "-- {{ var('recent_days') }}\n"]
)
def test_var_used(shop, text):
    shop.write("models/states/int_states.sql", text + FILES["models/staging/stg_orders.sql"])
    assert shop.offences() == {("var_used", "var recent_days")}


@pytest.mark.parametrize(
    "path", ["models/states/_states.yml", "macros/rules/other.sql", "tests/generic/recent.sql"]
)
def test_var_declared(shop, path):
    shop.write(path, "{{ var(\"recent_day\", 1) }} {{ env_var('HOME') }}\n")
    assert shop.offences() == {("var_declared", path)}


def test_model_short(shop):
    path = "models/staging/stg_orders.sql"
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
        "{{ conform_to_contract('orders') }}\nwhere true\n",
    ],
)
def test_last_line_selects(shop, text):
    shop.write("models/staging/stg_orders.sql", text)
    assert shop.offences() == {("last_line_selects", "models/staging/stg_orders.sql")}


def test_the_last_line_may_say_the_order(shop):
    ordered = "{{ stored_in_order('order_id, line') }}\n"
    text = "with\n\nsettled as (\n    select 1\n)\n\nselect * from settled\n"
    shop.write("models/staging/stg_orders.sql", text + ordered)
    assert shop.offences() == set()
    shop.write("models/staging/stg_orders.sql", text + ordered + "limit 1\n")
    assert shop.offences() == {("last_line_selects", "models/staging/stg_orders.sql")}


@pytest.mark.parametrize("path", ["models/staging/stg_orders.sql", "macros/a.sql", "tests/a.sql"])
@pytest.mark.parametrize("text", ["target.type == 'duckdb'", "adapter.dispatch('day')"])
def test_dialect_in_cross_engine(shop, path, text):
    shop.write(path, f"\n{{{{ {text} }}}}\n" + FILES["models/staging/stg_orders.sql"])
    assert shop.offences() == {("dialect_in_cross_engine", f"{path}:2")}


def test_no_distinct(shop):
    shop.write("macros/a.sql", "{#\n#}\nselect\n    distinct a, count(distinct b)\n")
    assert shop.offences() == {("no_distinct", "macros/a.sql:3")}


@pytest.mark.parametrize(
    "text", ["current_date", "NOW()", "random()", "{{ run_started_at }}", "datetime.date.today()"]
)
def test_no_clock(shop, text):
    shop.write("macros/a.sql", f"select {text}, known_now, random_id\n")
    assert shop.offences() == {("no_clock", "macros/a.sql:1")}


def test_every_rule_has_a_test_and_says_what_it_asks():
    tests = [name for name in globals() if name.startswith("test_")]
    for name, judge in RULES.items():
        assert any(test.startswith(f"test_{name}") for test in tests), name
        assert judge.__doc__ and "\n" not in judge.__doc__, name


# ---- the command --------------------------------------------------------------------------------


@pytest.fixture
def run(shop, monkeypatch):
    monkeypatch.setattr(check_layers, "PROJECT_FOLDER", shop.folder)

    def invoke(*arguments: str):
        (shop.folder / "manifest.json").write_text(json.dumps(shop.manifest))
        manifest = str(shop.folder / "manifest.json")
        return CliRunner().invoke(check_layers.main, ["--manifest", manifest, *arguments])

    return invoke


def test_the_command_ends_with_0_where_the_rules_are_kept(run):
    result = run()
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"All {len(RULES)} rules are kept.\n"


def test_the_command_ends_with_1_and_a_line_per_offence(run, shop):
    shop.reads("int_states", "stg_orders")
    shop["customers"]["description"] = "Grain: one row per customer."
    shop["customers"]["columns"]["customer_id"]["description"] = ""
    result = run()
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "layer_order: int_states reads stg_orders of staging, which states may not; "
        "read activity, seeds, states.",
        "described: customers.customer_id has no description; add one to its YAML file.",
    ]
    assert result.stderr == "Error: 2 offences.\n"


def test_the_command_lists_the_rules(run):
    result = run("--list")
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == list(RULES)


@pytest.mark.parametrize("text", ["", "[]", '{"nodes": {}}'])
def test_what_is_no_manifest_is_told(run, tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    result = run("--manifest", str(tmp_path / "other.json"))
    assert result.exit_code == 1
    assert "other.json is no manifest of dbt; make one with dbt parse." in result.stderr


def test_a_warehouse_that_is_not_there_is_told(run, tmp_path):
    result = run("--warehouse", str(tmp_path / "none.duckdb"))
    assert result.exit_code == 1
    assert "none.duckdb cannot be read: " in result.stderr


# ---- the real project ---------------------------------------------------------------------------


def test_a_project_that_dbt_cannot_parse_is_told(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: elsewhere\n")
    with pytest.raises(RulesError, match=r"cannot parse the project: .* profile named 'elsewhere'"):
        parse(tmp_path)


def test_the_project_keeps_its_rules():
    offences = check(Project(PROJECT_FOLDER, parse(PROJECT_FOLDER)))
    assert [f"{name}: {offence}" for name, offence in offences] == []
