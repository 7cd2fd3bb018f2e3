"""Pages of a list by keyset: as fast on the last page as on the first, no COUNT, no OFFSET.

One query a page, and a second one where an ascending order reaches the rows that are null.

Rows may be given as several querysets, its lanes, that have no row in common: each is read in its order through an
index of its own, as no index could serve "these or those" at once, and PostgreSQL merges the beginnings.

A cursor holds the sort values of the row at the edge of a page. It is opaque, but neither secret nor signed: whoever
makes one up moves within rows that the queryset shows anyway.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import BooleanField, DateTimeField, Field, Func, GeneratedField, Model, Q, QuerySet, Value
from django.db.models.expressions import F, OrderBy

from core import strict_json
from core.text import clean

LONGEST_CURSOR = 2000  # characters

M = TypeVar("M", bound=Model)


class BadCursor(ValueError):
    """The cursor was not made by this list in this order."""


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Rows in their order, and the cursors of the neighbours; None where there is no neighbour."""

    items: list[M]
    next: str | None
    previous: str | None


def encode(values: list[Any]) -> str:
    """Values as text for an address: null, booleans, numbers, text, dates, aware times and lengths of time."""
    text = json.dumps([_tagged(value) for value in values], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str) -> list[Any]:
    """The values that ``encode`` was given. Raises BadCursor for anything else."""
    if len(cursor) > LONGEST_CURSOR:
        raise BadCursor("the cursor is too long")
    try:
        body = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = strict_json.parse(body)
        if isinstance(values, list):
            return [_untagged(value) for value in values]
    except (binascii.Error, ValueError, OverflowError):
        pass
    raise BadCursor("the cursor cannot be read")


def page(
    queryset: QuerySet[M] | Sequence[QuerySet[M]], *, sort: tuple[str, ...], cursor: str | None, limit: int
) -> Page[M]:
    """Up to ``limit`` rows of ``queryset`` ordered by ``sort``, before or after where ``cursor`` points.

    Several querysets are lanes: the same columns and annotations in each, and no row in two. ``sort`` names fields,
    also across relations, and annotations, each with a leading "-" for the descending order; the primary key is added
    in the direction of the last, so the order is total. Null counts as the largest value, as it does in PostgreSQL,
    so that a plain index on these columns serves both directions. Any order of the queryset itself is replaced.
    Raises BadCursor.
    """
    if limit < 1:
        raise ValueError("a page has at least one row")
    lanes = [queryset] if isinstance(queryset, QuerySet) else list(queryset)
    columns = _columns(lanes[0], sort)
    name = ",".join(column.sort_key for column in columns)
    is_backward, position = _position(cursor, name, columns) if cursor else (False, None)
    if is_backward:
        columns = [column.reversed() for column in columns]
    items = _rows(lanes, columns, position, count=limit + 1)
    has_more = len(items) > limit
    items = items[:limit]
    if is_backward:
        items.reverse()

    def edge(item: M, direction: str) -> str:
        return encode([direction, name, *(column.value(item) for column in columns)])

    has_next, has_previous = (True, has_more) if is_backward else (has_more, position is not None)
    return Page(
        items=items,
        next=edge(items[-1], ">") if items and has_next else None,
        previous=edge(items[0], "<") if items and has_previous else None,
    )


@dataclass(frozen=True, slots=True)
class _Column:
    path: str
    is_descending: bool
    is_nullable: bool
    field: Field[Any, Any]

    @property
    def sort_key(self) -> str:
        return f"-{self.path}" if self.is_descending else self.path

    def reversed(self) -> _Column:
        return _Column(self.path, not self.is_descending, self.is_nullable, self.field)

    def order(self) -> OrderBy:
        # Said aloud although PostgreSQL does the same: other databases count null as the smallest.
        if self.is_descending:
            return F(self.path).desc(nulls_first=True)
        return F(self.path).asc(nulls_last=True)

    def value(self, item: Model) -> Any:
        value: Any = item
        for part in self.path.split("__"):
            value = getattr(value, part) if value is not None else None
        return value

    def checked(self, value: Any) -> Any:
        """A value from a cursor, if it is of the kind that the column holds."""
        if value is None and self.is_nullable:
            return None
        try:
            is_fitting = isinstance(value, datetime) or not isinstance(self.field, DateTimeField)
            if is_fitting and type(self.field.to_python(value)) is type(value):
                return value
        except (ValidationError, ValueError, TypeError, OverflowError):
            pass
        raise BadCursor("the cursor does not fit this list")

    def same(self, value: Any) -> Q:
        return Q(**{f"{self.path}__isnull": True}) if value is None else Q(**{self.path: value})

    def after(self, value: Any) -> Q | None:
        """Rows strictly after ``value``, but for the null ones that end an ascending order; None if there are none."""
        if value is None:
            return Q(**{f"{self.path}__isnull": False}) if self.is_descending else None
        return Q(**{f"{self.path}__{'lt' if self.is_descending else 'gt'}": value})

    def ends_in_null(self, value: Any) -> bool:
        """Whether null rows may follow ``value``."""
        return self.is_nullable and not self.is_descending and value is not None


def _columns(queryset: QuerySet[M], sort: tuple[str, ...]) -> list[_Column]:
    keys = list(sort) or ["pk"]
    primary = {"pk", queryset.model._meta.pk.name}
    if keys[-1].removeprefix("-") not in primary:
        keys.append("-pk" if keys[-1].startswith("-") else "pk")
    return [_column(queryset, key) for key in keys]


def _column(queryset: QuerySet[M], key: str) -> _Column:
    path = key.removeprefix("-")
    is_descending = key.startswith("-")
    if path in queryset.query.annotations:
        return _Column(path, is_descending, True, queryset.query.annotations[path].output_field)
    model: Any = queryset.model
    field: Any = None
    is_nullable = False
    for part in path.split("__"):
        field = model._meta.pk if part == "pk" else model._meta.get_field(part)
        # Django does not know whether a generated column can be null.
        is_nullable = is_nullable or field.null or isinstance(field, GeneratedField)
        model = field.related_model
    if isinstance(field, GeneratedField):
        field = field.output_field
    return _Column(path, is_descending, is_nullable, field)


def _position(cursor: str, name: str, columns: list[_Column]) -> tuple[bool, list[Any]]:
    values = decode(cursor)
    if len(values) != len(columns) + 2 or values[0] not in ("<", ">") or values[1] != name:
        raise BadCursor("the cursor belongs to another order of the list")
    position = [column.checked(value) for column, value in zip(columns, values[2:], strict=True)]
    return values[0] == "<", position


def _rows(lanes: list[QuerySet[M]], columns: list[_Column], position: list[Any] | None, *, count: int) -> list[M]:
    """The first ``count`` rows after ``position``."""
    if position is None:
        return _first(lanes, columns, count)
    first = columns[0]
    parts = _parts(columns, position)
    rows = _first([lane.filter(part) for part in parts for lane in lanes], columns, count)
    if first.ends_in_null(position[0]) and len(rows) < count:
        # No comparison finds null, so the last rows of this order are asked for by themselves.
        rows += _first([lane.filter(first.same(None)) for lane in lanes], columns, count - len(rows))
    return rows


def _first(lanes: list[QuerySet[M]], columns: list[_Column], count: int) -> list[M]:
    """The first rows of all lanes together, in one query."""
    order = [column.order() for column in columns]
    heads = [lane.order_by(*order)[:count] for lane in lanes if not lane.query.is_empty()]
    if len(heads) < 2:
        return [row for head in heads for row in head]
    return list(heads[0].union(*heads[1:], all=True).order_by(*order)[:count])


def _parts(columns: list[_Column], position: list[Any]) -> list[Q]:
    """What follows ``position``, as conditions that exclude each other and are each one range of an index; without
    the rows where the first column is null and an ascending order ends."""
    first, *others = columns
    is_uniform = all(other.is_descending == first.is_descending and not other.is_nullable for other in others)
    if is_uniform and position[0] is not None:
        return [Q(_row_beyond(columns, position))]
    parts: list[Q] = []
    if others:
        rest = _parts(others, position[1:])
        if others[0].ends_in_null(position[1]):
            rest.append(others[0].same(None))
        parts = [first.same(position[0]) & part for part in rest]
    after = first.after(position[0])
    return parts if after is None else [*parts, after]


def _row_beyond(columns: list[_Column], position: list[Any]) -> Func:
    """(a, b) > (x, y): one range of an index on (a, b), however many rows share their a."""
    values = [Value(value, output_field=column.field) for column, value in zip(columns, position, strict=True)]
    rows = [
        Func(*cells, template="(%(expressions)s)", output_field=BooleanField())
        for cells in ([F(column.path) for column in columns], values)
    ]
    sign = " < " if columns[0].is_descending else " > "
    return Func(*rows, template="%(expressions)s", arg_joiner=sign, output_field=BooleanField())


def _tagged(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    if isinstance(value, timedelta):
        return {"l": value // timedelta(microseconds=1)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} cannot be in a cursor")


def _untagged(value: Any) -> Any:
    match value:
        case {"t": str(text)} if (at := datetime.fromisoformat(text)).tzinfo is not None:
            return at.astimezone(UTC)  # PostgreSQL does not take every offset that Python does
        case {"d": str(text)}:
            return date.fromisoformat(text)
        case {"l": int(microseconds)}:
            return timedelta(microseconds=microseconds)
        case str() if clean(value) == value:
            return value
        case None | bool() | int() | float():
            return value
    raise BadCursor("the cursor cannot be read")
