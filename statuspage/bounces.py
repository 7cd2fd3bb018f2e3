"""Bounces that come back later as a mail: delivery status notifications (RFC 3464), as a mail server hands them on.

What they say is of one delivery, named by the ``Message-ID`` of what they return.
"""

from __future__ import annotations

import enum
import re
from email import message_from_bytes, message_from_string
from email.message import Message
from typing import TYPE_CHECKING

from django.db import transaction

from core.text import single_line
from statuspage import mails, subscribing
from statuspage.models import Delivery, Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

# No such mailbox or domain, or one that is switched off for good (RFC 3463); 5.1.7 and 5.1.8 are about the sender.
_GONE = re.compile(r"5\.(?:1\.(?![78]$)\d+|2\.1)")
_REFUSED = re.compile(r"5\.\d+\.\d+")


class Made(enum.StrEnum):
    """What was made of a mail."""

    ENDED = "ended"  # the subscription has ended: there is no such address
    NOTED = "noted"  # with the delivery, which has failed
    IGNORED = "ignored"  # it is no bounce, or says that the mail server tries again
    UNKNOWN = "unknown"  # it returns nothing that went to a subscriber


def take(raw: bytes, *, now: datetime) -> Made:
    """Read a mail as it arrived, headers included. Taking it twice is nothing new."""
    mail = message_from_bytes(raw)
    found = next(_refusals(mail), None)
    if found is None:
        return Made.IGNORED
    status, why = found
    delivery = _returned(mail)
    if delivery is None:
        return Made.UNKNOWN
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.SENT).update(
            state=Delivery.State.FAILED, error=single_line(f"Bounced: {why}", limit=300)
        )
        if not _GONE.fullmatch(status):
            return Made.NOTED
        subscribing.end(delivery.subscriber_id, why=Subscriber.Ended.BOUNCED, now=now)
    return Made.ENDED


def _refusals(mail: Message) -> Iterator[tuple[str, str]]:
    """Status and words of each recipient that was given up."""
    for part in mail.walk():
        groups = part.get_payload() if part.get_content_type() == "message/delivery-status" else None
        for group in groups if isinstance(groups, list) else ():
            if not isinstance(group, Message) or str(group.get("Action", "")).strip().lower() != "failed":
                continue
            status = str(group.get("Status", "")).split("(")[0].strip()
            if _REFUSED.fullmatch(status):
                yield status, str(group.get("Diagnostic-Code", status))


def _returned(mail: Message) -> Delivery | None:
    """The delivery whose message came back, whole or as its headers."""
    for part in mail.walk():
        payload, kind = part.get_payload(), part.get_content_type()
        inner: object = None
        if kind == "message/rfc822" and isinstance(payload, list):
            inner = payload[0] if payload else None
        elif kind == "text/rfc822-headers" and isinstance(payload, str):
            inner = message_from_string(payload)
        named = mails.named_by(str(inner.get("Message-ID", ""))) if isinstance(inner, Message) else None
        if named is None:
            continue
        pk, made = named
        delivery = Delivery.objects.filter(pk=pk).select_related("subscriber").first()
        if delivery and mails.made_at(delivery) == made and delivery.subscriber.kind == Subscriber.Kind.EMAIL:
            return delivery
    return None
