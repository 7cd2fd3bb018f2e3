"""What the list's address narrows: words, days, mine, names; and what it says of a filter that is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership
from incidents import timeline
from incidents.filters import IncidentFilter
from incidents.models import Incident
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db


def filters(query, user=None):
    return IncidentFilter(QueryDict(query), queryset=Incident.objects.all(), request=SimpleNamespace(user=user))


def titles(query, user=None):
    return sorted(incident.title for incident in filters(query, user).qs)


def wrong(query):
    """The mistakes of a query string, by filter."""
    return {name: list(messages) for name, messages in filters(query).errors.items()}


def test_words_are_found_in_title_description_and_notes(alice, now):
    incident = make.incident(title="Checkout slow", description="Since the deploy", at=now)
    timeline.add_note(incident, text="Walrus", by=alice, now=now)
    make.incident(title="Other", at=now)
    for text in ("checkout", "DEPLOY", "walrus slow", "deploy-walrus"):
        assert titles(f"q={text}") == ["Checkout slow"], text
    assert titles("q=zebra") == []


def test_a_number_finds_its_incident_and_those_that_speak_of_it(now):
    one = make.incident(title="One", at=now)
    make.incident(title=f"Follows INC-{one.pk}", at=now)
    make.incident(title="Other", at=now)
    for text in (f"INC-{one.pk}", f"inc-{one.pk}", f"%23{one.pk}", f"{one.pk}"):
        assert titles(f"q={text}") == [f"Follows INC-{one.pk}", "One"], text
    assert titles("q=INC-999999999999999999") == []


@pytest.mark.parametrize("text", ["!!!", "%26+|+!", "-", "\U0001f525"])
def test_a_text_without_words_finds_nothing_and_says_why(text, now):
    make.incident(title="One", at=now)
    query = f"q={text}"
    assert titles(query) == []
    assert wrong(query) == {"q": ["Type at least one word or a number; there is only punctuation."]}
    assert titles(f"{query}&severity=critical") == []


def test_other_mistakes_leave_only_their_filter_out(now):
    make.incident(title="One", severity="high", at=now)
    make.incident(title="Two", severity="low", at=now)
    long = "x" * 201
    assert titles(f"q={long}&severity=low") == ["Two"]
    assert wrong(f"q={long}") == {"q": ["Ensure this value has at most 200 characters (it has 201)."]}
    assert wrong("q=%00") == {"q": ["Null characters are not allowed."]}
    assert titles("since=yesterday&severity=low") == ["Two"]


def test_a_filter_may_be_empty(now):
    make.incident(title="One", at=now)
    empty = "q=&severity=&status=&service=&team=&assignee=&mine=&since=&until="
    assert (titles(empty), wrong(empty), filters(empty).is_narrowed, filters(empty).chosen) == (["One"], {}, False, 0)
    assert (filters("q=x&mine=1&since=2026-10-14").is_narrowed, filters("q=x&mine=1").chosen) == (True, 1)


# ---- days --------------------------------------------------------------------------------------------------------


def test_days_are_the_readers_and_both_ends_belong_to_them():
    """A day in Auckland begins at 11:00 UTC of the day before (13 hours ahead, in their summer)."""
    for hour, title in ((10, "before"), (11, "first"), (34, "last"), (35, "after")):
        make.incident(title=title, at=datetime(2026, 10, 13, 0, 59, 59, tzinfo=UTC) + timedelta(hours=hour))
    day = "since=2026-10-14&until=2026-10-14"
    with timezone.override(ZoneInfo("Pacific/Auckland")):
        assert titles(day) == ["first", "last"]
        assert titles("since=2026-10-14") == ["after", "first", "last"]
        assert titles("until=2026-10-13") == ["before"]
    assert titles(day) == ["after", "last"]
    assert titles("since=2026-10-15&until=2026-10-14") == []


def test_a_day_whose_clocks_change_at_midnight_begins_when_it_begins():
    """Beirut, 29 March 2026: midnight does not exist, 01:00 follows 23:59, which is 22:00 UTC."""
    make.incident(title="before", at=datetime(2026, 3, 28, 21, 59, 59, tzinfo=UTC))
    make.incident(title="after", at=datetime(2026, 3, 28, 22, 0, 0, tzinfo=UTC))
    with timezone.override(ZoneInfo("Asia/Beirut")):
        assert (titles("since=2026-03-29"), titles("until=2026-03-28")) == (["after"], ["before"])


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "14.10.2026", "20261014", "2026-10-14T00:00", "%00", "1e9"])
def test_what_is_no_day_says_how_days_are_written(day):
    assert wrong(f"since={day}") == {"since": ["Write a date as 2026-10-14."]}


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "3000-01-01", "9999-12-31"])
def test_days_beyond_all_calendars_are_refused(day):
    assert wrong(f"until={day}") == {"until": ["Choose a year from 1970 to 2999."]}


@pytest.mark.parametrize("day", ["1970-01-01", "2999-12-31"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_first_and_the_last_day_work_in_every_zone(day, zone, now):
    make.incident(title="One", at=now)
    with timezone.override(ZoneInfo(zone)):
        assert titles(f"since={day}") == (["One"] if day < "2000" else [])
        assert titles(f"until={day}") == ([] if day < "2000" else ["One"])


# ---- mine --------------------------------------------------------------------------------------------------------


def test_mine_is_what_i_am_assigned_to_and_what_touches_my_teams(alice, bob, now):
    storage, other = make.team("storage", alice), make.team("other", bob)
    Membership.objects.create(team=make.team("second"), user=alice)
    kafka, search = make.service("kafka", team=storage), make.service("search", team=other)
    make.incident(title="hers, of no service", assignee=alice, at=now)
    make.incident(title="his, of her team", services=[kafka], assignee=bob, at=now)
    make.incident(title="nobody's, of both", services=[kafka, search], at=now)
    make.incident(title="his", services=[search], assignee=bob, at=now)
    make.incident(title="nobody's", at=now)
    hers = ["hers, of no service", "his, of her team", "nobody's, of both"]
    for yes in ("1", "on", "true", "yes"):
        assert titles(f"mine={yes}", alice) == hers, yes
    for no in ("0", "off", "false", "no", ""):
        assert len(titles(f"mine={no}", alice)) == 5, no
    assert titles("mine=1&assignee=bob", alice) == ["his, of her team"]


# ---- what there is to choose from --------------------------------------------------------------------------------


def test_all_choices_are_read_in_one_statement_and_only_when_they_are_shown(alice, bob, now):
    make.user("gone", is_active=False)
    make.user("nameless", name="")
    make.service("kafka", name="Kafka", team=make.team("storage", alice, name="Storage"))
    make.incident(title="One", at=now)
    with CaptureQueriesContext(connection) as queries:
        asked = filters("severity=critical", alice)
        assert len(asked.qs) == 1
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        shown = {name: list(asked.form[name].field.choices) for name in ("service", "team", "assignee")}
        str(asked.form)
    assert len(queries) == 1
    assert shown == {
        "service": [("", "Any service"), ("kafka", "Kafka")],
        "team": [("", "Any team"), ("mine", "My teams"), ("storage", "Storage")],
        "assignee": [
            ("", "Any assignee"),
            ("me", "Me"),
            ("none", "Nobody"),
            ("nameless", "nameless"),
            ("alice", "Alice"),
            ("bob", "Bob"),
        ],
    }


def test_two_people_do_not_share_their_choices(alice):
    first = filters("", alice)
    assert [value for value, _ in first.form["service"].field.choices] == [""]
    make.service("kafka")
    second = filters("", alice)
    assert [value for value, _ in second.form["service"].field.choices] == ["", "kafka"]


def test_filters_work_together(alice, now):
    kafka = make.service("kafka", team=make.team("storage", alice))
    make.incident(title="Kafka lag", severity="high", services=[kafka], assignee=alice, at=now)
    make.incident(title="Kafka down", severity="high", services=[kafka], assignee=alice, at=now - 3 * 1440 * MINUTE)
    make.incident(title="Kafka slow", severity="low", services=[kafka], at=now)
    query = "q=kafka&severity=high&status=triggered&service=kafka&team=mine&assignee=me&mine=1&since=2026-10-14"
    assert titles(query, alice) == ["Kafka lag"]


def test_the_last_word_may_be_unfinished(client, alice):
    incident = make.incident(title="HighErrorRate on checkout")
    client.force_login(alice)
    assert f"row-{incident.pk}" in client.get("/incidents/?q=on+higherr").content.decode()
    assert f"row-{incident.pk}" not in client.get("/incidents/?q=higherr+on+c").content.decode()
