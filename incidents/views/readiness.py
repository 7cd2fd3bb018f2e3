"""Readiness: everything that may keep somebody from being paged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from incidents import readiness
from oncall import findings

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@require_safe
def on_call_readiness(request: HttpRequest) -> HttpResponse:
    """Findings in groups, each with a link to where it is mended."""
    now = timezone.now()
    found = readiness.find(now=now)
    context = {"groups": findings.grouped(found), "count": len(found), "undrilled": readiness.undrilled(now=now)}
    return render(request, "oncall/readiness.html", context)
