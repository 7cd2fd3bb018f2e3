"""What did not come in time: an approval, a runner that takes it, a word of whoever works on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction

from automation import asking, telling
from automation.models import Execution, Way
from core.work import each, give_back_when_frozen
from incidents.consequences import Consequences

if TYPE_CHECKING:
    from datetime import datetime

State = Execution.State

BATCH = 20


def watch_due(*, now: datetime) -> int:
    """Look at what is overdue; returns how many were. What may have begun is unknown, and is never begun again."""
    overdue = Execution.objects.due(now=now).to_watch()
    return sum(each(list(overdue.values_list("pk", flat=True)[:BATCH]), partial(_look, now=now)))


@transaction.atomic
def _look(pk: int, *, now: datetime) -> int:
    give_back_when_frozen()
    execution, out = asking.locked_if_free(pk), Consequences(now)
    if execution is None or execution.due_at is None or execution.due_at > now:
        return 0
    match execution.state:
        case State.WAITING:
            telling.conclude(execution, State.CANCELLED, "Nobody approved it within an hour. Nothing was run.", out=out)
        case State.QUEUED if execution.way == Way.RUNNER:
            detail = f"The runner {execution.runner} did not take it within two minutes. Nothing was run."
            telling.conclude(execution, State.CANCELLED, detail, out=out)
        case State.CLAIMED:  # it may only begin after we have said so, and we have not: another may have it
            execution.state, execution.lease_token = State.QUEUED, None
            execution.due_at = asking.due_when_queued(execution.action, now=now)
        case State.RUNNING:
            who = f"The runner {execution.runner}" if execution.way == Way.RUNNER else "Whoever sent this"
            detail = f"{who} was not heard of any more. It may have been done: check before you ask again."
            telling.conclude(execution, State.UNKNOWN, detail, out=out)
            telling.keep_result(execution, out=out)
        case _:
            return 0
    execution.save()
    out.write()
    return 1
