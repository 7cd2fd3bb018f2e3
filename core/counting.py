"""Counting as far as it matters: figures that cost the same at any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

from core.together import statement

if TYPE_CHECKING:
    from django.db.models import QuerySet


class Count(int):
    """A number of rows, as far as they were counted; ``str`` says "1,284", or "10,000+" where there are more."""

    most: int

    def __new__(cls, number: int, most: int) -> Count:
        count = super().__new__(cls, number)
        count.most = most
        return count

    def __str__(self) -> str:
        return f"{self.most:,}+" if self > self.most else f"{int(self):,}"


def counted(most: int, **querysets: QuerySet[Any]) -> dict[str, Count]:
    """How many rows each queryset has, none counted further than one more than ``most``, in one statement."""
    selects: list[str] = []
    params: list[Any] = []
    for rows in querysets.values():
        found = statement(rows.order_by().values_list("pk")[: most + 1])
        if found is None:
            selects.append("0")
            continue
        selects.append(f"(SELECT count(*) FROM ({found[0]}) AS few)")  # noqa: S608 - Django's
        params += found[1]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(selects)}", params)
        numbers = cursor.fetchone()
    return {name: Count(number, most) for name, number in zip(querysets, numbers, strict=True)}
