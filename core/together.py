"""Several reads in one statement.

A page that shows a dozen small sets of rows would wait for a dozen answers of the database. Here each set stays an
ordinary queryset; PostgreSQL hands over all their rows as JSON, and they come back as instances of their models.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from django.db.models import Field, QuerySet

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Rows:
    """What ``together`` has read: instances by the name of their queryset, and the JSON that they came as."""

    instances: dict[str, list[Any]]
    texts: dict[str, str]

    def __getitem__(self, name: str) -> list[Any]:
        return self.instances[name]

    def text(self, *names: str) -> str:
        """Some sets of rows as the database wrote them: equal texts mean that nothing in them has changed."""
        return "\n".join(self.texts[name] for name in names)


def together(**querysets: QuerySet[Any]) -> Rows:
    """Read several querysets in one statement, each as a list of its model's instances in its own order.

    Filters, orders, slices, ``only`` and ``defer`` count. Related rows do not come along (``attach`` ties them), and
    neither do annotations. None of it fits decimal fields, whose digits JSON may lose.
    """
    selects: list[str] = []
    params: list[Any] = []
    fields = {name: _loaded_fields(rows) for name, rows in querysets.items()}
    for name, rows in querysets.items():
        columns = [field.attname for field in fields[name]]
        found = statement(rows.select_related(None).values_list(*columns))
        if found is None:
            selects.append("NULL::text")
            continue
        names = ", ".join(f'"{column}"' for column in columns)
        selects.append(f"(SELECT json_agg(found) FROM ({found[0]}) AS found({names}))::text")  # noqa: S608 - Django's
        params += found[1]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(selects)}", params)
        answer = cursor.fetchone()
    texts = {name: text or "[]" for name, text in zip(querysets, answer, strict=True)}
    made = {name: _instances(rows.model, fields[name], texts[name]) for name, rows in querysets.items()}
    return Rows(made, texts)


def statement(rows: QuerySet[Any]) -> tuple[str, Sequence[Any]] | None:
    """The SQL of a queryset and its parameters; None for one that Django knows to be empty."""
    try:
        return rows.query.sql_with_params()  # type: ignore[no-any-return]
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


def attach_many(rows: Iterable[Model], name: str, found: Mapping[Any, Sequence[Model]]) -> None:
    """Give each row the related objects that were read already, by the row's key, as ``prefetch_related`` would:
    ``row.name.all()`` asks the database no more."""
    empty: QuerySet[Any] | None = None
    for row in rows:
        if empty is None:
            empty = row._meta.get_field(name).related_model._default_manager.none()  # type: ignore[union-attr]
        held = empty._chain()  # type: ignore[attr-defined]
        held._result_cache, held._prefetch_done = list(found.get(row.pk, ())), True
        row.__dict__.setdefault("_prefetched_objects_cache", {})[name] = held


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


def _instances(model: type[Model], fields: list[Field[Any, Any]], text: str) -> list[Model]:
    names = [field.attname for field in fields]
    readers = [(field.attname, _reader(field)) for field in fields]
    return [
        model.from_db(connection.alias, names, [_read(row[name], reader) for name, reader in readers])
        for row in json.loads(text)
    ]


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
