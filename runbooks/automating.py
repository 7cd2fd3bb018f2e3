"""What could do the steps of runs: the actions that guides name, and the newest time each was asked for at its step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Func, TextField

from automation import places
from automation.models import Action, Execution
from core.together import attach, together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.db.models import QuerySet

    from automation.querysets import ActionQuerySet, ExecutionQuerySet
    from incidents.models import Incident
    from runbooks.models import Run
    from runbooks.querysets import VersionQuerySet

SHOWN = ("action", "place", "state", "asked_at", "stopped_at", "finished_at", "is_dry_run")


@dataclass(frozen=True, slots=True)
class Automation:
    """Actions by slug, and executions by place."""

    actions: Mapping[str, Action]
    executions: Mapping[str, Execution]

    def at(self, run: Run, position: int) -> Execution | None:
        """The newest execution of a step."""
        return self.executions.get(places.of_step(run.pk, position))


NOTHING = Automation({}, {})


def of_run(run: Run) -> Automation:
    """For one run, whose version was read; one query."""
    slugs = {step["action"] for step in run.version.steps if step["action"]}
    if not slugs:
        return NOTHING
    here = [places.of_step(run.pk, position) for position in range(1, len(run.version.steps) + 1)]
    mine = asked_at(run.incident).filter(place__in=here)
    rows = together(actions=named(slugs), executions=mine)
    return tied(rows["actions"], rows["executions"])


def slugs_of(versions: VersionQuerySet) -> QuerySet[Any, Any]:
    """The slugs that the steps of some versions name, as a subquery."""
    action = Func(
        "steps", template="jsonb_path_query(%(expressions)s, '$[*].action') #>> '{}'", output_field=TextField()
    )
    return versions.order_by().annotate(action=action).values("action")


def named(slugs: Iterable[str] | QuerySet[Any, Any]) -> ActionQuerySet:
    """Actions of some slugs, or of what a subquery finds, with what a step shows of them."""
    return Action.objects.filter(slug__in=slugs).only("slug", "name", "kind", "archived_at").order_by("pk")


def asked_at(incident: Incident) -> ExecutionQuerySet:
    """Executions that belong to steps of an incident's runs, with what a step shows of them."""
    return Execution.objects.filter(incident=incident, place__startswith=places.STEPS).only(*SHOWN).order_by("pk")


def tied(actions: Iterable[Action], executions: Iterable[Execution]) -> Automation:
    """From rows that were read, the oldest first."""
    known, asked = list(actions), list(executions)
    attach(asked, "action", {one.pk: one for one in known})
    return Automation({one.slug: one for one in known}, {one.place: one for one in asked})
