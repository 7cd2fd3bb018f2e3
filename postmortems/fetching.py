"""Finding what an address names, as far as the reader may see and change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.access import require_role
from accounts.models import Role
from incidents.fetching import number_of
from postmortems.models import Postmortem, Section

if TYPE_CHECKING:
    from accounts.models import User


def postmortem_for(user: User, reference: str) -> Postmortem:
    """The postmortem of an incident such as ``INC-42``, with what its page shows; 404 where there is none."""
    rows = Postmortem.objects.visible_to(user).whole()
    postmortem: Postmortem = get_object_or_404(rows, incident=number_of(reference) or 0)
    return postmortem


def postmortem_for_responder(user: User, reference: str) -> Postmortem:
    """The same, for somebody who may work on it; 404 or 403 otherwise."""
    postmortem = postmortem_for(user, reference)
    require_role(user, Role.RESPONDER)
    return postmortem


def section_of(postmortem: Postmortem, key: str) -> Section:
    """One of its sections. Raises Http404."""
    found: Section | None = next((section for section in postmortem.sections.all() if section.key == key), None)
    if found is None:
        raise Http404("This postmortem has no such section.")
    return found
