"""The command that loads a delivery."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from load import load_raw
from small_deliveries import HEADER, ROW, write, write_parquet

ROOT = Path(__file__).resolve().parents[3]


def test_the_command_prints_a_summary(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    write(folder, "notes.csv", "a")
    arguments = [str(folder), "--warehouse", str(warehouse), "--loaded-at", "2026-01-02"]
    result = CliRunner().invoke(load_raw.main, arguments)
    assert result.exit_code == 0
    assert "input shop" in result.stdout
    assert "transactions" in result.stdout
    assert result.stderr.splitlines() == [
        f"Loading {folder} into {warehouse}",
        "Warning: Files that make no table were passed over: notes.csv.",
    ]
    again = CliRunner().invoke(load_raw.main, arguments)
    assert "Already loaded: transactions.csv." in again.stderr


def test_the_command_fails_with_one_sentence(folder, warehouse):
    environment = os.environ | {"COLUMNS": "80"}
    script = ROOT / "scripts/load/load_raw.py"
    result = subprocess.run(
        [sys.executable, script, folder / "nowhere", "--warehouse", warehouse],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"Loading {folder / 'nowhere'} into {warehouse}",
        f"Error: There is no folder {folder / 'nowhere'}.",
    ]


def run_python(code: str, *arguments: Path) -> str:
    """What Python prints in a process of its own, in which scripts/ can be imported."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return done.stdout


def test_the_first_line_does_not_wait_for_the_slow_imports():
    code = "import sys; from load import load_raw; print(*sys.modules)"
    imported = set(run_python(code).split())
    assert "click" in imported
    assert not imported & {"duckdb", "pydantic", "rich", "yaml", "charset_normalizer", "dbt"}


def test_loading_into_duckdb_needs_no_pandas(folder, warehouse):
    write(folder, "transactions_1.csv", HEADER, ROW.replace("c1", "José"))
    columns = "'t2' transaction_id, 'c1' customer_id, now() occurred_at, 1 amount"
    write_parquet(
        folder, "transactions_2.parquet", f"select {columns}, 'purchase' as transaction_type"
    )
    code = (
        "import sys; sys.modules |= dict.fromkeys(['pandas', 'pyarrow', 'numpy', 'dbt'])"
        "; from load.delivery import load_delivery; from pathlib import Path"
        "; print(load_delivery(*map(Path, sys.argv[1:])).rows['transactions'])"
    )
    assert run_python(code, folder, warehouse) == "2\n"


def test_names_are_shown_as_they_are(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    arguments = [str(folder), "--warehouse", str(warehouse), "--input-name", "[/]shop"]
    result = CliRunner().invoke(load_raw.main, arguments)
    assert result.exit_code == 0
    assert "input [/]shop" in result.stdout
