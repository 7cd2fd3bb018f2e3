"""Search everywhere: incidents and postmortems by their words, services and people by their names.

Incidents are found by ``incidents_by_words``, newest first by ``incidents_by_created``; services and people are few and
are compared one by one. Extracts are made for the rows that are shown and for no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import Case, Model, OuterRef, Q, Subquery, When
from django.db.models.functions import Greatest, Left
from django.utils.html import escape
from django.utils.safestring import SafeString

from accounts.models import User
from catalog.models import Service
from incidents import extracts, listing, search
from incidents.filters import IncidentFilter
from incidents.models import Incident, TimelineEntry
from incidents.models.words import Words
from postmortems import searching
from postmortems.models import Postmortem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from core.pagination import Page
    from home.questions import Question
    from incidents.querysets import IncidentQuerySet

M = TypeVar("M", bound=Model)

PAGE_SIZE = 20
MOST_NAMES = 5  # services or people beside the incidents
MOST_ANSWERS = 8  # while typing
LIKE_ENOUGH = 0.5  # of pg_trgm's word similarity, from 0 to 1; forgives a letter
SHORTEST_PART = 3  # letters; fewer only count at the beginning of a name
NOTES_READ, NOTE_READ = 10, 4_000  # newest notes of an incident, and characters of each, that one is looked for in
UNREAD = ("description", "root_cause", "facts")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as the list's filters want to know it."""

    user: User


@dataclass(frozen=True, slots=True)
class Found:
    """An incident that was found: its title with the words marked, and where else they stand, both safe HTML."""

    incident: Incident
    title: SafeString
    where: str = ""
    extract: SafeString = SafeString()

    @property
    def is_in_title(self) -> bool:
        """Whether the title alone shows why it was found."""
        return "<mark>" in self.title


@dataclass(frozen=True, slots=True)
class Answers:
    """The few best while somebody types."""

    incidents: list[Found]
    postmortems: list[searching.Found]
    services: list[Service]
    people: list[User]

    def __len__(self) -> int:
        return len(self.incidents) + len(self.postmortems) + len(self.services) + len(self.people)


def answers(question: Question, *, user: User, now: datetime) -> Answers:
    """At most ``MOST_ANSWERS``, of each kind that has some. A last word of a letter or two counts only if it finds
    something: more of it may be on its way."""
    some_services, some_people = services(question, user=user, most=2), people(question, user=user, most=2)
    written = postmortems(question, user=user, now=now, most=2)
    rest = MOST_ANSWERS - len(some_services) - len(some_people) - len(written)
    rows = _newest(question, question.words, user=user, now=now, most=rest)
    before, _, begun = question.words.rpartition(" ")
    if not rows and before and len(begun) < search.SHORTEST_BEGINNING:
        rows = _newest(question, before, user=user, now=now, most=rest)
    return Answers(_with_number(rows, question, user), written, some_services, some_people)


def incidents(
    question: Question, *, user: User, now: datetime, cursor: str | None
) -> tuple[list[Found], Page[Incident]]:
    """One page of incidents, newest first, with what was found in each. Raises BadCursor."""
    rows = _matching(question, question.words, user=user, now=now)
    page = listing.page(rows, sort="-created", cursor=cursor, limit=PAGE_SIZE)
    return found_in(page.items, question.words), page


def by_number(question: Question, *, user: User) -> Incident | None:
    """The incident whose number was typed, if the person may see it."""
    if question.number is None:
        return None
    incident: Incident | None = Incident.objects.visible_to(user).filter(pk=question.number).first()
    return incident


def postmortems(question: Question, *, user: User, now: datetime, most: int) -> list[searching.Found]:
    """The newest postmortems that have every word, of incidents that fit the filters; first the one of the incident
    whose number was typed. None without words."""
    if not question.words:
        return []
    rows = Postmortem.objects.visible_to(user)
    if question.filters:
        rows = rows.filter(incident__in=_matching(question, "", user=user, now=now).order_by().values("pk"))
    query = search.query_for(question.words, as_typed=True)
    fitting = rows.matching(query) if query else rows.none()
    if question.number is not None:
        fitting |= rows.filter(incident=question.number)
    order: list[Any] = [*([Case(When(incident=question.number, then=0), default=1)] if question.number else []), "-id"]
    return searching.found_in(list(fitting.for_list().order_by(*order)[:most]), question.words)


def services(question: Question, *, user: User, most: int) -> list[Service]:
    """Services whose name, slug or team's name has every word, or nearly."""
    rows = Service.objects.visible_to(user).select_related("team")
    return list(_named(rows, question.words, fields=("name", "slug"), besides=("team__name",), order="slug")[:most])


def people(question: Question, *, user: User, most: int) -> list[User]:
    """Active people by name and username; admins find them by e-mail address too."""
    besides = ("email",) if user.is_staff else ()
    rows = User.objects.visible_to(user).filter(is_active=True)
    return list(_named(rows, question.words, fields=("name", "username"), besides=besides, order="username")[:most])


# ---- incidents ---------------------------------------------------------------------------------------------------


def _newest(question: Question, words: str, *, user: User, now: datetime, most: int) -> list[Incident]:
    rows = _matching(question, words, user=user, now=now).defer(*UNREAD)
    return list(rows.order_by("-created_at", "-id")[:most])


def _matching(question: Question, words: str, *, user: User, now: datetime) -> IncidentQuerySet:
    """What the list would show for the filters, with some words of which the last may be unfinished."""
    if question.is_empty:
        nothing: IncidentQuerySet = Incident.objects.none()
        return nothing
    visible = Incident.objects.visible_to(user)
    narrowed = IncidentFilter(question.filters, queryset=visible, request=Asker(user)).qs
    rows = listing.rows_of(question.filters.get("period", "all"), narrowed, now=now)
    query = search.query_for(words, as_typed=True)
    if query is not None:
        rows = rows.matching(query)
    elif words:
        rows = rows.none()
    return rows


def _with_number(rows: list[Incident], question: Question, user: User) -> list[Found]:
    """The one with the number that was typed comes first."""
    named = by_number(question, user=user)
    if named:
        rows = [named, *(row for row in rows if row != named)][: max(1, len(rows))]
    return found_in(rows, question.words)


def found_in(rows: Sequence[Incident], text: str) -> list[Found]:
    """Incidents with their titles marked, and an extract of the description or of the newest note that has a word."""
    words = search.words_of(text)
    if not words or not rows:
        return [Found(row, escape(row.title)) for row in rows]
    any_word = extracts.any_of(words)
    its = OuterRef(OuterRef("pk"))
    notes = TimelineEntry.objects.filter(incident=its, kind=TimelineEntry.Kind.NOTED).order_by("-id")
    newest = TimelineEntry.objects.filter(pk__in=notes.values("pk")[:NOTES_READ])
    said = Words(Left("text", NOTE_READ), weight="C")
    noted = newest.annotate(said=said).filter(said=any_word).order_by("-id")
    cut = (
        Incident.objects.filter(pk__in=[row.pk for row in rows])
        .annotate(
            marked=extracts.headline("title", any_word, highlight_all=True),
            described=extracts.headline("description", any_word),
            note=Subquery(noted.annotate(extract=extracts.headline("text", any_word)).values("extract")[:1]),
        )
        .values_list("pk", "marked", "described", "note")
    )
    by_pk = {pk: (title, description, note or "") for pk, title, description, note in cut}
    return [_found(row, *by_pk.get(row.pk, (row.title, "", ""))) for row in rows]


def _found(incident: Incident, title: str, description: str, note: str) -> Found:
    """The extract says what the title does not: the description if it has a word, else a note."""
    places = (("Summary", description), ("Note", note))
    where, text = next((place for place in places if extracts.has_mark(place[1])), ("", ""))
    return Found(incident, extracts.marked(title), where, extracts.extract(text))


# ---- names -------------------------------------------------------------------------------------------------------


def _named(rows: QuerySet[M], text: str, *, fields: Iterable[str], besides: Iterable[str], order: str) -> QuerySet[M]:
    """Rows whose fields have every word, or one that is like the text; the likest first."""
    words = text.split()
    if not words:
        return rows.none()
    whole = " ".join(words)
    every = Q()
    for word in words:
        some = Q()
        for name in (*fields, *besides):
            some |= Q(**{f"{name}__istartswith": word}) | Q(**{f"{name}__icontains": f" {word}"})
            if len(word) >= SHORTEST_PART:
                some |= Q(**{f"{name}__icontains": word})
        every &= some
    likeness = Greatest(*(TrigramWordSimilarity(whole, name) for name in fields))
    like = Q(likeness__gte=LIKE_ENOUGH) if len(whole) > SHORTEST_PART else Q(pk__in=[])
    named: Any = rows.alias(likeness=likeness).filter(every | like).order_by("-likeness", order)
    return named  # type: ignore[no-any-return]
