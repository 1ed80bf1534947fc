"""Check the rules that dbt leaves to people: layers, keys, descriptions, marts, vars, SQL.

Looks at dbt's manifest, at the text of dbt_project.yml and of the SQL files and, with --warehouse,
at the columns of what was built. Each offence is a line: the rule, the place, what is wrong, the
mend. --list says what each rule asks; exceptions from a rule are constants with their reason.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

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

# Which layer reads which. A layer is a folder of models, with the subfolders that have no line of
# their own; "activity/daily_purchases" is that one model of a layer. Only base models read raw.
MAY_READ = {
    "staging": {"staging", "seeds"},
    "identity": {"staging"},
    "activity": {"staging", "identity", "activity"},
    # state_builds is written after the tables of states that it speaks of
    "history": {
        *("staging/int_records_unioned", "history"),
        *("states/int_segment_counts", "critical/int_turning_points_unioned"),
    },
    "states": {"activity", "history", "states", "seeds"},
    # one view per turning-point type: they do not read each other
    "critical/turning_points": {"states/int_customer_states", "seeds"},
    # the best year of the few who are dormant is no part of everyone's state
    "critical": {
        *("critical/turning_points", "critical", "history", "states", "seeds"),
        "activity/daily_purchases",
    },
    # no mart reads a mart; those on quality read rejected rows where they end, in staging
    "marts": {
        *("critical", "states", "history", "seeds"),
        *("activity/known_customers", "staging/int_records_unioned"),
    },
}
# a base model passes its raw table through: its columns are the input contract's
BASE = "base_"
# raw rows may repeat, key and all, so what holds every one of them has no key; in staging alone
KEYLESS_GRAIN = "one row per raw row."
# what BI clients read, in DuckDB's names
MART_TYPES = "VARCHAR BOOLEAN INTEGER BIGINT DECIMAL(p,s) DOUBLE DATE TIMESTAMP"
MART_TYPE = re.compile(
    r"VARCHAR|BOOLEAN|INTEGER|BIGINT|DECIMAL\(\d+, ?\d+\)|DOUBLE|DATE|TIMESTAMP", re.IGNORECASE
)
# beyond this a model is missing
MOST_LINES = 110
# the var that says what every other var may be
REGISTRY = "settings"
PROJECT_NAME = "critical_customers"
STATE_BUILDS = "state_builds"
# they decide which as-of dates there are and which are open, not what a state says
NOT_OF_STATES = {"as_of_date", "history_lag_months"}
# the only place for dialects
ENGINE_FOLDERS = ("macros/engines/", "macros/storage/")
# guards of the vars: to be checked is not to be used
GUARD_FOLDER = "macros/rules/"

VAR_CALL = re.compile(r"\bvar\(\s*['\"](\w+)['\"]")
STORED_IN_ORDER = re.compile(r"^\{\{ stored_in_order\('[\w, ]+'\) \}\}\s*\Z", re.MULTILINE)
BASE_MODEL = re.compile(r"(\s*\{\{ (config|conform_to_contract)\([^{}]*(\{[^{}]*\})?\) \}\})+\s*")
DIALECT = re.compile(r"\btarget\.type\b|\badapter\.dispatch\b")
DISTINCT = re.compile(r"\bselect\s+distinct\b", re.IGNORECASE)
CLOCK = re.compile(
    r"\b(current_(date|time|timestamp)|localtimestamp|run_started_at|invocation_id)\b"
    r"|\b(now|today|utcnow|getdate|random|rand|uuid|gen_random_uuid)\s*\(",
    re.IGNORECASE,
)
# of a Jinja block, of a line of SQL, of a line of YAML
COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*|^ *#[^\n]*", re.DOTALL | re.MULTILINE)

Node = dict[str, Any]


class RulesError(Exception):
    """A project that cannot be checked; the text says why, and the mend."""


@dataclass(frozen=True)
class Offence:
    """Something against a rule: a node or file, what is wrong with it, and the mend."""

    place: str
    wrong: str
    mend: str

    def __str__(self) -> str:
        """The sentence that is printed."""
        return f"{self.place} {self.wrong}; {self.mend}."


@dataclass(frozen=True)
class Project:
    """What the rules look at: a folder, dbt's manifest of it, and the columns of a warehouse.

    built: columns in lower case by schema.name in lower case; None = no warehouse is looked at.
    """

    folder: Path
    manifest: dict[str, Any]
    built: dict[str, list[str]] | None = None

    @cached_property
    def by_id(self) -> dict[str, Node]:
        """All nodes by their id, in its order."""
        return dict(sorted((self.manifest["nodes"] | self.manifest["sources"]).items()))

    def nodes(self, *kinds: str) -> list[Node]:
        """The nodes of some resource types: model, seed, source, test."""
        return [node for node in self.by_id.values() if node["resource_type"] in kinds]

    @cached_property
    def marts(self) -> list[Node]:
        """The models of layer marts."""
        return [model for model in self.nodes("model") if layer_of(model) == "marts"]

    @cached_property
    def key_tested(self) -> set[str]:
        """Ids of the nodes of which a test that stops the build proves a key."""
        names: dict[tuple[str, str | None], set[str]] = {}
        for test in self.nodes("test"):
            # a singular test is attached to no node
            if "attached_node" in test and test["config"]["severity"].lower() == "error":
                tested = test["attached_node"], test["column_name"]
                names.setdefault(tested, set()).add(test["test_metadata"]["name"])
        keys = ({"unique_combination"}, {"unique", "not_null"})
        return {node for (node, _), given in names.items() if any(key <= given for key in keys)}

    def texts(self, *folders: str, ending: str = "sql") -> Iterator[tuple[str, str]]:
        """Path in the project and text of each file; comments are blank, lines keep their place."""
        for folder in folders:
            for path in sorted((self.folder / folder).rglob(f"*.{ending}")):
                yield path.relative_to(self.folder).as_posix(), without_comments(read_text(path))

    def found(self, pattern: re.Pattern[str], *folders: str) -> Iterator[tuple[str, str]]:
        """Place (path:line) and text of each match in the SQL of these folders."""
        for path, text in self.texts(*folders):
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{path}:{line}", " ".join(match[0].split())

    @cached_property
    def project_text(self) -> str:
        """The text of dbt_project.yml."""
        return read_text(self.folder / "dbt_project.yml")

    @cached_property
    def declared(self) -> dict[str, Any]:
        """The vars section of dbt_project.yml, with the registry of settings."""
        return yaml.safe_load(self.project_text).get("vars") or {}

    @cached_property
    def settings(self) -> dict[str, dict[str, Any]]:
        """The registry of settings: what each may be, and whether states depend on it."""
        return self.declared.get(REGISTRY) or {}

    @cached_property
    def vars(self) -> list[str]:
        """The vars that dbt_project.yml declares, without the registry."""
        return [name for name in self.declared if name != REGISTRY]

    @cached_property
    def vars_of_states(self) -> set[str]:
        """The vars that the models above state_builds read, themselves or in a macro."""
        macros, found = self.manifest["macros"], set()
        waiting = [key for key, node in self.by_id.items() if node["name"] == STATE_BUILDS]
        seen = set(waiting)
        while waiting:
            key = waiting.pop()
            node = macros.get(key) or self.by_id[key]
            found |= set(VAR_CALL.findall(node.get("raw_code") or node.get("macro_sql") or ""))
            above = node["depends_on"].get("macros", []) + node["depends_on"].get("nodes", [])
            # a model names the macro of its windows
            if windows := node.get("config", {}).get("meta", {}).get("windows"):
                above = [*above, f"macro.{PROJECT_NAME}.{windows}"]
            for one in set(above) - seen:
                is_ours = one.split(".")[1] == PROJECT_NAME and one.split(".")[0] in (
                    "model",
                    "macro",
                )
                if is_ours:
                    seen.add(one)
                    waiting.append(one)
        return found

    @cached_property
    def var_uses(self) -> set[tuple[str, str]]:
        """Each var('name') of an SQL or YAML file: the path and the name."""
        texts = [("dbt_project.yml", without_comments(self.project_text))]
        for ending in ("sql", "yml"):
            texts += self.texts("models", "macros", "seeds", "tests", ending=ending)
        return {(path, name) for path, text in texts for name in VAR_CALL.findall(text)}


Rule = Callable[[Project], Iterator[Offence]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Register a rule under its name; its docstring is what it asks."""
    RULES[function.__name__] = function
    return function


def check(project: Project) -> list[tuple[str, Offence]]:
    """Every offence with the name of its rule."""
    return [(name, offence) for name, judge in RULES.items() for offence in judge(project)]


# ---- layers and keys ----------------------------------------------------------------------------


@rule
def layer_order(project: Project) -> Iterator[Offence]:
    """A model stands in a layer of MAY_READ and reads what that may; base is read in staging."""
    for model in project.nodes("model"):
        layer = layer_of(model)
        if not layer:
            yield Offence(model["name"], "stands in no layer of MAY_READ", "move it into one")
            continue
        for parent in (project.by_id[key] for key in model["depends_on"]["nodes"]):
            read = layer_of(parent)
            if read == "sources" and is_base(model):
                continue
            is_read_elsewhere = is_base(parent) and layer != "staging"
            if is_read_elsewhere or not {read, f"{read}/{parent['name']}"} & MAY_READ[layer]:
                wrong = f"reads {parent['name']} of {read}, which {layer} may not"
                yield Offence(model["name"], wrong, f"read {', '.join(sorted(MAY_READ[layer]))}")


@rule
def key_tested(project: Project) -> Iterator[Offence]:
    """A model has a key test (unique_combination, or unique and not_null), a view its reader's."""
    for model in project.nodes("model"):
        layer = layer_of(model) or ""
        is_keyless = layer.startswith("staging") and grain_of(model) == KEYLESS_GRAIN
        if not is_keyless and not proves_key(project, model):
            yield Offence(model["name"], "has no key test", "add unique_combination of its key")


# ---- descriptions -------------------------------------------------------------------------------


@rule
def described(project: Project) -> Iterator[Offence]:
    """A model, a seed, a source and each column where it is made has a description."""
    for node in project.nodes("model", "seed", "source"):
        texts = {node["name"]: node["description"]}
        if "source_name" in node:
            texts[node["source_name"]] = node["source_description"]
        passed_on = set() if is_mart(node) else described_above(project, node)
        for column in node["columns"].values():
            if column["name"].lower() not in passed_on:
                texts[f"{node['name']}.{column['name']}"] = column["description"]
            elif column["description"]:
                place = f"{node['name']}.{column['name']}"
                yield Offence(place, "is described above already", "remove the description")
        for place in (place for place, text in texts.items() if not text.strip()):
            yield Offence(place, "has no description", "add one to its YAML file")


@rule
def grain_named(project: Project) -> Iterator[Offence]:
    """The description of a model or seed names its grain."""
    for node in project.nodes("model", "seed"):
        if not grain_of(node):
            yield Offence(node["name"], "names no grain", 'add "Grain: one row per ..."')


@rule
def columns_agree(project: Project) -> Iterator[Offence]:
    """The YAML has the columns that there are: in the warehouse, else in the header of a seed."""
    for node in project.nodes("model", "seed"):
        given, told = given_columns(project, node), described_columns(project, node)
        passed_on = set() if is_mart(node) else described_above(project, node)
        if given is None and project.built is not None:
            yield Offence(node["name"], "is not in the warehouse", "build it")
        if given is not None:
            for column in sorted(set(given) - set(told) - passed_on):
                yield Offence(f"{node['name']}.{column}", "is not in the YAML", "describe it")
            for column in sorted(set(told) - set(given)):
                yield Offence(f"{node['name']}.{column}", "is in the YAML alone", "remove it")


@rule
def mart_contracted(project: Project) -> Iterator[Offence]:
    """A mart has an enforced contract, with data types that BI clients read."""
    for mart in project.marts:
        if not mart["config"]["contract"]["enforced"]:
            yield Offence(mart["name"], "has no enforced contract", "do as the folder does")
        for column in mart["columns"].values():
            if not MART_TYPE.fullmatch(column["data_type"] or ""):
                wrong = f"has data type {column['data_type'] or 'none'}"
                yield Offence(f"{mart['name']}.{column['name']}", wrong, f"use {MART_TYPES}")


@rule
def label_in_both_languages(project: Project) -> Iterator[Offence]:
    """A column of a mart or seed that ends in _en has a twin in _zh, and the other way round."""
    for node in [*project.marts, *project.nodes("seed")]:
        names = {*described_columns(project, node), *(given_columns(project, node) or ())}
        for name in sorted(name for name in names if name.endswith(("_en", "_zh"))):
            twin = name[:-2] + ("zh" if name.endswith("en") else "en")
            if twin not in names:
                yield Offence(f"{node['name']}.{name}", f"stands without {twin}", "add it")


# ---- vars ---------------------------------------------------------------------------------------


@rule
def var_commented(project: Project) -> Iterator[Offence]:
    """A var of dbt_project.yml has a comment directly above it; a heading is none."""
    section = project.project_text.partition("\nvars:")[2]
    for name in project.vars:
        if not re.search(rf"^ *# *(?!--)\S.*\n +{name}:", section, re.MULTILINE):
            yield Offence(f"var {name}", "has no comment above it", "say what it sets")


@rule
def var_used(project: Project) -> Iterator[Offence]:
    """A var is read, and not only by the checks of the vars."""
    used = {name for path, name in project.var_uses if not path.startswith(GUARD_FOLDER)}
    for name in (name for name in project.vars if name not in used):
        yield Offence(f"var {name}", "is read nowhere", "remove it from dbt_project.yml")


@rule
def var_declared(project: Project) -> Iterator[Offence]:
    """A var that is read is declared in dbt_project.yml."""
    for path, name in sorted(project.var_uses):
        if name not in project.declared:
            yield Offence(path, f"reads var {name}", "declare it in dbt_project.yml")


@rule
def setting_registered(project: Project) -> Iterator[Offence]:
    """The registry (var settings) has exactly the vars that there are."""
    for name in sorted(set(project.vars) ^ set(project.settings)):
        mend = "add it" if name in project.vars else "remove it"
        wrong = "is not among" if name in project.vars else "is only among"
        yield Offence(f"var {name}", f"{wrong} the vars.settings of dbt_project.yml", mend)


@rule
def setting_of_states(project: Project) -> Iterator[Offence]:
    """A setting is marked states exactly if a model that states are built from reads it."""
    for name, allowed in project.settings.items():
        is_read = name in project.vars_of_states and name not in NOT_OF_STATES
        if is_read != bool(allowed.get("states")):
            wrong = "is read by" if is_read else "is read by no"
            mend = "mark it" if is_read else "take the mark away"
            yield Offence(f"setting {name}", f"{wrong} model of states", f"{mend} (states: true)")


# ---- SQL ----------------------------------------------------------------------------------------


@rule
def model_short(project: Project) -> Iterator[Offence]:
    """A model has at most MOST_LINES lines."""
    for path, text in project.texts("models"):
        if (count := len(text.splitlines())) > MOST_LINES:
            yield Offence(path, f"has {count} lines, more than {MOST_LINES}", "split it")


@rule
def last_line_selects(project: Project) -> Iterator[Offence]:
    """A model ends in select * from one of its CTEs, or its order; a base model is one call."""
    for path, text in project.texts("models"):
        text = STORED_IN_ORDER.sub("", text)
        last = re.search(r"^select \* from (\w+)\s*\Z", text, re.MULTILINE)
        is_cte = last and re.search(rf"\b{last[1]} as [({{]", text)
        if not is_cte and not BASE_MODEL.fullmatch(text):
            yield Offence(path, "does not end in select * from a CTE", "make the last step a CTE")


@rule
def dialect_in_engines(project: Project) -> Iterator[Offence]:
    """Only macros/engines and macros/storage ask which engine they run on."""
    for place, text in project.found(DIALECT, "models", "macros", "tests"):
        if not place.startswith(ENGINE_FOLDERS):
            yield Offence(place, f"uses {text}", f"move it to {ENGINE_FOLDERS[0]}")


@rule
def no_distinct(project: Project) -> Iterator[Offence]:
    """No select distinct in models and macros: it hides a fan-out."""
    for place, text in project.found(DISTINCT, "models", "macros"):
        yield Offence(place, f"uses {text}", "group by the key")


@rule
def no_clock(project: Project) -> Iterator[Offence]:
    """No clock and no randomness in models and macros: the same input gives the same bytes."""
    for place, text in project.found(CLOCK, "models", "macros"):
        yield Offence(place, f"uses {text}", "read the as-of date, or hash a key")


# ---- what the rules ask of a node ---------------------------------------------------------------


def layer_of(node: Node) -> str | None:
    """Sources, seeds, or the deepest folder of MAY_READ that holds the model; None outside all."""
    if node["resource_type"] != "model":
        return f"{node['resource_type']}s"
    folders = PurePosixPath(node["original_file_path"]).relative_to("models").parents
    return next((str(folder) for folder in folders if str(folder) in MAY_READ), None)


def proves_key(project: Project, model: Node) -> bool:
    """Whether a key test looks at a model, or at one that reads it if it is a view."""
    if model["unique_id"] in project.key_tested:
        return True
    readers = [project.by_id.get(key) for key in project.manifest["child_map"][model["unique_id"]]]
    return model["config"]["materialized"] == "view" and any(
        proves_key(project, reader)
        for reader in readers
        if reader and reader["resource_type"] == "model"
    )


def is_base(node: Node) -> bool:
    """Whether a model passes a raw table through."""
    return node["resource_type"] == "model" and node["name"].startswith(BASE)


def grain_of(node: Node) -> str:
    """What the description says after "Grain:"."""
    return " ".join(node["description"].partition("Grain:")[2].split())


def is_mart(node: Node) -> bool:
    """Whether a node is a mart, which describes all its columns for its readers."""
    return layer_of(node) == "marts"


def described_above(project: Project, node: Node) -> set[str]:
    """The columns that the nodes above a model describe, which it passes on without a word."""
    above: set[str] = set()
    for parent in (project.by_id[key] for key in node.get("depends_on", {}).get("nodes", [])):
        if parent["resource_type"] != "source":
            described = {
                name.lower() for name, column in parent["columns"].items() if column["description"]
            }
            above |= described | described_above(project, parent)
    return above


def described_columns(project: Project, node: Node) -> list[str]:
    """The columns of the YAML in lower case; those of its source for a base model."""
    described = [node]
    if is_base(node):
        described = [project.by_id[key] for key in node["depends_on"]["nodes"]]
    return [column.lower() for node in described for column in node["columns"]]


def given_columns(project: Project, node: Node) -> list[str] | None:
    """The columns in the warehouse, else in the header of a seed, in lower case; None = unknown."""
    if project.built is not None:
        return project.built.get(f"{node['schema']}.{node['alias']}".lower())
    if node["resource_type"] != "seed":
        return None
    with (project.folder / node["original_file_path"]).open(encoding="utf-8-sig") as stream:
        return [column.lower() for column in next(csv.reader(stream), [])]


def without_comments(text: str) -> str:
    """A text with its comments cut out and every line where it was."""
    return COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)


def read_text(path: Path) -> str:
    """The text of a file."""
    return path.read_text(encoding="utf-8-sig")


# ---- reading ------------------------------------------------------------------------------------


def parse(folder: Path) -> dict[str, Any]:
    """The manifest of a project, by dbt parse; nothing is left behind. Raises RulesError."""
    from dbt.cli.main import dbtRunner  # takes 2 s, so only where it is needed

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
    """A manifest that dbt wrote. Raises RulesError where the file is none."""
    try:
        manifest = json.loads(read_text(path))
        return {part: manifest[part] for part in ("nodes", "sources", "child_map", "macros")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RulesError(f"{path} is no manifest of dbt; make one with dbt parse.") from error


def read_warehouse(path: Path) -> dict[str, list[str]]:
    """The columns of each relation of a DuckDB file by schema.name. Raises RulesError."""
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
@click.option("--manifest", type=click.Path(path_type=Path), help="Instead of running dbt parse.")
@click.option("--warehouse", type=click.Path(path_type=Path), help="DuckDB file: compare columns.")
@click.option("--list", "is_list", is_flag=True, help="Say what each rule asks, and end.")
def main(manifest: Path | None, warehouse: Path | None, is_list: bool) -> None:
    """Check the rules of the project; ends with 1 and a line per offence where one is broken."""
    if is_list:
        for name, judge in RULES.items():
            click.echo(f"{name}: {judge.__doc__}")
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
