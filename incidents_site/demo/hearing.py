"""What people at Finchlight want to hear of while others work on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents import subscriptions
from incidents.models import Severity
from incidents.subscriptions import Wish
from incidents_site.demo.people import DOMAIN
from notifications import contacts
from notifications.models import Channel

if TYPE_CHECKING:
    from datetime import datetime

    from incidents_site.demo.company import Company
    from notifications.models import ContactMethod


def load(company: Company, *, now: datetime) -> None:
    """A leader hears of the worst, a responder in her chat of what her own work depends on, the admin of his team."""
    priya = company.users["priya"]
    chat, _ = contacts.add(
        priya, kind=Channel.CHAT, address=f"https://chat.{DOMAIN}/hooks/q3n8w7zk", by=priya, is_verified=True, now=now
    )
    wishes: tuple[tuple[str, Wish, ContactMethod | None], ...] = (
        ("dana", Wish.of(Severity.CRITICAL), None),
        ("dana", Wish.of(Severity.HIGH), None),
        ("priya", Wish.of(company.services["kafka"]), chat),
        ("alex", Wish.of(company.teams["platform"]), None),
    )
    for username, wish, method in wishes:
        subscriptions.follow(wish, by=company.users[username], method=method, now=now)
