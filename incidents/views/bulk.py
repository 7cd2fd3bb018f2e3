"""One button for many incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import prefetch_related_objects
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import person, require_role
from accounts.models import Role
from core.htmx import HtmxHttpRequest
from core.redirects import see_other
from incidents import bulk
from incidents.views.sheets import asked_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpResponse

    from incidents.bulk import Outcome
    from incidents.models import Incident

MOST_NAMED = 8  # in a message


@login_required
@require_POST
def acknowledge(request: HtmxHttpRequest) -> HttpResponse:
    """Acknowledge what was ticked in the list, say what became of each, and go back to the list."""
    user = person(request)
    require_role(user, Role.RESPONDER)
    ticked = [
        value for value in request.POST.getlist("id") if value.isdecimal() and value.isascii() and len(value) < 19
    ]
    if not ticked:
        messages.warning(request, "Nothing is selected. Tick the incidents first.")
    elif len(ticked) > bulk.MOST:
        messages.warning(request, f"At most {bulk.MOST} incidents at once; nothing was changed.")
    else:
        _tell(request, bulk.acknowledge(map(int, ticked), by=user))
    return see_other(asked_from(request) or reverse("incidents:list"))


def _tell(request: HtmxHttpRequest, outcome: Outcome) -> None:
    prefetch_related_objects(outcome.answered, "assignee")
    if outcome.acknowledged:
        messages.success(
            request, f"Acknowledged: {_named(outcome.acknowledged)}. Nobody else is paged for {_it(outcome)}."
        )
    if outcome.answered:
        who = [f"{incident.reference} ({incident.assignee or 'nobody'} has it)" for incident in outcome.answered]
        messages.info(request, f"Answered before: {_enumerated(who)}.")
    if outcome.over:
        messages.info(request, f"Over already: {_named(outcome.over)}.")
    if outcome.missing:
        messages.warning(request, f"Not found: {_enumerated([f'INC-{number}' for number in outcome.missing])}.")


def _it(outcome: Outcome) -> str:
    return "it" if len(outcome.acknowledged) == 1 else "them"


def _named(incidents: Iterable[Incident]) -> str:
    return _enumerated([incident.reference for incident in incidents])


def _enumerated(names: list[str]) -> str:
    """INC-1, INC-2 and 14 more."""
    more = len(names) - MOST_NAMED
    return f"{', '.join(names[:MOST_NAMED])} and {more} more" if more > 0 else ", ".join(names)
