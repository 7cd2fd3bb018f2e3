"""The list of postmortems: its tabs, what narrows it, what its rows say, and what it costs."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from incidents import lifecycle
from incidents.models import Incident
from postmortems import drafting, editing, list_views
from postmortems.models import Factor, Postmortem
from tests import make

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MOST_QUERIES = 12


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


def resolved(*, ago=2 * DAY, **fields):
    ended = timezone.now() - ago
    return lifecycle.resolve(make.incident(at=ended - timedelta(minutes=30), **fields), by=None, now=ended)


def drafted(*, owner=None, state="draft", factors=(), **fields):
    incident = resolved(**fields)
    postmortem = drafting.start(incident, by=owner)
    postmortem.factors.set([Factor.objects.get_or_create(name=name)[0] for name in factors])
    out = {"published_at": timezone.now()} if state == "published" else {}
    Postmortem.objects.filter(pk=postmortem.pk).update(state=state, **out)
    return postmortem


def listed(client, **asked):
    """The references of the rows, in order."""
    page = client.get(reverse("postmortems:list"), asked).content.decode()
    return re.findall(r"<tr>\s*<th scope=\"row\">.*?(INC-\d+)", page, re.DOTALL)


def text(client, **asked):
    page = client.get(reverse("postmortems:list"), asked).content.decode()
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page)))


def references(*rows):
    return [getattr(row, "incident", row).reference for row in rows]


def test_tabs_by_state_the_newest_first(at_desk):
    draft, review, out = (drafted(state=state) for state in ("draft", "in_review", "published"))
    assert listed(at_desk) == references(out, review, draft)
    assert [listed(at_desk, tab=tab) for tab in ("draft", "in_review", "published", "nonsense")] == [
        references(draft), references(review), references(out), references(out, review, draft),
    ]  # fmt: skip


def test_what_is_missing_or_overdue(at_desk):
    late = drafted(ago=6 * DAY)
    drafted(ago=6 * DAY, state="published")
    drafted(ago=6 * DAY, severity="high")
    missing = resolved(ago=DAY)
    resolved(ago=DAY, severity="low")
    Incident.objects.filter(pk=resolved(ago=DAY).pk).update(merged_into=missing)
    make.incident()
    assert listed(at_desk, tab="behind") == references(missing, late)
    said = text(at_desk, tab="behind")
    assert "Missing or overdue 2" in said
    assert "overdue by 1 day" in said
    assert "due in 3 days" in said


def test_each_filter_narrows(at_desk, alice, bob):
    team = make.team("data", bob)
    kafka, auth = make.service("kafka", team=team), make.service("auth")
    one = drafted(owner=alice, services=[kafka], factors=["Capacity"], title="Lag grows")
    two = drafted(owner=bob, services=[auth], severity="high", title="Sign-in fails")
    nobody = drafted(severity="low", title="Icons are missing")
    for asked, expected in [
        ({"severity": "high"}, [two]),
        ({"service": "kafka"}, [one]),
        ({"team": "data"}, [one]),
        ({"factor": "capacity"}, [one]),
        ({"owner": "me"}, [one]),
        ({"owner": "none"}, [nobody]),
        ({"owner": "bob"}, [two]),
        ({"q": "grows"}, [one]),
        ({"q": "grows", "owner": "bob"}, []),
        ({"q": "!!"}, []),
        ({"service": "nothing"}, []),
        ({"severity": "\x00"}, []),
    ]:
        assert listed(at_desk, **asked) == references(*expected), asked


def test_filters_narrow_what_is_behind_too(at_desk, alice):
    kafka = make.service("kafka")
    late = drafted(ago=6 * DAY, owner=alice, services=[kafka], factors=["Capacity"])
    missing = resolved(ago=DAY)
    for asked, expected in [
        ({"service": "kafka"}, [late]),
        ({"owner": "me"}, [late]),
        ({"owner": "none"}, [missing]),
        ({"factor": "capacity"}, [late]),
        ({"q": "broken"}, [late]),
        ({"severity": "critical"}, [missing, late]),
    ]:
        assert listed(at_desk, tab="behind", **asked) == references(*expected), asked


def test_a_row_says_how_far_it_is(at_desk, alice):
    postmortem = drafted(owner=alice, ago=3 * DAY, factors=["Capacity"])
    assert re.search(r"Draft 5 to write: required sections .*Alice.* after 30 min due in \d", text(at_desk))
    for section in postmortem.sections.all():
        editing.write(section, body="Written.", by=alice)
    assert "to write" not in text(at_desk, tab="draft")
    Postmortem.objects.update(state="published", published_at=timezone.now())
    assert re.search(r"Published .* published \d\d:\d\d", text(at_desk))
    assert "?factor=Capacity" in at_desk.get(reverse("postmortems:list")).content.decode()


def test_words_show_their_place(at_desk, alice):
    postmortem = drafted(owner=alice)
    editing.write(postmortem.sections.get(key="root_cause"), body="The write cache was off.", by=alice)
    page = at_desk.get(reverse("postmortems:list"), {"q": "cache"}).content.decode()
    assert "The write <mark>cache</mark> was off." in page


@pytest.mark.parametrize(("asked", "words"), [
    ({}, "No postmortems yet"), ({"tab": "draft"}, "No draft"), ({"tab": "in_review"}, "Nothing is in review"),
    ({"tab": "published"}, "Nothing is published yet"), ({"tab": "behind"}, "Nothing is missing or overdue"),
    ({"q": "x"}, "No postmortem fits"),
])  # fmt: skip
def test_where_there_is_nothing_it_says_what_to_do(at_desk, asked, words):
    assert words in text(at_desk, **asked)


def test_pages_follow_each_other(at_desk, monkeypatch):
    monkeypatch.setattr(list_views, "ROWS", 2)
    rows = [drafted(ago=6 * DAY + n * timedelta(hours=1)) for n in range(3)]
    for tab, expected in (("", rows[::-1]), ("behind", rows)):
        page = at_desk.get(reverse("postmortems:list"), {"tab": tab}).content.decode()
        cursor = re.search(r'rel="next" href="\?(?:.*?&amp;)?cursor=([^"&]+)', page)[1]
        assert listed(at_desk, tab=tab) == references(*expected[:2])
        assert listed(at_desk, tab=tab, cursor=cursor) == references(*expected[2:])
    assert at_desk.get(reverse("postmortems:list"), {"cursor": "x"}).status_code == 404


def test_private_ones_show_to_their_people_only(client, at_desk, bob):
    secret, missing = drafted(ago=6 * DAY), resolved()
    Incident.objects.filter(pk__in=[secret.incident_id, missing.pk]).update(is_private=True, assignee=bob)
    assert (listed(at_desk), listed(at_desk, tab="behind")) == ([], [])
    client.force_login(bob)
    assert (listed(client), listed(client, tab="behind")) == (references(secret), references(missing, secret))


@pytest.mark.parametrize("asked", [{}, {"tab": "behind"}, {"q": "broken"}])
def test_it_costs_few_queries_whatever_the_number_of_rows(at_desk, alice, asked):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            at_desk.get(reverse("postmortems:list"), asked)
        return len(queries)

    drafted(ago=6 * DAY, owner=alice, factors=["Capacity"], services=[make.service()])
    cost()
    one = cost()
    for _ in range(3):
        drafted(ago=6 * DAY, owner=alice, factors=["Capacity"], services=[make.service()])
    assert cost() == one <= MOST_QUERIES
