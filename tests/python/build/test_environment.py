"""The environment: groups of packages, their lock files, and the commands that install them."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pytest
from build.run_dbt import PROJECT_FOLDER
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYPROJECT = tomllib.loads((PROJECT_FOLDER / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS: dict[str, list[str]] = {
    "run": PYPROJECT["project"]["dependencies"],
    **PYPROJECT["dependency-groups"],
}
LOCKS = sorted(PROJECT_FOLDER.glob("requirements*.lock"))
# the oldest Python and a newer one; locks choose between versions by markers
PYTHONS = [{"python_version": v, "python_full_version": f"{v}.1"} for v in ("3.11", "3.13")]
SHOW_WAIT = PROJECT_FOLDER / "scripts" / "show_wait.py"


def lock_of(group: str) -> Path:
    """The lock file of a group."""
    return PROJECT_FOLDER / f"requirements{'' if group == 'run' else f'-{group}'}.lock"


def locked(lock: Path) -> list[Requirement]:
    """The packages of a lock file, without their hashes."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [Requirement(line.removesuffix("\\")) for line in lines if not line.startswith(" ")]


def version_of(requirement: Requirement) -> str:
    """The version that a line of a lock file pins."""
    [pin] = requirement.specifier
    assert pin.operator == "==", requirement
    return pin.version


def active(requirements: Iterable[Requirement], python: dict[str, str]) -> dict[str, str]:
    """The version of each package that is installed under a version of Python."""
    return {
        canonicalize_name(requirement.name): version_of(requirement)
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate(python)
    }


@pytest.mark.parametrize("python", PYTHONS, ids=lambda python: python["python_version"])
@pytest.mark.parametrize("group", GROUPS)
def test_a_lock_holds_each_direct_dependency_at_its_pin(group: str, python: dict[str, str]):
    versions = active(locked(lock_of(group)), python)
    for text in GROUPS[group]:
        direct = Requirement(text)
        assert direct.specifier.contains(versions[canonicalize_name(direct.name)]), text


def test_locks_keep_extras():
    """Without them, uv installs from a lock and pip does not: it asks for a hash of each."""
    extras = {
        canonicalize_name(requirement.name): set(map(canonicalize_name, requirement.extras))
        for lock in LOCKS
        for requirement in locked(lock)
        if requirement.extras
    }
    for direct in map(Requirement, chain.from_iterable(GROUPS.values())):
        wanted = set(map(canonicalize_name, direct.extras))
        assert wanted <= extras.get(canonicalize_name(direct.name), set())


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_hashes_and_no_addresses(lock: Path):
    """Addresses would bind the project to one registry, which another machine may not reach."""
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"://|^-|@", text, re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("python", PYTHONS, ids=lambda python: python["python_version"])
def test_locks_agree_in_versions(python: dict[str, str]):
    """Another version in a later group would replace the package that an earlier one installed."""
    found: dict[str, dict[str, list[str]]] = {}
    for lock in LOCKS:
        for name, version in active(locked(lock), python).items():
            found.setdefault(name, {}).setdefault(version, []).append(lock.name)
    assert {name: versions for name, versions in found.items() if len(versions) > 1} == {}


# -- make ------------------------------------------------------------------------------------------


def run_make(*arguments: str, folder: Path = PROJECT_FOLDER) -> str:
    """What make prints. The variables of a make that runs these tests do not reach it."""
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.mark.parametrize(
    ("command", "groups"),
    [
        ("build", ["run"]),
        ("next-day", ["run"]),
        ("summary", ["run"]),
        ("docs", ["run"]),
        ("validate", ["run", "validate"]),
        ("lint", ["run", "test"]),
        ("test", ["run", "engines", "validate", "benchmark", "test"]),
        ("engines", ["run", "engines", "validate", "benchmark", "test", "test-engines"]),
        ("test-engines", ["run", "engines", "validate", "benchmark", "test", "test-engines"]),
        ("benchmark", ["run", "engines", "validate", "benchmark", "test"]),
    ],
)
def test_a_command_installs_its_groups_in_a_fresh_folder(
    command: str, groups: list[str], tmp_path: Path
):
    planned = run_make("--dry-run", command, f"VENV={tmp_path / 'venv'}")
    installs = re.findall(r"--require-hashes .*--requirement (\S+)", planned)
    assert planned.count("--requirement") == len(installs)
    # nothing is made in a dry run, so that make within make plans it again
    once = list(dict.fromkeys(installs))
    assert once == ["requirements-uv.lock", *(lock_of(group).name for group in groups)]


def test_make_locks_every_group():
    planned = run_make("--dry-run", "lock")
    resolved, *_ = re.findall(r"uv pip compile .*?--output-file \S*/versions.txt", planned, re.S)
    assert set(re.findall(r"--group (\S+)", resolved)) == set(GROUPS) - {"run"}
    assert set(re.search(r"for group in ([^;]+)", planned)[1].split()) == set(GROUPS) - {"run"}


def test_make_help_lists_every_command():
    makefile = (PROJECT_FOLDER / "Makefile").read_text(encoding="utf-8")
    commands = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split()) - {"always"}
    assert set(re.findall(r"^  make (\S+)", run_make("help"), re.MULTILINE)) == commands


def test_documents_name_commands_that_exist():
    commands = set(re.findall(r"^  make (\S+)", run_make("help"), re.MULTILINE))
    documents = [*PROJECT_FOLDER.glob("*.md"), *PROJECT_FOLDER.glob("docs/**/*.md")]
    named = {
        name: document.name
        for document in documents
        for name in re.findall(
            r"(?:^|`)make ([a-z][a-z-]*)", document.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert {"build", "test"} <= set(named)
    assert {name: where for name, where in named.items() if name not in commands} == {}


@pytest.fixture
def linted(tmp_path: Path) -> Path:
    """A folder with the Makefile, two models, and a sqlfluff that notes what it is given.

    It fails for a file that holds "bad".
    """
    for name in ("Makefile", ".sqlfluff", *(lock.name for lock in LOCKS)):
        shutil.copy(PROJECT_FOLDER / name, tmp_path / name)
    for folder in ("models", "analyses", "tests/generic", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "models" / "one.sql").write_text("good")
    (tmp_path / "models" / "two.sql").write_text("good")
    (tmp_path / "tests" / "generic" / "a_macro.sql").write_text("bad")
    sqlfluff = tmp_path / ".venv" / "bin" / "sqlfluff"
    sqlfluff.write_text('#!/bin/sh\nfor f; do echo "$f" >> given; done\n! grep -q bad models/*\n')
    sqlfluff.chmod(0o755)
    for stamp in (".uv", *(f".{group}" for group in GROUPS)):
        (tmp_path / ".venv" / stamp).touch()
    for path in tmp_path.rglob("*"):
        os.utime(path, (10**9, 10**9))
    return tmp_path


def lint(folder: Path, *arguments: str) -> set[str]:
    """The models that sqlfluff is given."""
    given = folder / "given"
    given.unlink(missing_ok=True)
    try:
        run_make(".venv/.linted", *arguments, folder=folder)
    finally:
        words = given.read_text().split() if given.exists() else []
    return {Path(word).stem for word in words if word.endswith(".sql")}


def test_lint_reads_only_sql_that_has_changed_since_it_passed(linted: Path):
    assert lint(linted) == {"one", "two"}
    assert lint(linted) == set()
    assert lint(linted, "ALL=1") == {"one", "two"}
    (linted / "models" / "two.sql").write_text("good again")
    assert lint(linted) == {"two"}


def test_lint_reads_sql_again_that_has_not_passed(linted: Path):
    lint(linted)
    (linted / "models" / "one.sql").write_text("bad")
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            lint(linted)
        assert (linted / "given").read_text().count("models/one.sql") == 1


def test_lint_reads_all_sql_when_its_rules_change(linted: Path):
    lint(linted)
    (linted / ".sqlfluff").write_text("other rules")
    assert lint(linted) == {"one", "two"}


# -- the message while something is installed ------------------------------------------------------


def test_what_fails_shows_its_output_and_its_exit_code():
    code = "print('why it failed'); raise SystemExit(3)"
    result = subprocess.run(
        [sys.executable, str(SHOW_WAIT), "Installing", sys.executable, "-c", code],
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stdout) == (3, "Installing ...\n")
    assert result.stderr == "why it failed\n"


def test_a_file_gets_the_message_alone():
    # longer than it takes until a terminal would show seconds
    code = "import time; print('details'); time.sleep(0.7)"
    result = subprocess.run(
        [sys.executable, str(SHOW_WAIT), "Installing", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (result.stdout, result.stderr) == ("Installing ...\n", "")


def test_a_terminal_shows_that_it_goes_on():
    """The command waits for a line of its input, which is sent once the seconds have moved."""
    terminal, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(SHOW_WAIT), "Installing", sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        stdout=slave,
    )
    os.close(slave)
    shown = b""
    while b" s" not in shown:
        assert select.select([terminal], [], [], 30)[0], "nothing has moved for 30 s"
        shown += os.read(terminal, 1024)
    process.communicate(b"\n", timeout=60)
    os.close(terminal)
    assert process.returncode == 0
    assert re.fullmatch(rb"Installing \.\.\.\rInstalling \.\.\. \d+ s.*", shown, re.S)
