"""Keeping views of the list, and forgetting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import person
from core.htmx import HtmxHttpRequest
from core.redirects import see_other
from incidents import saved_views
from incidents.models import SavedView

if TYPE_CHECKING:
    from django.http import HttpResponse


class ViewForm(forms.Form):
    """A name, and the list's query string. Lengths are judged by the domain, with better words."""

    name = forms.CharField(required=False)
    query = forms.CharField(required=False)


@login_required
@require_POST
def save(request: HtmxHttpRequest) -> HttpResponse:
    """Keep what the list shows under a name, and show it."""
    form = ViewForm(request.POST)
    form.is_valid()
    name, query = form.cleaned_data.get("name", ""), form.cleaned_data.get("query", "")
    try:
        view, is_replaced = saved_views.save(name=name, query=query, by=person(request))
    except ValidationError as error:
        messages.warning(request, f"The view was not saved. {' '.join(error.messages)}")
        return see_other(_list(saved_views.normalised(query)))
    done = "replaced by what you see" if is_replaced else "saved; only you see it"
    messages.success(request, f"View “{view.name}” {done}.")
    return see_other(_list(view.query))


@login_required
@require_POST
def delete(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Forget a view; the list goes on showing what it showed."""
    user = person(request)
    view = SavedView.objects.visible_to(user).filter(pk=pk).first()
    if view is None:
        raise Http404("There is no such view of yours.")
    saved_views.delete(view, by=user)
    messages.success(request, f"View “{view.name}” deleted.")
    return see_other(_list(saved_views.normalised(request.POST.get("query", ""))))


def _list(query: str) -> str:
    address = reverse("incidents:list")
    return f"{address}?{query}" if query else address
