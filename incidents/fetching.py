"""Fetching what a view is about, with the permission decided: 404 for what one may not see, 403 for what not do."""

from __future__ import annotations

import re

from django.http import Http404

from accounts.access import require_manager, require_role
from accounts.models import Role, User
from core.text import clean
from incidents.models import ActionItem, Incident, StatusUpdate, TimelineEntry, UpdateTemplate

REFERENCE = re.compile(r"inc-([1-9][0-9]{0,17})", re.ASCII | re.IGNORECASE)


def number_of(reference: str) -> int | None:
    """The 42 of ``INC-42`` or ``inc-42``; None for anything else."""
    found = REFERENCE.fullmatch(reference)
    return int(found[1]) if found else None


def incident_for(user: User, reference: str) -> Incident:
    """The incident, with its assignee, for somebody who may see it. Raises Http404."""
    visible = Incident.objects.visible_to(user).select_related("assignee", "created_by", "merged_into", "excluded_by")
    incident: Incident | None = visible.filter(pk=number_of(reference) or 0).first()
    if incident is None:
        raise Http404(f"There is no incident {reference} for you.")
    return incident


def person_asked_for(user: User, username: str) -> User:
    """Somebody of whom one asks why they were paged: oneself, or for responders anybody. Raises Http404, or
    PermissionDenied."""
    if username != user.username:
        require_role(user, Role.RESPONDER)
    found = User.objects.visible_to(user).filter(username=clean(username)).first()
    if found is None:
        raise Http404("There is no such person.")
    return found


def incident_for_responder(user: User, reference: str) -> Incident:
    """The incident for somebody who may act on it. Raises Http404, or PermissionDenied for viewers."""
    incident = incident_for(user, reference)
    require_role(user, Role.RESPONDER)
    return incident


def note_of(incident: Incident, pk: int) -> TimelineEntry:
    """One of the incident's notes. Raises Http404."""
    note = incident.timeline.filter(pk=pk, kind=TimelineEntry.Kind.NOTED).first()
    if note is None:
        raise Http404(f"{incident.reference} has no such note.")
    return note


def action_item_of(incident: Incident, pk: int) -> ActionItem:
    """One of the incident's action items, with its owner. Raises Http404."""
    item: ActionItem | None = incident.action_items.select_related("owner").filter(pk=pk).first()
    if item is None:
        raise Http404(f"{incident.reference} has no such action item.")
    return item


def update_of(incident: Incident, pk: int) -> StatusUpdate:
    """One of the incident's status updates, whether it is published or not. Raises Http404."""
    update: StatusUpdate | None = incident.status_updates.select_related("by").filter(pk=pk).first()
    if update is None:
        raise Http404(f"{incident.reference} has no such status update.")
    return update


def template_for_manager(user: User, pk: int) -> UpdateTemplate:
    """A template of status updates for a manager of the site. Raises Http404, or PermissionDenied."""
    template: UpdateTemplate | None = UpdateTemplate.objects.visible_to(user).filter(pk=pk).first()
    if template is None:
        raise Http404("There is no such template.")
    require_manager(user, None)
    return template
