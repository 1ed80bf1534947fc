"""Build the floor: the marts of this project by one hand-written script, floor.sql, without dbt.

  python scripts/measure/build_floor.py WAREHOUSE

Reads schema raw of a DuckDB file that load_raw.py has filled and writes schema floor into it, with
the settings that profiles.yml gives dbt. Prints a line of JSON: the seconds of the script as a
whole, of closing the file, and by what each statement makes.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import json
import os
import re
import time
from typing import Any

import click
import duckdb
import jinja2
import yaml

PROJECT_FOLDER = Path(__file__).resolve().parent.parent.parent
SCRIPT = Path(__file__).with_name("floor.sql")
MADE = re.compile(
    r"^(?:create(?: or replace)?(?: temp)? (?:table|view)|update) (\S+)", re.MULTILINE
)


def dbt_output() -> dict[str, Any]:
    """What profiles.yml says of DuckDB: settings and config_options among others."""
    environment = jinja2.Environment(autoescape=False)
    environment.filters["as_number"] = int
    template = environment.from_string((PROJECT_FOLDER / "profiles.yml").read_text("utf-8"))
    profiles = yaml.safe_load(template.render(env_var=os.environ.get))
    return profiles["critical_customers"]["outputs"]["duckdb"]


def connect_as_dbt(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """Open a warehouse file for writing with dbt's settings.

    "threads" of the profile are dbt's own; DuckDB uses every core under both.
    """
    output = dbt_output()
    connection = duckdb.connect(str(warehouse), config=output["config_options"])
    for name, value in output["settings"].items():
        connection.execute(f"set {name} = '{value}'")
    return connection


def build_floor(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Run floor.sql and return the seconds by what its statements make.

    Macros and variables count as "settings", the tables of seeds by their names. Raises
    duckdb.Error, also where schema floor is there already.
    """
    connection.execute("set variable seed_folder = $1", [str(PROJECT_FOLDER / "seeds")])
    seconds: dict[str, float] = {}
    for statement in duckdb.extract_statements(SCRIPT.read_text(encoding="utf-8")):
        made = MADE.search(statement.query)
        name = made[1].removeprefix("floor.") if made else "settings"
        begun = time.perf_counter()
        connection.execute(statement)
        seconds[name] = seconds.get(name, 0) + time.perf_counter() - begun
    return seconds


@click.command()
@click.argument("warehouse", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def main(warehouse: Path) -> None:
    """Build schema floor in a WAREHOUSE whose schema raw has been loaded."""
    try:
        connection = connect_as_dbt(warehouse)
        begun = time.perf_counter()
        seconds = build_floor(connection)
        built = time.perf_counter()
        connection.close()
        closed = time.perf_counter()
    except duckdb.Error as error:
        raise click.ClickException(f"{warehouse}: {error}") from error
    told = {"seconds": built - begun, "closing_seconds": closed - built}
    click.echo(json.dumps(told | {"seconds_by_part": seconds}))


if __name__ == "__main__":
    main()
