"""The cost of a row on an engine follows from two sizes, and from the work of the whole machine."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from check.engines import StepError
from click.testing import CliRunner
from measure import measure_engines
from measure.measure_engines import (
    EngineRow,
    EngineStep,
    growing_nodes,
    machine_seconds,
    main,
    rows_of,
)

BUILD = ("dbt", "build")


def test_a_row_costs_what_a_larger_bank_costs_more():
    steps = [
        EngineStep(engine, customers, transactions, "full build", 0, seconds)
        for engine, customers, transactions, seconds in (
            # five seconds whatever there is to do, and two microseconds a row
            ("duckdb", 100, 500_000, 6.0),
            ("spark", 100, 500_000, 100.0),
            ("duckdb", 400, 2_000_000, 9.0),
            ("spark", 400, 2_000_000, 112.0),
        )
    ]
    assert rows_of(steps) == [
        EngineRow("duckdb", "full build", 2.0, 1.0),
        EngineRow("spark", "full build", 8.0, 4.0),
    ]


def test_where_a_build_grows_is_told_by_what_each_node_takes_more():
    small, large = (
        EngineStep("spark", customers, 0, "full build", 0, 0, by_node)
        for customers, by_node in (
            (100, {"model.a": 20.0, "model.b": 1.0}),
            (400, {"model.a": 20.5, "model.b": 4.0, "model.c": 2.0}),
        )
    )
    assert growing_nodes(small, large) == [("model.b", 3.0), ("model.c", 2.0), ("model.a", 0.5)]


def test_the_machine_works_while_someone_does():
    """Others work beside it: it is at least what this one did, and not what the clock says."""
    worked, mine = machine_seconds(), time.process_time()
    while time.process_time() - mine < 0.5:
        pass
    assert machine_seconds() - worked >= 0.4
    worked, begun = machine_seconds(), time.perf_counter()
    time.sleep(0.5)
    assert machine_seconds() - worked <= os.cpu_count() * (time.perf_counter() - begun) + 0.1


class StandIn:
    """An engine that does nothing, or fails to build."""

    def __init__(self, name: str, folder: Path, done: list[tuple[str, ...]], fails: bool) -> None:
        self.name, self.folder, self.done, self.fails = name, folder, done, fails

    def load(self, delivery: Path, input_name: str, arrived: str) -> None:
        kind = "days" if delivery.parent.name == "days" else delivery.name
        self.done.append((self.name, kind, arrived[:10]))

    def dbt_command(self, *arguments: str) -> list[str]:
        return ["dbt", *arguments]

    def run(self, program: str, command: str, *_: str) -> None:
        if self.fails and self.name == "spark":
            raise StepError("On spark this failed: no workers")
        self.done.append((self.name, program, command))
        target = self.folder / "target"
        target.mkdir(parents=True, exist_ok=True)
        node = {"unique_id": "model.critical_customers.customers", "execution_time": len(self.done)}
        (target / "run_results.json").write_text(json.dumps({"results": [node]}))


@pytest.fixture
def stand_ins(monkeypatch) -> tuple[list[tuple[str, ...]], dict[str, bool]]:
    """What engines were asked for, and whether they fail."""
    done: list[tuple[str, ...]] = []
    how = {"fails": False}

    @contextmanager
    def running(name: str, folder: Path):
        yield StandIn(name, folder, done, how["fails"])

    # what comes later takes longer
    seconds = (float(number**2) for number in count())
    monkeypatch.setattr(measure_engines, "running_engine", running)
    monkeypatch.setattr(measure_engines, "machine_seconds", lambda: next(seconds))
    return done, how


def test_every_engine_loads_and_builds_two_banks_and_the_day_after(tmp_path, stand_ins):
    done, _ = stand_ins
    results = tmp_path / "results.jsonl"
    result = CliRunner().invoke(main, ["--customers", "800", "--results", str(results)])
    assert result.exit_code == 0, result.output
    once = [("delivery", "2026-09-19"), BUILD, ("days", "2026-09-20"), BUILD]
    engines = ("duckdb", "postgres", "spark")
    assert done == 2 * [(engine, *what) for engine in engines for what in once]
    [line] = [json.loads(text) for text in results.read_text().splitlines()]
    assert (line["kind"], line["customers"], len(line["steps"])) == ("engines", 800, 24)
    sizes = {step["customers"]: step["transactions"] for step in line["steps"]}
    assert line["transactions"] == sizes[800] > 3 * sizes[200] > 0
    by_node = [step["seconds_by_node"] for step in line["steps"]]
    assert by_node[:4] == [{}, {"model.customers": 2}, {}, {"model.customers": 4}]
    # twelve steps after the smaller bank's
    grown = "Seconds that the next day's build takes more on spark: customers 12.0"
    for heading in ("full build", "next day's build", "× DuckDB", grown):
        assert heading in result.output


def test_an_engine_that_fails_says_why_and_nothing_is_written(tmp_path, stand_ins):
    _, how = stand_ins
    how["fails"] = True
    results = tmp_path / "results.jsonl"
    result = CliRunner().invoke(main, ["--customers", "400", "--results", str(results)])
    assert result.exit_code == 1
    assert "On spark this failed: no workers" in result.output
    assert not results.exists()
