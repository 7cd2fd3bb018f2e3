"""The part of bench.schedules that runs inside Muster: writes the schedules, and prints what they take as JSON.

Layers are drawn with a fixed seed: hours, days and weeks in many zones, most with restrictions to parts of the week, so
that one has to look down through several to find a holder.
"""

from __future__ import annotations

import json
import random
import time
from datetime import date, timedelta
from datetime import time as clock_time
from typing import Any

from bench import million, visitor  # the second sets Django up
from bench.rotations import ZONES

from django.utils import timezone  # isort: skip

from accounts.models import User  # isort: skip
from oncall import who  # isort: skip
from oncall.models import (  # isort: skip
    EscalationPolicy,
    EscalationStep,
    EscalationTarget,
    Layer,
    Participant,
    Schedule,
)

SCHEDULES, LAYERS, RUNS = 1_000, 10, 10
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def write() -> None:
    """The schedules, in place of those that are there."""
    chance = random.Random(million.SEED)
    people = list(User.objects.filter(is_active=True).order_by("id"))
    Schedule.objects.all().delete()
    schedules = Schedule.objects.bulk_create(
        Schedule(name=f"Schedule {number}", time_zone=chance.choice(ZONES)) for number in range(SCHEDULES)
    )
    layers = Layer.objects.bulk_create(
        Layer(
            schedule=schedule,
            position=position,
            name=f"Layer {position}",
            unit=chance.choice(("hour", "day", "week")),
            length=chance.randint(1, 12),
            handoff=clock_time(chance.randint(0, 23), chance.choice((0, 30))),
            starts_on=date(2024, 1, 1) + timedelta(days=chance.randint(0, 600)),
            windows=[] if not position else [_window(chance) for _ in range(chance.randint(1, 2))],
        )
        for schedule in schedules
        for position in range(LAYERS)
    )
    Participant.objects.bulk_create(
        Participant(layer=layer, position=place, user=user)
        for layer in layers
        for place, user in enumerate(chance.sample(people, chance.randint(2, 6)))
    )


def _write_policies() -> None:
    """A policy for each schedule, which alone is paged by it."""
    schedules = list(Schedule.objects.all())
    policies = EscalationPolicy.objects.bulk_create(EscalationPolicy(name=f"Policy {row.name}") for row in schedules)
    steps = EscalationStep.objects.bulk_create(EscalationStep(policy=row, position=0) for row in policies)
    EscalationTarget.objects.bulk_create(
        EscalationTarget(step=step, kind="schedule", schedule=row) for step, row in zip(steps, schedules, strict=True)
    )


def _window(chance: random.Random) -> dict[str, Any]:
    start = chance.randint(0, 20)
    days = sorted(chance.sample(DAYS, chance.randint(1, 4)), key=DAYS.index)
    return {"days": days, "from": f"{start:02}:00", "to": f"{start + 3:02}:00"}


def measure() -> None:
    """Print the milliseconds of the page and of one schedule as JSON."""
    write()
    handler, signed_in = visitor.WSGIHandler(), visitor.cookie("person7")
    at = (timezone.now() + timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answers = [visitor.answer(handler, f"/on-call/?at={at}", signed_in) for _ in range(RUNS + 1)][1:]
    ready = [visitor.answer(handler, "/on-call/readiness", signed_in) for _ in range(RUNS + 1)][1:]
    Layer.objects.filter(
        position=0
    ).delete()  # now every schedule has gaps, and steps of policies reach nobody at times
    _write_policies()
    weak = [visitor.answer(handler, "/on-call/readiness", signed_in) for _ in range(RUNS + 1)][1:]
    ones = []
    for pk in list(Schedule.objects.values_list("pk", flat=True)[:100]):
        started = time.perf_counter()
        who.at(Schedule.objects.filter(pk=pk), timezone.now())
        ones.append((time.perf_counter() - started) * 1000)
    print(json.dumps({"pages": answers, "ready": ready, "weak": weak, "ones": ones}))


if __name__ == "__main__":
    measure()
