"""What a runner does with an execution: take it, begin, send its output, say how it ended.

Nothing is run before ``begin`` has been answered, and ``begin`` is answered for one token alone: a runner that took
something and was not heard of again has not begun, so another may have it; one that began and fell silent may have done
anything, so nobody else gets it, ever.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from automation import asking, masking, telling
from automation.models import OUTPUT_LIMIT, Execution
from core import live
from core.text import clean
from core.work import db_now
from incidents.consequences import Consequences
from incidents.models.incident import topic_of

if TYPE_CHECKING:
    from datetime import datetime

    from automation.models import Runner
    from automation.parameters import Value

State = Execution.State

BEGIN_WITHIN = timedelta(seconds=15)
SILENCE = timedelta(seconds=30)  # a runner that works is heard of every five seconds


class NotYours(Exception):
    """Whoever asks may not speak of this execution (any more)."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a runner is to do."""

    execution: int
    token: str
    action: str
    values: dict[str, Value]
    is_dry_run: bool
    seconds: int


def take(runner: Runner, *, now: datetime | None = None) -> Work | None:
    """The oldest execution that waits for this runner, if there is one; it has to begin within 15 seconds.

    One whose action was changed after it was asked for is not run.
    """
    queue = Execution.objects.filter(runner=runner, state=State.QUEUED).order_by("id")
    pk = queue.values_list("pk", flat=True).first()
    return None if pk is None else _take(runner, pk, now=now)


@transaction.atomic
def _take(runner: Runner, pk: int, *, now: datetime | None) -> Work | None:
    execution, out = asking.locked(pk), Consequences(now or db_now())
    if execution.state != State.QUEUED or execution.runner_id != runner.pk:
        return None
    if asking.give_up_if_changed(execution, out=out):
        return None
    token = uuid.uuid4()
    execution.state, execution.lease_token, execution.due_at = State.CLAIMED, token, out.now + BEGIN_WITHIN
    execution.save()
    action = execution.action
    return Work(
        execution.pk, str(token), action.command, execution.values, execution.is_dry_run, seconds=action.seconds
    )


@transaction.atomic
def begin(runner: Runner, pk: int, token: str, *, now: datetime | None = None) -> None:
    """It begins now; asked twice with one token it says so twice. Raises NotYours: then it must not begin."""
    execution, out = _held(runner, pk, token), Consequences(now or db_now())
    if execution.state == State.RUNNING:
        return
    if execution.state != State.CLAIMED or asking.is_changed(execution):
        raise NotYours
    execution.state, execution.started_at, execution.due_at = State.RUNNING, out.now, out.now + SILENCE
    execution.save()
    live.changed(execution.incident.topic)


@transaction.atomic
def hear(
    runner: Runner, pk: int, token: str, *, offset: int, text: str, now: datetime | None = None
) -> tuple[int, bool]:
    """More output, from the character ``offset`` on; how many characters are here now, and whether to stop.

    What was sent before is left out, so that a repeated message adds nothing. Raises NotYours.
    """
    now = now or db_now()
    rows = Execution.objects.filter(pk=pk, runner=runner, lease_token=_token(token), state=State.RUNNING)
    execution: Execution | None = rows.select_for_update().first()
    if execution is None:
        raise NotYours
    is_new = _append(execution, offset, text)
    execution.due_at = now + SILENCE
    execution.save(update_fields=["output", "received", "left_out", "due_at"])
    if is_new:
        live.changed(topic_of(execution.incident_id))
    return execution.received, execution.stopped_at is not None


@transaction.atomic
def end(
    runner: Runner,
    pk: int,
    token: str,
    *,
    outcome: str,
    exit_code: int | None,
    detail: str,
    left_out: int = 0,
    now: datetime | None = None,
) -> None:
    """How it ended. What was taken for unknown because its runner fell silent becomes known; asked twice it ends once.

    Raises NotYours.
    """
    execution, out = _held(runner, pk, token), Consequences(now or db_now())
    if execution.state in (State.DONE, State.FAILED):
        return
    if execution.state not in (State.CLAIMED, State.RUNNING, State.UNKNOWN):
        raise NotYours
    if execution.state == State.UNKNOWN and outcome == State.UNKNOWN:
        return
    execution.exit_code = exit_code
    execution.left_out += left_out
    telling.conclude(execution, State(outcome), masking.mask(clean(detail)), out=out)
    telling.keep_result(execution, out=out)
    execution.save()
    out.write()


def _held(runner: Runner, pk: int, token: str) -> Execution:
    """The execution, locked, for the runner whose token it carries. Raises NotYours."""
    given = _token(token)
    if not Execution.objects.filter(pk=pk, runner=runner, lease_token=given).exists():
        raise NotYours
    execution = asking.locked(pk)
    if execution.lease_token != given or execution.runner_id != runner.pk:
        raise NotYours
    return execution


def _append(execution: Execution, offset: int, text: str) -> bool:
    """Add what is new of a piece of output, masked, as far as there is room; False where nothing is."""
    if offset > execution.received or not text:
        return False
    new = text[execution.received - offset :]
    if not new:
        return False
    execution.received += len(new)
    room = OUTPUT_LIMIT - len(execution.output)
    kept = clean(new)[: max(room, 0)]
    execution.left_out += len(new) - len(kept)
    if kept:  # the whole again: a secret may come in pieces
        execution.output = masking.mask(execution.output + kept)[:OUTPUT_LIMIT]
    return True


def _token(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotYours from None
