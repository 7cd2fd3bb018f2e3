"""Writing what people saw and did: notes and their corrections, evidence, mitigations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from core import live
from core.text import clean, single_line
from incidents import search
from incidents.consequences import Consequences, Kind
from incidents.models import Evidence, Incident, NoteRevision, TimelineEntry

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User

NOTE_LIMIT = 20_000
EARLIEST_YEAR = 1970

MITIGATIONS = {"fix_applied": "Fix applied", "scaled": "Scaled", "rolled_back": "Rolled back"}


@transaction.atomic
def add_note(
    incident: Incident, *, text: str, by: User | None, at: datetime | None = None, now: datetime | None = None
) -> TimelineEntry:
    """Write a note (Markdown), about now or an earlier moment. Raises ValidationError for an empty or future one."""
    now = now or timezone.now()
    entry = TimelineEntry(
        incident=Incident.objects.locked(incident.pk),
        kind=Kind.NOTED,
        at=_past(at or now, now=now),
        created_at=now,
        by=by,
        text=_note_text(text),
    )
    entry.save()
    search.index_notes(entry.incident)
    live.changed(entry.incident.topic)
    return entry


@transaction.atomic
def correct_note(
    entry: TimelineEntry, *, text: str, at: datetime, by: User | None, now: datetime | None = None
) -> TimelineEntry:
    """Change what a note says or when it happened; what it said before is kept and shown as a correction."""
    now = now or timezone.now()
    entry = TimelineEntry.objects.select_for_update().get(pk=entry.pk, kind=Kind.NOTED)
    text, at = _note_text(text), _past(at, now=now)
    if (entry.text, entry.at) == (text, at):
        return entry
    NoteRevision.objects.create(entry=entry, text=entry.text, at=entry.at, replaced_at=now, replaced_by=by)
    entry.text, entry.at = text, at
    entry.save(update_fields=["text", "at"])
    search.index_notes(entry.incident)
    live.changed(entry.incident.topic)
    return entry


@transaction.atomic
def link_evidence(
    incident: Incident,
    *,
    url: str,
    by: User | None,
    kind: str = Evidence.Kind.LINK,
    caption: str = "",
    source: str = "",
    now: datetime | None = None,
) -> Evidence:
    """Tie a link that shows something to the incident. Raises ValidationError for an unusable address or kind."""
    now = now or timezone.now()
    incident = Incident.objects.locked(incident.pk)
    evidence = keep_evidence(incident, url=url, by=by, kind=kind, caption=caption, source=source, now=now)
    out = Consequences(now)
    out.record(
        incident, Kind.EVIDENCE_LINKED, by=by, evidence=evidence.pk, kind=kind, url=evidence.url, caption=str(evidence)
    )
    out.write()
    return evidence


def keep_evidence(
    incident: Incident, *, url: str, by: User | None, kind: str, caption: str, source: str, now: datetime
) -> Evidence:
    """Tie a link to a locked incident, for something that the timeline tells of itself. Raises ValidationError."""
    evidence = Evidence(
        incident=incident,
        kind=kind,
        url=clean(url).strip(),
        caption=single_line(caption, limit=200),
        source=single_line(source, limit=100),
        at=now,
        by=by,
    )
    evidence.full_clean(exclude=["incident", "by"])
    if not evidence.url.lower().startswith(("http://", "https://")):
        raise ValidationError({"url": "Enter an address that begins with http:// or https://."})
    evidence.save()
    return evidence


@transaction.atomic
def record_mitigation(
    incident: Incident, *, kind: str, by: User | None, text: str = "", now: datetime | None = None
) -> TimelineEntry:
    """Write down what was done against the impact: a fix applied, scaled, or rolled back."""
    if kind not in MITIGATIONS:
        raise ValidationError({"kind": f"Choose one of: {', '.join(MITIGATIONS)}."})
    out = Consequences(now or timezone.now())
    text = clean(text, limit=NOTE_LIMIT).strip()
    entry = out.record(Incident.objects.locked(incident.pk), Kind.MITIGATED, by=by, text=text, mitigation=kind)
    out.write()
    return entry


def _note_text(text: str) -> str:
    text = clean(text).strip()
    if not text:
        raise ValidationError({"text": "Write something first."})
    if len(text) > NOTE_LIMIT:
        raise ValidationError({"text": f"A note has at most {NOTE_LIMIT:,} characters; this one has {len(text):,}."})
    return text


def _past(at: datetime, *, now: datetime) -> datetime:
    if at > now:
        raise ValidationError({"at": "This time is in the future."})
    if at.year < EARLIEST_YEAR:
        raise ValidationError({"at": f"This time is before {EARLIEST_YEAR}."})
    return at
