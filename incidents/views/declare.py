"""Declaring an incident: the form, what it would do, and the open incidents that are like it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts import kept
from accounts.access import person, require_role
from accounts.models import Role
from core.forms import take_errors
from core.htmx import HtmxHttpRequest, render, wants_fragment
from core.redirects import see_other
from incidents import lifecycle, plan
from incidents.forecast import forecast
from incidents.forms import DeclareForm
from incidents.models import Incident
from incidents.similar import Similar, similar_open

if TYPE_CHECKING:
    from django.http import HttpResponse

    from accounts.models import User

MANY_SERVICES = 12  # from here on there is a box to filter them by


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def declare(request: HtmxHttpRequest) -> HttpResponse:
    """The form, filled as far as the address or a kept form says; what it declares; or, before that, one question."""
    user = person(request)
    require_role(user, Role.RESPONDER)
    if request.method != "POST":
        return _page(request, DeclareForm.filled(_said(request)), _said(request))
    form = DeclareForm(request.POST)
    if "back" in request.POST:
        return _page(request, DeclareForm.filled(request.POST, ticket=True), request.POST)
    try:
        if form.is_valid():
            draft = form.draft(by=user)
            alike = _to_ask_about(form, draft, user)
            if alike:
                return _question(request, form, alike)
            incident = _declared_once(draft)
            kept.discard(request.session, request.GET.get("kept", ""), now=timezone.now())
            messages.success(request, f"{incident.reference} is declared. Its plan says who is told, and when.")
            return see_other(incident)
    except ValidationError as error:
        take_errors(form, error)
    return _page(request, form, request.POST)


@login_required
@require_safe
def declare_plan(request: HtmxHttpRequest) -> HttpResponse:
    """Who would be paged and told; a fragment of the form."""
    require_role(person(request), Role.RESPONDER)
    if not wants_fragment(request):
        return _to_form(request)
    outlook = {"forecast": _forecast(request, DeclareForm(_said(request)).so_far())}
    return render(request, "incidents/_forecast.html", outlook)


@login_required
@require_safe
def similar(request: HtmxHttpRequest) -> HttpResponse:
    """Open incidents that are like what is being typed; a fragment of the form."""
    require_role(person(request), Role.RESPONDER)
    if not wants_fragment(request):
        return _to_form(request)
    return render(
        request, "incidents/_similar.html", {"similar": _similar(request, DeclareForm(_said(request)).so_far())}
    )


def _page(request: HtmxHttpRequest, form: DeclareForm, said: QueryDict) -> HttpResponse:
    """The form with what goes along with it: the plan and similar incidents, as far as it says what they depend on."""
    so_far = form.so_far() if form.is_bound else DeclareForm(said).so_far()
    compiler = plan.Compiler()
    context = {
        "form": form,
        "choices": list(zip(form["severity"], compiler.policies.values(), strict=True)),
        "many_services": MANY_SERVICES,
        "forecast": _forecast(request, so_far, compiler),
        "similar": _similar(request, so_far),
    }
    return render(request, "incidents/incident_declare.html", context, status=422 if form.errors else 200)


def _question(request: HtmxHttpRequest, form: DeclareForm, alike: list[Similar]) -> HttpResponse:
    """Whether it is one of these; asked of those who have not seen them beside the form."""
    context = {"form": form, "similar": alike, "forecast": _forecast(request, form.cleaned_data)}
    return render(request, "incidents/declare_confirm.html", context)


def _to_ask_about(form: DeclareForm, draft: lifecycle.Draft, user: User) -> list[Similar]:
    """Similar open incidents that the person has not been shown; none for a form whose incident exists already."""
    alike = similar_open(user, title=draft.title, services=draft.services)
    if form.has_shown(found.incident.pk for found in alike):
        return []
    is_declared = draft.source_key and Incident.objects.filter(source_key=draft.source_key).exists()
    return [] if is_declared else alike


def _declared_once(draft: lifecycle.Draft) -> Incident:
    """Declare it; of two presses of the button the second waits for the first, and finds what it has declared."""
    try:
        return lifecycle.declare(draft)
    except IntegrityError:
        return lifecycle.declare(draft)


def _forecast(request: HtmxHttpRequest, so_far: dict[str, Any], compiler: plan.Compiler | None = None) -> Any:
    """What declaring would do; None until the severity is chosen."""
    if not so_far.get("severity"):
        return None
    return forecast(
        severity=so_far["severity"],
        services=list(so_far.get("services") or ()),
        assignee=so_far.get("assignee"),
        by=person(request),
        now=timezone.now(),
        compiler=compiler,
    )


def _similar(request: HtmxHttpRequest, so_far: dict[str, Any]) -> list[Similar]:
    title, services = so_far.get("title") or "", so_far.get("services") or ()
    return similar_open(person(request), title=title, services=services)


def _said(request: HtmxHttpRequest) -> QueryDict:
    """What the address says, such as ``?title=…&severity=high&service=kafka``, or the kept form that it names."""
    said = request.GET.copy()
    said.setlist("services", [*said.getlist("services"), *said.getlist("service")])
    form = kept.find(request.session, request.GET.get("kept", ""), now=timezone.now())
    for name, values in form.fields if form and form.path == request.path else ():
        said.setlist(name, values)
    return said


def _to_form(request: HtmxHttpRequest) -> HttpResponse:
    return see_other(reverse("incidents:declare", query=request.GET))
