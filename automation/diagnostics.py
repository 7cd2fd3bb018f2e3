"""Diagnostics that run by themselves when an incident opens, so that their output is there when somebody arrives.

Only what reads and nothing else: the database refuses any other action that is marked so. "What is missing?" is asked
again and again; the key of what was started makes that it is started once.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from automation import asking, parameters, telling
from automation.asking import Wish
from automation.models import Action, Execution
from core.text import clean
from core.work import each, give_back_when_frozen
from incidents.consequences import Consequences
from incidents.models import Incident
from incidents.models.incident import NotAllowedNow

if TYPE_CHECKING:
    from datetime import datetime


State = Execution.State

LOOK_BACK = timedelta(minutes=5)
BATCH = 20
# In a storm of alerts the hundredth answer says nothing that the first did not.
KEY = "by itself"  # no form's key has a space
MOST_AT_ONCE, WITHIN = 10, timedelta(minutes=10)


def start_missing(*, now: datetime) -> int:
    """Start what an incident that has just opened should find; returns how many were started, or not for a reason."""
    actions = list(Action.objects.automatic().select_related("runner"))
    return sum(_start_for(action, now=now) for action in actions)


def _start_for(action: Action, *, now: datetime) -> int:
    fresh = Incident.objects.open().filter(created_at__gt=now - LOOK_BACK, is_demo=False, merged_into=None)
    rows = fresh.filter(service_links__service__actions=action).distinct().order_by("id")
    begun = Execution.objects.filter(action=action, is_automatic=True)
    missing = rows.exclude(executions__in=begun)[:BATCH]
    return sum(each(missing, partial(_start, action, now=now)))


def _start(action: Action, incident: Incident, *, now: datetime) -> int:
    values = parameters.offered(action.takes, incident.facts)
    wish = Wish(values, is_automatic=True, key=KEY)
    recent = action.executions.filter(is_automatic=True, asked_at__gt=now - WITHIN).exclude(state=State.CANCELLED)
    if recent.count() >= MOST_AT_ONCE:
        _note(action, incident, f"It ran {MOST_AT_ONCE} times within ten minutes; that says enough.", now=now)
        return 1
    try:
        with transaction.atomic():
            give_back_when_frozen()
            asking.ask(action, incident, wish, by=None, now=now)
    except (ValidationError, NotAllowedNow) as error:
        refused = parameters.refused_facts(action.takes, incident.facts)
        why = f"The label {refused[0]} does not fit." if refused else _words(error)
        _note(action, incident, f"Not run by itself: {why}", now=now)
    return 1


@transaction.atomic
def _note(action: Action, incident: Incident, why: str, *, now: datetime) -> None:
    """Written down as not run, with the reason, so that nobody waits for it."""
    give_back_when_frozen()
    incident, out = Incident.objects.locked(incident.pk), Consequences(now)
    key = asking.key_of(action, incident, KEY)
    if incident.executions.filter(key=key).exists():
        return  # somebody else was faster
    execution = Execution(
        action=action,
        revision=action.revision,
        incident=incident,
        key=key,
        way=action.way,
        runner=action.runner,
        is_automatic=True,
        asked_at=now,
        state=State.CANCELLED,
        finished_at=now,
        detail=clean(why)[: telling.DETAIL_LIMIT],
    )
    execution.save()
    telling.record(execution, State.CANCELLED, out=out, text=execution.detail)
    out.write()


def _words(error: Exception) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
