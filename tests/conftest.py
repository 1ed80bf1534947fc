"""Fixtures of the tests in tests/python and in tests/engines."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from check.engines import Engine, running_engine


@pytest.fixture(scope="module")
def postgres() -> Iterator[Engine]:
    """A PostgreSQL server for the tests of a module."""
    # of its own, as a socket's path must be short and the server runs as another user
    with (
        TemporaryDirectory(prefix="pg") as folder,
        running_engine("postgres", Path(folder)) as engine,
    ):
        yield engine
