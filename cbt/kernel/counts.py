"""Counting many things at once."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, QuerySet, Value


def count_all(rows: Mapping[str, QuerySet[Any]]) -> dict[str, int]:
    """Return how many rows each queryset has, by its name; one statement, so that all were true at one moment.

    Each is a count of its own and not a condition within one reading of the table: an index that begins with the
    condition answers it, and rows outside are never looked at.
    """
    first, *others = (
        found.order_by()
        .annotate(counted=Value(name))
        .values("counted")
        .annotate(number=Count("*"))
        .values_list("counted", "number")
        for name, found in rows.items()
    )
    counted = dict(first.union(*others, all=True) if others else first)
    return {name: counted.get(name, 0) for name in rows}
