"""Signed webhooks after the Standard Webhooks specification, through the guarded HTTP client."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from django.utils import timezone

from core import http
from notifications import signing
from notifications.channels.base import Outcome, Result, Sender, retry_after
from notifications.models import Notification

Purpose = Notification.Purpose


def payload(notification: Notification, *, is_repeat: bool) -> dict[str, object]:
    """What the receiver gets; ``data.id`` and the ``webhook-id`` header stay the same on every try.

    A drill has the type of a page, for it shows whether the receiver would wake somebody; its topic and title tell.
    """
    purpose = notification.purpose
    return {
        "type": f"notification.{Purpose.PAGE if purpose == Purpose.DRILL else purpose}",
        "timestamp": notification.created_at.isoformat(),
        "data": {
            "id": notification.pk,
            "topic": notification.topic,
            "title": notification.title,
            "body": notification.body,
            "url": notification.url,
            "actions": notification.actions,
            "urgency": notification.urgency,
            "recipient": notification.recipient,
            "reason": notification.reason,
            "is_repeat": is_repeat,
        },
    }


def send(notification: Notification, is_repeat: bool) -> Result:
    """One POST. 2xx is sent; 410, other 4xx and refused addresses are final; the rest is tried again."""
    body = json.dumps(payload(notification, is_repeat=is_repeat)).encode()
    owner = notification.contact_method or notification.team
    headers = {"Content-Type": "application/json", "User-Agent": "Muster"}
    if owner is not None and owner.signing_secret:
        headers |= signing.headers(
            owner.signing_secret, message_id=f"msg_{notification.pk}", at=timezone.now(), body=body
        )
    return deliver(notification.address, body=body, headers=headers)


def deliver(url: str, *, body: bytes, headers: dict[str, str], guard: http.Guard | None = None) -> Result:
    """POST and read the answer as a result; shared with chat. ``guard`` is the installation's unless one is given."""
    try:
        response = http.post(url, body=body, headers=headers, guard=guard)
    except (http.Refused, http.BadRequest) as error:
        return Result(Outcome.FAILED, str(error))
    except http.Unreachable as error:
        return Result(Outcome.RETRY, str(error), is_provider_fault=True)
    except http.TimedOut as error:  # it may have read the request
        return Result(Outcome.LOST, str(error), is_provider_fault=True)
    detail = f"HTTP {response.status}"
    if 200 <= response.status < 300:
        return Result(Outcome.SENT, detail, provider_id=response.headers.get("x-request-id", "")[:200])
    if response.status in {408, 425, 429} or response.status >= 500:
        wait = retry_after(response.headers.get("retry-after"))
        return Result(Outcome.RETRY, detail, retry_after=wait, is_provider_fault=response.status >= 500)
    return Result(Outcome.FAILED, detail)


def destination(notification: Notification) -> str:
    """Each host has its own breaker."""
    return urlsplit(notification.address).netloc.rpartition("@")[2]


sender = Sender(seats=8, batch=1, destination=destination, send=send, seats_each=4)
