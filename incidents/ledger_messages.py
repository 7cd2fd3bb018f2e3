"""What became of each message, as the ledger says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from notifications.models import Channel, Notification

if TYPE_CHECKING:
    from collections.abc import Iterable

    from incidents.ledger_facts import Facts

State = Notification.State


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence below a decision. Tones: ``sent`` for a message, ``bad`` for what went wrong, ``then`` for what
    followed."""

    words: str
    tone: str = ""


def sends(rows: Iterable[Notification], facts: Facts) -> tuple[Line, ...]:
    """Each message of a decision: by which channel, to whom, and what came of it."""
    return tuple(_send(row, facts) for row in rows)


def _send(row: Notification, facts: Facts) -> Line:
    tone = "bad" if row.state == State.FAILED else "sent"
    return Line(f"{channel_words(row.channel)} to {row.recipient} {outcome(row, facts)}", tone)


def outcome(row: Notification, facts: Facts) -> str:
    """What became of a message: "sent 10:02:12"; with every try where there were several."""
    tries = list(row.attempts.all())
    at = facts.clock(row.finished_at) if row.finished_at else ""
    error = f": {row.error}" if row.error else ""
    words = {
        State.SENT: f"in the inbox {at}" if row.channel == Channel.INBOX else f"sent {at}{_answer_of(row)}",
        State.KEPT: f"kept in the outbox {at}{' (no mail server)' if row.channel == Channel.EMAIL else ''}",
        State.FAILED: f"failed {at}{error}",
        State.CANCELLED: f"cancelled {at}, before it was sent",
        State.PENDING: f"not sent yet{error}" if row.attempt_count else "being sent",
    }[State(row.state)]
    if len(tries) < 2:
        return words
    told = "; ".join(
        f"{facts.clock(each.finished_at)} {each.get_outcome_display().lower()}"
        + (f", {each.detail}" if each.detail else "")
        for each in tries
    )
    return f"{words} ({len(tries)} tries: {told})"


def _answer_of(row: Notification) -> str:
    """What the provider said when it took the message."""
    last = next((each for each in reversed(row.attempts.all()) if each.outcome == State.SENT), None)
    return f", the provider says: {last.detail}" if last and last.detail else ""


def channel_words(channel: str) -> str:
    """E-mail, Webhook; a message where it is the inbox."""
    if channel == Channel.INBOX:
        return "Message"
    return str(Channel(channel).label) if channel in Channel.values else channel.capitalize()
