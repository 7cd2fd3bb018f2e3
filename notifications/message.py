"""What a recipient is told, whatever the channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notifications.models import File


@dataclass(frozen=True, slots=True)
class Action:
    """Something the recipient can answer; channels without buttons show ``url`` as a link."""

    verb: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Message:
    """A title that fits a subject line, plain-text body, the page to open, and what can be answered.

    ``urgency`` is ``high`` (wake somebody) or ``low``. ``attachment`` is an iCalendar text with its ``METHOD``, and
    ``file`` a stored one that all who are told share; both are for e-mail, other channels have the page.
    """

    title: str
    body: str
    url: str
    actions: tuple[Action, ...] = ()
    urgency: str = "high"
    attachment: str = ""
    file: File | None = None
