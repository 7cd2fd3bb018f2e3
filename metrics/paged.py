"""What is behind a number of pages: exactly those pages, from the words of its address to its rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Q

from accounts.models import User
from catalog.models import Service
from core import pagination
from core.pagination import BadCursor
from core.time_zones import zone
from core.together import attach
from incidents.models import AffectedService, Incident
from metrics import loads
from metrics.behind import BehindForm, Taken, taken
from metrics.cells import hours_of
from metrics.facts import NIGHT_FROM
from metrics.loads import BY_DAY, MONDAY, NIGHT, OFF_HOURS, Loads
from metrics.models import WEEK_HOURS, Interruption
from metrics.periods import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from django.db.models import QuerySet

    from core.pagination import Page
    from metrics.questions import Question

PER_PAGE = 50
KINDS = {NIGHT: "at night", BY_DAY: "by day", OFF_HOURS: "outside working hours"}


class PagedForm(BehindForm):
    """Which pages of a question are meant: to one person, at night or outside working hours, of one week or one hour of
    the week."""

    of = hours = sort = None  # type: ignore[assignment]
    person = forms.CharField(required=False, max_length=150)
    kind = forms.ChoiceField(
        choices=list(KINDS.items()),
        required=False,
        error_messages={"invalid_choice": "There is no kind of page “%(value)s”: write night, day or off_hours."},
    )

    def clean_person(self) -> User | None:
        """Somebody whom there is."""
        name = self.cleaned_data["person"]
        if not name:
            return None
        found = User.objects.filter(username=name).first()
        if found is None:
            raise ValidationError(f"There is nobody with the username “{name}”.")
        return found

    def which(self) -> Which:
        """What is meant; only of a valid form."""
        found = self.cleaned_data
        return Which(found["person"], found["kind"], found["week"], found["hour"])


@dataclass(frozen=True, slots=True)
class Which:
    """Some pages of a question; hours and weeks are those of the person's own clocks."""

    person: User | None = None
    kind: str = ""
    week: date | None = None
    hour: int | None = None

    def rows(self, found: Loads) -> QuerySet[Interruption]:
        """Those pages."""
        rows = found.behind()
        if self.person:
            rows = rows.filter(user=self.person)
        if self.week:
            rows = rows.filter(**hours_of(self.week, self.week + 6 * DAY))
        if self.kind in (NIGHT, BY_DAY):
            rows = rows.filter(is_night=self.kind == NIGHT)
        wanted = [hour for hour in found.off if self.hour in (None, hour)] if self.kind == OFF_HOURS else None
        if wanted is None and self.hour is not None:
            wanted = [self.hour]
        if wanted is None:
            return rows
        return rows.annotate(hour_of_week=(F("local_hour") + MONDAY) % WEEK_HOURS).filter(hour_of_week__in=wanted)

    @property
    def parts(self) -> dict[str, str]:
        """What of the address says it."""
        given = {
            "person": self.person.username if self.person else "",
            "kind": self.kind,
            "week": self.week.isoformat() if self.week else "",
            "hour": "" if self.hour is None else str(self.hour),
        }
        return {name: value for name, value in given.items() if value}


def of_person(column: Any) -> Any:
    """A number that is another one for each person and each value of a column below 2 ** 24."""
    return ExpressionWrapper(F("user_id") * 2**24 + column, output_field=BigIntegerField())


@dataclass(frozen=True, slots=True)
class Totals:
    """What the pages are together."""

    pages: int
    people: int
    hours: int
    nights: int
    incidents: int


def totals(rows: QuerySet[Interruption]) -> Totals:
    """In one statement, which reads every row once."""
    counts = rows.aggregate(
        pages=Count("pk"),
        people=Count("user", distinct=True),
        hours=Count(of_person(F("local_hour")), distinct=True),
        nights=Count(of_person((F("local_hour") + 24 - NIGHT_FROM) / 24), distinct=True, filter=Q(is_night=True)),
        incidents=Count("incident", distinct=True),
    )
    return Totals(**counts)


@dataclass(frozen=True, slots=True)
class Row:
    """A page. ``local`` is the person's own wall time; ``incident`` is None where it was deleted, or made private, a
    moment ago."""

    page: Interruption
    user: User | None
    local: datetime
    incident: Incident | None
    services: list[Service]

    @property
    def when(self) -> str:
        """Wed 14 Oct 2026, 03:47 CEST."""
        return f"{self.local:%a} {self.local.day} {self.local:%b %Y, %H:%M %Z}"

    @property
    def utc(self) -> str:
        """2026-10-14 01:47:08."""
        return f"{self.page.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


@dataclass(frozen=True, slots=True)
class Paged:
    """Everything that the page shows."""

    title: str
    definition: str
    totals: Totals
    taken: list[Taken]
    rows: list[Row]
    page: Page[Interruption]


def read(user: User, question: Question, which: Which, *, cursor: str | None) -> Paged:
    """The pages of a question that somebody may see, the newest first; a cursor of another list leads to the first
    page. No index has this order: the pages are read once, as they are to be counted, and the first are kept."""
    found = Loads(user, question.period, question.narrowing, off=loads.working_hours()[1])
    rows = which.rows(found)
    try:
        page = pagination.page(rows, sort=("-at",), cursor=cursor, limit=PER_PAGE)
    except BadCursor:
        page = pagination.page(rows, sort=("-at",), cursor=None, limit=PER_PAGE)
    narrowed = taken_by(question, which)
    return Paged(
        title=", ".join([_subject(which), *(part.label for part in narrowed if part.name not in ("person", "kind"))]),
        definition=_definition(which),
        totals=totals(rows),
        taken=narrowed,
        rows=as_rows(page.items, user=user),
        page=page,
    )


def _subject(which: Which) -> str:
    said = f"Pages to {which.person}" if which.person else "Pages"
    return f"{said} {KINDS[which.kind]}" if which.kind else said


def _definition(which: Which) -> str:
    night, off = (loads.DEFINITIONS[name] for name in ("night_pages", "off_pages"))
    more = {NIGHT: night, BY_DAY: f"Not {night[0].lower()}{night[1:]}", OFF_HOURS: off}.get(which.kind, "")
    return f"{loads.DEFINITIONS['pages']} {more}".strip()


def taken_by(question: Question, which: Which) -> list[Taken]:
    """What the pages are narrowed to, besides the days."""
    found = {"person": str(which.person or ""), "kind": KINDS.get(which.kind, "").capitalize()}
    more = taken(question, week=which.week, hour=which.hour)
    return [
        *(Taken(name, label) for name, label in found.items() if label),
        *(Taken(part.name, f"members of {part.label}") if part.name == "team" else part for part in more),
    ]


def as_rows(pages: Sequence[Interruption], *, user: User) -> list[Row]:
    """With their people, and the incidents that ``user`` may see now with their services, in three statements."""
    users = User.objects.only("username", "name", "time_zone").in_bulk({page.user_id for page in pages})
    about = {page.incident_id for page in pages}
    wanted = Incident.objects.filter(pk__in=about).visible_to(user)
    kept = {each.pk: each for each in wanted.only("title", "severity", "is_private", "merged_into_id")}
    attach(pages, "incident", kept)
    services: dict[int, list[Service]] = defaultdict(list)
    for link in AffectedService.objects.filter(incident__in=list(kept)).select_related("service"):
        services[link.incident_id].append(link.service)
    return [
        Row(
            page,
            users.get(page.user_id),
            _local(page, users.get(page.user_id)),
            page._state.fields_cache.get("incident"),
            services[page.incident_id],
        )
        for page in pages
    ]


def _local(page: Interruption, user: User | None) -> datetime:
    return page.at.astimezone(zone(user.time_zone if user else "UTC"))
