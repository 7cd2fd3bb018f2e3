"""The ways out. Each file turns a notification into one request to a provider and says what came of it."""

from __future__ import annotations

from notifications.channels import chat, email, webhook
from notifications.channels.base import Sender
from notifications.models import Channel

SENDERS: dict[str, Sender] = {
    Channel.EMAIL: email.sender,
    Channel.WEBHOOK: webhook.sender,
    Channel.CHAT: chat.sender,
}
