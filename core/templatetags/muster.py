"""How times, lengths, people and states look on every page; ``{% load muster %}``."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache
from html import escape
from typing import Protocol

from django import template
from django.template.defaulttags import querystring
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import durations, markdown
from core.counting import Count

register = template.Library()

# Times and names stand in every row of every list: their tags write HTML themselves, from figures and escaped names,
# because ``format_html`` takes longer for a row than the database does.

# How many answers of a tag are kept whose arguments are words of ours: a list asks for the same few a hundred times.
FEW = 256

SOON_SECONDS = 15 * durations.MINUTE

# The word, and the mockups' class and glyph: circle, triangle, square, diamond. Both outages are a red square, and
# the word says how much of the service is out.
_HEALTH = {
    "operational": ("Operational", "ok"),
    "degraded": ("Degraded", "degraded"),
    "partial_outage": ("Partial outage", "down"),
    "major_outage": ("Major outage", "down"),
    "maintenance": ("Maintenance", "maintenance"),
}


class Person(Protocol):
    """Whoever has a name (its text) and initials."""

    @property
    def initials(self) -> str:
        """One or two letters."""


register.simple_tag(querystring, name="query_string", takes_context=True)


@register.filter("markdown")
def as_markdown(text: str) -> SafeString:
    """``{{ text|markdown }}``: what a person wrote, as safe HTML."""
    return markdown.render(text)


@register.filter
def at_most(count: int) -> str:
    """``{{ count|at_most }}``: 1,284, or 10,000+ for a ``Count`` that was not counted further."""
    return str(count) if isinstance(count, Count) else f"{count:,}"


@register.simple_tag
@lru_cache(FEW)
def icon(name: str) -> SafeString:
    """``{% icon "bell" %}``: a symbol of the sprite; decoration, so the word stands beside it."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="#{}"/></svg>', name)


@register.simple_tag
@lru_cache(FEW)
def severity(value: str, chip: bool = True) -> SafeString:
    """``{% severity "high" %}``: glyph and word; ``chip=False`` inside text and tables of figures."""
    classes = f"mu-sev mu-chip mu-{value}" if chip else f"mu-sev mu-{value}"
    return format_html('<span class="{}">{}{}</span>', classes, icon(f"sev-{value}"), value.capitalize())


@register.simple_tag
@lru_cache(FEW)
def status(value: str) -> SafeString:
    """``{% status "triggered" %}``: the circle that fills, and the word."""
    return format_html('<span class="mu-status mu-{}">{}{}</span>', value, icon(f"st-{value}"), value.capitalize())


@register.simple_tag
@lru_cache(FEW)
def health(value: str) -> SafeString:
    """``{% health "degraded" %}``: how a service is."""
    word, glyph = _HEALTH[value]
    return format_html('<span class="mu-health mu-{}">{}{}</span>', glyph, icon(f"h-{glyph}"), word)


@register.simple_tag
def who(person: Person | None, nobody: str = "Unassigned") -> SafeString:
    """``{% who user %}``: initials and name, or ``nobody``."""
    if person is None:
        return format_html('<span class="mu-dim">{}</span>', nobody)
    return SafeString(
        f'<span class="mu-who"><span class="mu-avatar" aria-hidden="true">{escape(person.initials)}</span>'
        f'<span class="mu-name">{escape(str(person))}</span></span>'
    )


@register.simple_tag
def when(
    at: datetime | None, seconds: bool = False, beside: datetime | None = None, now: datetime | None = None
) -> SafeString:
    """``{% when dt %}``: the shortest text that is clear today, and the absolute time with its zone on hover.

    03:10 on the same day, Mon 22:16 within six days, 9 Oct, 16:31 within the year, otherwise 9 Oct 2025; in the
    current time zone. ``seconds=True`` adds them to the clock; ``beside`` is a moment whose day is shown already, so
    that one of the same day is the clock alone. Nothing for None.
    """
    if at is None:
        return SafeString()
    local = timezone.localtime(at)
    today = timezone.localtime(now or timezone.now()).date()
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    if local.date() in (today, timezone.localtime(beside).date() if beside else None):
        short = clock
    elif abs((local.date() - today).days) < 7:
        short = f"{local:%a} {clock}"
    elif local.year == today.year:
        short = f"{local.day} {local:%b}, {clock}"
    else:
        short = f"{local.day} {local:%b %Y}"
    return SafeString(f'<time datetime="{local.isoformat(timespec="seconds")}" title="{_absolute(at)}">{short}</time>')


@register.simple_tag
def duration(start: datetime, end: datetime | None = None, now: datetime | None = None) -> SafeString:
    """``{% duration incident.created_at incident.resolved_at %}``: ticks while there is no end."""
    if end is None:
        seconds = max(0, int(((now or timezone.now()) - start).total_seconds()))
        return SafeString(
            f'<time class="mu-tick mu-dur mu-strong" datetime="PT{seconds}S" data-since="{_utc(start)}" '
            f'title="Since {_absolute(start)}">{durations.clock(seconds, is_padded=True)}</time>'
        )
    seconds = max(0, int((end - start).total_seconds()))
    return SafeString(
        f'<time class="mu-dur" datetime="PT{seconds}S" title="{_absolute(start)} to {_absolute(end)}">'
        f"{durations.words(seconds)}</time>"
    )


@register.simple_tag
def countdown(due_at: datetime | None, soon: int = SOON_SECONDS, now: datetime | None = None) -> SafeString:
    """``{% countdown clock.due_at %}``: "due in 05:23", amber for the last ``soon`` seconds, then "overdue 3:40"."""
    if due_at is None:
        return SafeString()
    left = math.ceil((due_at - (now or timezone.now())).total_seconds())
    if left < 0:
        tone, text = " mu-overdue", f"overdue {durations.clock(-left)}"
    else:
        tone, text = " mu-soon" if left <= soon else "", f"due in {durations.clock(left, is_padded=True)}"
    return SafeString(
        f'<time class="mu-tick mu-clock{tone}" datetime="{_utc(due_at)}" data-due="{_utc(due_at)}" '
        f'data-soon="{int(soon)}" title="{_absolute(due_at)}">{icon("clock")}{text}</time>'
    )


def _absolute(at: datetime) -> str:
    """Wed 14 Oct 2026, 03:11:20 CEST."""
    return f"{timezone.localtime(at):%a %d %b %Y, %H:%M:%S %Z}"


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
