"""A postmortem as a file that stands by itself: Markdown, HTML, PDF. Times in files are UTC, as their text has them.

What people wrote can do nothing in them: it goes through ``core.markdown`` or is escaped, the HTML forbids itself
everything but its own style, and the PDF is made by a process that fetches nothing (``core.pdf``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import mark_safe

from core import durations, pdf
from core.text import single_line
from incidents import messages
from postmortems import chart, reading
from postmortems.generating import moment
from postmortems.places import escaped

if TYPE_CHECKING:
    from postmortems.models import Postmortem
    from postmortems.reading import Reading

NO_SCRIPT = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
HTML_POLICY = f"{NO_SCRIPT}; sandbox"


@dataclass(frozen=True, slots=True)
class File:
    """A file to save."""

    name: str
    content_type: str
    body: bytes


def export(postmortem: Postmortem, format_: str, *, now: datetime) -> File:
    """The postmortem as ``md``, ``html`` or ``pdf``. Raises KeyError for another format, and ``pdf.NotMade``."""
    content_type, make = FORMATS[format_]
    return File(f"postmortem-{postmortem.incident.reference}.{format_}", content_type, make(postmortem, now))


def facts_of(read: Reading, *, now: datetime) -> list[tuple[str, str]]:
    """What stands on top of a file: names and plain texts."""
    postmortem, incident = read.postmortem, read.postmortem.incident
    lasted = (incident.resolved_at - incident.started_at).total_seconds() if incident.resolved_at else None
    rows = [
        ("Incident", incident.reference),
        ("Severity", incident.get_severity_display()),
        ("State", postmortem.get_state_display()),
        ("Owner", str(postmortem.owner) if postmortem.owner else "nobody yet"),
        ("Impact began", moment(incident.started_at)),
        ("Detected", moment(incident.created_at)),
        ("Resolved", moment(incident.resolved_at) if incident.resolved_at else "not yet"),
        ("Lasted", durations.words(lasted) if lasted is not None else ""),
        ("Published", moment(postmortem.published_at)) if postmortem.published_at else ("As of", moment(now)),
        ("Affected services", ", ".join(service.name for service in read.services)),
        ("Contributing factors", ", ".join(factor.name for factor in postmortem.factors.all())),
    ]
    return [(name, text) for name, text in rows if text]


def _markdown(postmortem: Postmortem, now: datetime) -> bytes:
    read = reading.read(postmortem)
    incident = postmortem.incident
    lines = [f"# Postmortem of {incident.reference}: {escaped(single_line(incident.title))}", ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {name} | {_cell(text)} |" for name, text in facts_of(read, now=now)]
    lines += ["", f"<{messages.absolute(postmortem.get_absolute_url())}>"]
    for part in read.parts:
        lines += ["", f"## {escaped(single_line(part.section.title))}", "", part.text.strip()]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _cell(text: str) -> str:
    return escaped(single_line(text)).replace("\\-", "-")  # which begins nothing here


def _html(postmortem: Postmortem, now: datetime) -> bytes:
    return _document(postmortem, now=now).encode("utf-8", "replace")


def _pdf(postmortem: Postmortem, now: datetime) -> bytes:
    return pdf.make(_document(postmortem, now=now), what="This postmortem", instead="Save it as HTML, and print that.")


def _document(postmortem: Postmortem, *, now: datetime) -> str:
    """One HTML document with its style inside; WeasyPrint lays out the same one."""
    read = reading.read(postmortem)
    context: dict[str, Any] = {
        "postmortem": postmortem,
        "incident": postmortem.incident,
        "reading": read,
        "chart": chart.draw(postmortem.incident, read.moves, read.events, zone=UTC, now=now),
        "facts": facts_of(read, now=now),
        "address": messages.absolute(postmortem.get_absolute_url()),
        "policy": NO_SCRIPT,
        # A page has no style of its own, a file has nothing else; no word of anybody's is in it.
        "style": mark_safe(f"<style>{render_to_string('postmortems/file.css')}</style>"),  # noqa: S308
        "now": now,
    }
    with timezone.override(UTC):
        return render_to_string("postmortems/file.html", context)


FORMATS: dict[str, tuple[str, Callable[[Postmortem, datetime], bytes]]] = {
    "md": ("text/markdown; charset=utf-8", _markdown),
    "html": ("text/html; charset=utf-8", _html),
    "pdf": ("application/pdf", _pdf),
}
