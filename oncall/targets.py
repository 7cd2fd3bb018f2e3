"""Turning the targets of a step into people, at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oncall.shifts import on_call_at

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from oncall.models import EscalationStep, EscalationTarget
    from oncall.roster import Roster


@dataclass(frozen=True, slots=True)
class Resolved:
    """Whom a step pages at an instant, and in words, for those who ask, how it came to them or why to nobody.

    ``via`` has a text for each person, such as "Platform primary, layer Weekdays"; empty for a person named directly.
    Where the step ``takes_turns``, only the first of them who can be reached is paged.
    """

    people: tuple[User, ...] = ()
    via: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    takes_turns: bool = False


def resolve(step: EscalationStep, roster: Roster, at: datetime, *, turn: int = 0) -> Resolved:
    """Everybody a step pages at an instant, each once, in the order of the targets; nobody who is switched off.

    Of a step that takes turns, everybody whose turn it may be, whoever has the turn coming first.
    """
    found: dict[int, User] = {}
    via: dict[int, str] = {}
    missing = []
    for target in step.targets.all():
        users, how = _of(target, roster, at=at)
        active = [user for user in users if user.is_active]
        if not active:
            missing.append(_why(target, users))
        for user in active:
            via.setdefault(user.pk, how)
            found.setdefault(user.pk, user)
    people, ways = tuple(found.values()), tuple(via.values())
    first = turn % len(people) if step.takes_turns and people else 0
    return Resolved(people[first:] + people[:first], ways[first:] + ways[:first], tuple(missing), step.takes_turns)


def _of(target: EscalationTarget, roster: Roster, *, at: datetime) -> tuple[list[User], str]:
    """The people of one target, and how it came to them."""
    if target.user:
        return [target.user], ""
    if target.team_id:
        return roster.members.get(target.team_id, []), f"team {target.team}"
    holding = on_call_at(roster.rotas[target.schedule_id], at) if target.schedule_id in roster.rotas else None
    if holding is None:
        return [], ""
    turn, layer = holding
    return [roster.users[turn.holder]], f"{target.schedule}, {layer.name}"


def _why(target: EscalationTarget, users: list[User]) -> str:
    """Why a target reaches nobody."""
    if target.schedule_id:
        return (
            f"{users[0]} is on call for {target.schedule}, but is switched off"
            if users
            else (f"nobody is on call for {target.schedule}")
        )
    return f"nobody is in the team {target.team}" if target.team_id else f"{target.user} is switched off"
