"""Write the demo bank: deliveries as a bank's systems would export them, and the truth beside them.

OUTPUT/delivery/       transactions, customers, interactions, feedback and social_mentions
OUTPUT/truth.parquet   one row per customer: the archetype, the turning point that is hidden (if
                       any), when it holds, and what followed by the end date
OUTPUT/planted_dirt.parquet
                       table_name, reason_code, row_count: the rows that staging should reject
OUTPUT/days/DATE/      with --then-days: what arrives on each day after the end date; nothing
                       arrives on the second day, and its rows come with the third
OUTPUT/planted_changes.parquet
                       delivered_on, table_name, change, row_count; change is new, late,
                       corrected, deleted or updated

What is hidden, and when. archetypes.csv lists the kinds of customers. Eleven of them hide a turning
point: on one day, the change, the customer begins to behave differently (stops buying, complains,
visits every few days ...). The changes of an archetype are spread evenly over the history, so each
month has about as many as the last one. They start lead_days after the history begins, because a
change needs something to differ from, and in the last two years of a longer history. They end
ahead_days after the end date: those customers still behave as before, and the bank does not shrink.

The turning point holds from turns_from to turns_to days after the change; truth.parquet gives these
dates as turn_start_date and turn_end_date. Where turns_to is empty, the customer crosses a
threshold on the day of the change, and the turn holds until the end of that month.

What follows. outcomes.csv lists for each of these archetypes what can come next, with its share
(weight) and how many days after the change it comes:

buys        regular purchases begin again; a turn that is a silence ends the day before
leaves      purchases and contact stop for good
recovers    the customer spends as much as before
settled     the complaint is resolved, and the turn ends the day before
visits      visits begin again, and the turn ends the day before
stays       nothing changes

So a turning point says something about what comes next, and never all. truth.parquet has the
outcome and the outcome_date once it has come, and stays from the start.

The other CSV files describe the rest of the bank, and the numbered SQL files make the rows. Every
number is a hash of the seed, the customer and a purpose. The same arguments therefore give the same
rows in the same order, on any number of threads, and more days change nothing in what came before.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the folders of scripts are packages
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import math
import shutil
import tempfile
from datetime import date, datetime, timedelta

import click
import duckdb
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

DEMO_FOLDER = Path(__file__).resolve().parent
EXCHANGE_RATES = Path(__file__).resolve().parents[2] / "seeds" / "input" / "exchange_rates.csv"
# each table of the delivery and its key
TABLES = {
    "transactions": "transaction_id",
    "customers": "customer_id",
    "interactions": "interaction_id",
    "feedback": "feedback_id",
    "social_mentions": "mention_id",
}
# columns that the SQL needs and that are not delivered
HIDDEN_COLUMNS = {"customer_number", "activity_date", "arrived_on", "change"}
# the UTC time at which a day's delivery arrives: an hour after midnight in Shanghai
ARRIVAL = "interval 17 hour"
FORMATS = {"parquet": "format parquet, compression zstd", "csv": "format csv, header"}
# the share of a table's rows that dirt adds
DIRT_SHARE = 0.008
# the year before the last 90 days, and a month to begin in
FEWEST_MONTHS = 16
MOST_MONTHS = 120
MOST_CUSTOMERS = 20_000_000
MOST_DAYS = 366


class DemoError(Exception):
    """The demo cannot be made. The text says in one sentence what is wrong and how to fix it."""


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
    """Write the demo bank into a folder and return the number of rows of each table.

    end_date is the last complete business day of the history, months is its length, and then_days
    is the number of daily deliveries that follow; their rows are counted too. An earlier demo in
    the folder is replaced when the new one is complete. Raises DemoError if an argument is out of
    range, or if the folder holds a delivery that is not a demo.
    """
    output = Path(output)
    check_arguments(customers, seed, end_date, months, then_days, file_format)
    check_output(output)
    output.mkdir(parents=True, exist_ok=True)
    progress = progress or Progress(disable=True)
    steps = progress.add_task("people", total=1 + len(TABLES) + then_days)
    with (
        tempfile.TemporaryDirectory(dir=output, prefix=".unfinished-") as scratch,
        duckdb.connect() as connection,
    ):
        made = Path(scratch) / "demo"
        made.mkdir()
        connection.execute(f"set temp_directory = {literal(Path(scratch) / 'spill')}")
        connection.execute("set memory_limit = '4GB'")
        connection.execute("set TimeZone = 'UTC'")
        # joins then keep the order of their left side, and so do the files
        connection.execute("set disabled_optimizers = 'join_order, build_side_probe_side'")
        read_settings(connection, customers, seed, end_date, months, then_days)
        for script in sorted(DEMO_FOLDER.glob("[1-5]_*.sql")):
            connection.execute(script.read_text(encoding="utf-8"))
        write_truth(connection, made)
        progress.advance(steps)
        row_counts = {}
        for table in TABLES:
            progress.update(steps, description=table)
            row_counts[table] = write_delivery(
                connection, table, made / "delivery", file_format, with_dirt
            )
            progress.advance(steps)
        write_planted(connection, "planted_dirt", made)
        if then_days:
            progress.update(steps, description="days")
            connection.execute((DEMO_FOLDER / "6_days.sql").read_text(encoding="utf-8"))
            for days_later in range(1, then_days + 1):
                day = end_date + timedelta(days=days_later)
                for table, count in write_day(connection, day, made, file_format).items():
                    row_counts[table] += count
                progress.advance(steps)
            write_planted(connection, "planted_changes", made)
        replace_demo(made, output)
    return row_counts


def check_arguments(
    customers: int, seed: int, end_date: date, months: int, then_days: int, file_format: str
) -> None:
    """Raise DemoError on the first argument that is out of range."""
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


def check_output(output: Path) -> None:
    """Raise DemoError if the output is not a folder, or holds a delivery that is not a demo."""
    if output.exists() and not output.is_dir():
        raise DemoError(f"{output} is a file; name a folder.")
    folders = [folder for name in ("delivery", "days") if (folder := output / name).exists()]
    if folders and not (output / "truth.parquet").exists():
        raise DemoError(f"{output} holds a delivery that is not a demo; name another folder.")
    own_names = {f"{table}.{file_format}" for table in TABLES for file_format in FORMATS}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_dir() and path.name not in own_names:
                raise DemoError(f"{path} is not part of a demo; move it, or name another folder.")


def replace_demo(made: Path, output: Path) -> None:
    """Put a complete demo in the place of an earlier one; the truth comes last."""
    for name in ("delivery", "days"):
        if (output / name).exists():
            shutil.rmtree(output / name)
        if (made / name).exists():
            (made / name).rename(output / name)
    for name in ("planted_dirt.parquet", "planted_changes.parquet", "truth.parquet"):
        (output / name).unlink(missing_ok=True)
        if (made / name).exists():
            (made / name).rename(output / name)


def read_settings(
    connection: duckdb.DuckDBPyConnection,
    customers: int,
    seed: int,
    end_date: date,
    months: int,
    then_days: int,
) -> None:
    """Set the variables of the SQL and read the CSV files of the demo folder."""
    last_date = end_date + timedelta(days=then_days)
    connection.execute(
        f"""
        set variable seed = cast({seed} as bigint);
        set variable customers = cast({customers} as bigint);
        set variable history_from = cast(
            date '{end_date}' + interval 1 day - interval {months} month as date
        );
        set variable end_date = date '{end_date}';
        set variable last_date = date '{last_date}';
        set variable silent_date = date '{end_date}' + 2;
        """
    )
    read_list(connection, "archetypes", {"share": "decimal(6, 4)", "event": "varchar"})
    read_list(connection, "outcomes", {"outcome": "varchar"})
    read_list(connection, "products", {"own_channel": "varchar"})
    read_list(connection, "seasons", {"first_day": "varchar", "last_day": "varchar"})
    read_list(connection, "spring_festivals", {"festival_date": "date"})
    read_list(connection, "interactions", {"weight": "integer"})
    read_list(connection, "choices", {"choice": "varchar", "weight": "integer"})
    read_list(connection, "dirt", dict.fromkeys(("column_name", "wrong_value"), "varchar"))
    connection.execute(
        f"""
        alter table interactions rename to interaction_kinds;
        insert into choices
        select coalesce(direction, 'inbound'), interaction_code, weight from interaction_kinds;
        insert into choices select 'after ' || archetype, outcome, weight from outcomes;

        set variable choices = (
            select map_from_entries(list((list_name, entries) order by list_name))
            from (
                select list_name, list(choice order by choice, copy) as entries
                from (select list_name, choice, unnest(range(weight)) as copy from choices)
                group by list_name
            )
        );
        set variable rates = (
            select map_from_entries(list((from_currency, rate) order by from_currency))
            from (
                select from_currency, cast(arg_max(rate, valid_from_date) as double) as rate
                from read_csv({literal(EXCHANGE_RATES)})
                where to_currency = 'CNY'
                group by from_currency
            )
        );

        create table planted_dirt (
            table_name varchar, reason_code varchar, row_count bigint
        );
        create table planted_changes (
            delivered_on date, table_name varchar, change varchar, row_count bigint
        );
        """
    )


def read_list(connection: duckdb.DuckDBPyConnection, name: str, types: dict[str, str]) -> None:
    """Read a CSV file of the demo folder into a table; types are those DuckDB cannot infer."""
    columns = ", ".join(f"{column}: '{data_type}'" for column, data_type in types.items())
    connection.execute(
        f"""
        create table {name} as
        select * from read_csv(
            {literal(DEMO_FOLDER / f"{name}.csv")}, header = true, types = {{{columns}}},
            auto_type_candidates = ['boolean', 'integer', 'double', 'varchar']
        )
        """
    )


def write_truth(connection: duckdb.DuckDBPyConnection, output: Path) -> None:
    """Write who the customers are and when they turn; newcomers after the history are left out."""
    connection.execute(
        f"""
        copy (
            select
                customer_id,
                archetype,
                turning_point_type,
                turn_start_date,
                turn_end_date,
                case
                    when outcome_date is null or outcome_date <= getvariable('end_date')
                        then outcome
                end as outcome,
                case when outcome_date <= getvariable('end_date') then outcome_date end
                    as outcome_date
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
        select {columns}, getvariable('end_date') + {ARRIVAL} as loaded_at
        from all_{table}
        where arrived_on = getvariable('end_date')
    """
    if with_dirt:
        spoil_rows(connection, table)
        rows += f"union all select {columns}, loaded_at from dirty_{table}"
    return copy_rows(connection, rows, folder / f"{table}.{file_format}", file_format)


def spoil_rows(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make dirty_TABLE, spoiled copies of clean rows, and count them in planted_dirt.

    Each line of dirt.csv spoils the same number of rows. In a table so small that this would be
    more than a tenth of it, the last lines spoil none.
    """
    key = TABLES[table]
    # a sample is enough, so that the rows of a large bank are not all made twice
    customers = connection.execute("select getvariable('customers')").fetchone()[0]
    sampled_customers = min(customers, max(20_000, customers // 10))
    sample = f"""
        from all_{table}
        where
            arrived_on = getvariable('end_date')
            and customer_number <= {sampled_customers}
    """
    row_count = connection.execute(f"select count(*) {sample}").fetchone()[0]
    line_count = connection.execute(
        "select count(*) from dirt where table_name = ?", [table]
    ).fetchone()[0]
    rows_for_each = math.ceil(DIRT_SHARE * row_count * customers / sampled_customers / line_count)
    dirty_count = min(row_count // 10, rows_for_each * line_count)
    spoiled_columns = ",".join(
        f"""
            case
                when lines.column_name = '{column}'
                    then replace(lines.wrong_value, '{{value}}', coalesce(picked.{column}, ''))
                else picked.{column}{" || lines.key_ending" if column == key else ""}
            end as {column}"""
        for column in delivered_columns(connection, f"all_{table}")
    )
    connection.execute(
        f"""
        create table dirty_{table} as
        with

        picked as (
            select
                *,
                row_number() over (
                    order by chance(customer_number, 'dirt ' || {key}, 0), {key}
                ) - 1 as place
            {sample}
            order by place
            limit {dirty_count}
        ),

        lines as (
            select
                reason_code,
                column_name,
                replace(
                    wrong_value, '{{future_date}}', cast(getvariable('end_date') + 2 as varchar)
                ) as wrong_value,
                case when keeps_key then '' else 'X' end as key_ending,
                hours_earlier,
                row_number() over (
                    order by reason_code, column_name, wrong_value, keeps_key, hours_earlier
                ) - 1 as line_number
            from dirt
            where table_name = '{table}'
        )

        select {spoiled_columns},
            getvariable('end_date')
            + {ARRIVAL} - lines.hours_earlier * interval 1 hour as loaded_at,
            lines.reason_code
        from picked
        inner join lines on picked.place % {line_count} = lines.line_number
        order by picked.place;

        insert into planted_dirt
        select '{table}', reason_code, count(*) from dirty_{table} group by reason_code;
        """
    )


def write_day(
    connection: duckdb.DuckDBPyConnection, day: date, output: Path, file_format: str
) -> dict[str, int]:
    """Write what arrives on a day after the history and return the number of rows of each table.

    A table without rows has no file, and a day without rows has no folder.
    """
    row_counts = {}
    for table, key in TABLES.items():
        columns = ", ".join(delivered_columns(connection, f"later_{table}"))
        arrived = f"from later_{table} where arrived_on = date '{day}'"
        changes = connection.execute(
            f"select date '{day}', '{table}', change, count(*) {arrived} group by change"
        ).fetchall()
        if changes:
            connection.executemany("insert into planted_changes values (?, ?, ?, ?)", changes)
            row_counts[table] = copy_rows(
                connection,
                f"select {columns}, date '{day}' + {ARRIVAL} as loaded_at {arrived} order by {key}",
                output / "days" / day.isoformat() / f"{table}.{file_format}",
                file_format,
            )
    return row_counts


def write_planted(connection: duckdb.DuckDBPyConnection, name: str, output: Path) -> None:
    """Write what was planted, for tests to find again."""
    connection.execute(
        f"copy (from {name} order by all) to {literal(output / f'{name}.parquet')} "
        f"({FORMATS['parquet']})"
    )


def copy_rows(
    connection: duckdb.DuckDBPyConnection, rows: str, path: Path, file_format: str
) -> int:
    """Write the rows of a query to a file and return their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return connection.execute(
        f"copy ({rows}) to {literal(path)} ({FORMATS[file_format]})"
    ).fetchone()[0]


def delivered_columns(connection: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """The columns of a table or view that are delivered, in order."""
    described = connection.execute(f"describe {relation}").fetchall()
    return [column[0] for column in described if column[0] not in HIDDEN_COLUMNS]


def literal(value: object) -> str:
    """A value as an SQL string literal; None is null."""
    return "null" if value is None else "'" + str(value).replace("'", "''") + "'"


def summary(row_counts: dict[str, int], output: Path) -> Table:
    """The number of rows of each table, for the screen."""
    table = Table("table", "rows", title=f"demo bank in {output}")
    table.columns[1].justify = "right"
    for name, count in row_counts.items():
        table.add_row(name, f"{count:,}")
    return table


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--customers", default=20_000, show_default=True, help="How many customers.")
@click.option("--seed", default=7, show_default=True, help="Another seed gives another bank.")
@click.option(
    "--end-date",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2026-09-18",
    show_default=True,
    help="The last complete business day.",
)
@click.option("--months", default=24, show_default=True, help="Length of the history.")
@click.option(
    "--then-days",
    default=0,
    show_default=True,
    help="Number of daily deliveries after the end date.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(list(FORMATS)),
    default="parquet",
    show_default=True,
    help="File format of the deliveries.",
)
@click.option("--clean", is_flag=True, help="Leave out the rows that staging must reject.")
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
    except (DemoError, OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise click.ClickException(str(error)) from error
    Console().print(summary(row_counts, output))


if __name__ == "__main__":
    main()
