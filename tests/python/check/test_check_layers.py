"""The rules of the project: each one seen broken on a small shop, and kept by the real project."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
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

PROJECT_TEXT = """name: shop
vars:
  # -- the business ----
  # days that count as recent
  recent_days: 30
  settings:
    recent_days: {whole: [1, 365], states: true}
"""
FILES = {
    "dbt_project.yml": PROJECT_TEXT,
    "models/staging/orders/base_orders.sql": "{{ conform_to_contract('orders') }}\n",
    "models/staging/orders/stg_orders.sql": (
        "with\n\nvalidated as (\n    select 1\n)\n\nselect * from validated\n"
    ),
    "models/states/int_customer_states.sql": (
        "with\n\n-- not now(), nor select distinct\n"
        "recent as (\n    select {{ var('recent_days') }}\n)\n\nselect * from recent\n"
    ),
    "macros/engines/dates.sql": "{{ adapter.dispatch('day')() }} {{ target.type }}\n",
    "macros/rules/check_vars.sql": "{{ var('recent_days') }}\n",
    "seeds/classes.csv": "class,label_en,label_zh\na,first,首\n",
}
STAGED = "models/staging/orders/stg_orders.sql"
COLUMNS = {"customer_id": "varchar", "class_en": "varchar", "class_zh": "VARCHAR"}
SEED_COLUMNS = {"class": None, "label_en": None, "label_zh": None}
# each model of the shop, with its folder and what it reads
MODELS = {
    "base_orders": ("staging/orders", ["orders"]),
    "stg_orders": ("staging/orders", ["base_orders", "classes"]),
    "int_records_unioned": ("staging", ["stg_orders"]),
    "daily_purchases": ("activity", ["stg_orders"]),
    "int_customer_states": ("states", ["daily_purchases", "classes"]),
    "int_segment_counts": ("states/rfm", ["int_customer_states"]),
    "slipping": ("critical/turning_points", ["int_customer_states"]),
    "int_turning_points_unioned": ("critical", ["slipping", "daily_purchases"]),
    "state_builds": ("history", ["int_segment_counts", "int_turning_points_unioned"]),
    "customers": (
        "marts/customers",
        ["int_turning_points_unioned", "int_customer_states", "int_records_unioned"],
    ),
}
# a column is described where it is made, and for the readers of marts
DESCRIBED = {"stg_orders", "customers"}
WITHOUT_KEY_TEST = {"base_orders", "int_records_unioned", "slipping"}


class Shop:
    """A project in which no rule is broken, to be broken by a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.built: dict[str, list[str]] | None = None
        self.nodes: dict[str, dict[str, Any]] = {}
        self.macros: dict[str, dict[str, Any]] = {}
        self.tests: list[dict[str, Any]] = [{"resource_type": "test", "name": "a singular test"}]
        for path, text in FILES.items():
            self.write(path, text)
        self.add("source", "orders", "", [], {"order_id": "string"})
        self["orders"].update(source_name="raw", source_description="As it came.")
        self.add("seed", "classes", "seeds/classes.csv", [], SEED_COLUMNS)
        for name, (folder_name, reads) in MODELS.items():
            columns = COLUMNS if name in DESCRIBED else {}
            self.add("model", name, f"models/{folder_name}/{name}.sql", reads, columns)
            if name not in WITHOUT_KEY_TEST:
                self.test(name, "unique_combination")
        for name in ("base_orders", "int_records_unioned"):
            self[name]["description"] = "Raw. Grain: one row per\n  raw row.\n"
        self["slipping"]["config"]["materialized"] = "view"
        self.read_var("int_customer_states", "recent_days")

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.nodes[name]

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, encoding="utf-8")

    def add(
        self, kind: str, name: str, path: str, reads: list[str], columns: dict[str, str | None]
    ) -> None:
        self.nodes[name] = {
            "unique_id": f"{kind}.{check_layers.PROJECT_NAME}.{name}",
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
            "raw_code": "",
            "depends_on": {"nodes": [self[parent]["unique_id"] for parent in reads], "macros": []},
            "config": {
                "contract": {"enforced": path.startswith("models/marts/")},
                "materialized": "table",
                "meta": {},
            },
        }

    def add_macro(self, name: str, text: str, calls: tuple[str, ...] = ()) -> str:
        """A macro of the project, and its id."""
        unique_id = f"macro.{check_layers.PROJECT_NAME}.{name}"
        self.macros[unique_id] = {
            "name": name,
            "macro_sql": text,
            "depends_on": {"macros": list(calls)},
        }
        return unique_id

    def read_var(self, name: str, setting: str) -> None:
        """A model reads a var in its SQL."""
        self[name]["raw_code"] += f"{{{{ var('{setting}') }}}}"

    def declare(self, setting: str, allowed: str) -> None:
        """A setting more, read in a file, with what the registry says of it; none: no row in it."""
        row = f"    {setting}: {{{allowed}}}\n" if allowed else ""
        self.write(
            "dbt_project.yml",
            PROJECT_TEXT.replace("  settings:", f"  # another\n  {setting}: 1\n  settings:") + row,
        )
        self.write("macros/another.sql", f"{{{{ var('{setting}') }}}}\n")

    def test(self, name: str, kind: str, column: str | None = None, severity: str = "ERROR"):
        self.tests.append(
            {
                "resource_type": "test",
                "name": kind,
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
        tests = {f"test.{number}": test for number, test in enumerate(self.tests)}
        sources = {key: node for key, node in nodes.items() if key.startswith("source.")}
        return {
            "nodes": {key: node for key, node in nodes.items() if key not in sources} | tests,
            "sources": sources,
            "child_map": children,
            "macros": self.macros,
        }

    @property
    def project(self) -> Project:
        return Project(self.folder, self.manifest, self.built)

    def offences(self) -> set[tuple[str, str]]:
        return {(name, offence.place) for name, offence in check(self.project)}


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
        ("daily_purchases", "int_customer_states"),
        ("int_customer_states", "stg_orders"),
        ("int_segment_counts", "slipping"),
        ("slipping", "daily_purchases"),
        ("slipping", "int_segment_counts"),
        ("slipping", "slipping"),
        ("int_turning_points_unioned", "customers"),
        ("int_turning_points_unioned", "stg_orders"),
        ("state_builds", "int_customer_states"),
        ("customers", "slipping"),
        ("customers", "stg_orders"),
        ("customers", "customers"),
    ],
)
def test_layer_order(shop, reader, parent):
    shop.reads(reader, parent)
    # some of these are circles, which the other rules do not look for
    [offence] = RULES["layer_order"](shop.project)
    assert offence.place == reader
    assert offence.wrong.startswith(f"reads {parent} of ")


def test_layer_order_of_a_model_outside_the_layers(shop):
    shop["customers"]["original_file_path"] = "models/other/customers.sql"
    assert ("layer_order", "customers") in shop.offences()


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
    shop.drop_tests("int_turning_points_unioned")
    assert shop.offences() == {
        ("key_tested", "int_turning_points_unioned"),
        ("key_tested", "slipping"),
    }
    shop.test("slipping", "unique_combination")
    assert shop.offences() == {("key_tested", "int_turning_points_unioned")}


def test_key_tested_of_a_table_by_its_own_test_alone(shop):
    shop["slipping"]["config"]["materialized"] = "table"
    assert shop.offences() == {("key_tested", "slipping")}


@pytest.mark.parametrize("name", ["int_customer_states", "customers"])
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


def test_described_where_it_is_made_and_not_again(shop):
    columns = {"customer_id": {"name": "customer_id", "description": "", "data_type": None}}
    shop["int_customer_states"]["columns"] = columns
    assert shop.offences() == set()
    columns["customer_id"]["description"] = "Once more."
    assert shop.offences() == {("described", "int_customer_states.customer_id")}


def test_described_in_a_mart_once_more(shop):
    shop["customers"]["columns"]["customer_id"]["description"] = ""
    assert shop.offences() == {("described", "customers.customer_id")}


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


def test_columns_agree_with_the_warehouse(shop, tmp_path):
    given = {node["name"]: list(node["columns"]) for node in shop.nodes.values()}
    given |= {name: list(COLUMNS) for name in MODELS}
    # a column that is made here, one that is passed on, and one that is left out
    given["int_customer_states"] = ["customer_id", "class_en", "rank"]
    given["stg_orders"] = ["customer_id", "class_en"]
    given["base_orders"] = ["ORDER_ID", "odd"]
    del given["slipping"]
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema shop")
        for name, columns in given.items():
            listed = ", ".join(f"{column} integer" for column in columns)
            connection.execute(f"create table shop.{name} ({listed})")
    shop.built = read_warehouse(tmp_path / "warehouse.duckdb")
    places = {"slipping", "int_customer_states.rank", "stg_orders.class_zh", "base_orders.odd"}
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
    del shop["stg_orders"]["columns"][lost]
    assert shop.offences() == set()
    del shop["customers"]["columns"][lost]
    assert shop.offences() == {("label_in_both_languages", f"customers.{left}")}


def test_label_in_both_languages_in_a_seed(shop):
    shop.write("seeds/classes.csv", "class,label_en,label_zh,advice_en\n")
    assert ("label_in_both_languages", "classes.advice_en") in shop.offences()


@pytest.mark.parametrize(
    "text",
    [
        "vars:\n  recent_days: 30\n  settings: {recent_days: {states: true}}\n",
        PROJECT_TEXT.replace("  # days that count as recent\n", ""),
        PROJECT_TEXT.replace("as recent\n", "as recent\n\n"),
        "vars: {recent_days: 30, settings: {recent_days: {states: true}}}\n",
    ],
)
def test_var_commented(shop, text):
    shop.write("dbt_project.yml", "name: shop\n\n" + text)
    assert shop.offences() == {("var_commented", "var recent_days")}


@pytest.mark.parametrize(
    "text", ["", "{# {{ var('recent_days') }} #}\n", "-- {{ var('recent_days') }}\n"]
)
def test_var_used(shop, text):
    shop.write("models/states/int_customer_states.sql", text + FILES[STAGED])
    assert shop.offences() == {("var_used", "var recent_days")}


@pytest.mark.parametrize(
    "path", ["models/states/_states.yml", "macros/rules/other.sql", "tests/generic/recent.sql"]
)
def test_var_declared(shop, path):
    shop.write(path, "{{ var(\"recent_day\", 1) }} {{ env_var('HOME') }}\n")
    assert shop.offences() == {("var_declared", path)}


def test_setting_registered(shop):
    shop.declare("another", "")
    assert shop.offences() == {("setting_registered", "var another")}
    shop.declare("another", "whole: [1, 2]")
    assert shop.offences() == set()
    shop.write("dbt_project.yml", PROJECT_TEXT + "    gone: {whole: [1, 2]}\n")
    shop.write("macros/another.sql", "")
    assert shop.offences() == {("setting_registered", "var gone")}


# where a setting is read, and whether states depend on it
READ = {
    "model of states": ("int_customer_states", True),
    "model below it": ("daily_purchases", True),
    "model of staging": ("stg_orders", True),
    "turning point": ("slipping", True),
    "mart": ("customers", False),
    "ledger itself": ("state_builds", True),
}


@pytest.mark.parametrize("model", list(READ))
@pytest.mark.parametrize("way", ["the model", "a macro", "a macro of a macro", "its windows"])
def test_setting_of_states(shop, model, way):
    name, is_of_states = READ[model]
    if way == "the model":
        shop.read_var(name, "another")
    else:
        inner = shop.add_macro("inner", "{{ var('another') }}")
        outer = shop.add_macro("outer", "{{ inner() }}", calls=(inner,))
        if way == "its windows":
            shop[name]["config"]["meta"]["windows"] = "outer"
        else:
            shop[name]["depends_on"]["macros"].append(inner if way == "a macro" else outer)
    for mark in (True, False):
        shop.declare("another", "whole: [1, 2]" + (", states: true" if mark else ""))
        wrong = {("setting_of_states", "setting another")} if mark != is_of_states else set()
        assert shop.offences() == wrong


@pytest.mark.parametrize("name", sorted(check_layers.NOT_OF_STATES))
def test_setting_of_states_excepts_which_dates_there_are(shop, name):
    shop.read_var("int_customer_states", name)
    shop.declare(name, "whole: [1, 2]")
    assert shop.offences() == set()
    shop.declare(name, "whole: [1, 2], states: true")
    assert shop.offences() == {("setting_of_states", f"setting {name}")}


def test_model_short(shop):
    path = STAGED
    most = check_layers.MOST_LINES
    shop.write(path, "\n" * (most - 7) + FILES[path])
    assert shop.offences() == set()
    shop.write(path, "-- one more\n" + "\n" * (most - 7) + FILES[path])
    assert shop.offences() == {("model_short", path)}


@pytest.mark.parametrize(
    "text",
    [
        "with\n\nvalidated as (\n    select 1\n)\n\nselect one from validated\n",
        "with\n\nvalidated as (\n    select 1\n)\n\nselect * from {{ ref('stg_orders') }}\n",
        "with\n\nvalidated as (\n    select 1\n)\n\nselect * from unvalidated\n",
        "with\n\nvalidated as (\n    select 1\n)\n\nselect * from validated\nwhere true\n",
        "{{ conform_to_contract('orders') }}\nwhere true\n",
    ],
)
def test_last_line_selects(shop, text):
    shop.write(STAGED, text)
    assert shop.offences() == {("last_line_selects", STAGED)}


def test_the_last_line_may_say_the_order(shop):
    ordered = "{{ stored_in_order('order_id, line') }}\n"
    text = "with\n\nvalidated as (\n    select 1\n)\n\nselect * from validated\n"
    shop.write(STAGED, text + ordered)
    assert shop.offences() == set()
    shop.write(STAGED, text + ordered + "limit 1\n")
    assert shop.offences() == {("last_line_selects", STAGED)}


@pytest.mark.parametrize("path", [STAGED, "macros/a.sql", "tests/a.sql"])
@pytest.mark.parametrize("text", ["target.type == 'duckdb'", "adapter.dispatch('day')"])
def test_dialect_in_engines(shop, path, text):
    shop.write(path, f"\n{{{{ {text} }}}}\n" + FILES[STAGED])
    assert shop.offences() == {("dialect_in_engines", f"{path}:2")}


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
    shop.reads("int_customer_states", "stg_orders")
    shop["customers"]["description"] = "Grain: one row per customer."
    shop["customers"]["columns"]["customer_id"]["description"] = ""
    result = run()
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "layer_order: int_customer_states reads stg_orders of staging, which states may not; "
        "read activity, history, seeds, states.",
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


@pytest.fixture(scope="module")
def project() -> Project:
    return Project(PROJECT_FOLDER, parse(PROJECT_FOLDER))


def test_the_project_keeps_its_rules(project):
    assert [f"{name}: {offence}" for name, offence in check(project)] == []


def test_no_mark_of_a_setting_can_be_left_out_or_added_unseen(project):
    """A setting that is not marked could change between two days without a full refresh."""
    for name, allowed in project.settings.items():
        turned = allowed | {"states": not allowed.get("states")}
        settings = project.settings | {name: turned}
        looked_at = SimpleNamespace(settings=settings, vars_of_states=project.vars_of_states)
        [offence] = RULES["setting_of_states"](looked_at)
        assert offence.place == f"setting {name}"
