"""Trackers that action items are exported to, one file each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from followups.trackers import github, gitlab, jira, webhook

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from followups.trackers.base import Account, Draft, Ticket


class Tracker(Protocol):
    """What each of the files has."""

    NAME: str
    LAG: timedelta
    CAN_FIND: bool

    def create(self, account: Account, draft: Draft) -> Ticket:
        """Make a ticket."""

    def find(self, account: Account, marker: str, *, since: datetime) -> Ticket | None:
        """The ticket that has the mark."""

    def look(self, account: Account, key: str) -> bool | None:
        """Whether it is closed."""


_KINDS = {"github": github, "gitlab": gitlab, "jira": jira, "webhook": webhook}


def of(kind: str) -> Tracker:
    """The tracker of a kind. Raises KeyError for one that there is none of."""
    return cast("Tracker", _KINDS[kind])
