"""Leadership's four questions: the same numbers as everywhere, on one page, on paper, and each leading somewhere."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.urls import reverse
from pypdf import PdfReader

from core import pdf
from incidents import action_items, changes, lifecycle, sla
from incidents.models import ActionItem, Incident
from metrics import catching_up, choosing, leadership
from metrics.figures import Narrowing
from metrics.periods import Period
from metrics.questions import Question
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
DAYS = {"from": "2026-07-20", "to": "2026-10-14"}
PERIOD = Period.of_days(date(2026, 7, 20), date(2026, 10, 14), "UTC")


def caught_up():
    catching_up.catch_up(now=NOW)  # the very first only begins
    while catching_up.catch_up(now=NOW):
        pass


@pytest.fixture
def story(alice):
    """Three on payments, one of them late and one private; one elsewhere; one left out; an item that is overdue."""
    make.policy.ensure_defaults()
    crew = make.team("payments", alice)
    payments, search = make.service("payments", team=crew), make.service("search")
    quick = make.incident(severity="critical", services=[payments], at=NOW - 9 * DAY)
    late = make.incident(severity="critical", services=[payments], at=NOW - 8 * DAY)
    low = make.incident(severity="low", services=[search], at=NOW - 20 * DAY)
    private = make.incident(severity="high", title="Nobody may know", services=[payments], at=NOW - 3 * DAY)
    left_out = make.incident(severity="low", at=NOW - 2 * DAY)
    lifecycle.acknowledge(quick, by=alice, now=NOW - 9 * DAY + 2 * MINUTE)
    lifecycle.resolve(quick, by=alice, now=NOW - 9 * DAY + 60 * MINUTE)
    sla.check_due(now=NOW - 8 * DAY + 30 * MINUTE)  # the private one is not due yet
    lifecycle.acknowledge(late, by=alice, now=NOW - 8 * DAY + 40 * MINUTE)
    lifecycle.resolve(late, by=alice, now=NOW - 8 * DAY + 180 * MINUTE)
    action_items.add(quick, title="Add a limit", by=alice)
    ActionItem.objects.update(due_on=date(2026, 10, 4))
    Incident.objects.filter(pk=private.pk).update(is_private=True)
    changes.edit(left_out, by=alice, excluded_from_metrics=True)
    caught_up()
    return SimpleNamespace(payments=payments, low=low)


def read(user, narrowing=None, period=PERIOD):
    question = Question(period, period.earlier(91 * DAY), narrowing or Narrowing())
    return leadership.read(question, user, now=NOW)


def said(line):
    return "".join(map(str, line.said))


def test_the_numbers_of_a_story(story, charlie):
    found = read(charlie)
    assert found.reading.number("incidents") == 3
    assert "".join(map(str, found.broken)) == "Late: 2 responses"
    assert [(row.name, row.count, str(row.down)) for row in found.services] == [
        ("Payments", 2, "4 h"),
        ("Search", 1, "–"),
    ]
    lines = {line.label: line for line in found.overdue}
    assert (
        said(lines["Action items overdue now, of any time"]),
        lines["Action items overdue now, of any time"].note,
    ) == (
        "1",
        "oldest by 10 days; 1 without an owner",
    )
    assert said(lines["Open"]).startswith("1, the oldest ")
    assert found.more_services == 0


def test_what_is_private_counts_for_whoever_sees_it_and_in_no_report(story, alice, charlie):
    assert [read(user).reading.number("incidents") for user in (alice, charlie, None)] == [4, 3, 3]


def test_a_question_narrows_everything_and_its_links(story, charlie):
    found = read(charlie, Narrowing(service=story.payments))
    assert [row.name for row in found.services] == ["Payments"]
    number = found.overdue[0].said[0]
    assert (str(number), number.href) == ("1", "/follow-ups/?service=payments&state=overdue")
    low = read(charlie, Narrowing(severity="low"))
    assert (str(low.overdue[0].said[0]), low.reading.number("incidents")) == ("0", 1)


def test_a_short_period_is_seen_in_the_trend_of_thirteen_weeks(story, charlie):
    week = Period.of_days(date(2026, 10, 5), date(2026, 10, 11), "UTC")
    found = read(charlie, period=week)
    assert len(found.frequency.drawing.columns) == 13
    assert (found.reading.number("incidents"), found.trend) == (2, "13 Jul to 11 Oct 2026")
    assert sum(column.total for column in found.frequency.drawing.columns) == 3


def test_the_page_answers_four_questions_and_links_every_number(client, charlie, story):
    client.force_login(charlie)
    answer = client.get(reverse("metrics:leadership"), DAYS)
    page = answer.content.decode()
    for words in (
        "Are we better?", "Which promise was broken?", "Which service cost us?", "Which hours?", "What is overdue?",
        "20 Jul to 14 Oct 2026, compared with",
    ):  # fmt: skip
        assert words in page
    assert "Nobody may know" not in page
    for href in set(re.findall(r'class="mu-num[^"]*" href="(/metrics/incidents[^"]+)"', page)):
        assert client.get(href.replace("&amp;", "&")).status_code == 200, href


def test_an_address_that_asks_for_what_there_is_not_shows_no_figures(client, charlie, story):
    client.force_login(charlie)
    answer = client.get(reverse("metrics:leadership"), {"service": "nothing"})
    page = answer.content.decode()
    assert (answer.status_code, "No figures" in page, "mu-kpi" in page) == (200, True, False)
    assert client.get(reverse("metrics:pdf"), {"service": "nothing"}).status_code == 422


def test_a_period_without_incidents_says_so_and_what_is_overdue_all_the_same(client, charlie, story):
    client.force_login(charlie)
    page = client.get(reverse("metrics:leadership"), {"from": "2025-01-01", "to": "2025-01-31"}).content.decode()
    assert "No incidents in this period" in page
    assert "Action items overdue now, of any time" in page


def test_queries_of_the_page_do_not_grow(client, charlie, story, django_assert_max_num_queries):
    client.force_login(charlie)
    client.get(reverse("metrics:leadership"), DAYS)
    with django_assert_max_num_queries(30):
        client.get(reverse("metrics:leadership"), DAYS)


# ---- on paper --------------------------------------------------------------------------------------------------------


def test_on_paper_it_is_two_pages_with_title_language_and_whole_addresses(client, charlie, story):
    choosing.save_settings(by=None, currency="EUR", critical_per_hour=1000)
    client.force_login(charlie)
    answer = client.get(reverse("metrics:pdf"), DAYS)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Content-Disposition"] == 'attachment; filename="muster-2026-07-20-to-2026-10-14.pdf"'
    made = PdfReader(io.BytesIO(answer.content))
    assert len(made.pages) == 2
    assert made.metadata.title == "Incident report, 20 Jul to 14 Oct 2026"
    assert made.trailer["/Root"]["/Lang"] == "en"
    assert [item["/Title"] for item in made.outline if not isinstance(item, list)][0] == made.metadata.title
    width, height = made.pages[0].mediabox[2:]
    assert width > height
    first, second = (" ".join(page.extract_text().split()) for page in made.pages)
    for words in ("20 Jul to 14 Oct 2026, compared with", "Days and hours are those of UTC", "Made ", "1 / 2"):
        assert words in first
    for words in ("Made for Charlie", "n", "EUR 4,000", "No change is told of fewer than 5"):
        assert words in second
    links = {
        note.get_object()["/A"]["/URI"]
        for page in made.pages
        for note in page.get("/Annots", [])
        if "/A" in note.get_object()
    }
    assert links
    assert all(link.startswith("http://") for link in links)


def test_one_that_cannot_be_made_says_why(client, charlie, story, monkeypatch):
    client.force_login(charlie)
    with pdf._turn:
        answer = client.get(reverse("metrics:pdf"), DAYS)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Another PDF is being made at this moment." in answer.content.decode()

    def lacks(html, **_):
        raise pdf.Unavailable("This installation cannot make PDFs: it lacks libpango-1.0-0.")

    monkeypatch.setattr(pdf, "make", lacks)
    page = client.get(reverse("metrics:pdf"), DAYS).content.decode()
    assert "apt-get install libpango-1.0-0" in page


def test_paper_holds_two_years_at_most(client, charlie, story, monkeypatch):
    monkeypatch.setattr(pdf, "make", lambda html, **_: b"%PDF")
    client.force_login(charlie)
    addresses = [{"from": first, "to": "2026-10-14"} for first in ("2024-10-14", "2024-10-01")]
    answers = [client.get(reverse("metrics:pdf"), address) for address in addresses]
    assert [answer.status_code for answer in answers] == [200, 422]
    assert "two years at most" in answers[1].content.decode()
