"""Lists that a section's text only points at, so that they stay current: the events that are kept,
and the incident's action items. A line that says ``[[events]]`` or ``[[action items]]`` is where the list goes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils import dateformat

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from incidents.models import ActionItem
    from postmortems.models import KeyEvent

EVENTS = "[[events]]"
ACTION_ITEMS = "[[action items]]"
_PLACE = re.compile(r"^[ \t]*(\[\[(?:events|action items)\]\])[ \t]*$", re.MULTILINE)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#+\-!|~&])")

NO_EVENTS = "No event is kept."
NO_ITEMS = "No action item is written down."


def filled(body: str, lists: Mapping[str, str]) -> str:
    """The text with its lists, as Markdown."""
    return _PLACE.sub(lambda found: lists.get(found[1], found[1]), body)


def parted(body: str) -> tuple[str, str, str]:
    """The text before the first place of a list, that place, and the text after it; all of it before where none is."""
    found = _PLACE.search(body)
    return (body[: found.start()], found[1], body[found.end() :]) if found else (body, "", "")


def folded(body: str, lists: Mapping[str, str]) -> str:
    """The text as it is kept: a list that it repeats word for word is pointed at again."""
    for place, text in lists.items():
        if text in body:
            body = body.replace(text, place, 1)
    return body


def lists_of(events: Iterable[KeyEvent], items: Iterable[ActionItem]) -> dict[str, str]:
    """Both lists as Markdown: those of the ``events`` that are kept, and all ``items``. Times are UTC."""
    return {EVENTS: _events(events), ACTION_ITEMS: _items(items)}


def escaped(text: str) -> str:
    """A plain text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", text)


def _events(events: Iterable[KeyEvent]) -> str:
    lines: list[str] = []
    day = ""
    for event in events:
        if not event.is_kept:
            continue
        if (this := dateformat.format(event.at, "j M Y")) != day:
            day = this
            lines += ([""] if lines else []) + [f"**{day}** (UTC)", ""]
        lines.append(f"- **{event.at:%H:%M}** {escaped(event.text)}")
    return "\n".join(lines) or NO_EVENTS


def _items(items: Iterable[ActionItem]) -> str:
    lines = []
    for item in items:
        said = [item.get_kind_display(), f"owner {item.owner}" if item.owner else "no owner yet"]
        said += [f"due {dateformat.format(item.due_on, 'j M Y')}"] if item.due_on else []
        said += ["done"] if item.done_at else [f"risk accepted: {item.accepted_reason}"] if item.accepted_at else []
        lines.append(f"- {escaped(item.title)} ({escaped('; '.join(filter(None, said)))})")
    return "\n".join(lines) or NO_ITEMS
