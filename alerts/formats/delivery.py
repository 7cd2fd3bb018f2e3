"""What every format makes of a monitor's request, and the rules that all of them share.

Sizes: a title has at most 255 characters, a description 16,000, a link 2,000, a key 255. At most 64 labels, with
names of 128 and values of 4,096 characters. Everything has passed ``core.text.clean``.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

from core.text import clean, single_line

TITLE_LIMIT = 255
DESCRIPTION_LIMIT = 16_000
LINK_LIMIT = 2000
KEY_LIMIT = 255
EARLIEST_YEAR = 1970
LABEL_COUNT = 64
LABEL_NAME_LIMIT = 128
LABEL_VALUE_LIMIT = 4096
WARNING_COUNT = 20

# Rules and runbooks read these: they stay when a sender has more labels than we keep.
_KEPT_FIRST = ("alertname", "severity", "service", "team", "cluster", "environment", "namespace", "job", "instance")


class Unusable(ValueError):
    """The request as a whole has the wrong shape; ``field`` names the place in it, "" for the whole."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One alert. ``started_at`` and ``ended_at`` are the sender's words in UTC, never later than the receipt.

    ``ended_at`` is None while it fires, and where the sender did not say; it is never earlier than ``started_at``.
    """

    fingerprint: str
    title: str
    status: Literal["firing", "resolved"]
    severity: str
    labels: dict[str, str]
    annotations: dict[str, str]
    link: str
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request, in our words. ``items`` have distinct fingerprints.

    ``truncated`` counts alerts of the group that are not among ``items``: an alert that is absent is never to be taken
    for resolved, and while ``truncated`` is not 0 a resolved delivery speaks for its own items only.
    """

    group_key: str
    title: str
    description: str
    status: Literal["firing", "acknowledged", "resolved"]
    severity: str
    facts: dict[str, str]
    items: tuple[Item, ...]
    link: str
    truncated: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Warnings:
    """Collects what was mended or left out: each remark once, and no more than 20."""

    _remarks: dict[str, None] = field(default_factory=dict)
    _unsaid: int = 0

    def add(self, remark: str) -> None:
        """Note ``remark``, unless it has been said."""
        if remark in self._remarks:
            return
        if len(self._remarks) < WARNING_COUNT:
            self._remarks[remark] = None
        else:
            self._unsaid += 1

    def all(self) -> tuple[str, ...]:
        """The remarks in order, and how many more there were."""
        more = (f"and {self._unsaid} more warnings",) if self._unsaid else ()
        return (*self._remarks, *more)


def as_object(payload: object) -> Mapping[str, object]:
    """The payload as a JSON object, or Unusable."""
    if not isinstance(payload, dict):
        raise Unusable("the body is not a JSON object")
    return payload


def scalar(value: object) -> str:
    """A JSON text, number or boolean as text; "" for null, lists and objects."""
    return clean(value) if isinstance(value, str | int | float) else ""


def hashed(value: object) -> str:
    """A key made of JSON data: "sha256:" and the hex digest, the same whatever the order of names."""
    return _digest(json.dumps(value, sort_keys=True, default=str))


def key(text: str) -> str:
    """``text`` on one line as a key: itself up to 255 characters, longer ones as "sha256:" and the hex digest."""
    line = single_line(text)
    return line if len(line) <= KEY_LIMIT else _digest(line)


def labels(value: object, *, warnings: Warnings, name: str) -> dict[str, str]:
    """``value`` as bounded labels; anything that is not an object gives none. ``name`` is for the warnings."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        warnings.add(f"{name}: not an object, left out")
        return {}
    names = list(value)
    if len(names) > LABEL_COUNT:
        warnings.add(f"{name}: more than {LABEL_COUNT}, the rest left out")
        names = sorted(names, key=lambda label: label not in _KEPT_FIRST)[:LABEL_COUNT]
    bounded = {}
    for label in names:
        text = _label_text(value[label])
        if len(text) > LABEL_VALUE_LIMIT:
            warnings.add(f"{name}: a value longer than {LABEL_VALUE_LIMIT} characters was cut")
        bounded[single_line(label, limit=LABEL_NAME_LIMIT)] = clean(text, limit=LABEL_VALUE_LIMIT)
    bounded.pop("", None)
    return bounded


def link(value: object) -> str:
    """``value`` where it is an http or https address of at most 2,000 characters, otherwise ""."""
    if not isinstance(value, str) or len(value) > LINK_LIMIT:
        return ""
    address = clean(value).strip()
    if any(character.isspace() or not character.isprintable() for character in address):
        return ""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return ""
    return address if usable else ""


def moment(value: object) -> datetime | None:
    """An RFC 3339 time as UTC, cut to microseconds; without an offset it is read as UTC.

    None for anything else and for the years before 1970: the year 1 is how programs written in Go say "no time", and
    what else is so early is the clock of a machine that has lost its time.
    """
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None if at.year < EARLIEST_YEAR else at


def span(
    started: object, ended: object, *, is_firing: bool, received_at: datetime
) -> tuple[datetime | None, datetime | None]:
    """Start and end of an alert, clamped: no start and no end after the receipt, no end before the start.

    A sender's clock may be wrong, and the end of a firing alert is none.
    """
    started_at, ended_at = moment(started), moment(ended)
    if started_at is not None:
        started_at = min(started_at, received_at)
    if is_firing or ended_at is None:
        return started_at, None
    ended_at = min(ended_at, received_at)
    return started_at, ended_at if started_at is None else max(started_at, ended_at)


def titled(text: str, suffix: str = "") -> str:
    """A title on one line that is cut, where it must be, before its ``suffix``."""
    return single_line(text, limit=TITLE_LIMIT - len(suffix)) + suffix


def first_text(values: Iterable[object]) -> str:
    """The first value that holds more than white space, as text; "" if none does."""
    return next((text for text in map(scalar, values) if text.strip()), "")


def _label_text(value: object) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else clean(value)


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
