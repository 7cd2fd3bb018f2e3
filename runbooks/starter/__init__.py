"""The starter library: guides that every installation begins with, each a file ``<slug>.md`` beside this one.

They name the services that they were written for by slug. Where such a service exists it is tied; where none does, the
guide fits as soon as there is one, and until then by facts, by a service that is called alike, and by words of the
title (``runbooks.matching``): a guide that waits for a service costs nothing, and one that was tied to the wrong
service would stand in the way at three in the morning.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from incidents.models import IncidentSettings
from runbooks import editing, guides
from runbooks.models import Runbook

if TYPE_CHECKING:
    from datetime import datetime

FOLDER = Path(__file__).parent
UPDATED = "Updated with Muster"


def read(folder: Path = FOLDER) -> dict[str, guides.Guide]:
    """Every guide of the library by its slug. Raises ValueError that names the file and the line."""
    found = {}
    for path in sorted(folder.glob("*.md")):
        try:
            guide = guides.parse(path.read_text(encoding="utf-8"))
        except guides.BadGuide as error:
            raise ValueError(f"{path.name}: {error}") from error
        steps = tuple(replace(step, body=guides.unwrapped(step.body)) for step in guide.steps)
        found[path.stem] = replace(guide, summary=guides.unwrapped(guide.summary), steps=steps)
    return found


@transaction.atomic
def load(*, now: datetime, folder: Path = FOLDER) -> int:
    """Add the guides that are missing, and bring up to date those that nobody has changed; returns how many.

    What a person wrote, changed or archived is left alone, whatever the library says.
    """
    library = read(folder)
    IncidentSettings.objects.select_for_update().filter(pk=1).first()  # of two that start at once, one goes first
    have = {row.slug: row for row in Runbook.objects.filter(slug__in=library).select_related("current_version")}
    changed = 0
    for slug, guide in library.items():
        runbook = have.get(slug)
        if runbook is None:
            editing.create(guide, slug=slug, by=None, is_starter=True, now=now)
            changed += 1
        elif _is_untouched(runbook) and guides.text_of(editing.checked(guide)) != runbook.version.text:
            editing.change(runbook, guide, by=None, what_changed=UPDATED, now=now)
            changed += 1
    return changed


def _is_untouched(runbook: Runbook) -> bool:
    """Whether all that it says came from the library."""
    is_ours = runbook.is_starter and runbook.archived_at is None
    return is_ours and not runbook.versions.exclude(created_by=None).exists()
