"""Following a runbook at an incident: every step that is done, skipped or taken back lands on its timeline.

Whoever changes a run holds the incident's lock, so of two people who tick the same step the first one does, and the
other hears who it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from core.text import clean
from incidents.consequences import Consequences, Kind
from incidents.models import Incident
from incidents.models.incident import NotAllowedNow
from runbooks.models import Run, Runbook, RunStep

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User

TEXT_LIMIT = 20_000
State = RunStep.State
SAID = {State.DONE: "did", State.SKIPPED: "skipped"}


@transaction.atomic
def start(incident: Incident, runbook: Runbook, *, by: User | None, now: datetime | None = None) -> tuple[Run, bool]:
    """A run of what the runbook says now, and whether it is new: an unfinished one is gone on with.

    Raises NotAllowedNow for an archived runbook.
    """
    incident = Incident.objects.locked(incident.pk)
    runbook = Runbook.objects.select_related("current_version").get(pk=runbook.pk)
    under_way = incident.runs.unfinished().select_related("version").filter(runbook=runbook).first()
    if under_way:
        return under_way, False
    if runbook.archived_at:
        raise NotAllowedNow(f"“{runbook}” is archived.")
    out = Consequences(now or timezone.now())
    version = runbook.version
    run = Run(incident=incident, runbook=runbook, version=version, started_at=out.now, started_by=by)
    run.save()
    RunStep.objects.bulk_create(RunStep(run=run, position=position) for position in range(1, len(version.steps) + 1))
    out.record(incident, Kind.RUNBOOK_STARTED, by=by, **_facts(run), runbook=runbook.slug, version=version.number)
    out.write()
    return run, True


def tick(run: Run, position: int, *, by: User | None, text: str = "", now: datetime | None = None) -> RunStep:
    """The step is done; ``text`` is what was seen. Raises NotAllowedNow where somebody else did or skipped it."""
    return _finish_step(run, position, State.DONE, by=by, text=_checked_text(text), now=now)


def skip(run: Run, position: int, *, by: User | None, reason: str, now: datetime | None = None) -> RunStep:
    """The step is left out, for a reason. Raises ValidationError without one, and NotAllowedNow as ``tick`` does."""
    reason = _checked_text(reason)
    if not reason:
        raise ValidationError({"text": "Say why, in a few words."})
    return _finish_step(run, position, State.SKIPPED, by=by, text=reason, now=now)


@transaction.atomic
def untick(run: Run, position: int, *, by: User | None, now: datetime | None = None) -> RunStep:
    """The step is to do again; a run that was finished goes on.

    Raises NotAllowedNow where another run of the same runbook has begun meanwhile.
    """
    step, out = _locked(run, position), Consequences(now or timezone.now())
    run = step.run
    if step.state == State.TODO:
        return step
    if run.finished_at:
        if run.incident.runs.unfinished().filter(runbook=run.runbook_id).exists():
            raise NotAllowedNow("This run is finished, and another one of the same runbook is under way.")
        run.finished_at = None
        run.save(update_fields=["finished_at"])
    kept = step.text if step.state == State.DONE else ""
    step.state, step.by, step.at, step.text = State.TODO, None, None, kept
    step.save()
    _record(out, step, "undone", by=by)
    out.write()
    return step


@transaction.atomic
def add_text(run: Run, position: int, *, by: User | None, text: str, now: datetime | None = None) -> RunStep:
    """Write down what was seen, below what was written before; the step stays as it is. Raises ValidationError."""
    text = _checked_text(text)
    if not text:
        raise ValidationError({"text": "Write something first."})
    step, out = _locked(run, position), Consequences(now or timezone.now())
    step.text = _checked_text("\n\n".join(part for part in (step.text, text) if part))
    step.save(update_fields=["text"])
    _record(out, step, "seen", by=by, text=text)
    out.write()
    return step


def who_did(step: RunStep) -> str:
    """One sentence: what became of a step, by whom, when."""
    at = timezone.localtime(step.at)
    return f"{step.by or 'Muster'} {SAID[State(step.state)]} step {step.position} at {at:%H:%M:%S}."


@transaction.atomic
def _finish_step(
    run: Run, position: int, state: RunStep.State, *, by: User | None, text: str, now: datetime | None
) -> RunStep:
    step, out = _locked(run, position), Consequences(now or timezone.now())
    if step.state != State.TODO:
        if (step.state, step.by) == (state, by) and text in ("", step.text):
            return step  # the second press of a button
        raise NotAllowedNow(who_did(step))
    text_before = "" if state == State.SKIPPED else step.text
    step.text = _checked_text("\n\n".join(part for part in (text_before, text) if part))
    step.state, step.by, step.at = state, by, out.now
    step.save()
    _record(out, step, state, by=by, text=text)
    _finish_if_over(step.run, out)
    out.write()
    return step


def _finish_if_over(run: Run, out: Consequences) -> None:
    states = list(run.steps.values_list("state", flat=True))
    if State.TODO in states:
        return
    run.finished_at = out.now
    run.save(update_fields=["finished_at"])
    counts: dict[str, Any] = {"done": states.count(State.DONE), "skipped": states.count(State.SKIPPED)}
    out.record(run.incident, Kind.RUNBOOK_FINISHED, **_facts(run), **counts)


def _locked(run: Run, position: int) -> RunStep:
    """A step of the run, once the incident is locked."""
    incident = Incident.objects.locked(run.incident_id)
    steps = RunStep.objects.select_related("run__version", "by").filter(run=run, position=position)
    step: RunStep | None = steps.first()
    if step is None:
        raise ValidationError({"position": f"This run has no step {position}."})
    step.run.incident = incident
    return step


def _record(out: Consequences, step: RunStep, did: str, *, by: User | None, text: str = "") -> None:
    title = step.run.version.steps[step.position - 1]["title"]
    facts = {**_facts(step.run), "step": title, "position": step.position, "did": str(did)}
    out.record(step.run.incident, Kind.RUNBOOK_STEP, by=by, text=text, **facts)


def _facts(run: Run) -> dict[str, Any]:
    return {"run": run.pk, "title": run.version.title, "of": len(run.version.steps)}


def _checked_text(text: str) -> str:
    text = clean(text).replace("\r\n", "\n").strip()
    if len(text) > TEXT_LIMIT:
        raise ValidationError({"text": f"This has at most {TEXT_LIMIT:,} characters; it has {len(text):,}."})
    return text
