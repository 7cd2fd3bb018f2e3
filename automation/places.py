"""Where an execution was asked from: ``run/7/3`` is step 3 of run 7; pure."""

from __future__ import annotations

import re

PLACE = re.compile(r"run/([1-9][0-9]{0,17})/([1-9][0-9]{0,3})", re.ASCII)
STEPS = "run/"  # what places of steps begin with


def of_step(run: int, position: int) -> str:
    """The place of a step of a run."""
    return f"{of_run(run)}{position}"


def of_run(run: int) -> str:
    """What the places of a run's steps begin with."""
    return f"{STEPS}{run}/"


def step_of(place: str) -> tuple[int, int] | None:
    """The run and the step that a place names, if it names any."""
    found = PLACE.fullmatch(place)
    return (int(found[1]), int(found[2])) if found else None
