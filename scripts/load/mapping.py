"""What a mapping.yml says: how the files of a delivery become tables of the input contract.

  input: my_shop                     names the input; inputs never mix in one warehouse
  vars: {base_currency: GBP}         vars of dbt_project.yml for this input, not used by the loader
  ignore: ["*_notes.csv"]            files that are passed over without a warning
  tables:
    transactions:
      files: ["sales/*.csv"]         instead of the rule in files.py
      csv: {delimiter: ";", encoding: gb18030, decimal: ",", thousands: ".",
            quote: "'", escape: "'", null_text: "NULL"}
      where: "cancelled = 'no'"      only these rows are loaded
      columns:
        customer_id: CustomerID      a column of the file
        currency: {constant: GBP}
        transaction_id: {expression: "InvoiceNo || '-' || source_row_number"}

Expressions are DuckDB SQL over the columns of the file (all text in a CSV); source_row_number
counts its rows from 1. A column that is not mapped is taken under its own name.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from load.contract import read_contract, read_var_names
from load.errors import DeliveryError
from load.yaml_file import Entries, YamlError, YamlFile
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

MAPPING_NAME = "mapping.yml"
KINDS = {"column", "constant", "expression"}


def refuse(fault: str) -> PydanticCustomError:
    """The error for a value; fault is the rest of a sentence that begins with its place."""
    return PydanticCustomError("refused", "{fault}", {"fault": fault})


def scalar_text(value: Any) -> Any:
    """A number, a date or a truth value of YAML as the text that it stands for."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | date) else value


def list_of_one(value: Any) -> Any:
    """A list; one text stands for a list of it."""
    return value if isinstance(value, list | tuple) else [value]


def pattern_inside(pattern: str) -> str:
    """The pattern, where it is a sound one that stays within the folder of the delivery."""
    path = PurePosixPath(pattern)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise refuse("must be a pattern within the folder of the delivery")
    if any("**" in part and part != "**" for part in path.parts):
        raise refuse("must have ** alone between slashes")
    return pattern


def one_character(text: str) -> str:
    """The text, where it is one character."""
    if len(text) != 1:
        raise refuse("must be one character")
    return text


def at_most_one_character(text: str) -> str:
    """The text, where it is one character or empty."""
    if len(text) > 1:
        raise refuse("must be one character, or empty for none")
    return text


def known_encoding(encoding: str) -> str:
    """The encoding, where Python knows it as one of text."""
    try:
        "".encode(encoding)
    except (LookupError, UnicodeError) as error:
        raise refuse("must be an encoding that Python knows, such as gb18030") from error
    return encoding


Text = Annotated[str, BeforeValidator(scalar_text)]
OneCharacter = Annotated[Text, AfterValidator(one_character)]
OneCharacterOrNone = Annotated[Text, AfterValidator(at_most_one_character)]
Patterns = Annotated[
    tuple[Annotated[Text, AfterValidator(pattern_inside)], ...], BeforeValidator(list_of_one)
]


class CsvFormat(Entries):
    """How a CSV file is written; None = found by looking at the file."""

    delimiter: OneCharacter | None = None
    quote: OneCharacterOrNone = '"'
    escape: OneCharacterOrNone | None = None
    encoding: Annotated[Text, AfterValidator(known_encoding)] | None = None
    decimal: Text = "."
    thousands: Text = ""
    null_text: Text = ""


class ColumnRule(BaseModel):
    """What fills a column of the contract: a column of the file, a constant or an expression."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: Text | None = None
    constant: Text | None = None
    expression: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def one_kind(cls, content: Any) -> Any:
        """Exactly one is given, of which only a constant may be null; a text alone is a column."""
        content = {"column": content} if isinstance(content, str) else content
        given = KINDS & content.keys() if isinstance(content, dict) else set()
        if len(given) != 1 or any(content[kind] is None for kind in given - {"constant"}):
            raise refuse("must be the name of a column, {constant: value} or {expression: SQL}")
        return content

    @property
    def kind(self) -> str:
        """Which is given: column, constant or expression."""
        [kind] = KINDS & self.model_fields_set
        return kind


class TableMapping(Entries):
    """What a mapping says about one table; columns go by their names in the contract."""

    files: Patterns = ()
    csv: CsvFormat = CsvFormat()
    where: Text | None = None
    columns: dict[str, ColumnRule] = Field(default_factory=dict)


class Mapping(Entries):
    """A mapping file; the default is that of a folder without one. Tables go by name."""

    input: Text | None = None
    vars: dict[str, Any] = Field(default_factory=dict)
    ignore: Patterns = ()
    tables: dict[str, TableMapping] = Field(default_factory=dict)


def read_mapping(folder: Path, mapping: Path | None = None) -> Mapping:
    """The mapping of a folder: the file given, else mapping.yml in the folder, else an empty one.

    Raises DeliveryError where the folder or the file given is missing, the file is no YAML, or it
    holds what is not allowed: an unknown entry, table, column or var, or a value of another shape.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DeliveryError(f"There is no folder {folder}.")
    path = Path(mapping) if mapping else folder / MAPPING_NAME
    if not path.exists():
        if mapping:
            raise DeliveryError(f"There is no mapping file {path}.")
        return Mapping()
    try:
        file = YamlFile(path)
        read = file.read(Mapping)
        contract = read_contract()
        file.check_names(("vars",), read.vars, read_var_names(), "a var of dbt_project.yml")
        file.check_names(("tables",), read.tables, contract, "a table of the input contract")
        for name, rules in read.tables.items():
            place, known = ("tables", name, "columns"), contract[name].column_names
            file.check_names(place, rules.columns, known, f"a column of {name}")
    except YamlError as error:
        raise DeliveryError(str(error)) from error
    return read
