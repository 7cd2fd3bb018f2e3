"""Idempotency-Key: a POST that is repeated with the same key creates once and is answered twice.

The key's row is written in the transaction that creates the thing: a second request with the key waits on the unique
constraint until the first has committed, and then gives its answer. Errors create nothing and keep no key.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from ninja.responses import Status
from pydantic import BaseModel

from api.auth import ApiRequest, actor
from api.models import IdempotencyKey
from api.parsing import UNSTORABLE
from api.problems import Problem, invalid

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255
PURGED_AT_ONCE = 20
ATTEMPTS = 5

Operation = Callable[..., Status[Any]]


def idempotent(*, hide: tuple[str, ...] = ()) -> Callable[[Operation], Callable[..., Any]]:
    """Honour the header on an operation that answers with ``Status`` and a schema.

    ``hide`` names the fields that are shown once: they are not kept, and null in a repeated answer.
    """

    def decorate(operation: Operation) -> Callable[..., Any]:
        @wraps(operation)
        def wrapper(request: ApiRequest, **kwargs: Any) -> Status[Any] | HttpResponse:
            text = request.headers.get(HEADER)
            if text is None:
                return operation(request, **kwargs)
            row, is_new = _claim(request, _checked(text), now=timezone.now())
            if not is_new:
                return JsonResponse(row.response, status=row.status, headers={REPLAYED: "true"})
            result = operation(request, **kwargs)
            row.status, row.response = result.status_code, _kept(result.value, hide)
            row.save(update_fields=["status", "response"])
            return result

        # ninja reads the annotations of what it is given, which are the operation's own.
        wrapper.__signature__ = inspect.signature(operation, eval_str=True)  # type: ignore[attr-defined]
        wrapper.is_idempotent = True  # type: ignore[attr-defined]
        return wrapper

    return decorate


def _checked(text: str) -> str:
    if not text or len(text) > LONGEST_KEY or UNSTORABLE.search(text):
        raise invalid(HEADER, f"A key has 1 to {LONGEST_KEY} characters.")
    return text


def _claim(request: ApiRequest, key: str, *, now: datetime) -> tuple[IdempotencyKey, bool]:
    """The row of this key, locked, and whether this request is the first. Raises the problem 422 for another body."""
    fingerprint = _fingerprint(request)
    _purge(now=now)
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                row = IdempotencyKey(user=actor(request), key=key, fingerprint=fingerprint, created_at=now)
                row.save(force_insert=True)
                return row, True
        except IntegrityError:
            rows = IdempotencyKey.objects.select_for_update()
            known = rows.filter(user=actor(request), key=key).first()
            if known is None:
                continue  # its transaction was taken back, or it was just purged
            if known.created_at <= now - KEPT_FOR:
                known.delete()
                continue
            if known.fingerprint != fingerprint:
                raise Problem(
                    422,
                    "This Idempotency-Key was used for another request.",
                    errors=[(HEADER, "Use a new key for a new request.")],
                ) from None
            return known, False
    raise Problem(409, "Another request with this Idempotency-Key is under way.")


def _fingerprint(request: ApiRequest) -> str:
    head = f"{request.method} {request.path.rstrip('/')}\n"
    return hashlib.sha256(head.encode("utf-8", "replace") + request.body).hexdigest()


def _kept(value: BaseModel, hide: tuple[str, ...]) -> dict[str, Any]:
    return value.model_dump(mode="json") | dict.fromkeys(hide)


def _purge(*, now: datetime) -> None:
    """Forget a few of the oldest keys when their day is over; each new key does, so they never pile up."""
    oldest = IdempotencyKey.objects.select_for_update(skip_locked=True).order_by("id")[:PURGED_AT_ONCE]
    IdempotencyKey.objects.filter(pk__in=[row.pk for row in oldest if row.created_at <= now - KEPT_FOR]).delete()
