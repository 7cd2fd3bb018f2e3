"""Pages of several lanes, and of orders that go up in one column and down in another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import F
from django.db.models.functions import Length
from django.test.utils import CaptureQueriesContext

from core.pagination import page
from incidents.models import Incident
from tests import make

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture
def people(now):
    """Names in three groups, and some who have never signed in."""
    names = ["Ada", "Ada", "Bob", "Cyd", "Ada", "Bob", "", "Cyd", "Bob", "Ada", "", "Bob"]
    seen = [now, None, now - timedelta(days=1), now, None, None, now, now - timedelta(days=1), now, None, now, None]
    return User.objects.bulk_create(
        User(username=f"u{number:02}", name=name, last_login=at)
        for number, (name, at) in enumerate(zip(names, seen, strict=True))
    )


def walk(rows, sort, limit):
    """All rows, page by page to the end, and the same on the way back."""
    there, back, cursor = [], [], None
    while True:
        found = page(rows, sort=sort, cursor=cursor, limit=limit)
        there += [row.pk for row in found.items]
        if found.next is None:
            break
        cursor = found.next
    back, cursor = [row.pk for row in found.items], found.previous
    while cursor:
        found = page(rows, sort=sort, cursor=cursor, limit=limit)
        back = [row.pk for row in found.items] + back
        cursor = found.previous
    return there, back


MIXED = [
    ("name", "-id"),
    ("-name", "id"),
    ("name", "-last_login", "id"),
    ("-last_login", "name", "-id"),
    ("last_login", "-name"),
    ("-name", "last_login", "-id"),
    ("name", "-username", "last_login"),
]


@pytest.mark.parametrize("sort", MIXED)
@pytest.mark.parametrize("limit", [1, 3, 5, 50])
def test_mixed_directions_give_each_row_once_there_and_back(people, sort, limit):
    def direction(key):
        field = F(key.removeprefix("-"))
        return field.desc(nulls_first=True) if key.startswith("-") else field.asc(nulls_last=True)

    last = "-id" if sort[-1].startswith("-") else "id"
    expected = list(User.objects.order_by(*map(direction, sort), last).values_list("pk", flat=True))
    assert walk(User.objects.all(), sort, limit) == (expected, expected)


@pytest.mark.parametrize("sort", [*MIXED, ("name",), ("-name",), ("last_login",), ("-last_login",), ("-id",)])
@pytest.mark.parametrize("limit", [1, 4, 50])
def test_lanes_are_one_list(people, sort, limit):
    lanes = [User.objects.filter(name="Ada"), User.objects.exclude(name__in=["Ada", "Bob"]), User.objects.none()]
    lanes += [
        User.objects.filter(name="Bob", last_login=None),
        User.objects.filter(name="Bob").exclude(last_login=None),
    ]
    assert walk(lanes, sort, limit) == walk(User.objects.all(), sort, limit)


def test_lanes_may_order_by_different_expressions_of_one_name(people):
    lanes = [
        User.objects.filter(name="Ada").annotate(weight=Length("username")),
        User.objects.exclude(name="Ada").annotate(weight=Length("name") * 2),
    ]
    weights = {row.pk: row.weight for lane in lanes for row in lane}
    expected = sorted(weights, key=lambda pk: (weights[pk], pk))
    assert walk(lanes, ("weight",), 5) == (expected, expected)


def test_one_query_a_page_whatever_the_number_of_lanes(people):
    lanes = [User.objects.filter(name=name) for name in ("Ada", "Bob", "Cyd")]
    first = page(lanes, sort=("name", "-id"), cursor=None, limit=3)
    with CaptureQueriesContext(connection) as queries:
        second = page(lanes, sort=("name", "-id"), cursor=first.next, limit=3)
    assert ([row.name for row in second.items], len(queries)) == (["Ada", "Bob", "Bob"], 1)


def test_lanes_may_bring_related_rows_along(alice, bob, now):
    mine = make.incident(title="mine", assignee=alice, at=now)
    his = make.incident(title="his", assignee=bob, at=now)
    lanes = [Incident.objects.filter(assignee=person).select_related("assignee") for person in (alice, bob)]
    lanes = [lane.prefetch_related("affected_services") for lane in lanes]
    found = page(lanes, sort=("-id",), cursor=None, limit=5)
    with CaptureQueriesContext(connection) as queries:
        shown = [(row, row.assignee, list(row.affected_services.all())) for row in found.items]
    assert (shown, len(queries)) == ([(his, bob, []), (mine, alice, [])], 0)


def test_no_lanes_hold_nothing(people):
    found = page([User.objects.none(), User.objects.filter(pk__in=[])], sort=("name",), cursor=None, limit=5)
    assert (found.items, found.next, found.previous) == ([], None, None)
