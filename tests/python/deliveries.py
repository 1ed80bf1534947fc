"""Deliveries of the inputs of data/. Tests whose files are not on this machine are skipped."""

from pathlib import Path

import pytest
from load.errors import DeliveryError
from load.project_data import SHARED_DATA_VARIABLE, find_data, link_delivery


def delivery_of(input_name: str, folder: Path) -> Path:
    """Fill a folder with the mapping of an input and links to its files, and return it."""
    try:
        return link_delivery(input_name, folder)
    except DeliveryError as error:
        skip(error)


def data_file(input_name: str, file_name: str) -> Path:
    """A file of an input."""
    try:
        return find_data(input_name, file_name)
    except DeliveryError as error:
        skip(error)


def skip(error: DeliveryError) -> None:
    """Skip this test; the reason names the file, where to get it and where to put it."""
    pytest.skip(f"{error} Or name a folder that holds it in {SHARED_DATA_VARIABLE}.")
