"""Counting as far as it matters: how many rows a limited queryset has."""

from __future__ import annotations

from django.db.models import IntegerField, Subquery


class BoundedCount(Subquery):
    """The number of rows of a queryset that has a limit, as an annotation; the limit is what bounds the cost."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS bounded)"
    output_field = IntegerField()


class Count(int):
    """A number of rows, as far as they were counted; ``str`` says "1,284", or "10,000+" where there are more."""

    most: int

    def __new__(cls, number: int, most: int) -> Count:
        count = super().__new__(cls, number)
        count.most = most
        return count

    def __str__(self) -> str:
        return f"{self.most:,}+" if self > self.most else f"{int(self):,}"
