"""Check that the floor is no shortcut: its marts are those of the models, row for row.

  python scripts/measure/compare_floor.py --customers 2000

Builds a demo bank with dbt and by floor.sql, and compares schema floor with schema marts. The
benchmark does so before it measures. Exit code 1 where a mart differs, with an example.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tempfile import TemporaryDirectory

import click
import duckdb
from build.run_dbt import DbtError, run_dbt
from demo.generate_demo import generate_demo
from load.delivery import load_delivery
from measure.build_floor import PROJECT_FOLDER, build_floor, connect_as_dbt

NO_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")


def names_of_marts() -> list[str]:
    """The marts of this project, by their files."""
    return sorted(path.stem for path in (PROJECT_FOLDER / "models" / "marts").rglob("*.sql"))


def differences(connection: duckdb.DuckDBPyConnection, marts: list[str]) -> dict[str, str]:
    """How the tables of schema floor differ from those of schema marts, by mart.

    Columns, their types and all rows must be equal; a mart without rows proves nothing and counts
    as a difference. Raises duckdb.Error where a table is missing.
    """
    found = {}
    for mart in marts:
        models, floor = (
            connection.execute(
                f"select column_name, column_type from (describe {schema}.{mart})"
            ).fetchall()
            for schema in ("marts", "floor")
        )
        if models != floor:
            odd = sorted(set(models) ^ set(floor)) or "they stand in another order"
            found[mart] = f"other columns: {odd}"
            continue
        if connection.execute(f"select count(*) from marts.{mart}").fetchone() == (0,):
            found[mart] = "no rows to compare"
            continue
        for one, other in (("marts", "floor"), ("floor", "marts")):
            rows = f"(from {one}.{mart} except all from {other}.{mart})"
            [(count, example)] = connection.execute(
                f"select count(*), cast(min(rows) as varchar) from {rows} as rows"
            ).fetchall()
            if count:
                found[mart] = f"{count:,} rows of schema {one} alone, such as {example}"
                break
    return found


def compare_floor(customers: int) -> dict[str, str]:
    """Build a demo bank both ways in a temporary folder; how the marts differ, by mart.

    Raises DbtError where dbt fails and duckdb.Error where the floor does.
    """
    with TemporaryDirectory() as place:
        folder = Path(place)
        warehouse = folder / "warehouse.duckdb"
        generate_demo(folder / "bank", customers=customers)
        load_delivery(folder / "bank" / "delivery", warehouse, input_name="bank")
        run_dbt("build", *NO_TESTS, warehouse=warehouse, target_folder=folder / "target")
        with connect_as_dbt(warehouse) as connection:
            build_floor(connection)
            return differences(connection, names_of_marts())


@click.command()
@click.option("--customers", type=click.IntRange(min=100), default=2_000, show_default=True)
def main(customers: int) -> None:
    """Compare the marts of the floor with those of the models."""
    try:
        found = compare_floor(customers)
    except (DbtError, duckdb.Error) as error:
        raise click.ClickException(str(error)) from error
    if found:
        told = "\n".join(f"  {mart}: {how}" for mart, how in found.items())
        raise click.ClickException(
            f"The floor makes other marts than the models:\n{told}\n"
            "Bring scripts/measure/floor.sql in line with the models, then measure."
        )
    click.echo("The marts of the floor are those of the models.")


if __name__ == "__main__":
    main()
