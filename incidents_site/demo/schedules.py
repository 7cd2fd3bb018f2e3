"""Who is on call at Finchlight."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from oncall.models import Layer, Override, Participant, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accounts.models import Team, User

MONDAY = date(2024, 1, 1)  # every layer has begun long ago
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]

# team: name, zone, and layers of (name, unit, handoff, usernames in order, restrictions), the highest last. Product has
# a gap on Sundays, as schedules have until somebody looks.
SCHEDULES: dict[str, tuple[str, str, tuple[tuple[str, str, int, tuple[str, ...], list[dict[str, object]]], ...]]] = {
    "platform": ("Platform primary", "Europe/London", (("Weeks", "week", 9, ("ben", "tomo", "alex"), []),)),
    "search-ai": (
        "Search & AI primary",
        "Europe/Berlin",
        (
            ("Weeks", "week", 9, ("lena", "noor", "priya"), []),
            ("Mornings in Asia", "day", 3, ("priya", "noor"), [{"days": WEEKDAYS, "from": "03:00", "to": "09:00"}]),
        ),
    ),
    "data": ("Data primary", "Europe/Vienna", (("Days", "day", 8, ("sam", "jonas", "ines"), []),)),
    "product": (
        "Product primary",
        "Europe/Stockholm",
        (
            ("Nights", "day", 20, ("maya", "kofi"), [{"days": [*WEEKDAYS, "sat"], "from": "20:00", "to": "08:00"}]),
            ("Days", "week", 8, ("kofi", "ana"), [{"days": [*WEEKDAYS, "sat"], "from": "08:00", "to": "20:00"}]),
        ),
    ),
}


def load(teams: Mapping[str, Team], users: Mapping[str, User], *, now: datetime) -> dict[str, Schedule]:
    """Create the schedules, by team, and an override by which the responder who may sign in is on call now."""
    taken = set(Schedule.objects.values_list("name", flat=True))
    found = {}
    for slug, (name, zone, layers) in SCHEDULES.items():
        name = f"{name} (demo)" if name in taken else name
        schedule = Schedule.objects.create(name=name, team=teams[slug], time_zone=zone, is_demo=True)
        for position, (layer_name, unit, handoff, usernames, windows) in enumerate(layers):
            layer = Layer.objects.create(
                schedule=schedule,
                position=position,
                name=layer_name,
                unit=unit,
                handoff=time(handoff),
                starts_on=MONDAY,
                windows=windows,
            )
            places = enumerate(usernames)
            Participant.objects.bulk_create(
                Participant(layer=layer, position=place, user=users[username]) for place, username in places
            )
        found[slug] = schedule
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    Override.objects.create(
        schedule=found["search-ai"],
        user=users["priya"],
        starts_at=start,
        ends_at=start + timedelta(hours=12),
        reason="Swapped with Noor",
        created_by=users["lena"],
    )
    return found
