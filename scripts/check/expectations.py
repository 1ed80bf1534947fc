"""The expectation files: their format, and how they are read.

The expectations of a mart are in models/marts/<folder>/<mart>.expectations.yml, beside its model
(.dbtignore keeps dbt from reading them):

  mart: customers                              the same as in the file's name
  key: [customer_id]                           the columns that identify a failing row
  expectations:
    - name: criticality_in_range               unique within the mart
      because: Criticality is a mark from 0 to 100.    one sentence for every reader
      severity: critical                       critical or warning
      type: expect_column_values_to_be_between a type of Great Expectations, in snake_case
      arguments: {column: criticality, min_value: 0, max_value: 100}

An expectation that needs SQL has the type unexpected_rows_expectation. Its argument
unexpected_rows_query selects the rows that must not exist, key columns first. {batch} stands for
the mart. Every other argument, such as days: 7, is filled in as {days}. Any other brace is doubled.
The results show the selected columns to every reader, so never select personal data.
"""

from __future__ import annotations

import difflib
import string
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

SUFFIX = ".expectations.yml"
SCHEMA = "marts"
Severity = Literal["critical", "warning"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

SQL_TYPE = "unexpected_rows_expectation"
SQL_ARGUMENT = "unexpected_rows_query"
# types of Great Expectations that do not work on DuckDB, and what to use instead
UNSUPPORTED_TYPES = {
    "expect_column_quantile_values_to_be_between": f"use {SQL_TYPE} with quantile_cont",
    **dict.fromkeys(
        [
            f"expect_column_values_to_{match}_{pattern}"
            for match in ("match", "not_match")
            for pattern in ("regex", "regex_list", "like_pattern", "like_pattern_list")
        ],
        f"use {SQL_TYPE} with regexp_matches",
    ),
    **dict.fromkeys(
        [
            "expect_column_type_to_be",
            "expect_column_values_to_be_of_type",
            "expect_column_values_to_be_in_type_list",
        ],
        "the contract of the mart checks its types",
    ),
}

Text = Annotated[str, Field(min_length=1)]


class ValidationStopped(Exception):
    """The marts could not be validated; the text says in one sentence why, and what to do."""


class Expectation(BaseModel):
    """One expectation of a mart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Text
    because: Text
    severity: Severity
    type: Text
    arguments: dict[str, Any]

    @field_validator("type")
    @classmethod
    def check_type(cls, value: str) -> str:
        """Refuse a type that does not work on DuckDB."""
        if value in UNSUPPORTED_TYPES:
            raise ValueError(f"{value} does not work on DuckDB: {UNSUPPORTED_TYPES[value]}")
        return value

    @model_validator(mode="after")
    def check_query(self) -> Expectation:
        """Refuse SQL whose braces do not match the arguments."""
        if self.type != SQL_TYPE:
            return self
        query = self.arguments.get(SQL_ARGUMENT)
        if not isinstance(query, str) or not query.strip():
            raise ValueError(f"{SQL_TYPE} needs the argument {SQL_ARGUMENT}, a text")
        given = [name for name in self.arguments if name != SQL_ARGUMENT]
        try:
            parts = list(string.Formatter().parse(query))
        except ValueError as error:
            raise ValueError(
                f"{SQL_ARGUMENT} has a single brace; double a brace that belongs to the SQL"
            ) from error
        used = {field for _, field, _, _ in parts if field is not None}
        if "batch" not in used:
            raise ValueError(f"{SQL_ARGUMENT} must read the mart as {{batch}}")
        for name in given:
            if name not in used:
                raise ValueError(f"{SQL_ARGUMENT} does not use the argument {name} as {{{name}}}")
        for field in used - {"batch", *given}:
            raise ValueError(
                f"{SQL_ARGUMENT} uses {{{field}}}, which is no argument"
                f"{did_you_mean(field, given)}; double a brace that belongs to the SQL"
            )
        return self

    @property
    def query(self) -> str | None:
        """The SQL with its arguments filled in; {batch} stays. None for the other types."""
        if self.type != SQL_TYPE:
            return None
        query = str(self.arguments[SQL_ARGUMENT]).strip().rstrip(";")
        for name, value in self.arguments.items():
            query = query.replace(f"{{{name}}}", str(value))
        return query


class MartExpectations(BaseModel):
    """The expectations of one mart, and the columns that identify its rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mart: Text
    key: Annotated[list[Text], Field(min_length=1)]
    expectations: Annotated[list[Expectation], Field(min_length=1)]

    @model_validator(mode="after")
    def check_names(self) -> MartExpectations:
        """Refuse two expectations of one name."""
        names = [expectation.name for expectation in self.expectations]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two expectations have the name {name}; a name must be unique")
        return self

    @property
    def file_name(self) -> str:
        """The name of the file that holds these expectations."""
        return f"{self.mart}{SUFFIX}"

    def place(self, expectation: Expectation) -> str:
        """Where an expectation is written, for messages."""
        return f"{self.file_name}, {expectation.name}"

    def sql(self, expectation: Expectation) -> str | None:
        """The SQL of an expectation as DuckDB runs it. None for the types without SQL."""
        return expectation.query and expectation.query.format(batch=f"{SCHEMA}.{self.mart}")


def read_expectations(folder: Path) -> list[MartExpectations]:
    """All expectation files below a folder, in the order of their paths.

    Raises ValidationStopped if there is none, if one is wrong, or if two describe the same mart.
    """
    paths = sorted(folder.rglob(f"*{SUFFIX}"))
    if not paths:
        raise ValidationStopped(f"{folder} has no file that ends in {SUFFIX}.")
    for path in paths:
        twins = [str(other) for other in paths if other.name == path.name]
        if len(twins) > 1:
            raise ValidationStopped(f"Two files describe the same mart: {' and '.join(twins)}.")
    return [read_file(path) for path in paths]


def read_file(path: Path) -> MartExpectations:
    """One expectation file. Raises ValidationStopped if it does not have the format above."""
    content = read_yaml(path)
    try:
        mart = MartExpectations.model_validate(content)
    except ValidationError as error:
        raise ValidationStopped(f"{path.name}, {sentence(error, content)}.") from error
    if path.name != mart.file_name:
        raise ValidationStopped(
            f"{path.name}, mart: it is {mart.mart}, but the file's name says "
            f"{path.name.removesuffix(SUFFIX)}; both must be the same."
        )
    return mart


def read_yaml(path: Path) -> Any:
    """The content of a YAML file. Raises ValidationStopped; a key given twice is an error too."""
    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise ValidationStopped(f"{path} cannot be read: {error}.") from error
    except MarkedYAMLError as error:
        problem = str(error.problem)
        if isinstance(error, DuplicateKeyError):
            # the message goes on with both values, which can be long
            problem = f"{problem.split(' with value')[0]}; every key may be there once"
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValidationStopped(f"{path.name}{line}: the YAML is wrong: {problem}.") from error
    except YAMLError as error:
        raise ValidationStopped(f"{path.name}: the YAML is wrong: {error}.") from error


# -- sentences -------------------------------------------------------------------------------------

# what pydantic asks for, in the words of YAML
FORMS = {
    "string_type": "a text",
    "list_type": "a list",
    "dict_type": "a mapping of keys and values",
    "model_type": "a mapping of keys and values",
}


def sentence(error: ValidationError, content: Any) -> str:
    """The first mistake in a file, as one sentence that begins with its place."""
    # a misspelt key is also a missing key, and says more
    mistakes = sorted(error.errors(), key=lambda mistake: mistake["type"] != "extra_forbidden")
    return f"{place_of(mistakes[0], content)}{describe(mistakes[0])}"


def place_of(mistake: ErrorDetails, content: Any) -> str:
    """Where a mistake is: the expectation by its name or number, then the key."""
    place = list(mistake["loc"])
    words = []
    if place[:1] == ["expectations"] and len(place) > 1:
        number = int(place[1])
        entry = content["expectations"][number]
        name = entry.get("name") if isinstance(entry, Mapping) else None
        words.append(str(name or f"expectation {number + 1}"))
        place = place[2:]
    # a key that is missing or unknown is named by the sentence itself
    if mistake["type"] in ("missing", "extra_forbidden"):
        place = place[:-1]
    words += [f"item {key + 1}" if isinstance(key, int) else key for key in place]
    return f"{', '.join(words)}: " if words else ""


def describe(mistake: ErrorDetails) -> str:
    """What is wrong and what is allowed."""
    kind, value = mistake["type"], mistake["input"]
    model = Expectation if mistake["loc"][:1] == ("expectations",) else MartExpectations
    owner = "an expectation" if model is Expectation else "the file"
    keys = list(model.model_fields)
    if kind == "missing":
        return f"the key {mistake['loc'][-1]} is missing; {owner} has {listed(keys)}"
    if kind == "extra_forbidden":
        key = str(mistake["loc"][-1])
        return f"the key {key} is unknown{did_you_mean(key, keys)}; {owner} has {listed(keys)}"
    if kind == "literal_error":
        allowed = listed(SEVERITIES, "or")
        return f"it is {value}{did_you_mean(str(value), SEVERITIES)}; it must be {allowed}"
    if kind in FORMS:
        return f"it must be {FORMS[kind]}{'' if value is None else f', and is {value!r}'}"
    if kind in ("too_short", "string_too_short"):
        return "it must not be empty"
    if kind == "value_error":
        return str(mistake["ctx"]["error"])
    return mistake["msg"]


def listed(names: Iterable[str], word: str = "and") -> str:
    """Names in a row: a, b and c."""
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question about the known name that is most like an unknown one; empty if none is."""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {matches[0]}?)" if matches else ""
