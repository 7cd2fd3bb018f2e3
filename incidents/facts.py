"""Facts: bounded labels that say what siblings of alerts may know of them (design, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from incidents.models import Incident

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_FACTS = 64


@transaction.atomic
def update(incident: Incident, facts: Mapping[str, str]) -> None:
    """Add to an incident's facts; a newer value replaces an older one, and there are never more than 64."""
    incident = Incident.objects.locked(incident.pk)
    merged = {**incident.facts, **facts}
    if merged != incident.facts:
        incident.facts = dict(list(merged.items())[:MOST_FACTS])
        incident.save(update_fields=["facts", "updated_at"])
