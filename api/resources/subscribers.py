"""Subscribers of status pages. Addresses of people who are not ours: to all but admins there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status as Answer
from pydantic import Field

from api import paging
from api.auth import ApiRequest, actor, admin, manager
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.parsing import LARGEST_BODY
from api.problems import Problem, invalid
from api.schemas.base import LONGEST_NAME, Number
from api.schemas.subscribers import BounceOut, NewSubscriber, SubscriberKind, SubscriberOut, SubscriberState
from statuspage import bounces, subscribing
from statuspage.models import StatusPage, Subscriber

if TYPE_CHECKING:
    from accounts.models import User
    from statuspage.querysets import SubscriberQuerySet

router = Router(tags=["status pages"])


class SubscriberQuery(ListQuery):
    """Filters of the list."""

    status_page: Annotated[str, Field(max_length=LONGEST_NAME)] | None = Field(None, description="A slug.")
    state: SubscriberState | None = None
    kind: SubscriberKind | None = None


@router.get("", response=Page[SubscriberOut])
def list_subscribers(request: ApiRequest, query: Query[SubscriberQuery]) -> Page[SubscriberOut]:
    """Subscribers, newest first; an empty list for all but admins."""
    rows = _rows(actor(request))
    if query.status_page is not None:
        rows = rows.filter(page=_page(actor(request), query.status_page))
    if query.kind is not None:
        rows = rows.filter(kind=query.kind)
    return paging.answer(request, rows.in_state(query.state or ""), query, Page[SubscriberOut], SubscriberOut.of)


@router.post("", auth=admin, response={200: SubscriberOut, 201: SubscriberOut})
@idempotent()
def create_subscriber(request: ApiRequest, body: NewSubscriber) -> Answer[SubscriberOut]:
    """Add an address. One that is known is answered with 200, as it is."""
    user = actor(request)
    page = _page(user, body.status_page)
    components = list(page.components.filter(public_id__in=body.components))
    if missing := set(body.components) - {component.public_id for component in components}:
        raise invalid("components", f"The page has no component {min(missing)}.")
    try:
        subscriber, is_new = subscribing.add(
            page, address=body.address, components=components, has_consent=body.has_consent, by=user
        )
    except ValidationError as error:
        raise invalid("address", error.messages[0]) from None
    return Answer(201 if is_new else 200, SubscriberOut.of(_rows(user).get(pk=subscriber.pk)))


@router.post("/bounces", auth=manager, response=BounceOut)
def take_bounce(request: ApiRequest) -> BounceOut:
    """Hand on a mail that came back, as it arrived (`message/rfc822`; RFC 3464 says how it reports). Where there is no
    such address, its subscription ends. Every other mail is answered with 200 too, and changes nothing."""
    if len(request.body) > LARGEST_BODY:
        raise Problem(413, "The mail is larger than 1 MB; its delivery status and the headers of what it returns do.")
    return BounceOut(outcome=bounces.take(request.body, now=timezone.now()).value)


@router.get("/{subscriber_id}", response=SubscriberOut)
def read_subscriber(request: ApiRequest, subscriber_id: Number) -> SubscriberOut:
    """One subscriber; 404 for all but admins."""
    return SubscriberOut.of(_found(actor(request), subscriber_id))


@router.delete("/{subscriber_id}", auth=admin, response={204: None})
def delete_subscriber(request: ApiRequest, subscriber_id: Number) -> Answer[None]:
    """End a subscription. The address is not asked again, and is forgotten after 30 days."""
    user = actor(request)
    subscribing.remove(_found(user, subscriber_id), by=user)
    return Answer(204, None)


def _rows(user: User) -> SubscriberQuerySet:
    rows = Subscriber.objects.visible_to(user).select_related("page").defer("page__logo")
    return rows.prefetch_related("components")


def _found(user: User, pk: int) -> Subscriber:
    subscriber: Subscriber = get_object_or_404(_rows(user), pk=pk)
    return subscriber


def _page(user: User, slug: str) -> StatusPage:
    page: StatusPage | None = StatusPage.objects.visible_to(user).defer("logo").filter(slug=slug).first()
    if page is None:
        raise invalid("status_page", f"There is no status page {slug}.")
    return page
