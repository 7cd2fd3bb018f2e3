"""The leadership page as a document that stands by itself: two pages on paper, laid out from one HTML text.

Nothing outside it is asked for, and its links are whole addresses.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import dateformat
from django.utils.safestring import mark_safe

from core.pdf import TooLong
from core.time_zones import zone
from metrics import kpis, links, panels, report_words, wording

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from metrics.leadership import Leadership

LONGEST = timedelta(days=2 * 366 + 1)


def name_of(kind: str, label: str) -> str:
    """Of the file, for example muster-weekly-2026-W48.pdf."""
    return f"muster-{kind}-{label}.pdf"


def document(found: Leadership, *, title: str, now: datetime, is_demo: bool = False) -> str:
    """The whole HTML. Raises ``core.pdf.TooLong`` for more days than a report is readable of."""
    reading, period = found.reading, found.reading.question.period
    if period.end - period.start > LONGEST:
        raise TooLong("A PDF holds two years at most. Choose fewer days, or save the table as CSV.")
    at = now.astimezone(zone(period.zone))
    return render_to_string(
        "metrics/report_file.html",
        {
            "found": found,
            "title": title,
            "days": wording.days(period),
            "against": links.compared(reading.question),
            "narrowed": links.narrowed(reading.question),
            "zone": period.zone,
            "lengths": panels.lengths(reading),
            "not_counted": kpis.not_counted(reading),
            "made": f"{dateformat.format(at, 'j M Y, H:i')} {at:%Z}",
            "privacy": privacy(reading.user),
            "demo": report_words.DEMO if is_demo else "",
            "base": settings.MUSTER.base_url,
            # A page has no style of its own, a file has nothing else; no word of anybody's is in it.
            "style": mark_safe(f"<style>{render_to_string('metrics/report_file.css')}</style>"),  # noqa: S308
        },
    )


def privacy(user: User | None) -> str:
    """What of private incidents is in it."""
    if user is None:
        return report_words.NOT_PRIVATE
    return f"Made for {user}: private incidents that they may see are in these figures."
