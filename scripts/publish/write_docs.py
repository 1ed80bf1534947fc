"""Write the generated pages of docs/: rules.md, settings.md and input_contract.md.

Each page has a template in scripts/publish/templates. Its facts come from the seeds, the YAML files
of the models, the input contract (models/staging/_raw__sources.yml) and dbt_project.yml, so that a
rule, a setting or a raw column is written down once.

  python scripts/publish/write_docs.py            write the pages
  python scripts/publish/write_docs.py --check    exit with 1 if a page is out of date
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import jinja2
import yaml

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
TEMPLATE_FOLDER = Path(__file__).resolve().parent / "templates"
PAGES = ("rules.md", "settings.md", "input_contract.md")
# the entry of vars that says what each of the others may be
REGISTRY = "settings"

# what the kinds of the registry without bounds mean
KINDS = {
    "day": "a day, YYYY-MM-DD",
    "time_zone": "an IANA time zone",
    "currency": "an ISO 4217 code",
}

HEADING = re.compile(r"# -- (.+?) -+\s*$")
GRAIN = re.compile(r"\s*Grain: [^.]*\.")
SETTING_READ = re.compile(r"\bvar\(\s*['\"](\w+)['\"]")
STRENGTH_FORM = re.compile(r"\blies='(\w+)'")

Row = dict[str, str]


class DocsError(Exception):
    """A page that cannot be written; the text says what is missing, where, and the fix."""


@dataclass(frozen=True)
class Setting:
    """A var of dbt_project.yml; allowed and states are None where the registry lacks it."""

    name: str
    default: str
    comment: str
    section: str
    allowed: str | None
    states: bool | None


@dataclass(frozen=True)
class TurningPointType:
    """A row of the seed turning_point_types with what its model adds.

    further_settings are those that its SQL reads and its description does not name; strength_form
    is how strength is computed (above, below, towards), None where the SQL does not say.
    """

    row: Row
    description: str
    further_settings: tuple[str, ...]
    strength_form: str | None


# ---- what the pages are made from ---------------------------------------------------------------


def read_seed(project: Path, name: str) -> list[Row]:
    """The rows of a seed. Raises DocsError where there is none of that name."""
    paths = list((project / "seeds").rglob(f"{name}.csv"))
    if len(paths) != 1:
        raise DocsError(f"seeds/ has {len(paths)} files {name}.csv; there must be one.")
    with paths[0].open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_settings(project: Path) -> list[Setting]:
    """The settings of dbt_project.yml in their order, each with the comment above it."""
    text = (project / "dbt_project.yml").read_text(encoding="utf-8")
    lines = text.splitlines()
    registry = yaml.safe_load(text)["vars"].get(REGISTRY, {})
    top = {key.value: value for key, value in yaml.compose(text).value}
    settings, section, next_line = [], "", 0
    for key, value in top["vars"].value:
        for line in lines[next_line : key.start_mark.line]:
            if heading := HEADING.search(line):
                section = heading[1]
        next_line = key.start_mark.line
        if key.value == REGISTRY:
            continue
        rule = registry.get(key.value)
        settings.append(
            Setting(
                name=key.value,
                default=value.value,
                comment=comment_above(lines, key.start_mark.line),
                section=section,
                allowed=None if rule is None else describe_range(rule),
                states=None if rule is None else bool(rule.get("states")),
            )
        )
    return settings


def comment_above(lines: list[str], number: int) -> str:
    """The comment that ends directly above a line (numbered from 0), without its headings."""
    comment: list[str] = []
    for line in reversed(lines[:number]):
        if not line.lstrip().startswith("#") or HEADING.search(line):
            break
        comment.insert(0, line.strip().lstrip("#").strip())
    return " ".join(comment)


def describe_range(rule: dict[str, Any]) -> str:
    """What a setting may be, in words, from its entry in the registry."""
    texts = []
    for kind, value in rule.items():
        match kind, value:
            case (("states" | "or_null"), _):
                continue
            case "whole", [smallest, largest]:
                texts.append(f"a whole number from {smallest:,} to {largest:,}")
            case "number", [smallest, largest]:
                texts.append(f"a number from {smallest:,} to {largest:,}")
            case "one_of", choices:
                *others, last = [f"`{yaml_text(choice)}`" for choice in choices]
                texts.append(f"{', '.join(others)} or {last}")
            case _, True:
                texts.append(KINDS.get(kind, kind.replace("_", " ")))
            # such as below: another_setting
            case _:
                texts.append(f"{kind.replace('_', ' ')} `{yaml_text(value)}`")
    return ", ".join(texts) + (" or `null`" if rule.get("or_null") else "")


def yaml_text(value: Any) -> str:
    """A scalar as one writes it in YAML: true and null, not True and None."""
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def read_types(project: Path, settings: list[Setting]) -> list[TurningPointType]:
    """The turning-point types by sort order. Raises DocsError where a model lacks its text."""
    names = [setting.name for setting in settings]
    descriptions: dict[str, str] = {}
    types = []
    for row in read_seed(project, "turning_point_types"):
        name = row["turning_point_type"]
        paths = list((project / "models").rglob(f"{name}.sql"))
        if paths and name not in descriptions:
            descriptions |= dict(model_descriptions(paths[0].parent))
        if len(paths) != 1 or name not in descriptions:
            raise DocsError(
                f"The turning-point type {name} needs one model {name}.sql below models/, with a "
                "description in a YAML file beside it."
            )
        sql = paths[0].read_text(encoding="utf-8")
        further = {*SETTING_READ.findall(sql)} - {*re.findall(r"\w+", descriptions[name])}
        form = STRENGTH_FORM.search(sql)
        types.append(
            TurningPointType(
                row=row,
                description=descriptions[name],
                further_settings=tuple(setting for setting in names if setting in further),
                strength_form=form and form[1],
            )
        )
    return sorted(types, key=lambda one: int(one.row["sort_order"]))


def model_descriptions(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and description, without its grain, of each model in the YAML files of a folder."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted(folder.glob("*.yml")):
        content = yaml.load(path.read_text(encoding="utf-8"), loader)
        for model in content.get("models") or []:
            if text := model.get("description"):
                yield model["name"], GRAIN.sub("", text).strip()


def read_raw_tables(project: Path) -> list[dict[str, Any]]:
    """The raw tables of the input contract, as its YAML file declares them."""
    path = project / "models" / "staging" / "_raw__sources.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))["sources"][0]["tables"]


def labels_in_order(project: Path, column: str, texts: dict[str, str]) -> list[tuple[Row, str]]:
    """The labels of a column's codes in the order of texts (by code), each with its text.

    Raises DocsError where the seed labels and the texts do not have the same codes.
    """
    labels = {
        row["code"]: row for row in read_seed(project, "labels") if row["column_name"] == column
    }
    if labels.keys() != texts.keys():
        codes = ", ".join(sorted(labels.keys() ^ texts.keys()))
        raise DocsError(
            f"The codes of {column} in the seed labels and in rules.md.j2 differ ({codes}); say in "
            "the template when each of them holds."
        )
    return [(labels[code], text) for code, text in texts.items()]


# ---- the pages ----------------------------------------------------------------------------------


def render_pages(project: Path) -> dict[str, str]:
    """The text of each generated page by its name. Raises DocsError."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE_FOLDER),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    settings = read_settings(project)
    defaults = {setting.name: setting.default for setting in settings}

    def link_settings(text: str) -> str:
        """The text with each setting that it mentions as a link, and its default."""
        return re.sub(
            r"\w+",
            lambda word: (
                f"[{word[0]}](settings.md#{word[0]}) ({defaults[word[0]]})"
                if word[0] in defaults
                else word[0]
            ),
            text,
        )

    environment.filters |= {
        "cell": lambda text: str(text).replace("|", "\\|").replace("\n", " "),
        "link_settings": link_settings,
    }
    environment.globals |= {
        "seed": lambda name: read_seed(project, name),
        "seed_by": lambda name, key: {row[key]: row for row in read_seed(project, name)},
        "example": example_sentence,
        "labels_in_order": partial(labels_in_order, project),
        "is_true": lambda value: value.lower() == "true",
    }
    facts = {
        "settings": settings,
        "sections": [
            (section, list(group)) for section, group in groupby(settings, lambda one: one.section)
        ],
        "types": read_types(project, settings),
        "raw_tables": read_raw_tables(project),
        "defaults": defaults,
    }
    try:
        return {name: environment.get_template(f"{name}.j2").render(facts) for name in PAGES}
    except jinja2.UndefinedError as error:
        raise DocsError(
            f"A template in scripts/publish/templates names what is not there: {error}."
        ) from error


def example_sentence(row: Row, language: str, units: dict[str, Row], currency: str = "CNY") -> str:
    """The sentence of a turning-point type with letters for its numbers: n observed, m usual.

    language: en or zh; units: the seed units by unit.
    """

    def quantity(unit: Row, letter: str) -> str:
        if unit["is_value_class"] == "true":
            return {"en": f"class {letter}", "zh": {"m": "甲类", "n": "乙类"}[letter]}[language]
        text = unit[f"many_{language}"]
        return text.replace("{n}", letter).replace("{currency}", currency)

    return (
        row[f"sentence_{language}"]
        .replace("{observed}", quantity(units[row["observed_unit"]], "n"))
        .replace("{reference}", quantity(units[row["reference_unit"]], "m"))
        .replace("{since}", {"en": "a date", "zh": "某日"}[language])
    )


def outdated_pages(project: Path) -> list[Path]:
    """The generated pages that are missing or differ from what would be written now."""
    return [
        path
        for name, text in render_pages(project).items()
        if not (path := project / "docs" / name).exists() or path.read_text("utf-8") != text
    ]


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a page is out of date.")
def main(check: bool) -> None:
    """Write docs/rules.md, docs/settings.md and docs/input_contract.md."""
    try:
        pages = outdated_pages(PROJECT_FOLDER)
        if check and pages:
            names = ", ".join(path.relative_to(PROJECT_FOLDER).as_posix() for path in pages)
            raise DocsError(
                f"Out of date: {names}; run python scripts/publish/write_docs.py and commit."
            )
        for path in pages:
            path.write_text(render_pages(PROJECT_FOLDER)[path.name], encoding="utf-8")
            click.echo(f"{path.relative_to(PROJECT_FOLDER).as_posix()} is written.")
    except DocsError as error:
        raise click.ClickException(str(error)) from error
    if not pages:
        click.echo("The generated pages are up to date.")


if __name__ == "__main__":
    main()
