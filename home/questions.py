"""What a person asks in the search box, in the words of the incident list: prefixes become its filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse

from accounts.models import Team, User
from catalog.models import Service
from core.text import clean
from home import typed
from home.typed import PREFIXES, Typed
from incidents.fetching import number_of
from incidents.filters import ME, MINE, NOBODY, YEARS
from incidents.models import Severity, Status

if TYPE_CHECKING:
    from django.db.models import QuerySet

LONGEST_WORDS = 200  # what the list takes
LONGEST_NAME = 150  # as filters take one
DAYS = {"today": 0, "yesterday": 1}


@dataclass(frozen=True, slots=True)
class Understood:
    """A prefix in words, and the question without it."""

    label: str
    without: str


@dataclass(slots=True)
class Question:
    """What was asked. ``filters`` and ``words`` are what the address of the incident list needs for the same."""

    typed: Typed
    filters: dict[str, str] = field(default_factory=dict)
    understood: list[Understood] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """What is searched in texts and names."""
        return self.typed.words[:LONGEST_WORDS]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look for."""
        return not self.words and not self.filters

    @property
    def number(self) -> int | None:
        """The incident that was asked for by its number and by nothing else: INC-42, #42 or 42."""
        words = self.words.strip()
        return number_of(words) or number_of(f"INC-{words.removeprefix('#')}")

    @property
    def is_reference(self) -> bool:
        """Whether the whole question is INC-42 or #42, which can only mean that incident."""
        text = str(self.typed)
        return self.number is not None and not text.isdecimal() and not self.filters

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names in front of a colon that are no prefix."""
        return self.typed.unknown

    @property
    def address(self) -> str:
        """The incident list with the same words and filters."""
        return f"{reverse('incidents:list')}?{urlencode(self.list_filters)}"

    @property
    def list_filters(self) -> dict[str, str]:
        """What the list, on its page and in the API, is to be asked for the same."""
        return {"period": "all"} | self.filters | ({"q": self.words} if self.words else {})


def ask(text: str, *, user: User, today: date) -> Question:
    """Understand what somebody typed. Never raises: what is no value of its prefix is named in ``mistakes``."""
    question = Question(typed.parse(clean(text)))
    for term in question.typed.prefixes:
        filters, label, mistake = _READ[term.name](term.value, user, today)
        question.filters |= filters
        if label:
            question.understood.append(Understood(label, str(question.typed.without(term))))
        if mistake:
            question.mistakes.append(mistake)
    question.mistakes += [f"{name}: takes {WANTED[name]}." for name in question.typed.unfinished]
    return question


# ---- one function a prefix: (filters, label, mistake) -----------------------------------------------------------

Read = tuple[dict[str, str], str, str]


def _severity(value: str, _user: User, _today: date) -> Read:
    known = Severity(value.lower()) if value.lower() in Severity.values else None
    return ({"severity": known.value}, f"Severity {known.label}", "") if known else _wrong("severity", value)


def _status(value: str, user: User, today: date) -> Read:
    if value.lower() in Status.values:
        known = Status(value.lower())
        return {"status": known.value}, f"Status {known.label}", ""
    if value.lower() in ("open", "active"):
        return _is(value, user, today)
    return _wrong("status", value)


def _is(value: str, user: User, today: date) -> Read:
    match value.lower():
        case "open" | "active":
            return {"period": "active"}, "Open", ""
        case "recent":
            return {"period": "recent"}, "Recent", ""
        case "mine":
            return {"mine": "on"}, "Mine or of my teams", ""
        case "unassigned":
            return _assignee(NOBODY, user, today)
        case known if known in Status.values:
            return _status(known, user, today)
    return _wrong("is", value)


def _service(value: str, user: User, _today: date) -> Read:
    found = _called(value, Service.objects.visible_to(user), "slug")
    return ({"service": found.slug}, f"Service {found}", "") if found else _nobody("service", value)


def _team(value: str, user: User, _today: date) -> Read:
    if value.lower() in (MINE, ME):
        return {"team": MINE}, "My teams", ""
    found = _called(value, Team.objects.visible_to(user), "slug")
    return ({"team": found.slug}, f"Team {found}", "") if found else _nobody("team", value)


def _assignee(value: str, _user: User, _today: date) -> Read:
    if value.lower() in (ME, MINE):
        return {"assignee": ME}, "Assigned to me", ""
    if value.lower() in (NOBODY, "nobody", "unassigned"):
        return {"assignee": NOBODY}, "Assigned to nobody", ""
    found = _called(value, User.objects.active(), "username")
    return ({"assignee": found.username}, f"Assigned to {found}", "") if found else _nobody("assignee", value)


def _after(value: str, _user: User, today: date) -> Read:
    day = _day(value, today)
    return ({"since": day.isoformat()}, f"Created since {day}", "") if day else _wrong("after", value)


def _before(value: str, _user: User, today: date) -> Read:
    day = _day(value, today)
    if day is None:
        return _wrong("before", value)
    return {"until": (day - timedelta(days=1)).isoformat()}, f"Created before {day}", ""


_READ: dict[str, Callable[[str, User, date], Read]] = {
    "severity": _severity,
    "status": _status,
    "is": _is,
    "service": _service,
    "team": _team,
    "assignee": _assignee,
    "after": _after,
    "before": _before,
}
assert _READ.keys() == PREFIXES.keys()

WANTED = {
    "severity": "critical, high, medium or low",
    "status": "triggered, acknowledged, investigating, mitigating, resolved or postmortem",
    "is": "open, recent, resolved, mine or unassigned",
    "service": "a service’s name, in quotation marks where it has spaces",
    "team": "mine, or a team’s name",
    "assignee": "me, nobody, or a person’s username or name",
    "after": "the first day, such as 2026-10-01, today or yesterday",
    "before": "the day after the last, such as 2026-11-01, today or yesterday",
}


def _wrong(name: str, value: str) -> Read:
    return {}, "", f"{name}: takes {WANTED[name]}, not “{value}”."


def _nobody(name: str, value: str) -> Read:
    """Nothing has this name, so nothing is found; leaving the filter out would show what was not asked for."""
    what = "Nobody is" if name == "assignee" else f"No {name} is"
    shown = value if len(value) <= LONGEST_NAME else f"{value[: LONGEST_NAME - 1]}…"
    return {name: shown}, f"{name.capitalize()} {shown}", f"{what} called “{shown}”."


def _called(value: str, rows: QuerySet[Any], key: str) -> Any:
    """What has the name or the key, else the only one whose name or key begins like that."""
    exact = rows.filter(Q(name__iexact=value) | Q(**{f"{key}__iexact": value})).order_by(key).first()
    if exact is not None:
        return exact
    begins = Q(name__istartswith=value) | Q(**{f"{key}__istartswith": value})
    found = list(rows.filter(begins).order_by(key)[:2])
    return found[0] if len(found) == 1 else None


def _day(value: str, today: date) -> date | None:
    if value.lower() in DAYS:
        return today - timedelta(days=DAYS[value.lower()])
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return None
    return day if day.year in YEARS[1:] else None
