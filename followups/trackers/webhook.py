"""Any other tracker: a signed request to one address.

Requests are signed after Standard Webhooks (``notifications.signing``); ``webhook-id`` is the ticket's mark, and stays
the same on every try, so that a receiver knows a repeat. Two types are sent:

* ``action_item.exported``: ``data`` says what is to be done. The answer may be ``{"key", "url", "state"}``.
* ``action_item.asked``: how the ticket ``data.key`` stands; sent only where the first answer had a ``state``. The
  answer is ``{"state": "open"}`` or ``{"state": "closed"}``.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from core.text import single_line
from followups.trackers.base import Call, Draft, Ticket
from notifications import signing

if TYPE_CHECKING:
    from datetime import datetime

    from followups.trackers.base import Account

NAME = "The webhook"
LAG = timedelta(0)
CAN_FIND = False
KEY = 100  # characters


def create(account: Account, draft: Draft) -> Ticket:
    """Tell it what is to be done."""
    data = {**draft.about, "marker": draft.marker, "title": draft.title, "text": draft.markdown()}
    found = _asked(account, "action_item.exported", data, message_id=draft.marker, makes=True)
    key = single_line(found.get("key") or "", limit=KEY)
    return Ticket(key or draft.marker, str(found.get("url") or ""), _closed(found))


def find(account: Account, marker: str, *, since: datetime) -> Ticket | None:
    """Nothing is asked: a repeat has the same id, and the receiver knows it by that."""
    return None


def look(account: Account, key: str) -> bool | None:
    """Whether it is closed, as the receiver says."""
    at = int(timezone.now().timestamp() * 1000)
    found = _asked(account, "action_item.asked", {"key": key}, message_id=f"asked_{at}", makes=False)
    return _closed(found)


def _asked(account: Account, type: str, data: dict[str, Any], *, message_id: str, makes: bool) -> dict[str, Any]:
    now = timezone.now()
    body = json.dumps({"type": type, "timestamp": now.isoformat(), "data": data}).encode()
    signed = signing.headers(account.secret, message_id=message_id, at=now, body=body)
    answer = Call(NAME, account, signed).send(account.base_url, body, makes=makes)
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):  # it need not say anything
        return {}
    return found if isinstance(found, dict) else {}


def _closed(found: dict[str, Any]) -> bool | None:
    return {"open": False, "closed": True}.get(str(found.get("state")))
