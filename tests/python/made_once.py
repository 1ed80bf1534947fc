"""Folders that many tests read: made once, by one worker for all, and kept for the next run.

They are kept in .pytest_cache, under a fingerprint of the files that they are made from. A change
in one of these files makes them anew, and "pytest --cache-clear" removes them.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from build.run_dbt import PROJECT_FOLDER
from filelock import FileLock

# what a delivery of the demo bank depends on
DEMO = ("scripts/demo",)
# what a warehouse depends on beside its rows
PROJECT = (
    *("analyses", "macros", "models", "seeds", "tests", "dbt_project.yml", "profiles.yml"),
    *(".dbtignore", "scripts/build/run_dbt.py", "scripts/load", "tests/python/warehouses.py"),
)
# of the folders, what is read; tests in Python are not
ENDINGS = (".sql", ".yml", ".csv", ".md")
PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb")


@cache
def fingerprint(sources: tuple[str, ...]) -> str:
    """A digest of the files and folders of the project, by their paths, and of the packages."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        digest.update(f"{package} {version(package)}\n".encode())
    for path in sorted(set(files_of(sources))):
        digest.update(f"{path.relative_to(PROJECT_FOLDER)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def files_of(sources: Iterable[str]) -> Iterable[Path]:
    """The files among the sources, and in them."""
    for source in sources:
        path = PROJECT_FOLDER / source
        if path.is_file():
            yield path
        for file in path.rglob("*"):
            is_python = file.suffix == ".py" and source.startswith("scripts/")
            if is_python or file.suffix in ENDINGS:
                yield file


@dataclass(frozen=True)
class MadeOnce:
    """Makes folders, or takes them from where they are kept.

    kept: the folder of all workers and runs. copies: gives a new folder for a copy.
    """

    kept: Path
    copies: Callable[[str], Path]

    def __call__(self, name: str, make: Callable[[Path], None], *sources: str) -> Path:
        """A copy of the folder that make fills, for the caller alone.

        sources are files and folders of the project. The file in which make is written always
        counts.
        """
        maker = str(Path(make.__code__.co_filename).relative_to(PROJECT_FOLDER))
        place = self.kept / name
        place.mkdir(exist_ok=True)
        folder = place / fingerprint((*sources, maker))
        with FileLock(place / "lock"):
            if not folder.exists():
                for other in filter(Path.is_dir, place.iterdir()):
                    shutil.rmtree(other)
                # under another name until it is whole
                half = place / "half"
                half.mkdir()
                make(half)
                half.rename(folder)
            return shutil.copytree(folder, self.copies(name), dirs_exist_ok=True)
