"""The restrictions of a layer as the API and the database have them, and as ``oncall.shifts`` computes with them."""

from __future__ import annotations

from datetime import time
from typing import Any

from django.core.exceptions import ValidationError

from oncall.shifts import Window

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_WINDOWS = 20


def check_windows(value: Any) -> None:
    """For models: raises ValidationError for anything but ``[{"days": ["mon"], "from": "09:00", "to": "17:00"}]``."""
    of_json(value)


def of_json(value: Any) -> tuple[Window, ...]:
    """Windows of their JSON. Raises ValidationError with what is wrong."""
    if not isinstance(value, list) or len(value) > MOST_WINDOWS:
        raise ValidationError(f"Give a list of at most {MOST_WINDOWS} restrictions.")
    return tuple(_window(number, row) for number, row in enumerate(value, start=1))


def to_json(windows: tuple[Window, ...]) -> list[dict[str, Any]]:
    """As the API has them."""
    return [
        {
            "days": [DAYS[day] for day in sorted(window.days)],
            "from": f"{window.begins:%H:%M}",
            "to": f"{window.ends:%H:%M}",
        }
        for window in windows
    ]


def _window(number: int, row: Any) -> Window:
    if not isinstance(row, dict) or set(row) != {"days", "from", "to"}:
        raise ValidationError(f'Restriction {number} needs "days", "from" and "to", and nothing else.')
    days = row["days"]
    if not isinstance(days, list) or not days or not all(day in DAYS for day in days):
        raise ValidationError(f"Restriction {number}: days are some of {', '.join(DAYS)}.")
    return Window(frozenset(map(DAYS.index, days)), *(_clock(number, row[name]) for name in ("from", "to")))


def _clock(number: int, value: Any) -> time:
    hours, _, minutes = str(value).partition(":")
    if isinstance(value, str) and len(value) == 5 and hours.isdecimal() and minutes.isdecimal():
        hour, minute = int(hours), int(minutes)
        if (hour, minute) == (24, 0):
            return time(0)
        if hour < 24 and minute < 60:
            return time(hour, minute)
    raise ValidationError(f"Restriction {number}: write times as 09:00.")


# ---- as people type them -------------------------------------------------------------------------------------------

EXAMPLE = "mon-fri 09:00-17:00, sat 10:00-14:00"


def of_text(text: str) -> tuple[Window, ...]:
    """Windows of a line such as ``mon-fri 09:00-17:00, sat 10:00-14:00``. Raises ValidationError with what is wrong."""
    return of_json([_row(part) for part in text.lower().split(",") if part.strip()])


def to_text(windows: tuple[Window, ...]) -> str:
    """The line that ``of_text`` reads."""
    return ", ".join(f"{_days_text(window.days)} {window.begins:%H:%M}-{window.ends:%H:%M}" for window in windows)


def _row(part: str) -> dict[str, Any]:
    words = part.replace("–", "-").replace(" to ", "-").split()
    begins, _, ends = words[-1].partition("-")
    days: list[str] = []
    for name in ("".join(words[:-1]) or "mon-sun").split("+"):
        first, _, last = name.partition("-")
        if first[:3] not in DAYS or (last and last[:3] not in DAYS):
            raise ValidationError(f"Write restrictions such as {EXAMPLE}; “{part.strip()}” is none.")
        start = DAYS.index(first[:3])
        length = (DAYS.index(last[:3]) - start) % len(DAYS) if last else 0
        days += [DAYS[(start + step) % len(DAYS)] for step in range(length + 1)]
    return {"days": days, "from": begins.zfill(5), "to": ends.zfill(5)}


def _days_text(days: frozenset[int]) -> str:
    """Such as mon-fri, or mon+wed."""
    numbers = sorted(days)
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{DAYS[numbers[0]]}-{DAYS[numbers[-1]]}"
    return "+".join(DAYS[number] for number in numbers)
