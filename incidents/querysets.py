"""Reads of incidents."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import F, Func, Q, Subquery, Value

from core.expressions import IsOneOf
from notifications.models import Notification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.contrib.postgres.search import SearchQuery

    from accounts.models import User
    from incidents.models import Incident  # noqa: F401 - named in strings

OPEN_STATUSES = ("triggered", "acknowledged", "investigating", "mitigating")
UNLISTED = ("description", "root_cause", "facts", "note_words", "document")  # what no row of a list shows
MOST_FOUND = 20_000
MOST_COUNTED_BY_READING = 100


class IncidentQuerySet(models.QuerySet["Incident"]):
    """Reads of incidents; everything that is shown goes through ``visible_to``.

    ``lanes``: parts that have no row in common and make up the whole, where each is faster to read than the whole;
    anything that narrows a queryset further forgets them. ``most_counted``: as far as it makes sense to count these
    rows, where that is less far than elsewhere. ``is_read``: their words are so common that documents are read for
    them, and nothing may read more of them than a page needs.
    """

    lanes: tuple[IncidentQuerySet, ...] = ()
    most_counted: int | None = None
    is_read = False

    def _clone(self) -> IncidentQuerySet:
        clone: IncidentQuerySet = super()._clone()  # type: ignore[misc]
        clone.most_counted, clone.is_read = self.most_counted, self.is_read
        return clone

    def count_at_most(self, most: int) -> None:
        """Remember that these rows are worth counting as far as ``most``, unless it is less already."""
        self.most_counted = min(self.most_counted or most, most)

    def visible_to(self, user: User) -> IncidentQuerySet:
        """Public ones; private ones to admins, the assignee, who declared it, its teams, and who was told of it."""
        return self if user.is_staff else self.filter(seen_by(user))

    def seen_among(self, incidents: Sequence[int], user: User) -> list[int]:
        """Which of some incidents ``visible_to`` has, for who is no admin: the way where they are many and private."""
        if not incidents:
            return []
        theirs = (
            Q(is_private=False) | Q(assignee=user) | Q(created_by=user) | IsOneOf("pk", _Concerned(user, incidents))
        )
        return list(self.filter(IsOneOf("pk", list(incidents)), theirs).order_by().values_list("pk", flat=True))

    def open(self) -> IncidentQuerySet:
        """Still being worked on."""
        return self.filter(status__in=OPEN_STATUSES, merged_into=None)

    def recent(self, *, now: datetime, days: int = 14) -> IncidentQuerySet:
        """Open, or created in the last ``days``."""
        since = now - timedelta(days=days)
        rows = self.filter(Q(status__in=OPEN_STATUSES) | Q(created_at__gte=since))
        rows.lanes = (
            self.filter(created_at__gte=since),
            self.filter(status__in=OPEN_STATUSES, created_at__lt=since),
        )
        return rows

    def matching(self, query: SearchQuery, *, number: int | None = None) -> IncidentQuerySet:
        """Whose title, description and notes have the words of a search (``incidents.search.query_for``); besides,
        the one with the number, if it is given.

        Asks the database at once how common the words are. Incidents with rare ones are named one by one, by the
        index of words; those with common ones are met by reading along any order of a list. PostgreSQL would have to
        guess which of the two it is, and a wrong guess reads a million documents.
        """
        found = _numbers_with(query)
        if found is not None:
            return self.filter(IsOneOf("pk", [*found, number] if number else found))
        rows = self.filter(Q(_Matches(query)) | Q(pk=number) if number else Q(_Matches(query)))
        rows.most_counted, rows.is_read = MOST_COUNTED_BY_READING, True
        return rows

    def for_list(self) -> IncidentQuerySet:
        """With what a row of the list shows; four queries, whatever the number of rows.

        The assignee is not joined: a join makes PostgreSQL sort everything where it misjudges how many rows follow
        a cursor, instead of reading the index in its order.
        """
        return self.defer(*UNLISTED).prefetch_related("assignee", "affected_services", "clocks")


def seen_by(user: User, *, beside: str = "") -> Q:
    """What ``visible_to`` asks of an incident, for who is no admin. Of rows that belong to incidents, ``beside`` is the
    way there, such as ``incident__``: joined, it leaves their order to their own indexes."""
    concerned = Q(Concerns(Value(user.pk), F(f"{beside}pk")))
    of_theirs = Q(**{f"{beside}assignee": user}) | Q(**{f"{beside}created_by": user})
    return Q(**{f"{beside}is_private": False}) | of_theirs | concerned


class Concerns(Func):
    """Whether a person was told of the incident, or is in a team of a service that it touches (migration 0006)."""

    function = "incidents_concerns"
    output_field = models.BooleanField()


class _Concerned(Func):
    """Those of some incidents that ``Concerns`` says yes to (migration 0020)."""

    template = "ARRAY(SELECT %(function)s(%(expressions)s))"
    function = "incidents_concerned"
    output_field = ArrayField(models.BigIntegerField())

    def __init__(self, user: User, incidents: Sequence[int]) -> None:
        super().__init__(Value(user.pk), Value(list(incidents), output_field=self.output_field))


def is_there(rows: models.QuerySet[Any]) -> Subquery:
    """Whether there is such a row, asked for one incident at a time; for conditions that few incidents depend on.

    For ``EXISTS`` beside an ``OR``, PostgreSQL first gathers the answers for every incident there is.
    """
    yes = Value(True, output_field=models.BooleanField())
    return Subquery(rows.order_by().annotate(yes=yes).values("yes")[:1], output_field=models.BooleanField())


# ---- words -------------------------------------------------------------------------------------------------------

NEWEST, SPREAD = 1000, 1000  # how many documents are looked at to learn how common words are
COMMON = 200  # one of so many has them


class _Matches(Func):
    """Reads the document: the function behind ``@@``, which no index answers."""

    function = "ts_match_vq"
    output_field = models.BooleanField()

    def __init__(self, query: Any, **extra: Any) -> None:
        super().__init__(F("document"), query, **extra)


# The query stands apart so that the planner knows nothing about it and takes the index of words. Numbers that are
# multiples of a power of two stay the same from search to search, and so in the database's memory.
_FIND = """
    WITH asked AS MATERIALIZED (SELECT {query} AS words),
    newest AS (SELECT ts_match_vq(document, words) AS fits FROM asked,
        (SELECT document FROM {table} ORDER BY created_at DESC, id DESC LIMIT {newest}) AS read),
    steps AS (SELECT greatest(1, 2 ^ ceil(log(2, greatest(max(id), 1)::numeric / {spread}))) AS step FROM {table}),
    spread AS (SELECT ts_match_vq(document, words) AS fits FROM asked, {table} WHERE id = ANY(
        ARRAY(SELECT step * nth FROM steps, generate_series(1, {spread}) AS nth)::bigint[])),
    common AS MATERIALIZED (SELECT bool_and(enough) AS is_common FROM (
        SELECT count(*) FILTER (WHERE fits) * {common} > count(*) AS enough FROM newest
        UNION ALL SELECT count(*) FILTER (WHERE fits) * {common} > count(*) FROM spread) AS samples)
    SELECT is_common, ARRAY(
        SELECT id FROM {table} WHERE NOT (SELECT is_common FROM common)
        AND document @@ (SELECT words FROM asked) LIMIT {most} + 1)
    FROM common
"""


def _numbers_with(query: SearchQuery) -> list[int] | None:
    """The numbers of all incidents that have some words; None where they are too many to name.

    Words are common if enough of the newest documents have them, and enough of some that are spread over all years.
    """
    model: Any = Notification  # any model: the query asks no column
    resolved = query.resolve_expression(model.objects.all().query)
    sql, params = resolved.as_sql(model.objects.all().query.get_compiler(connection=connection), connection)
    values = {"newest": NEWEST, "spread": SPREAD, "common": COMMON, "most": MOST_FOUND}
    with connection.cursor() as cursor:
        cursor.execute(_FIND.format(query=sql, table="incidents_incident", **values), params)
        is_common, found = cursor.fetchone()
    return None if is_common or len(found) > MOST_FOUND else found


class IncidentManager(models.Manager.from_queryset(IncidentQuerySet)):  # type: ignore[misc]
    """Leaves the words that only searches read where they are, and locks incidents before they are changed."""

    def get_queryset(self) -> IncidentQuerySet:
        """Incidents without their documents."""
        rows: IncidentQuerySet = super().get_queryset().defer("note_words", "document")
        return rows

    def locked(self, pk: int) -> Any:
        """The incident, locked for this transaction. Raises Incident.DoesNotExist."""
        return self.select_for_update(of=("self",)).get(pk=pk)

    def locked_if_free(self, pk: int) -> Any:
        """The same for sweeps with more to do: None where somebody holds it."""
        return self.select_for_update(of=("self",), skip_locked=True).filter(pk=pk).first()
