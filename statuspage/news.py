"""What subscribers get of an update: words in the page's language, and the same for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.text import single_line
from statuspage import addresses, words
from statuspage.models import Mailing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from incidents.models import StatusUpdate
    from statuspage.models import Component, Report

SUBJECT_LIMIT = 200


def write(
    update: StatusUpdate, report: Report, *, parts: Mapping[Component, tuple[str, str]], public_id: str, now: datetime
) -> Mailing:
    """The mailing of an update on the page of ``report``; once, whoever asks again."""
    said = words.of(report.page)
    subject = single_line(f"{said.say(update.status)}: {report.name}", limit=SUBJECT_LIMIT)
    fields: dict[str, Any] = {
        "kind": Mailing.Kind.UPDATE,
        "report": report,
        "subject": subject,
        "text": _text(update, said, parts),
        "payload": _payload(update, report, parts, public_id),
        "created_at": now,
    }
    mailing, is_new = Mailing.objects.get_or_create(page=report.page, key=f"update/{update.pk}", defaults=fields)
    if is_new:
        mailing.components.set(parts)
    return mailing


def _text(update: StatusUpdate, said: words.Words, parts: Mapping[Component, tuple[str, str]]) -> str:
    changes = [
        said.say("change", name=part.name, before=said.say(before), after=said.say(after))
        for part, (before, after) in parts.items()
        if before != after
    ]
    blocks = [update.message, "\n".join(changes)]
    if update.next_at is not None:
        blocks.append(said.say("next_by", at=said.clock(update.next_at, beside=update.published_at)))
    return "\n\n".join(block for block in blocks if block)


def _payload(
    update: StatusUpdate, report: Report, parts: Mapping[Component, tuple[str, str]], public_id: str
) -> dict[str, Any]:
    return {
        "incident": {
            "id": report.public_id,
            "name": report.name,
            "status": report.status,
            "started_at": _stamp(report.started_at),
            "resolved_at": _stamp(report.resolved_at),
            "shortlink": addresses.incident_of(report.page, report.public_id),
        },
        "update": {
            "id": public_id,
            "status": update.status,
            "body": update.message,
            "created_at": _stamp(update.published_at),
            "next_update_at": _stamp(update.next_at),
        },
        "components": [
            {"id": part.public_id, "name": part.name, "old_status": before, "new_status": after}
            for part, (before, after) in parts.items()
        ],
    }


def _stamp(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
