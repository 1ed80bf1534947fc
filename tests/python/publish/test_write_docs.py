"""The generated pages: up to date, made from the files that they name, and clear about a gap."""

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from publish import write_docs
from publish.write_docs import PROJECT_FOLDER, DocsError, main, outdated_pages, render_pages


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of all that the pages are made from, and of the pages."""
    shutil.copy(PROJECT_FOLDER / "dbt_project.yml", tmp_path)
    for folder in ("seeds", "models", "docs"):
        shutil.copytree(PROJECT_FOLDER / folder, tmp_path / folder)
    return tmp_path


def in_seed(name: str, column: str, value: str | None, of: str = "") -> Callable[[Path], None]:
    """Writes a value into the first row of a seed that has a code, or the first of all.

    Without a value the whole column goes.
    """

    def change(project: Path) -> None:
        [path] = project.rglob(f"{name}.csv")
        rows = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
        next(row for row in rows if not of or of in row.values())[column] = value
        names = [key for key in rows[0] if key != column or value is not None]
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, names, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)

    return change


def in_yaml(name: str, key: Callable[[Any], dict[str, Any]]) -> Callable[[Path], None]:
    """Writes another description into a YAML file; key finds what is described."""

    def change(project: Path) -> None:
        [path] = project.rglob(name)
        content = yaml.safe_load(path.read_text("utf-8"))
        key(content)["description"] = "Something else."
        path.write_text(yaml.safe_dump(content), "utf-8")

    return change


def in_project(pattern: str, new: str) -> Callable[[Path], None]:
    """Replaces the one line of dbt_project.yml that matches a pattern."""

    def change(project: Path) -> None:
        path = project / "dbt_project.yml"
        text, count = re.subn(pattern, new, path.read_text("utf-8"), flags=re.MULTILINE)
        assert count == 1
        path.write_text(text, "utf-8")

    return change


@pytest.mark.parametrize("page", write_docs.PAGES)
def test_a_page_is_up_to_date(page):
    outdated = [path.name for path in outdated_pages(PROJECT_FOLDER)]
    assert page not in outdated, "run python scripts/publish/write_docs.py"


@pytest.mark.parametrize(
    ("change", "pages"),
    [
        (in_seed("turning_point_types", "sentence_en", "Now."), ["rules.md"]),
        (in_seed("value_classes", "label_zh", "x"), ["rules.md"]),
        (in_seed("labels", "label_en", "x", of="at_risk"), ["rules.md"]),
        (in_seed("rejection_reasons", "fix_en", "x"), ["rules.md"]),
        (in_seed("transaction_types", "label_en", "x"), ["input_contract.md"]),
        (in_yaml("slipping.yml", lambda content: content["models"][0]), ["rules.md"]),
        (
            in_yaml("_raw__sources.yml", lambda content: content["sources"][0]["tables"][0]),
            ["input_contract.md"],
        ),
        (in_project("^  complaint_days: .*", "  complaint_days: 7"), ["rules.md", "settings.md"]),
        (in_project("^  # .*(?=\n  complaint_days:)", "  # else"), ["settings.md"]),
    ],
)
def test_a_page_follows_its_source(project, change, pages):
    before = render_pages(project)
    change(project)
    assert [name for name, text in render_pages(project).items() if text != before[name]] == pages


def test_a_sentence_has_letters_for_its_numbers(project):
    in_seed(
        "turning_point_types", "sentence_en", "{since}: {observed}, not {reference}", "slipping"
    )(project)
    in_seed("units", "many_en", "{n} long days", "days")(project)
    assert 'Reason: "a date: n long days, not m"' in render_pages(project)["rules.md"]


def test_a_setting_shows_what_the_registry_says(tmp_path):
    expected = {
        "{whole: [1, 3650], states: true}": ("a whole number from 1 to 3,650", True),
        "{whole: [1, 36500], or_null: true}": ("a whole number from 1 to 36,500 or `null`", False),
        "{number: [0, 0.5]}": ("a number from 0 to 0.5", False),
        "{one_of: [true, net, 1], states: true}": ("`true`, `net` or `1`", True),
        "{day: true, or_null: true}": ("a day, YYYY-MM-DD or `null`", False),
        "{number: [0, 1], below: s0}": ("a number from 0 to 1, below `s0`", False),
        "{time_zone: true}": ("an IANA time zone", False),
        "{branch_code: true}": ("branch code", False),
    }
    registry = "".join(f"    s{number}: {rule}\n" for number, rule in enumerate(expected))
    values = "".join(f"  s{number}: 1\n" for number in range(len(expected)))
    (tmp_path / "dbt_project.yml").write_text(
        f"vars:\n  other: 1\n  settings:\n{registry}{values}", "utf-8"
    )
    shown = [(one.allowed, one.states) for one in write_docs.read_settings(tmp_path)]
    assert shown == [(None, None), *expected.values()]


def test_a_setting_has_the_comment_above_it_and_its_section(tmp_path):
    (tmp_path / "dbt_project.yml").write_text(
        "vars:\n  # -- one ---\n  # first line,\n  # second line\n  a: 0.50\n\n"
        "  # alone\n\n  b: null\n  # -- two ---\n  # of two\n  c: x\n"
    )
    settings = write_docs.read_settings(tmp_path)
    assert [(one.name, one.default, one.comment, one.section) for one in settings] == [
        ("a", "0.50", "first line, second line", "one"),
        ("b", "null", "", "one"),
        ("c", "x", "of two", "two"),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (in_seed("labels", "code", "awake", "active"), r"relationship .*\(active, awake\)"),
        (
            in_seed("turning_point_types", "turning_point_type", "sliding", "slipping"),
            r"The turning-point type sliding needs one model sliding\.sql",
        ),
        (in_seed("value_classes", "strategy_code", "dance"), r"templates .*dance"),
        (in_seed("rejection_reasons", "fix_zh", None), r"templates .*fix_zh"),
        (
            lambda project: next(project.rglob("strategies.csv")).unlink(),
            r"seeds/ has 0 files strategies\.csv",
        ),
    ],
)
def test_a_gap_is_one_clear_error(project, change, message):
    change(project)
    with pytest.raises(DocsError, match=message):
        render_pages(project)


def test_check_fails_until_the_pages_are_written(project, monkeypatch):
    monkeypatch.setattr(write_docs, "PROJECT_FOLDER", project)
    (project / "docs" / "settings.md").unlink()
    (project / "docs" / "rules.md").write_text("Rules of yesterday.", "utf-8")
    checked = CliRunner().invoke(main, ["--check"])
    assert checked.exit_code == 1
    assert "Out of date: docs/rules.md, docs/settings.md; run" in checked.output
    assert CliRunner().invoke(main).exit_code == 0
    assert CliRunner().invoke(main, ["--check"]).exit_code == 0
