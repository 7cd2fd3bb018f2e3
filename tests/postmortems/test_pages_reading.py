"""The page that a postmortem is read on."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from postmortems import drafting, places, prose
from postmortems.models import Section
from tests import make
from tests.postmortems import stories

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(alice):
    return stories.told(alice, title="Checkout answers 502", services=[make.service("checkout")])


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


def lines(answer):
    """The words of a page, one line a piece of text."""
    text = re.sub(r"<(script|style|svg)\b.*?</\1>", "", answer.content.decode(), flags=re.S)
    return [line for piece in re.split(r"<[^>]+>", text) if (line := " ".join(unescape(piece).split()))]


def text_of(answer):
    return " ".join(lines(answer))


def test_it_says_what_happened_when_and_who_sees_to_it(at_desk, told):
    page = text_of(at_desk.get(told.get_absolute_url()))
    assert "Lasted 1 h 12 min Impact began 14 Oct 2026, 01:45 Resolved 14 Oct 2026, 02:57 Owner A Alice" in page
    assert "Affected services Checkout Contributing factors Capacity Missing alert" in page
    assert (
        "Not noticed 2 min Not answered 1 min Investigating 43 min Mitigating 15 min Taken for resolved 11 min" in page
    )


def test_events_are_a_list_in_the_readers_time_with_their_source_beside_corrections(at_desk, alice, told):
    alice.time_zone = "Europe/Berlin"
    alice.save()
    page = text_of(at_desk.get(told.get_absolute_url()))
    assert "Wednesday, 14 October 2026 03:47 Triggered by Muster as critical" in page
    assert (
        "03:50 Looked at the wrong pool Corrected by Alice. The timeline says: 03:49, "
        "Alice: Looked at the pool, number 1"
    ) in page
    assert "03:57 A vendor called Added by Alice" in page


def test_an_event_that_is_left_out_is_not_told(at_desk, told):
    told.events.filter(text="A vendor called").update(is_kept=False)
    assert "A vendor called" not in text_of(at_desk.get(told.get_absolute_url()))


def test_action_items_are_a_table_with_owner_due_and_state(at_desk, told):
    page = text_of(at_desk.get(told.get_absolute_url()))
    table = page.partition("What Kind Owner Due State ")[2].partition(" Lessons learned")[0]
    today = re.search(r"Done (\d+ \w+)", table)[1]
    assert table.replace("Edit", "").startswith(
        f"Limit retries Preventive A Alice due 28 Oct Done {today} "
        "Alert on the pool Detective nobody yet overdue since 29 Oct To do "
        "Rewrite it not said A Alice due 30 Oct Risk accepted: It is replaced in spring."
    )


def test_text_around_a_list_stays_where_it_is(at_desk, told):
    section = told.sections.get(key="timeline")
    Section.objects.filter(pk=section.pk).update(body="Before it.\n\n[[events]]\n\nAfter it.")
    page = text_of(at_desk.get(told.get_absolute_url()))
    assert page.index("Before it.") < page.index("Triggered by Muster") < page.index("After it.")


def test_only_a_line_of_its_own_is_the_place_of_a_list():
    assert places.parted("a\n\n[[events]]\nb") == ("a\n\n", "[[events]]", "\nb")
    assert places.parted("see [[events]] here") == ("see [[events]] here", "", "")


def test_a_draft_says_that_it_is_one_and_what_is_missing(at_desk):
    made = make.postmortem()
    page = text_of(at_desk.get(made.get_absolute_url()))
    assert "This is a draft. Muster wrote it from what it knows; nobody has worked on it yet." in page
    assert "Still to write: Summary , Root cause , Impact , Resolution , Lessons learned ." in page
    assert "To write: What made it possible?" in page


def test_once_a_person_works_on_it_the_draft_may_still_change(at_desk, told):
    page = text_of(at_desk.get(told.get_absolute_url()))
    assert "This is a draft. It may still change." in page
    assert "Still to write" not in page


def test_whoever_only_reads_sees_gaps_but_nothing_to_press(client, charlie):
    made = make.postmortem()
    client.force_login(charlie)
    answer = client.get(made.get_absolute_url())
    page = text_of(answer)
    assert "Not written yet." in page
    assert "To write:" not in page
    assert reverse("postmortems:edit", args=[made.incident.reference]) not in answer.content.decode()


def test_a_published_one_stands(at_desk, alice, told):
    told.state, told.published_at = told.State.PUBLISHED, make.NOW + timedelta(days=2)
    told.save()
    answer = at_desk.get(told.get_absolute_url())
    assert reverse("postmortems:edit", args=[told.incident.reference]) not in answer.content.decode()
    assert "This is a draft" not in text_of(answer)


def test_every_section_is_reached_from_the_contents(at_desk, told):
    html = at_desk.get(told.get_absolute_url()).content.decode()
    contents = re.search(r'<nav class="mu-outline".*?</nav>', html, re.S)[0]
    keys = re.findall(r'href="#(\w+)"', contents)
    assert keys == [section.key for section in told.sections.all()]
    assert [html.count(f' id="{key}"') for key in keys] == [1] * 7


def test_it_can_be_saved_in_three_ways(at_desk, told):
    html = at_desk.get(told.get_absolute_url()).content.decode()
    found = re.findall(r'href="([^"]+)" download', html)
    assert found == [f"{told.get_absolute_url()}/export.{ending}" for ending in ("pdf", "html", "md")]


def test_one_whose_incident_is_open_again_is_read_too(at_desk, alice, told):
    drafting.lifecycle.reopen(told.incident, reason="Again", by=alice)
    page = text_of(at_desk.get(told.get_absolute_url()))
    assert "Lasted not over" in page
    assert "Resolved not yet" in page


def test_a_stranger_to_a_private_incident_finds_nothing(client, bob):
    client.force_login(bob)
    made = make.postmortem(is_private=True)
    assert client.get(made.get_absolute_url()).status_code == 404


def test_it_takes_the_same_few_queries_however_much_is_told(at_desk, alice, told):
    counts = []
    for _ in range(2):
        at_desk.get(told.get_absolute_url())
        with CaptureQueriesContext(
            connection,
        ) as queries:
            at_desk.get(told.get_absolute_url())
        counts.append(len(queries))
        for number in range(5):
            stories.KeyEvent.objects.create(postmortem=told, at=make.NOW, text=f"{number}", changed_by=alice)
            stories.action_items.add(told.incident, title=f"{number}", owner=alice, by=alice)
            told.factors.create(name=f"Factor {number} {len(counts)}")
    assert counts[0] == counts[1]
    assert counts[0] <= 12


def test_headings_of_a_text_stand_below_those_of_the_page():
    html = prose.render("# One\n\n## Two\n\n### Three\n\n<h1>four</h1>")
    assert html.count("<h3>") == 3
    assert "<h1>" not in html
    assert "&lt;h1&gt;four&lt;/h1&gt;" in html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**To write:** why?", '<p class="mu-gap"><strong>To write:</strong> why?</p>'),
        ("**to write** why?", '<p class="mu-gap"><strong>to write</strong> why?</p>'),
        ("What is **to write:** here", "<p>What is <strong>to write:</strong> here</p>"),
    ],
)
def test_gaps_are_marked(text, html):
    assert prose.render(text).strip() == html


def test_whoever_does_not_write_sees_that_something_is_missing():
    assert prose.render("**To write:** why?", is_writer=False).strip() == '<p class="mu-gap">Not written yet.</p>'
