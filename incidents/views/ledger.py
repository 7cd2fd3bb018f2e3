"""The ledger: who was told of an incident and why, and why one person was, or was not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import Role, User
from incidents import ledger as ledgers
from incidents import ledger_facts, why
from incidents.fetching import incident_for, person_asked_for
from incidents.simulating import address_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from incidents.ledger_facts import Facts


@login_required
@require_safe
def ledger(request: HttpRequest, reference: str) -> HttpResponse:
    """Every decision about one incident; ``?person=alice`` begins with why she was paged, or was not."""
    user = person(request)
    incident = incident_for(user, reference)
    username = request.GET.get("person", "")
    asked = person_asked_for(user, username) if username else None
    facts = ledger_facts.read(incident, now=timezone.now(), person=asked)
    context: dict[str, Any] = {
        "incident": incident,
        "ledger": ledgers.tell(facts),
        "asked": asked,
        "answer": why.explain(facts, asked, reader=user) if asked else None,
        "people": User.objects.visible_to(user).only("username", "name", "is_active").order_by("name", "username")
        if user.has_role(Role.RESPONDER)
        else [],
        "simulations": _simulations(facts),
    }
    return render(request, "incidents/ledger.html", context)


def _simulations(facts: Facts) -> list[tuple[str, str]]:
    """Each affected service, with what its policies would do today if the incident began again at its time."""
    query = address_of(severity=facts.incident.severity, at=facts.incident.created_at)
    return [(str(each), reverse("incidents:simulate", args=[each.slug], query=query)) for each in facts.services]
