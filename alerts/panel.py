"""What the alerts panel of an incident shows, for the page that embeds it and for the address that refreshes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.models import Role
from alerts.models import Alert
from core.versions import version_of

if TYPE_CHECKING:
    from accounts.models import User
    from incidents.models import Incident

MOST_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Panel:
    """The alerts to show, the firing ones first and the newest before older ones; ``total`` counts all of them."""

    incident: Incident
    alerts: list[Alert]
    total: int
    firing: int
    may_link: bool
    version: str

    @property
    def groups(self) -> list[tuple[str, list[Alert]]]:
        """Alerts that say the same stand together under their title."""
        by_title: dict[str, list[Alert]] = {}
        for alert in self.alerts:
            by_title.setdefault(alert.title, []).append(alert)
        return list(by_title.items())

    @property
    def hidden(self) -> int:
        """How many are only in the list."""
        return self.total - len(self.alerts)


def of(incident: Incident, *, user: User) -> Panel:
    """The panel as ``user`` may see it; two queries."""
    rows = Alert.objects.visible_to(user).of_incident(incident)
    states = list(rows.order_by("-id").values_list("pk", "status"))
    firing = [pk for pk, status in states if status == Alert.Status.FIRING]
    shown = (firing + [pk for pk, status in states if status != Alert.Status.FIRING])[:MOST_SHOWN]
    found = Alert.objects.select_related("integration").in_bulk(shown)
    alerts = [found[pk] for pk in shown]
    looks = [(alert.pk, alert.status, alert.title, alert.severity, alert.times_received) for alert in alerts]
    return Panel(
        incident=incident,
        alerts=alerts,
        version=version_of((len(states), len(firing), looks)),
        total=len(states),
        firing=len(firing),
        may_link=user.has_role(Role.RESPONDER),
    )
