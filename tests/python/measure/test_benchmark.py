"""The one command of the benchmarks: what it measures, stores and draws."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from measure import benchmark, compare_floor
from measure.benchmark import draw, main, measure, newest, read_results
from measure.compare_peers import ALONE, OURS


def builds(customers: int, **changes: Any) -> dict[str, Any]:
    line = {
        "kind": "builds",
        "customers": customers,
        "transactions": customers * 22,
        "next_day_sql_ratio": 0.25,
        "floor_ratio": 1.25,
    }
    return {name: value for name, value in (line | changes).items() if value is not None}


def peers(customers: int) -> dict[str, Any]:
    seconds = {OURS: (9, 8, 7), ALONE: (0.4, 0.5, 0.75), "lifetimes": (4, 5, 3)}
    steps = [{"name": name, "sql_seconds": one} for name, times in seconds.items() for one in times]
    return {
        "kind": "peers",
        "customers": customers,
        "transactions": customers * 22,
        "purchases": customers * 8,
        "steps": steps,
    }


LINES = [
    builds(1_000_000, floor_ratio=None, next_day_sql_ratio=0.125),
    builds(50_000, floor_ratio=9.0),
    builds(50_000, floor_ratio=1.75),
    peers(50_000),
    peers(500_000),
]


def test_the_last_line_of_a_size_counts_and_small_sizes_come_first():
    assert list(newest(LINES).items()) == [
        (("builds", 50_000), LINES[2]),
        (("builds", 1_000_000), LINES[0]),
        (("peers", 50_000), LINES[3]),
        (("peers", 500_000), LINES[4]),
    ]


def test_the_chart_shows_ratios_with_sizes_and_the_seconds_of_the_largest_peers(tmp_path):
    draw(LINES, tmp_path / "charts" / "ratios.svg")
    drawn = (tmp_path / "charts" / "ratios.svg").read_text(encoding="utf-8")
    for words in (
        ">1.75 ×<",
        ">0.25 ×<",
        # 0.125, which is rounded to the even digit
        ">0.12 ×<",
        ">22 million transactions<",
        "of 4.0 million purchases",
        ">0.50 s<",
        ">4.00 s<",
        ">8.00 s<",
        f"this project, {ALONE}",
        ">goal 1.5<",
        ">goal 0.05<",
    ):
        assert words in drawn, words
    assert ">9.00 ×<" not in drawn
    again = tmp_path / "again.svg"
    draw(LINES, again)
    assert again.read_text(encoding="utf-8") == drawn


@pytest.mark.parametrize("kind", ["builds", "peers"])
def test_a_chart_of_half_of_it_is_none(tmp_path, kind):
    with pytest.raises(ValueError, match="no builds, or no peers"):
        draw([line for line in LINES if line["kind"] == kind], tmp_path / "ratios.svg")
    assert not (tmp_path / "ratios.svg").exists()


def stand_in(asked: list[list[str]], **line: Any) -> click.Command:
    """A command that notes its options and writes a line."""

    @click.command()
    @click.option("--customers", type=int)
    @click.option("--results", type=click.Path(path_type=Path))
    @click.argument("others", nargs=-1, type=click.UNPROCESSED)
    def command(customers: int, results: Path | None, others: tuple[str, ...]) -> None:
        asked.append([str(customers), *others])
        if results:
            results.write_text(json.dumps(line | {"customers": customers}) + "\n")

    command.context_settings["ignore_unknown_options"] = True
    return command


def test_a_line_says_what_when_and_where_it_was_measured():
    asked: list[list[str]] = []
    line = measure(stand_in(asked, floor_ratio=1.5), "builds", 700, ["--repeat", "2"])
    assert asked == [["700", "--repeat", "2"]]
    assert line.pop("memory_bytes") > 1e9
    assert line == {
        "kind": "builds",
        "customers": 700,
        "floor_ratio": 1.5,
        "measured_on": date.today().isoformat(),
        "cores": os.cpu_count(),
    }


@pytest.fixture
def asked(monkeypatch) -> list[list[str]]:
    """Takes the place of both measuring commands; what they were asked for. The floor is right."""
    commands: list[list[str]] = []
    monkeypatch.setattr(compare_floor, "compare_floor", lambda customers: {})
    monkeypatch.setattr(benchmark.measure_builds, "main", stand_in(commands, **builds(1)))
    monkeypatch.setattr(benchmark.compare_peers, "main", stand_in(commands, **peers(1)))
    return commands


def test_everything_is_measured_written_down_and_drawn(tmp_path, asked):
    results, chart = tmp_path / "new" / "results.jsonl", tmp_path / "ratios.png"
    options = ["--results", results, "--chart", chart, "--environments", tmp_path / "peers"]
    result = CliRunner().invoke(main, [str(word) for word in options])
    assert result.exit_code == 0, result.output
    kept = ["--environments", str(tmp_path / "peers")]
    assert asked == [
        ["45000", "--no-tests", "--repeat", "3"],
        ["460000", "--no-tests", "--repeat", "3"],
        ["5000000", "--no-tests", "--no-floor"],
        ["45000", *kept, "--repeat", "3"],
        ["460000", *kept, "--repeat", "3"],
    ]
    lines = read_results(results)
    assert [(line["kind"], line["customers"]) for line in lines] == [
        ("builds", 45_000),
        ("builds", 460_000),
        ("builds", 5_000_000),
        ("peers", 45_000),
        ("peers", 460_000),
    ]
    assert chart.read_bytes().startswith(b"\x89PNG")


def test_the_fast_one_writes_nothing_down(tmp_path, asked):
    results, chart = tmp_path / "results.jsonl", tmp_path / "ratios.svg"
    options = ["--fast", "--results", str(results), "--chart", str(chart)]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 0, result.output
    assert asked == [["45000", "--no-tests"], ["45000"]]
    assert not results.exists() and not chart.exists()


@pytest.mark.parametrize("options", [[], ["--fast"]])
def test_nothing_is_measured_where_the_floor_makes_other_marts(
    tmp_path, asked, monkeypatch, options
):
    monkeypatch.setattr(compare_floor, "compare_floor", lambda customers: {"customers": "no rows"})
    places = ["--results", str(tmp_path / "results.jsonl"), "--chart", str(tmp_path / "a.svg")]
    result = CliRunner().invoke(main, [*options, *places])
    assert result.exit_code == 1
    assert "customers: no rows" in result.output
    assert not asked


def test_without_results_there_is_nothing_to_draw(tmp_path, asked):
    options = ["--no-measure", "--results", str(tmp_path / "none.jsonl")]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 1
    assert "does not exist yet; measure first" in result.output
    assert not asked


def test_what_is_in_the_documents_is_drawn_from_what_is_written_down(tmp_path):
    """The chart beside the results is of these results."""
    drawn = tmp_path / "ratios.svg"
    draw(read_results(benchmark.DOCS / "results.jsonl"), drawn)
    assert drawn.read_text() == (benchmark.DOCS / "ratios.svg").read_text()
