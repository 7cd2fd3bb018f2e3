"""The door for monitors: store the event, then answer (docs/delivery-guarantees.md, promise G1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import HttpResponse, JsonResponse
from psycopg_pool import PoolTimeout

from alerts import intake

if TYPE_CHECKING:
    from django.http import HttpRequest

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = "5"


def receive(request: HttpRequest, *, key: str, format: str) -> HttpResponse:
    """202 once the event is committed, 400 for a body that was kept but cannot be used, 404 for a wrong key,
    503 while the database is away. 429 is never used: Alertmanager would not try again."""
    if request.method != "POST":
        return JsonResponse({"error": "Send a POST."}, status=405, headers={"Allow": "POST"})
    try:
        stored = intake.store(key=key, format=format, body=request.body)
    except RequestDataTooBig:
        return JsonResponse({"error": "The body is larger than 16 MB."}, status=413)
    except intake.WrongKey:
        return HttpResponse(status=404)
    except (DatabaseError, InterfaceError, PoolTimeout) as error:
        log.error("intake cannot store", error=repr(error))
        return HttpResponse(status=503, headers={"Retry-After": RETRY_AFTER_SECONDS})
    if stored.problem:
        return JsonResponse({"status": "kept", "event": stored.event, "error": stored.problem}, status=400)
    return JsonResponse({"status": "accepted", "event": stored.event}, status=202)
