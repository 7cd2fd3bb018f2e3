"""The page of all figures, as it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics import kpis, links, panels, parts, reading
from metrics.models import Progress, Stale

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from metrics.kpis import Kpi
    from metrics.links import Head, Line, Said
    from metrics.panels import Frequency, Hours, Lengths, Promises, Stages
    from metrics.parts import Parts
    from metrics.questions import Question

ROUTE = "metrics:overview"


@dataclass(frozen=True, slots=True)
class Freshness:
    """Up to when everything is in the figures; ``is_rebuilding`` while all of them are made anew."""

    at: datetime | None
    is_rebuilding: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the page. ``is_empty``: there is no incident of the question, counted or not."""

    head: Head
    kpis: list[Kpi]
    frequency: Frequency
    lengths: list[Lengths]
    promises: Promises
    stages: Stages
    hours: Hours
    parts: list[Parts]
    follow_up: list[Line]
    besides: list[Line]
    not_counted: Said
    is_empty: bool
    freshness: Freshness


def read(question: Question, user: User | None, *, now: datetime, whole: str = "") -> Overview:
    """What a person sees of a question; ``whole`` is a kind of parts that all are to be shown of."""
    found = reading.read(question, user, now=now)
    return Overview(
        head=links.head(question, ROUTE),
        kpis=kpis.cards(found),
        frequency=panels.frequency(found),
        lengths=panels.lengths(found),
        promises=panels.promises(found),
        stages=panels.stages(found),
        hours=panels.hours(found),
        parts=parts.parts(found, whole=whole),
        follow_up=parts.follow_up(found),
        besides=parts.besides(found),
        not_counted=kpis.not_counted(found),
        is_empty=not any(found.number(key) for key in ("incidents", "merged", "excluded")),
        freshness=freshness(now=now),
    )


def freshness(*, now: datetime) -> Freshness:
    """How far the sums are."""
    progress = Progress.objects.filter(pk=1).only("summed_at", "rebuilding", "basis").first()
    if progress is None:
        return Freshness(None, is_rebuilding=True)
    at = progress.summed_at if Stale.objects.exists() else now
    return Freshness(at, is_rebuilding=bool(progress.rebuilding) or not progress.basis)
