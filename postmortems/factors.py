"""Contributing factors: what made an incident possible or longer, as tags that figures can count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import audit
from core import live
from core.text import single_line
from core.work import db_now
from postmortems import drafting
from postmortems.editing import locked_postmortem
from postmortems.models import Factor

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User
    from postmortems.models import Postmortem

NAME_LIMIT = 60
MOST_FACTORS = 12

DEFAULTS = {
    "Configuration change": "A setting was changed, and the system did not behave as expected.",
    "Deployment": "A new version was rolled out.",
    "Capacity": "More was asked for than there was room for.",
    "Dependency failure": "Something that it needs, inside or outside, was not there.",
    "Missing alert": "Nothing told anybody; people or customers noticed.",
    "Slow detection": "It was noticed later than it could have been.",
    "Unclear ownership": "It was not clear who looks after it.",
    "Missing runbook": "What to do was not written down, or not right.",
    "Hardware": "A machine, a disk or a line failed.",
    "Confusing tool or procedure": "What people work with made the wrong step easy.",
    "Security": "Somebody got, or could have got, what is not theirs.",
    "Data": "Data was wrong, missing or of a kind that nobody had thought of.",
}


def ensure_defaults() -> None:
    """Write the starting set where there never was a factor; what a person has renamed or removed stays so."""
    if not (Factor.objects.exists() or audit.is_known(Factor)):
        rows = [Factor(name=name, description=description) for name, description in DEFAULTS.items()]
        Factor.objects.bulk_create(rows, ignore_conflicts=True)


def named(name: str, *, by: User | None) -> Factor:
    """The factor of a name, whatever its capitals; a new one if there is none. Raises ValidationError."""
    name = single_line(name)
    if not name:
        raise ValidationError({"new": "Say in a few words what contributed."})
    if len(name) > NAME_LIMIT:
        raise ValidationError({"new": f"A factor has at most {NAME_LIMIT} characters; this has {len(name)}."})
    found: Factor | None = Factor.objects.filter(name__iexact=name).first()
    if found:
        return found
    try:
        with transaction.atomic():
            return audit.save(Factor(name=name), by=by)
    except (IntegrityError, ValidationError):  # somebody else has just added it
        again: Factor | None = Factor.objects.filter(name__iexact=name).first()
        if again is None:
            raise
        return again


@transaction.atomic
def choose(
    postmortem: Postmortem,
    *,
    factors: Iterable[Factor],
    by: User | None,
    new: Iterable[str] = (),
    now: datetime | None = None,
) -> Postmortem:
    """Say which factors contributed; ``new`` are names, of which there may be one already. Raises ValidationError, and
    NotAllowedNow for a published postmortem."""
    postmortem = locked_postmortem(postmortem.pk)
    chosen = {factor.pk: factor for factor in (*factors, *(named(name, by=by) for name in new))}
    if len(chosen) > MOST_FACTORS:
        raise ValidationError({"factors": f"Choose at most {MOST_FACTORS}: those that mattered."})
    if set(postmortem.factors.values_list("pk", flat=True)) != chosen.keys():
        postmortem.factors.set(chosen.values())
        drafting.begin(postmortem, postmortem.incident, by=by, now=now or db_now())
        live.changed(postmortem.incident.topic)
    return postmortem
