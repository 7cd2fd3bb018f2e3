"""Who is on call now as text, to be copied into a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.access import person
from core.time_zones import zone
from oncall import who
from oncall.models import Schedule

if TYPE_CHECKING:
    from django.http import HttpRequest


@login_required
@require_GET
def who_text(request: HttpRequest) -> HttpResponse:
    """Who is on call by every schedule, as Slack reads it, in the reader's time zone."""
    now = timezone.now()
    rows = who.at(Schedule.objects.visible_to(person(request)), now, ahead=who.MOST_AHEAD)
    text = who.slack_text(rows, now, zone(timezone.get_current_timezone_name()))
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})
