"""The settings of the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.access import person, require_role
from accounts.models import Role
from core.forms import take_errors
from core.redirects import see_other
from incidents import policy
from metrics import choosing
from metrics.settings_forms import SettingsForm

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """The target, what an hour costs, and whether leadership gets reports."""
    user = person(request)
    require_role(user, Role.ADMIN)
    form = SettingsForm(request.POST or None, instance=choosing.settings())
    if request.method == "POST" and form.is_valid():
        try:
            choosing.save_settings(by=user, **form.values())
            messages.success(request, "Saved. Figures use it from now on, for every period.")
            return see_other("metrics:settings")
        except ValidationError as error:
            take_errors(form, error)
    context = {"form": form, "leadership": policy.site_settings().leadership}
    return render(request, "metrics/settings.html", context, status=422 if request.method == "POST" else 200)
