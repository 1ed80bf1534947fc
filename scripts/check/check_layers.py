"""Check the rules that dbt does not check itself: layers, keys, descriptions, marts, vars, SQL.

The script reads dbt's manifest, dbt_project.yml and the SQL files and, with --warehouse, the
columns of the built tables. It prints a line for each offence: the rule, the place, what is wrong
and how to fix it. --list prints what each rule asks. Exceptions are constants with their reason.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import click
import duckdb
import yaml

PROJECT_FOLDER = Path(__file__).resolve().parents[2]

# What each layer may read. A layer is a folder of models, with all subfolders that have no line of
# their own. "activity/daily_purchases" is a single model of a layer. Only base models read sources.
MAY_READ = {
    "staging": {"staging", "seeds"},
    "identity": {"staging"},
    "activity": {"staging", "identity", "activity"},
    # state_builds is built after the states that it records
    "history": {
        *("staging/int_records_unioned", "history"),
        *("states/int_segment_counts", "critical/int_turning_points_unioned"),
    },
    "states": {"activity", "history", "states", "seeds"},
    # one view per turning-point type; they do not read each other
    "critical/turning_points": {"states/int_customer_states", "seeds"},
    # only dormant customers need their best year, so it is computed here and not in states
    "critical": {
        *("critical/turning_points", "critical", "history", "states", "seeds"),
        "activity/daily_purchases",
    },
    # no mart reads a mart; marts/quality reads rejected rows, which go no further than staging
    "marts": {
        *("critical", "states", "history", "seeds"),
        *("activity/known_customers", "staging/int_records_unioned"),
    },
}
# a base model passes a raw table through; the input contract describes its columns
BASE = "base_"
# raw rows may repeat in full, so a staging model that keeps all of them has no key
KEYLESS_GRAIN = "one row per raw row."
# the types that BI clients can read, in DuckDB's names
MART_TYPES = "VARCHAR BOOLEAN INTEGER BIGINT DECIMAL(p,s) DOUBLE DATE TIMESTAMP"
MART_TYPE = re.compile(
    r"VARCHAR|BOOLEAN|INTEGER|BIGINT|DECIMAL\(\d+, ?\d+\)|DOUBLE|DATE|TIMESTAMP", re.IGNORECASE
)
# a longer model should be two models
MOST_LINES = 110
# the var that lists which values every other var may take
REGISTRY = "settings"
# this model records the settings that states were built with
STATE_BUILDS = "state_builds"
# these choose which as-of dates exist and which are frozen; they do not change a state
NOT_OF_STATES = {"as_of_date", "history_lag_months"}
# only these may depend on the engine
ENGINE_FOLDERS = ("macros/engines/", "macros/storage/")
# macros that only check vars do not count as users of them
GUARD_FOLDER = "macros/rules/"

VAR_CALL = re.compile(r"\bvar\(\s*['\"](\w+)['\"]")
STORED_IN_ORDER = re.compile(r"^\{\{ stored_in_order\('[\w, ]+'\) \}\}\s*\Z", re.MULTILINE)
BASE_MODEL = re.compile(
    r"(\{\{ config\([^{}]*(\{[^{}]*\})?\) \}\}\s+)?\{\{ conform_to_contract\([^{}]*\) \}\}\s*"
)
DIALECT = re.compile(r"\btarget\.type\b|\badapter\.dispatch\b")
DISTINCT = re.compile(r"\bselect\s+distinct\b", re.IGNORECASE)
CLOCK = re.compile(
    r"\b(current_(date|time|timestamp)|localtimestamp|run_started_at|invocation_id)\b"
    r"|\b(now|today|utcnow|getdate|random|rand|uuid|gen_random_uuid)\s*\(",
    re.IGNORECASE,
)
# comments of Jinja, of SQL and of YAML
COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*|^ *#[^\n]*", re.DOTALL | re.MULTILINE)

Node = dict[str, Any]


class RulesError(Exception):
    """A project that cannot be checked; the text says why, and how to fix it."""


@dataclass(frozen=True)
class Offence:
    """A broken rule: the node or file, what is wrong with it, and how to fix it."""

    place: str
    wrong: str
    fix: str

    def __str__(self) -> str:
        """The sentence that is printed."""
        return f"{self.place} {self.wrong}; {self.fix}."


@dataclass(frozen=True)
class Project:
    """What the rules read: the project's folder, its manifest and the columns of a warehouse.

    built: the columns of each relation, by schema.name, all in lower case; None = no warehouse.
    """

    folder: Path
    manifest: dict[str, Any]
    built: dict[str, list[str]] | None = None

    @cached_property
    def by_id(self) -> dict[str, Node]:
        """All nodes and sources by their id, sorted by id."""
        return dict(sorted((self.manifest["nodes"] | self.manifest["sources"]).items()))

    def nodes(self, *kinds: str) -> list[Node]:
        """The nodes of the given resource types: model, seed, source, test."""
        return [node for node in self.by_id.values() if node["resource_type"] in kinds]

    @cached_property
    def marts(self) -> list[Node]:
        """The models of the layer marts."""
        return [model for model in self.nodes("model") if is_mart(model)]

    @cached_property
    def key_tested(self) -> set[str]:
        """Ids of the nodes that have a key test with severity error."""
        kinds: dict[tuple[str, str | None], set[str]] = {}
        for test in self.nodes("test"):
            # a singular test has no attached node
            if "attached_node" in test and test["config"]["severity"].lower() == "error":
                tested = test["attached_node"], test["column_name"]
                kinds.setdefault(tested, set()).add(test["test_metadata"]["name"])
        keys = ({"unique_combination"}, {"unique", "not_null"})
        return {node for (node, _), names in kinds.items() if any(key <= names for key in keys)}

    def texts(self, *folders: str, ending: str = "sql") -> Iterator[tuple[str, str]]:
        """Path and text of each file, without comments; line numbers stay as they are."""
        for folder in folders:
            for path in sorted((self.folder / folder).rglob(f"*.{ending}")):
                yield path.relative_to(self.folder).as_posix(), without_comments(read_text(path))

    def found(self, pattern: re.Pattern[str], *folders: str) -> Iterator[tuple[str, str]]:
        """Place (path:line) and text of each match in the SQL of the folders."""
        for path, text in self.texts(*folders):
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{path}:{line}", " ".join(match[0].split())

    @cached_property
    def project_text(self) -> str:
        """The text of dbt_project.yml."""
        return read_text(self.folder / "dbt_project.yml")

    @cached_property
    def config(self) -> dict[str, Any]:
        """The content of dbt_project.yml."""
        return yaml.safe_load(self.project_text)

    @cached_property
    def declared(self) -> dict[str, Any]:
        """The vars of dbt_project.yml and their values, with the registry of settings."""
        return self.config.get("vars") or {}

    @cached_property
    def settings(self) -> dict[str, dict[str, Any]]:
        """The registry: which values each setting may take, and whether states depend on it."""
        return self.declared.get(REGISTRY) or {}

    @cached_property
    def vars(self) -> list[str]:
        """The names of the vars of dbt_project.yml, without the registry."""
        return [name for name in self.declared if name != REGISTRY]

    @cached_property
    def vars_of_states(self) -> set[str]:
        """The vars read by state_builds, by the models above it and by the macros that they call.

        A model whose config has meta windows calls that macro, though dbt does not list it.
        """
        own = tuple(f"{kind}.{self.config['name']}." for kind in ("model", "macro"))
        found: set[str] = set()
        seen: set[str] = set()
        waiting = [f"{own[0]}{STATE_BUILDS}"]
        while waiting:
            key = waiting.pop()
            if key in seen or not key.startswith(own):
                continue
            seen.add(key)
            node = self.manifest["macros"].get(key) or self.by_id[key]
            text = node["macro_sql"] if "macro_sql" in node else node["raw_code"]
            found |= set(VAR_CALL.findall(without_comments(text)))
            for names in node["depends_on"].values():
                waiting += names
            if windows := node.get("config", {}).get("meta", {}).get("windows"):
                waiting.append(f"{own[1]}{windows}")
        return found

    @cached_property
    def var_uses(self) -> set[tuple[str, str]]:
        """The path and the name of each var('name') in the SQL and YAML files."""
        texts = [("dbt_project.yml", without_comments(self.project_text))]
        for ending in ("sql", "yml"):
            texts += self.texts("models", "macros", "seeds", "tests", ending=ending)
        return {(path, name) for path, text in texts for name in VAR_CALL.findall(text)}


Rule = Callable[[Project], Iterator[Offence]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Register a rule under its name; its docstring says what it asks."""
    RULES[function.__name__] = function
    return function


def check(project: Project) -> list[tuple[str, Offence]]:
    """All offences, each with the name of its rule."""
    return [(name, offence) for name, find in RULES.items() for offence in find(project)]


# ---- layers and keys ----------------------------------------------------------------------------


@rule
def layer_order(project: Project) -> Iterator[Offence]:
    """A model is in a layer of MAY_READ and reads only what that layer may read."""
    for model in project.nodes("model"):
        layer = layer_of(model)
        if not layer:
            yield Offence(model["name"], "is in no layer of MAY_READ", "move it into one")
            continue
        for parent in (project.by_id[key] for key in model["depends_on"]["nodes"]):
            read = layer_of(parent)
            if read == "sources" and is_base(model):
                continue
            is_read_elsewhere = is_base(parent) and layer != "staging"
            if is_read_elsewhere or not {read, f"{read}/{parent['name']}"} & MAY_READ[layer]:
                wrong = f"reads {parent['name']} of {read}, which {layer} may not read"
                fix = f"{layer} may read {', '.join(sorted(MAY_READ[layer]))}"
                yield Offence(model["name"], wrong, fix)


@rule
def key_tested(project: Project) -> Iterator[Offence]:
    """A model (or a view's reader) has a key test: unique_combination, or unique and not_null."""
    for model in project.nodes("model"):
        is_keyless = layer_of(model) == "staging" and grain_of(model) == KEYLESS_GRAIN
        if not is_keyless and not proves_key(project, model):
            yield Offence(model["name"], "has no key test", "add unique_combination for its key")


# ---- descriptions -------------------------------------------------------------------------------


@rule
def described(project: Project) -> Iterator[Offence]:
    """A table has a description; so has a column, where it is made and in every mart."""
    for node in project.nodes("model", "seed", "source"):
        texts = {node["name"]: node["description"]}
        if "source_name" in node:
            texts[node["source_name"]] = node["source_description"]
        above_it = passed_on(project, node)
        repeated = above_it & described_above(project, node, "model")
        for column in node["columns"].values():
            place = f"{node['name']}.{column['name']}"
            if column["name"].lower() not in above_it:
                texts[place] = column["description"]
            elif column["description"] and column["name"].lower() in repeated:
                wrong = "is already described in a model above"
                yield Offence(place, wrong, "remove the description here")
        for place in (place for place, text in texts.items() if not text.strip()):
            yield Offence(place, "has no description", "add one to its YAML file")


@rule
def grain_named(project: Project) -> Iterator[Offence]:
    """The description of a model or seed states its grain."""
    for node in project.nodes("model", "seed"):
        if not grain_of(node):
            yield Offence(node["name"], "states no grain", 'add "Grain: one row per ..."')


@rule
def columns_agree(project: Project) -> Iterator[Offence]:
    """The YAML has the columns of the warehouse (or a seed's header); those passed on may miss."""
    for node in project.nodes("model", "seed"):
        actual, listed = actual_columns(project, node), listed_columns(project, node)
        if actual is None and project.built is not None:
            yield Offence(node["name"], "is not in the warehouse", "build it")
        if actual is not None:
            for column in sorted(set(actual) - set(listed) - passed_on(project, node)):
                yield Offence(f"{node['name']}.{column}", "is not in the YAML", "describe it")
            for column in sorted(set(listed) - set(actual)):
                yield Offence(f"{node['name']}.{column}", "is only in the YAML", "remove it")


@rule
def mart_contracted(project: Project) -> Iterator[Offence]:
    """A mart has an enforced contract with data types that BI clients can read."""
    for mart in project.marts:
        if not mart["config"]["contract"]["enforced"]:
            yield Offence(
                mart["name"], "has no enforced contract", "remove its own contract config"
            )
        for column in mart["columns"].values():
            if not MART_TYPE.fullmatch(column["data_type"] or ""):
                wrong = f"has data type {column['data_type'] or 'none'}"
                yield Offence(f"{mart['name']}.{column['name']}", wrong, f"use {MART_TYPES}")


@rule
def label_in_both_languages(project: Project) -> Iterator[Offence]:
    """Each column of a mart or seed that ends in _en has a twin in _zh, and the reverse."""
    for node in [*project.marts, *project.nodes("seed")]:
        names = {*listed_columns(project, node), *(actual_columns(project, node) or ())}
        for name in sorted(name for name in names if name.endswith(("_en", "_zh"))):
            twin = name[:-2] + ("zh" if name.endswith("en") else "en")
            if twin not in names:
                yield Offence(f"{node['name']}.{name}", f"has no twin {twin}", "add it")


# ---- vars ---------------------------------------------------------------------------------------


@rule
def var_commented(project: Project) -> Iterator[Offence]:
    """A var of dbt_project.yml has a comment directly above it; a heading does not count."""
    section = project.project_text.partition("\nvars:")[2]
    # comments inside the registry describe its entries
    section = re.split(rf"\n +{REGISTRY}:", section)[0]
    for name in project.vars:
        if not re.search(rf"^ *# *(?!--)\S.*\n +{name}:", section, re.MULTILINE):
            yield Offence(f"var {name}", "has no comment above it", "say what it sets")


@rule
def var_used(project: Project) -> Iterator[Offence]:
    """A var is read by more than the checks of vars in macros/rules."""
    used = {name for path, name in project.var_uses if not path.startswith(GUARD_FOLDER)}
    for name in (name for name in project.vars if name not in used):
        yield Offence(f"var {name}", "is read nowhere", "remove it from dbt_project.yml")


@rule
def var_declared(project: Project) -> Iterator[Offence]:
    """A var that SQL or YAML reads is declared in dbt_project.yml."""
    for path, name in sorted(project.var_uses):
        if name not in project.declared:
            yield Offence(path, f"reads var {name}", "declare it in dbt_project.yml")


@rule
def setting_registered(project: Project) -> Iterator[Offence]:
    """The registry (var settings) lists every var of dbt_project.yml and nothing else."""
    for name in sorted(set(project.vars) - set(project.settings)):
        yield Offence(f"var {name}", f"is not in vars.{REGISTRY}", "add it with its values")
    for name in sorted(set(project.settings) - set(project.vars)):
        yield Offence(
            f"setting {name}", f"is only in vars.{REGISTRY}", "declare the var or remove it"
        )


@rule
def setting_of_states(project: Project) -> Iterator[Offence]:
    """A setting has states: true if a model up to state_builds reads it, save NOT_OF_STATES."""
    for name, allowed in project.settings.items():
        is_read = name in project.vars_of_states and name not in NOT_OF_STATES
        if is_read and not allowed.get("states"):
            yield Offence(f"setting {name}", "is read by models of states", "add states: true")
        if not is_read and allowed.get("states"):
            yield Offence(f"setting {name}", "changes no stored state", "remove states: true")


# ---- SQL ----------------------------------------------------------------------------------------


@rule
def model_short(project: Project) -> Iterator[Offence]:
    """A model has at most MOST_LINES lines."""
    for path, text in project.texts("models"):
        if (count := len(text.splitlines())) > MOST_LINES:
            yield Offence(path, f"has {count} lines, more than {MOST_LINES}", "split it")


@rule
def last_line_selects(project: Project) -> Iterator[Offence]:
    """A model ends in select * from a CTE (and stored_in_order); a base model is a single call."""
    for path, text in project.texts("models"):
        text = STORED_IN_ORDER.sub("", text)
        last = re.search(r"^select \* from (\w+)\s*\Z", text, re.MULTILINE)
        is_cte = last and re.search(rf"\b{last[1]} as [({{]", text)
        is_call = PurePosixPath(path).name.startswith(BASE) and BASE_MODEL.fullmatch(text.strip())
        if not is_cte and not is_call:
            yield Offence(path, "does not end in select * from a CTE", "make the last step a CTE")


@rule
def dialect_in_engines(project: Project) -> Iterator[Offence]:
    """Only macros in macros/engines and macros/storage depend on the engine."""
    for place, text in project.found(DIALECT, "models", "macros", "tests"):
        if not place.startswith(ENGINE_FOLDERS):
            yield Offence(place, f"uses {text}", f"move it to {ENGINE_FOLDERS[0]}")


@rule
def no_distinct(project: Project) -> Iterator[Offence]:
    """Models and macros have no select distinct: it hides a fan-out."""
    for place, text in project.found(DISTINCT, "models", "macros"):
        yield Offence(place, f"uses {text}", "group by the key")


@rule
def no_clock(project: Project) -> Iterator[Offence]:
    """Models and macros use no clock and no randomness: the same input gives the same rows."""
    for place, text in project.found(CLOCK, "models", "macros"):
        yield Offence(place, f"uses {text}", "read the as-of date, or hash a key")


# ---- facts about a node -------------------------------------------------------------------------


def layer_of(node: Node) -> str | None:
    """sources, seeds, or the deepest folder of MAY_READ that holds the model; None without one."""
    if node["resource_type"] != "model":
        return f"{node['resource_type']}s"
    folders = PurePosixPath(node["original_file_path"]).relative_to("models").parents
    return next((str(folder) for folder in folders if str(folder) in MAY_READ), None)


def proves_key(project: Project, model: Node) -> bool:
    """Whether a model has a key test, or is a view with a reader that proves its key."""
    if model["unique_id"] in project.key_tested:
        return True
    readers = [project.by_id.get(key) for key in project.manifest["child_map"][model["unique_id"]]]
    return model["config"]["materialized"] == "view" and any(
        proves_key(project, reader)
        for reader in readers
        if reader and reader["resource_type"] == "model"
    )


def is_base(node: Node) -> bool:
    """Whether a node is a base model, which passes a raw table through."""
    return layer_of(node) == "staging" and node["name"].startswith(BASE)


def grain_of(node: Node) -> str:
    """The text after "Grain:" in the description."""
    return " ".join(node["description"].partition("Grain:")[2].split())


def is_mart(node: Node) -> bool:
    """Whether a node is a mart; a mart describes all its columns."""
    return layer_of(node) == "marts"


def above(project: Project, node: Node) -> list[Node]:
    """All models, seeds and sources that a node reads, directly or through other models."""
    found = {node["unique_id"]: node}
    waiting = [node]
    while waiting:
        for key in waiting.pop().get("depends_on", {}).get("nodes", []):
            if key not in found:
                found[key] = project.by_id[key]
                waiting.append(found[key])
    return list(found.values())[1:]


def described_above(project: Project, node: Node, *kinds: str) -> set[str]:
    """The columns, in lower case, that nodes of some resource types above a node describe."""
    return {
        column["name"].lower()
        for parent in above(project, node)
        if parent["resource_type"] in kinds
        for column in parent["columns"].values()
        if column["description"]
    }


def passed_on(project: Project, node: Node) -> set[str]:
    """The columns that need no description here, as one above has it; none for a mart."""
    return set() if is_mart(node) else described_above(project, node, "model", "seed")


def listed_columns(project: Project, node: Node) -> list[str]:
    """The columns of the YAML in lower case; for a base model, those of its source."""
    parents = [project.by_id[key] for key in node["depends_on"]["nodes"]] if is_base(node) else []
    return [column.lower() for listed in parents or [node] for column in listed["columns"]]


def actual_columns(project: Project, node: Node) -> list[str] | None:
    """The columns of the warehouse, else of a seed's header, in lower case; None = unknown."""
    if project.built is not None:
        return project.built.get(f"{node['schema']}.{node['alias']}".lower())
    if node["resource_type"] != "seed":
        return None
    with (project.folder / node["original_file_path"]).open(encoding="utf-8-sig") as stream:
        return [column.lower() for column in next(csv.reader(stream), [])]


def without_comments(text: str) -> str:
    """The text without its comments; every line keeps its number."""
    return COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)


def read_text(path: Path) -> str:
    """The text of a file."""
    return path.read_text(encoding="utf-8-sig")


# ---- reading ------------------------------------------------------------------------------------


def parse(folder: Path) -> dict[str, Any]:
    """Run dbt parse in a scratch folder and return the manifest. Raises RulesError."""
    from dbt.cli.main import dbtRunner  # the import takes 2 s, so it waits until here

    with TemporaryDirectory() as scratch:
        places = {"project-dir": folder, "profiles-dir": folder}
        places |= {"target-path": scratch, "log-path": scratch}
        options = [f"--{option}={place}" for option, place in places.items()]
        result = dbtRunner().invoke(["--log-level=none", "parse", *options])
        if not result.success:
            reason = " ".join(str(result.exception).split())
            raise RulesError(f"dbt cannot parse the project: {reason}")
        return read_manifest(Path(scratch) / "manifest.json")


def read_manifest(path: Path) -> dict[str, Any]:
    """The parts of a manifest that the rules read. Raises RulesError for any other file."""
    try:
        manifest = json.loads(read_text(path))
        return {part: manifest[part] for part in ("nodes", "sources", "child_map", "macros")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RulesError(f"{path} is not a dbt manifest; make one with dbt parse.") from error


def read_warehouse(path: Path) -> dict[str, list[str]]:
    """The columns of each relation of a DuckDB file, by schema.name. Raises RulesError."""
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            rows = connection.execute(
                "select lower(concat(schema_name, '.', table_name)), list(lower(column_name)) "
                "from duckdb_columns() where database_name = current_database() group by all"
            ).fetchall()
    except duckdb.Error as error:
        raise RulesError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    return dict(rows)


@click.command()
@click.option("--manifest", type=click.Path(path_type=Path), help="Read it; do not run dbt parse.")
@click.option(
    "--warehouse", type=click.Path(path_type=Path), help="DuckDB file to compare columns."
)
@click.option("--list", "is_list", is_flag=True, help="Print what each rule asks.")
def main(manifest: Path | None, warehouse: Path | None, is_list: bool) -> None:
    """Check the project's rules; print a line for each offence and exit with 1 if there is one."""
    if is_list:
        for name, find in RULES.items():
            click.echo(f"{name}: {find.__doc__}")
        return
    try:
        nodes = read_manifest(manifest) if manifest else parse(PROJECT_FOLDER)
        built = read_warehouse(warehouse) if warehouse else None
    except RulesError as error:
        raise click.ClickException(str(error)) from error
    offences = check(Project(PROJECT_FOLDER, nodes, built))
    for name, offence in offences:
        click.echo(f"{name}: {offence}")
    if offences:
        raise click.ClickException(f"{len(offences)} offences.")
    click.echo(f"All {len(RULES)} rules are kept.", err=True)


if __name__ == "__main__":
    main()
