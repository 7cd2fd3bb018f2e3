"""Runners: made, given a new token, switched, and heard of. The token exists only in the answer that makes it."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from automation.models import Runner
from core.digests import digest_of
from core.text import clean, single_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from accounts.models import User

PREFIX = "mrn_"
PREFIX_LENGTH = 10
EDITABLE = ("name", "is_enabled")
HEARD_RESOLUTION = timedelta(seconds=10)
SILENT_AFTER = timedelta(minutes=1)
MOST_OFFERED = 200
OFFERS_LIMIT = 100_000  # characters of JSON


@transaction.atomic
def create(*, name: str, by: User | None, is_demo: bool = False) -> tuple[Runner, str]:
    """A new runner and its token, which cannot be shown again. Raises ValidationError."""
    runner = Runner(name=single_line(name), is_demo=is_demo)
    token = _give_token(runner)
    return audit.save(runner, by=by), token


@transaction.atomic
def update(runner: Runner, *, by: User | None, **changes: Any) -> Runner:
    """Change what ``EDITABLE`` names. Raises ValidationError."""
    unknown = changes.keys() - set(EDITABLE)
    if unknown:
        raise ValidationError(dict.fromkeys(sorted(unknown), "This cannot be edited."))
    runner = Runner.objects.select_for_update().get(pk=runner.pk)
    for name, value in changes.items():
        setattr(runner, name, value)
    runner.name = single_line(runner.name)
    return audit.save(runner, by=by)


@transaction.atomic
def rotate_token(runner: Runner, *, by: User | None) -> tuple[Runner, str]:
    """Replace the token; the old one stops working at once. Returns the new one, which is shown once."""
    runner = Runner.objects.select_for_update().get(pk=runner.pk)
    token = _give_token(runner)
    return audit.save(runner, by=by), token


def find(token: str) -> Runner | None:
    """The runner with this token, if it is on."""
    found: Runner | None = Runner.objects.filter(digest=digest_of(token), is_enabled=True).first()
    return found


def heard(runner: Runner, *, version: str, host: str, offers: object, now: datetime) -> None:
    """It asked for work, and said what its own file allows. Written when it says something new, or every 10 seconds."""
    said = {
        "version": single_line(version, limit=40),
        "host": single_line(host, limit=200),
        "offers": _readable(offers),
    }
    is_new = any(getattr(runner, name) != value for name, value in said.items())
    if is_new or not runner.is_heard(now=now, within=HEARD_RESOLUTION):
        Runner.objects.filter(pk=runner.pk).update(heard_at=now, **said)


def _readable(offers: object) -> list[dict[str, Any]]:
    """What it said of its actions, as far as it can be read and is not too much."""
    rows = [row for row in offers if isinstance(row, dict)] if isinstance(offers, list) else []
    kept = [_offer(row) for row in rows[:MOST_OFFERED]]
    return kept if len(json.dumps(kept)) <= OFFERS_LIMIT else [{"name": row["name"]} for row in kept]


def _offer(row: Mapping[str, Any]) -> dict[str, Any]:
    given = row.get("parameters")
    found = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return {
        "name": single_line(row.get("name"), limit=80),
        "description": single_line(row.get("description"), limit=300),
        "read_only": row.get("read_only") is True,
        "has_dry_run": row.get("has_dry_run") is True,
        "parameters": [{clean(key)[:20]: _plain(value) for key, value in one.items()} for one in found[:20]],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [clean(each)[:200] for each in value[:50]]
    return value if isinstance(value, int | bool) or value is None else clean(value)[:200]


def _give_token(runner: Runner) -> str:
    token = PREFIX + secrets.token_urlsafe(32)
    runner.digest, runner.prefix = digest_of(token), token[:PREFIX_LENGTH]
    return token
