"""The tags of ``{% load muster %}`` render the markup that the style sheet and the script know."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, RequestContext, Template
from django.test import RequestFactory
from django.utils import timezone

from core.templatetags.muster import countdown, duration, when

NOW = datetime(2026, 10, 14, 1, 11, 45, tzinfo=UTC)  # Wednesday, 03:11:45 in Berlin


@dataclass
class Person:
    name: str
    initials: str

    def __str__(self) -> str:
        return self.name


@pytest.fixture(autouse=True)
def _berlin() -> Any:
    with timezone.override(ZoneInfo("Europe/Berlin")):
        yield


def render(source: str, **context: object) -> str:
    return Template("{% load muster %}" + source).render(Context(context))


def test_icon_is_decoration() -> None:
    assert render('{% icon "bell" %}') == '<svg class="icon" aria-hidden="true"><use href="#bell"/></svg>'


def test_severity_is_a_glyph_and_a_word() -> None:
    glyph = '<svg class="icon" aria-hidden="true"><use href="#sev-high"/></svg>'
    assert render('{% severity "high" %}') == f'<span class="mu-sev mu-chip mu-high">{glyph}High</span>'
    assert render('{% severity "high" chip=False %}') == f'<span class="mu-sev mu-high">{glyph}High</span>'


def test_status_is_a_circle_and_a_word() -> None:
    assert render('{% status "triggered" %}') == (
        '<span class="mu-status mu-triggered"><svg class="icon" aria-hidden="true">'
        '<use href="#st-triggered"/></svg>Triggered</span>'
    )


@pytest.mark.parametrize(
    ("value", "glyph", "word"),
    [
        ("operational", "ok", "Operational"),
        ("degraded", "degraded", "Degraded"),
        ("partial_outage", "down", "Partial outage"),
        ("major_outage", "down", "Major outage"),
        ("maintenance", "maintenance", "Maintenance"),
    ],
)
def test_health_is_a_shape_and_a_word(value: str, glyph: str, word: str) -> None:
    assert render("{% health value %}", value=value) == (
        f'<span class="mu-health mu-{glyph}"><svg class="icon" aria-hidden="true">'
        f'<use href="#h-{glyph}"/></svg>{word}</span>'
    )


def test_who_shows_initials_and_name_or_says_nobody() -> None:
    assert render("{% who person %}", person=Person("Maya Lindqvist", "ML")) == (
        '<span class="mu-who"><span class="mu-avatar" aria-hidden="true">ML</span>'
        '<span class="mu-name">Maya Lindqvist</span></span>'
    )
    assert render("{% who person %}", person=None) == '<span class="mu-dim">Unassigned</span>'
    assert render('{% who person "Nobody" %}', person=None) == '<span class="mu-dim">Nobody</span>'


def test_everything_is_escaped() -> None:
    evil = '"><script>'
    sources = ("{% icon evil %}", "{% severity evil %}", "{% status evil %}", "{% who person %}", "{% who None evil %}")
    for source in sources:
        assert "<script" not in render(source, evil=evil, person=Person(evil, evil))


@pytest.mark.parametrize(
    ("at", "text"),
    [
        ("2026-10-14T01:10:08", "03:10"),
        ("2026-10-13T22:00:00", "00:00"),
        ("2026-10-13T21:59:00", "Tue 23:59"),
        ("2026-10-15T06:00:00", "Thu 08:00"),
        ("2026-10-08T10:00:00", "Thu 12:00"),
        ("2026-10-07T10:00:00", "7 Oct, 12:00"),
        ("2026-10-21T10:00:00", "21 Oct, 12:00"),
        ("2025-12-31T22:59:59", "31 Dec 2025"),
        ("2025-12-31T23:00:00", "1 Jan, 00:00"),
    ],
)
def test_time_is_as_short_as_is_clear_today(at: str, text: str) -> None:
    html = when(datetime.fromisoformat(at).replace(tzinfo=UTC), now=NOW)
    assert html.endswith(f">{text}</time>")


def test_time_has_its_zone_on_hover() -> None:
    assert when(datetime(2026, 10, 14, 1, 10, 8, 999, tzinfo=UTC), now=NOW) == (
        '<time datetime="2026-10-14T03:10:08+02:00" title="Wed 14 Oct 2026, 03:10:08 CEST">03:10</time>'
    )
    assert when(NOW, seconds=True, now=NOW).endswith(">03:11:45</time>")
    with timezone.override(UTC):
        assert 'title="Wed 14 Oct 2026, 01:11:45 UTC">01:11</time>' in when(NOW, now=NOW)


def test_a_time_beside_its_day_is_the_clock_alone() -> None:
    at = datetime(2026, 10, 7, 22, 30, tzinfo=UTC)  # the 8th, in the reader's zone
    assert when(at, beside=datetime(2026, 10, 8, 9, tzinfo=UTC), now=NOW).endswith(">00:30</time>")
    assert when(at, beside=datetime(2026, 10, 7, 9, tzinfo=UTC), now=NOW).endswith(">Thu 00:30</time>")


def test_no_time_is_nothing() -> None:
    assert render("{% when missing %}{% countdown missing %}", missing=None) == ""


def test_open_duration_ticks() -> None:
    assert duration(NOW - timedelta(minutes=24, seconds=37), now=NOW) == (
        '<time class="mu-tick mu-dur mu-strong" datetime="PT1477S" data-since="2026-10-14T00:47:08.000Z"'
        ' title="Since Wed 14 Oct 2026, 02:47:08 CEST">24:37</time>'
    )
    assert duration(NOW - timedelta(seconds=92), None, now=NOW).endswith(">01:32</time>")
    assert duration(NOW - timedelta(hours=3, minutes=4), now=NOW).endswith(">3 h 04 min</time>")
    assert duration(NOW + timedelta(seconds=3), now=NOW).endswith(">00:00</time>")


def test_closed_duration_is_still() -> None:
    assert duration(NOW - timedelta(minutes=38, seconds=20), NOW) == (
        '<time class="mu-dur" datetime="PT2300S"'
        ' title="Wed 14 Oct 2026, 02:33:25 CEST to Wed 14 Oct 2026, 03:11:45 CEST">38 min</time>'
    )


@pytest.mark.parametrize(
    ("left", "tone", "text"),
    [
        (323, " mu-soon", "due in 05:23"),
        (322.4, " mu-soon", "due in 05:23"),
        (900, " mu-soon", "due in 15:00"),
        (901, "", "due in 15:01"),
        (4320, "", "due in 1 h 12 min"),
        (0, " mu-soon", "due in 00:00"),
        (-0.4, " mu-soon", "due in 00:00"),
        (-220, " mu-overdue", "overdue 3:40"),
        (-187_200, " mu-overdue", "overdue 2 d 4 h"),
    ],
)
def test_countdown_says_how_long_or_how_late(left: float, tone: str, text: str) -> None:
    html = countdown(NOW + timedelta(seconds=left), now=NOW)
    assert html.startswith(f'<time class="mu-tick mu-clock{tone}" datetime="')
    assert html.endswith(f'<use href="#clock"/></svg>{text}</time>')


def test_countdown_has_the_absolute_time() -> None:
    html = countdown(NOW, soon=60, now=NOW)
    assert 'datetime="2026-10-14T01:11:45.000Z" data-due="2026-10-14T01:11:45.000Z" data-soon="60"' in html
    assert 'title="Wed 14 Oct 2026, 03:11:45 CEST"' in html


def test_markdown_is_a_filter() -> None:
    assert render("{{ text|markdown }}", text="**b** <i>") == "<p><strong>b</strong> &lt;i&gt;</p>\n"


def test_query_string_keeps_the_other_parameters() -> None:
    request = RequestFactory().get("/incidents/", {"team": ["a", "b"], "page": "3"})
    source = Template('{% load muster %}{% query_string sort="-id" page=None %}')
    assert source.render(RequestContext(request)) == "?team=a&amp;team=b&amp;sort=-id"
