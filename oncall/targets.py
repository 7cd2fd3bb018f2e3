"""Turning the targets of a step into people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from oncall.models import EscalationStep


def people(step: EscalationStep, *, at: datetime) -> tuple[User, ...]:
    """Everybody a step pages at an instant, each once, in the order of the targets; nobody who is switched off.

    ``at`` matters for targets whose people change with time. The step's targets are read as prefetched.
    """
    found: dict[int, User] = {}
    for target in step.targets.all():
        users = [target.user] if target.user else list(target.team.members.all()) if target.team else []
        found |= {user.pk: user for user in users if user.is_active and user.pk not in found}
    return tuple(found.values())
