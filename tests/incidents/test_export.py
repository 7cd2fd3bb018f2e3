"""The list as CSV: every row once, in its order, for spreadsheets that trust nothing."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from incidents import export, lifecycle, listing
from incidents.models import Incident
from incidents.views import export as export_view
from tests import make
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db

ADDRESS = "/incidents/export.csv"


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


def sent(client, query: str = "") -> bytes:
    answer = client.get(f"{ADDRESS}{query}")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def rows(client, query: str = "") -> list[dict[str, str]]:
    text = sent(client, query).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def numbers(client, query: str = "") -> list[int]:
    return [int(row["number"]) for row in rows(client, query)]


def test_a_row_says_what_the_list_says_and_more(at_desk, alice, settings):
    services = [make.service("kafka"), make.service("search")]
    incident = make.incident(title='Größer, "schneller"', services=services, started_at=NOW - 5 * MINUTE)
    lifecycle.acknowledge(incident, by=alice, now=NOW + 2 * MINUTE)
    lifecycle.resolve(incident, by=alice, now=NOW + 12 * MINUTE)
    assert rows(at_desk, "?period=all") == [
        {
            "number": str(incident.pk),
            "url": f"{settings.MUSTER.base_url}/incidents/INC-{incident.pk}",
            "title": 'Größer, "schneller"',
            "severity": "critical",
            "status": "resolved",
            "assignee": "alice",
            "assignee_name": "Alice",
            "affected_services": "kafka, search",
            "created_at": "2026-10-14T01:47:08Z",
            "started_at": "2026-10-14T01:42:08Z",
            "acknowledged_at": "2026-10-14T01:49:08Z",
            "resolved_at": "2026-10-14T01:59:08Z",
            "duration_seconds": "720",
            "mtta_seconds": "120",
        }
    ]


def test_what_is_not_so_yet_is_empty(at_desk):
    make.incident()
    (row,) = rows(at_desk)
    not_yet = ("assignee", "assignee_name", "affected_services", "acknowledged_at", "resolved_at", "mtta_seconds")
    assert [row[name] for name in not_yet] == [""] * 6


def test_the_bytes_are_rfc_4180_with_a_byte_order_mark(at_desk):
    make.incident(title='a,b "c"')
    answer = at_desk.get(f"{ADDRESS}?period=all")
    body = b"".join(answer.streaming_content)
    assert answer["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer["Content-Disposition"] == f'attachment; filename="incidents-all-{timezone.now():%Y-%m-%d}.csv"'
    assert body.startswith(b"\xef\xbb\xbfnumber,url,title,")
    assert body.endswith(b"\r\n")
    assert body.count(b"\r\n") == body.count(b"\n") == 2
    assert b',"a,b ""c""",' in body


@pytest.mark.parametrize(
    ("title", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "'\t'=1"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\u00a0=1", "'\u00a0=1"),
        ("\u200b\ufeff=1", "'\u200b\ufeff=1"),
        ("\u061c\u034f=1", "'\u061c\u034f=1"),
        ("\u3164\u2800=1", "'\u3164\u2800=1"),
        ("\U000e0020\ufe0f=1", "'\U000e0020\ufe0f=1"),
        ("＝1", "'＝1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠x", "'＠x"),
        ("a;=1", "a;'=1"),
        ("a; -1", "a;' -1"),
        ("a\r\n=1", "a\r\n'=1"),
        ("5 % = too much", "5 % = too much"),
        ("a-b, c=d", "a-b, c=d"),
        ("'=1", "'=1"),
        ("", ""),
        ("100", "100"),
    ],
)
def test_no_text_is_taken_for_a_formula(title, cell):
    assert export.harmless(title) == cell


def test_hostile_titles_names_and_slugs_come_back_as_text(at_desk):
    mallory = make.user("=mallory", name='=HYPERLINK("http://evil","x")')
    incident = make.incident(title="x", assignee=mallory)
    Incident.objects.filter(pk=incident.pk).update(title='=1+1","=2\r\n=3;=4')
    (row,) = rows(at_desk)
    assert row["title"] == "'=1+1\",\"=2\r\n'=3;'=4"
    assert row["assignee"] == "'=mallory"
    assert row["assignee_name"] == '\'=HYPERLINK("http://evil","x")'
    assert row["duration_seconds"].isdecimal()


def test_filters_tab_and_order_are_those_of_the_address(at_desk, alice):
    now = timezone.now()
    a, b, c = (make.incident(title=title, severity=severity, at=now) for title, severity in
               (("A", "low"), ("B", "high"), ("C", "low")))  # fmt: skip
    lifecycle.resolve(c, by=alice)
    assert numbers(at_desk) == [b.pk, a.pk]
    assert numbers(at_desk, "?period=all&sort=title") == [a.pk, b.pk, c.pk]
    assert numbers(at_desk, "?period=all&severity=low&sort=-title&cursor=nonsense") == [c.pk, a.pk]
    assert numbers(at_desk, "?q=nothing") == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("severity=worst", "worst is not one of the available choices"),
        ("since=soon", "Write a date as 2026-10-14."),
        (f"q={'a' * 201}", "at most 200 characters"),
    ],
)
def test_a_wrong_filter_exports_nothing_and_leads_to_the_list_that_names_it(at_desk, wrong, said):
    make.incident(title="x")
    response = at_desk.get(f"/incidents/export.csv?{wrong}")
    assert (response.status_code, response["Location"]) == (303, f"/incidents/?{wrong}")
    page = at_desk.get(response["Location"]).content.decode()
    assert "Nothing was exported, because a filter is not right." in page
    assert said in page


@pytest.mark.parametrize("sort", listing.SORTS)
def test_chunks_hold_every_row_once_in_every_order_at_a_fixed_price(at_desk, alice, monkeypatch, sort):
    monkeypatch.setattr(export, "CHUNK", 4)
    people = [alice, None]
    drafts = [lifecycle.Draft(title=f"T{i % 3}", severity="low", assignee=people[i % 2]) for i in range(11)]
    made = lifecycle.declare_many(drafts, now=timezone.now() - timedelta(hours=1))
    for incident in made[::3]:
        lifecycle.resolve(incident, by=alice)
    with CaptureQueriesContext(connection) as queries:
        found = numbers(at_desk, f"?period=all&sort={sort}")
    assert sorted(found) == sorted(incident.pk for incident in made)
    assert len(queries) <= 2 + 3 * 5  # session and user, then each chunk; an ascending order asks for nulls by itself
    listed = at_desk.get(f"/incidents/?period=all&sort={sort}").content.decode()
    assert found == sorted(found, key=lambda number: listed.index(f'id="row-{number}"'))


def test_private_incidents_are_in_the_files_of_their_people_only(client, alice, bob):
    make.incident(is_private=True, assignee=bob)
    for person, count in ((alice, 0), (bob, 1)):
        client.force_login(person)
        assert len(rows(client)) == count


def test_strangers_sign_in_and_viewers_read(client, charlie):
    assert client.get(ADDRESS)["Location"].startswith(reverse("account_login"))
    make.incident()
    client.force_login(charlie)
    assert len(rows(client)) == 1


def test_a_slow_reader_has_one_of_few_seats_and_gives_it_back(at_desk):
    readers = [at_desk.get(ADDRESS) for _ in range(export_view.AT_ONCE)]
    refused = at_desk.get(f"{ADDRESS}?severity=low")
    assert (refused.status_code, refused["Location"]) == (303, "/incidents/?severity=low")
    leaves_early = readers[0]._iterator
    next(leaves_early)
    leaves_early.close()
    assert sent(at_desk)
    assert b"".join(readers[1].streaming_content)
    again = [at_desk.get(ADDRESS) for _ in range(export_view.AT_ONCE)]
    assert [b"".join(answer.streaming_content)[:9] for answer in again] == [b"\xef\xbb\xbfnumber"] * export_view.AT_ONCE


def test_the_list_links_to_the_file_of_what_it_shows(at_desk):
    make.incident(at=timezone.now())
    page = at_desk.get("/incidents/?severity=critical&sort=title").content.decode()
    assert 'href="/incidents/export.csv?severity=critical&amp;sort=title"' in page
