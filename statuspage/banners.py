"""The one sentence over a page: how all of it is, since when, what it affects, and when readers hear more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from statuspage import words

if TYPE_CHECKING:
    from datetime import datetime

    from statuspage.picture import Picture, Told
    from statuspage.words import Words

_TONES = {"none": "ok", "minor": "degraded", "major": "down", "critical": "down", "maintenance": "maintenance"}


@dataclass(frozen=True, slots=True)
class Banner:
    """``tone`` is the class and glyph of its health."""

    tone: str
    title: str
    text: str


def of(picture: Picture) -> Banner:
    """The banner of a page: the name of the open incident where there is one, otherwise how all of it is."""
    said = words.of(picture.page)
    title = said.say(f"all.{picture.indicator}")
    if picture.open:
        title = picture.open[0].name if len(picture.open) == 1 else title
        text = " ".join(_about_open(picture, said))
    elif picture.indicator == "maintenance":
        text = _about_works(picture, said)
    else:
        title = title if picture.parts else said.say("all.empty")  # nothing can be claimed of what is not there
        text = said.say("all.about.none")
    return Banner(_TONES[picture.indicator], title, text)


def next_at(told: Told) -> datetime | None:
    """When readers hear more of an open incident: its latest update says so."""
    return told.said[0].next_at if told.is_open and told.said else None


def _about_open(picture: Picture, said: Words) -> list[str]:
    """Since 02:47 CEST. Affected: Checkout. Everything else works. Next update by 03:17 CEST."""
    open_ = picture.open
    since = said.clock(open_[0].started_at, beside=picture.at)
    found = [said.say("all.since", at=since) if len(open_) == 1 else said.say("all.several", count=len(open_))]
    hit = {part.public_id for told in open_ for part, health in told.parts if health != "operational"}
    names = [part.name for part in picture.parts if part.public_id in hit]
    others = [part for part in picture.parts if part.public_id not in hit]
    if names:
        found.append(said.say("all.affected", names=said.listed(names)))
        if others and all(part.health == "operational" for part in others):
            found.append(said.say("all.rest_works"))
    coming = [at for told in open_ if (at := next_at(told)) and at >= picture.at]
    if coming:
        found.append(said.say("next_by", at=said.clock(min(coming), beside=picture.at)))
    return found


def _about_works(picture: Picture, said: Words) -> str:
    """Until 05:00 CEST: Database upgrade."""
    under_way = [works for works in picture.works if works.state == "in_progress"]
    if not under_way:
        return ""
    until = said.clock(max(works.ends_at for works in under_way), beside=picture.at)
    return said.say("all.until", at=until, names=said.listed([works.title for works in under_way]))
