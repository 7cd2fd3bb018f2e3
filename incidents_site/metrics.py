"""``/-/metrics`` for Prometheus: what is open, pending and late, read from the database when asked.

Every query reads a partial index over unfinished rows and counts at most ``MOST_COUNTED`` of them, or reads the sums by
week that the figures are made of, so that a scrape costs about the same at any size. There is nothing a process would
have to remember: several web processes say the same.
"""

from __future__ import annotations

import platform
from collections import Counter
from typing import TYPE_CHECKING, Any

import django
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from alerts.models import Alert, Event
from api.auth import reader
from api.problems import Problem, guarded, respond
from core.work import db_now
from incidents.models import Incident, Severity
from incidents.models.incident import OPEN
from incidents_site import incident_metrics, paging_health
from notifications.models import Channel, Notification, SweepRun

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet
    from prometheus_client import Metric

    from accounts.models import User

MOST_COUNTED = 100_000


class DatabaseCollector(Collector):
    """The state of the installation at the moment of the scrape, as far as the token's owner may see it."""

    def __init__(self, user: User) -> None:
        self._user = user

    def collect(self) -> Iterator[Metric]:
        """Seven queries, and those of the incident figures; ``check`` makes some more, each the minimum of an index."""
        now = db_now()
        yield _gauge(
            "muster_incidents_open",
            "Incidents that people still work on.",
            ("severity", "status"),
            _counts(Incident.objects.visible_to(self._user).open(), "severity", "status"),
            [(severity, status) for severity in Severity.values for status in OPEN],
        )
        firing = Alert.objects.visible_to(self._user).filter(status=Alert.Status.FIRING)
        yield _gauge(
            "muster_alerts_open",
            "Alerts that fire.",
            ("severity",),
            _counts(firing, "severity"),
            [(severity,) for severity in Severity.values],
        )
        yield _gauge(
            "muster_notifications_pending",
            "Notifications that are neither handed over nor given up.",
            ("channel",),
            _counts(Notification.objects.pending(), "channel"),
            [(channel,) for channel in Channel.values if channel != Channel.INBOX],
        )
        pending = Event.objects.filter(state=Event.State.PENDING)
        yield GaugeMetricFamily(
            "muster_events_pending",
            "Events of monitors that have not been applied yet.",
            value=pending.order_by()[:MOST_COUNTED].count(),
        )
        yield GaugeMetricFamily(
            "muster_oldest_overdue_seconds",
            "How late the oldest unfinished obligation is; 0 when none is.",
            value=paging_health.check(now=now).oldest_overdue,
        )
        runs: dict[tuple[str, ...], float] = {
            (run.name,): run.last_run_at.timestamp() for run in SweepRun.objects.all()
        }
        yield _gauge("muster_sweep_last_run_timestamp_seconds", "When a sweep last ran.", ("sweep",), runs)
        yield from incident_metrics.collect(self._user, now=now)
        yield InfoMetricFamily(
            "muster_build",
            "What runs here.",
            value={"python": platform.python_version(), "django": django.get_version()},
        )


def _counts(rows: QuerySet[Any], *names: str) -> Counter[tuple[str, ...]]:
    return Counter(rows.order_by().values_list(*names)[:MOST_COUNTED])


def _gauge(
    name: str,
    words: str,
    labels: tuple[str, ...],
    values: dict[tuple[str, ...], Any],
    always: list[tuple[str, ...]] | None = None,
) -> GaugeMetricFamily:
    """``always`` are the label values that are shown as 0 when there is nothing."""
    family = GaugeMetricFamily(name, words, labels=labels)
    for key in [*(always or ()), *(key for key in values if key not in (always or ()))]:
        family.add_metric(key, values.get(key, 0))
    return family


@csrf_exempt
@guarded
def metrics(request: HttpRequest) -> HttpResponse:
    """The exposition, for any API token; it counts what the token's owner may see. Give Prometheus an admin's."""
    if request.method != "GET":
        return respond(Problem(405, "This address takes GET.", headers={"Allow": "GET"}))
    try:
        token = reader(request)
    except Problem as problem:
        return respond(problem)
    if token is None:
        return respond(Problem(401, "Send an API token.", headers={"WWW-Authenticate": 'Bearer realm="Muster"'}))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DatabaseCollector(token.user))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    response = HttpResponse(encode(registry), content_type=content_type)
    patch_cache_control(response, no_store=True)
    return response
