"""Requests: each is sent once. Written down as running, sent outside any transaction, then how it ended.

Unlike a page, which is sent again when nobody knows whether it arrived, an action whose sender has gone is never sent
again: it is unknown, and somebody has to look.
"""

from __future__ import annotations

import base64
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.db import connection, connections, transaction
from django.utils import timezone

from automation import asking, masking, requests, telling
from automation.models import OUTPUT_LIMIT, Execution
from core import http
from core.text import clean
from core.work import db_now, each, give_back_when_frozen
from incidents import messages
from incidents.consequences import Consequences
from notifications import signing

if TYPE_CHECKING:
    from datetime import datetime

    from automation.models import Action

log = structlog.get_logger(__name__)

State = Execution.State

SEATS = 4
LEASE = timedelta(seconds=30)  # longer than the slowest request
SLOWEST = timedelta(seconds=15)  # a request: whoever was held up for so long that it would outlast its lease sends none
SEE_OTHER = 303  # says that it was done, and where to look
NOT_DONE = frozenset({501, 505})  # of the answers of a server that failed, those that say that it did not begin


@dataclass(frozen=True, slots=True)
class _Result:
    state: State
    detail: str
    status: int | None = None
    output: str = ""


def send_due(*, now: datetime) -> int:
    """Send what is due, a few at once; returns how many were begun. The demo's is done without being sent."""
    waiting = Execution.objects.due(now=now).to_send().values_list("pk", flat=True)[:SEATS]
    begun = [execution for execution in each(list(waiting), _begin) if execution]
    if len(begun) < 2:
        for execution in begun:
            _send(execution)
        return len(begun)
    with ThreadPoolExecutor(max_workers=SEATS, thread_name_prefix="automation") as pool:
        for done in [pool.submit(_send_elsewhere, execution) for execution in begun]:
            done.result()
    return len(begun)


@transaction.atomic
def _begin(pk: int) -> Execution | None:
    """Written down as running before anything is sent; None where somebody else was first, or it is not to be sent."""
    give_back_when_frozen()
    execution, out = asking.locked_if_free(pk), Consequences(db_now())
    if execution is None or execution.state != State.QUEUED or asking.give_up_if_changed(execution, out=out):
        return None
    execution.state, execution.started_at = State.RUNNING, out.now
    execution.lease_token, execution.due_at = uuid.uuid4(), out.now + LEASE
    execution.save()
    return execution


def _send_elsewhere(execution: Execution) -> None:
    try:
        _send(execution)
    finally:
        connections.close_all()


def _send(execution: Execution) -> None:
    if execution.due_at is None or db_now() > execution.due_at - SLOWEST:
        _end(execution, _Result(State.FAILED, "Muster stood still before it could send this. Nothing was sent."))
        return
    if not connection.in_atomic_block:
        connection.close()  # others may use it while we wait for the answer
    try:
        result = _attempt(execution)
    except Exception:  # a fault of ours must not leave it running; what was sent is not known here
        log.exception("an action failed", execution=execution.pk)
        result = _Result(
            State.UNKNOWN, "Muster failed while it sent this. The log has the reason; check what happened."
        )
    _end(execution, result)


def _attempt(execution: Execution) -> _Result:
    action = execution.action
    if action.is_demo:
        return _Result(State.DONE, "Demo data: nothing was run.")
    request = requests.build(action.format, _order(execution))
    signed = signing.headers(
        action.signing_secret, message_id=f"exec_{execution.pk}", at=timezone.now(), body=request.body
    )
    secret = {"Authorization": action.authorization} if action.authorization else {}
    try:
        answer = http.post(action.url, body=request.body, headers={**request.headers, **signed, **secret})
    except http.TimedOut as error:
        return _Result(State.UNKNOWN, f"{error}. It may have been done: check before you ask again.")
    except http.HttpError as error:
        return _Result(State.FAILED, f"{error}. Nothing was sent.")
    text = answer.body.decode("utf-8", "replace")
    if 200 <= answer.status < 300:
        return _Result(State.DONE, f"Accepted: HTTP {answer.status}.", answer.status, text)
    if answer.status == SEE_OTHER or answer.status >= 500 and answer.status not in NOT_DONE:
        detail = f"HTTP {answer.status}. It may have been done: check before you ask again."
        return _Result(State.UNKNOWN, detail, answer.status, text)
    return _Result(State.FAILED, f"Turned down: HTTP {answer.status}.", answer.status, text)


def _order(execution: Execution) -> requests.Order:
    action, incident = execution.action, execution.incident
    about: dict[str, Any] = {
        "id": execution.pk,
        "incident": incident.reference,
        "url": messages.absolute(execution.get_absolute_url()),
        "asked_by": execution.asked_by.username if execution.asked_by else None,
        "approved_by": execution.decided_by.username if execution.decided_by else None,
        "asked_at": execution.asked_at.isoformat(),
    }
    return requests.Order(
        action=action.slug,
        values=execution.values,
        is_dry_run=execution.is_dry_run,
        has_dry_run=action.has_dry_run,
        target=action.target,
        about=about,
    )


def _secrets(action: Action) -> list[str]:
    """What no answer may show: the authorization, the user and password that a Basic one holds, the signing secret."""
    scheme, _, word = action.authorization.partition(" ")
    found = [*action.authorization.split(), action.signing_secret]
    if scheme.lower() == "basic":
        with suppress(ValueError):
            pair = base64.b64decode(word).decode("utf-8", "replace")
            found += [pair, pair.partition(":")[2]]
    return found


@transaction.atomic
def _end(sent: Execution, result: _Result) -> None:
    """Written by token: where the lease is over the truth still counts, since nobody else has sent it."""
    execution, out = asking.locked(sent.pk), Consequences(db_now())
    if execution.lease_token != sent.lease_token or execution.state not in (State.RUNNING, State.UNKNOWN):
        return
    secrets = _secrets(sent.action)
    execution.http_status = result.status
    execution.output = masking.mask(clean(result.output), secrets)[:OUTPUT_LIMIT]
    telling.conclude(execution, result.state, masking.mask(result.detail, secrets), out=out)
    telling.keep_result(execution, out=out)
    execution.save()
    out.write()
