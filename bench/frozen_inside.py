"""The part of bench.frozen that runs inside Muster: incidents whose steps are due one after the other.

``COUNT SECONDS``: the first pages are due at once, a second step of each within so many seconds, a third a minute
later.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")
django.setup()

from accounts.models import User  # noqa: E402
from catalog.models import Service  # noqa: E402
from core.work import db_now  # noqa: E402
from incidents import lifecycle  # noqa: E402
from incidents.lifecycle import Draft  # noqa: E402
from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget  # noqa: E402

AT_ONCE = 3
MINUTE = timedelta(minutes=1)


def _service() -> Service:
    found = Service.objects.filter(slug="frozen").first()
    if found:
        return found
    policy = EscalationPolicy.objects.create(name="Three steps", repeat=0, repeat_after_minutes=600)
    users = list(User.objects.order_by("id")[:2])
    for position in range(3):
        step = EscalationStep.objects.create(policy=policy, position=position, delay_minutes=min(position, 1))
        EscalationTarget.objects.create(step=step, kind="user", user=users[position % 2])
    return Service.objects.create(slug="frozen", name="Frozen", escalation_policy=policy)


def main(count: int, seconds: float) -> None:
    """One wave."""
    service, begin = _service(), db_now()
    for number in range(0, count, AT_ONCE):
        due = begin + timedelta(seconds=seconds * number / count)
        drafts = [Draft(title=f"Wave {number + each}", severity="high", services=[service]) for each in range(AT_ONCE)]
        lifecycle.declare_many(drafts, now=due - MINUTE)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
