"""Write the example in README.md, between <!-- example --> and <!-- /example -->.

It shows the first of the most critical customers of a demo bank as make build does.
tests/python/publish/test_write_readme_example.py says when it is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from io import StringIO

import click
from build.progress import make_progress
from build.warehouse_file import WarehouseFile
from rich.console import Console

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- example -->", "<!-- /example -->"
# a window that most people have, and room for a look at README without scrolling
COLUMNS = 80
CUSTOMERS_SHOWN = 2


class ExampleError(Exception):
    """An example that cannot be written; the text says why, and how to fix it."""


def example(warehouse: Path) -> str:
    """The example of a built demo bank, a block of Markdown. Raises duckdb.Error."""
    # imported here, because they take longer than a person should wait for the first line
    import duckdb
    from publish.show_summary import most_critical

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        shown = list(most_critical(connection, "en", CUSTOMERS_SHOWN))
        [(customers,)] = connection.execute("select count(*) from marts.customers").fetchall()
    text = StringIO()
    Console(file=text, width=COLUMNS, color_system=None).print(*shown, sep="\n")
    lines = [line.rstrip() for line in text.getvalue().strip().splitlines()]
    command = f"`make build CUSTOMERS={customers}`"
    said = f"The top of the list in a demo bank of {customers:,} customers ({command}):"
    return "\n".join([said, "", "```", *lines, "```"])


def with_example(text: str, block: str) -> str:
    """The text of README with this example in the place of the one it has.

    Raises ExampleError unless each marker is there once, in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or text.count(BEGIN) + text.count(END) != 2:
        raise ExampleError(f"Mark the place of the example by one {BEGIN} and one {END} after it.")
    return f"{before}{BEGIN}\n{block}\n{END}{after}"


@click.command()
@click.argument("warehouse", type=WarehouseFile())
@click.option(
    "--readme",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=README,
    help="The file to write into.  [default: README.md of the project]",
)
def main(warehouse: Path, readme: Path) -> None:
    """Write the example of the demo bank in the file WAREHOUSE into README.md."""
    with make_progress(Console(stderr=True)) as progress:
        progress.add_task(f"reading {warehouse}", total=None)
        import duckdb

        try:
            text = with_example(readme.read_text(encoding="utf-8"), example(warehouse))
        except ExampleError as error:
            raise click.ClickException(f"{readme}: {error}") from error
        except duckdb.Error as error:
            raise click.ClickException(
                f"{warehouse} cannot be read as a built warehouse: {error}"
            ) from error
    readme.write_text(text, encoding="utf-8")
    click.echo(f"{readme} has the example of {warehouse}.")


if __name__ == "__main__":
    main()
