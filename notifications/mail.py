"""Django's e-mail (password resets and the like) goes through the outbox too: it is kept, retried and shown."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from core.text import clean, single_line
from notifications import outbox
from notifications.models import Channel, Notification

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.mail import EmailMessage


class OutboxBackend(BaseEmailBackend):
    """Writes each recipient's copy as a notification that is due now."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Returns how many messages were taken."""
        now = timezone.now()
        rows = [
            Notification(
                topic="account/mail",
                key=f"mail/{uuid.uuid4()}",
                purpose=Notification.Purpose.MAIL,
                recipient=single_line(address, limit=200),
                channel=Channel.EMAIL,
                address=address,
                title=single_line(message.subject, limit=outbox.SUBJECT_LIMIT),
                body=clean(message.body, limit=outbox.BODY_LIMIT),
                urgency="low",
                due_at=now,
                created_at=now,
            )
            for message in email_messages
            for address in message.recipients()
        ]
        outbox.enqueue(rows)
        return len(email_messages)
