"""Who is on call, and whom a page goes to: schedules and escalation policies."""

from __future__ import annotations

from oncall.models.absence import Absence
from oncall.models.cover import CoverRequest
from oncall.models.feed import CalendarSource, Feed, ImportedTurn
from oncall.models.policy import EscalationPolicy, EscalationStep, EscalationTarget
from oncall.models.schedule import Layer, Override, Participant, Schedule

__all__ = (
    "Absence",
    "CalendarSource",
    "CoverRequest",
    "EscalationPolicy",
    "EscalationStep",
    "EscalationTarget",
    "Feed",
    "ImportedTurn",
    "Layer",
    "Override",
    "Participant",
    "Schedule",
)
