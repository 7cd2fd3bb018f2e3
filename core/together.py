"""Several reads in one statement.

A page that shows a dozen small sets of rows would wait for a dozen answers of the database. Here each set stays an
ordinary queryset; PostgreSQL hands over all their rows as JSON, and they come back as instances of their models.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.db.models import Field, Model, QuerySet


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
    neither do annotations.
    """
    selects: list[str] = []
    params: list[Any] = []
    fields = {name: _loaded_fields(rows) for name, rows in querysets.items()}
    for name, rows in querysets.items():
        columns = [field.attname for field in fields[name]]
        plain = rows.select_related(None).values_list(*columns).query
        sql, values = plain.get_compiler(connection.alias, elide_empty=False).as_sql()
        names = ", ".join(f'"{column}"' for column in columns)
        selects.append(f"(SELECT json_agg(found) FROM ({sql}) AS found({names}))::text")
        params += values
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(selects)}", params)
        answer = cursor.fetchone()
    texts = {name: text or "[]" for name, text in zip(querysets, answer, strict=True)}
    made = {
        name: [_instance(rows.model, fields[name], row) for row in json.loads(texts[name])]
        for name, rows in querysets.items()
    }
    return Rows(made, texts)


def attach(rows: Iterable[Model], name: str, found: Mapping[Any, Model]) -> None:
    """Set a foreign key's object from rows that were read already, by key; where it is missing, it is read when asked
    for, one by one."""
    for row in rows:
        related = found.get(getattr(row, f"{name}_id"))
        if related is not None:
            setattr(row, name, related)
        elif getattr(row, f"{name}_id") is None:
            row._state.fields_cache[name] = None


def attach_many(parents: Iterable[Model], name: str, groups: Mapping[Any, list[Any]]) -> None:
    """Give each parent the rows that stand under its key, so that ``parent.name.all()`` asks nobody."""
    for parent in parents:
        own = getattr(parent, name).get_queryset()
        own._result_cache = groups.get(parent.pk, [])
        own._prefetch_done = True
        parent.__dict__.setdefault("_prefetched_objects_cache", {})[name] = own


def grouped(rows: Iterable[Model], by: str) -> dict[Any, list[Any]]:
    """Rows by the value of one of their columns, such as ``step_id``, each group in the order of the rows."""
    groups: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, by)].append(row)
    return groups


def _loaded_fields(rows: QuerySet[Any]) -> list[Field[Any, Any]]:
    names, is_deferred = rows.query.deferred_loading
    concrete = rows.model._meta.concrete_fields
    return [field for field in concrete if field.primary_key or (field.name in names) is not is_deferred]


def _instance(model: type[Model], fields: list[Field[Any, Any]], row: dict[str, Any]) -> Model:
    values = [None if row[field.attname] is None else _plain(field).to_python(row[field.attname]) for field in fields]
    return model.from_db(connection.alias, [field.attname for field in fields], values)


def _plain(field: Any) -> Any:
    """A generated field reads like the field that it generates."""
    return getattr(field, "output_field", None) or field
