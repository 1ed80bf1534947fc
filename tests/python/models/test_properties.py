"""What must hold of any data: the order, repetition and time of arrival of rows change no mart, and
scores, strengths and dates keep their laws.
"""

from __future__ import annotations

import calendar
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from made_once import PROJECT, MadeOnce
from warehouses import (
    BUILT_SCHEMAS,
    FIRST_BUILD,
    NEXT_BUILD,
    QUIET,
    Warehouse,
    differences,
    insert_rows,
    relations,
)


def examples(count: int) -> int:
    """So many; under the profile "full" twenty times as many."""
    return count * 20 if settings.get_current_profile_name() == "full" else count


# ---- any small bank ------------------------------------------------------------------------------

TABLES = {
    "transactions": [
        *("transaction_id", "customer_id", "occurred_at", "amount", "transaction_type", "currency"),
        *("order_id", "status", "profit_amount"),
    ],
    "customers": ["customer_id", "customer_name", "birth_date", "city", "registered_at"],
    "interactions": [
        *("interaction_id", "customer_id", "occurred_at", "interaction_type", "direction"),
    ],
    "feedback": [
        *("feedback_id", "customer_id", "occurred_at", "feedback_type", "rating", "resolved_at"),
    ],
    "social_mentions": [
        *("mention_id", "customer_id", "occurred_at", "platform", "mention_type", "sentiment"),
    ],
}
# what every first delivery holds, so that no table is empty
ANCHORS = {
    "transactions": [
        ("a1", "rich", "2024-10-01 04:00:00", "100000", "purchase", None, None, None, None),
        ("a2", "poor", "2024-10-02 04:00:00", "1", "purchase", None, None, None, None),
    ],
    "customers": [("rich", "Qian Duo", "1970-01-01", "北京", None)],
    "interactions": [("a3", "rich", "2024-10-03 04:00:00", "login", None)],
    "feedback": [("a4", "rich", "2024-10-04 04:00:00", "praise", None, None)],
    "social_mentions": [("a5", "rich", "2024-10-05 04:00:00", "weibo", "post", None)],
}
EARLY, LATE = pd.Timestamp("2026-09-01 17:00:00"), pd.Timestamp("2026-09-02 17:00:00")

# both sides of month ends, leap days and midnights in Shanghai, where a day begins at 16:00 UTC
days = st.sampled_from(
    [
        *("2025-06-30", "2025-07-01", "2025-12-31", "2026-01-31", "2026-02-28", "2026-03-01"),
        *("2026-04-30", "2026-05-02", "2026-06-29", "2026-07-31", "2026-08-01", "2026-08-31"),
    ]
)
times = st.sampled_from(["15:59:59.999999", "16:00:00", "00:00:00", "23:59:59", "04:00:00"])
moments = st.builds("{} {}".format, days, times)
customer_ids = st.sampled_from([f"c{number}" for number in range(1, 9)])
amounts = st.sampled_from(["10", "10.00", "99.99", "0", "250.125", "1000"])


def keyed(
    prefix: str, *columns: st.SearchStrategy, least: int = 0, most: int
) -> st.SearchStrategy[list[tuple]]:
    """Rows with keys of their own."""
    return st.lists(st.tuples(*columns), min_size=least, max_size=most).map(
        lambda rows: [(f"{prefix}{number}", *row) for number, row in enumerate(rows)]
    )


def choice(*values: str | None) -> st.SearchStrategy[str | None]:
    return st.sampled_from(values)


transactions = keyed(
    "t",
    customer_ids,
    moments,
    amounts,
    choice("purchase", "purchase", "purchase", "card_payment", "return", "salary", "unknown"),
    choice(None, "CNY", "USD"),
    choice(None, "o1", "o2"),
    choice(None, "completed", "completed", "pending", "reversed", "deleted"),
    choice(None, "1.5", "-2"),
    least=20,
    most=45,
)
customers = st.lists(customer_ids, unique=True, max_size=6).flatmap(
    lambda ids: st.tuples(
        *(
            st.tuples(
                st.just(customer_id),
                choice("Li Na", None),
                choice("1980-02-29", "1999-12-31", None),
                choice("北京", None),
                choice("2024-05-05 16:00:00", None),
            )
            for customer_id in ids
        )
    ).map(list)
)
interactions = keyed(
    "i", customer_ids, moments, choice("login", "phone_call"), choice(None, "outbound"), most=25
)
feedback = keyed(
    "f",
    customer_ids,
    moments,
    choice("complaint", "rating"),
    choice(None, "1", "5"),
    choice(None, "2026-08-31 16:00:00"),
    most=8,
)
social_mentions = keyed(
    "m",
    customer_ids,
    moments,
    st.just("weibo"),
    choice("post", "review"),
    choice("positive", "negative", None),
    most=5,
)
banks = st.fixed_dictionaries(
    {
        "transactions": transactions,
        "customers": customers,
        "interactions": interactions,
        "feedback": feedback,
        "social_mentions": social_mentions,
    }
)


def arrived(bank: dict[str, list[tuple]], at: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """The rows of each raw table as they arrive at one time."""
    return {
        name: pd.DataFrame(rows, columns=TABLES[name], dtype=object).assign(loaded_at=at)
        for name, rows in bank.items()
    }


def anchored(bank: dict[str, list[tuple]]) -> dict[str, list[tuple]]:
    return {name: [*ANCHORS[name], *rows] for name, rows in bank.items()}


# nothing is frozen and no month-end leaves the history, so that every delay is caught up
VARIABLES = {"history_lag_months": 120, "history_months": 24}


@pytest.fixture(scope="module")
def template(made_once: MadeOnce, target_folder: Path) -> Warehouse:
    """A warehouse in which everything has been made once; beside it, statements.json."""

    def make(folder: Path) -> None:
        warehouse = Warehouse(folder, target_folder)
        warehouse.load_rows(**arrived(ANCHORS, LATE))
        warehouse.build(*FIRST_BUILD, variables=VARIABLES)
        compiled = warehouse.build(
            *("compile", *QUIET, "--full-refresh", "--select", "resource_type:model"),
            *("--indirect-selection", "empty"),
            variables=VARIABLES,
        )
        statements = [
            f"create or replace {'view' if node.config.materialized == 'view' else 'table'} "
            f"{node.relation_name} as {node.compiled_code}"
            for node in (result.node for result in compiled.result.results)
        ]
        (folder / "statements.json").write_text(json.dumps(statements), encoding="utf-8")

    return Warehouse(made_once("any_bank", make, *PROJECT), target_folder)


class InMemory(Warehouse):
    """A warehouse of no file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    @contextmanager
    def reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        yield self.connection


@pytest.fixture(scope="module")
def run_models(template: Warehouse) -> Callable[[duckdb.DuckDBPyConnection], None]:
    """Runs the SQL of a full build on a connection, without dbt around it."""
    statements = json.loads(template.path.with_name("statements.json").read_text(encoding="utf-8"))

    def run(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("set TimeZone = 'UTC'; set threads = 1; begin")
        for statement in statements:
            connection.execute(statement)
        connection.execute("commit")

    return run


@pytest.fixture(scope="module")
def full_build(template: Warehouse, run_models) -> Iterator[Callable[..., InMemory]]:
    """Builds a bank that arrived at once, in memory."""
    with ExitStack() as open_connections:

        def build(bank: dict[str, list[tuple]]) -> InMemory:
            connection = open_connections.enter_context(duckdb.connect())
            connection.execute("attach ':memory:' as warehouse")
            connection.execute(f"attach '{template.path}' as template (read_only)")
            for schema in (*BUILT_SCHEMAS, "raw", "seeds"):
                connection.execute(f"create schema warehouse.{schema}")
            seeds = connection.execute(
                "select table_name from duckdb_tables() "
                "where database_name = 'template' and schema_name = 'seeds'"
            )
            for (name,) in seeds.fetchall():
                connection.execute(
                    f"create table warehouse.seeds.{name} as from template.seeds.{name}"
                )
            connection.execute("detach template; use warehouse")
            insert_rows(connection, **arrived(bank, LATE))
            run_models(connection)
            return InMemory(connection)

        yield build


def marts(warehouse: Warehouse) -> list[str]:
    """The marts that do not count arrivals and copies."""
    counting = {"marts.data_quality_summary", "marts.rejected_records"}
    return [
        name for name in relations(warehouse) if name.startswith("marts.") and name not in counting
    ]


def refilled(
    template: Warehouse, folder: Path, bank: dict[str, list[tuple]], at: pd.Timestamp
) -> Warehouse:
    """A copy of the template, in another folder, with other rows in its raw tables."""
    warehouse = template.copied(folder)
    with duckdb.connect(str(warehouse.path)) as connection:
        for name in TABLES:
            connection.execute(f"delete from raw.{name}")
    warehouse.load_rows(**arrived(bank, at))
    return warehouse


def test_the_sql_of_a_full_build_gives_what_dbt_builds(full_build, template, tmp_path):
    """What the tests below lean on."""
    bought = [
        (f"t{day}", "c1", f"2026-0{month}-{day} 16:00:00", "10", "purchase", *[None] * 4)
        for month, day in ((4, 29), (5, 30), (8, 31))
    ]
    bank = ANCHORS | {"transactions": [*ANCHORS["transactions"], *bought]}
    by_sql = full_build(bank)
    by_dbt = refilled(template, tmp_path, bank, LATE)
    by_dbt.build(*NEXT_BUILD, "--full-refresh", variables=VARIABLES)
    assert by_dbt.value("select purchase_day_count from marts.customers where customer_id = 'c1'")
    assert differences(by_sql, by_dbt, relations(by_dbt)) == ""


# a failure is shown as it is found: to shrink it would take minutes
@settings(max_examples=examples(8), phases=[Phase.generate])
@given(data=st.data())
def test_order_and_copies_of_rows_change_nothing(full_build, data):
    """Not even which of two versions that arrived together is kept."""
    bank = anchored(data.draw(banks))
    # some keys have a second version, with another amount
    bank["transactions"] += [(*line[:3], "77", *line[4:]) for line in bank["transactions"][::4]]
    shuffle = data.draw(st.randoms(use_true_random=False)).sample
    again = {name: shuffle(rows, len(rows)) for name, rows in bank.items()}
    with_copies = data.draw(st.booleans())
    if with_copies:
        again = {name: [*rows, *rows[::3]] for name, rows in again.items()}
    plain = full_build(bank)
    compared = marts(plain) if with_copies else relations(plain)
    assert differences(full_build(again), plain, compared) == ""


def wrong(name: str, line: tuple) -> tuple:
    """Another version of a row: of another city, or on another day and of another customer."""
    if name == "customers":
        return (*line[:3], "上海", *line[4:])
    return (line[0], "c1", "2026-04-30 04:00:00", *line[3:])


@settings(max_examples=examples(5), phases=[Phase.generate])
@given(data=st.data())
def test_when_rows_arrive_changes_nothing_in_the_end(
    full_build, run_models, template, tmp_path_factory, data
):
    """Rows come at first or a day later, after a build; or twice, or in another version first."""
    bank = data.draw(banks)
    early, late = {}, {}
    for name, rows in bank.items():
        arrivals = [data.draw(choice("early", "late", "twice", "corrected")) for _ in rows]
        pairs = list(zip(rows, arrivals, strict=True))
        early[name] = [
            wrong(name, line) if arrival == "corrected" else line
            for line, arrival in pairs
            if arrival != "late"
        ]
        late[name] = [line for line, arrival in pairs if arrival != "early"]
    folder = tmp_path_factory.mktemp("split")
    split = refilled(template, folder, anchored(early), EARLY)
    with duckdb.connect(str(split.path)) as connection:
        run_models(connection)
    split.load_rows(**arrived(late, LATE))
    split.build(*NEXT_BUILD, variables=VARIABLES)
    plain = full_build(anchored(bank))
    assert differences(split, plain, marts(plain)) == ""


# ---- macros --------------------------------------------------------------------------------------

often = settings(max_examples=examples(30))
some_days = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory, target_folder: Path) -> Callable[..., str]:
    """SQL that calls macros, as dbt renders it with some vars."""
    warehouse = Warehouse(tmp_path_factory.mktemp("rendered"), target_folder)

    def render(sql: str, **variables: object) -> str:
        result = warehouse.build("compile", *QUIET, "--inline", sql, variables=variables)
        return result.result.results[0].node.compiled_code

    return render


@pytest.fixture(scope="module")
def answer() -> Iterator[Callable[[str, dict[str, str], list[tuple]], list[tuple]]]:
    """Gives the rows of SQL that reads from a relation "given", of these columns and rows."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set threads = 1")

        def rows_of(sql: str, columns: dict[str, str], rows: list[tuple]) -> list[tuple]:
            casts = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in columns.items())
            names = ", ".join(columns)
            marks = ", ".join([f"({', '.join('?' * len(columns))})"] * len(rows))
            return connection.execute(
                f"with given as (select {casts} from (values {marks}) as v ({names})) {sql}",
                [None if cell is None else str(cell) for row in rows for cell in row],
            ).fetchall()

        yield rows_of


@pytest.fixture(scope="module")
def scored(rendered) -> Callable[[int, str], str]:
    """SQL that scores the values of "given", the high and the low as best, with its cut points."""
    made = {}

    def score(bins: int, method: str) -> str:
        if (bins, method) not in made:
            cuts = "select {{ cut_points_of('value') }} from ("
            cuts += "select {{ quantiles('value') }} from given) as quantiles_of_value"
            if method == "fixed":
                cuts = ", ".join(f"max(cut_point_{n}) as cut_point_{n}" for n in range(1, 10))
                cuts = f"select {cuts} from given"
            made[bins, method] = rendered(
                f"""
                , cuts as ({cuts})
                select
                    value,
                    {{{{ rfm_score('value', 'cuts') }}}} as best_high,
                    {{{{ rfm_score('value', 'cuts', best='low') }}}} as best_low,
                    cuts.*
                from given
                cross join cuts
                """,
                rfm_score_bins=bins,
                rfm_score_method=method,
            )
        return made[bins, method]

    return score


VALUE = {"value": "decimal(18, 4)"}
values = st.lists(
    st.decimals(-10_000, 10**9, places=4)
    | st.sampled_from([Decimal(1), Decimal("0.1"), Decimal(7)]),
    min_size=1,
    max_size=25,
)


@pytest.mark.parametrize("bins", range(3, 11))
@settings(max_examples=examples(15))
@given(values=values)
def test_quantile_scores(answer, scored, bins, values):
    """Scores are one more for each quantile k/n strictly below, so equal values score equally."""
    rows = answer(scored(bins, "quantile"), VALUE, [(value,) for value in values])
    for value, best_high, best_low, *cuts in rows:
        below = sum(cut < value for cut in cuts if cut is not None)
        assert best_high == 1 + below
        assert best_low == bins - below
    assert min(best_high for _, best_high, *_ in rows) == 1
    assert [cut is None for cut in rows[0][3:]] == [n >= bins for n in range(1, 10)]
    by_value = sorted((value, best_high, best_low) for value, best_high, best_low, *_ in rows)
    for (value, high, low), (larger, larger_high, larger_low) in pairwise(by_value):
        assert high <= larger_high and low >= larger_low
        assert value < larger or (high, low) == (larger_high, larger_low)


@pytest.mark.parametrize("bins", range(3, 11))
@settings(max_examples=examples(15))
@given(values=values, data=st.data())
def test_fixed_scores(answer, scored, bins, values, data):
    """Scores are one more for each cut point at or below."""
    cuts = sorted(
        data.draw(st.lists(st.sampled_from(values), min_size=bins - 1, max_size=bins - 1))
    )
    padded = [*cuts, *[None] * (10 - bins)]
    columns = VALUE | {f"cut_point_{number}": "decimal(28, 8)" for number in range(1, 10)}
    rows = answer(scored(bins, "fixed"), columns, [(value, *padded) for value in values])
    for value, best_high, best_low, *_ in rows:
        passed = sum(cut <= value for cut in cuts)
        assert (best_high, best_low) == (1 + passed, bins - passed)


def test_what_has_no_value_has_no_score(answer, scored):
    rows = answer(scored(5, "quantile"), VALUE, [(1,), (2,), (None,)])
    assert [(high, low) for value, high, low, *_ in rows if value is None] == [(None, None)]


SIDES = {"observed": "decimal(18, 4)", "reference": "decimal(28, 8)"}
numbers = st.none() | st.just(Decimal(0)) | st.decimals(-(10**6), 10**9, places=4)


@often
@given(pairs=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=40))
def test_a_strength_lies_between_0_and_1(answer, rendered_strengths, pairs):
    """Also where a side is nothing, negative or not known."""
    rows = answer(rendered_strengths, SIDES, pairs)
    for observed, reference, *strengths in rows:
        assert all(0 <= strength <= 1 for strength in strengths)
        above, below, towards = strengths
        if observed and reference and observed > 0 and reference > 0:
            assert above == pytest.approx(max(0, 1 - float(reference) / float(observed)))
            assert below == pytest.approx(max(0, 1 - float(observed) / float(reference)))
            assert towards == pytest.approx(min(1, float(observed) / float(reference)))


@pytest.fixture(scope="module")
def rendered_strengths(rendered) -> str:
    strengths = ", ".join(
        f"{{{{ strength('observed', 'reference', lies='{lies}') }}}}"
        for lies in ("above", "below", "towards")
    )
    return rendered(f"select observed, reference, {strengths} from given")


@often
@given(
    cases=st.lists(st.tuples(some_days, some_days, st.integers(-40, 40)), min_size=1, max_size=40)
)
def test_dates(answer, rendered_dates, cases):
    """add_days undoes days_between; a month end is the calendar's."""
    rows = answer(rendered_dates, {"start": "date", "finish": "date", "months": "integer"}, cases)
    for start, finish, months, between, there, month_end, own_month_end in rows:
        assert between == (finish - start).days
        assert there == finish
        year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
        assert month_end == date(year, month + 1, calendar.monthrange(year, month + 1)[1])
        assert own_month_end == start.replace(day=calendar.monthrange(start.year, start.month)[1])
        assert all(type(cell) is date for cell in (there, month_end, own_month_end))


@pytest.fixture(scope="module")
def rendered_dates(rendered) -> str:
    between = "days_between('start', 'finish')"
    return rendered(
        f"""
        select start, finish, months, {{{{ {between} }}}}, {{{{ add_days('start', {between}) }}}},
            {{{{ month_end('start', 'months') }}}}, {{{{ month_end('start') }}}}
        from given
        """
    )


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Pacific/Apia", "UTC"])
@settings(max_examples=examples(15))
@given(
    moments=st.lists(
        st.datetimes(datetime(1992, 1, 1), datetime(2037, 12, 31)), min_size=1, max_size=40
    )
)
def test_a_business_date_is_the_day_in_the_zone(answer, business_dates, zone, moments):
    """Across changes of the clock, and the day that Apia left out."""
    rows = answer(business_dates(zone), {"moment": "timestamp"}, [(moment,) for moment in moments])
    for moment, day in rows:
        utc = moment.replace(tzinfo=ZoneInfo("UTC"))
        assert day == utc.astimezone(ZoneInfo(zone)).date()


@pytest.fixture(scope="module")
def business_dates(rendered) -> Callable[[str], str]:
    made: dict[str, str] = {}

    def in_zone(zone: str) -> str:
        if zone not in made:
            sql = "select moment, {{ business_date('moment') }} from given"
            made[zone] = rendered(sql, business_timezone=zone)
        return made[zone]

    return in_zone
