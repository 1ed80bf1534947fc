"""The argument WAREHOUSE of commands that read a warehouse which has been built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class WarehouseFile(click.ParamType):
    """The path of a warehouse file that is there."""

    name = "file"

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> Path:
        """The path; a usage error if there is no such file."""
        path = Path(value)
        if not path.is_file():
            self.fail(f"there is no file {path}; build it first (make build).", param, context)
        return path
