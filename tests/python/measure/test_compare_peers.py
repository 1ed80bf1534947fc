"""The comparison with other packages: what it computes, what it catches, and what it says."""

from __future__ import annotations

import json
import re
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from measure import compare_peers
from measure.compare_peers import (
    ALONE,
    OURS,
    PEERS,
    PEERS_FOLDER,
    Agreement,
    Comparison,
    DisagreementError,
    agrees_with_ntile,
    check_alone,
    compare,
    compare_customers,
    has_equal_cuts,
    last_line_told,
    main,
    make_environment,
    require_agreement,
)
from measure.measure_builds import OUTPUT, Step, StepError

# -- ratios ---------------------------------------------------------------------------------------


def step(name: str, computing: float, whole: float) -> Step:
    processor = whole * (1 if name == OURS else 2)
    return Step(name, whole, processor, 1_000_000_000, sql_seconds=computing)


COMPARISON = Comparison(
    customers=200,
    transactions=4_000,
    purchases=1_500,
    steps=[
        *(step(OURS, computing, 10) for computing in (2, 3, 10)),
        *(step(ALONE, 0.5, 1) for _ in range(3)),
        *(step("lifetimes", computing, 4) for computing in (1, 1.5, 2)),
        *(step("pymc-marketing", 6, whole) for whole in (20, 20, 80)),
    ],
    agreements=[Agreement("lifetimes", "recency", 180, 0, [])],
    versions={"lifetimes": "0.11.3"},
)


def test_ratios_are_of_medians_and_more_is_slower():
    assert COMPARISON.ratios[OURS] == {
        "lifetimes": {"computing": 2, "whole": 2.5, "processor": 1.25},
        "pymc-marketing": {"computing": 0.5, "whole": 0.5, "processor": 0.25},
    }
    assert COMPARISON.ratios[ALONE]["pymc-marketing"] == {
        "computing": pytest.approx(1 / 12),
        "whole": 0.05,
        "processor": 0.05,
    }


# -- what a command printed -----------------------------------------------------------------------


def test_the_line_of_figures_is_found_among_warnings(tmp_path):
    printed = 'FutureWarning: {soon}\n{"seconds": 1.5, "customers": 3}\nend of all warnings\n'
    (tmp_path / OUTPUT).write_text(printed, encoding="utf-8")
    assert last_line_told(tmp_path) == {"seconds": 1.5, "customers": 3}


def test_a_command_without_figures_is_an_error(tmp_path):
    (tmp_path / OUTPUT).write_text("nothing to read\n", encoding="utf-8")
    with pytest.raises(StepError, match="no line of JSON was printed:\nnothing to read"):
        last_line_told(tmp_path)


# -- agreement ------------------------------------------------------------------------------------


@pytest.fixture
def customers() -> pd.DataFrame:
    """Eight customers with different values: two of each score, from bad to good."""
    scores = [1, 1, 2, 2, 3, 3, 4, 4]
    days = np.arange(8)
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in days],
            "recency_days": 80 - 10 * days,
            "frequency_count": days + 1,
            "monetary_amount": 100.25 * (days + 1),
            "recency_score": scores,
            "frequency_score": scores,
            "monetary_score": scores,
            "first_purchase_days": 80 + days,
            "first_day_amount": 100.25,
        }
    )


@pytest.fixture
def peer_rows(customers) -> dict[str, pd.DataFrame]:
    """What each peer says of them, by its own definitions, in another order."""
    scores = customers.recency_score
    repeated = customers.frequency_count - 1
    by_peer = {
        "openretailscience": {
            "recency_days": customers.recency_days,
            "frequency": customers.frequency_count,
            "monetary": customers.monetary_amount + 1e-9,
            **{f"{letter}_score": scores - 1 for letter in "rfm"},
        },
        "lifetimes": {
            "frequency": repeated.astype(float),
            "recency": customers.first_purchase_days - customers.recency_days,
            "T": customers.first_purchase_days,
            "monetary_value": np.where(repeated > 0, 100.25, 0.0),
        },
        "pymc-marketing": {
            "frequency": customers.frequency_count.astype(float),
            "recency": customers.recency_days.astype(float),
            "monetary_value": 100.25,
            "rfm_score": [f"{score}{score}1" for score in scores],
        },
    }
    return {
        peer: pd.DataFrame({"customer_id": customers.customer_id, **columns})
        .sort_values("customer_id", ascending=False)
        .reset_index(drop=True)
        for peer, columns in by_peer.items()
    }


METRICS = {
    "openretailscience": [
        *("recency", "frequency", "money"),
        *("recency score", "frequency score", "money score"),
    ],
    "lifetimes": ["frequency", "recency", "T", "money"],
    "pymc-marketing": ["recency", "frequency", "money", "recency score", "frequency score"],
}


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_that_says_the_same_agrees(customers, peer_rows, peer):
    agreements = compare_customers(peer, customers, peer_rows[peer])
    assert [(one.metric, one.customers, one.differing) for one in agreements] == [
        (metric, 8, 0) for metric in ["customers", *METRICS[peer]]
    ]
    require_agreement(agreements)


PLANTED = [
    ("openretailscience", "recency_days", 21, "recency"),
    ("openretailscience", "frequency", 8, "frequency"),
    ("openretailscience", "monetary", 701.76, "money"),
    ("openretailscience", "r_score", 1, "recency score"),
    ("openretailscience", "f_score", 1, "frequency score"),
    ("openretailscience", "m_score", 1, "money score"),
    ("lifetimes", "frequency", 7, "frequency"),
    ("lifetimes", "recency", 67, "recency"),
    ("lifetimes", "T", np.nan, "T"),
    ("lifetimes", "monetary_value", 100.26, "money"),
    ("pymc-marketing", "recency", 19, "recency"),
    ("pymc-marketing", "frequency", 6, "frequency"),
    ("pymc-marketing", "monetary_value", np.nan, "money"),
    ("pymc-marketing", "rfm_score", "341", "recency score"),
    ("pymc-marketing", "rfm_score", "431", "frequency score"),
]


@pytest.mark.parametrize(("peer", "column", "value", "metric"), PLANTED)
def test_a_planted_difference_is_caught_and_named(
    customers, peer_rows, peer, column, value, metric
):
    theirs = peer_rows[peer]
    theirs.loc[theirs.customer_id == "c6", column] = value
    agreements = compare_customers(peer, customers, theirs)
    differing = {one.metric: one for one in agreements if one.differing}
    assert metric in differing
    # a frequency is also what the amount is computed from, and a score may stand for a whole tie
    assert set(differing) <= {metric, "money"} and "c6" in differing[metric].examples
    with pytest.raises(DisagreementError, match=f"{peer}, {metric}: 1 of 8 customers differ"):
        require_agreement(agreements)


@pytest.mark.parametrize("peer", PEERS)
def test_a_customer_whom_one_side_does_not_know_is_caught(customers, peer_rows, peer):
    agreements = compare_customers(peer, customers[1:], peer_rows[peer][1:])
    assert (agreements[0].customers, agreements[0].differing) == (8, 2)
    assert agreements[0].examples == ["c0", "c7"]
    with pytest.raises(
        DisagreementError, match="customers: 2 of 8 customers differ, among them c0"
    ):
        require_agreement(agreements)


def test_no_customers_are_no_agreement(customers, peer_rows):
    agreements = compare_customers("lifetimes", customers[:0], peer_rows["lifetimes"][:0])
    with pytest.raises(DisagreementError, match="there was no customer to compare"):
        require_agreement(agreements)


def test_every_peer_has_a_planted_difference_in_every_metric():
    planted = {(peer, metric) for peer, _, _, metric in PLANTED}
    assert planted == {(peer, metric) for peer, metrics in METRICS.items() for metric in metrics}


# -- scores ---------------------------------------------------------------------------------------


def scores_by_value(values: pd.Series, best: str) -> pd.Series:
    """Scores 1 to 4 that keep ties together: one more for each quartile strictly below."""
    below = sum((values > values.quantile(share)).astype(int) for share in (0.25, 0.5, 0.75))
    return 1 + below if best == "high" else 4 - below


def ntiles(values: pd.Series, best: str, order: np.ndarray) -> pd.Series:
    """ntile(4) - 1 of the values from bad to good, ties in a given order: by dealing out."""
    keys = values.to_numpy() if best == "high" else -values.to_numpy()
    ranked = np.lexsort((order, keys))
    parts = np.array_split(ranked, 4)
    ntile = np.empty(len(values), dtype=int)
    for number, part in enumerate(parts):
        ntile[part] = number
    return pd.Series(ntile, index=values.index)


@pytest.mark.parametrize("best", ["high", "low"])
@pytest.mark.parametrize("largest", [2, 6, 40, 1_000_000])
def test_scores_agree_with_ntiles_whatever_the_ties_and_their_order(best, largest):
    random = np.random.default_rng(largest)
    for count in [*range(4, 40), 1_001, 1_002, 1_003, 1_004]:
        values = pd.Series(random.integers(1, largest, count, endpoint=True))
        ntile = ntiles(values, best, random.permutation(count))
        ours = scores_by_value(values, best)
        assert agrees_with_ntile(values, ours, ntile, best).all(), (count, values.tolist())


@pytest.mark.parametrize("best", ["high", "low"])
def test_a_score_turned_round_or_shifted_does_not_agree(best):
    values = pd.Series(np.random.default_rng(1).integers(1, 30, 500))
    ours, ntile = scores_by_value(values, best), ntiles(values, best, np.arange(500))
    assert agrees_with_ntile(values, ours, ntile, best).all()
    for wrong in (5 - ours, ours.clip(upper=3), ours.clip(lower=2)):
        agrees = agrees_with_ntile(values, wrong, ntile, best)
        assert not agrees[wrong != ours].all()


def test_a_tie_broken_by_splitting_it_does_not_agree():
    """Ten customers of which six are tied across an edge: ours must give all six one score."""
    values = pd.Series([1, 2, 3, 3, 3, 3, 3, 3, 4, 5])
    ntile = ntiles(values, "high", np.arange(10))
    assert ntile.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]
    agrees = agrees_with_ntile(values, ntile + 1, ntile, "high")
    assert agrees.tolist() == [True] * 6 + [False] * 2 + [True] * 2


@pytest.mark.parametrize(
    ("values", "equal"),
    [(range(9), False), ([1, 1, 1, 1, 2, 3, 4, 5], True), ([1, 2, 3, 4, 5, 5, 5, 5], True)],
)
def test_cut_points_that_are_equal_are_seen(values, equal):
    assert has_equal_cuts(pd.Series(values)) == equal


def test_scores_that_a_peer_merges_are_not_compared(customers, peer_rows):
    customers["frequency_count"] = [1, 1, 1, 1, 2, 3, 4, 5]
    agreements = compare_customers("pymc-marketing", customers, peer_rows["pymc-marketing"])
    metrics = [one.metric for one in agreements]
    assert "recency score" in metrics and "frequency score" not in metrics


# -- environments ---------------------------------------------------------------------------------


def fake_uv(folder: Path, script: str) -> Path:
    uv = folder / "uv"
    uv.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    uv.chmod(uv.stat().st_mode | stat.S_IXUSR)
    return uv


def test_without_the_installer_one_is_told_what_to_run(tmp_path):
    with pytest.raises(StepError, match="to install lifetimes with; run this after: make env"):
        make_environment("lifetimes", tmp_path, tmp_path / "uv")


def test_an_environment_that_cannot_be_installed_says_why_and_what_to_do(tmp_path):
    uv = fake_uv(tmp_path, "echo no such host >&2; exit 2")
    with pytest.raises(StepError) as error:
        make_environment("pymc-marketing", tmp_path, uv)
    for part in (
        "no such host",
        "PIP_INDEX_URL",
        "pymc_marketing.lock",
        "leave pymc-marketing out",
    ):
        assert part in str(error.value)


def test_an_environment_is_kept_until_its_lock_changes(tmp_path, monkeypatch):
    locks = tmp_path / "locks"
    locks.mkdir()
    (locks / "lifetimes.lock").write_text("lifetimes==1\n", encoding="utf-8")
    monkeypatch.setattr(compare_peers, "PEERS_FOLDER", locks)
    calls = tmp_path / "calls"
    uv = fake_uv(tmp_path, f'echo "$@" >> {calls}')
    environments = tmp_path / "environments"
    python = make_environment("lifetimes", environments, uv)
    assert python.exists() and python == make_environment("lifetimes", environments, uv)
    [call] = calls.read_text(encoding="utf-8").splitlines()
    assert "--require-hashes" in call and call.endswith("lifetimes.lock")
    assert str(python) in call
    (locks / "lifetimes.lock").write_text("lifetimes==2\n", encoding="utf-8")
    make_environment("lifetimes", environments, uv)
    assert len(calls.read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize("peer", PEERS)
def test_a_lock_holds_what_was_asked_for_with_hashes_and_no_address(peer):
    lock = (PEERS_FOLDER / f"{PEERS[peer]}.lock").read_text(encoding="utf-8")
    asked = (PEERS_FOLDER / f"{PEERS[peer]}.in").read_text(encoding="utf-8").split()
    assert any(line.startswith(f"{peer}==") for line in asked)
    pins = re.findall(r"^(\S+==[^\s;]+)(.*(?:\n    .*)*)", lock, re.MULTILINE)
    assert set(asked) <= {pin for pin, _ in pins}
    assert all("--hash=sha256:" in rest for _, rest in pins)
    assert "://" not in lock and "index" not in lock


# -- the whole ------------------------------------------------------------------------------------

# lifetimes' function in the fewest words, for a test without the package
STAND_IN = """
import pandas as pd

def summary_data_from_transaction_data(
    rows, customer, day, monetary_value_col, observation_period_end
):
    days = rows.groupby([customer, day], as_index=False)[monetary_value_col].sum()
    days = days.sort_values([customer, day])
    customers = days.groupby(customer)
    first, last = customers[day].min(), customers[day].max()
    repeated = days[days.duplicated(customer)]
    return pd.DataFrame(
        {
            "frequency": customers.size() - 1.0,
            "recency": (last - first).dt.days,
            "T": (pd.Timestamp(observation_period_end) - first).dt.days,
            "monetary_value": repeated.groupby(customer)[monetary_value_col].mean(),
        }
    ).fillna({"monetary_value": 0})
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Puts a package that takes the place of lifetimes where Python finds it."""
    package, metadata = tmp_path / "lifetimes", tmp_path / "lifetimes-0.dist-info"
    package.mkdir()
    metadata.mkdir()
    (package / "__init__.py").touch()
    (package / "utils.py").write_text(STAND_IN, encoding="utf-8")
    text = "Metadata-Version: 2.1\nName: lifetimes\nVersion: 0\n"
    (metadata / "METADATA").write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(compare_peers, "make_environment", lambda *_: Path(sys.executable))


@pytest.mark.usefixtures("stand_in")
def test_a_small_bank_is_compared_from_making_it_to_the_ratios(tmp_path):
    results = tmp_path / "results.jsonl"
    asked = ["--customers", "150", "--peer", "lifetimes", "--results", str(results)]
    result = CliRunner().invoke(main, asked, env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    assert result.output.startswith("RFM alone computes in ")
    [measured] = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    ours, alone, theirs = measured["steps"]
    assert (ours["name"], alone["name"], theirs["name"]) == (OURS, ALONE, "lifetimes")
    assert 0 < alone["sql_seconds"] < alone["wall_seconds"]
    assert measured["ratios"][OURS]["lifetimes"] == {
        "computing": pytest.approx(ours["sql_seconds"] / theirs["sql_seconds"]),
        "whole": pytest.approx(ours["wall_seconds"] / theirs["wall_seconds"]),
        "processor": pytest.approx(ours["processor_seconds"] / theirs["processor_seconds"]),
    }
    timed = {node.removeprefix("model.") for node in ours["seconds_by_node"]}
    assert {"daily_purchases", "int_rfm_thresholds", "int_rfm_segments"} <= timed
    assert "reading the states" in timed and "stg_transactions" not in timed
    assert 0 < ours["sql_seconds"] < ours["wall_seconds"]
    assert theirs["sql_seconds"] == theirs["seconds_by_node"]["computing"]
    by_peer = {
        peer: [one["metric"] for one in measured["agreements"] if one["peer"] == peer]
        for peer in (ALONE, "lifetimes")
    }
    assert by_peer["lifetimes"] == ["customers", *METRICS["lifetimes"]]
    assert {"monetary amount", "monetary score", "value class"} <= set(by_peer[ALONE])
    assert {one["differing"] for one in measured["agreements"]} == {0}
    assert 100 < measured["agreements"][0]["customers"] <= 150
    assert 0 < measured["purchases"] < measured["transactions"]
    assert measured["versions"]["lifetimes"] == "0"


@pytest.mark.parametrize("column", ["recency_days", "monetary_amount", "value_class"])
def test_the_analysis_that_says_something_else_is_caught(column):
    ours = pd.DataFrame(
        {
            "customer_id": ["c1", "c2"],
            "recency_days": [1, 2],
            "monetary_amount": [10.0, 20.0],
            "value_class": ["lost", "new"],
            "first_purchase_days": [9, 9],
        }
    )
    alone = ours.drop(columns="first_purchase_days")
    assert {one.differing for one in check_alone(ours, alone)} == {0}
    planted = alone.copy()
    planted.loc[1, column] = planted.loc[0, column]
    [wrong] = [one for one in check_alone(ours, planted) if one.differing]
    assert (wrong.metric, wrong.differing) == (column.replace("_", " "), 1)
    assert wrong.examples == ["c2"]
    missing = check_alone(ours, alone.iloc[:1])
    assert {one.differing for one in missing} == {1}


def test_a_difference_ends_the_comparison(tmp_path, monkeypatch, customers, peer_rows):
    """Two repetitions agree, the third does not, and there is no fourth."""
    wrong = peer_rows["lifetimes"].assign(recency=99)
    answers = iter([peer_rows["lifetimes"], peer_rows["lifetimes"], wrong])
    figures = {"version": "0"}
    monkeypatch.setattr(compare_peers, "prepare", lambda *_: (tmp_path, tmp_path))
    monkeypatch.setattr(compare_peers, "count_rows", lambda *_: (10, 5))
    monkeypatch.setattr(compare_peers, "run_ours", lambda *_: (step(OURS, 1, 1), customers))

    def run_peer(peer, *_):
        alone = customers[["customer_id", "recency_days", "monetary_amount"]]
        return step(peer, 1, 1), figures, alone if peer == ALONE else next(answers)

    monkeypatch.setattr(compare_peers, "run_peer", run_peer)
    comparison = compare(8, tmp_path, {"lifetimes": Path(sys.executable)}, repeat=9)
    assert [one.name for one in comparison.steps] == [OURS, ALONE, "lifetimes"] * 3
    with pytest.raises(DisagreementError, match="lifetimes, recency: 8 of 8 customers differ"):
        require_agreement(comparison.agreements)


def test_a_comparison_that_differs_is_kept_and_fails(tmp_path, monkeypatch):
    differing = replace(COMPARISON, agreements=[Agreement("lifetimes", "T", 180, 1, ["c7"])])
    monkeypatch.setattr(compare_peers, "make_environment", lambda *_: Path(sys.executable))
    monkeypatch.setattr(compare_peers, "compare", lambda *_: differing)
    results = tmp_path / "results.jsonl"
    result = CliRunner().invoke(main, ["--results", str(results)], env={"COLUMNS": "120"})
    assert result.exit_code == 1
    assert "lifetimes, T: 1 of 180 customers differ, among them c7" in result.output
    assert json.loads(results.read_text(encoding="utf-8"))["agreements"][0]["differing"] == 1
