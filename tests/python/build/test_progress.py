"""What a person sees while a command works, and when the first line comes."""

from __future__ import annotations

import subprocess
import sys
import time
from io import StringIO

import pytest
from build.progress import ProgressInLines, make_progress
from build.run_dbt import PROJECT_FOLDER
from rich.console import Console

# each takes a good part of half a second to import, or more
HEAVY = ("dbt", "duckdb", "pandas", "pyarrow", "pydantic", "jinja2")


@pytest.mark.parametrize(
    "command",
    ["build.build", "build.docs", "publish.show_summary", "publish.write_readme_example"],
)
def test_a_command_imports_nothing_heavy_before_its_first_line(command):
    code = f"import sys, {command}; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_FOLDER / "scripts",
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "[]\n"


def test_without_a_terminal_a_step_is_a_line_and_a_long_step_more(monkeypatch):
    output = StringIO()
    with ProgressInLines(Console(file=output, width=20), interval=0.02) as progress:
        task = progress.add_task("reading the [project] with its long name", total=None)
        progress.update(task, description="building", total=3, completed=1)
        until = time.monotonic() + 30
        while output.getvalue().count("\n") < 3 and time.monotonic() < until:
            time.sleep(0.01)
    lines = output.getvalue().splitlines()
    assert lines[0] == "reading the [project] with its long name"
    assert lines[1] == lines[2] == "building (1 of 3)"


def test_on_a_terminal_it_moves_and_leaves_nothing():
    output = StringIO()
    console = Console(file=output, force_terminal=True, width=80)
    with make_progress(console) as progress:
        progress.add_task("starting", total=None)
        until = time.monotonic() + 30
        while output.getvalue().count("starting") < 3 and time.monotonic() < until:
            time.sleep(0.01)
    assert output.getvalue().count("starting") >= 3
    # the last thing is that the line is erased
    assert "starting" not in output.getvalue().rsplit("\x1b[2K", 1)[1]
