"""The ledger of an incident: every decision about who is told, in order, in words, and what is still to come.

Nothing is written for it: it is worked out from the timeline, the plan, the escalations and the notifications.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from incidents import coming
from incidents.ledger_facts import ANSWERS, Kind
from incidents.ledger_messages import Line, sends
from incidents.ledger_words import has_words, say
from incidents.models import Escalation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from incidents.coming import Due
    from incidents.ledger_facts import Facts
    from incidents.models import TimelineEntry
    from notifications.models import Notification

TURNS = ANSWERS | {Kind.TRIGGERED, Kind.REOPENED, Kind.UNACKNOWLEDGED, Kind.WOKEN}


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of the ledger: ``title`` decided, ``words`` say what, ``lines`` what came of it. ``pages`` are the
    messages that it obliged us to send."""

    at: datetime
    kind: str
    title: str
    words: str
    lines: tuple[Line, ...]
    pages: tuple[Notification, ...]
    entry: TimelineEntry | None
    clock: str

    @property
    def said(self) -> str:
        """The whole sentence."""
        return f"{self.title}{self.words}"

    @property
    def is_ordinary(self) -> bool:
        """Whether the ledger has no words of its own for it, and says what the timeline says."""
        return self.entry is not None and not has_words(self.kind)

    @property
    def is_turn(self) -> bool:
        """Whether paging begins or ends with it."""
        return self.kind in TURNS


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every decision, oldest first; ``coming`` is what follows while nobody answers. ``is_cut``: of a very long
    incident these are the newest."""

    decisions: list[Decision]
    coming: list[Due]
    is_cut: bool


def tell(facts: Facts) -> Ledger:
    """The ledger of some facts."""
    running = [row for row in facts.escalations.values() if row.state == Escalation.State.RUNNING]
    due = coming.lines(facts.plan, running, (), incident=facts.incident, roster=facts.roster)
    decisions = sorted([*_decisions(facts), *_told_besides(facts)], key=lambda each: each.at)
    return Ledger(decisions, [line for line in due if line.is_open], facts.is_cut)


def _decisions(facts: Facts) -> Iterator[Decision]:
    for entry in facts.entries:
        said = say(entry, facts)
        if said is not None:
            pages = tuple(facts.sent_for(entry))
            clock = facts.clock(entry.at)
            yield Decision(entry.at, entry.kind, said.title, said.words, said.lines, pages, entry, clock)


def _told_besides(facts: Facts) -> Iterator[Decision]:
    """Messages that no entry of the timeline speaks of, such as to the owner of an action item."""
    spoken_of = {row.pk for entry in facts.entries for row in facts.sent_for(entry)}
    rows: dict[tuple[datetime, str], list[Notification]] = {}
    for row in facts.notifications:
        if row.pk not in spoken_of:
            rows.setdefault((row.created_at, row.reason or row.get_purpose_display()), []).append(row)
    for (at, reason), told in rows.items():
        names = _names(told)
        yield Decision(at, "told", names, f": {reason}", sends(told, facts), tuple(told), None, facts.clock(at))


def _names(rows: Iterable[Notification]) -> str:
    return ", ".join(dict.fromkeys(row.recipient for row in rows))
