"""Webhooks of subscribers: signed after Standard Webhooks, and never to an address inside.

Anybody can name an address here, so ``MUSTER_ALLOW_NETS``, which admins opened for addresses of their own, does not
count.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from core import http
from notifications import signing
from notifications.channels import webhook
from statuspage import subscribing
from statuspage.addresses import public_url
from statuspage.mails import manage_url, permanent_url

if TYPE_CHECKING:
    from notifications.channels.base import Result
    from statuspage.models import Delivery

CHALLENGE = "subscription.challenge"
ENDED = "subscription.ended"
GONE = "HTTP 410"


def public_guard() -> http.Guard:
    """Public addresses alone, and none of Muster's own."""
    return http.Guard(refused=http.default_guard().refused)


def payload(delivery: Delivery) -> dict[str, Any]:
    """What the receiver gets; the same on every try."""
    subscriber, mailing = delivery.subscriber, delivery.mailing
    page = subscriber.page
    told: dict[str, Any] = {"page": {"name": page.name, "url": public_url(page)}, "manage_url": manage_url(subscriber)}
    if mailing is None:
        return {
            "type": ENDED if subscribing.is_unlisted(subscriber) else CHALLENGE,
            "timestamp": delivery.due_at.isoformat(),
            "data": told,
        }
    told |= {"url": permanent_url(mailing)}
    return {
        "type": f"status.{mailing.kind}",
        "timestamp": mailing.created_at.isoformat(),
        "data": {**mailing.payload, **told},
    }


def send(delivery: Delivery, *, guard: http.Guard) -> Result:
    """One POST. A 2xx to a challenge confirms the address; 410 ends the subscription."""
    body = json.dumps(payload(delivery)).encode()
    subscriber = delivery.subscriber
    headers = {"Content-Type": "application/json", "User-Agent": "Muster"} | signing.headers(
        subscriber.signing_secret, message_id=f"dlv_{delivery.pk}", at=timezone.now(), body=body
    )
    return webhook.deliver(subscriber.address, body=body, headers=headers, guard=guard)
