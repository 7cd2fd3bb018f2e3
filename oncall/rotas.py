"""Schedules as rows become rotas that ``oncall.shifts`` computes with."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from accounts.models import User
from core.time_zones import zone
from core.together import together
from oncall.models import CalendarSource, ImportedTurn, Layer, Override, Participant
from oncall.shifts import OVERRIDE, Calendar, Rota, Rotation, Turn
from oncall.windows import of_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from django.db.models import QuerySet

    from core.together import Rows
    from oncall.models import Schedule
    from oncall.schedule_changes import Draft


def read(
    schedules: QuerySet[Schedule], *, start: datetime, end: datetime | None = None, keys: Sequence[int] | None = None
) -> tuple[dict[int, Rota], dict[int, User]]:
    """Rotas by schedule, right for every instant of an interval, and everybody in them by key. One statement, and
    another where a layer is a calendar; cheaper where the ``keys`` of the schedules are known.

    Without an ``end`` they are right for every later instant too.
    """
    parts = querysets(schedules, start=start, end=end, keys=keys)
    late = {name: parts.pop(name) for name in ("sources", "imported")}
    found = together(**parts, users=_named_by(parts["participants"], parts["overrides"]))
    users = {user.pk: user for user in found["users"]}
    if not any(row["calendar_url"] for row in found.plain("layers")):
        return build(found, calendars={}), users
    more = together(**late, users=_named_by(late["imported"]))
    return build(found, calendars=_calendars(more)), users | {user.pk: user for user in more["users"]}


def _named_by(*parts: QuerySet[Any]) -> QuerySet[User]:
    named = Q()
    for part in parts:
        named |= Q(pk__in=part.order_by().values("user"))
    return User.objects.filter(named).defer("password").order_by("id")


def querysets(
    schedules: QuerySet[Schedule], *, start: datetime, end: datetime | None, keys: Sequence[int] | None = None
) -> dict[str, QuerySet[Any]]:
    """What ``build`` needs of some schedules, to be read together."""
    known: Any = schedules.order_by().values("pk") if keys is None else keys
    layers = Layer.objects.filter(schedule__in=known)
    return {
        "schedules": schedules.only("time_zone"),
        "layers": layers.order_by("schedule_id", "position"),
        "participants": Participant.objects.filter(layer__in=layers.values("pk")).order_by("layer_id", "position"),
        "overrides": Override.objects.within(start, end).filter(schedule__in=known),
        "sources": (sources := CalendarSource.objects.filter(schedule__in=known).only("schedule_id", "url")),
        "imported": ImportedTurn.objects.within(start, end).filter(source__in=sources.order_by().values("pk")),
    }


def build(found: Rows, *, calendars: Mapping[tuple[int, str], list[Turn]] | None = None) -> dict[int, Rota]:
    """Rotas of what was read, by the key of their schedule. Holders are keys of people. What came from calendars is
    among what was read, where it is not given."""
    people: dict[int, list[int]] = defaultdict(list)
    for row in found.plain("participants"):
        people[row["layer_id"]].append(row["user_id"])
    zones = {row["id"]: zone(row["time_zone"]) for row in found.plain("schedules")}
    calendars = _calendars(found) if calendars is None else calendars
    layers: dict[int, list[Rotation | Calendar]] = defaultdict(list)
    for row in found.plain("layers"):
        if row["calendar_url"]:
            imported = calendars.get((row["schedule_id"], row["calendar_url"]), [])
            layers[row["schedule_id"]].append(Calendar.of(row["name"], imported))
            continue
        layers[row["schedule_id"]].append(
            Rotation(
                name=row["name"],
                zone=zones[row["schedule_id"]],
                unit=row["unit"],
                length=row["length"],
                handoff=time.fromisoformat(row["handoff"]),
                starts_on=date.fromisoformat(row["starts_on"]),
                people=tuple(people[row["id"]]),
                ends_on=date.fromisoformat(row["ends_on"]) if row["ends_on"] else None,
                windows=of_json(row["windows"]),
            )
        )
    turns: dict[int, list[Turn]] = defaultdict(list)
    for row in found.plain("overrides"):
        starts_at, ends_at = map(datetime.fromisoformat, (row["starts_at"], row["ends_at"]))
        turns[row["schedule_id"]].append(Turn(row["user_id"], starts_at, ends_at))
    return {pk: Rota(tuple(layers[pk]), Calendar.of(OVERRIDE, turns[pk])) for pk in zones}


def _calendars(found: Rows) -> dict[tuple[int, str], list[Turn]]:
    """What came from calendars, by schedule and address."""
    places = {row["id"]: (row["schedule_id"], row["url"]) for row in found.plain("sources")}
    turns: dict[tuple[int, str], list[Turn]] = defaultdict(list)
    for row in found.plain("imported"):
        starts_at, ends_at = map(datetime.fromisoformat, (row["starts_at"], row["ends_at"]))
        turns[places[row["source_id"]]].append(Turn(row["user_id"], starts_at, ends_at))
    return turns


def imported(schedule: Schedule, *, start: datetime, end: datetime) -> dict[str, list[Turn]]:
    """What was read from each calendar of a schedule, by its address."""
    turns: dict[str, list[Turn]] = defaultdict(list)
    rows = ImportedTurn.objects.within(start, end).filter(source__schedule=schedule).select_related("source")
    for row in rows:
        turns[row.source.url].append(Turn(row.user_id, row.starts_at, row.ends_at))
    return turns


def planned(
    drafts: Sequence[Draft],
    zone: ZoneInfo,
    *,
    like: Rota | None = None,
    calendars: Mapping[str, Sequence[Turn]] | None = None,
) -> Rota:
    """The rota that layers would make, under the overrides of a present one, as far as calendars are read already."""
    layers = [
        Calendar.of(draft.name, (calendars or {}).get(draft.calendar_url, ()))
        if draft.calendar_url
        else Rotation(
            name=draft.name,
            zone=zone,
            unit=draft.unit,
            length=draft.length,
            handoff=draft.handoff,
            starts_on=draft.starts_on,
            people=tuple(each.pk for each in draft.people),
            ends_on=draft.ends_on,
            windows=draft.windows,
        )
        for draft in drafts
    ]
    return Rota(tuple(layers), like.overrides if like else Calendar(OVERRIDE))
