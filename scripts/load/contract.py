"""What the project expects of an input: the tables and columns of schema raw, and the vars."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
CONTRACT_FILE = PROJECT_FOLDER / "models/staging/_raw__sources.yml"
PROJECT_FILE = PROJECT_FOLDER / "dbt_project.yml"
# the one column that the loader fills: when a row arrived (UTC)
ARRIVAL = "loaded_at"
# ten times as fast, where PyYAML was built with it
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Column:
    """A column of the input contract; data_type is what staging makes of the text."""

    name: str
    data_type: str
    is_required: bool


@dataclass(frozen=True)
class Table:
    """A table of the input contract; its last column is loaded_at."""

    name: str
    is_required: bool
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in the order of the contract."""
        return [column.name for column in self.columns]


def read_contract(path: Path = CONTRACT_FILE) -> dict[str, Table]:
    """The tables of the input contract by name."""
    declared = yaml.load(path.read_text(encoding="utf-8"), LOADER)["sources"][0]["tables"]
    return {
        table["name"]: Table(
            table["name"],
            is_required(table),
            (
                *(
                    Column(column["name"], column["data_type"], is_required(column))
                    for column in table["columns"]
                    if column["name"] != ARRIVAL
                ),
                Column(ARRIVAL, "timestamp", False),
            ),
        )
        for table in declared
    }


def is_required(declared: dict[str, Any]) -> bool:
    """Whether config.meta of a table or column says that it must be delivered."""
    return bool(declared.get("config", {}).get("meta", {}).get("required", False))


def read_var_names(path: Path = PROJECT_FILE) -> list[str]:
    """The names of the vars that dbt_project.yml declares, which are all that an input may set."""
    project = yaml.load(path.read_text(encoding="utf-8"), LOADER)
    declared = project.get("vars") or {}
    # dbt lets vars stand under the name of the project, too
    own = declared.get(project["name"])
    return [*(name for name in declared if name != project["name"]), *(own or {})]
