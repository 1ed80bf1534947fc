"""The inputs of data/: their mappings belong to the project, the files of most of them do not.

A person puts a file that was downloaded beside its mapping. Tests and scripts/check also look into
the folder that CRITICAL_CUSTOMERS_SHARED_DATA names, else into ../shared/data beside the checkout.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from load.errors import DeliveryError
from load.mapping import MAPPING_NAME, read_mapping

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
DATA_FOLDER = PROJECT_FOLDER / "data"
SHARED_DATA_VARIABLE = "CRITICAL_CUSTOMERS_SHARED_DATA"
# where a person downloads the files that data/ has no copy of
SOURCES = {
    "online_retail": "https://archive.ics.uci.edu/dataset/352/online+retail",
    "rfm_package": "https://github.com/rsquaredacademy/rfm",
}


def shared_data(file_name: str) -> Path | None:
    """A file of the shared folder; None where this machine does not have it."""
    folder = Path(os.environ.get(SHARED_DATA_VARIABLE, PROJECT_FOLDER.parent / "shared" / "data"))
    path = folder / file_name
    return path if path.exists() else None


def missing_data(input_name: str, file_name: str) -> str:
    """The sentence for a file that has not been downloaded: where to get it, where to put it."""
    folder = f"data/{input_name}"
    return (
        f"{folder} has no {file_name}, which this project does not ship. Download it from "
        f"{SOURCES[input_name]} and put it into {folder}; {folder}/README.md says how."
    )


def require_files(input_name: str) -> None:
    """Raise DeliveryError where the files of an input of data/ are not beside its mapping."""
    folder = DATA_FOLDER / input_name
    for table in read_mapping(folder).tables.values():
        for pattern in table.files:
            if not any(folder.glob(pattern)):
                raise DeliveryError(missing_data(input_name, pattern))


def find_data(input_name: str, file_name: str) -> Path:
    """A file of an input of data/, beside its mapping or else in the shared folder.

    Raises DeliveryError where it is in neither.
    """
    path = DATA_FOLDER / input_name / file_name
    found = path if path.exists() else shared_data(file_name)
    if found is None:
        raise DeliveryError(missing_data(input_name, file_name))
    return found


def link_delivery(input_name: str, folder: Path) -> Path:
    """Fill a new folder with the mapping of an input of data/ and links to the files it names.

    Returns the folder. Raises DeliveryError where a file is not on this machine.
    """
    mapping = read_mapping(DATA_FOLDER / input_name)
    names = [name for table in mapping.tables.values() for name in table.files]
    files = {name: find_data(input_name, name) for name in names}
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DATA_FOLDER / input_name / MAPPING_NAME, folder / MAPPING_NAME)
    for name, path in files.items():
        (folder / name).symlink_to(path)
    return folder
