"""Publishing a postmortem, its public version, and the meeting about it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import person
from core.forms import take_errors
from core.htmx import HtmxHttpRequest
from core.redirects import see_other
from incidents.models.incident import NotAllowedNow
from incidents.views.sheets import posted, shown_and_sent
from postmortems import meeting as meetings
from postmortems import publishing
from postmortems.fetching import postmortem_for, postmortem_for_responder
from postmortems.review_forms import MeetingForm, PublicForm, PublishForm
from postmortems.sheet_views import Sheet, answer, press, refused

if TYPE_CHECKING:
    from postmortems.models import Postmortem

MEETING = Sheet(
    "Set a meeting", "Send invitations", "The owner, the reviewers and everybody who took part are invited."
)
MOVED = Sheet("Change the meeting", "Send the change", "Whoever was invited gets the change.")


@login_required
@shown_and_sent
def publish(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Look at what publishing would do, and do it. Doubts are asked about once more; nothing goes out unseen."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    if request.method != "POST":
        if postmortem.is_published:
            return see_other(postmortem)
        return _outlook(request, postmortem, PublishForm())
    form = PublishForm(request.POST)
    if not form.is_valid():
        return _outlook(request, postmortem, form, status=422)
    said = form.cleaned_data
    doubt = publishing.outlook(postmortem, by=user).doubt if not postmortem.is_published else ""
    if doubt and said["anyway"] != doubt:
        return _outlook(request, postmortem, form, asks=True)
    try:
        publishing.publish(postmortem, by=user, with_public=said["with_public"], public_mark=said["public_mark"])
    except NotAllowedNow as error:
        return refused(request, postmortem, str(error))
    except ValidationError as error:
        take_errors(form, error)
        return _outlook(request, postmortem, form, status=422)
    messages.success(request, "The postmortem is published.")
    return see_other(postmortem)


def _outlook(
    request: HtmxHttpRequest, postmortem: Postmortem, form: PublishForm, *, status: int = 200, asks: bool = False
) -> HttpResponse:
    context: dict[str, Any] = {
        "postmortem": postmortem,
        "incident": postmortem.incident,
        "outlook": publishing.outlook(postmortem, by=person(request)),
        "form": form,
        "asks": asks,
        "with_public": form.is_bound and bool(form.data.get("with_public")),
    }
    return render(request, "postmortems/publish.html", context, status=status)


@login_required
@shown_and_sent
def public_version(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Write what the public is to read, and look at it as they will."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    if request.method != "POST":
        return _public(request, postmortem, _public_form(postmortem))
    if "suggest" in request.POST:
        form = _public_form(postmortem, text=request.POST.get("public_text", "").strip() or publishing.SUGGESTION)
        return _public(request, postmortem, form)
    sent = PublicForm(request.POST)
    if not sent.is_valid():
        return _public(request, postmortem, sent, status=422)
    text, base = sent.cleaned_data["public_text"], sent.cleaned_data["base"]
    if "preview" in request.POST:
        return _public(request, postmortem, sent, preview=text)
    try:
        publishing.write_public(postmortem, text=text, by=user, base=base or None)
    except NotAllowedNow as error:
        return refused(request, postmortem, str(error), unsaved=[text])
    except ValidationError as error:
        take_errors(sent, error)
        return _public(request, postmortem, sent, status=422)
    messages.success(request, "Saved. The public does not read it yet.")
    return see_other("postmortems:public_version", reference=postmortem.incident.reference)


@login_required
@require_POST
def publish_public(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Let the public read it."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    try:
        publishing.publish_public(postmortem, by=user, mark=request.POST.get("public_mark", ""))
    except NotAllowedNow as error:
        return refused(request, postmortem, str(error))
    except ValidationError as error:
        return _public(request, postmortem, _public_form(postmortem), status=422, wrong=error.messages)
    messages.success(request, "The public version is published.")
    return see_other("postmortems:public_version", reference=postmortem.incident.reference)


def _public_form(postmortem: Postmortem, *, text: str | None = None) -> PublicForm:
    written = postmortem.public_text
    shown = written if text is None else text
    return PublicForm(initial={"public_text": shown, "base": publishing.mark_of(written)})


def _public(
    request: HtmxHttpRequest, postmortem: Postmortem, form: PublicForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    update = postmortem.public_update
    context: dict[str, Any] = {
        "postmortem": postmortem,
        "incident": postmortem.incident,
        "form": form,
        "mark": publishing.mark_of(postmortem.public_text),
        "update": update,
        "is_out": update is not None and update.message == postmortem.public_text,
    }
    return render(request, "postmortems/public_version.html", context | more, status=status)


@login_required
@shown_and_sent
def meeting(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Set or move the meeting."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    form = MeetingForm(posted(request), postmortem=postmortem)
    act = partial(meetings.arrange, postmortem, by=user)
    sheet = MOVED if postmortem.meeting_at else MEETING
    return answer(request, postmortem, sheet, form, act, said="The invitations are on their way.", place="#meeting")


@login_required
@require_POST
def cancel_meeting(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """It does not take place."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    act = partial(meetings.cancel, postmortem, by=user)
    return press(request, postmortem, act, said="The meeting is cancelled; everybody is told.", place="#meeting")


@login_required
@require_GET
def meeting_ics(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """The invitation for a calendar."""
    user = person(request)
    postmortem = postmortem_for(user, reference)
    if postmortem.meeting_at is None:
        raise Http404("No meeting is set.")
    calendar = meetings.text_of(postmortem, reader=user)
    response = HttpResponse(calendar, content_type="text/calendar; charset=utf-8; method=REQUEST")
    response["Content-Disposition"] = f'attachment; filename="{postmortem.incident.reference}-postmortem.ics"'
    response["Cache-Control"] = "private, no-store"
    return response
