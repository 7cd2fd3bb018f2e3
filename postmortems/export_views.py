"""A postmortem to save: as Markdown, HTML and PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.access import person
from core import pdf
from postmortems import exporting
from postmortems.fetching import postmortem_for

if TYPE_CHECKING:
    from django.http import HttpRequest

    from postmortems.models import Postmortem

RETRY_AFTER_SECONDS = "5"


@login_required
@require_GET
def export(request: HttpRequest, reference: str, format_: str) -> HttpResponse:
    """The file."""
    postmortem = postmortem_for(person(request), reference)
    try:
        file = exporting.export(postmortem, format_, now=timezone.now())
    except pdf.NotMade as error:
        return _not_made(request, postmortem, error)
    response = HttpResponse(file.body, content_type=file.content_type)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    # Whatever a browser makes of it, it runs nothing and asks for nothing.
    response["Content-Security-Policy"] = exporting.HTML_POLICY
    return response


def _not_made(request: HttpRequest, postmortem: Postmortem, error: pdf.NotMade) -> HttpResponse:
    context = {
        "postmortem": postmortem,
        "message": str(error),
        "is_busy": isinstance(error, pdf.Busy),
        "lacks": " ".join(pdf.LIBRARIES) if isinstance(error, pdf.Unavailable) else "",
    }
    response = render(request, "postmortems/export_failed.html", context, status=error.status)
    if isinstance(error, pdf.Busy):
        response["Retry-After"] = RETRY_AFTER_SECONDS
    return response
