"""Write the demo bank: deliveries as a bank's systems would export them, with the truth beside them.

OUTPUT/delivery/            transactions, customers, interactions, feedback, social_mentions
OUTPUT/truth.parquet        customer_id, archetype, turning_point_type: what the marts should find at the end date
OUTPUT/planted_dirt.parquet table_name, reason_code, row_count: what staging should find in delivery/
OUTPUT/days/DATE/           with --then-days: what arrives on the days after the end date, all but one of them
OUTPUT/planted_changes.parquet
                            delivered_on, table_name, change, row_count: new, late, corrected, deleted, updated

Who the customers are stands in scripts/demo/archetypes.csv, the rest of the bank in the other files beside it; the
numbered SQL files there make the rows. Every number is a hash of the seed, the customer and a purpose, so that the
same arguments give the same rows on any machine, and more days never change the history.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import click
import duckdb
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

DEMO_FOLDER = Path(__file__).resolve().parent / "demo"
EXCHANGE_RATES = Path(__file__).resolve().parent.parent / "seeds" / "exchange_rates.csv"
# each table of the delivery and its key
TABLES = {
    "transactions": "transaction_id",
    "customers": "customer_id",
    "interactions": "interaction_id",
    "feedback": "feedback_id",
    "social_mentions": "mention_id",
}
# columns that the steps need and no delivery has
HIDDEN_COLUMNS = {"customer_number", "activity_date", "arrived_on", "change"}
FORMATS = {"parquet": "format parquet, compression zstd", "csv": "format csv, header"}
# the share of a table's rows that dirt adds
DIRT_SHARE = 0.008
# the year before the last 90 days, and a month to begin in
FEWEST_MONTHS = 16
MOST_MONTHS = 120
MOST_CUSTOMERS = 20_000_000
MOST_DAYS = 366


class DemoError(Exception):
    """A demo that cannot be made. The text is one sentence: what is wrong, and the mend."""


def generate_demo(
    output: Path | str,
    customers: int = 20_000,
    seed: int = 7,
    end_date: date = date(2026, 9, 18),
    months: int = 24,
    then_days: int = 0,
    file_format: str = "parquet",
    with_dirt: bool = True,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write the demo bank into a folder and return the rows of each delivered table, days included.

    end_date is the last complete business day, months how long the history is, then_days how many days follow it.
    An earlier demo in the folder is replaced. Raises DemoError on arguments that make no sense, and where the folder
    holds a delivery that is no demo.
    """
    output = Path(output)
    check_arguments(customers, seed, end_date, months, then_days, file_format)
    clear_output(output)
    progress = progress or Progress(disable=True)
    steps = progress.add_task("people", total=2 + len(TABLES) + then_days)
    with tempfile.TemporaryDirectory(dir=output) as spill, duckdb.connect() as connection:
        connection.execute(f"set temp_directory = {literal(spill)}")
        connection.execute("set memory_limit = '4GB'")
        connection.execute("set TimeZone = 'UTC'")
        read_settings(connection, customers, seed, end_date, months, then_days)
        for script in sorted(DEMO_FOLDER.glob("[1-5]_*.sql")):
            connection.execute(script.read_text(encoding="utf-8"))
        write_truth(connection, output)
        progress.advance(steps)
        row_counts = {}
        for table in TABLES:
            progress.update(steps, description=table)
            row_counts[table] = write_delivery(
                connection, table, output / "delivery", file_format, with_dirt
            )
            progress.advance(steps)
        write_planted(connection, "planted_dirt", output)
        progress.advance(steps)
        if then_days:
            progress.update(steps, description="days")
            connection.execute((DEMO_FOLDER / "6_days.sql").read_text(encoding="utf-8"))
            for days_later in range(1, then_days + 1):
                day = end_date + timedelta(days=days_later)
                for table, count in write_day(connection, day, output, file_format).items():
                    row_counts[table] += count
                progress.advance(steps)
            write_planted(connection, "planted_changes", output)
    return row_counts


def check_arguments(
    customers: int, seed: int, end_date: date, months: int, then_days: int, file_format: str
) -> None:
    """Raise DemoError on the first argument that makes no sense."""
    for name, value, least, most in (
        ("customers", customers, 1, MOST_CUSTOMERS),
        ("seed", seed, 0, 2**62),
        ("months", months, FEWEST_MONTHS, MOST_MONTHS),
        ("then_days", then_days, 0, MOST_DAYS),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise DemoError(
                f"{name} must be a whole number from {least} to {most:,}, got {value!r}."
            )
    if not isinstance(end_date, date) or isinstance(end_date, datetime):
        raise DemoError(f"end_date must be a date, got {end_date!r}.")
    # customers are known for up to nine years and were born up to 75 years before
    if not date(2005, 1, 1) <= end_date <= date(2100, 1, 1):
        raise DemoError(f"end_date must lie between 2005-01-01 and 2100-01-01, got {end_date}.")
    if file_format not in FORMATS:
        raise DemoError(f"file_format must be {' or '.join(FORMATS)}, got {file_format!r}.")


def clear_output(output: Path) -> None:
    """Make the folder and remove an earlier demo from it, and nothing else.

    Raises DemoError where it holds a delivery without the truth of a demo beside it, or is no folder.
    """
    if output.exists() and not output.is_dir():
        raise DemoError(f"{output} is a file; name a folder.")
    folders = [output / "delivery", output / "days"]
    planted = [output / "planted_dirt.parquet", output / "planted_changes.parquet"]
    if not (output / "truth.parquet").exists() and any(folder.exists() for folder in folders):
        raise DemoError(f"{output} holds a delivery that is no demo; name another folder.")
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    for file in planted:
        file.unlink(missing_ok=True)
    output.mkdir(parents=True, exist_ok=True)


def read_settings(
    connection: duckdb.DuckDBPyConnection,
    customers: int,
    seed: int,
    end_date: date,
    months: int,
    then_days: int,
) -> None:
    """Give the SQL its variables and the lists of the demo folder."""
    last_date = end_date + timedelta(days=then_days)
    # one day in the middle brings nothing; its rows come with the next
    silent_date = end_date + timedelta(days=(then_days + 1) // 2) if then_days >= 3 else None
    connection.execute(
        f"""
        set variable seed = cast({seed} as bigint);
        set variable customers = cast({customers} as bigint);
        set variable end_date = date '{end_date}';
        set variable history_from = cast(date '{end_date}' + interval 1 day - interval {months} month as date);
        set variable previous_month_end = cast(date_trunc('month', date '{end_date}') - interval 1 day as date);
        set variable last_date = date '{last_date}';
        set variable silent_date = cast({literal(silent_date)} as date);
        """
    )
    read_list(connection, "archetypes", "share: 'decimal(6, 4)', turn: 'varchar'")
    connection.execute(
        "create or replace table archetypes as select row_number() over () as position, * from archetypes"
    )
    read_list(connection, "products", "own_channel: 'varchar'")
    read_list(connection, "seasons", "first_day: 'varchar', last_day: 'varchar'")
    read_list(connection, "spring_festivals", "festival_date: 'date'")
    read_list(connection, "interactions", "weight: 'integer'")
    read_list(connection, "choices", "choice: 'varchar', weight: 'integer'")
    connection.execute(
        f"""
        alter table interactions rename to interaction_kinds;
        insert into choices
        select coalesce(direction, 'inbound'), interaction_code, weight from interaction_kinds;

        set variable choices = (
            select map_from_entries(list((list_name, entries) order by list_name))
            from (
                select list_name, list(choice order by choice, copy) as entries
                from (select list_name, choice, unnest(range(weight)) as copy from choices)
                group by list_name
            )
        );
        set variable rates = (
            select map_from_entries(list((from_currency, cast(rate as double)) order by from_currency))
            from read_csv({literal(EXCHANGE_RATES)})
        );

        create table dirt as
        select row_number() over (partition by table_name) - 1 as number, *
        from read_csv({literal(DEMO_FOLDER / "dirt.csv")}, all_varchar = true);
        create table planted_dirt (table_name varchar, reason_code varchar, row_count bigint);
        create table planted_changes (delivered_on date, table_name varchar, change varchar, row_count bigint);
        """
    )


def read_list(connection: duckdb.DuckDBPyConnection, name: str, types: str) -> None:
    """Make a table of a CSV file of the demo folder; types are those that its values do not show."""
    file = literal(DEMO_FOLDER / f"{name}.csv")
    connection.execute(
        f"""
        create table {name} as
        select * from read_csv(
            {file}, header = true, types = {{{types}}},
            auto_type_candidates = ['boolean', 'integer', 'double', 'varchar']
        )
        """
    )


def write_truth(connection: duckdb.DuckDBPyConnection, output: Path) -> None:
    """Write who the customers are, without the newcomers of the days after the history."""
    connection.execute(
        f"""
        copy (
            select customer_id, archetype, turning_point_type
            from people
            where customer_number <= getvariable('customers')
            order by customer_number
        ) to {literal(output / "truth.parquet")} ({FORMATS["parquet"]})
        """
    )


def write_delivery(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    folder: Path,
    file_format: str,
    with_dirt: bool,
) -> int:
    """Write one table of the history and return how many rows it has."""
    columns = ", ".join(delivered_columns(connection, f"all_{table}"))
    rows = f"""
        select {columns}, getvariable('end_date') + interval 17 hour as loaded_at
        from all_{table}
        where arrived_on = getvariable('end_date')
    """
    if with_dirt:
        spoil_rows(connection, table)
        rows += f"union all select {columns}, loaded_at from dirty_{table}"
    return copy_rows(connection, rows, folder / f"{table}.{file_format}", file_format)


def spoil_rows(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make dirty_TABLE: spoiled copies of clean rows, one line of dirt.csv after the other, and count them.

    Only a part of the customers is looked at, as all of a large bank need not be made twice; a small table gets
    fewer than one copy for each line.
    """
    key = TABLES[table]
    spoiled_columns = ",\n".join(
        f"""
        case
            when dirt.column_name = '{column}' then replace(
                replace(dirt.wrong_value, '{{value}}', coalesce(picked.{column}, '')),
                '{{tomorrow}}', cast(getvariable('end_date') + 2 as varchar)
            )
            else picked.{column}{" || case when dirt.keeps_key = 'true' then '' else 'X' end" if column == key else ""}
        end as {column}"""
        for column in delivered_columns(connection, f"all_{table}")
    )
    connection.execute(
        f"""
        set variable sampled_customers = least(
            getvariable('customers'), greatest(20000, getvariable('customers') // 10)
        );

        create table dirty_{table} as
        with

        clean_rows as (
            select *
            from all_{table}
            where arrived_on = getvariable('end_date') and customer_number <= getvariable('sampled_customers')
        ),

        lines as (
            select count(*) as line_count from dirt where table_name = '{table}'
        ),

        planned as (
            select
                cast(least(
                    count(*) // 10,
                    lines.line_count * ceil(
                        count(*)
                        * (getvariable('customers') / getvariable('sampled_customers'))
                        * {DIRT_SHARE} / lines.line_count
                    )
                ) as bigint) as dirty_count,
                lines.line_count
            from clean_rows
            cross join lines
            group by lines.line_count
        ),

        ordered as (
            select
                clean_rows.*,
                row_number() over (order by chance(customer_number, 'dirt ' || {key}, 0), {key}) - 1 as place
            from clean_rows
        ),

        picked as (
            select ordered.*, ordered.place % planned.line_count as number
            from ordered
            cross join planned
            where ordered.place < planned.dirty_count
        )

        select {spoiled_columns},
            getvariable('end_date')
            + interval 17 hour - cast(dirt.hours_earlier as integer) * interval 1 hour as loaded_at,
            dirt.reason_code
        from picked
        inner join dirt on picked.number = dirt.number and dirt.table_name = '{table}'
        order by picked.place;

        insert into planted_dirt
        select '{table}', reason_code, count(*) from dirty_{table} group by reason_code;
        """
    )


def write_day(
    connection: duckdb.DuckDBPyConnection, day: date, output: Path, file_format: str
) -> dict[str, int]:
    """Write what arrives on a day after the history; a table without rows, or a day, has no file."""
    folder = output / "days" / day.isoformat()
    row_counts = {}
    for table in TABLES:
        later = f"later_{table}"
        if not connection.execute(
            "select count(*) from duckdb_tables() where table_name = ?", [later]
        ).fetchone()[0]:
            continue
        changes = connection.execute(
            f"select date '{day}', '{table}', change, count(*) from {later} where arrived_on = date '{day}' group by all"
        ).fetchall()
        if not changes:
            continue
        connection.executemany("insert into planted_changes values (?, ?, ?, ?)", changes)
        columns = ", ".join(delivered_columns(connection, later))
        row_counts[table] = copy_rows(
            connection,
            f"select {columns}, timestamp '{day} 17:00:00' as loaded_at from {later} where arrived_on = date '{day}'",
            folder / f"{table}.{file_format}",
            file_format,
        )
    return row_counts


def write_planted(connection: duckdb.DuckDBPyConnection, name: str, output: Path) -> None:
    """Write what was planted, to be found again."""
    connection.execute(
        f"copy (from {name} order by all) to {literal(output / f'{name}.parquet')} ({FORMATS['parquet']})"
    )


def copy_rows(
    connection: duckdb.DuckDBPyConnection, rows: str, path: Path, file_format: str
) -> int:
    """Write the rows of a query to a file and return how many they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return connection.execute(
        f"copy ({rows}) to {literal(path)} ({FORMATS[file_format]})"
    ).fetchone()[0]


def delivered_columns(connection: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """The columns of a table or view that go into a delivery, in order."""
    described = connection.execute(f"describe {relation}").fetchall()
    return [column[0] for column in described if column[0] not in HIDDEN_COLUMNS]


def literal(value: object) -> str:
    """A value as an SQL text; None is null."""
    return "null" if value is None else "'" + str(value).replace("'", "''") + "'"


def summary(row_counts: dict[str, int], output: Path) -> Table:
    """The rows of each table, as a table."""
    table = Table("table", "rows", title=f"demo bank in {output}")
    table.columns[1].justify = "right"
    for name, count in row_counts.items():
        table.add_row(name, f"{count:,}")
    return table


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--customers", default=20_000, show_default=True, help="How many customers.")
@click.option("--seed", default=7, show_default=True, help="Another seed, another bank.")
@click.option(
    "--end-date",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2026-09-18",
    show_default=True,
    help="The last complete business day.",
)
@click.option("--months", default=24, show_default=True, help="How long the history is.")
@click.option("--then-days", default=0, show_default=True, help="Daily deliveries that follow it.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(list(FORMATS)),
    default="parquet",
    show_default=True,
)
@click.option("--clean", is_flag=True, help="Without the rows that staging must reject.")
def main(
    output: Path,
    customers: int,
    seed: int,
    end_date: datetime,
    months: int,
    then_days: int,
    file_format: str,
    clean: bool,
) -> None:
    """Write the demo bank into the folder OUTPUT."""
    errors = Console(stderr=True)
    try:
        with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
            row_counts = generate_demo(
                output,
                customers,
                seed,
                end_date.date(),
                months,
                then_days,
                file_format,
                with_dirt=not clean,
                progress=progress,
            )
    except (DemoError, OSError) as error:
        raise click.ClickException(str(error)) from error
    Console().print(summary(row_counts, output))


if __name__ == "__main__":
    main()
