"""The ledger of an incident: who was told, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from api.schemas.base import Output, Time
from api.schemas.incidents import NotificationOut

if TYPE_CHECKING:
    from incidents.coming import Due
    from incidents.ledger import Decision
    from incidents.why import Answer


class DecisionOut(Output):
    """One decision. `words` and `lines` are those of the page, with times in UTC."""

    at: Time
    kind: str = Field(description="The kind of its timeline entry, or `told` for a message that no entry speaks of.")
    entry: int | None = Field(description="The id of its timeline entry.")
    words: str
    lines: list[str] = Field(description="What came of it, in words.")
    policy: str | None = None
    step: int | None = None
    round: int | None = None
    notifications: list[NotificationOut] = Field(description="The messages that it obliged Muster to send.")

    @classmethod
    def of(cls, decision: Decision) -> DecisionOut:
        """Reads what the ledger has read."""
        data = decision.entry.data if decision.entry and "target" in decision.entry.data else {}
        return cls(
            at=decision.at,
            kind=decision.kind,
            entry=decision.entry.pk if decision.entry else None,
            words=decision.said,
            lines=[line.words for line in decision.lines],
            policy=data.get("policy"),
            step=data.get("step"),
            round=data.get("round"),
            notifications=[NotificationOut.of(row) for row in decision.pages],
        )


class ComingOut(Output):
    """What follows while nobody answers."""

    at: Time
    what: str
    whom: str

    @classmethod
    def of(cls, due: Due) -> ComingOut:
        """One line of the plan."""
        return cls(at=due.due_at, what=due.what, whom=due.whom)


class WhyOut(Output):
    """Why a person was paged, or was not."""

    person: str
    verdict: Literal["paged", "told", "not_paged"]
    short: str
    more: list[str]

    @classmethod
    def of(cls, answer: Answer) -> WhyOut:
        """The words of the page."""
        return cls.model_validate(
            {
                "person": answer.person.username,
                "verdict": answer.verdict,
                "short": answer.short,
                "more": list(answer.more),
            }
        )


class LedgerOut(Output):
    """Every decision about who is told of an incident, oldest first. `why` answers `person`."""

    incident: str = Field(examples=["INC-42"])
    is_cut: bool = Field(description="The incident is very long, and these are its newest decisions.")
    decisions: list[DecisionOut]
    coming: list[ComingOut]
    why: WhyOut | None
