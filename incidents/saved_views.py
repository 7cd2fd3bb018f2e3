"""Ways of looking at the list that people keep under a name.

A view is the list's query string: tab, filters and order, never the place in it. It is kept in one spelling, so that a
list knows by comparing texts which of somebody's views it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from core.text import clean, single_line
from incidents import listing
from incidents.models import SavedView

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

MOST = 50  # views of one person
NAME_LIMIT = 60
QUERY_LIMIT = 2000

# What the list's address may say beside the place in it: its filters (incidents.filters), tab and order.
FILTERS = ("q", "severity", "status", "service", "team", "assignee", "mine", "since", "until")
DEFAULTS = {"period": listing.PERIODS[0], "sort": listing.DEFAULT_SORT}
KEYS = frozenset((*FILTERS, *DEFAULTS))


def normalised(query: str) -> str:
    """A query string of the list in its one spelling: known names only, in alphabetical order, each once with its
    last value, without empty ones and without those that say what the list does anyway."""
    pairs = parse_qsl(query.removeprefix("?"), errors="replace")
    return urlencode(_told(pairs))


def _told(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    last = {name: clean(value).strip() for name, value in pairs if name in KEYS}
    return sorted((name, value) for name, value in last.items() if value and DEFAULTS.get(name) != value)


@transaction.atomic
def save(*, name: str, query: str, by: User, now: datetime | None = None) -> tuple[SavedView, bool]:
    """Keep a view under a name of its owner's; also whether it took the place of an older one of that name.

    Raises ValidationError for an empty name, a query that is too long, and the view after the ``MOST``-th.
    """
    name, query = single_line(name), normalised(query)
    if not name:
        raise ValidationError({"name": "Give the view a name."})
    if len(name) > NAME_LIMIT:
        raise ValidationError({"name": f"At most {NAME_LIMIT} characters."})
    if len(query) > QUERY_LIMIT:
        raise ValidationError({"query": "These filters are too long to keep."})
    User.objects.select_for_update().only("pk").get(pk=by.pk)  # two tabs cannot both keep the last that is allowed
    mine = SavedView.objects.visible_to(by)
    view = mine.filter(name=name).first()
    if view:
        view.query = query
        view.save(update_fields=["query"])
        return view, True
    if mine.count() >= MOST:
        raise ValidationError({"name": f"You have {MOST} views; delete one first."})
    times = {"created_at": now} if now else {}
    return SavedView.objects.create(user=by, name=name, query=query, **times), False


def delete(view: SavedView, *, by: User) -> None:
    """Forget a view of one's own."""
    SavedView.objects.visible_to(by).filter(pk=view.pk).delete()
