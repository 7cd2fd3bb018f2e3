"""Subscribers from a file, and as one (CSV, RFC 4180); as harmless to spreadsheets as every file of ours."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import audit
from core import pagination
from core.work import nudge
from incidents.export import BYTE_ORDER_MARK, CHUNK, harmless, lines
from notifications import signing
from statuspage.models import Component, Delivery, StatusPage, Subscriber
from statuspage.subscribing import SWEEPS, Kind, checked_address, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from accounts.models import User
    from statuspage.querysets import SubscriberQuerySet

COLUMNS = ("address", "kind", "components", "state", "created_at", "confirmed_at", "ended_at", "ended_why")
LARGEST = 5 * 1024 * 1024
MOST_LINES = 50_000
MISTAKES_SHOWN = 10
AT_ONCE = 2000
ADDRESS_NAMES = ("address", "email", "e-mail")

_Wanted = dict[tuple[str, str], list[Component]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import did: ``known`` ones stay as they are, but for those whose consent it brings."""

    new: int
    known: int
    confirmed: int

    @property
    def words(self) -> str:
        """For a message."""
        said = f"{self.new:,} added, {self.known:,} known already"
        return f"{said}, of which {self.confirmed:,} confirmed now." if self.confirmed else f"{said}."


@transaction.atomic
def take(page: StatusPage, *, text: str, has_consent: bool, by: User, now: datetime | None = None) -> Taken:
    """Add the addresses of a file: confirmed where an admin says that they all agreed, asked otherwise. Whoever has
    left stays out. Nothing is added where any line is wrong: raises ValidationError, which names the lines."""
    now = now or timezone.now()
    wanted = _read(page, text)
    list(StatusPage.objects.select_for_update(no_key=True).filter(pk=page.pk).values_list("pk"))  # one import at a time
    known = _known(page, wanted)
    new = {key: components for key, components in wanted.items() if key not in known}
    made = _add(page, new, has_consent=has_consent, now=now)
    late = [pk for pk, confirmed_at, ended_at in known.values() if not confirmed_at and not ended_at]
    confirmed = Subscriber.objects.filter(pk__in=late).update(confirmed_at=now) if has_consent else 0
    found = Taken(new=len(made), known=len(wanted) - len(made), confirmed=confirmed)
    after = {"imported subscribers": found.new, "with consent": has_consent, "confirmed": confirmed}
    audit.record(by=by, action="changed", on=page, after=after)
    nudge(*SWEEPS)
    return found


def _read(page: StatusPage, text: str) -> _Wanted:
    if "\0" in text:
        raise ValidationError("The file holds characters that no address has.")
    names = {name: part for part in page.components.all() for name in (part.name.casefold(), part.public_id)}
    found: _Wanted = {}
    mistakes: list[str] = []
    try:
        rows = [
            (number, row) for number, row in enumerate(csv.reader(io.StringIO(text)), 1) if any(map(str.strip, row))
        ]
    except csv.Error:
        raise ValidationError("The file is no CSV.") from None
    if len(rows) > MOST_LINES:
        raise ValidationError(f"The file has more than {MOST_LINES:,} lines.")
    places = _places(rows[0][1]) if rows else {}
    for number, row in rows[1:] if places else rows:
        cells = {
            name: row[place].strip()
            for name, place in (places or {"address": 0, "components": 1}).items()
            if place < len(row)
        }
        if cells.get("state", "active") != "active":
            continue
        try:
            key = checked_address(cells.get("address", "").removeprefix("'"))
            found.setdefault(key, _components(cells.get("components", ""), names))
        except ValidationError as error:
            mistakes.append(f"Line {number}: {error.messages[0]}")
    if mistakes:
        more = [f"{len(mistakes) - MISTAKES_SHOWN:,} more lines are wrong."] if len(mistakes) > MISTAKES_SHOWN else []
        raise ValidationError([*mistakes[:MISTAKES_SHOWN], *more])
    if not found:
        raise ValidationError("There is no address in it.")
    return found


def _places(first: list[str]) -> dict[str, int]:
    """Where the columns are, by a first line that names them; empty where it is an address already."""
    names = [cell.strip().casefold().removeprefix(BYTE_ORDER_MARK) for cell in first]
    places: dict[str, int] = {name: names.index(name) for name in ("components", "state") if name in names}
    address = next((names.index(name) for name in ADDRESS_NAMES if name in names), None)
    return {} if address is None else {"address": address, **places}


def _components(cell: str, names: dict[str, Component]) -> list[Component]:
    found = []
    for name in filter(None, (part.strip().removeprefix("'") for part in cell.split(";"))):
        component = names.get(name) or names.get(name.casefold())
        if component is None:
            raise ValidationError(f"There is no component “{name[:80]}” on this page.")
        found.append(component)
    return found


def _known(page: StatusPage, wanted: _Wanted) -> dict[tuple[str, str], tuple[int, datetime | None, datetime | None]]:
    keys = list(wanted)
    found: dict[tuple[str, str], tuple[int, datetime | None, datetime | None]] = {}
    for start in range(0, len(keys), AT_ONCE):
        addresses = [address for _, address in keys[start : start + AT_ONCE]]
        rows = Subscriber.objects.filter(page=page, address__in=addresses)
        for row in rows.only("kind", "address", "confirmed_at", "ended_at"):
            if (row.kind, row.address) in wanted:
                found[row.kind, row.address] = (row.pk, row.confirmed_at, row.ended_at)
    return found


def _add(page: StatusPage, new: _Wanted, *, has_consent: bool, now: datetime) -> list[Subscriber]:
    """Those that were added: not who has asked by themselves in this very moment."""
    rows = Subscriber.objects.bulk_create(
        [
            Subscriber(
                page=page,
                kind=kind,
                address=address,
                signing_secret=signing.new_secret() if kind == Kind.WEBHOOK else "",
                created_at=now,
                confirmed_at=now if has_consent else None,
                asked_at=None if has_consent else now,
            )
            for kind, address in new
        ],
        batch_size=AT_ONCE,
        ignore_conflicts=True,
    )
    made = _written(page, rows)
    wish = Subscriber.components.through
    wish.objects.bulk_create(
        [
            wish(subscriber_id=subscriber.pk, component_id=component.pk)
            for subscriber in made
            for component in set(new[Kind(subscriber.kind), subscriber.address])
        ],
        batch_size=AT_ONCE,
    )
    if not has_consent:
        Delivery.objects.bulk_create([Delivery(subscriber=each, due_at=now) for each in made], batch_size=AT_ONCE)
    return made


def _written(page: StatusPage, rows: list[Subscriber]) -> list[Subscriber]:
    """Those of the rows that are in the database, with their keys."""
    found: list[Subscriber] = []
    for start in range(0, len(rows), AT_ONCE):
        tokens = [row.token for row in rows[start : start + AT_ONCE]]
        found += Subscriber.objects.filter(page=page, token__in=tokens).order_by("pk")
    return found


def chunks(rows: SubscriberQuerySet) -> Iterator[bytes]:
    """The subscribers as a file, ``CHUNK`` rows at a time."""
    yield lines([COLUMNS], opening=BYTE_ORDER_MARK)
    cursor: str | None = None
    while True:
        page = pagination.page(rows.prefetch_related("components"), sort=("pk",), cursor=cursor, limit=CHUNK)
        yield lines([_cells(subscriber) for subscriber in page.items])
        cursor = page.next
        if cursor is None:
            return


def _cells(subscriber: Subscriber) -> list[str]:
    return [
        harmless(subscriber.address),
        subscriber.kind,
        harmless(";".join(component.name for component in subscriber.components.all())),
        state_of(subscriber),
        *(_time(at) for at in (subscriber.created_at, subscriber.confirmed_at, subscriber.ended_at)),
        subscriber.ended_why,
    ]


def _time(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""
