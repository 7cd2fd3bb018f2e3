"""The static copy of every public page: the bytes of its documents, in a folder or a bucket, for the time when Muster,
its database or its data centre is down.

Below the place: ``<slug>/…`` for each page, the default page at the root as well, and pages with a domain of their own
also below ``domains/<domain>/``. Each copy has an ``as-of.json``, written anew every minute, that says when it was last
known to be right. The network is asked outside of any transaction, by whoever holds the lease.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from core.work import claim
from statuspage.assets import NAMED_BY_CONTENT
from statuspage.buckets import Bucket, Failed
from statuspage.folders import Folder
from statuspage.models import Document, Export, StatusPage

if TYPE_CHECKING:
    from datetime import datetime

log = structlog.get_logger(__name__)

AS_OF = "as-of.json"
FRESH_FOR = timedelta(seconds=55)  # as-of.json; swept every few seconds, so it is never older than a minute
LEASE = timedelta(minutes=2)
RENEWED_EVERY = timedelta(days=1)  # everything is written again: somebody may have emptied the bucket
BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 5, 300
BATCH = 5  # files between two renewals of the lease: a bucket may take 20 s for each
ERROR_LIMIT = 300
BEHIND_AFTER = timedelta(minutes=1)  # a rendering that is late by more confirms nothing

KEPT = "public, max-age=31536000, immutable"
SHORT = "public, max-age=10, stale-while-revalidate=60, stale-if-error=604800"
NEVER = "no-cache"


class Target(Protocol):
    """Where files go."""

    def put(self, path: str, body: bytes, *, content_type: str, cache_control: str) -> None:
        """Replace one file."""

    def delete(self, path: str) -> None:
        """Remove one file."""

    def has(self, path: str) -> bool:
        """Whether it is there, where that is cheap to know."""

    def tidy(self) -> None:
        """Remove what was left half written."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the export goes: where to, since when it is right, and what went wrong since."""

    target: str
    written_at: datetime | None
    error: str

    @property
    def is_well(self) -> bool:
        """Nothing has failed since it was last right."""
        return not self.error


@dataclass(slots=True)
class _Plan:
    """What belongs at the place: document and ETag by path; the pages by the beginning of their copies' paths."""

    documents: dict[str, tuple[int, str]] = field(default_factory=dict)
    copies: dict[str, StatusPage] = field(default_factory=dict)

    @property
    def paths(self) -> set[str]:
        return self.documents.keys() | {prefix + AS_OF for prefix in self.copies}


class _LeaseLost(Exception):
    """Somebody else goes on."""


def standing() -> Standing | None:
    """How the export to the configured place goes; None where none is configured."""
    place = settings.MUSTER.status_export
    if place is None:
        return None
    row = Export.objects.filter(target=str(place)).first()
    return Standing(str(place), row.written_at if row else None, row.error if row else "")


def export_due(*, now: datetime) -> int:
    """Write what was rendered since, and every minute that it is still right; returns 1 where it was done."""
    place = settings.MUSTER.status_export
    if place is None:
        return 0
    if not Export.objects.filter(target=str(place)).exists():
        Export.objects.bulk_create([Export(target=str(place), due_at=now, renewed_at=now)], ignore_conflicts=True)
    export = _claim(str(place), now=now)
    if export is None:
        return 0
    target: Target = Folder(place) if isinstance(place, Path) else Bucket(place)
    try:
        _write(export, target, now=now)
    except _LeaseLost:
        return 0
    except (OSError, Failed) as error:
        _note_failure(export, str(error), now=now)
        return 0
    return 1


@transaction.atomic
def _claim(target: str, *, now: datetime) -> Export | None:
    rows = Export.objects.filter(Q(lease_until=None) | Q(lease_until__lte=now), target=target, due_at__lte=now)
    found = claim(rows, limit=1)
    if not found:
        return None
    export: Export = found[0]
    changed = StatusPage.objects.filter(rendered_at__isnull=False)
    changed = changed.filter(Q(exported_at=None) | ~Q(exported_at=F("rendered_at")))
    is_fresh = export.written_at is not None and export.written_at > now - FRESH_FOR
    if is_fresh and not changed.exists():
        return None
    export.lease_token, export.lease_until = uuid.uuid4(), now + LEASE
    export.save(update_fields=["lease_token", "lease_until"])
    return export


def _write(export: Export, target: Target, *, now: datetime) -> None:
    if now - export.renewed_at > RENEWED_EVERY:
        export.files, export.renewed_at = dict.fromkeys(export.files, ""), now
        target.tidy()
    pages = list(StatusPage.objects.filter(rendered_at__isnull=False).defer("logo").order_by("is_default", "pk"))
    plan = _plan(pages)
    _put_changed(export, target, plan)
    _delete_gone(export, target, plan)
    for prefix, page in plan.copies.items():
        if page.rendered_at == page.changed_at or now - page.changed_at < BEHIND_AFTER:
            told = {"at": now.isoformat(timespec="seconds").replace("+00:00", "Z"), "page": page.slug}
            target.put(prefix + AS_OF, json.dumps(told).encode(), content_type="application/json", cache_control=NEVER)
            export.files[prefix + AS_OF] = AS_OF
            _keep(export, lease_until=timezone.now() + LEASE)
    for page in pages:
        StatusPage.objects.filter(pk=page.pk).update(exported_at=page.rendered_at)
    export.written_at, export.failures, export.error = now, 0, ""
    _keep(export, written_at=now, failures=0, error="", lease_token=None, lease_until=None)


def _plan(pages: list[StatusPage]) -> _Plan:
    """The default page comes last, so that at the root a page's own folder wins over a document of that name."""
    plan = _Plan()
    for page in pages:
        prefixes = [f"{page.slug}/", *([f"domains/{page.domain}/"] if page.domain else [])]
        plan.copies |= dict.fromkeys([*prefixes, *([""] if page.is_default else [])], page)
    by_page: dict[int, list[tuple[int, str, str]]] = {}
    for pk, page_id, path, etag in Document.objects.values_list("pk", "page", "path", "etag"):
        by_page.setdefault(page_id, []).append((pk, path, etag))
    for prefix, page in sorted(plan.copies.items()):  # the root first: the pages' own folders replace what is theirs
        for pk, path, etag in by_page.get(page.pk, []):
            plan.documents[prefix + path] = (pk, etag)
    return plan


def _put_changed(export: Export, target: Target, plan: _Plan) -> None:
    """What is not there as it should be; the pages themselves last, so that whatever they lead to is there."""
    changed = [
        path for path, (_, etag) in plan.documents.items() if export.files.get(path) != etag or not target.has(path)
    ]
    changed.sort(key=lambda path: (path.endswith("index.html"), path.endswith(".html"), path))
    for start in range(0, len(changed), BATCH):
        paths = changed[start : start + BATCH]
        rows = Document.objects.in_bulk([plan.documents[path][0] for path in paths])
        for path in paths:
            row = rows.get(plan.documents[path][0])
            if row is not None:  # otherwise it was rendered away meanwhile, and the next look removes it
                cache = KEPT if NAMED_BY_CONTENT.fullmatch(row.path) else SHORT
                target.put(path, bytes(row.body), content_type=row.content_type, cache_control=cache)
                export.files[path] = row.etag
        _keep(export, lease_until=timezone.now() + LEASE)


def _delete_gone(export: Export, target: Target, plan: _Plan) -> None:
    gone = sorted(export.files.keys() - plan.paths)
    for start in range(0, len(gone), BATCH):
        for path in gone[start : start + BATCH]:
            target.delete(path)
            del export.files[path]
        _keep(export, lease_until=timezone.now() + LEASE)


def _keep(export: Export, **fields: object) -> None:
    """Write down what is there by now, and go on only while the lease is ours."""
    mine = Export.objects.filter(pk=export.pk, lease_token=export.lease_token)
    if not mine.update(files=export.files, renewed_at=export.renewed_at, **fields):
        raise _LeaseLost


def _note_failure(export: Export, error: str, *, now: datetime) -> None:
    seconds = min(BACKOFF_SECONDS * 2 ** min(export.failures, 10), LONGEST_BACKOFF_SECONDS)
    log.warning("the static export failed", target=export.target, error=error, again_in=seconds)
    mine = Export.objects.filter(pk=export.pk, lease_token=export.lease_token)
    mine.update(
        files=export.files,
        failures=export.failures + 1,
        error=error[:ERROR_LIMIT],
        due_at=now + timedelta(seconds=seconds),
        lease_token=None,
        lease_until=None,
    )
