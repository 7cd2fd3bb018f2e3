"""The HTML of a page: every address that people read, made of its picture and of nothing else.

Links are relative, so the documents work below any address and from any folder. There is no cookie, no inline script
or style, and no request to anybody else.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string

from statuspage import assets, banners, words
from statuspage.bars import troubled
from statuspage.picture import Picture, Told, Works

if TYPE_CHECKING:
    from datetime import date, datetime

    from statuspage.models import StatusPage
    from statuspage.words import Words

HTML = "text/html; charset=utf-8"
PAST_DAYS = 14
LONG_HISTORY = 100  # entries; beyond, a document a quarter
TO_COME = frozenset({"scheduled", "in_progress"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history: an incident, or maintenance that is over."""

    at: datetime
    on: date
    told: Told | None = None
    works: Works | None = None


@dataclass(frozen=True, slots=True)
class PastDay:
    """A day with the incidents that began on it; days in a row without any are one, from ``first`` to ``last``."""

    first: date
    last: date
    told: tuple[Told, ...]


def documents(picture: Picture) -> dict[str, tuple[str, bytes]]:
    """Every document by its path: content type and bytes."""
    banner = banners.of(picture)
    tell = _teller(picture, banner)
    found = {
        "index.html": tell("index", open=picture.open, past=_past(picture), to_come=_to_come(picture)),
        "uptime.html": tell("uptime", troubled=[(part, troubled(part)) for part in picture.parts]),
        "embed.html": tell("embed"),
        **_history(picture, tell),
    }
    for told in (*picture.told, *picture.merged):
        found[f"incidents/{told.public_id}.html"] = tell("incident", root="../", told=told, **_parted(told))
    for works in picture.works:
        found[f"maintenance/{works.public_id}.html"] = tell("maintenance", root="../", works=works)
    return {path: (HTML, text) for path, text in found.items()} | assets.beside(picture.page, tone=banner.tone)


def shell(page: StatusPage, *, root: str = "") -> dict[str, Any]:
    """What ``statuspage/public/base.html`` needs, for a view that is no document of the page: ``root`` leads from its
    address to the page's, such as ``../``."""
    return {
        "page": page,
        "words": words.of(page),
        "root": root,
        "style": assets.style_of(page)[0],
        "script": assets.script()[0],
        "subscribe": _subscribe(page, root),
    }


def _teller(picture: Picture, banner: banners.Banner) -> Any:
    own = {"picture": picture, "at": picture.at, "banner": banner}

    def tell(name: str, *, root: str = "", **context: Any) -> bytes:
        context = shell(picture.page, root=root) | own | context
        return render_to_string(f"statuspage/public/{name}.html", context).encode()

    return tell


def _subscribe(page: StatusPage, root: str) -> str:
    """Where the form goes. A page that is exported may be read where Muster is not: its form names Muster's address."""
    if settings.MUSTER.status_export:
        return f"{settings.MUSTER.base_url}/status/{page.slug}/subscribe"
    return f"{root}subscribe"


def _parted(told: Told) -> dict[str, Any]:
    """The postmortem stands apart, before the updates."""
    return {
        "postmortems": [said for said in told.said if said.status == "postmortem"],
        "updates": [said for said in told.said if said.status != "postmortem"],
    }


def _to_come(picture: Picture) -> list[Works]:
    return [works for works in picture.works if works.state in TO_COME]


def _past(picture: Picture) -> list[PastDay]:
    """The last days, the latest first."""
    said = words.of(picture.page)
    by_day: dict[date, list[Told]] = defaultdict(list)
    for told in picture.told:
        by_day[said.local(told.started_at).date()].append(told)
    today = said.local(picture.at).date()
    found: list[PastDay] = []
    for ago in range(PAST_DAYS):
        on = today - timedelta(days=ago)
        told_then = tuple(by_day[on])
        if found and not told_then and not found[-1].told:
            found[-1] = PastDay(on, found[-1].last, ())
        else:
            found.append(PastDay(on, on, told_then))
    return found


def _entries(picture: Picture, said: Words) -> list[Entry]:
    found = [Entry(told.started_at, said.local(told.started_at).date(), told=told) for told in picture.told]
    over = (works for works in picture.works if works.state not in TO_COME)
    found += [Entry(works.starts_at, said.local(works.starts_at).date(), works=works) for works in over]
    return sorted(found, key=lambda entry: entry.at, reverse=True)


def _history(picture: Picture, tell: Any) -> dict[str, bytes]:
    """One document, or where it would be long one for each quarter, the newest at ``history.html``."""
    said = words.of(picture.page)
    entries = _entries(picture, said)
    parts: dict[tuple[int, int], list[Entry]] = defaultdict(list)
    for entry in entries:
        quarter = (entry.on.year, (entry.on.month + 2) // 3)
        parts[quarter if len(entries) > LONG_HISTORY else (0, 0)].append(entry)
    names = ["history.html", *(f"history-{year}-q{quarter}.html" for year, quarter in list(parts)[1:])]
    found = {}
    for place, chosen in enumerate(parts.values()):
        newer = names[place - 1] if place else ""
        older = names[place + 1] if place + 1 < len(names) else ""
        found[names[place]] = tell("history", months=_months(chosen, said), newer=newer, older=older)
    return found or {"history.html": tell("history", months=[])}


def _months(entries: list[Entry], said: Words) -> list[tuple[str, list[Entry]]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[said.month(entry.on)].append(entry)
    return list(found.items())
