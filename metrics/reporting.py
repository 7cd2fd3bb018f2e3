"""Reports by e-mail: what is due and was not made yet is made, and sent to whoever gets it.

A report, its file and what is to be sent are written in one transaction, under a constraint that lets a term have one
report: whoever sweeps, and however often that is cut short, nobody is written to twice. The PDF is made before it, by a
process of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from django.db import connection, transaction

from core import pdf
from core.work import each
from incidents import messages
from incidents.models import Incident
from metrics import choosing, leadership, report_calendar, report_files, report_words
from metrics.models import Fact, Progress, Report, Stale
from notifications import outbox
from notifications.message import Message
from notifications.models import File, Notification, SweepRun

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from accounts.models import User
    from metrics.leadership import Leadership
    from metrics.report_calendar import Term

log = structlog.get_logger(__name__)

MARK = "metrics.reports"  # since when reports are made here
PATIENCE = timedelta(minutes=30)  # for a turn at making PDFs, and for sums that are not up to date
SENT_WITHIN = timedelta(days=3)  # of its due time; what is older is made, to be read, and sent to nobody
PAGE = "metrics:leadership"


def report_due(*, now: datetime) -> int:
    """Make the reports that are due and missing; returns how many were made."""
    progress = Progress.objects.filter(pk=1).first()
    if progress is None or not progress.basis or progress.rebuilding:
        return 0  # the sums are being made, and then there will be figures
    missing = _missing(progress.zone, now=now)
    return sum(each(missing, partial(_make, now=now)))


@dataclass(frozen=True, slots=True)
class Missing:
    """A report that is to be made; ``is_sent`` unless it is too late to tell anybody."""

    term: Term
    is_sent: bool


def _missing(zone_name: str, *, now: datetime) -> list[Missing]:
    """The oldest first. Nothing of the time before the first incident; of what was due before reports were made here
    only the last of each kind, so that there is something to read: nobody is written to of it."""
    terms = [term for kind in report_calendar.Kind for term in report_calendar.due(kind, now=now, zone_name=zone_name)]
    made = set(Report.objects.filter(starts_on__in=[term.first for term in terms]).values_list("kind", "starts_on"))
    missing = [term for term in terms if (term.kind, term.first) not in made]
    if not missing:
        return []
    mark, _ = SweepRun.objects.get_or_create(name=MARK, defaults={"last_run_at": now})
    began = mark.last_run_at
    first = Fact.objects.filter(is_private=False).order_by("created_at").values_list("created_at", flat=True).first()
    last = {report_calendar.current(kind, now=began, zone_name=zone_name).before for kind in report_calendar.Kind}
    found = [
        Missing(term, began < term.due_at and now - term.due_at <= SENT_WITHIN)
        for term in missing
        if first and first < term.period.end and (began < term.due_at or term in last)
    ]
    return sorted(found, key=lambda one: one.term.due_at)


def _make(missing: Missing, *, now: datetime) -> int:
    """Read, lay out, then write all of it at once; 0 where it has to wait, or another was faster."""
    term = missing.term
    may_wait = missing.is_sent and now < term.due_at + PATIENCE
    if may_wait and Stale.objects.exists():
        return 0
    found = leadership.read(term.question, None, now=now)
    is_demo = Incident.objects.filter(is_demo=True).exists()
    try:
        content, why = _laid_out(term, found, now=now, is_demo=is_demo), ""
    except pdf.NotMade as error:
        if may_wait and isinstance(error, pdf.Busy):
            return 0
        content, why = b"", str(error)
    body = report_words.body_of(term, found, now=now, without_file=why, is_demo=is_demo)
    message = Message(
        title=report_words.title_of(term, found),
        body=body,
        url=messages.absolute(term.question.pinned(PAGE)),
        urgency="low",
    )
    return _write(missing, message, content, now=now)


def _laid_out(term: Term, found: Leadership, *, now: datetime, is_demo: bool) -> bytes:
    html = report_files.document(found, title=report_words.title_of(term, found), now=now, is_demo=is_demo)
    if not connection.in_atomic_block:
        connection.close()  # others may use it meanwhile
    return pdf.make(html, what="This report")


@transaction.atomic
def _write(missing: Missing, message: Message, content: bytes, *, now: datetime) -> int:
    term = missing.term
    report, is_new = Report.objects.get_or_create(
        kind=term.kind, starts_on=term.first, defaults={"due_at": term.due_at, "made_at": now}
    )
    if not is_new:
        return 0
    if content:
        name = report_files.name_of(term.kind, term.label)
        report.file = File.objects.create(name=name, content_type="application/pdf", content=content, made_at=now)
    people = choosing.recipients(term.kind) if missing.is_sent else []
    report.sent_to = len(people)
    report.save(update_fields=["file", "sent_to"])
    outbox.enqueue(_rows(term, message, people, report.file, now=now))
    log.info("report made", kind=term.kind, label=term.label, sent_to=len(people), has_file=bool(content))
    return 1


def _rows(
    term: Term, message: Message, people: Sequence[User], file: File | None, *, now: datetime
) -> list[Notification]:
    chose = choosing.who_chose(people)
    told = Message(title=message.title, body=message.body, url=message.url, urgency="low", file=file)
    topic = f"report/{term.kind}/{term.label}"
    return [
        outbox.to_account(
            user,
            told,
            topic=topic,
            key=topic,
            purpose=Notification.Purpose.NOTICE,
            now=now,
            reason=f"You chose the {term.kind} report"
            if user.pk in chose
            else f"The {term.kind} report goes to leadership",
        )
        for user in people
    ]
