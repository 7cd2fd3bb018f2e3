"""One more acknowledgement: what stops paging, and what needs more people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, F, OuterRef, Q

from incidents import escalation
from incidents.models import Escalation, EscalationAnswer
from notifications import outbox

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from incidents.models import Incident


@dataclass(frozen=True, slots=True)
class Counted:
    """What an acknowledgement did: how many escalations it stopped and how many unsent pages it cancelled, whether it
    was counted by one that needs more people, and how many people that one still needs."""

    stopped: int
    cancelled: int
    is_counted: bool = False
    still_needed: int = 0

    @property
    def is_any(self) -> bool:
        """Whether it did anything."""
        return bool(self.stopped or self.cancelled or self.is_counted)

    def facts(self) -> dict[str, Any]:
        """What the timeline keeps of it."""
        return {"cancelled": self.cancelled} | ({"still_needed": self.still_needed} if self.still_needed else {})


def count(incident: Incident, *, by: User | None, now: datetime) -> Counted:
    """Count an acknowledgement of a locked incident: what has enough of them stops, and its unsent pages are
    cancelled. What needs more goes on, and does not page who has acknowledged."""
    more = {"needed__gt": 1, "state": Escalation.State.RUNNING}
    asking = list(incident.escalations.select_for_update().filter(**more).order_by("id"))
    is_counted = [_add(each, by, now=now) for each in asking] if by else []
    missing = {each: each.needed - each.answers.count() for each in asking}
    waiting = [each for each in asking if missing[each] > 0]
    kept = Q(pk__in=())
    for each in waiting:
        kept |= Q(origin__startswith=f"{escalation.name_of(each)}/") & ~Q(user=by)
    return Counted(
        stopped=escalation.stop(incident, now=now, but=waiting),
        cancelled=outbox.cancel(topic=incident.topic, now=now, but=kept),
        is_counted=any(is_counted),
        still_needed=max((missing[each] for each in waiting), default=0),
    )


def is_asked(incident: Incident, user: User) -> bool:
    """Whether something still pages that an acknowledgement by this person would count for."""
    theirs = EscalationAnswer.objects.filter(escalation=OuterRef("pk"), user=user)
    running = incident.escalations.filter(state=Escalation.State.RUNNING).annotate(given=Count("answers"))
    return running.exclude(Exists(theirs), needed__gt=F("given")).exists()


def _add(asking: Escalation, by: User, *, now: datetime) -> bool:
    return EscalationAnswer.objects.get_or_create(escalation=asking, user=by, defaults={"at": now})[1]
