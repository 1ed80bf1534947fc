"""README's example is what the summary shows of the demo bank of the tests today."""

import re

import pytest
from click.testing import CliRunner
from publish.write_readme_example import BEGIN, END, README, ExampleError, main, with_example


def test_the_example_in_readme_is_current(demo_warehouse, tmp_path):
    copy = tmp_path / "README.md"
    copy.write_bytes(README.read_bytes())
    result = CliRunner().invoke(main, [str(demo_warehouse.path), "--readme", str(copy)])
    assert result.exit_code == 0, result.output
    assert copy.read_text(encoding="utf-8") == README.read_text(encoding="utf-8"), (
        "The example in README.md is out of date. Run: make build CUSTOMERS=2000, then python "
        "scripts/publish/write_readme_example.py warehouse/demo_bank/warehouse.duckdb"
    )


def test_the_example_names_the_first_of_the_list_and_is_narrow(demo_warehouse):
    block = README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    [(customer_id, amount)] = demo_warehouse.rows(
        "select customer_id, value_at_stake_amount from marts.critical_customers "
        "where criticality_rank = 1"
    )
    [first] = re.findall(r"^ *1  (\S+) .* at stake ([\d,]+) CNY$", block, re.MULTILINE)
    assert first == (customer_id, f"{round(amount):,}")
    shown = block.partition("```")[2].splitlines()
    assert max(map(len, shown)) <= 80


@pytest.mark.parametrize("text", ["", BEGIN, END + BEGIN, BEGIN + END + END])
def test_a_readme_without_both_markers_is_refused(text):
    with pytest.raises(ExampleError, match="one <!-- example --> and one <!-- /example -->"):
        with_example(text, "block")
