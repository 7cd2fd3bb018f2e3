"""The company that the benches of lists and pages look at: 300 people, 20 teams, 200 services, policies that page.

``python -m bench.company`` writes them; ``python -m bench.company incidents`` then adds the two incidents whose pages
are measured, through the same functions as people do.
"""

from __future__ import annotations

import os
import random
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from accounts.models import Membership, Team, User  # noqa: E402
from bench.million import PEOPLE, SEED, SERVICES, TEAMS  # noqa: E402
from catalog.models import Service  # noqa: E402
from incidents import escalation, lifecycle, timeline  # noqa: E402
from notifications.models import ContactMethod  # noqa: E402
from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget  # noqa: E402

FIRST = "Alex Bela Chris Dana Eve Femi Gita Hana Ivo June Kim Lena Mika Nora Omar Pia Quinn Rui Sam Tara"
LAST = "Adler Bauer Costa Diaz Evans Fischer Gupta Haas Ito Jensen Khan Lopez Meyer Novak Okoye Patel Rossi"
NOTES = 240


def write() -> None:
    """People, teams, services and policies."""
    chance = random.Random(SEED)
    people = User.objects.bulk_create(
        User(
            username=f"person{number}",
            name=f"{chance.choice(FIRST.split())} {chance.choice(LAST.split())}" if number % 20 else "",
            email=f"person{number}@example.com",
            role="admin" if number == 0 else "responder",
            password="!",
        )
        for number in range(PEOPLE)
    )
    ContactMethod.objects.bulk_create(
        ContactMethod(user=person, kind="email", address=person.email, verified_at=timezone.now()) for person in people
    )
    teams = Team.objects.bulk_create(Team(slug=f"team-{number}", name=f"Team {number}") for number in range(TEAMS))
    Membership.objects.bulk_create(
        Membership(team=teams[number % TEAMS], user=person) for number, person in enumerate(people)
    )
    policies = EscalationPolicy.objects.bulk_create(
        EscalationPolicy(name=f"{team.name} on-call", repeat=1, repeat_after_minutes=10) for team in teams
    )
    for number, policy in enumerate(policies):
        for position, delay in enumerate((0, 5, 10)):
            step = EscalationStep.objects.create(policy=policy, position=position, delay_minutes=delay)
            EscalationTarget.objects.create(step=step, kind="user", user=people[number + position * TEAMS])
    Service.objects.bulk_create(
        Service(
            slug=f"service-{number}",
            name=f"Service {number}",
            team=teams[number % TEAMS],
            escalation_policy=policies[number % TEAMS],
        )
        for number in range(SERVICES)
    )


def write_incidents() -> None:
    """One that pages people right now, and one that was long and is over."""
    now = timezone.now()
    people = list(User.objects.order_by("id")[:12])
    services = list(Service.objects.order_by("id")[:3])
    draft = lifecycle.Draft(title="Measured while it burns", severity="critical", services=services)
    burning = lifecycle.declare(draft, now=now - timedelta(minutes=8))
    escalation.advance_due(now=now - timedelta(minutes=2))
    for number in range(5):
        timeline.add_note(burning, text=f"Looking at **{number}**.", by=people[number], now=now)
    draft = lifecycle.Draft(title="Measured when it is over", severity="high", services=services)
    over = lifecycle.declare(draft, now=now - timedelta(hours=9))
    lifecycle.acknowledge(over, by=people[1], now=now - timedelta(hours=9) + timedelta(minutes=3))
    for number in range(NOTES):
        at = now - timedelta(hours=8) + timedelta(minutes=number)
        timeline.add_note(over, text=f"Step {number}: `restart-{number}` did **not** help.", by=people[1], now=at)
    timeline.link_evidence(over, url="https://grafana.example/d/1", caption="Lag", by=people[1], now=now)
    lifecycle.resolve(over, by=people[1], now=now)
    print(f"burning={burning.pk}\nover={over.pk}")


if __name__ == "__main__":
    if sys.argv[1:] == ["incidents"]:
        write_incidents()
    else:
        write()
