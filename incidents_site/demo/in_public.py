"""What the public reads of Finchlight: its status page, what was said of incidents in public, maintenance, and
subscribers. Nothing here names a service, a host or a person of the company."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from catalog import maintenance
from catalog.models import MaintenanceWindow
from incidents.models import Severity, StatusUpdate
from incidents_site.demo.people import free
from statuspage import components, pages, publishing
from statuspage.models import Component, Health, StatusPage, Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from incidents.models import Incident
    from incidents_site.demo.company import Company
    from incidents_site.demo.replay import Replay

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
HISTORY = timedelta(days=120)
SLUG, NAME = "finchlight", "Finchlight status"
TOLD = {Severity.CRITICAL: 1.0, Severity.HIGH: 0.55}
SUBSCRIBERS = 40
NOBODYS = ".example"  # the end of their addresses, which nobody can own

Status = StatusUpdate.Status


@dataclass(frozen=True, slots=True)
class Part:
    """A component in the words of customers, and what an incident with it is called."""

    name: str
    group: str
    services: tuple[str, ...]
    about: str
    fails: str
    slows: str


PARTS = (
    Part("Search", "Search and answers", ("query-engine", "search-index"), "Searching in the app and over the API.",
         "Searches fail", "Searches take long"),
    Part("AI answers", "Search and answers", ("ai-service",), "Answers with their sources.",
         "AI answers are not available", "AI answers take long or fail"),
    Part("Document import", "Your data", ("ingest-pipeline", "kafka", "object-storage"),
         "From the upload of a document until it can be found.",
         "Documents are not accepted", "New documents can be found late"),
    Part("Dashboards", "Your data", ("dashboards", "web-app"), "The app, charts and scheduled reports.",
         "The app does not load", "Dashboards load slowly"),
    Part("API", "", ("api-gateway", "edge"), "Requests from your own programs.",
         "API requests fail", "Some API requests fail"),
    Part("Sign-in", "", ("auth",), "Passwords, single sign-on and API keys.",
         "Signing in fails", "Signing in takes long"),
)  # fmt: skip

SAID: dict[str, tuple[str, ...]] = {
    Status.INVESTIGATING: (
        "We are looking into a problem with **{part}**. Some of you see errors or long waits. We tell more within half "
        "an hour.",
        "**{part}** does not work as it should for some of you. The team is on it.",
        "Since a few minutes ago, **{part}** answers slowly or with an error. Trying again often helps.",
    ),
    Status.IDENTIFIED: (
        "We have found the cause and are working on it. No data is lost.",
        "The cause is found; it is on our side. Until it is fixed, expect **{part}** to be slower than usual.",
    ),
    Status.MONITORING: (
        "A fix is in place and **{part}** recovers. We keep an eye on it before we call it over.",
        "It works again for nearly everybody. What piled up meanwhile is being worked off.",
    ),
    Status.RESOLVED: (
        "**{part}** works as usual again. You need not do anything. We are sorry for the trouble.",
        "This is over. Thank you for your patience.",
    ),
}

# minutes after its beginning: what was said of the night in which documents were refused
OF_THE_NIGHT: tuple[tuple[int, str, str, str, dict[str, str]], ...] = (
    (14, Status.INVESTIGATING, "Documents are refused or can be found late",
     "About one document in six is refused, and new ones can be found with a delay. Searching works, with data that is "
     "somewhat old. Send refused documents again later; most programs do so by themselves.",
     {"Document import": Health.PARTIAL, "Search": Health.OPERATIONAL}),
    (27, Status.IDENTIFIED, "", "A storage server has run out of space. We are giving it more.", {}),
    (41, Status.MONITORING, "",
     "Documents are accepted again. Those sent since 02:00 UTC can be found within the next hour.",
     {"Document import": Health.DEGRADED}),
    (88, Status.RESOLVED, "", "Every document can be found again within five minutes. None was lost.", {}),
)  # fmt: skip

# minutes ago, of what is under way
LATE_TITLE, LATE_PART, LATE_HEALTH = "New documents can be found late", "Document import", "degraded_performance"
LATE = (
    (24, Status.INVESTIGATING, "Documents that you send now can be found with a delay of some minutes. None is lost. "
     "We are looking for the reason."),
    (5, Status.IDENTIFIED, "We know why, and are changing it step by step. **Expect the delay to shrink over the next "
     "hours.**"),
)  # fmt: skip
LATE_CORRECTED_AFTER = 3 * MINUTE
LATE_CORRECTED = (
    "Documents that you send now can be found with a delay of up to half an hour. None is lost. We are looking for the "
    "reason."
)
# What goes out by itself before the time that was promised passes.
NEXT_WORD_AFTER, WRITTEN_BEFORE = timedelta(hours=3), 2 * MINUTE
LATE_NEXT = (
    "The change goes on as planned, and the delay is shrinking. Documents that wait are found in the order in which "
    "they came. We write again when all of them can be."
)


@dataclass
class Voice:
    """What is said in public of one past incident, drawn from a chance of its own."""

    parts: list[Component]
    rng: random.Random
    title: str
    affects: dict[str, str] = field(default_factory=dict)

    def said(self, replay: Replay, answered: datetime) -> Iterator[tuple[datetime, StatusUpdate]]:
        """Each update with its time; the caller writes them down."""
        course, part = replay.course, self.parts[0].name
        over = course.resolved_at
        middle = course.mitigated_at or answered + 0.6 * (over - answered)
        moments = [
            (answered + min(self.rng.uniform(0.2, 0.4) * (middle - answered), 12 * MINUTE), Status.INVESTIGATING),
            (answered + self.rng.uniform(0.75, 0.95) * (middle - answered), Status.IDENTIFIED),
            (over + self.rng.uniform(3, 9) * MINUTE, Status.RESOLVED),
        ]
        if course.mitigated_at:
            moments.insert(2, (middle + self.rng.uniform(0.1, 0.4) * (over - middle), Status.MONITORING))
        for number, (at, status) in enumerate(moments):
            waits = status in (Status.INVESTIGATING, Status.IDENTIFIED)
            yield (
                at,
                external(
                    replay.incident,
                    status,
                    self.rng.choice(SAID[status]).format(part=part),
                    at=at,
                    title=self.title if number == 0 else "",
                    affects=self._affects(status, is_first=number == 0),
                    next_at=at + 30 * MINUTE if waits else None,
                ),
            )

    def _affects(self, status: str, *, is_first: bool) -> dict[str, str]:
        if status == Status.MONITORING:
            return {part.public_id: Health.DEGRADED.value for part in self.parts}
        return self.affects if is_first else {}


def external(incident: Incident, status: str, message: str, *, at: datetime, **said: object) -> StatusUpdate:
    """A public update that went out, not yet saved."""
    return StatusUpdate(
        incident=incident,
        status=status,
        visibility=StatusUpdate.Visibility.EXTERNAL,
        message=message,
        at=at,
        due_at=at,
        published_at=at,
        by=incident.assignee,
        **said,
    )


def voice_of(incident: Incident, company: Company, services: list[str], *, now: datetime) -> Voice | None:
    """How a past incident is told in public, if it is: those that customers noticed, and that the page is old enough
    for."""
    severity = Severity(incident.severity)
    rng = random.Random(f"in public: {incident.title} {incident.description}")
    found = [part for part in PARTS if any(slug in part.services for slug in services)]
    is_old = incident.created_at < now - HISTORY + 2 * DAY
    if not found or is_old or rng.random() >= TOLD.get(severity, 0):
        return None
    found.sort(key=lambda part: services[0] not in part.services)
    is_bad = severity == Severity.CRITICAL
    parts = [company.parts[part.name] for part in found]
    health = Health.MAJOR if is_bad else Health.DEGRADED if rng.random() < 0.6 else Health.PARTIAL
    affects = {part.public_id: (health if number == 0 else Health.DEGRADED).value for number, part in enumerate(parts)}
    return Voice(parts, rng, found[0].fails if is_bad else found[0].slows, affects)


def of_the_night(incident: Incident, company: Company, *, began: datetime) -> Iterator[tuple[datetime, StatusUpdate]]:
    """What was said in public in the night in which documents were refused, with its times."""
    for minutes, status, title, message, how in OF_THE_NIGHT:
        at = began + minutes * MINUTE
        affects = {company.parts[name].public_id: str(health) for name, health in how.items()}
        yield at, external(incident, status, message, at=at, title=title, affects=affects)


# ---- the page ----------------------------------------------------------------------------------------------------


def load_page(company: Company, *, now: datetime) -> None:
    """The page with its groups and components, before anything has happened."""
    taken = set(StatusPage.objects.filter(slug=SLUG).values_list("slug", flat=True))
    began = now - HISTORY
    page = pages.create(
        slug=free(SLUG, taken),
        name=NAME,
        about="How search, answers and everything around them work right now.",
        colour="#12507a",
        by=None,
        is_demo=True,
        now=began,
    )
    groups = {part.group: None for part in PARTS if part.group}
    made = {name: components.add_group(page, name=name, by=None, now=began) for name in groups}
    for part in PARTS:
        company.parts[part.name] = components.add_component(
            page,
            name=part.name,
            description=part.about,
            group=made.get(part.group),
            services=[company.services[slug] for slug in part.services],
            since=began.date(),
            by=None,
            now=began,
        )


def load_rest(company: Company, *, now: datetime) -> None:
    """Announced maintenance, subscribers, and what pages make of the updates."""
    _load_maintenance(company, now=now)
    _load_subscribers(next(iter(company.parts.values())).page, company, now=now)
    while publishing.publish_missing(now=now):
        pass


def _load_maintenance(company: Company, *, now: datetime) -> None:
    """One that is over, one that comes."""
    night = now.replace(hour=3, minute=0, second=0, microsecond=0)
    for days, hours, title, description, slugs in (
        (-13, 2, "Faster storage for imports",
         "New documents can be found up to 30 minutes late. Searching is not affected.",
         ("ingest-pipeline", "object-storage")),
        (4, 1.5, "Renewal of certificates and load balancers",
         "Connections are cut once for a few seconds. Programs that connect again by themselves notice nothing.",
         ("edge", "api-gateway")),
    ):  # fmt: skip
        starts_at = night + days * DAY
        window = maintenance.schedule(
            title=title,
            description=description,
            services=[company.services[slug] for slug in slugs],
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=hours),
            by=company.users["tomo"],
            now=min(now, starts_at - 6 * DAY),
        )
        MaintenanceWindow.objects.filter(pk=window.pk).update(is_demo=True)


def _load_subscribers(page: StatusPage, company: Company, *, now: datetime) -> None:
    """Forty, at addresses that nobody can own; a few have not confirmed, and two have left."""
    rng = random.Random("subscribers")
    rows = []
    for number in range(SUBSCRIBERS):
        at = now - rng.uniform(1, 118) * DAY
        row = Subscriber(
            page=page,
            kind=Subscriber.Kind.EMAIL,
            address=f"{rng.choice(('status', 'ops', 'it', 'support', 'platform'))}{number + 1}@customers{NOBODYS}",
            created_at=at,
            asked_at=at,
            confirmed_at=at + rng.uniform(1, 90) * MINUTE if number % 13 else None,
        )
        if number % 19 == 11:  # noqa: PLR2004 - two of them
            row.ended_at, row.ended_why = now - 0.4 * (now - at), Subscriber.Ended.LEFT
        rows.append(row)
    Subscriber.objects.bulk_create(rows)
    for row in rows[::3]:
        row.components.set(rng.sample(list(company.parts.values()), k=rng.randint(1, 2)))
