"""Runbooks, written and changed: a new version when what they say or are for has changed, and an audit entry."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import audit
from catalog.models import Service
from core.text import clean, single_line
from incidents.models.incident import NotAllowedNow
from runbooks import guides
from runbooks.guides import Guide, Step
from runbooks.models import Runbook, Version

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User

EDITABLE = ("team", "review_every_days")
WHAT_LIMIT = 200


class Overtaken(NotAllowedNow):
    """Somebody saved a version after the one that a change was made from; ``since`` is the newest."""

    def __init__(self, since: Version, based_on: int) -> None:
        who = since.created_by or "Muster"
        super().__init__(f"{who} saved version {since.number} while you were changing version {based_on}.")
        self.since = since
        self.based_on = based_on


@transaction.atomic
def create(
    guide: Guide, *, slug: str, by: User | None, is_starter: bool = False, now: datetime | None = None, **own: Any
) -> Runbook:
    """A new runbook with its first version, which counts as reviewed. Raises ValidationError."""
    now = now or timezone.now()
    guide = checked(guide)
    runbook = _with(Runbook(slug=slug, is_starter=is_starter, reviewed_at=now, reviewed_by=by), own)
    _describe(runbook, guide)
    audit.save(runbook, by=by)
    runbook.services.set(Service.objects.filter(slug__in=guide.services))
    _add_version(runbook, guide, number=1, what="", by=by, now=now)
    return runbook


@transaction.atomic
def change(
    runbook: Runbook,
    guide: Guide | None = None,
    *,
    by: User | None,
    based_on: int | None = None,
    what_changed: str = "",
    now: datetime | None = None,
    **own: Any,
) -> Runbook:
    """Change what a runbook says and is for, and what ``EDITABLE`` names. A guide that is as it was makes no version.

    ``based_on`` is the version that the change was made from. Raises Overtaken if there is a newer one, and
    ValidationError.
    """
    now = now or timezone.now()
    runbook = _with(_locked(runbook), own)
    current = runbook.version
    if based_on is not None and current.number != based_on:
        raise Overtaken(current, based_on)
    if guide is None:
        return audit.save(runbook, by=by)
    guide = checked(guide)
    if guides.text_of(guide) == current.text:
        return audit.save(runbook, by=by)
    _describe(runbook, guide)
    audit.save(runbook, by=by)
    runbook.services.set(Service.objects.filter(slug__in=guide.services))
    _add_version(runbook, guide, number=current.number + 1, what=what_changed, by=by, now=now)
    return runbook


@transaction.atomic
def mark_reviewed(runbook: Runbook, *, by: User | None, now: datetime | None = None) -> Runbook:
    """Somebody has read it and says that it is right."""
    runbook = _locked(runbook)
    runbook.reviewed_at, runbook.reviewed_by = now or timezone.now(), by
    return audit.save(runbook, by=by)


@transaction.atomic
def archive(runbook: Runbook, *, by: User | None, now: datetime | None = None) -> Runbook:
    """Take it out of lists and suggestions; its runs and versions stay."""
    runbook = _locked(runbook)
    runbook.archived_at = runbook.archived_at or now or timezone.now()
    return audit.save(runbook, by=by)


@transaction.atomic
def restore(runbook: Runbook, *, by: User | None) -> Runbook:
    """Take it out of the archive."""
    runbook = _locked(runbook)
    runbook.archived_at = None
    return audit.save(runbook, by=by)


def guide_of(runbook: Runbook) -> Guide:
    """What a runbook says and is for now; reads ``services`` and ``current_version``."""
    version = runbook.version
    return Guide(
        title=runbook.title,
        summary=version.summary,
        steps=tuple(Step(**step) for step in version.steps),
        services=tuple(runbook.all_slugs),
        severities=tuple(runbook.severities),
        facts=tuple((name, pattern) for name, pattern in runbook.facts),
    )


def checked(guide: Guide) -> Guide:
    """The guide as it is stored: without what PostgreSQL refuses, and in one order. Raises ValidationError."""
    wrong: dict[str, str] = {}
    steps = tuple(_checked_step(step, number, wrong) for number, step in enumerate(guide.steps, start=1))
    guide = Guide(
        title=single_line(guide.title),
        summary=_text(guide.summary),
        steps=steps,
        services=tuple(sorted(set(guide.services))),
        severities=tuple(name for name in guides.SEVERITIES if name in guide.severities),
        facts=tuple(dict.fromkeys((single_line(name), single_line(pattern)) for name, pattern in guide.facts)),
    )
    if not guide.title or len(guide.title) > guides.TITLE_LIMIT:
        wrong["title"] = f"A title has 1 to {guides.TITLE_LIMIT} characters."
    if len(guide.summary) > guides.TEXT_LIMIT:
        wrong["summary"] = f"A summary has at most {guides.TEXT_LIMIT:,} characters."
    if not 1 <= len(steps) <= guides.MOST_STEPS:
        wrong["steps"] = f"A runbook has 1 to {guides.MOST_STEPS} steps."
    if len(guide.services) > guides.MOST_LINKS or not all(map(guides.SLUG.fullmatch, guide.services)):
        wrong["services"] = f"Name services by their slugs, {guides.MOST_LINKS} at most."
    if len(guide.facts) > guides.MOST_LINKS or not all(map(_is_usable, guide.facts)):
        wrong["facts"] = f"A fact has a name and a pattern of 1 to {guides.PATTERN_LIMIT} characters, and no colon."
    if wrong:
        raise ValidationError(wrong)
    return guide


def _checked_step(step: Step, number: int, wrong: dict[str, str]) -> Step:
    step = replace(step, title=single_line(step.title), body=_text(step.body), action=step.action.strip())
    if not step.title or len(step.title) > guides.TITLE_LIMIT:
        wrong["steps"] = f"Step {number}: a title has 1 to {guides.TITLE_LIMIT} characters."
    elif len(step.body) > guides.TEXT_LIMIT:
        wrong["steps"] = f"Step {number}: a text has at most {guides.TEXT_LIMIT:,} characters."
    elif step.action and not guides.SLUG.fullmatch(step.action):
        wrong["steps"] = f"Step {number}: an action is named by its slug, such as restart-consumer."
    return step


def _is_usable(fact: tuple[str, str]) -> bool:
    return ":" not in fact[0] and all(1 <= len(part) <= guides.PATTERN_LIMIT for part in fact)


def _text(text: str) -> str:
    return clean(text).replace("\r\n", "\n").replace("\r", "\n").strip("\n").rstrip()


def _locked(runbook: Runbook) -> Runbook:
    """The runbook, locked. Its version is read after that: joined, it would be the one from before the wait."""
    locked: Runbook = Runbook.objects.select_for_update().get(pk=runbook.pk)
    return locked


def _with(runbook: Runbook, own: dict[str, Any]) -> Runbook:
    unknown = own.keys() - set(EDITABLE)
    if unknown:
        raise ValidationError(dict.fromkeys(sorted(unknown), "A runbook has no such field."))
    for name, value in own.items():
        setattr(runbook, name, value)
    return runbook


def _describe(runbook: Runbook, guide: Guide) -> None:
    runbook.title = guide.title
    runbook.service_slugs, runbook.severities = list(guide.services), list(guide.severities)
    runbook.facts = [list(fact) for fact in guide.facts]


def _add_version(runbook: Runbook, guide: Guide, *, number: int, what: str, by: User | None, now: datetime) -> None:
    runbook.current_version = Version.objects.create(
        runbook=runbook,
        number=number,
        title=guide.title,
        summary=guide.summary,
        steps=[asdict(step) for step in guide.steps],
        text=guides.text_of(guide),
        what_changed=single_line(what, limit=WHAT_LIMIT),
        created_at=now,
        created_by=by,
    )
    runbook.save(update_fields=["current_version"])
