"""The part of bench.acknowledgements that runs inside Muster: declares incidents whose step is due at one instant, and
acknowledges each within some seconds of it.

``COUNT SPREAD SEED``; prints a line of JSON: incident to the moment just after its acknowledgement had committed.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")
django.setup()

from django.db import connections  # noqa: E402

from accounts.models import User  # noqa: E402
from catalog.models import Service  # noqa: E402
from core.work import db_now  # noqa: E402
from incidents import lifecycle  # noqa: E402
from incidents.lifecycle import Draft  # noqa: E402
from incidents.models import Incident  # noqa: E402
from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget  # noqa: E402

HANDS = 6


def _service() -> Service:
    """Its policy pages two people a minute after the beginning."""
    found = Service.objects.filter(slug="acknowledged").first()
    if found:
        return found
    policy = EscalationPolicy.objects.create(name="In a minute", repeat=0, repeat_after_minutes=600)
    step = EscalationStep.objects.create(policy=policy, position=0, delay_minutes=1)
    for user in User.objects.order_by("id")[:2]:
        EscalationTarget.objects.create(step=step, kind="user", user=user)
    return Service.objects.create(slug="acknowledged", name="Acknowledged", escalation_policy=policy)


def main(count: int, spread: float, seed: int) -> None:
    """One batch."""
    chance, service = random.Random(seed), _service()
    drafts = [Draft(title=f"Race {number}", severity="high", services=[service]) for number in range(count)]
    takes = 2.0 + count / 100  # to declare them, before the first acknowledgement
    due = db_now() + timedelta(seconds=takes + spread)
    due_here = time.monotonic() + takes + spread
    incidents = lifecycle.declare_many(drafts, now=due - timedelta(minutes=1))
    assert time.monotonic() < due_here - spread, "declaring took too long for a fair race"
    chance.shuffle(incidents)
    moments = sorted(due_here + chance.uniform(-spread, spread) for _ in incidents)
    queue = list(zip(moments, incidents, strict=True))[::-1]
    commits: dict[int, float] = {}
    alice = User.objects.get(username="alice")

    def work() -> None:
        try:
            while queue:
                try:
                    at, incident = queue.pop()
                except IndexError:
                    return
                time.sleep(max(0.0, at - time.monotonic()))
                _acknowledge(incident, alice, commits)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(HANDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(commits))


def _acknowledge(incident: Incident, alice: User, commits: dict[int, float]) -> None:
    lifecycle.acknowledge(incident, by=alice)
    commits[incident.pk] = db_now().timestamp()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
