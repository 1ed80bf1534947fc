"""Whether a build can do anything that the last one has not done.

warehouse/<input>/building/last_build.json says what the last build was made from, and the state of
the file that it served. A build has nothing to do if it loads no file, is made from the same, and
finds the served file in that state. The state of a DuckDB file changes with every write to it
(FileState), so that rows of another loader, a row changed in place, a dropped table, or a dbt
command by hand all lead to a build. Anything unclear does too.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from build.blue_green import FileState, building_folder
from build.run_dbt import PROJECT_FOLDER, WAREHOUSE_VARIABLE

RECORD_NAME = "last_build.json"
# the folders that dbt reads, by their name in dbt_project.yml, and their defaults
DBT_FOLDERS = {
    "model-paths": ["models"],
    "macro-paths": ["macros"],
    "seed-paths": ["seeds"],
    "test-paths": ["tests"],
    "snapshot-paths": ["snapshots"],
    "function-paths": ["functions"],
    "packages-install-path": "dbt_packages",
}
DBT_SUFFIXES = {".sql", ".csv", ".yml", ".yaml", ".md"}
# the code that loads and builds
SCRIPT_FOLDERS = ("scripts/build", "scripts/load")
PACKAGES = ("dbt-core", "dbt-adapters", "dbt-duckdb", "duckdb")
# variables that change what dbt does, and those among them that do not
ENVIRONMENT_PREFIXES = ("DBT_", "CRITICAL_CUSTOMERS_")
ENVIRONMENT_IGNORED = {
    *("DBT_PROFILES_DIR", WAREHOUSE_VARIABLE, "CRITICAL_CUSTOMERS_MEMORY"),
    "CRITICAL_CUSTOMERS_SHARED_DATA",
}


def fingerprint(
    variables: Mapping[str, Any],
    mapping: Path,
    project_folder: Path = PROJECT_FOLDER,
) -> str:
    """A digest of all that a build is made from, but for the raw rows.

    These are the project and its scripts, the packages, the vars, the mapping file of the input
    and the environment.
    """
    digest = hashlib.sha256()
    for path in sorted(project_files(project_folder)):
        digest.update(f"{path.relative_to(project_folder)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    rest = {
        "packages": {name: installed_version(name) for name in PACKAGES},
        "variables": variables,
        "mapping": mapping.read_bytes().hex() if mapping.is_file() else None,
        "environment": {
            name: value
            for name, value in os.environ.items()
            if name.startswith(ENVIRONMENT_PREFIXES) and name not in ENVIRONMENT_IGNORED
        },
    }
    digest.update(json.dumps(rest, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def project_files(folder: Path) -> Iterator[Path]:
    """The files of a project that decide what a build makes."""
    settings = yaml.safe_load((folder / "dbt_project.yml").read_text(encoding="utf-8"))
    yield from folder.glob("*.yml")
    yield folder / ".dbtignore"
    for key, default in DBT_FOLDERS.items():
        places = settings.get(key, default)
        for place in [places] if isinstance(places, str) else places:
            yield from files_in(folder / place, DBT_SUFFIXES)
    for place in SCRIPT_FOLDERS:
        yield from files_in(folder / place, {".py"})


def files_in(folder: Path, suffixes: set[str]) -> Iterator[Path]:
    """The files with these suffixes in a folder and the folders in it."""
    return (path for path in folder.rglob("*") if path.suffix in suffixes and path.is_file())


def installed_version(package: str) -> str | None:
    """The version of a package, none if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def remember_build(served: Path, made_from: str, state: FileState) -> None:
    """Write down what a build was made from (a fingerprint), and the state of what it serves."""
    path = building_folder(served) / RECORD_NAME
    unfinished = path.with_suffix(".tmp")
    content = json.dumps({"made_from": made_from, "served": asdict(state)}, indent=2)
    unfinished.write_text(content, encoding="utf-8")
    unfinished.replace(path)


def is_last_build(served: Path, made_from: str, state: FileState | None) -> bool:
    """Whether the last build that succeeded was made from the same and left the file like this."""
    path = building_folder(served) / RECORD_NAME
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return state is not None and record == {"made_from": made_from, "served": asdict(state)}
