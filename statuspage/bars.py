"""The last 90 days of a component as bars: one SVG without script or style, with a name for those who do not see it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from django.utils.html import format_html
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from statuspage.picture import Day, Part
    from statuspage.words import Words

# The mockups' class and glyph of each health: circle, triangle, square, diamond. The word says how much is out.
TONES = {
    "operational": "ok",
    "degraded_performance": "degraded",
    "partial_outage": "down",
    "major_outage": "down",
    "under_maintenance": "maintenance",
    "unknown": "unknown",
}
WIDTH, GAP, HEIGHT = 10, 2, 28


def uptime_of(part: Part, words: Words) -> str:
    """99.82 % uptime, or that there is no data yet."""
    return (
        words.say("uptime_unknown") if part.uptime is None else words.say("uptime", percent=words.percent(part.uptime))
    )


def troubled(part: Part) -> list[Day]:
    """Its days with an outage or degraded performance, the latest first."""
    return [day for day in reversed(part.days) if day.is_known and (day.down_seconds or day.degraded_seconds)]


def drawn(part: Part, words: Words) -> SafeString:
    """The bars. Days without anything share one path; each of the others says on hover what it was."""
    quiet: dict[str, list[str]] = {"ok": [], "unknown": []}
    loud = []
    for place, day in enumerate(part.days):
        tone = TONES[day.health] if day.is_known else "unknown"
        if tone in quiet:
            quiet[tone].append(f"M{place * WIDTH} 0h{WIDTH - GAP}v{HEIGHT}h-{WIDTH - GAP}z")
        else:
            box = f'x="{place * WIDTH}" width="{WIDTH - GAP}" height="{HEIGHT}"'
            loud.append(f'<rect class="f-{tone}" {box}><title>{escape(about(day, words))}</title></rect>')
    paths = "".join(f'<path class="f-{tone}" d="{"".join(each)}"/>' for tone, each in quiet.items() if each)
    return format_html(
        '<svg class="mu-uptime" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        len(part.days) * WIDTH - GAP,
        HEIGHT,
        _name(part, words),
        SafeString(paths + "".join(loud)),
    )


def about(day: Day, words: Words) -> str:
    """Wed 14 Oct: Partial outage, 38 minutes."""
    seconds = day.down_seconds or day.degraded_seconds or day.maintenance_seconds
    lasting = f", {words.length(seconds)}" if seconds else ""
    return f"{words.day(day.on)}: {words.say(day.health)}{lasting}"


def _name(part: Part, words: Words) -> str:
    count = len(troubled(part))
    days = words.count("bars.some", count) if count else words.say("bars.fine")
    return words.say("bars", name=part.name, uptime=uptime_of(part, words), days=days)
