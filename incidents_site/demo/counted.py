"""What Finchlight's figures are held against, and the incidents that somebody left out of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from incidents import excluding
from incidents.models import Incident, Severity
from metrics import catching_up, choosing
from metrics.models import MetricsSettings

if TYPE_CHECKING:
    from datetime import datetime

RATES = {"critical_per_hour": 4_800, "high_per_hour": 950, "medium_per_hour": 120}
REASONS = (
    "Game day: we broke it ourselves, and everybody knew.",
    "The load test of the new cluster; no customer was on it.",
    "The monitor was being tried out and fired on nothing.",
)
DAYS_APART = 24


def load(*, now: datetime) -> None:
    """Costs, three incidents left out, and the sums of everything that was loaded before."""
    settings = choosing.settings()
    if not settings.currency:
        rates = {name: Decimal(rate) for name, rate in RATES.items()}
        choosing.save_settings(by=None, target_percent=settings.target_percent, currency="EUR", **rates)
    over = Incident.objects.filter(
        is_demo=True, is_private=False, assignee__isnull=False, resolved_at__lt=now - timedelta(days=2)
    )
    for number, reason in enumerate(REASONS, start=1):
        before = now - timedelta(days=number * DAYS_APART)
        found = over.filter(severity=Severity.MEDIUM, created_at__lt=before).order_by("-created_at", "-id").first()
        if found and found.resolved_at:
            by, at = found.assignee, found.resolved_at + timedelta(hours=1)
            excluding.exclude(found, reason=reason, by=by, now=at)
    catching_up.rebuild()


def forget() -> None:
    """Take the costs back, unless somebody has changed them."""
    as_loaded = MetricsSettings.objects.filter(currency="EUR", **RATES)
    as_loaded.update(currency="", **dict.fromkeys(RATES))
