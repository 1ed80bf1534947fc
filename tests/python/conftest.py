"""Fixtures of all tests: warehouses of their own, and the ones that many tests only read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from deliveries import delivery_of
from demo.generate_demo import generate_demo
from hypothesis import settings
from made_once import DEMO, PROJECT, MadeOnce
from warehouses import Warehouse, parse_project

DEMO_CUSTOMERS = 2_000

# the same examples in every run; "pytest --hypothesis-profile=full" tries others, and more of them
settings.register_profile("fast", derandomize=True, deadline=None)
settings.register_profile("full", deadline=None, print_blob=True)
settings.load_profile("fast")


@pytest.fixture(scope="session")
def made_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Makes the folders that workers share."""
    return MadeOnce(request.config.cache.mkdir("made_once"), tmp_path_factory.mktemp)


@pytest.fixture(scope="session")
def target_folder(made_once: MadeOnce) -> Path:
    """Where dbt writes during the tests of this process; the project has been parsed there."""
    return made_once("parsed_project", parse_project, *PROJECT)


@pytest.fixture
def new_warehouse(
    tmp_path_factory: pytest.TempPathFactory, target_folder: Path
) -> Callable[[], Warehouse]:
    """Makes warehouses that are empty yet."""
    return lambda: Warehouse(tmp_path_factory.mktemp("warehouse"), target_folder)


@pytest.fixture(scope="session")
def seeds_folder(made_once: MadeOnce, target_folder: Path) -> Path:
    """The folder of a warehouse that holds the seeds and nothing else, for copying."""

    def make(folder: Path) -> None:
        Warehouse(folder, target_folder).build("seed")

    return made_once("seeds", make, *PROJECT)


@pytest.fixture
def seeded(
    seeds_folder: Path, tmp_path_factory: pytest.TempPathFactory, target_folder: Path
) -> Warehouse:
    """A warehouse that holds the seeds and nothing else."""
    return Warehouse(seeds_folder, target_folder).copied(tmp_path_factory.mktemp("seeded"))


@pytest.fixture(scope="session")
def demo_folder(made_once: MadeOnce) -> Path:
    """A small demo bank with its truth, for reading."""

    def make(folder: Path) -> None:
        generate_demo(folder, customers=DEMO_CUSTOMERS)

    return made_once("demo_bank", make, *DEMO)


@pytest.fixture(scope="session")
def demo_warehouse(made_once: MadeOnce, demo_folder: Path, target_folder: Path) -> Warehouse:
    """The warehouse of the small demo bank, built by the defaults, for reading."""

    def make(folder: Path) -> None:
        warehouse = Warehouse(folder, target_folder)
        warehouse.load(demo_folder / "delivery", input_name="demo_bank")
        warehouse.build()

    return Warehouse(made_once("demo_warehouse", make, *DEMO, *PROJECT), target_folder)


@pytest.fixture(scope="session")
def shop_warehouse(tmp_path_factory: pytest.TempPathFactory, target_folder: Path) -> Warehouse:
    """Online Retail, loaded and not built."""
    delivery = delivery_of("online_retail", tmp_path_factory.mktemp("online_retail"))
    warehouse = Warehouse(tmp_path_factory.mktemp("shop_warehouse"), target_folder)
    warehouse.load(delivery)
    return warehouse
