"""One page of incidents by the names of their assignees, as people see them.

No index of incidents knows names, and sorting a million rows takes a second. So people are walked in the order of
their names, and of each only as many incidents are read as the page still needs, by ``incidents_by_assignee``. Where
filters leave few rows, those are sorted instead: walking past everybody's incidents to find them would take longer.

From A to Z the newest come first within a person, and what nobody is assigned to comes last; from Z to A all of it is
turned around.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from core import pagination
from core.together import statement
from incidents.models import Incident
from incidents.querysets import UNLISTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from incidents.querysets import IncidentQuerySet

FEW = 1_000

_FIND = """
    WITH person AS MATERIALIZED (
        SELECT id, lower(coalesce(nullif(name, ''), username)) AS shown FROM accounts_user),
    few AS MATERIALIZED ({few}),
    gathered AS MATERIALIZED (SELECT count(*) <= {most} AS is_all FROM few)
    SELECT id, shown, assignee_id, created_at FROM ({parts}) AS found
    ORDER BY shown {up} NULLS {last}, assignee_id {up} NULLS {last}, created_at {down}, id {down} LIMIT {count}
"""
_SORT = """
    SELECT few.id, person.shown, assignee_id, created_at
    FROM few LEFT JOIN person ON person.id = assignee_id WHERE (SELECT is_all FROM gathered) AND ({beyond})
"""
_WALK = """
    SELECT mine.id, person.shown, mine.assignee_id, mine.created_at
    FROM (SELECT id, shown FROM person WHERE {beyond} ORDER BY shown {up}, id {up}) AS person
        CROSS JOIN LATERAL ({rows}) AS mine
    ORDER BY person.shown {up}, person.id {up}, mine.created_at {down}, mine.id {down} LIMIT {count}
"""
_OF_ONE = """
    SELECT mine.id, person.shown, mine.assignee_id, mine.created_at
    FROM ({rows}) AS mine LEFT JOIN person ON person.id = mine.assignee_id
"""
_UP = {"up": "ASC", "down": "DESC", "last": "LAST", "after": ">", "within": "<"}
_DOWN = {"up": "DESC", "down": "ASC", "last": "FIRST", "after": "<", "within": ">"}

Sql = tuple[str, list[Any]]
_NOTHING: Sql = (
    "SELECT NULL::bigint AS id, NULL::bigint AS assignee_id, NULL::timestamptz AS created_at WHERE false",
    [],
)


@dataclass(frozen=True, slots=True)
class _Place:
    """The row at the edge of a page; ``person`` is None for a row of nobody."""

    shown: str | None
    person: int | None
    created_at: datetime
    pk: int


def page(rows: IncidentQuerySet, *, is_descending: bool, cursor: str | None, limit: int) -> pagination.Page[Incident]:
    """One page; two queries. Raises BadCursor."""
    is_backward, place = _read(cursor, is_descending) if cursor else (False, None)
    places = _find(rows, place, is_up=is_backward is is_descending, count=limit + 1)
    has_more = len(places) > limit
    places = places[:limit]
    if is_backward:
        places.reverse()
    read = Incident.objects.defer(*UNLISTED).in_bulk([found.pk for found in places])
    items = [read[found.pk] for found in places if found.pk in read]
    has_next, has_previous = (True, has_more) if is_backward else (has_more, place is not None)
    return pagination.Page(
        items=items,
        next=_cursor(">", is_descending, places[-1]) if items and has_next else None,
        previous=_cursor("<", is_descending, places[0]) if items and has_previous else None,
    )


def _cursor(direction: str, is_descending: bool, at: _Place) -> str:
    return pagination.encode([direction, _name(is_descending), at.shown, at.person, at.created_at, at.pk])


def _read(cursor: str, is_descending: bool) -> tuple[bool, _Place]:
    match pagination.decode(cursor):
        case ["<" | ">" as direction, name, shown, person, datetime() as at, int() as pk] if (
            name == _name(is_descending)
            and not isinstance(pk, bool)
            and (isinstance(shown, str) and type(person) is int or shown is person is None)
            and all(-(2**63) <= number < 2**63 for number in (person or 0, pk))
        ):
            return direction == "<", _Place(shown, person, at, pk)
    raise pagination.BadCursor("the cursor belongs to another order of the list")


def _name(is_descending: bool) -> str:
    return "-assignee" if is_descending else "assignee"


# ---- finding the numbers of a page, in one statement -------------------------------------------------------------


def _find(rows: IncidentQuerySet, place: _Place | None, *, is_up: bool, count: int) -> list[_Place]:
    """The next rows after ``place``, from A to Z if ``is_up``."""
    words = _UP if is_up else _DOWN
    walked, *older = [lane.order_by() for lane in rows.lanes or (rows,)]
    is_tried = not older and not rows.is_read
    if older:  # what is older than "recent" and still open is little, and all of it is sorted
        few = _statement(older[0])
    elif is_tried:
        few = _statement(walked.order_by("-created_at")[: FEW + 1])
        walked = walked.filter(_where("NOT (SELECT is_all FROM gathered)"))
    else:  # known to be many
        few = _NOTHING
    if few is None:
        return []
    parts = [_sorted(place, words), *_walked(walked, place, words, count)]
    sql = _FIND.format(
        few=few[0],
        most=FEW if is_tried else 2**31,
        parts=" UNION ALL ".join(f"({part})" for part, _ in parts),
        count=count,
        **words,
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*few[1], *(value for _, values in parts for value in values)])
        return [_Place(shown, person, at, pk) for pk, shown, person, at in cursor.fetchall()]


def _sorted(place: _Place | None, words: dict[str, str]) -> Sql:
    """Everything that follows, if it is few."""
    if place is None:
        return _SORT.format(beyond="true"), []
    same = f"(created_at, few.id) {words['within']} (%s, %s)"
    if place.person is None:
        others = "" if words is _UP else "assignee_id IS NOT NULL OR "
        return _SORT.format(beyond=f"{others}assignee_id IS NULL AND {same}"), [place.created_at, place.pk]
    nobody = "assignee_id IS NULL OR " if words is _UP else ""
    beyond = f"{nobody}(shown, assignee_id) {words['after']} (%s, %s) OR assignee_id = %s AND {same}"
    return _SORT.format(beyond=beyond), [place.shown, place.person, place.person, place.created_at, place.pk]


def _walked(rows: IncidentQuerySet, place: _Place | None, words: dict[str, str], count: int) -> Iterator[Sql]:
    """What follows of the person at ``place``, of everybody beyond, and of nobody."""
    rows = rows.order_by(*(("-created_at", "-id") if words is _UP else ("created_at", "id")))
    if place is not None:
        beyond = f"(incidents_incident.created_at, incidents_incident.id) {words['within']} (%s, %s)"
        rest = rows.filter(_where(beyond, place.created_at, place.pk))
        yield from _of_one(rest.filter(assignee=place.person), count)
    is_at_nobody = place is not None and place.person is None
    if not (is_at_nobody and words is _UP):
        yield from _of_everybody(rows, None if is_at_nobody else place, words, count)
    if not is_at_nobody and (words is _UP or place is None):
        yield from _of_one(rows.filter(assignee=None), count)


def _of_one(rows: IncidentQuerySet, count: int) -> Iterator[Sql]:
    if found := _statement(rows[:count]):
        yield _OF_ONE.format(rows=found[0]), found[1]


def _of_everybody(rows: IncidentQuerySet, place: _Place | None, words: dict[str, str], count: int) -> Iterator[Sql]:
    # Not "=", and the assignee in the order, so that it is read from the one index that has both: PostgreSQL knows what
    # people have on average, and where one has everything it would look through that for each of the others.
    theirs = rows.filter(_where("incidents_incident.assignee_id BETWEEN person.id AND person.id"))
    found = _statement(
        theirs.order_by("-assignee_id" if words is _UP else "assignee_id", *theirs.query.order_by)[:count]
    )
    if found and place is None:
        yield _WALK.format(rows=found[0], beyond="true", count=count, **words), found[1]
    elif found and place:
        beyond = f"(shown, id) {words['after']} (%s, %s)"
        values = [place.shown, place.person, *found[1]]
        yield _WALK.format(rows=found[0], beyond=beyond, count=count, **words), values


def _statement(rows: IncidentQuerySet) -> Sql | None:
    found = statement(rows.values_list("pk", "assignee_id", "created_at"))
    if found is None:
        return None
    return f"SELECT * FROM ({found[0]}) AS rows (id, assignee_id, created_at)", [*found[1]]  # noqa: S608 - Django's


def _where(sql: str, *values: object) -> RawSQL:
    return RawSQL(sql, values, BooleanField())  # noqa: S611 - ours; values are parameters
