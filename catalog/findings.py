"""What of services may keep somebody from being paged; see ``oncall.findings``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from catalog.models import Service
from oncall import findings
from oncall.findings import Finding
from oncall.models import EscalationPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from catalog.querysets import ServiceQuerySet


def without_policy(rows: ServiceQuerySet) -> Iterator[Finding]:
    """Those of some services that name no policy, for a site that has no default one."""
    for service in rows.filter(escalation_policy=None).order_by("name", "slug"):
        text = f"{service} names no escalation policy, and the site has no default: every admin is paged."
        url = reverse("catalog:service_detail", args=[service.slug])
        teams, about = findings.one_team(service.team_id), frozenset({("service", service.pk)})
        yield Finding("services", text, url, "Open the service", teams, about=about)


def of_service(pk: int | None, *, now: datetime) -> list[Finding]:
    """What of the paging for one service is not ready: that it names no policy, or what of its policy reaches nobody.
    Nothing where there is no service yet."""
    if pk is None:
        return []
    row = Service.objects.select_related("escalation_policy").get(pk=pk)
    policy = row.escalation_policy or EscalationPolicy.objects.filter(is_default=True).first()
    if policy is None:
        return list(without_policy(Service.objects.filter(pk=pk)))
    return [each for each in findings.of_policy(policy.pk, now=now) if each.group == "policies"]
