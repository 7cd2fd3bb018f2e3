"""Reviewing a postmortem: who sees to it, who reads it, what they say, and what contributed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from accounts.access import person
from core.htmx import HtmxHttpRequest
from core.text import clean
from incidents.views.sheets import posted, shown_and_sent
from postmortems import comments, factors, publishing, reviewing
from postmortems.fetching import comment_of, postmortem_for_responder, postmortem_for_reviewer
from postmortems.models import Postmortem, Reviewer
from postmortems.review_forms import CommentForm, FactorsForm, OwnerForm, ReviewersForm
from postmortems.sheet_views import Sheet, answer, press

if TYPE_CHECKING:
    from django.http import HttpResponse

SEND = Sheet("Send for review", "Send for review")
MORE = Sheet("Ask more people", "Ask them")
OWNER = Sheet("Who sees to it", "Save")
FACTORS = Sheet("Contributing factors", "Save", "What made it possible, or longer: the system, never a person.")
COMMENT = Sheet("Comment", "Comment")


@login_required
@shown_and_sent
def review(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Ask people to read it."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    again = [str(row.user) for row in postmortem.reviewers.all()]
    sheet = MORE
    if postmortem.state == Postmortem.State.DRAFT:
        note = f"Asked again: {', '.join(again)}." if again else ""
        sheet = Sheet(SEND.title, SEND.button, note)
    form = ReviewersForm(posted(request), postmortem=postmortem, by=user)
    act = partial(reviewing.send_for_review, postmortem, by=user)
    return answer(request, postmortem, sheet, form, act, said="It is in review.", place="#review")


@login_required
@require_POST
def remove_reviewer(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Somebody need not read it after all."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    username = clean(request.POST.get("username"))
    row: Reviewer = get_object_or_404(postmortem.reviewers.select_related("user"), user__username=username)
    act = partial(reviewing.remove_reviewer, postmortem, row.user, by=user)
    return press(request, postmortem, act, said=f"{row.user} need not review it.", place="#review")


@login_required
@require_POST
def approve(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """A reviewer approves, or takes that back."""
    user = person(request)
    postmortem = postmortem_for_reviewer(user, reference)
    is_approved = request.POST.get("to") != "back"
    act = partial(reviewing.approve, postmortem, by=user, is_approved=is_approved)
    said = "You approved it." if is_approved else "Your approval is taken back."
    return press(request, postmortem, act, said=said, place="#review")


@login_required
@require_POST
def take_back(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Make it a draft again."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    act = partial(publishing.take_back, postmortem, by=user)
    return press(request, postmortem, act, said="It is a draft again, and can be changed.", place="#review")


@login_required
@shown_and_sent
def owner(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Somebody else sees to it."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    form = OwnerForm(posted(request), postmortem=postmortem)
    act = partial(reviewing.give, postmortem, by=user)
    return answer(request, postmortem, OWNER, form, act, said="The owner is saved.", place="#review")


@login_required
@shown_and_sent
def choose_factors(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Say what contributed."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    form = FactorsForm(posted(request), postmortem=postmortem)
    act = partial(factors.choose, postmortem, by=user)
    return answer(request, postmortem, FACTORS, form, act, said="The factors are saved.", place="#review")


@login_required
@shown_and_sent
def comment(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Say something of a section, or of the whole."""
    user = person(request)
    postmortem = postmortem_for_reviewer(user, reference)
    sections = list(postmortem.sections.all())
    keys = {section.key for section in sections}
    about = request.GET.get("section", "")
    initial = {"section": about if about in keys else ""}
    form = CommentForm(posted(request), sections=sections, initial=initial)
    act = partial(comments.add, postmortem, by=user)
    return answer(request, postmortem, COMMENT, form, act, said="Your comment is there.", place="#comments")


@login_required
@require_POST
def settle_comment(request: HtmxHttpRequest, reference: str, pk: int) -> HttpResponse:
    """A comment is dealt with, or is not after all."""
    user = person(request)
    postmortem = postmortem_for_reviewer(user, reference)
    said = comment_of(postmortem, pk)
    is_back = request.POST.get("to") == "open"
    act = partial(comments.unsettle if is_back else comments.settle, said, by=user)
    word = "The comment is open again." if is_back else "The comment is settled."
    return press(request, postmortem, act, said=word, place=f"#comment-{said.pk}")
