"""Measure this project beside the floor and its peers, write the figures down and draw them.

  make benchmark          # 1, 10 and 100 million transactions: hours
  make benchmark FAST=1   # 1 million, ratios alone: minutes, and nothing is written down

First compare_floor.py checks that the floor makes the marts of the models; where it does not,
nothing is measured. Builds and floor are measured by measure_builds.py, scores and classes beside
other packages by compare_peers.py. The results file has a line of JSON for each size: what was
measured, and the day and the machine. The chart shows the newest line of each kind and size. The
largest size needs some 60 GB of disk and CRITICAL_CUSTOMERS_MEMORY=9GB.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import json
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any

import click
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from measure import compare_floor, compare_peers, measure_builds

DOCS = measure_builds.PROJECT_FOLDER / "docs" / "benchmarks"
# some 22 transactions a customer; the floor would hold 14 as-of dates of five million in memory
BUILDS = {
    45_000: ["--repeat", "3"],
    460_000: ["--repeat", "3"],
    5_000_000: ["--no-floor"],
}
PEERS = {45_000: ["--repeat", "3"], 460_000: ["--repeat", "3"]}
GOALS = {"floor_ratio": 1.5, "next_day_sql_ratio": 0.05}
OURS_COLOUR, OTHER_COLOUR, GOAL_COLOUR = "#1f6f8b", "#b8c4c9", "#c0392b"

# words over lines and bars
ON_PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}

Line = dict[str, Any]


def measure(command: click.Command, kind: str, customers: int, options: Sequence[str]) -> Line:
    """Run one of the two commands for a size; its line of results with day and machine."""
    with TemporaryDirectory() as folder:
        results = Path(folder) / "results.jsonl"
        asked = ["--customers", str(customers), "--results", str(results), *options]
        command.main(asked, standalone_mode=False)
        [told] = results.read_text(encoding="utf-8").splitlines()
    return {"kind": kind, **measure_builds.day_and_machine(), **json.loads(told)}


def newest(lines: Sequence[Line]) -> dict[tuple[str, int], Line]:
    """The last line of each kind and number of customers, small sizes first."""
    found = {(line["kind"], line["customers"]): line for line in lines}
    return dict(sorted(found.items()))


def read_results(path: Path) -> list[Line]:
    """The lines of a results file, in the order in which they were measured."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# -- the chart ------------------------------------------------------------------------------------


def million(line: Line) -> str:
    """A size as an axis names it."""
    return f"{line['transactions'] / 1e6:.0f} million transactions"


def draw_bars(
    axes: Axes, title: str, names: list[str], values: list[float], colours: list[str], unit: str
) -> None:
    """Horizontal bars from top to bottom, each with its value in words beside it."""
    places = range(len(names))
    axes.barh(places, values, color=colours, height=0.6)
    for place, value in zip(places, values, strict=True):
        axes.annotate(
            f"{value:.2f}{unit}",
            (value, place),
            (4, 0),
            textcoords="offset points",
            va="center",
            bbox=ON_PAPER,
        )
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlim(0, max(values) * 1.18)
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def draw_goal(axes: Axes, goal: float) -> None:
    """A line that bars should not pass."""
    axes.axvline(goal, color=GOAL_COLOUR, linewidth=1, linestyle="--")
    axes.annotate(
        f"goal {goal:g}",
        (goal, 1),
        xycoords=("data", "axes fraction"),
        color=GOAL_COLOUR,
        fontsize=8,
        ha="center",
        va="top",
        bbox=ON_PAPER,
    )


def draw(lines: Sequence[Line], chart: Path) -> None:
    """Draw the newest lines: builds beside the floor, the next day beside both, RFM beside peers.

    chart: where to, an .svg or .png. Raises ValueError without any builds or any peers.
    """
    latest = newest(lines)
    builds = [line for (kind, _), line in latest.items() if kind == "builds"]
    peers = [line for (kind, _), line in latest.items() if kind == "peers"]
    if not builds or not peers:
        raise ValueError("the results have no builds, or no peers, to draw")
    largest = peers[-1]
    figure, (floor, next_day, alone) = plt.subplots(
        3, 1, figsize=(8, 6.5), height_ratios=[2, 2, 3], layout="constrained"
    )
    beside = [line for line in builds if "floor_ratio" in line]
    draw_bars(
        floor,
        "SQL of a full build, beside one hand-written script for the same tables (= 1)",
        [million(line) for line in beside],
        [line["floor_ratio"] for line in beside],
        [OURS_COLOUR] * len(beside),
        " ×",
    )
    draw_goal(floor, GOALS["floor_ratio"])
    draw_bars(
        next_day,
        "SQL of the next day's build, beside the full build (= 1)",
        [million(line) for line in builds],
        [line["next_day_sql_ratio"] for line in builds],
        [OURS_COLOUR] * len(builds),
        " ×",
    )
    draw_goal(next_day, GOALS["next_day_sql_ratio"])
    seconds = {
        step["name"]: compare_peers.median_seconds(largest, step["name"])
        for step in largest["steps"]
    }
    names = sorted(seconds, key=seconds.__getitem__)
    ours = (compare_peers.ALONE, compare_peers.OURS)
    draw_bars(
        alone,
        f"Seconds to scores and classes of {largest['purchases'] / 1e6:.1f} million purchases",
        [f"this project, {name}" if name in ours else name for name in names],
        [seconds[name] for name in names],
        [OURS_COLOUR if name in ours else OTHER_COLOUR for name in names],
        " s",
    )
    # words stay words, and the same figures give the same file
    plt.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "critical-customers"}
    chart.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(chart, metadata={"Date": None} if chart.suffix == ".svg" else None, dpi=120)
    plt.close(figure)


@click.command()
@click.option("--fast", is_flag=True, help="1 million transactions once, and nothing written down.")
@click.option(
    "--measure/--no-measure",
    "measures",
    default=True,
    help="Without measuring, the chart is drawn from what was measured before.",
)
@click.option(
    "--environments",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the peers' environments are made, and kept; a temporary folder otherwise.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DOCS / "results.jsonl",
    help="Where lines are added; docs/benchmarks/results.jsonl by default.",
)
@click.option(
    "--chart",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DOCS / "ratios.svg",
    help="Where the chart is drawn; docs/benchmarks/ratios.svg by default.",
)
def main(fast: bool, measures: bool, environments: Path | None, results: Path, chart: Path) -> None:
    """Measure this project beside the floor and its peers, write it down and draw it."""
    kept = ["--environments", str(environments)] if environments else []
    if fast or measures:
        compare_floor.main.main([], standalone_mode=False)
    if fast:
        smallest = str(min(BUILDS))
        measure_builds.main.main(["--customers", smallest, "--no-tests"], standalone_mode=False)
        compare_peers.main.main(["--customers", smallest, *kept], standalone_mode=False)
        return
    commands = [
        (measure_builds.main, "builds", customers, ["--no-tests", *options])
        for customers, options in BUILDS.items()
    ]
    commands += [
        (compare_peers.main, "peers", customers, [*kept, *options])
        for customers, options in PEERS.items()
    ]
    for one in commands if measures else []:
        line = measure(*one)
        results.parent.mkdir(parents=True, exist_ok=True)
        # each at once, as the next may take an hour
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    if not results.exists():
        raise click.ClickException(f"{results} does not exist yet; measure first")
    draw(read_results(results), chart)
    click.echo(f"{chart} is drawn.")


if __name__ == "__main__":
    main()
