"""The page behind the link in a message: one button that acknowledges, without signing in.

It shows number and severity, never the title: the link may be read by others, and the incident may be private.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.redirects import see_other
from incidents import acknowledging, answers, escalation
from incidents.models import TimelineEntry
from incidents.models.incident import NotAllowedNow

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

Kind = TimelineEntry.Kind


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Ask on GET, acknowledge on POST: programs that check mail follow links, and press no buttons."""
    try:
        link = answers.read(token)
    except answers.LinkInvalid:
        return render(request, "incidents/answer_invalid.html", status=404)
    status = 200
    if request.method == "POST":
        try:
            answers.acknowledge(link)
        except NotAllowedNow:
            status = 409
        else:
            return see_other(request.path)
    context = {
        "incident": link.incident,
        "person": link.user,
        "answered": _first_answer(link),
        "is_asked": acknowledging.is_asked(link.incident, link.user),
        "is_paging": escalation.is_running(link.incident),
    }
    return render(request, "incidents/answer.html", context, status=status)


def _first_answer(link: answers.Answer) -> TimelineEntry | None:
    """Who acknowledged it, or moved it on, and when."""
    entries = link.incident.timeline.select_related("by")
    answered: TimelineEntry | None = entries.filter(kind__in=[Kind.ACKNOWLEDGED, Kind.MOVED]).order_by("-id").first()
    return answered
