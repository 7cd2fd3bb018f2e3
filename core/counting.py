"""Counting as far as it matters: how many rows a limited queryset has."""

from __future__ import annotations

from django.db.models import IntegerField, Subquery


class BoundedCount(Subquery):
    """The number of rows of a queryset that has a limit, as an annotation; the limit is what bounds the cost."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS bounded)"
    output_field = IntegerField()
