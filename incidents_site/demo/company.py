"""What Finchlight runs and how it is organised: teams, services, schedules, policies, integrations, holidays."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from accounts import audit
from accounts.models import Membership, Team, User
from alerts import integrations
from alerts.models import Integration
from catalog.models import Dependency, Health, Service
from core.digests import digest_of
from incidents.models import Holiday, IncidentSettings, Severity
from incidents_site.demo import schedules
from incidents_site.demo.people import DOMAIN, PEOPLE, free
from notifications import signing
from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from oncall.models import Schedule
    from statuspage.models import Component

HOLIDAY_MARK = " (demo data)"


@dataclass
class Company:
    """Everything that incidents refer to, by slug or username, as saved."""

    users: dict[str, User]
    teams: dict[str, Team] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    policies: dict[str, EscalationPolicy] = field(default_factory=dict)
    alertmanager: Integration = field(default_factory=Integration)
    generic: Integration = field(default_factory=Integration)
    parts: dict[str, Component] = field(default_factory=dict)  # of the status page, by name

    def members(self, service: Service) -> list[User]:
        """Who works for the team that owns a service."""
        (slug,) = (slug for slug, team in self.teams.items() if team.pk == service.team_id)
        return [self.users[person.username] for person in PEOPLE if person.team == slug]


# slug: name, description, channel address, ticket address
TEAMS = {
    "platform": ("Platform", "Edge, gateway, identity and the tools that everybody deploys with.", "platform", ""),
    "search-ai": ("Search & AI", "Answers: the query engine, the index and the models.", "search-ai", "search-ai"),
    "data": ("Data Infrastructure", "Kafka, PostgreSQL, storage and everything that flows in.", "", "data"),
    "product": ("Product Engineering", "What customers see: the web app, dashboards, billing.", "product", ""),
    "leadership": ("Leadership", "Hears of critical incidents and reads the figures once a week.", "", ""),
}

# slug: name, team, tier, health, description, what it depends on
SERVICES: dict[str, tuple[str, str, int, str, str, tuple[str, ...]]] = {
    "ai-service": (
        "AI Service",
        "search-ai",
        1,
        Health.DEGRADED,
        "Turns questions into queries and results into **answers with sources**. Talks to two model providers; when "
        "both fail it falls back to plain search.",
        ("query-engine", "object-storage", "api-gateway"),
    ),
    "query-engine": (
        "Query Engine",
        "search-ai",
        1,
        Health.MAJOR_OUTAGE,
        "Plans and runs every search and analytics query. Stateless; shards come from the search index, accounts "
        "from PostgreSQL.",
        ("search-index", "postgresql"),
    ),
    "search-index": (
        "Search Index",
        "search-ai",
        1,
        Health.OPERATIONAL,
        "Inverted and vector indexes, 12 shards in 3 regions. Rebuilt from object storage.",
        ("object-storage", "kafka"),
    ),
    "kafka": (
        "Kafka",
        "data",
        1,
        Health.DEGRADED,
        "The event backbone: 9 brokers, 3 zones. Everything that is taken in passes through it.",
        (),
    ),
    "postgresql": (
        "PostgreSQL",
        "data",
        1,
        Health.OPERATIONAL,
        "Accounts, permissions and billing. One primary and two replicas a region.",
        (),
    ),
    "ingest-pipeline": (
        "Ingest Pipeline",
        "data",
        2,
        Health.DEGRADED,
        "Reads customers' documents and events, cleans and embeds them. Promise: searchable within 5 minutes.",
        ("kafka", "object-storage", "ai-service"),
    ),
    "object-storage": ("Object Storage", "data", 2, Health.OPERATIONAL, "Raw documents and index snapshots.", ()),
    "api-gateway": (
        "API Gateway",
        "platform",
        1,
        Health.OPERATIONAL,
        "The front door of the public API: limits, keys, routing.",
        ("auth", "edge"),
    ),
    "auth": ("Auth", "platform", 1, Health.OPERATIONAL, "Sign-in, single sign-on and API keys.", ("postgresql",)),
    "edge": ("Edge & DNS", "platform", 1, Health.OPERATIONAL, "Name servers, load balancers, certificates.", ()),
    "observability": (
        "Observability",
        "platform",
        3,
        Health.OPERATIONAL,
        "Metrics, logs and traces of all services.",
        ("object-storage",),
    ),
    "ci": ("Build & Deploy", "platform", 4, Health.MAINTENANCE, "Builds, tests and rolls out.", ("object-storage",)),
    "web-app": (
        "Web App",
        "product",
        2,
        Health.OPERATIONAL,
        "What customers open in the browser.",
        ("api-gateway", "ai-service"),
    ),
    "dashboards": (
        "Dashboards",
        "product",
        3,
        Health.DEGRADED,
        "Customers' charts and scheduled reports.",
        ("query-engine", "postgresql"),
    ),
    "billing": ("Billing", "product", 2, Health.OPERATIONAL, "Usage, invoices, payments.", ("postgresql", "kafka")),
    "notifications": (
        "Notifications",
        "product",
        3,
        Health.OPERATIONAL,
        "E-mails and webhooks to customers.",
        ("kafka",),
    ),
}

# team: name, extra rounds, and steps of (minutes to wait, usernames); an empty step pages the whole team, and before
# them all whoever is on call by the team's schedule
POLICIES: dict[str, tuple[str, int, tuple[tuple[int, tuple[str, ...]], ...]]] = {
    "platform": ("Platform on-call", 2, ((5, ("tomo",)), (10, ()))),
    "search-ai": ("Search & AI on-call", 2, ((5, ("noor",)), (10, ("lena",)))),
    "data": ("Data on-call", 2, ((5, ("jonas", "ines", "theo")), (10, ()))),
    "product": ("Product on-call", 1, ((5, ("ana",)), (10, ("maya",)))),
}
REPEAT_AFTER_MINUTES = 10

HOLIDAYS = (("01-01", "New Year's Day"), ("05-01", "Labour Day"), ("12-25", "Christmas Day"), ("12-26", "Boxing Day"))


def load(users: dict[str, User], *, now: datetime) -> Company:
    """Create the company around its people."""
    company = Company(users)
    _load_teams(company)
    _load_policies(company, schedules.load(company.teams, users, now=now))
    _load_services(company)
    _load_integrations(company)
    _load_holidays(now=now)
    settings = IncidentSettings.objects.get(pk=1)
    if settings.leadership is None:
        settings.leadership = company.teams["leadership"]
        audit.save(settings, by=None)
    return company


def _load_teams(company: Company) -> None:
    taken = set(Team.objects.filter(slug__in=TEAMS).values_list("slug", flat=True))
    for slug, (name, description, channel, ticket) in TEAMS.items():
        company.teams[slug] = Team(
            slug=free(slug, taken),
            name=name,
            description=f"{description} (Demo data)",
            channel_address=f"{channel}-channel@{DOMAIN}" if channel else "",
            ticket_address=f"{ticket}-tickets@{DOMAIN}" if ticket else "",
            signing_secret=signing.new_secret(),
            is_demo=True,
        )
    Team.objects.bulk_create(company.teams.values())
    Membership.objects.bulk_create(
        Membership(team=company.teams[person.team], user=company.users[person.username], is_manager=person.runs)
        for person in PEOPLE
    )


def _load_policies(company: Company, on_call: Mapping[str, Schedule]) -> None:
    has_default = EscalationPolicy.objects.filter(is_default=True).exists()
    for slug, (name, repeat, steps) in POLICIES.items():
        policy = EscalationPolicy.objects.create(
            name=f"{name} (demo)",
            team=company.teams[slug],
            repeat=repeat,
            repeat_after_minutes=REPEAT_AFTER_MINUTES,
            is_default=slug == "platform" and not has_default,
            is_demo=True,
        )
        company.policies[slug] = policy
        first = EscalationStep.objects.create(policy=policy, position=0, delay_minutes=0)
        EscalationTarget.objects.create(step=first, kind="schedule", schedule=on_call[slug])
        for position, (delay, usernames) in enumerate(steps, start=1):
            step = EscalationStep.objects.create(
                policy=policy, position=position, delay_minutes=delay, takes_turns=len(usernames) > 1
            )
            targets = [EscalationTarget(step=step, kind="user", user=company.users[name]) for name in usernames]
            whole_team = EscalationTarget(step=step, kind="team", team=company.teams[slug])
            EscalationTarget.objects.bulk_create(targets or [whole_team])


def _load_services(company: Company) -> None:
    taken = set(Service.objects.filter(slug__in=SERVICES).values_list("slug", flat=True))
    for slug, (name, team, tier, health, description, _) in SERVICES.items():
        company.services[slug] = Service(
            slug=free(slug, taken),
            name=name,
            team=company.teams[team],
            description=description,
            tier=tier,
            health=health,
            dashboard_url=f"https://grafana.{DOMAIN}/d/{slug}",
            logs_url=f"https://logs.{DOMAIN}/app/{slug}",
            repo_url=f"https://git.{DOMAIN}/finchlight/{slug}",
            escalation_policy=company.policies[team],
            is_demo=True,
        )
    Service.objects.bulk_create(company.services.values())
    Dependency.objects.bulk_create(
        Dependency(service=company.services[slug], depends_on=company.services[other])
        for slug, (*_, depends_on) in SERVICES.items()
        for other in depends_on
    )


def _load_integrations(company: Company) -> None:
    """Two doors whose keys nobody has seen: whoever wants to use one gives it a new key on its page."""
    company.alertmanager = _integration("Prometheus (demo)", "alertmanager", company.services["query-engine"])
    company.generic = _integration("Synthetic checks (demo)", "generic", company.services["web-app"])


def _integration(name: str, format: str, service: Service) -> Integration:
    key = secrets.token_urlsafe(integrations.KEY_BYTES)
    return Integration.objects.create(
        name=name,
        format=format,
        service=service,
        default_severity=Severity.MEDIUM,
        key_digest=digest_of(key),
        key_prefix=key[: integrations.PREFIX_LENGTH],
        is_demo=True,
    )


def _load_holidays(*, now: datetime) -> None:
    """Public holidays around now; the days that somebody has entered already are left alone."""
    first, last = (now - timedelta(days=200)).year, (now + timedelta(days=365)).year
    Holiday.objects.bulk_create(
        [
            Holiday(date=f"{year}-{day}", name=f"{name}{HOLIDAY_MARK}")
            for year in range(first, last + 1)
            for day, name in HOLIDAYS
        ],
        ignore_conflicts=True,
    )
