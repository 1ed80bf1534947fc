"""Fixtures of all tests: warehouses of their own, and the ones that many tests only read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from deliveries import delivery_of
from demo.generate_demo import generate_demo
from warehouses import Warehouse

DEMO_CUSTOMERS = 2_000


@pytest.fixture(scope="session")
def target_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where dbt writes during the tests of this process."""
    return tmp_path_factory.mktemp("target")


@pytest.fixture
def new_warehouse(
    tmp_path_factory: pytest.TempPathFactory, target_folder: Path
) -> Callable[[], Warehouse]:
    """Makes warehouses that are empty yet."""
    return lambda: Warehouse(tmp_path_factory.mktemp("warehouse"), target_folder)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo bank with its truth, for reading."""
    folder = tmp_path_factory.mktemp("demo_bank")
    generate_demo(folder, customers=DEMO_CUSTOMERS)
    return folder


@pytest.fixture(scope="session")
def demo_warehouse(
    demo_folder: Path, tmp_path_factory: pytest.TempPathFactory, target_folder: Path
) -> Warehouse:
    """The warehouse of the small demo bank, built by the defaults, for reading."""
    warehouse = Warehouse(tmp_path_factory.mktemp("demo_warehouse"), target_folder)
    warehouse.load(demo_folder / "delivery", input_name="demo_bank")
    warehouse.build()
    return warehouse


@pytest.fixture(scope="session")
def shop_warehouse(tmp_path_factory: pytest.TempPathFactory, target_folder: Path) -> Warehouse:
    """Online Retail, loaded and not built."""
    delivery = delivery_of("online_retail", tmp_path_factory.mktemp("online_retail"))
    warehouse = Warehouse(tmp_path_factory.mktemp("shop_warehouse"), target_folder)
    warehouse.load(delivery)
    return warehouse
