"""What one hears of: one's own subscriptions to status updates, whatever one's role."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts.models import User
from api import lookups, paging
from api.auth import ApiRequest, actor, writer
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem
from api.schemas.base import Number
from api.schemas.subscriptions import NewSubscription, SubscriptionOut
from incidents import subscriptions
from incidents.fetching import number_of
from incidents.models import Incident, Subscription
from incidents.subscriptions import Wish
from notifications.models import ContactMethod

router = Router(tags=["subscriptions"])


@router.get("", response=Page[SubscriptionOut])
def list_subscriptions(request: ApiRequest, query: Query[ListQuery]) -> Page[SubscriptionOut]:
    """What one hears of, newest first; an incident that one may not see any more is left out."""
    rows = subscriptions.rows_of(actor(request)).select_related("service", "team")
    return paging.answer(request, rows, query, Page[SubscriptionOut], SubscriptionOut.of)


@router.post("", auth=writer, response={201: SubscriptionOut, 200: SubscriptionOut})
@idempotent()
def create_subscription(request: ApiRequest, body: NewSubscription) -> Answer[SubscriptionOut]:
    """Hear of a service, a team, a severity or an incident; what one hears of already answers 200."""
    user = actor(request)
    wish = Wish(
        service=lookups.service(body.service, user=user),
        team=lookups.team(body.team, user=user),
        severity=body.severity or "",
        incident=_incident(body.incident, user),
    )
    row, is_new = subscriptions.follow(wish, by=user, method=_method(body.contact_method, user))
    return Answer(201 if is_new else 200, SubscriptionOut.of(row))


@router.delete("/{subscription_id}", auth=writer, response={204: None})
def delete_subscription(request: ApiRequest, subscription_id: Number) -> HttpResponse:
    """Hear of it no more."""
    user = actor(request)
    row = Subscription.objects.visible_to(user).filter(pk=subscription_id).first()
    if row is None:
        raise Problem(404, "You follow no such thing.")
    subscriptions.remove(row, by=user)
    return HttpResponse(status=204)


def _incident(reference: str | None, user: User) -> Incident | None:
    if reference is None:
        return None
    found: Incident | None = Incident.objects.visible_to(user).filter(pk=number_of(reference) or 0).first()
    if found is None:
        raise ValidationError({"incident": lookups.no_such("incident", reference)})
    return found


def _method(pk: int | None, user: User) -> ContactMethod | None:
    if pk is None:
        return None
    found = subscriptions.methods_of(user).filter(pk=pk).first()
    if found is None:
        raise ValidationError({"contact_method": "Choose a confirmed contact method of your own."})
    return found
