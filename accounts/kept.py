"""What somebody had written when their session ended: kept in the browser's own session until it is sent.

Nobody but that browser can read it. It is kept for a day, sent at most once and only when a person presses the button,
and gone when they sign out. Passwords, secrets, files and CSRF tokens are never part of it.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.models import Session
from django.db import transaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.sessions.backends.base import SessionBase

SESSION_KEY = "kept_forms"
FIELD = "kept_form"  # what a kept form carries when it is sent after all
MOST_FORMS = 5
MOST_CHARACTERS = 256 * 1024  # of all forms of one session together
MOST_FIELDS = 1000
KEPT_FOR = timedelta(days=1)

_NEVER = re.compile(r"passw|secret|token|(^|_)otp", re.IGNORECASE)  # csrfmiddlewaretoken among them
_MACHINERY = re.compile(r"initial-|ticket$|seen$|next$")  # carried along, and of no interest to a reader


@dataclass(frozen=True, slots=True)
class Kept:
    """One form: where it was going, the page it stood on, its fields, who had written it if that is known."""

    key: str
    path: str
    page: str
    fields: list[tuple[str, list[str]]]
    at: float
    by: int | None
    had_files: bool

    def written(self) -> list[tuple[str, list[str]]]:
        """What a person reads of it: a label and the values, without empty fields and machinery."""
        return readable(self.fields)

    def get(self, name: str) -> list[str]:
        """The values of a field."""
        return dict(self.fields).get(name, [])


def fields_of(posted: Iterable[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """The fields of a form that may be kept or shown again."""
    return [(name, list(values)) for name, values in posted if not _NEVER.search(name) and name != FIELD]


def readable(fields: Iterable[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """Labels and values for a person to read or to copy."""
    shown = [(name, [value for value in values if value.strip()]) for name, values in fields]
    return [
        (name.replace("_", " ").capitalize(), values) for name, values in shown if values and not _MACHINERY.match(name)
    ]


def keep(
    session: SessionBase,
    *,
    path: str,
    page: str,
    fields: list[tuple[str, list[str]]],
    by: int | None,
    had_files: bool,
    now: datetime,
) -> Kept | None:
    """Keep a form, and let go of the oldest ones where there are too many; None for one that is too long or empty."""
    form = Kept(secrets.token_urlsafe(9), path, page, fields, now.timestamp(), by, had_files)
    if not readable(fields) or _length(form) > MOST_CHARACTERS or len(fields) > MOST_FIELDS:
        return None
    forms = [*waiting(session, now=now), form][-MOST_FORMS:]
    while sum(map(_length, forms)) > MOST_CHARACTERS:
        forms.pop(0)
    _store(session, forms)
    return form


def waiting(session: SessionBase, *, now: datetime) -> list[Kept]:
    """The forms that are kept, the latest last."""
    oldest = (now - KEPT_FOR).timestamp()
    return [form for form in map(_read, session.get(SESSION_KEY, [])) if form.at > oldest]


def find(session: SessionBase, key: str, *, now: datetime) -> Kept | None:
    """A form by its key; None once it was sent, thrown away or is too old."""
    return next((form for form in waiting(session, now=now) if form.key == key), None)


def take(session: SessionBase, key: str, *, now: datetime) -> Kept | None:
    """A form that is about to be sent, for whoever asks first: of two presses of its button the second gets None."""
    with transaction.atomic():
        Session.objects.select_for_update().filter(pk=session.session_key).first()
        present = type(session)(session.session_key)  # ours was read before we waited
        form = find(present, key, now=now)
        if form:
            discard(present, key, now=now)
            present.save()
            discard(session, key, now=now)
    return form


def put_back(session: SessionBase, form: Kept, *, now: datetime) -> None:
    """Keep a form on that was taken and not accepted."""
    _store(session, [*waiting(session, now=now), form])


def discard(session: SessionBase, key: str, *, now: datetime) -> None:
    """Let go of a form."""
    _store(session, [form for form in waiting(session, now=now) if form.key != key])


def forget_old(session: SessionBase, *, now: datetime) -> None:
    """Let go of what is a day old; reads the session, and writes it only if there is such a form."""
    if len(session.get(SESSION_KEY, [])) > len(waiting(session, now=now)):
        _store(session, waiting(session, now=now))


def _store(session: SessionBase, forms: list[Kept]) -> None:
    if forms:
        session[SESSION_KEY] = [asdict(form) for form in forms]
    else:
        session.pop(SESSION_KEY, None)


def _read(row: dict[str, Any]) -> Kept:
    return Kept(**row | {"fields": [(name, values) for name, values in row["fields"]]})


def _length(form: Kept) -> int:
    return sum(len(name) + sum(map(len, values)) for name, values in form.fields)
