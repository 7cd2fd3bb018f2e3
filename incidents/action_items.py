"""Action items: what an incident left to do, who does it, and by when.

None is ever removed, as nothing is of an incident: what was promised is done, or is visibly not, or somebody says
why its risk is accepted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import dateformat, timezone

from core import time_zones
from core.text import clean, single_line
from core.work import db_now
from incidents import messages
from incidents.consequences import Consequences, Kind
from incidents.models import ActionItem, Incident
from incidents.models.incident import NotAllowedNow
from incidents.policy import policies
from incidents.telling import Reach
from notifications.models import Notification

if TYPE_CHECKING:
    from datetime import date, datetime

    from accounts.models import User

TITLE_LIMIT = 255
REASON_LIMIT = 2_000
LATEST_DUE_YEARS = 5

EDITABLE = ("title", "kind", "owner", "due_on")


@transaction.atomic
def add(
    incident: Incident,
    *,
    title: str,
    by: User | None,
    kind: str = "",
    owner: User | None = None,
    due_on: date | None = None,
    now: datetime | None = None,
) -> ActionItem:
    """Write down a task. Its owner is told, unless they wrote it themselves. Raises ValidationError."""
    incident = Incident.objects.locked(incident.pk)
    out = Consequences(now or db_now())
    item = ActionItem(
        incident=incident,
        title=_checked_title(title),
        kind=_checked_kind(kind),
        owner=_checked_owner(owner),
        due_on=_checked_due(due_on, today=today_of(by, now=out.now)),
        created_at=out.now,
        created_by=by,
    )
    item.save()
    out.record(incident, Kind.ACTION_ADDED, by=by, **facts(item))
    _give(item, by=by, out=out)
    out.write()
    return item


@transaction.atomic
def change(item: ActionItem, *, by: User | None, now: datetime | None = None, **changes: Any) -> ActionItem:
    """Change what it says, whose it is, and when it is due; ``EDITABLE`` names the fields. A new owner is told.

    Raises ValidationError for bad values, and NotAllowedNow for one that has ended.
    """
    unknown = changes.keys() - set(EDITABLE)
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, "This cannot be changed."))
    item = _locked(item)
    if not item.is_undone:
        ended = "done" if item.done_at else "closed as an accepted risk"
        raise NotAllowedNow(f"“{item.title}” is {ended}; reopen it to change it.")
    out = Consequences(now or db_now())
    if "title" in changes:
        changes["title"] = _checked_title(changes["title"])
    if "kind" in changes:
        changes["kind"] = _checked_kind(changes["kind"])
    new = {name: value for name, value in changes.items() if value != getattr(item, name)}
    if not new:
        return item
    if "owner" in new:
        _checked_owner(new["owner"])
    if "due_on" in new:
        _checked_due(new["due_on"], today=today_of(by, now=out.now))
    apply(item, new, by=by, out=out)
    item.save(update_fields=list(new))
    if "owner" in new:
        _give(item, by=by, out=out)
    out.write()
    return item


@transaction.atomic
def set_done(item: ActionItem, *, by: User | None, source: str = "", now: datetime | None = None) -> ActionItem:
    """It is done, also where its risk had been accepted. What was done already stays as it was."""
    item = _locked(item)
    if item.done_at:
        return item
    out = Consequences(now or db_now())
    _end(item, done_at=out.now, done_by=by)
    out.record(item.incident, Kind.ACTION_DONE, by=by, source=source, **facts(item))
    out.write()
    return item


@transaction.atomic
def accept_risk(item: ActionItem, *, reason: str, by: User | None, now: datetime | None = None) -> ActionItem:
    """Close it undone: we live with the risk, for a reason. Raises ValidationError without one, and NotAllowedNow
    for an item that is done."""
    reason = clean(reason).strip()
    if not reason:
        raise ValidationError({"reason": "Say why we can live with it."})
    if len(reason) > REASON_LIMIT:
        raise ValidationError({"reason": f"A reason has at most {REASON_LIMIT:,} characters."})
    item = _locked(item)
    if item.done_at:
        raise NotAllowedNow(f"“{item.title}” is done; there is no risk left to accept.")
    if item.accepted_at:
        return item
    out = Consequences(now or db_now())
    _end(item, accepted_at=out.now, accepted_by=by, accepted_reason=reason)
    out.record(item.incident, Kind.ACTION_ACCEPTED, by=by, text=reason, **facts(item))
    out.write()
    return item


@transaction.atomic
def reopen(item: ActionItem, *, by: User | None, source: str = "", now: datetime | None = None) -> ActionItem:
    """It is not over after all; its owner has it again, and is told."""
    item = _locked(item)
    if item.is_undone:
        return item
    out = Consequences(now or db_now())
    _end(item)
    out.record(item.incident, Kind.ACTION_REOPENED, by=by, source=source, **facts(item))
    tell_owner(item, "Action item reopened", by=by, reach=Reach.of([item.incident], now=out.now), out=out)
    out.write()
    return item


_ENDS: dict[str, Any] = {
    "done_at": None, "done_by": None, "accepted_at": None, "accepted_by": None, "accepted_reason": "",
}  # fmt: skip


def _end(item: ActionItem, **how: Any) -> None:
    """Save how it ended, and that it ended in no other way."""
    for name, value in (_ENDS | how).items():
        setattr(item, name, value)
    item.save(update_fields=list(_ENDS))


def due_by_policy(incident: Incident, *, today: date) -> date | None:
    """The day by which the severity policy wants an item done that is written down today; None without one."""
    days = policies()[incident.severity].follow_up_within_days
    return today + timedelta(days=days) if days else None


def apply(item: ActionItem, new: dict[str, Any], *, by: User | None, out: Consequences) -> None:
    """Change an item in memory, with the entry that says from what to what."""
    changed = {name: {"from": _word(getattr(item, name)), "to": _word(value)} for name, value in new.items()}
    for name, value in new.items():
        setattr(item, name, value)
    out.record(item.incident, Kind.ACTION_CHANGED, by=by, **facts(item), changed=changed)


def facts(item: ActionItem) -> dict[str, Any]:
    """What an entry of the timeline says about an item, in plain words."""
    said = {"action": item.pk, "title": item.title, "owner": _word(item.owner), "due_on": _word(item.due_on)}
    return said | ({"kind": item.kind} if item.kind else {})


def today_of(user: User | None, *, now: datetime) -> date:
    """The day that it is for a person."""
    return timezone.localdate(now, time_zones.zone(user.time_zone if user else "UTC"))


def tell_owner(item: ActionItem, opening: str, *, by: User | None, reach: Reach, out: Consequences) -> bool:
    """Tell the owner, without hurry; nobody is told what they did themselves. False when they cannot be reached."""
    if item.owner is None or item.owner == by:
        return True
    due = f"\nDue on {dateformat.format(item.due_on, 'D j M Y')}." if item.due_on else ""
    message = messages.notice(
        item.incident,
        f"{opening}, from {by or 'Muster'}: {item.title}{due}",
        services=reach.services_of(item.incident),
        urgency="low",
    )
    return reach.tell_user(
        item.incident,
        item.owner,
        message,
        key=f"action/{item.pk}/{int(out.now.timestamp() * 1000)}",
        purpose=Notification.Purpose.NOTICE,
        reason=opening,
        out=out,
    )


def _give(item: ActionItem, *, by: User | None, out: Consequences) -> None:
    """Tell a new owner. Whoever is told of a private incident sees it from then on; nobody owns what is hidden."""
    is_told = item.owner is None or tell_owner(
        item, "Action item for you", by=by, reach=Reach.of([item.incident], now=out.now), out=out
    )
    if is_told or not item.incident.is_private:
        return
    if not Incident.objects.visible_to(item.owner).filter(pk=item.incident_id).exists():
        raise ValidationError(
            {"owner": f"{item.owner} does not see this private incident, and has no contact method to be told by."}
        )


def _locked(item: ActionItem) -> ActionItem:
    """The item, locked after its incident."""
    incident = Incident.objects.locked(item.incident_id)
    found: ActionItem = ActionItem.objects.select_for_update(of=("self",)).select_related("owner").get(pk=item.pk)
    found.incident = incident
    return found


def _checked_title(title: str) -> str:
    title = single_line(title)
    if not title:
        raise ValidationError({"title": "Say in a few words what is to be done."})
    if len(title) > TITLE_LIMIT:
        raise ValidationError({"title": f"A title has at most {TITLE_LIMIT} characters; this one has {len(title):,}."})
    return title


def _checked_kind(kind: str) -> str:
    if kind and kind not in ActionItem.Kind.values:
        raise ValidationError({"kind": f"Choose one of: {', '.join(ActionItem.Kind.values)}."})
    return kind


def _checked_owner(owner: User | None) -> User | None:
    if owner and not owner.is_active:
        raise ValidationError({"owner": f"{owner} is not active any more."})
    return owner


def _checked_due(due_on: date | None, *, today: date) -> date | None:
    """A promise lies ahead: one that is new or moved is due today at the earliest, for whoever makes it."""
    if due_on is None:
        return None
    if due_on < today:
        raise ValidationError({"due_on": "This day has passed; choose today or a later one."})
    if due_on.year > today.year + LATEST_DUE_YEARS:
        raise ValidationError({"due_on": f"This is more than {LATEST_DUE_YEARS} years ahead."})
    return due_on


def _word(value: Any) -> str:
    """A person's name, a day as 2026-10-21, a title; nothing is the empty word."""
    return "" if value is None else str(value)
