"""Who is on call, and whom a page goes to: schedules and escalation policies."""

from __future__ import annotations

from oncall.models.policy import EscalationPolicy, EscalationStep, EscalationTarget
from oncall.models.schedule import Layer, Override, Participant, Schedule

__all__ = (
    "EscalationPolicy",
    "EscalationStep",
    "EscalationTarget",
    "Layer",
    "Override",
    "Participant",
    "Schedule",
)
