"""How times, states and bars look on public pages, in the page's language; ``{% load public_page %}``.

Every tag takes ``words`` (``statuspage.words.Words``) from the context.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import markdown
from statuspage import bars
from statuspage.picture import DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from django.template import Context

    from statuspage.picture import Part, Said, Told
    from statuspage.words import Words

register = template.Library()

_HEADING = re.compile(r"<(/?)h[1-6]>")


def _words(context: Context) -> Words:
    words: Words = context["words"]
    return words


def _with(context: Context, key: str, **values: SafeString) -> SafeString:
    """The words around HTML of ours; they are ours too, and hold no HTML."""
    return format_html(_words(context).say(key), **values)


@register.simple_tag(takes_context=True)
def say(context: Context, key: str, **values: Any) -> str:
    """``{% say "next_by" at=… %}``."""
    return _words(context).say(key, **values)


@register.simple_tag(takes_context=True)
def moment(context: Context, at: datetime, beside: datetime | None = None) -> SafeString:
    """``{% moment said.at %}``: 14 Oct, 03:05 CEST, as a time that programs read too."""
    text = _words(context).short(at, beside=beside or context["at"])
    return format_html('<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), text)


@register.simple_tag(takes_context=True)
def full(context: Context, at: datetime) -> SafeString:
    """``{% full picture.at %}``: 14 Oct 2026, 03:05 CEST."""
    return format_html('<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), _words(context).full(at))


@register.simple_tag(takes_context=True)
def clock(context: Context, at: datetime, beside: datetime) -> str:
    """``{% clock said.next_at said.at %}``: 03:17 CEST, with its day where that is another one."""
    return _words(context).clock(at, beside=beside)


@register.simple_tag(takes_context=True)
def span(context: Context, start: datetime, end: datetime) -> str:
    """``{% span works.starts_at works.ends_at %}``: Sun 18 Oct 2026, 04:00 to 05:00 CEST."""
    return _words(context).span(start, end)


@register.simple_tag(takes_context=True)
def day(context: Context, on: date) -> SafeString:
    """``{% day on %}``: Wed 14 Oct."""
    return format_html('<time datetime="{}">{}</time>', on.isoformat(), _words(context).day(on))


@register.simple_tag(takes_context=True)
def length(context: Context, seconds: float) -> str:
    """``{% length day.down_seconds %}``: 38 minutes; nothing for none."""
    return _words(context).length(seconds) if seconds else ""


@register.simple_tag(takes_context=True)
def health(context: Context, value: str) -> SafeString:
    """``{% health part.health %}``: the glyph, and the word."""
    tone = bars.TONES[value]
    return format_html(
        '<span class="mu-health mu-{}"><svg class="icon" aria-hidden="true"><use href="#h-{}"/></svg>{}</span>',
        tone,
        tone,
        _words(context).say(value),
    )


@register.simple_tag(takes_context=True)
def uptime(context: Context, part: Part) -> str:
    """``{% uptime part %}``: 99.82 % uptime."""
    return bars.uptime_of(part, _words(context))


@register.simple_tag(takes_context=True)
def uptime_bars(context: Context, part: Part) -> SafeString:
    """``{% uptime_bars part %}``: its days, as one drawing with a name."""
    return bars.drawn(part, _words(context))


@register.simple_tag(takes_context=True)
def as_of(context: Context, at: datetime) -> SafeString:
    """``{% as_of picture.at %}``: As of 14 Oct 2026, 03:05 CEST."""
    return _with(context, "as_of", at=full(context, at))


@register.simple_tag(takes_context=True)
def zone_line(context: Context, at: datetime) -> str:
    """``{% zone_line picture.at %}``: All times CEST (UTC+2); and All times UTC."""
    words = _words(context)
    zone, offset = words.zone_at(at), words.offset_at(at)
    return words.say("times", zone=zone if zone == offset else f"{zone} ({offset})")


@register.simple_tag(takes_context=True)
def next_by(context: Context, update: Said) -> str:
    """``{% next_by update %}``: Next update by 03:17 CEST."""
    assert update.next_at is not None
    words = _words(context)
    return words.say("next_by", at=words.clock(update.next_at, beside=update.at))


@register.simple_tag(takes_context=True)
def edited(context: Context, update: Said) -> SafeString:
    """``{% edited update %}``: Edited 14 Oct, 03:10 CEST."""
    assert update.edited_at is not None
    return _with(context, "edited", at=moment(context, update.edited_at))


@register.simple_tag(takes_context=True)
def began(context: Context, at: datetime) -> SafeString:
    """``{% began told.started_at %}``: Began 14 Oct 2026, 02:47 CEST."""
    return _with(context, "began", at=full(context, at))


@register.simple_tag(takes_context=True)
def change(context: Context, part: Part, before: str, after: str) -> str:
    """``{% change part before after %}``: Checkout: Operational → Partial outage."""
    words = _words(context)
    return words.say("change", name=part.name, before=words.say(before), after=words.say(after))


@register.simple_tag(takes_context=True)
def resolved_after(context: Context, told: Told) -> str:
    """``{% resolved_after told %}``: Resolved after 38 minutes."""
    assert told.resolved_at is not None
    words = _words(context)
    return words.say("resolved_after", length=words.length((told.resolved_at - told.started_at).total_seconds()))


@register.simple_tag(takes_context=True)
def affected(context: Context, parts: Iterable[Part]) -> str:
    """``{% affected works.parts %}``: Affected: A, B and C."""
    words = _words(context)
    return words.say("all.affected", names=words.listed([part.name for part in parts]))


@register.simple_tag(takes_context=True)
def concerned(context: Context, told: Told) -> str:
    """``{% concerned told %}``: the same of an incident."""
    return affected(context, [part for part, _ in told.parts])


@register.simple_tag(takes_context=True)
def days(context: Context, first: date, last: date) -> SafeString:
    """``{% days first last %}``: Wed 14 Oct, or Mon 12 Oct to Wed 14 Oct."""
    return (
        day(context, last) if first == last else _with(context, "to", start=day(context, first), end=day(context, last))
    )


@register.simple_tag(takes_context=True)
def since(context: Context, on: date) -> str:
    """``{% since part.since %}``: since 1 Oct 2026; nothing for a component that is older than its bars."""
    picture, words = context["picture"], _words(context)
    is_older = on <= words.local(picture.at).date() - timedelta(days=DAYS - 1)
    return "" if is_older else words.say("since_day", date=words.dated(on))


@register.simple_tag(takes_context=True)
def links(context: Context, reports: Iterable[str]) -> SafeString:
    """``{% links day.reports %}``: the incidents by name, those that are told."""
    names = {told.public_id: told.name for told in context["picture"].told}
    pattern = f'<a href="{context["root"]}incidents/{{}}.html">{{}}</a>'
    return format_html_join(", ", pattern, ((each, names[each]) for each in reports if each in names))


@register.simple_tag
def last_word(told: Told) -> SafeString:
    """``{% last_word told %}``: with what it was said to be resolved."""
    return next((said(update.message) for update in told.said if update.status == "resolved"), SafeString())


@register.filter
def said(message: str, level: int = 4) -> SafeString:
    """``{{ said.message|said }}``: Markdown of an update. Its headings are of one level, below that of the page's own
    heading over it."""
    return SafeString(_HEADING.sub(rf"<\g<1>h{level:d}>", markdown.render(message)))
