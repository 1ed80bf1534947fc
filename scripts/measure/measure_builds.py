"""Measure this project at any size: making the bank, loading, a full build, and the next day's.

  python scripts/measure/measure_builds.py --customers 20000 --customers 1000000
  python scripts/measure/measure_builds.py --customers 45000 --no-tests --repeat 3

Each step is a process of its own, so that its time and memory are its own. A build is told in three
ways: the whole command, the seconds in which its models and tests ran (on two threads, so that they
may add up to more than the command took), and the time from the start of the first model to the end
of the last. The latter is compared with the floor, one hand-written script that makes the same
marts from the same rows (floor.sql); without tests, which would run in between. Full build and
floor take turns. Ratios are what to compare between machines.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from importlib.metadata import version
from statistics import median
from tempfile import TemporaryDirectory

import click
import duckdb
from rich import box
from rich.console import Console
from rich.table import Table

SCRIPTS = Path(__file__).resolve().parent.parent
PROJECT_FOLDER = SCRIPTS.parent
SLOWEST = 10
# beside the warehouse: what the last step printed
OUTPUT = "output.txt"


class StepError(Exception):
    """A step that failed; the text is the end of what it printed."""


@dataclass(frozen=True)
class Step:
    """What a process took.

    wall and processor time in seconds, the largest memory and the warehouse afterwards in bytes;
    seconds_by_kind and seconds_by_node only of a build: model, test, seed, and each by its name.
    sql_seconds is what a build's models took from the first start to the last end, and the floor's
    script.
    """

    name: str
    wall_seconds: float
    processor_seconds: float
    peak_memory_bytes: int
    warehouse_bytes: int = 0
    seconds_by_kind: Mapping[str, float] = field(default_factory=dict)
    seconds_by_node: Mapping[str, float] = field(default_factory=dict)
    sql_seconds: float | None = None


@dataclass(frozen=True)
class Measurement:
    """The steps of one size, with the number of raw transactions that the full build saw."""

    customers: int
    transactions: int
    steps: list[Step]
    versions: Mapping[str, str]

    def middle(self, name: str, value: Callable[[Step], float]) -> float:
        """The median of a value over the steps of a name."""
        return median(value(step) for step in self.steps if step.name == name)

    def ratio(self, value: Callable[[Step], float]) -> float:
        """A value of the next day's build beside that of the full one."""
        return self.middle("next day's build", value) / self.middle("full build", value)

    @property
    def ratios(self) -> dict[str, float]:
        """The next day's build beside the full one, and the full one's SQL beside the floor's."""
        ratios = {
            "next_day_ratio": self.ratio(lambda step: step.wall_seconds),
            "next_day_sql_ratio": self.ratio(lambda step: step.sql_seconds),
        }
        if any(step.name == "floor" for step in self.steps):
            ratios["floor_ratio"] = self.middle(
                "full build", lambda step: step.sql_seconds
            ) / self.middle("floor", lambda step: step.sql_seconds)
        return ratios


def run_step(
    name: str, command: Sequence[str], warehouse: Path, results: Path | None = None
) -> Step:
    """Run a command to its end. results: the run_results.json that it writes. Raises StepError."""
    environment = os.environ | {
        "CRITICAL_CUSTOMERS_WAREHOUSE": str(warehouse),
        "DBT_PROFILES_DIR": str(PROJECT_FOLDER),
    }
    with (warehouse.parent / OUTPUT).open("w+b") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=PROJECT_FOLDER, env=environment, stdout=output, stderr=output
        )
        # the usage of this one child, which "subprocess" does not give
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            tail = output.read().decode(errors="replace").strip().splitlines()[-20:]
            raise StepError(f"{name} failed:\n" + "\n".join(tail))
    by_node = seconds_by_node(results) if results else {}
    by_kind: dict[str, float] = {}
    for node, seconds in by_node.items():
        kind = node.split(".")[0]
        by_kind[kind] = by_kind.get(kind, 0) + seconds
    return Step(
        name,
        wall_seconds,
        usage.ru_utime + usage.ru_stime,
        # the kernel counts kilobytes, except on macOS
        usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        warehouse.stat().st_size if warehouse.exists() else 0,
        by_kind,
        by_node,
        models_seconds(results) if results else None,
    )


def seconds_by_node(results: Path) -> dict[str, float]:
    """Seconds by "kind.name" from a run_results.json of dbt."""
    nodes = json.loads(results.read_text(encoding="utf-8"))["results"]
    return {".".join(node["unique_id"].split(".")[:3:2]): node["execution_time"] for node in nodes}


def models_seconds(results: Path) -> float:
    """Seconds from the start of the first model to the end of the last, by a run_results.json."""
    times = [
        datetime.fromisoformat(part[end])
        for node in json.loads(results.read_text(encoding="utf-8"))["results"]
        if node["unique_id"].startswith("model.")
        for part in node["timing"]
        for end in ("started_at", "completed_at")
    ]
    return (max(times) - min(times)).total_seconds()


def measure(
    customers: int, folder: Path, with_tests: bool, repeat: int, with_floor: bool
) -> Measurement:
    """Make, load and build a bank of so many customers in a folder, then its next day.

    The full build and the floor run so many times, in turns, each on a copy of what was loaded.
    """
    bank, warehouse, target = folder / "bank", folder / "warehouse.duckdb", folder / "target"
    python = sys.executable

    def load(name: str, delivery: Path) -> Step:
        script = str(SCRIPTS / "load" / "load_raw.py")
        options = ["--warehouse", str(warehouse), "--input-name", "bank"]
        return run_step(name, [python, script, str(delivery), *options], warehouse)

    def build(name: str) -> Step:
        dbt = str(Path(python).parent / "dbt")
        what = ["build", "--exclude-resource-type", "unit_test"]
        if not with_tests:
            what += ["--exclude-resource-type", "test"]
        options = ["--quiet", "--target-path", str(target), "--log-path", str(target)]
        return run_step(name, [dbt, *what, *options], warehouse, target / "run_results.json")

    def floor(loaded: Path) -> Step:
        copy = folder / "by_hand.duckdb"
        shutil.copyfile(loaded, copy)
        script = str(SCRIPTS / "measure" / "build_floor.py")
        step = run_step("floor", [python, script, str(copy)], copy)
        told = json.loads((copy.parent / OUTPUT).read_text(encoding="utf-8"))
        copy.unlink()
        return replace(step, sql_seconds=told["seconds"], seconds_by_node=told["seconds_by_part"])

    generator = str(SCRIPTS / "demo" / "generate_demo.py")
    size = ["--customers", str(customers), "--then-days", "1"]
    steps = [run_step("making the bank", [python, generator, str(bank), *size], warehouse)]
    steps.append(load("loading", bank / "delivery"))
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        [(transactions,)] = connection.execute("select count(*) from raw.transactions").fetchall()
    loaded = warehouse.with_name("loaded.duckdb")
    warehouse.rename(loaded)
    for number in range(1, repeat + 1):
        if with_floor:
            steps.append(floor(loaded))
        if number < repeat:
            shutil.copyfile(loaded, warehouse)
        else:
            loaded.replace(warehouse)
        steps.append(build("full build"))
    [next_day] = sorted((bank / "days").iterdir())
    steps.append(load("loading the next day", next_day))
    steps.append(build("next day's build"))
    versions = {name: version(name) for name in ("dbt-core", "dbt-duckdb", "duckdb")}
    return Measurement(customers, transactions, steps, versions)


def day_and_machine() -> dict[str, object]:
    """When and where it was measured, for a line of results."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "measured_on": date.today().isoformat(),
        "cores": os.cpu_count(),
        "memory_bytes": memory,
    }


def short(seconds: float) -> str:
    """Seconds in a table: a decimal where it tells something."""
    return f"{seconds:,.0f}" if seconds >= 100 else f"{seconds:.1f}"


def show(measurement: Measurement, console: Console) -> None:
    """A table of the steps, the slowest nodes of both builds, and the ratios."""
    table = Table(
        title=f"{measurement.customers:,} customers, {measurement.transactions:,} transactions, "
        "seconds and GB",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for heading in ("step", "wall", "cpu", "peak", "file", "models", "tests", "SQL"):
        table.add_column(heading, justify="left" if heading == "step" else "right", no_wrap=True)
    for step in measurement.steps:
        kinds = [step.seconds_by_kind.get(kind) for kind in ("model", "test")]
        table.add_row(
            step.name,
            short(step.wall_seconds),
            short(step.processor_seconds),
            f"{step.peak_memory_bytes / 1e9:.1f}",
            f"{step.warehouse_bytes / 1e9:.1f}",
            *("" if one is None else short(one) for one in (*kinds, step.sql_seconds)),
        )
    console.print(table)
    for name in ("floor", "full build", "next day's build"):
        nodes = next((step.seconds_by_node for step in measurement.steps if step.name == name), {})
        if not nodes:
            continue
        slowest = sorted(nodes, key=nodes.__getitem__, reverse=True)[:SLOWEST]
        told = ", ".join(f"{node.split('.')[-1]} {nodes[node]:.1f}" for node in slowest)
        console.print(f"Slowest of the {name}: {told}", highlight=False)
    ratios = measurement.ratios
    if "floor_ratio" in ratios:
        console.print(
            f"The SQL of the full build takes {ratios['floor_ratio']:.2f} times the floor."
        )
    console.print(
        f"The next day's build takes {ratios['next_day_ratio']:.2f} of the full one, its SQL "
        f"{ratios['next_day_sql_ratio']:.2f}."
    )


@click.command()
@click.option("--customers", type=click.IntRange(min=100), multiple=True, default=[20_000])
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where banks and warehouses are made, and left; a temporary folder otherwise.",
)
@click.option("--tests/--no-tests", default=True, help="Run the data tests with the models.")
@click.option(
    "--floor/--no-floor", default=True, help="Measure the floor, which holds all dates in memory."
)
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How often the full build and the floor run; ratios are of medians.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add what was measured to this file, a line of JSON each.",
)
def main(
    customers: Sequence[int],
    folder: Path | None,
    tests: bool,
    floor: bool,
    repeat: int,
    results: Path | None,
) -> None:
    """Measure this project on demo banks of one or several sizes."""
    console = Console()
    for count in customers:
        place = folder / str(count) if folder else None
        if place and place.exists():
            raise click.ClickException(f"{place} exists; remove it or name another --folder")
        try:
            with nullcontext(place) if place else TemporaryDirectory() as where:
                Path(where).mkdir(parents=True, exist_ok=True)
                measurement = measure(count, Path(where), tests, repeat, floor)
        except StepError as error:
            raise click.ClickException(str(error)) from error
        show(measurement, console)
        if results:
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(measurement) | measurement.ratios) + "\n")


if __name__ == "__main__":
    main()
