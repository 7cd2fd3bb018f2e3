"""Pages across the apps: my work, search everywhere, first steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person, require_role
from accounts.models import Role
from core.htmx import HtmxHttpRequest, render, unseen, wants_fragment
from core.pagination import BadCursor
from core.redirects import see_other
from home import first_steps as steps
from home import happening, questions
from home import my_work as work
from home import pages_to_me as received
from home import search as finding

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

    from accounts.models import User
    from home.questions import Question


@login_required
@require_safe
def now(request: HtmxHttpRequest) -> HttpResponse:
    """What is happening now, for those who are not responding. An open page asks as that of ``my_work`` does."""
    found = happening.load(person(request), now=timezone.now())
    context: dict[str, Any] = {"found": found, "versions": found.versions}
    if not wants_fragment(request):
        return render(request, "home/now.html", context)
    fresh = unseen(request, found.versions)
    if not fresh:
        return HttpResponse(status=204)
    context["panels"] = [f"home/_{name}.html" for name in fresh]
    return render(request, "home/_panels.html", context)


@login_required
@require_safe
def my_work(request: HtmxHttpRequest) -> HttpResponse:
    """What waits for this person, what they work on, what they have promised, and what else their teams have open.

    An open page asks with the versions of the panels that it shows (``?seen=waiting.1f…``) and gets those that differ,
    or 204.
    """
    user = person(request)
    found = work.load(user, now=timezone.now())
    context: dict[str, Any] = {
        "work": found,
        "versions": found.versions,
        "can_respond": user.has_role(Role.RESPONDER),
    }
    if not wants_fragment(request):
        return render(request, "home/my_work.html", context)
    fresh = unseen(request, found.versions)
    if not fresh:
        return HttpResponse(status=204)
    context["panels"] = [f"home/_{name}.html" for name in fresh]
    return render(request, "home/_panels.html", context)


@login_required
@require_safe
def pages_to_me(request: HttpRequest) -> HttpResponse:
    """The last pages that this person got, and why."""
    return render(request, "home/pages_to_me.html", {"pages": received.latest(person(request))})


@login_required
@require_safe
def search(request: HtmxHttpRequest) -> HttpResponse:
    """Incidents, postmortems, services and people for what was typed: a page, or to the box itself the few best.

    An incident's reference leads right to it; ``all=1`` searches for it as words.
    """
    user, now = person(request), timezone.now()
    question = questions.ask(request.GET.get("q", ""), user=user, today=timezone.localdate(now))
    context: dict[str, Any] = {"question": question, "prefixes": questions.WANTED.items()}
    if wants_fragment(request):
        context["answers"] = finding.answers(question, user=user, now=now)
        return render(request, "home/_answers.html", context)
    if question.is_reference and "all" not in request.GET:
        incident = finding.by_number(question, user=user)
        if incident:
            return redirect(incident)
    context |= _results(question, user=user, now=now, cursor=request.GET.get("cursor"))
    return render(request, "home/search.html", context)


def _results(question: Question, *, user: User, now: datetime, cursor: str | None) -> dict[str, Any]:
    try:
        found, page = finding.incidents(question, user=user, now=now, cursor=cursor)
    except BadCursor:
        found, page = finding.incidents(question, user=user, now=now, cursor=None)
    named = None if cursor else finding.by_number(question, user=user)
    return {
        "found": [each for each in found if each.incident != named],
        "page": page,
        "named": named,
        "postmortems": finding.postmortems(question, user=user, now=now, most=finding.MOST_NAMES + 1),
        "services": finding.services(question, user=user, most=finding.MOST_NAMES + 1),
        "people": finding.people(question, user=user, most=finding.MOST_NAMES + 1),
        "most_names": finding.MOST_NAMES,
    }


@login_required
@require_safe
def first_steps(request: HtmxHttpRequest) -> HttpResponse:
    """From an empty installation to the first page that somebody gets."""
    user, now = person(request), timezone.now()
    guide = steps.guide(user, now=now)
    context = {"guide": guide} | steps.details(guide, user=user, now=now)
    return render(request, "home/first_steps.html", context)


@login_required
@require_POST
def test_page(request: HttpRequest) -> HttpResponse:
    """Declare the test incident of the last step."""
    user = person(request)
    require_role(user, Role.ADMIN)
    incident = steps.send_test_page(by=user, ticket=request.POST.get("ticket", ""), now=timezone.now())
    messages.success(request, f"{incident.reference} is declared and pages. Acknowledge it, then resolve it.")
    return see_other(incident)
