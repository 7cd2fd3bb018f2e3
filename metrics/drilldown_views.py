"""The incidents behind a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import Role
from metrics import behind
from metrics.behind import BehindForm
from metrics.csv_files import INCIDENTS
from metrics.questions import QuestionForm

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from metrics.behind import Asked
    from metrics.questions import Question


@login_required
@require_safe
def incidents(request: HttpRequest) -> HttpResponse:
    """Exactly the incidents behind a number; none where the address asks for what there is not."""
    form, narrower = QuestionForm(request.GET, now=timezone.now()), BehindForm(request.GET)
    is_valid = form.is_valid() & narrower.is_valid()  # both say what is wrong
    context: dict[str, Any] = {"forms": [form, narrower], "back": reverse("metrics:overview")}
    if is_valid:
        question, asked, user = form.question(), narrower.asked(), person(request)
        context |= {
            "behind": behind.read(user, question, asked, cursor=request.GET.get("cursor")),
            "can_respond": user.has_role(Role.RESPONDER),
            **_around(request, question, asked),
        }
    return render(request, "metrics/incidents.html", context)


def _around(request: HttpRequest, question: Question, asked: Asked) -> dict[str, Any]:
    """What stands around the rows."""
    query = {**question.asked, **asked.parts, "sort": asked.sort}
    return {
        "back": question.address("metrics:overview"),
        "csv": f"{reverse('metrics:csv', args=[INCIDENTS])}?{urlencode(query)}",
        "zone": question.period.zone,
        "address": request.get_full_path(),
    }
