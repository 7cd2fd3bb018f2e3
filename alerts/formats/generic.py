"""Muster's own webhook, for anything that can send JSON: one alert a request.

``title``, ``dedup_key``, ``status``, ``severity``, ``description``, ``link`` and
``labels``; every other field is ignored.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from alerts.formats import severities
from alerts.formats.delivery import (
    DESCRIPTION_LIMIT,
    Delivery,
    Item,
    Unusable,
    Warnings,
    as_object,
    key,
    labels,
    link,
    scalar,
    titled,
)
from core.text import clean

_Status = Literal["firing", "acknowledged", "resolved"]

_STATUSES: dict[str, _Status] = {
    "firing": "firing",
    "trigger": "firing",
    "triggered": "firing",
    "acknowledge": "acknowledged",
    "acknowledged": "acknowledged",
    "resolve": "resolved",
    "resolved": "resolved",
    "ok": "resolved",
}


def group_key(payload: object, *, event_key: str = "") -> str:
    """The sender's ``dedup_key``. A firing alert may leave it out and then gets ``event_key``, unique to the request.

    Raises Unusable where it is missing and the alert does not fire, or ``event_key`` is empty.
    """
    root = as_object(payload)
    if given := key(scalar(root.get("dedup_key"))):
        return given
    if _status(root, warnings=Warnings()) != "firing" or not event_key:
        raise Unusable("dedup_key says which alert is meant, and is missing", "dedup_key")
    return key(event_key)


def parse(payload: object, *, received_at: datetime, default_severity: str, event_key: str = "") -> Delivery:
    """Read one alert; what it says about itself makes the only item, fingerprinted by its key.

    An acknowledgement is no alert and has no items. Raises Unusable where the body is not an object, a firing alert
    has no title, or the key is missing (see ``group_key``).
    """
    root = as_object(payload)
    warnings = Warnings()
    status = _status(root, warnings=warnings)
    identity = group_key(root, event_key=event_key)
    title = titled(scalar(root.get("title")))
    if not title and status == "firing":
        raise Unusable("a firing alert needs a title", "title")
    severity = _severity(root, default=default_severity, warnings=warnings)
    facts = labels(root.get("labels"), warnings=warnings, name="labels")
    address = link(root.get("link"))
    if root.get("link") and not address:
        warnings.add("link: not an http or https address, left out")
    return Delivery(
        group_key=identity,
        title=title,
        description=clean(scalar(root.get("description")), limit=DESCRIPTION_LIMIT),
        status=status,
        severity=severity,
        facts=facts,
        items=()
        if status == "acknowledged"
        else (
            Item(
                fingerprint=identity,
                title=title,
                status=status,
                severity=severity,
                labels=facts,
                annotations={},
                link=address,
                started_at=None,
                ended_at=None,
            ),
        ),
        link=address,
        warnings=warnings.all(),
    )


def _status(root: Mapping[str, object], *, warnings: Warnings) -> _Status:
    word = scalar(root.get("status")).strip().lower()
    status = _STATUSES.get(word)
    if status is None and root.get("status") not in (None, ""):
        warnings.add(f"status {word[:40]!r} is unknown, taken for firing")
    return status or "firing"


def _severity(root: Mapping[str, object], *, default: str, warnings: Warnings) -> str:
    word = scalar(root.get("severity")).strip()
    severity = severities.known(word)
    if severity is None and word:
        warnings.add(f"severity {word[:40]!r} is unknown, taken for {default}")
    return severity or default
