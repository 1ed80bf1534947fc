"""Compare this project's recency, frequency and money with those of three Python packages.

  python scripts/measure/compare_peers.py
  python scripts/measure/compare_peers.py --customers 460000 --environments peers

The peers are openretailscience, lifetimes and pymc-marketing, each in an environment of its own
that is made from its lock (peers/*.lock). All begin with the same purchases of the demo bank, a row
each, not yet added up by day: a Parquet of those that lie in the window. Each is told in three
ways: the seconds of the computing, those of the whole command with its start, its imports and its
reading, and the processor's for that, which other work on the machine changes least. All take
turns; ratios are of medians.

This project is timed twice. "RFM alone" is its analysis rfm_alone, scores and classes in one
statement, run in DuckDB on the Parquet that the peers get: the same question on the same rows. "All
models" are those between staging and the view with scores and classes, and reading that view. They
do more than the peers: they need history_months of 1 or more, so they measure two as-of dates; they
read every staged row of two years and find the purchases of the window themselves, where the
Parquet holds nothing else, about a third of the rows, and is made outside the peers' time; they
know when each customer was first seen, and prepare what lifecycle and turning points ask for. They
write tables into a file; the others work in memory. Only transactions are loaded, as the peers know
nothing else. openretailscience and this project compute on every core, the other two on one. Both
of ours must tell the same of each customer.

The same run is an oracle: what the packages define as this project does must be the same for each
customer, or the command fails. Settings are chosen so that much is the same: four scores, as
pymc-marketing knows no other number, and gross amounts, as no peer knows returns. Then

- days since the last purchase, purchase days and their money agree with all three. lifetimes counts
  days after the first (frequency = purchase days - 1), tells recency from first to last purchase,
  and T from the first to the as-of date; both it and pymc-marketing tell money as a mean per
  purchase day, lifetimes without the first day. openretailscience counts different transaction_id,
  which are days here.
- openretailscience's scores are ntiles from 0, good is high, and a tie is broken by customer_id.
  Ours keep ties together: each customer has the score that ntile gives to the one of the tie at
  its bad end, and a tie that begins within one customer of the edge of an ntile may differ by 1,
  as ntiles are cut at customers and ours at values in between.
- pymc-marketing's scores of recency and frequency are quartiles of values as ours, unless two
  cut points are equal: it then has fewer scores, and they are not compared. Its score of money is
  of the mean per purchase day, which is another question, and is not compared either.
- No peer knows the eight value classes; theirs are timed with ours and not compared.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import click
import duckdb
import numpy as np
import pandas as pd
from measure.measure_builds import OUTPUT, SCRIPTS, Step, StepError, run_step
from rich.console import Console
from rich.table import Table

PEERS_FOLDER = Path(__file__).with_name("peers")
OURS, ALONE = "all models", "RFM alone"
# the name of a peer's package, and of its files
PEERS = {
    "openretailscience": "openretailscience",
    "lifetimes": "lifetimes",
    "pymc-marketing": "pymc_marketing",
}
# how the two sides are told; the last two are of a whole command
TOLD = {"computing": "sql_seconds", "whole": "wall_seconds", "processor": "processor_seconds"}
AS_OF_DATE = "2026-09-18"
WINDOW_DAYS = 365
SCORES = 4
VARIABLES = {
    "as_of_date": AS_OF_DATE,
    "history_months": 1,
    "rfm_window_days": WINDOW_DAYS,
    "rfm_frequency_unit": "purchase_days",
    "rfm_monetary_basis": "gross",
    "rfm_score_method": "quantile",
    "rfm_score_bins": SCORES,
}
# what has no purchases in it, and stays empty here
OTHER_ACTIVITY = ["daily_interactions", "daily_feedback", "daily_mentions"]
IN_WINDOW = f"""
activity_date <= date '{AS_OF_DATE}'
and activity_date > date '{AS_OF_DATE}' - interval {WINDOW_DAYS} days
"""
PURCHASES = f"""
copy (
    select source_customer_id as customer_id, activity_date, cast(amount as double) as amount
    from staging.stg_transactions
    where record_status = 'accepted' and is_purchase and {IN_WINDOW}
) to '{{path}}' (format parquet)
"""
FIRST_DAYS = f"""
select
    customer_id,
    date '{AS_OF_DATE}' - min(activity_date) as first_purchase_days,
    cast(arg_min(gross_amount, activity_date) as double) as first_day_amount
from activity.daily_purchases
where purchase_count > 0 and {IN_WINDOW}
group by customer_id
"""


class DisagreementError(Exception):
    """Customers of whom a peer says something else; the text names some."""


@dataclass(frozen=True)
class Agreement:
    """How many customers were compared in one metric with one peer, and some that differ."""

    peer: str
    metric: str
    customers: int
    differing: int
    examples: list[str]


@dataclass(frozen=True)
class Comparison:
    """The steps of all repetitions, and what was compared.

    transactions were loaded, purchases were given to each peer. A step's sql_seconds are those of
    the computing, its seconds_by_node the parts of a whole command.
    """

    customers: int
    transactions: int
    purchases: int
    steps: list[Step]
    agreements: list[Agreement]
    versions: Mapping[str, str]

    def middle(self, name: str, value: str) -> float:
        """The median of a value over the steps of a name. Raises StatisticsError without any."""
        return median(getattr(step, value) for step in self.steps if step.name == name)

    @property
    def ratios(self) -> dict[str, dict[str, dict[str, float]]]:
        """By ours and peer: the seconds of ours over the peer's, told in the ways of TOLD."""
        names = dict.fromkeys(step.name for step in self.steps)
        return {
            ours: {
                peer: {
                    told: self.middle(ours, value) / self.middle(peer, value)
                    for told, value in TOLD.items()
                }
                for peer in names
                if peer in PEERS
            }
            for ours in (ALONE, OURS)
        }


def median_seconds(line: Mapping[str, Any], name: str) -> float:
    """The median seconds of computing under a name, of a line of the results file."""
    return median(step["sql_seconds"] for step in line["steps"] if step["name"] == name)


# -- environments ---------------------------------------------------------------------------------


def make_environment(peer: str, folder: Path, uv: Path | None = None) -> Path:
    """The Python of a peer's environment in a folder, made from its lock or kept if it is that.

    Raises StepError where it cannot be made.
    """
    lock = PEERS_FOLDER / f"{PEERS[peer]}.lock"
    uv = uv or Path(sys.executable).with_name("uv")
    place = folder / PEERS[peer]
    python, installed = place / "bin" / "python", place / ".installed"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if installed.exists() and installed.read_text(encoding="utf-8") == digest and python.exists():
        return python
    if not uv.exists():
        raise StepError(f"There is no {uv} to install {peer} with; run this after: make env")
    environment = dict(os.environ)
    for ours, pips in (("UV_DEFAULT_INDEX", "PIP_INDEX_URL"), ("SSL_CERT_FILE", "PIP_CERT")):
        if pips in environment:
            environment.setdefault(ours, environment[pips])
    sync = [str(uv), "pip", "sync", "--quiet", "--python", str(python), "--require-hashes"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(place)],
        [*sync, "--compile-bytecode", str(lock)],
    ):
        ended = subprocess.run(command, env=environment, capture_output=True, text=True)
        if ended.returncode != 0:
            told = "\n".join((ended.stdout + ended.stderr).strip().splitlines()[-10:])
            raise StepError(
                f"The environment of {peer} cannot be made in {place}:\n{told}\n"
                "See that the package index can be reached (pip's PIP_INDEX_URL and PIP_CERT are "
                f"followed) and has what {lock.name} names, or leave {peer} out with --peer."
            )
    installed.write_text(digest, encoding="utf-8")
    return python


# -- agreement ------------------------------------------------------------------------------------


def same(ours: pd.Series, theirs: pd.Series) -> pd.Series:
    """Whether numbers are the same but for the rounding of sums; nothing is not the same."""
    return pd.Series(np.isclose(ours, theirs, rtol=1e-9, atol=1e-3), index=ours.index)


def score_of_ntile(values: pd.Series, ntile: pd.Series, best: str) -> tuple[pd.Series, pd.Series]:
    """For each customer, the ntile (from 0) of the bad end of its tie, and if that is near an edge.

    best: "high" or "low", which values score best. Near: the first of the tie, counted from the bad
    end, is the first or last of an ntile, so that a cut in between may lie on its other side.
    """
    count = len(values)
    size, larger = divmod(count, SCORES)
    begins = [number * size + min(number, larger) for number in range(1, SCORES)]
    # ties of low-is-best values begin, from the bad end, at the largest rank counted downwards
    if best == "high":
        edge = values.rank(method="min") - 1
        score = ntile.groupby(values).transform("min")
    else:
        # here scores rise from the largest value; a tie shares the score of its last customer
        edge = count - values.rank(method="min")
        score = ntile.groupby(values).transform("max")
    near = pd.concat([(edge - begin).abs() <= 1 for begin in begins], axis=1).any(axis=1)
    return score, near


def agrees_with_ntile(values: pd.Series, ours: pd.Series, ntile: pd.Series, best: str) -> pd.Series:
    """Whether scores from 1 that keep ties together are what ntiles from 0 say; see the top."""
    score, near = score_of_ntile(values, ntile, best)
    difference = (ours - 1 - score).abs()
    return (difference == 0) | (near & (difference == 1))


def has_equal_cuts(values: pd.Series) -> bool:
    """Whether two cut points of the scores, or one and an end of the values, are equal."""
    edges = values.quantile(np.linspace(0, 1, SCORES + 1))
    return edges.duplicated().any()


def check_openretailscience(both: pd.DataFrame) -> dict[str, pd.Series]:
    """Whether each customer agrees, by metric; columns of ours as they are, of theirs "their_"."""
    told = {
        "recency": same(both.recency_days, both.their_recency_days),
        "frequency": same(both.frequency_count, both.their_frequency),
        "money": same(both.monetary_amount, both.their_monetary),
    }
    for metric, column, letter, best in (
        ("recency score", "recency_days", "r", "low"),
        ("frequency score", "frequency_count", "f", "high"),
        ("money score", "monetary_amount", "m", "high"),
    ):
        ours = both[metric.replace(" ", "_").replace("money", "monetary")]
        told[metric] = agrees_with_ntile(both[column], ours, both[f"their_{letter}_score"], best)
    return told


def check_lifetimes(both: pd.DataFrame) -> dict[str, pd.Series]:
    """The same for lifetimes."""
    repeated = both.their_monetary_value * both.their_frequency
    return {
        "frequency": same(both.frequency_count - 1, both.their_frequency),
        "recency": same(both.first_purchase_days - both.recency_days, both.their_recency),
        "T": same(both.first_purchase_days, both.their_T),
        "money": same(both.monetary_amount - both.first_day_amount, repeated),
    }


def check_pymc_marketing(both: pd.DataFrame) -> dict[str, pd.Series]:
    """The same for pymc-marketing; its rfm_score is a text of three digits."""
    total = both.their_monetary_value * both.their_frequency
    told = {
        "recency": same(both.recency_days, both.their_recency),
        "frequency": same(both.frequency_count, both.their_frequency),
        "money": same(both.monetary_amount, total),
    }
    digits = both.their_rfm_score.astype("string")
    for position, (metric, column) in enumerate(
        (("recency_score", "recency_days"), ("frequency_score", "frequency_count"))
    ):
        if not has_equal_cuts(both[column]):
            theirs = pd.to_numeric(digits.str[position], errors="coerce").astype(float)
            told[metric.replace("_", " ")] = same(both[metric], theirs)
    return told


CHECKS = {
    "openretailscience": check_openretailscience,
    "lifetimes": check_lifetimes,
    "pymc-marketing": check_pymc_marketing,
}


def compare_customers(peer: str, ours: pd.DataFrame, theirs: pd.DataFrame) -> list[Agreement]:
    """What a peer says of each customer beside what we say, a row a customer on both sides.

    First who is there at all, then the metrics of those who are on both sides. Raises KeyError
    where a peer's result lacks a column.
    """
    every = ours.merge(
        theirs.add_prefix("their_").rename(columns={"their_customer_id": "customer_id"}),
        on="customer_id",
        how="outer",
        indicator=True,
        validate="one_to_one",
    )
    both = every[every["_merge"] == "both"].reset_index(drop=True)
    checked = {"customers": (every, every["_merge"] == "both")}
    checked |= {metric: (both, agrees) for metric, agrees in CHECKS[peer](both).items()}
    return [
        Agreement(
            peer,
            metric,
            len(rows),
            int((~agrees).sum()),
            rows.customer_id[~agrees].sort_values().head(3).tolist(),
        )
        for metric, (rows, agrees) in checked.items()
    ]


def require_agreement(agreements: Sequence[Agreement]) -> None:
    """Raise DisagreementError where a customer differs, or where none was compared."""
    wrong = [
        f"{one.peer}, {one.metric}: {one.differing:,} of {one.customers:,} customers differ, "
        f"among them {', '.join(one.examples)}"
        if one.customers
        else f"{one.peer}, {one.metric}: there was no customer to compare"
        for one in agreements
        if one.differing or not one.customers
    ]
    if wrong:
        raise DisagreementError("\n".join(wrong))


# -- measuring ------------------------------------------------------------------------------------


def last_line_told(folder: Path) -> dict[str, Any]:
    """The line of JSON among what the last step printed. Raises StepError where there is none."""
    printed = (folder / OUTPUT).read_text(encoding="utf-8", errors="replace").splitlines()
    told = [line for line in printed if line.startswith("{")]
    if not told:
        raise StepError("no line of JSON was printed:\n" + "\n".join(printed[-20:]))
    return json.loads(told[-1])


def run_ours(prepared: Path, target: Path, result: Path) -> tuple[Step, pd.DataFrame]:
    """Build on a copy of a prepared warehouse from staging to scores; the step, and the customers.

    The customers: the columns of critical_customers_rfm.py with first_purchase_days, the days since
    the first purchase in the window, and first_day_amount, that day's money.
    """
    warehouse = prepared.with_name("warehouse.duckdb")
    shutil.copyfile(prepared, warehouse)
    dbt = [*dbt_command("run", target), "--select", "+int_rfm_segments"]
    dbt += ["--exclude", "path:models/staging", *OTHER_ACTIVITY]
    built = run_step(OURS, dbt, warehouse, target / "run_results.json")
    script = str(PEERS_FOLDER / "critical_customers_rfm.py")
    command = [sys.executable, script, str(warehouse), str(result), "--as-of-date", AS_OF_DATE]
    read = run_step(OURS, command, warehouse)
    told = last_line_told(warehouse.parent)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        first_days = connection.execute(FIRST_DAYS).df()
    warehouse.unlink()
    step = replace(
        built,
        wall_seconds=built.wall_seconds + read.wall_seconds,
        processor_seconds=built.processor_seconds + read.processor_seconds,
        peak_memory_bytes=max(built.peak_memory_bytes, read.peak_memory_bytes),
        sql_seconds=built.sql_seconds + told["seconds"],
        seconds_by_node={**built.seconds_by_node, "reading the states": told["seconds"]},
    )
    states = pd.read_parquet(result)
    states["monetary_amount"] = states["monetary_amount"].astype(float)
    return step, states.merge(first_days, on="customer_id", how="left", validate="one_to_one")


def check_alone(ours: pd.DataFrame, alone: pd.DataFrame) -> list[Agreement]:
    """What the analysis says of each customer beside what the models say."""
    both = ours.merge(alone, on="customer_id", how="outer", suffixes=("", "_alone"))
    columns = [column for column in alone.columns if column != "customer_id"]
    agrees = {column: both[column] == both[f"{column}_alone"] for column in columns}
    agrees["monetary_amount"] = same(both["monetary_amount"], both["monetary_amount_alone"])
    return [
        Agreement(
            ALONE,
            column.replace("_", " "),
            len(both),
            int((~agree).sum()),
            both.customer_id[~agree].sort_values().head(3).tolist(),
        )
        for column, agree in agrees.items()
    ]


def run_peer(
    peer: str, python: Path, purchases: Path, result: Path
) -> tuple[Step, dict[str, Any], pd.DataFrame]:
    """Run a peer, or our analysis, on a Parquet of purchases.

    The step, the line that it printed, and its customers.
    """
    script = str(PEERS_FOLDER / (f"{PEERS[peer]}_rfm.py" if peer in PEERS else "rfm_alone.py"))
    command = [str(python), script, str(purchases), str(result), "--as-of-date", AS_OF_DATE]
    step = run_step(peer, command, result.with_name("no_warehouse"))
    told = last_line_told(result.parent)
    parts = {"reading": told["reading_seconds"], "computing": told["seconds"]}
    step = replace(step, sql_seconds=told["seconds"], seconds_by_node=parts)
    return step, told, pd.read_parquet(result)


def dbt_command(what: str, target: Path) -> list[str]:
    """A dbt command with the settings of the comparison, to be followed by a selection."""
    dbt = str(Path(sys.executable).parent / "dbt")
    options = ["--quiet", "--target-path", str(target), "--log-path", str(target)]
    return [dbt, what, *options, "--vars", json.dumps(VARIABLES)]


def prepare(customers: int, folder: Path, target: Path) -> tuple[Path, Path]:
    """A warehouse with the staged transactions of a demo bank, and a Parquet of its purchases."""
    bank, delivery, warehouse = folder / "bank", folder / "delivery", folder / "warehouse.duckdb"
    size = ["--customers", str(customers), "--end-date", AS_OF_DATE]
    made = [sys.executable, str(SCRIPTS / "demo" / "generate_demo.py"), str(bank), *size]
    run_step("making the bank", made, warehouse)
    delivery.mkdir()
    (bank / "delivery" / "transactions.parquet").rename(delivery / "transactions.parquet")
    shutil.rmtree(bank)
    loaded = [sys.executable, str(SCRIPTS / "load" / "load_raw.py"), str(delivery)]
    loaded += ["--warehouse", str(warehouse), "--input-name", "bank"]
    run_step("loading", loaded, warehouse)
    shutil.rmtree(delivery)
    staged = [*dbt_command("build", target), "--exclude-resource-type", "test", "unit_test"]
    staged += [
        "--select",
        "path:seeds",
        "path:models/staging",
        "path:models/identity",
        *OTHER_ACTIVITY,
    ]
    run_step("staging", staged, warehouse)
    compiled = [*dbt_command("compile", target), "--select", "rfm_alone"]
    run_step("compiling", compiled, warehouse)
    [query] = (target / "compiled").rglob("rfm_alone.sql")
    shutil.copyfile(query, folder / query.name)
    prepared, purchases = folder / "prepared.duckdb", folder / "purchases.parquet"
    warehouse.rename(prepared)
    with duckdb.connect(str(prepared), read_only=True) as connection:
        connection.execute(PURCHASES.format(path=purchases))
    return prepared, purchases


def count_rows(prepared: Path, purchases: Path) -> tuple[int, int]:
    """How many transactions were loaded, and how many purchases the peers are given."""
    with duckdb.connect(str(prepared), read_only=True) as connection:
        [(loaded,)] = connection.execute("select count(*) from raw.transactions").fetchall()
        [(given,)] = connection.execute(f"select count(*) from '{purchases}'").fetchall()
    return loaded, given


def compare(customers: int, folder: Path, pythons: Mapping[str, Path], repeat: int) -> Comparison:
    """Prepare a bank of so many customers in a folder; run this project and each peer in turns.

    pythons: of each peer that takes part. Every repetition's results are compared. Raises
    StepError.
    """
    target = folder / "target"
    prepared, purchases = prepare(customers, folder, target)
    transactions, rows = count_rows(prepared, purchases)
    versions = {name: version(name) for name in ("dbt-core", "dbt-duckdb", "duckdb")}
    steps: list[Step] = []
    agreements: list[Agreement] = []
    for _ in range(repeat):
        step, ours = run_ours(prepared, target, folder / "ours.parquet")
        steps.append(step)
        result = folder / "rfm_alone.parquet"
        step, _, alone = run_peer(ALONE, Path(sys.executable), purchases, result)
        steps.append(step)
        agreements = check_alone(ours, alone)
        for peer, python in pythons.items():
            result = folder / f"{PEERS[peer]}.parquet"
            step, told, theirs = run_peer(peer, python, purchases, result)
            steps.append(step)
            versions[peer] = told["version"]
            agreements += compare_customers(peer, ours, theirs)
        if any(one.differing for one in agreements):
            break
    return Comparison(customers, transactions, rows, steps, agreements, versions)


# -- telling --------------------------------------------------------------------------------------


def show(comparison: Comparison, console: Console) -> None:
    """The ratios, a table of the medians, and a table of the agreement."""
    ratios = comparison.ratios
    for peer, ratio in ratios[ALONE].items():
        console.print(
            f"RFM alone computes in {ratio['computing']:.2f} times the seconds of {peer}, all "
            f"models in {ratios[OURS][peer]['computing']:.2f} times."
        )
    table = Table(
        title=f"{comparison.customers:,} customers, {comparison.transactions:,} transactions, "
        f"{comparison.purchases:,} purchases in the window",
        title_justify="left",
    )
    for heading in ("", "version", "computing s", "whole s", "processor s", "peak GB"):
        table.add_column(heading, justify="right" if heading[-2:] in (" s", "GB") else "left")
    for name in dict.fromkeys(step.name for step in comparison.steps):
        table.add_row(
            name,
            comparison.versions.get(name, ""),
            *(f"{comparison.middle(name, value):.2f}" for value in TOLD.values()),
            f"{comparison.middle(name, 'peak_memory_bytes') / 1e9:.2f}",
        )
    console.print(table)
    table = Table(title="Agreement with all models, customer by customer", title_justify="left")
    for heading in ("who", "of", "compared", "differing"):
        table.add_column(heading, justify="left" if heading in ("who", "of") else "right")
    for one in comparison.agreements:
        table.add_row(one.peer, one.metric, f"{one.customers:,}", f"{one.differing:,}")
    console.print(table)


@click.command()
@click.option("--customers", type=click.IntRange(min=100), default=45_000, show_default=True)
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How often each runs, in turns; ratios are of medians.",
)
@click.option(
    "--peer",
    "peers",
    type=click.Choice(list(PEERS)),
    multiple=True,
    default=list(PEERS),
    help="A peer that takes part; all by default.",
)
@click.option(
    "--environments",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the peers' environments are made, and kept; a temporary folder otherwise.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add what was measured to this file, a line of JSON.",
)
def main(
    customers: int,
    repeat: int,
    peers: Sequence[str],
    environments: Path | None,
    results: Path | None,
) -> None:
    """Compare this project's scores with three packages, in time and customer by customer."""
    console = Console()
    try:
        with (
            nullcontext(environments) if environments else TemporaryDirectory() as where,
            TemporaryDirectory() as folder,
        ):
            # a relative path would be looked for from the project's folder
            place = Path(where).absolute()
            place.mkdir(parents=True, exist_ok=True)
            pythons = {peer: make_environment(peer, place) for peer in dict.fromkeys(peers)}
            comparison = compare(customers, Path(folder), pythons, repeat)
        # written first and whatever it says, as the measuring took long
        if results:
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(comparison) | {"ratios": comparison.ratios}) + "\n")
        show(comparison, console)
        require_agreement(comparison.agreements)
    except (StepError, DisagreementError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
