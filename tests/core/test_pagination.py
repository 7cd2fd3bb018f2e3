"""Pages by keyset: every row once, in both directions, whatever is null, equal, added or deleted meanwhile."""

import base64
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.functions import Length
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from core.pagination import BadCursor, Page, decode, encode, page
from incidents.models import Incident, Severity, Status

T0 = datetime(2026, 10, 14, 1, 0, tzinfo=UTC)
User: Any = get_user_model()

values = st.lists(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20).filter(lambda text: "\x00" not in text)
    | st.dates()
    | st.datetimes(timezones=st.just(UTC))
    | st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000)),
    max_size=6,
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(values)
def test_cursor_gives_back_what_it_was_given(given_values: list[Any]) -> None:
    cursor = encode(given_values)
    assert decode(cursor) == given_values
    assert [type(value) for value in decode(cursor)] == [type(value) for value in given_values]
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_cursor_holds_no_other_values() -> None:
    with pytest.raises(TypeError, match="object cannot be in a cursor"):
        encode([object()])


def forged(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "%%%",
        "é",
        "abc",
        "A" * 2001,
        encode([">", "id", 1])[:-2],
        forged("{}"),
        forged("[NaN]"),
        forged("[[1]]"),
        forged('[{"x":1}]'),
        forged('[{"t":"soon"}]'),
        forged('[{"t":"2026-10-14T01:00:00"}]'),
        forged('[{"l":1.5}]'),
        forged('["\\u0000"]'),
        forged('["\\ud800"]'),
        forged("[" * 70 + "]" * 70),
    ],
)
def test_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode(cursor)


@pytest.fixture
def people(db: None) -> Any:
    """Twelve users: names in three groups, some who have never signed in, some at the same moment."""
    User.objects.bulk_create(
        User(
            username=f"user-{number:02}",
            email=f"user-{number:02}@example.com",
            last_login=None if number % 4 == 0 else T0 + timedelta(minutes=number // 3),
            password="abc"[number % 3],
        )
        for number in range(12)
    )
    return User.objects.filter(username__startswith="user-")


def walk(rows: QuerySet[Any], sort: tuple[str, ...], limit: int) -> tuple[list[str], list[str]]:
    """The names on all pages forwards, and then backwards from the last page."""
    here: Page[Any] = page(rows, sort=sort, cursor=None, limit=limit)
    assert here.previous is None
    forward = [here]
    while here.next:
        here = page(rows, sort=sort, cursor=here.next, limit=limit)
        forward.append(here)
    backward = [here]
    while here.previous:
        here = page(rows, sort=sort, cursor=here.previous, limit=limit)
        backward.append(here)
    assert here.items == forward[0].items
    names = [[item.username for each in pages for item in each.items] for pages in (forward, reversed(backward))]
    return names[0], names[1]


def expected(rows: QuerySet[Any], *order: Any) -> list[str]:
    return [row.username for row in rows.order_by(*order)]


@pytest.mark.parametrize("limit", [1, 2, 5, 12, 50])
@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ((), ["pk"]),
        (("-id",), ["-pk"]),
        (("username",), ["username"]),
        (("-username",), ["-username"]),
        (("password", "-username"), ["password", "-username"]),
        (("-password", "id"), ["-password", "pk"]),
        (("last_login",), [F("last_login").asc(nulls_last=True), "pk"]),
        (("-last_login",), [F("last_login").desc(nulls_first=True), "-pk"]),
        (("-last_login", "pk"), [F("last_login").desc(nulls_first=True), "pk"]),
        (("password", "last_login"), ["password", F("last_login").asc(nulls_last=True), "pk"]),
        (("-name_length", "username"), ["-name_length", "username"]),
    ],
)
def test_pages_hold_every_row_once_in_order(people: Any, sort: tuple[str, ...], order: list[Any], limit: int) -> None:
    rows = people.annotate(name_length=Length("password"))
    assert walk(rows, sort, limit) == (expected(rows, *order), expected(rows, *order))


def test_lengths_of_time_sort_too(people: Any) -> None:
    after = ExpressionWrapper(F("last_login") - Value(T0), output_field=DurationField())
    rows = people.annotate(after=after)
    wanted = expected(rows, F("last_login").asc(nulls_last=True), "pk")
    assert walk(rows, ("after",), 5) == (wanted, wanted)


def test_generated_columns_may_be_null(db: None) -> None:
    Incident.objects.bulk_create(
        Incident(
            title=f"Incident {number}",
            severity=list(Severity)[number % 4],
            status=Status.RESOLVED if number % 3 else Status.TRIGGERED,
            created_at=T0,
            started_at=T0,
            acknowledged_at=T0 if number % 3 else None,
            resolved_at=T0 + timedelta(minutes=number // 2) if number % 3 else None,
        )
        for number in range(10)
    )
    for sort in (("ended_after",), ("-ended_after",), ("severity_rank",), ("-severity_rank",)):
        rows = Incident.objects.order_by(sort[0], "-id" if sort[0].startswith("-") else "id")
        here = page(Incident.objects.all(), sort=sort, cursor=None, limit=3)
        seen = [*here.items]
        while here.next:
            here = page(Incident.objects.all(), sort=sort, cursor=here.next, limit=3)
            seen += here.items
        assert seen == list(rows)


def test_pages_stay_put_while_rows_come_and_go(people: Any) -> None:
    first = page(people, sort=("username",), cursor=None, limit=4)
    User.objects.create(username="user-01b", email="b@example.com")
    User.objects.filter(username__in=["user-03", "user-04"]).delete()
    second = page(people, sort=("username",), cursor=first.next, limit=4)
    assert [item.username for item in second.items] == ["user-05", "user-06", "user-07", "user-08"]
    back = page(people, sort=("username",), cursor=second.previous, limit=4)
    assert [item.username for item in back.items] == ["user-00", "user-01", "user-01b", "user-02"]


def test_page_is_one_query_without_count_or_offset(people: Any, django_assert_num_queries: Any) -> None:
    first = page(people, sort=("-last_login",), cursor=None, limit=4)
    with django_assert_num_queries(1) as captured:
        page(people, sort=("-last_login",), cursor=first.next, limit=4)
    assert isinstance(captured, CaptureQueriesContext)
    sql = captured.captured_queries[0]["sql"]
    assert "OFFSET" not in sql
    assert "COUNT" not in sql


def test_empty_list_has_no_neighbours(people: Any) -> None:
    assert page(people.none(), sort=("username",), cursor=None, limit=4) == Page(items=[], next=None, previous=None)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [">", "username,pk", "user-05"],
        ["=", "username,pk", "user-05", 5],
        [">", "-username,-pk", "user-05", 5],
        [">", "username,pk", "user-05", "five"],
        [">", "username,pk", "user-05", T0],
        [">", "username,pk", "user-05", 5, 6],
    ],
)
def test_cursor_of_another_list_is_refused(people: Any, wrong: list[Any]) -> None:
    with pytest.raises(BadCursor):
        page(people, sort=("username",), cursor=encode(wrong), limit=4)


@pytest.mark.parametrize("wrong", ["soon", 5, True, 1.5, date(2026, 1, 1), timedelta(1)])
def test_cursor_with_a_value_of_another_kind_never_reaches_the_database(people: Any, wrong: Any) -> None:
    with pytest.raises(BadCursor):
        page(people, sort=("last_login",), cursor=encode([">", "last_login,pk", wrong, 5]), limit=4)


def test_huge_number_is_beyond_every_row(people: Any) -> None:
    assert page(people, sort=("id",), cursor=encode([">", "id", 10**17]), limit=4).items == []


def test_page_of_no_rows_is_a_mistake(people: Any) -> None:
    with pytest.raises(ValueError, match="at least one"):
        page(people, sort=(), cursor=None, limit=0)


def test_times_come_back_in_utc_whatever_their_offset() -> None:
    odd = datetime(2026, 10, 14, 1, 47, tzinfo=timezone(timedelta(hours=23, minutes=59)))
    (found,) = decode(encode([odd]))
    assert (found, found.tzinfo) == (odd, UTC)
