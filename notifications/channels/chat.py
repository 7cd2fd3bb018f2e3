"""Slack-compatible incoming webhooks, which also serve Mattermost, Rocket.Chat and Discord (its /slack form)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from notifications.addresses import DISCORD_HOSTS
from notifications.channels.base import Result, Sender
from notifications.channels.webhook import deliver, destination

if TYPE_CHECKING:
    from notifications.models import Notification

MOST, MOST_DISCORD = 4000, 2000  # characters: Slack's advice; Discord refuses a longer text
_EVERYBODY = re.compile(r"@(?=(?:all|channel|everyone|here)\b)", re.IGNORECASE)
_LINK = re.compile(r"\](?=[(\[:])")
_HALF_AN_ESCAPE = re.compile(r"&[a-z]{0,3}$")


def text_of(notification: Notification, *, is_repeat: bool) -> str:
    """Slack's mrkdwn: the title as a link, whom it is for, the body, and what can be answered, with Slack's three
    escapes. A body that is too long is cut, never what can be answered.

    The words come from monitors, and Mattermost, Rocket.Chat and Discord would call a whole channel for ``@all``, and
    make a link of ``[text](address)``: an invisible space keeps them from it.
    """
    title = _label(notification.title) + (" (repeat)" if is_repeat else "")
    link = f"<{notification.url}|{title}>" if notification.url else title
    above = [f"*{link}*", *([f"For {escaped(notification.recipient)}"] if notification.user_id else [])]
    below = [f"\n<{action['url']}|{_label(action['label'])}>" for action in notification.actions]
    most = MOST_DISCORD if urlsplit(notification.address).hostname in DISCORD_HOSTS else MOST
    room = most - sum(len(line) + 1 for line in (*above, *below))
    return "\n".join([*above, _cut(escaped(notification.body), room), *below])


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else _HALF_AN_ESCAPE.sub("", text[: max(room - 2, 0)]) + " …"


def _label(text: str) -> str:
    """The words of a link, in which a bar would end the address."""
    return escaped(text).replace("|", "¦")


def escaped(text: str) -> str:
    """Text that is only text in mrkdwn, calls nobody and links nowhere by other words than its own."""
    text = _LINK.sub("]\u200b", _EVERYBODY.sub("@\u200b", text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def send(notification: Notification, is_repeat: bool) -> Result:
    """One POST of ``{"text": …}``, which every compatible product takes."""
    body = json.dumps({"text": text_of(notification, is_repeat=is_repeat)}).encode()
    return deliver(
        notification.address, body=body, headers={"Content-Type": "application/json", "User-Agent": "Muster"}
    )


sender = Sender(seats=8, batch=1, destination=destination, send=send, seats_each=4)
