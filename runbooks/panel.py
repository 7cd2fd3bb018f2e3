"""What the runbooks panel of an incident shows, for the page that embeds it and for the address that refreshes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.models import Role, User
from catalog.models import Service
from core.together import Rows, attach, grouped, together
from core.versions import version_of
from runbooks import automating, matching, progress
from runbooks.models import Run, Runbook, RunStep, Version

if TYPE_CHECKING:
    from incidents.models import Incident
    from runbooks.progress import Progress

MOST_RUNS = 20
MOST_SUGGESTED = 3


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A runbook that fits, and why."""

    runbook: Runbook
    why: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Runs that are under way, the latest first, those that are finished, and what else fits while it is open."""

    incident: Incident
    running: list[Progress]
    finished: list[Progress]
    suggestions: list[Suggestion]
    may_run: bool
    version: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say: nothing was followed, and it is over."""
        return not (self.running or self.finished or self.suggestions or self.incident.is_open)


def of(incident: Incident, *, user: User) -> Panel:
    """The panel as ``user`` may see it; one query. A few hundred runbooks are read for what they are for alone."""
    rows = _read(incident, user)
    people = {person.pk: person for person in rows["people"]}
    attach(rows["steps"], "by", people)
    attach(rows["runs"], "version", {row.pk: row for row in rows["versions"]})
    steps = grouped(rows["steps"], "run_id")
    automation = automating.tied(rows["actions"], rows["executions"])
    shown = [progress.of(run, steps.get(run.pk, []), automation) for run in rows["runs"]]
    running = [one for one in shown if one.run.finished_at is None]
    followed = {one.run.runbook_id for one in running}
    found = _suggestions(incident, rows) if incident.is_open else []
    may_run = user.has_role(Role.RESPONDER)
    return Panel(
        incident=incident,
        running=running,
        finished=[one for one in shown if one.run.finished_at],
        suggestions=[one for one in found if one.runbook.pk not in followed][:MOST_SUGGESTED],
        may_run=may_run,
        version=_version(incident, rows, may_run=may_run),
    )


def fitting(incident: Incident, *, user: User) -> list[Suggestion]:
    """Every runbook that fits an incident, the best first, whether it is open or not; one query."""
    return _suggestions(incident, _read(incident, user))


def _read(incident: Incident, user: User) -> Rows:
    """Everything in one statement."""
    runs = Run.objects.filter(incident=incident).order_by("-id")[:MOST_RUNS]
    steps = RunStep.objects.filter(run__in=runs.values("pk")).order_by("run_id", "position")
    versions = Version.objects.filter(pk__in=runs.values("version"))
    services = Service.objects.filter(incident_links__incident=incident)
    readable = Runbook.objects.visible_to(user).current()
    return together(
        runs=runs,
        steps=steps,
        actions=automating.named(automating.slugs_of(versions)),
        executions=automating.asked_at(incident),
        versions=versions.defer("text"),
        people=User.objects.filter(pk__in=steps.order_by().values("by")).only("username", "name", "email"),
        services=services.only("slug", "name").order_by("pk"),
        runbooks=readable.only("slug", "title", "service_slugs", "severities", "facts").order_by("pk"),
        ties=Runbook.services.through._default_manager.filter(service__in=services.values("pk")).order_by("pk"),
    )


def _suggestions(incident: Incident, rows: Rows) -> list[Suggestion]:
    runbooks = {row.pk: row for row in rows["runbooks"]}
    tied = grouped(rows["ties"], "runbook_id")
    links = [
        matching.Links(
            key=row.pk,
            title=row.title,
            service_ids=frozenset(tie.service_id for tie in tied.get(row.pk, [])),
            slugs=tuple(row.service_slugs),
            severities=tuple(row.severities),
            facts=tuple((name, pattern) for name, pattern in row.facts),
        )
        for row in rows["runbooks"]
    ]
    situation = matching.Situation(
        title=incident.title,
        severity=incident.severity,
        services=tuple(matching.Affected(row.pk, row.slug, row.name) for row in rows["services"]),
        facts=incident.facts if isinstance(incident.facts, dict) else {},
    )
    found = matching.best(links, situation)
    return [Suggestion(runbooks[match.key], ", ".join(match.reasons[:2])) for match in found]


def _version(incident: Incident, rows: Rows, *, may_run: bool) -> str:
    own = (incident.title, incident.severity, incident.facts, incident.is_open, may_run)
    text = rows.text("runs", "steps", "versions", "services", "runbooks", "ties", "actions", "executions")
    return version_of(f"{own!r}\n{text}")
