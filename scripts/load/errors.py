"""What a load raises, and the pieces that its messages are made of."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class DeliveryError(Exception):
    """A delivery that cannot be loaded; the text says what is wrong, where, and how to fix it."""


class WarehouseError(Exception):
    """A warehouse that cannot be used; the text says which, why, and how to fix it."""


def first_line(error: Exception | str) -> str:
    """The first line of a message, without its full stop."""
    return next(iter(str(error).splitlines()), "unknown").rstrip(" .")


def listed(names: Iterable[str], empty: str = "none") -> str:
    """Names for a message, the first ten of many."""
    names = list(names)
    shown = ", ".join(names[:10]) or empty
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint in brackets that names the known name most like this one; empty if none is like it."""
    alike = {one.lower(): one for one in known}
    matches = get_close_matches(name.lower(), alike, n=1, cutoff=0.6)
    return f" (did you mean '{alike[matches[0]]}'?)" if matches else ""
