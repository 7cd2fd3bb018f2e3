"""Numbers that lead to what is behind them, sentences that hold such numbers, and the head of a page of figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.urls import reverse

from metrics import periods, wording
from metrics.questions import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrics.periods import Period, Step
    from metrics.questions import Question

BEHIND = "metrics:incidents"


@dataclass(frozen=True, slots=True)
class Num:
    """A number as it is shown; without ``href`` nothing is behind it. ``is_missed`` is below a target or overdue."""

    text: str
    href: str = ""
    title: str = ""
    is_missed: bool = False

    def __str__(self) -> str:
        return self.text


Said = tuple["str | Num", ...]  # a sentence: text and numbers in turn


@dataclass(frozen=True, slots=True)
class Line:
    """A fact with its numbers."""

    label: str
    said: Said
    note: str = ""


def plain(said: Sequence[str | Num]) -> str:
    """A sentence without its links."""
    return "".join(map(str, said))


class Links:
    """Addresses of what is behind the numbers of a question, with its days and what it is narrowed to."""

    def __init__(self, question: Question, period: Period | None = None) -> None:
        self.question, self.period = question, period or question.period
        self.severity = question.narrowing.severity
        self._base = question.pinned(BEHIND, period=self.period, severity="")
        self._bases: dict[Step, str] = {}

    def to(
        self, key: str, *, severity: str = "", step: Step | None = None, hour: int | None = None, **parts: str
    ) -> str:
        """The incidents of a measure; ``parts`` is a service, a team or a factor in place of the question's own, or
        ``hours`` that are meant."""
        base = self._base
        if parts:
            base = self.question.pinned(BEHIND, period=self.period, **{"severity": "", **parts})
        elif step is not None and len(step.mondays) > 1:
            base = self._of(step)
        found: dict[str, str | int] = {"of": key}
        if severity or self.severity:
            found["severity"] = severity or self.severity
        if step is not None and len(step.mondays) == 1:
            found["week"] = step.first.isoformat()
        if hour is not None:
            found["hour"] = hour
        return f"{base}&{urlencode(found)}"

    def _of(self, step: Step) -> str:
        """Its days of the period."""
        if step not in self._bases:
            first, last = self.period.days
            days = {"from": max(first, step.first).isoformat(), "to": min(last, step.last).isoformat()}
            self._bases[step] = self.question.pinned(BEHIND, period=self.period, **{"severity": "", **days})
        return self._bases[step]

    def count(self, count: int, key: str, *, severity: str = "", step: Step | None = None, **parts: str) -> Num:
        """A number of incidents, or of what a measure adds up."""
        given: dict[str, Any] = dict(parts)
        return Num(wording.number(count), self.to(key, severity=severity, step=step, **given))

    def shown(self, count: int, key: str, *, severity: str = "", step: Step | None = None) -> Num:
        """The same in a table of many, where nothing is behind a 0."""
        return self.count(count, key, severity=severity, step=step) if count else Num("0")


@dataclass(frozen=True, slots=True)
class Tab:
    """A period that can be chosen."""

    label: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Head:
    """Which time the figures are of, in words, and the other ones that can be chosen."""

    tabs: list[Tab]
    days: str
    against: str
    is_custom: bool
    zone: str
    narrowed: str = ""


def head(question: Question, route: str) -> Head:
    """The head of a page; ``route`` is its address by name."""
    is_custom = bool(question.asked.get("from") or question.asked.get("to"))
    current = "" if is_custom else question.asked.get("period", DEFAULT)
    tabs = [
        Tab(label, question.address(route, period="" if name == DEFAULT else name, **_NO_DAYS), name == current)
        for name, label in periods.CHOICES.items()
    ]
    days = wording.days(question.period)
    return Head(tabs, days, compared(question), is_custom, question.period.zone, narrowed(question))


_NO_DAYS: dict[str, str | int] = {"from": "", "to": ""}


def plain_tabs(route: str) -> list[Tab]:
    """Where the address asks for what there is not: the periods alone, none of them shown."""
    return [
        Tab(label, reverse(route) if name == DEFAULT else f"{reverse(route)}?period={name}", is_current=False)
        for name, label in periods.CHOICES.items()
    ]


def narrowed(question: Question) -> str:
    """Which incidents are meant, in words; empty for all of them."""
    narrowing = question.narrowing
    parts = {"service": narrowing.service, "team": narrowing.team, "cause": narrowing.factor}
    said = [f"only {narrowing.severity}"] if narrowing.severity else []
    return ", ".join([*said, *(f"{name} {part}" for name, part in parts.items() if part is not None)])


def compared(question: Question) -> str:
    """What it is compared with, in words: its days, or that it is not."""
    if question.against is None:
        return "compared with nothing"
    return f"compared with {wording.days(question.against)}"
