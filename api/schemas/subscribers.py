"""Subscribers of status pages."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import Field

from api.schemas.base import Boolean, Input, Output, Reference, References, Time
from statuspage.models import Subscriber
from statuspage.subscribing import LONGEST_URL, state_of

SubscriberKind = Literal["email", "webhook"]
SubscriberState = Literal["active", "waiting", "ended"]
EndedWhy = Literal["left", "bounced", "gone", "removed", "unlisted"]


class NewSubscriber(Input):
    """An address that is to hear of a page's news."""

    status_page: Reference = Field(description="The page's slug.")
    address: Annotated[str, Field(min_length=1, max_length=LONGEST_URL)] = Field(
        description="An e-mail address, or a webhook's, which begins with https://.", examples=["ann@example.com"]
    )
    components: References = Field([], description="Ids of the page's components. None: everything.")
    has_consent: Boolean = Field(
        False, description="Its owner has agreed. Otherwise the address is asked, and hears nothing before it confirms."
    )


class SubscriberOut(Output):
    """Somebody outside who hears of a page's news."""

    id: int
    status_page: str
    kind: SubscriberKind
    address: str
    components: list[str] = Field(description="Ids. None: everything.")
    state: SubscriberState
    created_at: Time
    confirmed_at: Time | None
    ended_at: Time | None
    ended_why: EndedWhy | None

    @classmethod
    def of(cls, subscriber: Subscriber) -> SubscriberOut:
        """Reads ``page`` and ``components``, which the caller has fetched."""
        return cls(
            id=subscriber.pk,
            status_page=subscriber.page.slug,
            kind=cast("SubscriberKind", subscriber.kind),
            address=subscriber.address,
            components=sorted(component.public_id for component in subscriber.components.all()),
            state=cast("SubscriberState", state_of(subscriber)),
            created_at=subscriber.created_at,
            confirmed_at=subscriber.confirmed_at,
            ended_at=subscriber.ended_at,
            ended_why=cast("EndedWhy", subscriber.ended_why) if subscriber.ended_why else None,
        )


class BounceOut(Output):
    """What was made of a mail that came back."""

    outcome: Literal["ended", "noted", "ignored", "unknown"] = Field(
        description="ended: there is no such address, its subscription ends. noted: the delivery has failed. ignored: "
        "not a bounce, or the mail server tries again. unknown: it returns nothing that went to a subscriber."
    )
