"""What people at Finchlight want to hear of while others work on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents import subscriptions
from incidents.models import Severity
from incidents.subscriptions import Wish

if TYPE_CHECKING:
    from datetime import datetime

    from incidents_site.demo.company import Company


def load(company: Company, *, now: datetime) -> None:
    """A leader hears of the worst, a responder of what her own work depends on, the admin of his team."""
    wishes = (
        ("dana", Severity.CRITICAL),
        ("dana", Severity.HIGH),
        ("priya", company.services["kafka"]),
        ("alex", company.teams["platform"]),
    )
    for username, thing in wishes:
        subscriptions.follow(Wish.of(thing), by=company.users[username], now=now)
