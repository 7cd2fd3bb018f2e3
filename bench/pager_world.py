"""A small company whose clock, mail server and accidents are made up; everything between them is Muster's own.

The database's clock is a function that hides PostgreSQL's, so every due time is judged by it. Alerts come in through
the intake. All of it happens in the caller's transaction, to be rolled back at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from unittest import mock

from django.db import connection
from django.utils import timezone

from accounts.models import Role, User
from alerts import grouping, intake, integrations
from alerts.models import Group, Integration
from bench import pager_model as model
from catalog.models import Service
from core.work import db_now
from incidents import escalation, failed_pages, plan, policy, quiet, sla, snoozing
from notifications import delivery
from notifications.channels import SENDERS
from notifications.channels.base import Outcome, Result
from notifications.models import ContactMethod, Notification
from oncall import schedule_changes
from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget, Schedule
from oncall.shifts import Window

BEGIN = model.START + timedelta(days=40, hours=19)
SWEEPS: dict[str, Callable[..., int]] = {
    "wake": snoozing.wake_due,
    "apply": grouping.apply_due,
    "carry out": plan.carry_out_due,
    "follow up": failed_pages.follow_up_failed,
    "advance": escalation.advance_due,
    "clocks": sla.check_due,
    "remind": quiet.remind_due,
    "deliver": lambda *, now: delivery.deliver_due("email", now=now, seats=1),
}
ANSWERS = {
    "takes": Result(Outcome.SENT),
    "refuses": Result(Outcome.FAILED, "550 no such user"),
    "is busy": Result(Outcome.RETRY, "451 try later", retry_after=61.0),  # longer than any drawn wait
    "hangs up": Result(Outcome.LOST, "connection lost", retry_after=61.0),
}
CLOCK = """
    CREATE SCHEMA simulated;
    CREATE FUNCTION simulated.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
        AS $$ SELECT current_setting('muster.now')::timestamptz $$
"""


class Accident(BaseException):
    """The process dies here: nobody catches this, and nothing after it happens."""


@dataclass(frozen=True)
class Sent:
    """One try to hand a page over."""

    notification: int
    at: datetime
    is_repeat: bool
    answer: str


class World:
    """The company: alice, bob and carol can be reached, dave cannot; root is the only admin."""

    def __init__(self) -> None:
        policy.ensure_defaults()
        self.people = {name: _person(name) for name in ("alice", "bob", "carol")}
        self.people["dave"] = User.objects.create_user("dave", role=Role.RESPONDER)
        _person("root", role=Role.ADMIN)
        layer = schedule_changes.Draft(
            name="Days",
            people=(self.people["alice"], self.people["bob"]),
            unit="day",
            handoff=time(0),
            starts_on=date(2026, 1, 1),
            windows=(Window(frozenset(range(7)), time(0), time(20)),),
        )
        self.schedule = schedule_changes.save_schedule(name="Primary", time_zone="UTC", layers=[layer], by=None)
        alice, bob, dave = (self.people[name] for name in ("alice", "bob", "dave"))
        platform = _policy("Platform", [(0, [self.schedule]), (5, [bob, dave]), (2, [dave])], repeat=1)
        carol = self.people["carol"]
        storage = _policy("Storage", [(2, [alice, dave, carol]), (10, [self.schedule, alice])], repeat=1)
        storage.steps.filter(position=0).update(takes_turns=True)
        storage.steps.filter(position=1).update(acknowledgements=2)
        self.services = {name: Service.objects.create(slug=name, name=name) for name in ("platform", "storage")}
        for name, made in (("platform", platform), ("storage", storage)):
            Service.objects.filter(pk=self.services[name].pk).update(escalation_policy=made)
            self.services[name].refresh_from_db()
        self.doors: dict[str, tuple[Integration, str]] = {
            name: integrations.create(name=name, format="generic", service=self.services.get(name), by=None)
            for name in ("platform", "storage", "nobody")
        }
        with connection.cursor() as cursor:
            cursor.execute(CLOCK)

    # ---- the clock -----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A new day in the company's life; the caller's savepoint forgets it."""
        self.sent: list[Sent] = []
        self.mood, self.dies_after = "takes", 0
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL search_path = simulated, public, pg_catalog")
        self.set_clock(BEGIN)

    def set_clock(self, at: datetime) -> None:
        """It is ``at`` now."""
        self.now = at
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('muster.now', %s, true)", [at.isoformat()])

    # ---- what monitors, sweeps and the mail server do ------------------------------------------------------------

    def alert(self, door: str, key: str, **fields: str) -> None:
        """A monitor's POST."""
        _, routing_key = self.doors[door]
        body = {"title": f"{door} {key}", "dedup_key": key, **fields}
        assert not intake.store(key=routing_key, format="generic", body=json.dumps(body).encode()).problem

    def incidents_of(self, door: str, key: str) -> list[int]:
        """The incidents that came of one key, in order."""
        groups = Group.objects.filter(integration=self.doors[door][0], group_key=key).order_by("id")
        return list(groups.values_list("incident", flat=True))

    def sweep(self, name: str, *, accident_after: int = 0) -> bool:
        """Run a sweep once; dies after so many statements, or sends, where that is not 0. Whether it lived."""
        self.dies_after = accident_after if name == "deliver" else 0
        try:
            with self._provider(), _accident(accident_after if name != "deliver" else 0):
                SWEEPS[name](now=db_now())
        except Accident:
            return False
        return True

    @contextmanager
    def _provider(self) -> Iterator[None]:
        sender = replace(SENDERS["email"], send=self._send, close=lambda: None)
        with mock.patch.dict(SENDERS, email=sender):
            yield

    def _send(self, row: Notification, is_repeat: bool) -> Result:
        dies = self.dies_after == 1
        self.dies_after = max(0, self.dies_after - 1)
        self.sent.append(Sent(row.pk, self.now, is_repeat, "dies" if dies else self.mood))
        if dies:
            raise Accident
        return ANSWERS[self.mood]


@contextmanager
def _accident(after: int) -> Iterator[None]:
    """Die instead of the statement after so many; what an open transaction had written is gone."""
    left = after

    def execute(run: Any, sql: str, *rest: Any) -> Any:
        nonlocal left
        if left and "SAVEPOINT" not in sql:
            left -= 1
            if not left:
                raise Accident
        return run(sql, *rest)

    with connection.execute_wrapper(execute):
        yield


def _person(name: str, role: str = Role.RESPONDER) -> User:
    user = User.objects.create_user(name, email=f"{name}@example.com", role=role)
    ContactMethod.objects.create(user=user, kind="email", address=user.email, verified_at=timezone.now())
    return user


def _policy(name: str, steps: list[tuple[int, list[User | Schedule]]], repeat: int = 0) -> EscalationPolicy:
    made = EscalationPolicy.objects.create(name=name, repeat=repeat, repeat_after_minutes=5)
    for position, (delay, targets) in enumerate(steps):
        step = EscalationStep.objects.create(policy=made, position=position, delay_minutes=delay)
        for target in targets:
            kind = "user" if isinstance(target, User) else "schedule"
            EscalationTarget.objects.create(step=step, kind=kind, **{kind: target})
    return made
