"""What a status update may say, and when it goes out: each check gives what is kept, or raises ValidationError."""

from __future__ import annotations

import re
from copy import copy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

from core.text import clean, single_line
from incidents.models import StatusUpdate
from incidents.models.updates import TITLE_LIMIT

if TYPE_CHECKING:
    from datetime import datetime

    from incidents.models import Incident

MESSAGE_LIMIT = 5_000
PUBLIC_LIMIT = 20_000  # a postmortem that the public reads
FURTHEST = timedelta(days=90)
MOST_AFFECTED = 50

Status = StatusUpdate.Status
Visibility = StatusUpdate.Visibility

_REFERENCE = re.compile(r"\b(?:INC|ALR)-[0-9]+", re.ASCII | re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)


def message(text: str) -> str:
    """The text of an update."""
    text = clean(text).strip()
    if not text:
        raise ValidationError({"message": "Say how it stands."})
    if len(text) > MESSAGE_LIMIT:
        words = f"An update has at most {MESSAGE_LIMIT:,} characters; this one has {len(text):,}."
        raise ValidationError({"message": words})
    return text


def check_status(status: str) -> str:
    """One of the words that status pages use."""
    if status not in Status.values:
        raise ValidationError({"status": f"Choose one of: {', '.join(Status.values)}."})
    return status


def check_visibility(incident: Incident, visibility: str) -> None:
    """Internal or external; the public hears nothing of what is private."""
    if visibility not in Visibility.values:
        raise ValidationError({"visibility": f"Choose one of: {', '.join(Visibility.values)}."})
    if visibility == Visibility.EXTERNAL and incident.is_private:
        raise ValidationError({"visibility": private(incident)})


def private(incident: Incident) -> str:
    """Why the public hears nothing, and what to do."""
    return f"{incident.reference} is private. Edit it so that everybody here may see it, before the public hears of it."


def title(incident: Incident, visibility: str, text: str, *, of: StatusUpdate | None = None) -> str:
    """What the incident is called in public: asked for until a published update has said so. ``of`` is the update that
    it belongs to, if there is one."""
    text = single_line(text)
    if visibility != Visibility.EXTERNAL:
        if text:
            raise ValidationError({"title": "Only external updates have a title."})
        return ""
    if len(text) > TITLE_LIMIT:
        raise ValidationError({"title": f"A title has at most {TITLE_LIMIT} characters; this one has {len(text)}."})
    if not text and not (of and not of.title):
        named = incident.status_updates.published().external().exclude(title="")
        if not (named.exclude(pk=of.pk) if of else named).exists():
            raise ValidationError({"title": "Say what the incident is called in public."})
    return text


def public_title(incident: Incident, *, beside: StatusUpdate | None = None) -> str:
    """What it is called in public so far, or will be by an update that waits; empty if nobody has said so. What
    ``beside`` says does not count."""
    named = incident.status_updates.external().filter(cancelled_at=None).exclude(title="")
    if beside is not None:
        named = named.exclude(pk=beside.pk)
    return named.order_by("due_at", "id").values_list("title", flat=True).last() or ""


def inner_words(incident: Incident, text: str) -> list[str]:
    """What a text for the public says that people outside have no use for: numbers of incidents, the inner title, the
    name of who has it. Somebody may have meant to; they are asked once more."""
    names = [incident.title, str(incident.assignee) if incident.assignee else ""]
    folded = text.casefold()
    found = {match[0].upper(): None for match in _REFERENCE.finditer(text)}
    return [*found, *(name for name in names if len(name) > 3 and name.casefold() in folded)]


def affects(visibility: str, said: dict[str, str] | None) -> dict[str, str]:
    """How parts of the public page are; what the words mean is for those who have such pages."""
    if not said:
        return {}
    if visibility != Visibility.EXTERNAL:
        raise ValidationError({"affects": "Only external updates say how parts of the public page are."})
    if len(said) > MOST_AFFECTED:
        raise ValidationError({"affects": f"At most {MOST_AFFECTED} parts of the page; these are {len(said)}."})
    for part in (*said.keys(), *said.values()):
        if not isinstance(part, str) or not _WORD.fullmatch(part):
            raise ValidationError({"affects": "Give each part by its id, and its state as one word."})
    return dict(said)


def due_at(publish_at: datetime | None, *, hold_for: timedelta | None, now: datetime) -> datetime:
    """When it goes out."""
    if publish_at is None:
        return now + (hold_for or timedelta())
    if hold_for:
        raise ValidationError({"hold": "Either it is held for a minute, or it goes out at a time; not both."})
    return _to_come(publish_at, "publish_at", after=now)


def next_at(at: datetime | None, *, after: datetime) -> datetime | None:
    """When readers hear more: after this one is out."""
    return None if at is None else _to_come(at, "next_at", after=after)


def edited(update: StatusUpdate, *, now: datetime, **said: Any) -> StatusUpdate:
    """The update as it would be if somebody said this of it, checked and unsaved: ``said`` are arguments of
    ``communication.edit``, and what is left out stays. What was for the public alone goes with the public."""
    found = copy(update)
    found.status = check_status(said.get("status", update.status))
    if "message" in said:
        found.message = message(said["message"])
    found.visibility = said.get("visibility", update.visibility)
    is_moved = found.visibility != update.visibility
    if is_moved:
        check_visibility(update.incident, found.visibility)
    is_public = found.visibility == Visibility.EXTERNAL
    if is_moved or "title" in said:
        text = said.get("title", update.title if is_public else "")
        found.title = title(update.incident, found.visibility, text, of=None if is_moved else update)
    if is_moved or "affects" in said:
        found.affects = affects(found.visibility, said.get("affects", update.affects if is_public else None))
    if said.get("publish_at", update.due_at) != update.due_at:
        found.due_at = due_at(said["publish_at"], hold_for=None, now=now)
    wanted = said.get("next_at", update.next_at)
    if (wanted, found.due_at) != (update.next_at, update.due_at):
        found.next_at = next_at(wanted, after=found.due_at)
    found.even_when_over = said.get("even_when_over", update.even_when_over)
    return found


def _to_come(at: datetime, field: str, *, after: datetime) -> datetime:
    if at <= after:
        words = "This time has passed." if field == "publish_at" else "The next update comes after this one."
        raise ValidationError({field: words})
    if at - after > FURTHEST:
        raise ValidationError({field: f"At most {FURTHEST.days} days ahead."})
    return at
