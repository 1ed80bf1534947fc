"""Where two tables differ, cell by cell."""

import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

MISSING_ROW = "(row)"


def plain(value: Any) -> Any:
    """A cell as plain Python: every null is None, midnight is a date, numpy types are unpacked."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, datetime):  # also pandas' own timestamps
        at_midnight = value.hour == value.minute == value.second == value.microsecond == 0
        return value.date() if at_midnight else datetime.fromisoformat(value.isoformat())
    if isinstance(value, float | Decimal) and math.isnan(value):
        return None
    return value


def same(left: Any, right: Any, tolerance: float) -> bool:
    """Whether two plain cells are equal; where one is a float, up to the tolerance."""
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    numbers = (int, float, Decimal)
    if isinstance(left, numbers) and isinstance(right, numbers):
        if isinstance(left, float) or isinstance(right, float):
            # relative where the numbers are large, absolute where they are small
            return abs(float(left) - float(right)) <= tolerance * max(1.0, abs(float(left)))
        return left == right
    if isinstance(left, date) != isinstance(right, date):
        return False
    return bool(left == right)


def _by_key(frame: pd.DataFrame, keys: list[str], side: str) -> pd.DataFrame:
    plain_keys = {key: pd.Series(map(plain, frame[key]), dtype=object) for key in keys}
    index = pd.MultiIndex.from_arrays(list(plain_keys.values()), names=keys)
    if index.has_duplicates:
        raise ValueError(f"{side} has a key twice: {index[index.duplicated()][0]}")
    return frame.set_axis(index, axis=0)


def differences(
    left: pd.DataFrame,
    right: pd.DataFrame,
    keys: list[str],
    tolerance: float = 1e-9,
    tolerances: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """One row per cell that differs, and per row that one side lacks.

    Columns of the result: the keys, column ("(row)" for a missing row), left, right. Rows may stand
    in any order, columns too. Everything but floats is compared exactly; nulls equal nulls; scales
    of decimals and the types of dates do not matter. tolerances: column -> tolerance, for columns
    that are rounded on either side (their decimals are then compared as floats).

    Raises ValueError where a key stands twice or a side has columns that the other has not.
    Fetch a DuckDB result so that its decimals stay (fetchall, arrow); df() makes floats of them.
    """
    only_left = set(left.columns) - set(right.columns)
    only_right = set(right.columns) - set(left.columns)
    if only_left or only_right:
        raise ValueError(f"only left: {sorted(only_left)}; only right: {sorted(only_right)}")
    tolerances = tolerances or {}
    left, right = _by_key(left, keys, "left"), _by_key(right, keys, "right")
    rows: list[tuple[Any, ...]] = []
    for key in left.index.difference(right.index, sort=False):
        rows.append((*key, MISSING_ROW, "present", "missing"))
    for key in right.index.difference(left.index, sort=False):
        rows.append((*key, MISSING_ROW, "missing", "present"))

    shared = left.index.intersection(right.index, sort=False)
    left, right = left.reindex(shared), right.reindex(shared)
    for column in [name for name in left.columns if name not in keys]:
        if left[column].equals(right[column]):
            continue
        as_floats = column in tolerances
        limit = tolerances.get(column, tolerance)
        pairs = zip(shared, left[column].tolist(), right[column].tolist(), strict=True)
        for key, left_value, right_value in pairs:
            one, other = plain(left_value), plain(right_value)
            if as_floats:
                one = None if one is None else float(one)
                other = None if other is None else float(other)
            if not same(one, other, limit):
                rows.append((*key, column, one, other))
    return pd.DataFrame(rows, columns=[*keys, "column", "left", "right"], dtype=object)
