"""Finding what an address names, as far as the reader may see and change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.access import require_manager, require_role
from accounts.models import Role
from incidents.fetching import number_of
from postmortems.models import Comment, KeyEvent, Postmortem, Section, Template

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


def postmortem_for_reviewer(user: User, reference: str) -> Postmortem:
    """The same, for its reviewers too, whatever their role; 404 or 403 otherwise."""
    postmortem = postmortem_for(user, reference)
    if all(row.user_id != user.pk for row in postmortem.reviewers.all()):
        require_role(user, Role.RESPONDER)
    return postmortem


def comment_of(postmortem: Postmortem, pk: int) -> Comment:
    """One of the comments on it. Raises Http404."""
    comment: Comment = get_object_or_404(postmortem.comments.all(), pk=pk)
    return comment


def template_for_manager(user: User, pk: int) -> Template:
    """The template, for a manager of the site or of its team; 404 or 403 otherwise."""
    template: Template = get_object_or_404(Template.objects.visible_to(user).select_related("team"), pk=pk)
    require_manager(user, template.team)
    return template


def section_of(postmortem: Postmortem, key: str) -> Section:
    """One of its sections. Raises Http404."""
    found: Section | None = next((section for section in postmortem.sections.all() if section.key == key), None)
    if found is None:
        raise Http404("This postmortem has no such section.")
    return found


def event_of(postmortem: Postmortem, pk: int) -> KeyEvent:
    """One of its events. Raises Http404."""
    event: KeyEvent = get_object_or_404(postmortem.events.select_related("changed_by", "entry__by"), pk=pk)
    event.postmortem = postmortem
    return event
