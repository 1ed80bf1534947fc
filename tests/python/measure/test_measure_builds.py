"""What a process took, and where the time of a build went."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from measure import measure_builds
from measure.measure_builds import (
    OUTPUT,
    SCRIPTS,
    Step,
    StepError,
    main,
    measure,
    models_seconds,
    run_step,
    seconds_by_node,
)


def test_a_step_is_measured_from_outside(tmp_path):
    """A process that fills 300 MB and waits, begun by a small one: a child starts at the size of
    its parent, which tests make large."""
    waits = "import time; filled = bytearray(300_000_000); time.sleep(0.5)"
    measured = f"""
import json, sys
from dataclasses import asdict
from pathlib import Path
sys.path.insert(0, {str(SCRIPTS)!r})
from measure.measure_builds import run_step
warehouse = Path({str(tmp_path / "warehouse.duckdb")!r})
print(json.dumps(asdict(run_step("waiting", [sys.executable, "-c", {waits!r}], warehouse))))
"""
    result = subprocess.run(
        [sys.executable, "-c", measured], capture_output=True, text=True, check=True
    )
    step = json.loads(result.stdout)
    assert 0.5 <= step["wall_seconds"] < 60
    assert 0 < step["processor_seconds"] < step["wall_seconds"]
    assert 300e6 < step["peak_memory_bytes"] < 500e6
    assert step["warehouse_bytes"] == 0
    assert step["seconds_by_node"] == {}


def test_a_step_that_fails_says_what_it_printed(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('no such bank')"]
    with pytest.raises(StepError, match="loading failed:\nno such bank"):
        run_step("loading", command, tmp_path / "warehouse.duckdb")


def test_seconds_are_given_by_kind_and_name(tmp_path):
    ids = ("model.project.customers", "test.project.unique_a.0a1b", "model.project.states")
    nodes = [{"unique_id": id, "execution_time": 1.5 + n} for n, id in enumerate(ids)]
    results = tmp_path / "run_results.json"
    results.write_text(json.dumps({"results": nodes}), encoding="utf-8")
    assert seconds_by_node(results) == {
        "model.customers": 1.5,
        "test.unique_a": 2.5,
        "model.states": 3.5,
    }


def test_a_small_bank_is_measured_from_making_it_to_its_next_day(tmp_path):
    folder, results = tmp_path / "banks", tmp_path / "results.jsonl"
    options = ["--customers", "150", "--no-tests", "--folder", folder, "--results", results]
    options = [str(word) for word in options]
    result = CliRunner().invoke(main, options, env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    [measured] = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    steps = {step["name"]: step for step in measured["steps"]}
    assert list(steps) == [
        "making the bank",
        "loading",
        "floor",
        "full build",
        "loading the next day",
        "next day's build",
    ]
    full, floor = steps["full build"], steps["floor"]
    assert 0 < full["sql_seconds"] < full["wall_seconds"]
    parts = floor["seconds_by_node"]
    assert {"transactions", "states", "critical_customers"} <= set(parts)
    # what is left is between the statements
    assert floor["sql_seconds"] / 2 < sum(parts.values()) <= floor["sql_seconds"]
    models = {node for node in full["seconds_by_node"] if node.startswith("model.")}
    assert {"model.stg_transactions", "model.critical_customers"} <= models
    assert not [node for node in full["seconds_by_node"] if node.startswith("test.")]
    assert full["seconds_by_kind"]["model"] == pytest.approx(
        sum(full["seconds_by_node"][node] for node in models)
    )
    assert f"{measured['transactions']:,} transactions" in result.output
    again = CliRunner().invoke(main, options)
    assert again.exit_code == 1 and "remove it or name another --folder" in again.output


@pytest.fixture
def timed(monkeypatch) -> dict[str, list[float]]:
    """Takes the place of the processes: by step, the SQL seconds of each time that it runs."""
    seconds = {
        "floor": [1.0, 2.0],
        "full build": [4.0, 8.0],
        "next day's build": [1.5],
    }
    left = {name: iter(values) for name, values in seconds.items()}

    def run_step(
        name: str, command: list[str], warehouse: Path, results: Path | None = None
    ) -> Step:
        if name == "making the bank":
            Path(command[2], "days", "2026-01-02").mkdir(parents=True)
        elif name == "loading":
            with duckdb.connect(str(warehouse)) as connection:
                connection.execute("create schema raw; create table raw.transactions (id integer)")
        sql_seconds = next(left[name]) if name in left else None
        if name == "floor":
            output = {"seconds": sql_seconds, "seconds_by_part": {}}
            (warehouse.parent / OUTPUT).write_text(json.dumps(output), encoding="utf-8")
        wall_seconds = 2 * (sql_seconds or 1)
        return Step(name, wall_seconds, 1, 1, sql_seconds=sql_seconds)

    monkeypatch.setattr(measure_builds, "run_step", run_step)
    return seconds


def test_builds_and_floor_take_turns_and_ratios_are_of_their_medians(tmp_path, timed):
    measured = measure(150, tmp_path, False, 2, True)
    assert [step.name for step in measured.steps] == [
        "making the bank",
        "loading",
        *("floor", "full build"),
        *("floor", "full build"),
        "loading the next day",
        "next day's build",
    ]
    assert measured.ratios == {
        "next_day_ratio": 1.5 / 6,
        "next_day_sql_ratio": 1.5 / 6,
        "floor_ratio": 6 / 1.5,
    }


def test_a_bank_is_measured_without_the_floor(tmp_path, timed):
    results = tmp_path / "results.jsonl"
    options = ["--customers", "150", "--no-tests", "--no-floor", "--results", str(results)]
    result = CliRunner().invoke(main, options, env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    [measured] = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    assert "floor" not in {step["name"] for step in measured["steps"]}
    assert "floor_ratio" not in measured
    assert "times the floor" not in result.output
    assert measured["next_day_sql_ratio"] == 1.5 / 4


def test_models_take_from_the_first_start_to_the_last_end(tmp_path):
    """Two models side by side, a pause, and a test after them, which does not count."""

    def node(unique_id: str, *times: str) -> dict:
        at = [f"2026-01-01T00:00:{time}Z" for time in times]
        timing = [
            {"name": "compile", "started_at": at[0], "completed_at": at[1]},
            {"name": "execute", "started_at": at[1], "completed_at": at[2]},
        ]
        return {"unique_id": unique_id, "timing": timing}

    nodes = [
        node("model.project.one", "01.0", "01.5", "04.0"),
        node("model.project.two", "02.0", "02.5", "03.0"),
        node("model.project.three", "05.0", "05.5", "09.25"),
        node("test.project.one", "09.25", "09.5", "20.0"),
    ]
    results = tmp_path / "run_results.json"
    results.write_text(json.dumps({"results": nodes}), encoding="utf-8")
    assert models_seconds(results) == 8.25
