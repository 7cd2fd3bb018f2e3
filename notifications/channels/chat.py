"""Slack-compatible incoming webhooks, which also serve Mattermost, Rocket.Chat and Discord (its /slack form)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from notifications.channels.base import Result, Sender
from notifications.channels.webhook import deliver, destination

if TYPE_CHECKING:
    from notifications.models import Notification

_EVERYBODY = re.compile(r"@(?=(?:all|channel|everyone|here)\b)", re.IGNORECASE)


def text_of(notification: Notification, *, is_repeat: bool) -> str:
    """Slack's mrkdwn: the title as a link, the body and what can be answered below, with Slack's three escapes.

    The words come from monitors, and Mattermost, Rocket.Chat and Discord would call a whole channel for ``@all``: an
    invisible space keeps them from it.
    """
    title = escaped(notification.title) + (" (repeat)" if is_repeat else "")
    link = f"<{notification.url}|{title}>" if notification.url else title
    answers = [f"\n<{action['url']}|{escaped(action['label'])}>" for action in notification.actions]
    return "\n".join([f"*{link}*", escaped(notification.body), *answers])


def escaped(text: str) -> str:
    """Text that is only text in mrkdwn, and calls nobody."""
    text = _EVERYBODY.sub("@\u200b", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def send(notification: Notification, is_repeat: bool) -> Result:
    """One POST of ``{"text": …}``, which every compatible product takes."""
    body = json.dumps({"text": text_of(notification, is_repeat=is_repeat)}).encode()
    return deliver(
        notification.address, body=body, headers={"Content-Type": "application/json", "User-Agent": "Muster"}
    )


sender = Sender(seats=4, batch=1, destination=destination, send=send, seats_each=2)
