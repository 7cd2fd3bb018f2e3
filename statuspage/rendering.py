"""Rendering: the bytes of every address of a page, written before anybody asks for them.

A page is claimed by an advisory lock and not by its row, so that whoever takes up an update, with an incident in hand,
never waits for a rendering.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, Q, When

from catalog.models import MaintenanceWindow
from core.work import each, give_back_when_frozen, nudge
from statuspage import addresses, badges, calendars, feeds, html, json_documents, picturing
from statuspage.models import Document, Report, StatusPage

if TYPE_CHECKING:
    from datetime import datetime

    from statuspage.picture import Picture
    from statuspage.querysets import ReportQuerySet

Readable = tuple[str, int | None]  # a public id, and what its incident was merged into

LOCK = 0x5374506A  # the class of our advisory locks; the object is the page
TICK = timedelta(microseconds=1)
NAMED_BY_CONTENT = r"^[a-z]+\.[0-9a-f]{12}\.(css|js)$"

log = structlog.get_logger(__name__)

_written: set[int] = set()  # pages that this process has written


def render_due(*, now: datetime) -> int:
    """Write the documents of pages that changed, that time changed, that tell of what they may not tell any more, or
    that were written under another ``BASE_URL`` or not for export; returns how many were written."""
    return sum(each(_due(now=now), partial(_render, now=now)))


def documents_of(picture: Picture) -> dict[str, tuple[str, bytes]]:
    """Every address of a page, as (content type, bytes) by path."""
    found: dict[str, tuple[str, bytes]] = {}
    for maker in (html, json_documents, feeds, calendars, badges):
        found |= maker.documents(picture)
    return found


def keep_out(page: int) -> None:
    """Until the transaction ends nobody writes documents of the page, by its primary key: waits for whoever does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, page % 2**31])


def _due(*, now: datetime) -> list[int]:
    pages = StatusPage.objects.order_by("changed_at").values_list("pk", "told")
    stale = Q(rendered_at=None) | ~Q(rendered_at=F("changed_at")) | Q(due_at=None) | Q(due_at__lte=now)
    due = set(pages.filter(stale).values_list("pk", flat=True))
    readable = _readable(Report.objects.all())
    return [pk for pk, told in pages if pk in due or told != _digest(readable[pk])]


@transaction.atomic
def _render(pk: int, *, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, pk % 2**31])
        (is_ours,) = cursor.fetchone()
    page = StatusPage.objects.filter(pk=pk).first() if is_ours else None
    if page is None:
        return 0
    give_back_when_frozen()
    _watch(page)
    seen = page.changed_at  # before the picture: what changes after this shows the next time
    readable = _readable(Report.objects.filter(page=page))[pk]
    if page.rendered_at == seen:
        page.changed_at = max(now, seen + TICK)  # time changed it, and nobody has said so yet
    picture = picturing.of(page, now=now)
    _write(page, documents_of(picture), kept=_lasting(page, readable), now=now)
    StatusPage.objects.filter(pk=pk).update(
        changed_at=Case(When(changed_at=seen, then=page.changed_at), default=F("changed_at")),
        rendered_at=page.changed_at,
        due_at=picture.changes_at,
        told=_digest(readable),
    )
    _written.add(pk)
    nudge("statuspage.export_due")
    return 1


def _readable(reports: ReportQuerySet) -> dict[int, list[Readable]]:
    """The public ids of all incidents that somebody may read of, however long ago, with what each is part of now; by
    page."""
    found: dict[int, list[Readable]] = defaultdict(list)
    rows = reports.readable().order_by("page", "id")
    for page, public_id, merged_into in rows.values_list("page", "public_id", "incident__merged_into"):
        found[page].append((public_id, merged_into))
    return found


def _lasting(page: StatusPage, readable: list[Readable]) -> Q:
    """Documents that stay as they are when no picture has them any more: permanent links lead to them, or a copy of a
    document that somebody holds needs them."""
    works = MaintenanceWindow.objects.filter(is_public=True, services__components__page=page).distinct()
    paths = [addresses.INCIDENT.format(public_id) for public_id, _ in readable]
    paths += [addresses.MAINTENANCE.format(public_id) for public_id in works.values_list("public_id", flat=True)]
    return Q(path__in=paths) | Q(path__regex=NAMED_BY_CONTENT)


def _write(page: StatusPage, documents: dict[str, tuple[str, bytes]], *, kept: Q, now: datetime) -> None:
    """Have the page's documents be these, and those of ``kept``. What is the same stays as it is."""
    tags = {path: _etag(kind, body) for path, (kind, body) in documents.items()}
    written = dict(page.documents.values_list("path", "etag"))
    page.documents.exclude(kept).exclude(path__in=documents).delete()
    Document.objects.bulk_create(
        (
            Document(page=page, path=path, content_type=kind, body=body, etag=tags[path], rendered_at=now)
            for path, (kind, body) in documents.items()
            if written.get(path) != tags[path]
        ),
        update_conflicts=True,
        unique_fields=["page", "path"],
        update_fields=["content_type", "body", "etag", "rendered_at"],
    )


def _etag(kind: str, body: bytes) -> str:
    return hashlib.sha256(kind.encode() + b"\n" + body).hexdigest()[:32]


def _digest(readable: list[Readable]) -> str:
    """Of what a page depends on that no row of its own says: incidents, and the addresses that it leads to."""
    names = [public_id if merged_into is None else f"{public_id}>{merged_into}" for public_id, merged_into in readable]
    return f"{hashlib.sha256(' '.join(names).encode()).hexdigest()[:40]}{_place()}"


def _place() -> str:
    """The end of a digest: how this process is told where Muster is reached."""
    said = f"{settings.MUSTER.base_url} {bool(settings.MUSTER.status_export)}"
    return hashlib.sha256(said.encode()).hexdigest()[:24]


def _watch(page: StatusPage) -> None:
    """Say so, once, where a process that is set up otherwise has written a page after this one."""
    if page.pk in _written and page.told and not page.told.endswith(_place()):
        _warn()


@cache
def _warn() -> None:
    log.warning("another process has another BASE_URL or STATUS_EXPORT: public pages are written anew in turns")
