"""Whether this process lives and whether it can do its work."""

from __future__ import annotations

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.work import db_now
from incidents_site import paging_health
from statuspage import exporting

REDIS_TIMEOUT_SECONDS = 0.5

# Migrations are never taken back under a running process, so "all applied" is asked of the database only once.
_applied: set[str] = set()


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process is alive. It asks nobody else, so that a slow database does not get the process restarted."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when requests can be served. Redis may be away: Muster pages without it, only slower."""
    database, migrations = _database_state()
    broker = _redis_state()
    is_ready = database == "ok" and migrations == "ok"
    status = "unavailable" if not is_ready else "ok" if broker == "ok" else "degraded"
    body = {"status": status, "database": database, "migrations": migrations, "redis": broker}
    return JsonResponse(body, status=200 if is_ready else 503)


@never_cache
@require_safe
def paging(request: HttpRequest) -> JsonResponse:
    """200 while pages leave on time; 503 when something is overdue, or a sweep has not run, for over a minute. How the
    static copy of public pages fares is said beside it, and pages to responders do not depend on it."""
    try:
        state, export = paging_health.check(now=db_now()), exporting.standing()
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "database": "down"}, status=503)
    body = {
        "status": "ok" if state.is_well else "overdue",
        "oldest_overdue_seconds": round(state.oldest_overdue, 1),
        "last_sweep_seconds": None if state.last_sweep is None else round(state.last_sweep, 1),
        "stale_sweeps": list(state.stale),
        "status_export": None if export is None else "ok" if export.is_well else "failing",
    }
    return JsonResponse(body, status=200 if state.is_well else 503)


def _database_state() -> tuple[str, str]:
    """States of the database and of the migrations, each ``ok`` or what is wrong."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "down", "unknown"
    try:
        if "ok" not in _applied:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return "ok", "pending"
            _applied.add("ok")
    except DatabaseError:
        return "ok", "unknown"
    return "ok", "ok"


def _redis_state() -> str:
    if not settings.MUSTER.redis_url:
        return "not configured"
    client = redis.Redis.from_url(
        settings.MUSTER.redis_url,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        client.ping()
    except redis.RedisError:
        return "down"
    finally:
        client.close()
    return "ok"
