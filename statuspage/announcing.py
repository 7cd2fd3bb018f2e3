"""From a maintenance window to what pages tell and subscribers hear of it: each step once, a reminder a day before.

``Announced`` keeps what a page has told of a window: what time or people changed since is found by looking.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q

from catalog.models import MaintenanceWindow
from core.text import single_line
from core.work import each, give_back_when_frozen, nudge
from statuspage import addresses, maintenance_words, pages, words
from statuspage.models import Announced, Component, Mailing, StatusPage

if TYPE_CHECKING:
    from datetime import datetime

State = MaintenanceWindow.State

REMINDED_BEFORE = timedelta(days=1)
NEWS_FOR = timedelta(days=1)  # what began or ended longer ago is told by the page alone
LOOKED_AT_FOR = timedelta(days=7)  # after its announced end
SUBJECT_LIMIT = 200
_STEPS: dict[str, str] = {State.IN_PROGRESS: "begins", State.COMPLETED: "ends", State.CANCELLED: "cancelled"}


@dataclass(frozen=True, slots=True)
class _Telling:
    """A window as a page is to tell it. ``parts`` are the page's components that it concerns."""

    window: MaintenanceWindow
    page: StatusPage
    parts: tuple[Component, ...]
    announced: Announced | None
    now: datetime

    @property
    def state(self) -> str:
        return str(self.window.state_at(self.now))

    @property
    def names(self) -> list[str]:
        return [part.public_id for part in self.parts]


def announce_due(*, now: datetime) -> int:
    """Have pages and their subscribers told of what changed with announced maintenance; returns how many windows."""
    return sum(each(_due(now=now), partial(_announce, now=now)))


def _due(*, now: datetime) -> list[int]:
    """Primary keys of windows that some page has something to tell of."""
    windows = {row.pk: row for row in MaintenanceWindow.objects.filter(ends_at__gt=now - LOOKED_AT_FOR)}
    if not windows:
        return []
    concerned = _parts_of(windows)
    told = {(row.maintenance_id, row.page_id): row for row in Announced.objects.filter(maintenance__in=windows)}
    due = {
        pk
        for (pk, page), parts in concerned.items()
        if windows[pk].is_public and _is_due(windows[pk], parts, told.get((pk, page)), now=now)
    }
    due |= {pk for pk, page in told if not windows[pk].is_public or (pk, page) not in concerned}
    return sorted(due)


def _parts_of(windows: Any) -> dict[tuple[int, int], list[Component]]:
    """The components that windows concern, in their order, by window and page."""
    links = MaintenanceWindow.services.through.objects.filter(maintenancewindow__in=windows)
    mapped = Component.services.through.objects.filter(service__in=links.values("service"))
    components = Component.objects.filter(pk__in=mapped.values("component")).in_bulk()
    by_service: dict[int, set[int]] = defaultdict(set)
    for component, service in mapped.values_list("component", "service"):
        by_service[service].add(component)
    found: dict[tuple[int, int], dict[int, Component]] = defaultdict(dict)
    for window, service in links.values_list("maintenancewindow", "service"):
        for pk in by_service[service]:
            found[window, components[pk].page_id][pk] = components[pk]
    return {key: sorted(parts.values(), key=lambda part: (part.position, part.pk)) for key, parts in found.items()}


def _is_due(window: MaintenanceWindow, parts: list[Component], row: Announced | None, *, now: datetime) -> bool:
    if row is None or row.seen_at != window.updated_at or row.state != window.state_at(now):
        return True
    return row.components != [part.public_id for part in parts] or _wants_reminder(window, row, now=now)


def _wants_reminder(window: MaintenanceWindow, row: Announced, *, now: datetime) -> bool:
    """Whether it is time, and nothing was said since."""
    at = window.starts_at - REMINDED_BEFORE
    is_coming = window.state_at(now) == State.SCHEDULED and now >= at
    return is_coming and row.told_at is not None and row.told_at < at


@transaction.atomic
def _announce(pk: int, *, now: datetime) -> int:
    """Every page's news of one window. Whoever changes the window waits for this, and it for them."""
    window = MaintenanceWindow.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=pk).first()
    if window is None:
        return 0
    give_back_when_frozen()
    held = _hold_pages(window)
    concerned = {page: parts for (_, page), parts in _parts_of([pk]).items()} if window.is_public else {}
    told = {row.page_id: row for row in Announced.objects.filter(maintenance=window)}
    gone = told.keys() - concerned.keys()
    Announced.objects.filter(maintenance=window, page__in=gone).delete()
    due = [page for page in held if page in concerned and _is_due(window, concerned[page], told.get(page), now=now)]
    for page in due:
        _tell(_Telling(window, held[page], tuple(concerned[page]), told.get(page), now))
    pages.changed([*due, *gone], now=now)
    nudge("statuspage.render_due", "statuspage.fan_out_due")
    return 1


def _hold_pages(window: MaintenanceWindow) -> dict[int, StatusPage]:
    """The pages that may have something to tell of it: nobody changes or removes one until the transaction ends."""
    concerned = Q(components__services__maintenance_windows=window) | Q(announced__maintenance=window)
    rows = StatusPage.objects.filter(pk__in=StatusPage.objects.filter(concerned).values("pk"))
    return {page.pk: page for page in rows.select_for_update(no_key=True).defer("logo").order_by("pk")}


def _tell(telling: _Telling) -> None:
    """Mail what is news, and keep what the page tells now."""
    window, row = telling.window, telling.announced or _announced_anew(telling)
    step = _step(telling)
    if step == "changed":
        row.changes += 1
    if step and not window.is_demo:
        _mail(telling, step, changes=row.changes)
        row.told_at = telling.now
    row.state, row.seen_at, row.components = telling.state, window.updated_at, telling.names
    row.title, row.starts_at, row.ends_at = window.title, window.starts_at, window.ends_at
    row.save()


def _announced_anew(telling: _Telling) -> Announced:
    """For a window that the page does not show yet, or not any more: what was mailed of it before keeps its keys."""
    earlier = Mailing.objects.filter(page=telling.page, key__startswith=f"{_key(telling)}/changed/")
    return Announced(page=telling.page, maintenance=telling.window, changes=earlier.count())


def _step(telling: _Telling) -> str:
    """What is news, in the words of ``maintenance_words.STEPS``; nothing where nothing is."""
    window, row, now = telling.window, telling.announced, telling.now
    if row is None and telling.state == State.SCHEDULED and (heard := _heard_before(telling)):
        return "changed" if heard != _facts(_payload(telling, "changed")) else ""
    if row is None:
        return {State.SCHEDULED: "announced", State.IN_PROGRESS: "begins"}.get(State(telling.state), "")
    if telling.state != row.state:
        at = {State.IN_PROGRESS: window.starts_at, State.COMPLETED: window.over_at}.get(State(telling.state), now)
        return _STEPS.get(telling.state, "") if now - at <= NEWS_FOR else ""
    facts = (window.title, window.starts_at, window.ends_at, telling.names)
    is_open = telling.state in (State.SCHEDULED, State.IN_PROGRESS)
    if is_open and facts != (row.title, row.starts_at, row.ends_at, row.components):
        return "changed"
    return "reminder" if _wants_reminder(window, row, now=now) else ""


def _heard_before(telling: _Telling) -> Any:
    """What subscribers heard last of a window that was taken off the page and is announced again."""
    last = Mailing.objects.filter(page=telling.page, maintenance=telling.window).order_by("id").last()
    return last and _facts(last.payload)


def _facts(payload: dict[str, Any]) -> Any:
    told = payload["maintenance"]
    return told["name"], told["scheduled_for"], told["scheduled_until"], payload["components"]


# ---- mailings ----------------------------------------------------------------------------------------------------


def _mail(telling: _Telling, step: str, *, changes: int) -> None:
    window, page = telling.window, telling.page
    own = maintenance_words.of(page.locale)
    key = f"{_key(telling)}/{step}"
    if step == "changed" or (step == "reminder" and changes):
        key += f"/{changes}"
    fields: dict[str, Any] = {
        "kind": Mailing.Kind.MAINTENANCE,
        "maintenance": window,
        "subject": single_line(own[step].format(title=window.title), limit=SUBJECT_LIMIT),
        "text": _text(telling, step, own),
        "payload": _payload(telling, step),
        "created_at": telling.now,
    }
    mailing, is_new = Mailing.objects.get_or_create(page=page, key=key, defaults=fields)
    if is_new:
        mailing.components.set(telling.parts)


def _key(telling: _Telling) -> str:
    return f"maintenance/{telling.window.pk}"


def _text(telling: _Telling, step: str, own: dict[str, str]) -> str:
    window, row, said = telling.window, telling.announced, words.of(telling.page)
    span = said.span(window.starts_at, window.ends_at)
    when = {
        "begins": own["until"].format(end=said.full(window.ends_at)),
        "ends": own["ended"].format(at=said.full(window.over_at)),
        "cancelled": own["not_then"].format(span=span),
    }.get(step, span)
    lines = [window.title, when]
    if step == "changed" and row is not None and (row.starts_at, row.ends_at) != (window.starts_at, window.ends_at):
        lines.append(own["before"].format(span=said.span(row.starts_at, row.ends_at)))
    lines.append(own["affected"].format(names=said.listed([part.name for part in telling.parts])))
    blocks = ["\n".join(lines)]
    if window.description and step in ("announced", "changed", "reminder", "begins"):
        blocks.append(window.description)
    return "\n\n".join(blocks)


def _payload(telling: _Telling, step: str) -> dict[str, Any]:
    window = telling.window
    return {
        "step": step,
        "maintenance": {
            "id": window.public_id,
            "name": window.title,
            "body": window.description,
            "status": telling.state,
            "scheduled_for": _stamp(window.starts_at),
            "scheduled_until": _stamp(window.over_at),
            "shortlink": addresses.maintenance_of(telling.page, window.public_id),
        },
        "components": [{"id": part.public_id, "name": part.name} for part in telling.parts],
    }


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
