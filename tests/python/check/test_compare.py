"""The comparison of two tables, on tables small enough to see."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from compare import MISSING_ROW, differences


def table(**columns):
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


def test_equal_tables_in_any_order_and_type_do_not_differ():
    left = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "seen_date": pd.to_datetime(["2026-01-31", None]),
            "amount": [Decimal("1.50"), None],
            "count": pd.array([1, None], dtype="Int64"),
        }
    )
    right = table(
        count=[np.nan, 1],
        amount=[None, Decimal("1.5000")],
        seen_date=[None, datetime.date(2026, 1, 31)],
        customer_id=["b", "a"],
    )
    assert differences(left, right, ["customer_id"]).empty


def test_each_differing_cell_and_missing_row_is_told():
    left = table(customer_id=["a", "b"], amount=[Decimal("1.00000001"), Decimal(2)])
    right = table(customer_id=["a", "c"], amount=[Decimal("1"), Decimal(3)])
    told = differences(left, right, ["customer_id"])
    assert told.values.tolist() == [
        ["b", MISSING_ROW, "present", "missing"],
        ["c", MISSING_ROW, "missing", "present"],
        ["a", "amount", Decimal("1.00000001"), Decimal("1")],
    ]


def test_null_is_no_value():
    left = table(customer_id=["a", "b", "c"], value=[None, 0, ""])
    right = table(customer_id=["a", "b", "c"], value=[0, None, None])
    assert len(differences(left, right, ["customer_id"])) == 3


def test_floats_alone_are_compared_with_a_tolerance():
    left = table(customer_id=["a", "b"], share=[0.1 + 0.2, 0.3], line=[Decimal("0.1"), Decimal(2)])
    right = table(customer_id=["a", "b"], share=[0.3, 0.31], line=[Decimal("0.11"), Decimal(2)])
    told = differences(left, right, ["customer_id"])
    assert told[["customer_id", "column"]].values.tolist() == [["b", "share"], ["a", "line"]]
    assert differences(left, right, ["customer_id"], tolerances={"line": 0.1, "share": 0.1}).empty


def test_true_is_not_one():
    told = differences(table(id=["a", "b"], x=[True, 2]), table(id=["a", "b"], x=[1, 3]), ["id"])
    assert told["column"].tolist() == ["x", "x"]


def test_a_key_of_two_parts_may_hold_dates_of_either_type():
    left = table(customer_id=["a"], as_of_date=[datetime.date(2026, 1, 31)], x=[1])
    right = table(customer_id=["a"], as_of_date=[pd.Timestamp("2026-01-31")], x=[1])
    assert differences(left, right, ["customer_id", "as_of_date"]).empty


def test_repeated_keys_and_unknown_columns_are_errors():
    with pytest.raises(ValueError, match="right has a key twice"):
        differences(table(id=["a"], x=[1]), table(id=["a", "a"], x=[1, 2]), ["id"])
    with pytest.raises(ValueError, match=r"only left: \['x'\]; only right: \['y'\]"):
        differences(table(id=["a"], x=[1]), table(id=["a"], y=[1]), ["id"])
