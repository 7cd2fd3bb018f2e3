"""A report as the plain text of an e-mail: a handful of figures, each with its change, and where to read on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import dateformat

from core.time_zones import zone
from incidents import messages
from incidents.models import Severity
from metrics import kpis, wording
from metrics.links import plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from metrics.leadership import Leadership
    from metrics.links import Line
    from metrics.panels import PromiseRow
    from metrics.report_calendar import Term

NOT_PRIVATE = (
    "Private incidents are in none of these figures. The pages also count those that their reader may see, "
    "so they may show more."
)
DEMO = "These figures contain made-up incidents of the demo data."


def title_of(term: Term, found: Leadership) -> str:
    """The subject."""
    count = found.reading.number("incidents")
    return f"{'Weekly' if term.is_weekly else 'Monthly'} report, {term.name}: {wording.plural(count, 'incident')}"


def body_of(term: Term, found: Leadership, *, now: datetime, without_file: str = "", is_demo: bool = False) -> str:
    """The text. ``without_file`` says why no PDF comes with it."""
    blocks = [
        f"{term.name}, compared with {term.before.name}. Days and hours are those of {term.zone}.",
        "\n".join(_better(found)) if not found.is_empty else "No incident was created in this time.",
        "\n".join(_promised(found)),
        "\n".join(_services(found)),
        "\n".join(["OVERDUE, OR STILL TO DO", *map(_line, found.overdue)]),
        "\n".join(_reckoned(found, now=now, is_demo=is_demo)),
        _links(without_file),
    ]
    return "\n\n".join(block for block in blocks if block)


def _line(line: Line) -> str:
    return f"- {line.label}: {plain(line.said)}{f' ({line.note})' if line.note else ''}"


def _better(found: Leadership) -> list[str]:
    lines = ["ARE WE BETTER?"]
    for card in found.cards:
        beside, change = plain(card.beside), plain(card.change)
        lines.append(f"- {card.title}: {card.main} ({beside}); {change}.")
        lines.append(f"  {plain(card.definition)} {plain(card.left_out)}")
    return lines


def _promised(found: Leadership) -> list[str]:
    rows = [row for row in found.promises.rows if row.severity and any(kept.due for kept in row.clocks)]
    if not rows:
        return []
    return [f"WHICH PROMISE WAS BROKEN? {plain(found.broken)}", *(_promise(row, found.promises.names) for row in rows)]


def _promise(row: PromiseRow, names: Sequence[str]) -> str:
    said = [
        f"{name.lower()} {kept.share} ({kept.met} of {kept.due}{', below the target' if kept.meter.is_missed else ''})"
        for name, kept in zip(names, row.clocks, strict=True)
        if kept.due
    ]
    return f"- {Severity(row.severity).label}: {', '.join(said)}"


def _services(found: Leadership) -> list[str]:
    if not found.services:
        return []
    rows = [f"- {row.name}: {wording.plural(row.count, 'incident')}, {row.down} down" for row in found.services]
    more = wording.plural(found.more_services, "more service", "more services")
    return ["WHICH SERVICE COST US?", *rows, *([f"- and {more}"] if found.more_services else [])]


def _reckoned(found: Leadership, *, now: datetime, is_demo: bool) -> list[str]:
    at = now.astimezone(zone(found.reading.question.period.zone))
    lines = [
        "HOW THIS IS RECKONED",
        "Incidents count by the time at which they were created, whenever they ended. "
        f"Clocks met has a target of {found.promises.target} %.",
        plain(kpis.not_counted(found.reading)),
        NOT_PRIVATE,
        f"As of {dateformat.format(at, 'j M Y, H:i')} {at:%Z}.",
    ]
    return [*lines, DEMO] if is_demo else lines


def _links(without_file: str) -> str:
    reports = messages.absolute(reverse("metrics:reports"))
    file = f"There is no PDF with it: {without_file}\n" if without_file else ""
    return f"{file}All reports, and which of them you get: {reports}"
