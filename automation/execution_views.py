"""One execution: what was asked for, what came of it, and what people decide about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import person
from automation.fetching import execution_for

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@require_safe
def execution(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of an execution."""
    return render(request, "automation/execution.html", {"execution": execution_for(person(request), pk)})
