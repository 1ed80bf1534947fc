"""Names, texts and paths as DuckDB SQL."""

from __future__ import annotations

import re
from pathlib import Path


def identifier(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def path_literal(path: Path) -> str:
    """A path as SQL; characters that would make it a pattern are taken as they are."""
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def as_text(sql: str, data_type: str) -> str:
    """An SQL expression of a type as text; a time with a zone is given in UTC."""
    if data_type == "VARCHAR":
        return sql
    if data_type == "TIMESTAMP WITH TIME ZONE":
        sql = f"({sql} at time zone 'UTC')"
    return f"cast({sql} as varchar)"
