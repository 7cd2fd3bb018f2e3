"""From an empty installation to the first page that somebody gets: five steps, each done once the database says so."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, Q
from django.urls import reverse

from accounts.models import Membership, Role, User
from catalog.models import Service
from incidents import excluding, lifecycle
from incidents.lifecycle import Draft
from incidents.models import Incident, Severity
from incidents.policy import policies
from notifications.models import ContactMethod, Notification
from oncall import roster
from oncall.models import EscalationPolicy, EscalationTarget
from oncall.targets import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

GROWN_AFTER = timedelta(days=14)  # a site with an incident that old needs no guide on its front page
TEST_KEY = "first-steps/"  # how the source keys of test incidents begin
TEST_TITLE = "Test page, nothing is broken"
TEST_REASON = "A test page: nothing was broken."
TEST_TEXT = """\
Declared from *First steps*, to see that a page arrives.

1. Acknowledge it, with the link in the message or the button here: nobody else is paged then.
2. Resolve it. It is left out of every figure.
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: whether it is done, who may do it, and the link that leads there."""

    name: str
    is_done: bool
    is_yours: bool
    href: str


@dataclass(frozen=True, slots=True)
class Guide:
    """The five steps as one person sees them. ``is_wanted``: the front page of this site should show them."""

    steps: Sequence[Step]
    has_method: bool
    has_service: bool
    is_grown: bool
    test: Incident | None

    @property
    def done(self) -> int:
        """How many are done."""
        return sum(step.is_done for step in self.steps)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.done == len(self.steps)

    @property
    def is_wanted(self) -> bool:
        """Whether somebody should still be led through them."""
        return not self.is_complete and not self.is_grown

    @property
    def next(self) -> Step | None:
        """The first that is not done."""
        return next((step for step in self.steps if not step.is_done), None)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a test will do: the service it touches, by which policy it pages, whom first, and whether that is you."""

    service: Service | None
    policy: EscalationPolicy | None
    people: Sequence[User]
    is_for_you: bool
    severity: str


def guide(user: User, *, now: datetime) -> Guide:
    """How far the site is, in one query, and one for the last test."""
    found = _found(user, now=now)
    is_manager = user.has_role(Role.MANAGER)
    steps = (
        Step(
            "method",
            found["method"],
            True,
            _page(found["a_method"], "accounts:profile", "notifications:contact_method_new"),
        ),
        Step("team", found["team"], is_manager, _page(found["team"], "accounts:team_list", "accounts:team_new")),
        Step("policy", found["policy"], is_manager, _page(found["policy"], "oncall:policy_list", "oncall:policy_new")),
        Step(
            "service",
            found["service"],
            is_manager,
            _page(found["a_service"], "catalog:service_list", "catalog:service_new"),
        ),
        Step("page", found["page"], user.has_role(Role.ADMIN), f"{reverse('home:first_steps')}#page"),
    )
    test = None if found["page"] else last_test(user)
    return Guide(steps, found["a_method"], found["a_service"], found["grown"], test)


def _page(is_there: bool, existing: str, new: str) -> str:
    return reverse(existing if is_there else new)


def _found(user: User, *, now: datetime) -> dict[str, Any]:
    methods = ContactMethod.objects.filter(user=user)
    paged = Notification.objects.filter(purpose=Notification.Purpose.PAGE, state__in=("sent", "kept"))
    questions = {
        "a_method": methods,
        "method": methods.exclude(verified_at=None),
        "team": Membership.objects.filter(user__is_active=True),
        "policy": EscalationTarget.objects.all(),
        "a_service": Service.objects.all(),
        "service": Service.objects.filter(escalation_policy__steps__targets__isnull=False),
        "page": paged,
        "grown": Incident.objects.filter(created_at__lt=now - GROWN_AFTER),
    }
    answers = {f"has_{name}": Exists(rows) for name, rows in questions.items()}
    row = User.objects.filter(pk=user.pk).annotate(**answers).values(*answers).get()
    return {name.removeprefix("has_"): answer for name, answer in row.items()}


def details(guide: Guide, *, user: User, now: datetime) -> dict[str, Any]:
    """What the words of the steps need besides: whom to ask, and what the test would do."""
    is_admin = user.has_role(Role.ADMIN)
    return {
        "admins": [] if is_admin else list(User.objects.admins().order_by("name", "username")[:3]),
        "trial": plan_test(user, now=now) if is_admin else None,
        "ticket": secrets.token_urlsafe(16),
        "keeps_mail": settings.MUSTER.email is None,
    }


def last_test(user: User) -> Incident | None:
    """The newest test incident that the person may see."""
    found = Incident.objects.visible_to(user).filter(source_key__startswith=TEST_KEY)
    incident: Incident | None = found.order_by("-id").first()
    return incident


def plan_test(user: User, *, now: datetime) -> Trial:
    """The test that pages this person: through a service whose policy pages them first, else as incidents of no
    service page, by the site's default policy or every admin."""
    mine = Q(escalation_policy__steps__targets__user=user) | Q(escalation_policy__steps__targets__team__members=user)
    service = Service.objects.filter(mine, escalation_policy__steps__position=0).order_by("id").first()
    wanted = service.escalation_policy_id if service else None
    known = roster.read(at=now, policies=[wanted] if wanted else [])
    policy = known.policies.get(wanted) if wanted else known.default_policy()
    first = next(iter(policy.steps.all()), None) if policy else None
    people = resolve(first, known, now).people if first else tuple(known.admins)
    return Trial(service, policy, people, user in people, _severity())


def _severity() -> str:
    """The least that pages anybody, so that as few as possible are told besides."""
    paging = [severity for severity, policy in policies().items() if policy.page_on_call]
    return paging[-1] if paging else Severity.CRITICAL


def send_test_page(*, by: User, ticket: str, now: datetime) -> Incident:
    """Declare a test incident, which pages like any other; the same ticket is the same test."""
    try:
        return _declare_test(by=by, ticket=ticket, now=now)
    except IntegrityError:  # the second of two presses has waited for the first, and finds what it declared
        return _declare_test(by=by, ticket=ticket, now=now)


@transaction.atomic
def _declare_test(*, by: User, ticket: str, now: datetime) -> Incident:
    plan = plan_test(by, now=now)
    key = re.sub(r"[^\w-]", "", ticket, flags=re.ASCII)[:64]
    draft = Draft(
        title=TEST_TITLE,
        description=TEST_TEXT,
        severity=plan.severity,
        services=[plan.service] if plan.service else [],
        by=by,
        source_key=f"{TEST_KEY}{key}" if key else None,
    )
    return excluding.exclude(lifecycle.declare(draft), reason=TEST_REASON, by=by)
