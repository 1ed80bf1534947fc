"""dbt in this process: the project is parsed once for all commands, warehouses and vars."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from build.docs import main as docs_command
from build.run_dbt import PROJECT_FOLDER, DbtError, parse_project, run_dbt
from click.testing import CliRunner
from dbt.contracts.graph.manifest import Manifest
from warehouses import parsed_project

# another value of each var that could decide what a model refers to or how it is stored
OTHER_VARS: dict[str, Any] = {
    "business_timezone": "UTC",
    "base_currency": "GBP",
    "as_of_date": "2026-01-31",
    "history_months": 3,
    "history_lag_months": 1,
    "negative_amount_is_return": True,
    "rfm_window_days": None,
    "rfm_frequency_unit": "orders",
    "rfm_monetary_basis": "gross",
    "rfm_score_method": "fixed",
    "rfm_score_bins": 3,
    "value_class_reference": "fixed",
    "churn_after_days": None,
}


def parts(manifest: Manifest) -> dict[str, Any]:
    """What dbt runs by: nodes, hooks, macros and sources, without when they were parsed."""
    found = {}
    for kind in ("nodes", "unit_tests", "macros", "sources"):
        for name, part in getattr(manifest, kind).items():
            found[name] = part.to_dict()
            del found[name]["created_at"]
            # which macros a model called says nothing about how it runs
            found[name].get("depends_on", {}).pop("macros", None)
    return found


def test_the_project_is_parsed_alike_whatever_the_vars_are(target_folder, tmp_path):
    """Commands share one parsed project, so no var may decide what it holds."""
    declared = yaml.safe_load((PROJECT_FOLDER / "dbt_project.yml").read_text(encoding="utf-8"))
    assert OTHER_VARS.keys() <= declared["vars"].keys()
    assert all(OTHER_VARS[name] != declared["vars"][name] for name in OTHER_VARS)
    default = parts(parsed_project(target_folder))
    other = parts(
        run_dbt(
            "parse",
            warehouse=tmp_path / "warehouse.duckdb",
            variables=OTHER_VARS,
            target_folder=tmp_path,
        ).result
    )
    assert default.keys() == other.keys()
    assert [name for name in default if default[name] != other[name]] == []


def full_parses(log: str) -> int:
    return log.count("Unable to do partial parsing")


def test_commands_on_other_warehouses_with_other_vars_parse_once(tmp_path):
    listed = [
        run_dbt(
            *("list", "--select", "slipping"),
            warehouse=tmp_path / folder / "warehouse.duckdb",
            variables=variables,
            target_folder=tmp_path,
        ).result
        for folder, variables in (("a", None), ("b", {"base_currency": "GBP"}), ("a", None))
    ]
    assert listed[0] == listed[1] == listed[2]
    log = (tmp_path / "parsed" / "dbt.log").read_text(encoding="utf-8")
    assert full_parses(log) == 1, log
    # the commands themselves parse nothing
    assert full_parses((tmp_path / "dbt.log").read_text(encoding="utf-8")) == 0


def test_a_project_that_cannot_be_parsed_is_an_error(tmp_path):
    (tmp_path / "project").mkdir()
    for name, text in (
        ("dbt_project.yml", "name: broken\nprofile: critical_customers\nmodel-paths: [models]\n"),
        ("profiles.yml", (PROJECT_FOLDER / "profiles.yml").read_text(encoding="utf-8")),
    ):
        (tmp_path / "project" / name).write_text(text, encoding="utf-8")
    models = tmp_path / "project" / "models"
    models.mkdir()
    (models / "lost.sql").write_text("select * from {{ ref('nowhere') }}", encoding="utf-8")
    with pytest.raises(DbtError, match="nowhere"):
        parse_project("warehouse.duckdb", tmp_path / "parsed", tmp_path / "project")


def test_the_documentation_is_one_page_and_leaves_the_warehouse_as_it_is(demo_warehouse, tmp_path):
    before = demo_warehouse.path.stat()
    result = CliRunner().invoke(docs_command, [str(demo_warehouse.path), "--target", str(tmp_path)])
    assert result.exit_code == 0, result.output
    page = (tmp_path / "static_index.html").read_text(encoding="utf-8")
    assert "become the list of customers" in page
    assert "Whom to act on now" in page
    # a type that only the catalog of the warehouse has
    assert "DECIMAL(18,4)" in page
    after = demo_warehouse.path.stat()
    # otherwise the next build would not know that nothing is new
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
