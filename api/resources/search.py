"""Search everywhere: what the box of the pages finds."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from ninja import Query, Router

from api import paging
from api.auth import ApiRequest, actor
from api.schemas.search import FoundIncident, FoundPerson, FoundPostmortem, FoundService, SearchOut, SearchQuery
from home import questions, search
from home.questions import Question

router = Router(tags=["search"])


@router.get("", response=SearchOut)
def search_everything(request: ApiRequest, query: Query[SearchQuery]) -> SearchOut:
    """Incidents, postmortems, services and people by words, with the search box's prefixes such as `severity:critical`.

    The newest incidents are among the answer; `more` is the list of all that fit.
    """
    paging.refuse_unknown(request, query)
    user, now = actor(request), timezone.now()
    question = questions.ask(query.q, user=user, today=timezone.localdate(now))
    found, _ = search.incidents(question, user=user, now=now, cursor=None)
    named = search.by_number(question, user=user)
    rows = dict.fromkeys([*([named] if named else []), *(each.incident for each in found)])
    return SearchOut(
        incidents=[FoundIncident.of(row) for row in rows],
        postmortems=[
            FoundPostmortem.of(each)
            for each in search.postmortems(question, user=user, now=now, most=search.MOST_NAMES)
        ],
        services=[FoundService.of(each) for each in search.services(question, user=user, most=search.MOST_NAMES)],
        people=[FoundPerson.of(each) for each in search.people(question, user=user, most=search.MOST_NAMES)],
        mistakes=_mistakes(question),
        more=request.build_absolute_uri(f"{reverse('api:list_incidents')}?{urlencode(question.list_filters)}"),
    )


def _mistakes(question: Question) -> list[str]:
    unknown = [f"{name}: is no prefix and was searched as a word." for name in question.unknown]
    return [*question.mistakes, *unknown]
