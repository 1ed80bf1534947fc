"""The main command: what a newcomer runs and sees, and what dbt by itself says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from build.build_warehouse import command_line
from build.inputs import find_input
from build.run_dbt import PROJECT_FOLDER, WAREHOUSE_VARIABLE
from click.testing import CliRunner
from deliveries import delivery_of
from load.errors import DeliveryError
from publish.show_summary import CHINESE
from publish.show_summary import main as show_summary_command
from rich.cells import cell_len
from warehouses import Warehouse

# DuckDB clients from this version on must be able to open a warehouse
OLDEST_READER = "1.4.4"


def build(*arguments: str, width: int = 160) -> subprocess.CompletedProcess[str]:
    """Run scripts/build/build.py as "make build" does."""
    return subprocess.run(
        [sys.executable, "scripts/build/build.py", *arguments],
        cwd=PROJECT_FOLDER,
        env=os.environ | {"COLUMNS": str(width), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("warehouses")


@pytest.fixture(scope="module")
def first_build(warehouses: Path) -> subprocess.CompletedProcess[str]:
    return build("--warehouses", str(warehouses), "--customers", "600")


def test_the_demo_bank_is_built_and_summed_up(first_build):
    assert first_build.returncode == 0, first_build.stderr
    shown = first_build.stdout
    assert "As of 2026-09-18  600 customers known" in shown
    for heading in ("Rows in", "Not let in, by reason", "Value classes", "Turning points"):
        assert heading in shown
    assert "The most critical customers" in shown
    assert "key development" in shown and "slipping away" in shown
    assert re.search(r"No purchase for \d+ days; usually every \d+", shown)
    assert "dbt build" in shown.splitlines()[-1]


def test_the_summary_tells_what_the_marts_hold(first_build, warehouses):
    warehouse = warehouses / "demo_bank" / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        most_critical = connection.execute(
            "select customer_id from marts.critical_customers where criticality_rank = 1"
        ).fetchone()[0]
        [(raw_count,)] = connection.execute("select count(*) from raw.transactions").fetchall()
        [(first_count,)] = connection.execute(
            "select count(*) from marts.customers where value_class = 'key_value'"
        ).fetchall()
    assert most_critical in first_build.stdout
    assert re.search(rf"transactions +{raw_count:,}", first_build.stdout)
    assert re.search(rf"key value +{first_count:,} ", first_build.stdout)


def test_the_summary_speaks_chinese(first_build, warehouses):
    result = CliRunner().invoke(
        show_summary_command,
        [str(warehouses / "demo_bank" / "warehouse.duckdb"), "--language", "zh"],
        env={"COLUMNS": "200"},
    )
    assert result.exit_code == 0
    shown = result.stdout
    assert "重要价值客户" in shown and "即将流失" in shown
    assert "key value" not in shown and "risk" not in shown
    tables = shown.split("接下来")[0]
    # the raw table "customers" is named as it is
    headings = set(CHINESE) - {"customers", "customer"}
    assert not [heading for heading in headings if heading in tables]


def test_a_second_build_has_nothing_new_and_says_so(first_build, warehouses):
    warehouse = warehouses / "demo_bank" / "warehouse.duckdb"
    assert "Nothing is new" not in first_build.stderr
    built = warehouse.stat()
    again = build("--warehouses", str(warehouses), "--customers", "600")
    assert again.returncode == 0, again.stderr
    first_line, *_, last_line = again.stderr.splitlines()
    assert first_line == "Building demo_bank"
    assert last_line.startswith(f"Nothing is new since the last build of {warehouse}.")
    assert again.stdout == first_build.stdout
    assert (warehouse.stat().st_ino, warehouse.stat().st_mtime_ns) == (
        built.st_ino,
        built.st_mtime_ns,
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_summary_fits_a_narrow_window(first_build, warehouses, language):
    """At 80 columns no name is folded, and each customer's reasons stand below it in order."""
    warehouse = warehouses / "demo_bank" / "warehouse.duckdb"
    result = CliRunner().invoke(
        show_summary_command, [str(warehouse), "--language", language], env={"COLUMNS": "80"}
    )
    assert result.exit_code == 0, result.output
    tables, customers = re.split("The most critical customers|最临界的客户", result.stdout)
    assert max(cell_len(line) for line in tables.splitlines()) <= 80
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = connection.execute(
            f"select distinct value_class_{language} from marts.value_class_summary union "
            f"select distinct turning_point_type_{language} from marts.turning_points"
        ).fetchall()
        expected = connection.execute(
            f"select customer_id, reasons_{language}, act_by_date from marts.critical_customers "
            "order by criticality_rank limit 10"
        ).fetchall()
    assert [name for (name,) in names if name not in tables] == []
    blocks = [block for block in re.split(r"\n *\n", customers) if re.match(r"\s+\d+  C", block)]
    assert len(blocks) == 10
    for block, (customer_id, reasons, act_by_date) in zip(blocks, expected, strict=True):
        head, *lines = block.strip().splitlines()
        assert customer_id in head
        # a long sentence is broken at a blank, in Chinese anywhere
        said = re.sub(r"\s", "", "".join(lines))
        why, step = said.split("→")
        assert why == re.sub(r"[\s|]", "", reasons)
        assert str(act_by_date) in step


def test_without_a_next_day_a_message_says_why(tmp_path):
    for options, answer in (
        (["--input", "online_retail"], "Only demo_bank has a next day."),
        ([], "There is no demo bank in"),
    ):
        result = build("--next-day", "--warehouses", str(tmp_path), *options)
        assert result.returncode == 1
        assert answer in result.stderr and "Traceback" not in result.stderr


def test_a_folder_of_ones_own_is_built_with_the_vars_of_its_mapping(tmp_path):
    delivery = tmp_path / "corner_shop"
    delivery.mkdir()
    rows = ["id;customer;at;paid"]
    rows += [f"t{n};c{n % 7};2026-0{1 + n % 6}-1{n % 9} 10:00:00;{n},50" for n in range(60)]
    (delivery / "till.csv").write_text("\n".join(rows), encoding="utf-8")
    (delivery / "mapping.yml").write_text(
        """
        vars: {business_timezone: Europe/Berlin, base_currency: EUR}
        tables:
          transactions:
            files: [till.csv]
            csv: {decimal: ","}
            columns:
              transaction_id: id
              customer_id: customer
              occurred_at: at
              amount: paid
              transaction_type: {constant: purchase}
        """,
        encoding="utf-8",
    )
    result = build("--input", str(delivery), "--warehouses", str(tmp_path / "built"))
    assert result.returncode == 0, result.stderr
    with duckdb.connect(
        str(tmp_path / "built/corner_shop/warehouse.duckdb"), read_only=True
    ) as connection:
        [(gross,)] = connection.execute(
            "select sum(lifetime_net_amount) from marts.customers"
        ).fetchall()
        currencies = connection.execute(
            "select distinct currency from marts.critical_customers"
        ).fetchall()
    assert gross == sum(range(60)) + 30  # 0.50 .. 59.50
    assert currencies == [("EUR",)]


def test_an_unknown_input_is_named_with_the_choices():
    result = build("--input", "no_such_shop")
    assert result.returncode == 1
    assert "There is no input no_such_shop" in result.stderr
    assert "online_retail" in result.stderr and "Traceback" not in result.stderr


def test_a_warehouse_that_is_open_elsewhere_is_said_to_be(tmp_path):
    folder = tmp_path / "demo_bank"
    folder.mkdir()
    warehouse = folder / "warehouse.duckdb"
    holder = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "open\n"
        (tmp_path / "shop").mkdir()
        warehouse.rename(tmp_path / "shop" / "warehouse.duckdb")
        delivery = tmp_path / "delivery"
        delivery.mkdir()
        (delivery / "mapping.yml").write_text("input: shop", encoding="utf-8")
        (delivery / "transactions.csv").write_text(
            "transaction_id,customer_id,occurred_at,amount,transaction_type", encoding="utf-8"
        )
        result = build("--input", str(delivery), "--warehouses", str(tmp_path))
        process.communicate("\n")
    assert result.returncode == 1
    assert "close the programs that have it open" in result.stderr


def test_vars_of_a_mapping_stand_in_the_dbt_command():
    shop = find_input("online_retail", Path("warehouse"))
    command = command_line(Path("warehouse/online_retail/warehouse.duckdb"), shop.variables)
    assert command.startswith(
        f"{WAREHOUSE_VARIABLE}=warehouse/online_retail/warehouse.duckdb dbt build"
    )
    assert "base_currency: GBP" in command
    with pytest.raises(DeliveryError, match="There is no input nowhere"):
        find_input("nowhere", Path("warehouse"))


def dbt(*arguments: str, warehouse: Path, target_folder: Path) -> subprocess.CompletedProcess[str]:
    """Run dbt as an analytics engineer does, from the project folder."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", *arguments),
            *("--target-path", str(target_folder), "--log-path", str(target_folder)),
        ],
        cwd=PROJECT_FOLDER,
        env=os.environ
        | {WAREHOUSE_VARIABLE: str(warehouse), "DBT_PROFILES_DIR": str(PROJECT_FOLDER)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("shop", "variables"),
    [
        ("demo_bank", []),
        ("online_retail", ["--vars", "{business_timezone: UTC, base_currency: GBP}"]),
    ],
)
def test_dbt_alone_builds_and_tests_without_a_warning(
    shop, variables, demo_folder, tmp_path, target_folder
):
    warehouse = Warehouse(tmp_path, target_folder)
    warehouse.load(
        demo_folder / "delivery"
        if shop == "demo_bank"
        else delivery_of(shop, tmp_path / "delivery")
    )
    result = dbt(
        "--warn-error",
        "build",
        *variables,
        warehouse=warehouse.path,
        target_folder=tmp_path / "target",
    )
    assert result.returncode == 0, result.stdout[-3000:]
    counts = re.search(r"PASS=(\d+) WARN=0 ERROR=0 SKIP=0", result.stdout)
    assert counts and int(counts[1]) > 250


def test_every_mart_column_has_its_comment_and_a_plain_type(demo_warehouse):
    columns = demo_warehouse.rows(
        "select table_name, column_name, data_type, comment from duckdb_columns() "
        "where schema_name = 'marts' and not internal"
    )
    assert len({table for table, *_ in columns}) == 10
    assert [column[:2] for column in columns if not column[3]] == []
    plain = r"VARCHAR|BOOLEAN|INTEGER|BIGINT|DECIMAL\(\d+,\d+\)|DOUBLE|DATE|TIMESTAMP"
    assert [column[:3] for column in columns if not re.fullmatch(plain, column[2])] == []


def test_an_older_duckdb_opens_the_warehouse(demo_warehouse, tmp_path):
    installed = subprocess.run(
        [
            *(Path(sys.executable).with_name("uv"), "pip", "install", "--quiet"),
            *("--target", str(tmp_path), f"duckdb=={OLDEST_READER}"),
        ],
        capture_output=True,
        text=True,
    )
    if installed.returncode != 0:
        pytest.skip(f"duckdb {OLDEST_READER} cannot be had: {installed.stderr.strip()[-200:]}")
    reader = (
        "import duckdb, sys; print(duckdb.__version__, duckdb.connect(sys.argv[1], read_only=True)"
        ".execute('select count(*) from marts.customers').fetchone()[0])"
    )
    result = subprocess.run(
        [sys.executable, "-c", reader, str(demo_warehouse.path)],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    count = demo_warehouse.value("select count(*) from marts.customers")
    assert result.stdout.split() == [OLDEST_READER, str(count)], result.stderr
