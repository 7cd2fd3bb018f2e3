"""Why was somebody paged: the ledger of an incident."""

from __future__ import annotations

from datetime import UTC

from django.utils import timezone
from ninja import Router

from accounts.models import Role
from api import lookups
from api.auth import ApiRequest, actor
from api.problems import Problem
from api.schemas.base import Name, Reference
from api.schemas.ledger import ComingOut, DecisionOut, LedgerOut, WhyOut
from incidents import fetching, ledger, ledger_facts, why

router = Router(tags=["incidents"])


@router.get("/{incident_id}/ledger", response=LedgerOut)
def read_ledger(request: ApiRequest, incident_id: Name, person: Reference | None = None) -> LedgerOut:
    """Every decision about who is told, in order and in words; with `person`, a username, also why they were paged,
    or were not. Viewers may ask about themselves."""
    user = actor(request)
    incident = fetching.incident_for(user, incident_id)
    if person and person != user.username and not user.has_role(Role.RESPONDER):
        raise Problem(403, "Only responders may ask about others.")
    asked = lookups.people([person], user=user, field="person")[0] if person else None
    facts = ledger_facts.read(incident, now=timezone.now(), person=asked, zone=UTC)
    told = ledger.tell(facts)
    return LedgerOut(
        incident=incident.reference,
        is_cut=told.is_cut,
        decisions=[DecisionOut.of(decision) for decision in told.decisions],
        coming=[ComingOut.of(due) for due in told.coming],
        why=WhyOut.of(why.explain(facts, asked)) if asked else None,
    )
