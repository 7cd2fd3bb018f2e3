"""Several reads in one statement.

A page that shows a dozen small sets of rows would wait for a dozen answers of the database. Here each set stays an
ordinary queryset; PostgreSQL hands over all their rows as JSON, and they come back as instances of their models.
"""

from __future__ import annotations

import json
from collections import defaultdict
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model
from psycopg.pq import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from django.db.models import Field, QuerySet

M = TypeVar("M", bound=Model)


class Rows:
    """What ``together`` has read: by the name of its queryset, instances (made when they are first asked for), plain
    values, or the JSON that they came as."""

    def __init__(self, fields: dict[str, tuple[type[Model], list[Field[Any, Any]]]], texts: dict[str, str]) -> None:
        self.texts = texts
        self._fields = fields
        self._instances: dict[str, list[Any]] = {}

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self._instances:
            self._instances[name] = _instances(*self._fields[name], self.plain(name))
        return self._instances[name]

    def plain(self, name: str) -> list[dict[str, Any]]:
        """Column to value as JSON has it: enough for numbers, texts and booleans, and several times faster."""
        rows: list[dict[str, Any]] = json.loads(self.texts[name])
        return rows

    def text(self, *names: str) -> str:
        """Some sets of rows as the database wrote them: equal texts mean that nothing in them has changed."""
        return "\n".join(self.texts[name] for name in names)


def together(**querysets: QuerySet[Any]) -> Rows:
    """Read several querysets in one statement, each as a list of its model's instances in its own order.

    Filters, orders, slices, ``only`` and ``defer`` count. Related rows do not come along (``attach`` ties them);
    annotations do, as JSON has them. None of it fits decimal fields, whose digits JSON may lose.
    """
    return prepare(**querysets).read()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement of ``together`` that can be read again and again: making it takes Django longer than reading it."""

    sql: str
    params: tuple[Any, ...]
    fields: dict[str, tuple[type[Model], list[Field[Any, Any]]]]

    def read(self, given: Mapping[int | datetime, Any] | None = None) -> Rows:
        """Its rows, with other values in place of some numbers and times that it was made with."""
        params = self.params
        if given:
            params = tuple(given.get(one, one) if isinstance(one, int | datetime) else one for one in params)
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            answer = cursor.fetchone()
        return Rows(self.fields, {name: text or "[]" for name, text in zip(self.fields, answer, strict=True)})


def prepare(**querysets: QuerySet[Any]) -> Prepared:
    """The statement of ``together``."""
    selects: list[str] = []
    params: list[Any] = []
    fields = {name: (rows.model, _loaded_fields(rows)) for name, rows in querysets.items()}
    for name, rows in querysets.items():
        columns = [*(field.attname for field in fields[name][1]), *rows.query.annotation_select]
        found = statement(rows.select_related(None).values_list(*columns))
        if found is None:
            selects.append("NULL::text")
            continue
        names = ", ".join(f'"{column}"' for column in columns)
        selects.append(f"(SELECT json_agg(found) FROM ({found[0]}) AS found({names}))::text")  # noqa: S608 - Django's
        params += found[1]
    return Prepared(f"SELECT {', '.join(selects)}", tuple(params), fields)


def as_bytes(rows: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """Rows of plain values in PostgreSQL's binary format: a third of the time where they hold many bytes, which come as
    hexadecimal digits otherwise (Django's cursors read nothing else)."""
    found = statement(rows)
    if found is None:
        return []
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.format = Format.BINARY
        return cursor.execute(*found).fetchall()


def statement(rows: QuerySet[Any]) -> tuple[str, Sequence[Any]] | None:
    """The SQL of a queryset and its parameters; None for one that Django knows to be empty."""
    try:
        return rows.query.sql_with_params()
    except EmptyResultSet:
        return None


def attach(rows: Iterable[Model], name: str, found: Mapping[Any, Model]) -> None:
    """Set a foreign key's object from rows that were read already, by key; where it is missing, it is read when asked
    for, one by one."""
    for row in rows:
        key = getattr(row, f"{name}_id")
        related = found.get(key)
        if related is not None:
            setattr(row, name, related)
        elif key is None:
            row._state.fields_cache[name] = None


def attach_many(rows: Iterable[Model], name: str, found: Mapping[Any, Iterable[Model]]) -> None:
    """Give each row the related objects that were read already, by the row's key, as ``prefetch_related`` would:
    ``row.name.all()`` asks the database no more, and any narrower question does."""
    held_type: Any = None
    for row in rows:
        if held_type is None:
            related: Any = row._meta.get_field(name).related_model
            real: Any = related._default_manager.all()
            kind: Any = type(real)
            held_type, query = _held_type(kind), real.query
        held = held_type(related, query=query, using=row._state.db)
        held._owner = (row, name)
        held._result_cache, held._prefetch_done = list(found.get(row.pk, ())), True
        row.__dict__.setdefault("_prefetched_objects_cache", {})[name] = held


@cache
def _held_type(queryset_type: Any) -> Any:
    """Querysets that hold their rows, and become the relation's real queryset when anything is made of them. Making
    the real one for each row of a page would take longer than reading them all."""

    def _chain(self: Any) -> QuerySet[Any]:
        row, name = self._owner
        fresh = copy(row)
        fresh.__dict__["_prefetched_objects_cache"] = {}
        real: QuerySet[Any] = getattr(fresh, name).all()
        return real

    return type(f"Held{queryset_type.__name__}", (queryset_type,), {"_chain": _chain})


def grouped(rows: Iterable[M], name: str) -> dict[Any, list[M]]:
    """Rows by one of their attributes, in their order."""
    groups: dict[Any, list[M]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, name)].append(row)
    return dict(groups)


def _loaded_fields(rows: QuerySet[Any]) -> list[Field[Any, Any]]:
    names, is_deferred = rows.query.deferred_loading

    def is_named(field: Field[Any, Any]) -> bool:
        return field.name in names or field.attname in names

    concrete = rows.model._meta.concrete_fields
    return [field for field in concrete if field.primary_key or is_named(field) is not is_deferred]


def _instances(model: type[Model], fields: list[Field[Any, Any]], rows: list[dict[str, Any]]) -> list[Model]:
    names = [field.attname for field in fields]
    readers = [(field.attname, _reader(field)) for field in fields]
    made = [
        model.from_db(connection.alias, names, [_read(row[name], reader) for name, reader in readers]) for row in rows
    ]
    for name in rows[0].keys() - set(names) if rows else ():
        for instance, row in zip(made, rows, strict=True):
            setattr(instance, name, row[name])
    return made


def _read(value: Any, reader: Callable[[Any], Any] | None) -> Any:
    return value if value is None or reader is None else reader(value)


def _reader(field: Any) -> Callable[[Any], Any] | None:
    """What makes a field's value of JSON's; None where JSON's is the value. A generated field reads like the field
    that it generates."""
    plain = getattr(field, "output_field", None) or field
    kind = plain.target_field.get_internal_type() if plain.is_relation else plain.get_internal_type()
    if kind in _AS_IN_JSON:
        return None
    reader: Callable[[Any], Any] = plain.to_python
    return reader


_AS_IN_JSON = frozenset(
    {
        "AutoField",
        "BigAutoField",
        "BigIntegerField",
        "BooleanField",
        "CharField",
        "IntegerField",
        "JSONField",
        "PositiveIntegerField",
        "PositiveSmallIntegerField",
        "SlugField",
        "SmallIntegerField",
        "TextField",
    }
)
