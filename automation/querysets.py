"""Reads of actions, runners and executions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from incidents.models import Incident

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from automation.models import Action, Execution, Runner  # noqa: F401 - named in strings

MOST_WORDS = 10
TO_SEND = Q(state="queued") & (Q(way="http") | Q(action__is_demo=True))


class RunnerQuerySet(models.QuerySet["Runner"]):
    """Reads of runners."""

    def visible_to(self, user: User) -> RunnerQuerySet:
        """Every signed-in person sees which there are."""
        return self


class ActionQuerySet(models.QuerySet["Action"]):
    """Reads of actions."""

    def visible_to(self, user: User) -> ActionQuerySet:
        """Every signed-in person sees what could be done; the secrets are on no page."""
        return self

    def current(self) -> ActionQuerySet:
        """Not archived."""
        return self.filter(archived_at=None)

    def matching(self, words: str) -> ActionQuerySet:
        """Whose name, slug or summary has each of the words, as parts of words too."""
        rows = self
        for word in words.split()[:MOST_WORDS]:
            rows = rows.filter(Q(name__icontains=word) | Q(slug__icontains=word) | Q(summary__icontains=word))
        return rows

    def automatic(self) -> ActionQuerySet:
        """Those that run by themselves when an incident opens."""
        return self.current().filter(is_automatic=True)

    def for_list(self) -> ActionQuerySet:
        """With what a row shows: two queries, whatever the number of rows."""
        return self.select_related("runner", "rollback").prefetch_related("services")


class ExecutionQuerySet(models.QuerySet["Execution"]):
    """Reads of executions."""

    def visible_to(self, user: User) -> ExecutionQuerySet:
        """Those at incidents that the person may see."""
        return self.filter(incident__in=Incident.objects.visible_to(user))

    def unfinished(self) -> ExecutionQuerySet:
        """Those whose end is not known yet."""
        return self.filter(due_at__isnull=False)

    def due(self, *, now: datetime) -> ExecutionQuerySet:
        """Those that something has to be done about (index automation_due), the longest overdue first."""
        return self.filter(due_at__lte=now).order_by("due_at", "id")

    def to_send(self) -> ExecutionQuerySet:
        """Requests that wait to be sent, and what is of the demo."""
        return self.filter(TO_SEND)

    def to_watch(self) -> ExecutionQuerySet:
        """Everything else, which somebody has to be heard of about."""
        return self.exclude(TO_SEND)

    def for_list(self) -> ExecutionQuerySet:
        """With what a row shows, but for the output."""
        people = ("asked_by", "decided_by", "stopped_by")
        return self.select_related("action__rollback", "runner", "incident", *people).defer("output")
