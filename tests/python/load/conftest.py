"""A delivery to fill, and a warehouse to load it into."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    made.mkdir()
    return made


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "made" / "on_demand" / "shop.duckdb"
