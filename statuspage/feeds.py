"""What happened as Atom (RFC 4287) and RSS 2.0: one entry an incident or maintenance, which moves up with each update.
A feed of everything, and one of each component.

An entry's id is a tag URI (RFC 4151) that stays the same for good.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.markdown import render
from statuspage import addresses, words

if TYPE_CHECKING:
    from datetime import datetime

    from statuspage.models import StatusPage
    from statuspage.picture import Picture, Said, Told, Works
    from statuspage.words import Words

HISTORY = "history"
MOST = 50
NAMESPACE = "http://www.w3.org/2005/Atom"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 cannot hold them


@dataclass(frozen=True, slots=True)
class _Entry:
    id: str
    title: str
    link: str
    created_at: datetime
    updated_at: datetime
    html: str
    components: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Feed:
    """``path`` and ``id`` are those of its two documents, without an ending and without the host."""

    page: StatusPage
    path: str
    id: str
    title: str
    entries: list[_Entry]

    @property
    def updated_at(self) -> datetime:
        """When the latest entry moved."""
        return max((each.updated_at for each in self.entries), default=self.page.created_at)


def documents(picture: Picture) -> dict[str, tuple[str, bytes]]:
    """Every feed in both formats, by path: content type and bytes."""
    page, entries = picture.page, _entries(picture)
    feeds = [_Feed(page, HISTORY, page.slug, page.name, entries[:MOST])]
    for part in picture.parts:
        own = [each for each in entries if part.public_id in each.components][:MOST]
        path, name = f"components/{part.public_id}", f"{page.name}: {part.name}"
        feeds.append(_Feed(page, path, f"{page.slug}/component/{part.public_id}", name, own))
    found = {f"{feed.path}.atom": ("application/atom+xml; charset=utf-8", _atom(feed)) for feed in feeds}
    return found | {f"{feed.path}.rss": ("application/rss+xml; charset=utf-8", _rss(feed)) for feed in feeds}


def _entries(picture: Picture) -> list[_Entry]:
    said = words.of(picture.page)
    found = [_of_told(told, picture, said) for told in picture.told]
    found += [_of_works(works, picture, said) for works in picture.works]
    return sorted(found, key=lambda each: (each.updated_at, each.id), reverse=True)


def _of_told(told: Told, picture: Picture, said: Words) -> _Entry:
    return _Entry(
        id=_tag(picture, "incident", told.public_id),
        title=told.name,
        link=addresses.incident_of(picture.page, told.public_id),
        created_at=told.created_at,
        updated_at=told.updated_at,
        html=format_html_join("", "{}", ((_update(each, said),) for each in told.said)),
        components=frozenset(part.public_id for part, _ in told.parts),
    )


def _update(each: Said, said: Words) -> SafeString:
    when = said.full(each.at)
    return format_html(
        "<p><small>{}</small><br><strong>{}</strong></p>{}", when, said.say(each.status), render(each.message)
    )


def _of_works(works: Works, picture: Picture, said: Words) -> _Entry:
    when, state = said.span(works.starts_at, works.ends_at), said.say(works.state)
    return _Entry(
        id=_tag(picture, "maintenance", works.public_id),
        title=works.title,
        link=addresses.maintenance_of(picture.page, works.public_id),
        created_at=works.created_at,
        updated_at=works.updated_at,
        html=format_html("<p><small>{}</small><br><strong>{}</strong></p>{}", when, state, render(works.description)),
        components=frozenset(part.public_id for part in works.parts),
    )


def _tag(picture: Picture, kind: str, public_id: str) -> str:
    return f"tag:{addresses.host_of(picture.page)},2026:{kind}/{public_id}"


# ---- the two formats ---------------------------------------------------------------------------------------------


def _atom(feed: _Feed) -> bytes:
    page = feed.page
    root = Element("feed", {"xmlns": NAMESPACE, "xml:lang": page.locale})
    _add(root, "id", f"tag:{addresses.host_of(page)},2026:{feed.id}")
    _add(root, "title", feed.title)
    _add(root, "updated", _stamp(feed.updated_at))
    own = addresses.public_url(page, f"{feed.path}.atom")
    SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": addresses.home_of(page)})
    SubElement(root, "link", {"rel": "self", "type": "application/atom+xml", "href": own})
    _add(SubElement(root, "author"), "name", page.name)
    for each in feed.entries:
        entry = SubElement(root, "entry")
        _add(entry, "id", each.id)
        _add(entry, "title", each.title)
        _add(entry, "published", _stamp(each.created_at))
        _add(entry, "updated", _stamp(each.updated_at))
        SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": each.link})
        _add(entry, "content", each.html, type="html")
    return _written(root)


def _rss(feed: _Feed) -> bytes:
    page = feed.page
    rss = Element("rss", {"version": "2.0", "xmlns:atom": NAMESPACE})
    channel = SubElement(rss, "channel")
    _add(channel, "title", feed.title)
    _add(channel, "link", addresses.home_of(page))
    _add(channel, "description", page.about or page.name)
    _add(channel, "language", page.locale)
    _add(channel, "lastBuildDate", format_datetime(feed.updated_at))
    own = addresses.public_url(page, f"{feed.path}.rss")
    SubElement(channel, "atom:link", {"rel": "self", "type": "application/rss+xml", "href": own})
    for each in feed.entries:
        item = SubElement(channel, "item")
        _add(item, "title", each.title)
        _add(item, "link", each.link)
        _add(item, "guid", each.id, isPermaLink="false")
        _add(item, "pubDate", format_datetime(each.updated_at))
        _add(item, "description", each.html)
    return _written(rss)


def _add(parent: Element, name: str, text: str, **attributes: str) -> None:
    SubElement(parent, name, attributes).text = _NOT_XML.sub(" ", text)


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _written(root: Element) -> bytes:
    found: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return found
