"""Subscribers from asking to leaving. Whoever asks learns nothing of who else has: the answer is the same for every
address, and so is the work, to within what a commit varies by.

A form without a cookie and a CSRF token can be sent by any page on the internet. That is harmless: it makes nobody a
subscriber, but asks the address whether it wants to be one, and asks each address rarely.
"""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts import audit
from core.text import single_line
from core.work import nudge
from notifications import signing
from notifications.addresses import channel_of
from notifications.models import Channel
from statuspage.models import Delivery, Knock, Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User
    from statuspage.models import Component, StatusPage
    from statuspage.querysets import SubscriberQuerySet

Kind = Subscriber.Kind
Ended = Subscriber.Ended

ASK_EVERY = timedelta(minutes=10)  # an address, on all pages together
MOST_A_DAY = 5  # requests to one address of a page
MOST_AN_HOUR = 20  # requests from one network
FORGET_ENDED = timedelta(days=30)
FORGET_UNCONFIRMED = timedelta(days=7)
FORGET_DELIVERIES = timedelta(days=90)
FORGET_AT_ONCE = 5000
SWEEPS = ("statuspage.deliver_due", "statuspage.post_due")
LONGEST_EMAIL = 254
LONGEST_URL = 500

# No quotes, in which one mailbox has any number of names, each of which would be asked. A domain that the public has:
# neither the mail server itself nor an address in its network.
_MAILBOX = re.compile(r"[!#-?A-~]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII | re.IGNORECASE)


def checked_address(text: str) -> tuple[Kind, str]:
    """The kind of an address, and the address as it is kept: e-mail in lower case. Raises ValidationError."""
    if len(text) > LONGEST_URL:
        raise ValidationError("This address is too long.")
    try:
        channel, address = channel_of(single_line(text))
    except ValidationError:
        raise ValidationError("Enter an e-mail address, or a web address that begins with https://.") from None
    if channel == Channel.EMAIL:
        if len(address) > LONGEST_EMAIL or not _MAILBOX.fullmatch(address):
            raise ValidationError("Enter an e-mail address of at most 254 plain letters, digits and signs.")
        return Kind.EMAIL, address.lower()
    if channel != Channel.WEBHOOK or not address.startswith("https://"):
        raise ValidationError("A webhook is an address that begins with https:// and takes signed requests.")
    return Kind.WEBHOOK, address


def network_of(remote: str) -> str:
    """Where a request comes from, as it is counted: one IPv4 address, or the 64 bits that one IPv6 customer has, as a
    digest that only this installation can make."""
    try:
        found = ip_address(remote)
        found = getattr(found, "ipv4_mapped", None) or found
        name = str(found if found.version == 4 else ip_network((found, 64), strict=False))
    except ValueError:
        name = remote
    return hmac.new(settings.SECRET_KEY.encode(), f"statuspage/{name}".encode(), sha256).hexdigest()


# One statement for every address, so that none takes a path of its own. What is asked for is written down by network
# first, so that there is always a row to write and a commit to wait for.
_ASK = """
    WITH knock AS (
        INSERT INTO statuspage_knock AS k (network, hour, count)
        VALUES (%(network)s, date_trunc('hour', %(now)s), 1)
        ON CONFLICT (network, hour) DO UPDATE SET count = k.count + 1
        RETURNING count
    ), asked AS (
        INSERT INTO statuspage_subscriber AS s
            (page_id, kind, address, token, signing_secret, created_at, asked_at, ended_why, failures)
        SELECT %(page)s, %(kind)s, %(address)s, %(token)s, %(secret)s, %(now)s, %(now)s, '', 0
        FROM knock
        WHERE count <= %(most_an_hour)s AND NOT EXISTS (
            SELECT FROM statuspage_statuspage p
            JOIN statuspage_subscriber o ON o.page_id = p.id AND o.kind = %(kind)s AND o.address = %(address)s
            WHERE o.asked_at > %(now)s - %(ask_every)s
        )
        ON CONFLICT (page_id, kind, address) DO UPDATE SET asked_at = excluded.asked_at,
            ended_why = CASE s.ended_why WHEN 'unlisted' THEN 'left' ELSE s.ended_why END
        WHERE s.ended_why <> 'removed' AND (s.asked_at IS NULL OR s.asked_at <= %(now)s - %(ask_every)s) AND (
            SELECT count(*) FROM statuspage_delivery d
            WHERE d.subscriber_id = s.id AND d.mailing_id IS NULL AND d.due_at > %(now)s - interval '1 day'
        ) < %(most_a_day)s
        RETURNING id, confirmed_at IS NOT NULL AND ended_at IS NULL AS is_active
    ), request AS (
        INSERT INTO statuspage_delivery (subscriber_id, state, due_at, attempt_count, error)
        SELECT id, 'pending', %(now)s, 0, '' FROM asked
    )
    SELECT coalesce((SELECT id FROM asked WHERE NOT is_active), 0)
"""


@transaction.atomic
def ask(
    page: StatusPage,
    *,
    kind: str,
    address: str,
    components: Iterable[Component],
    network: str,
    now: datetime | None = None,
) -> None:
    """Ask an address (``checked_address``) whether it wants to hear of the page's news: of these components, or of
    everything where there are none. Nobody learns whether it was asked. What an active subscriber hears of is changed
    on their own page alone, whose address they are sent."""
    values: dict[str, Any] = {
        "network": network,
        "page": page.pk,
        "kind": kind,
        "address": address,
        "token": secrets.token_urlsafe(32),
        "secret": signing.new_secret() if kind == Kind.WEBHOOK else "",
        "now": now or timezone.now(),
        "most_an_hour": MOST_AN_HOUR,
        "most_a_day": MOST_A_DAY,
        "ask_every": ASK_EVERY,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ASK, values)
        (subscriber,) = cursor.fetchone()
    _wish(subscriber, components)
    nudge(*SWEEPS)


def _wish(subscriber: int, components: Iterable[Component]) -> None:
    """Replace what a subscriber hears of; does as much, to nothing, for nobody (0)."""
    values: dict[str, Any] = {"subscriber": subscriber, "wanted": [component.pk for component in components]}
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM statuspage_subscriber_components WHERE subscriber_id = %(subscriber)s"
            " AND component_id <> ALL(%(wanted)s::bigint[])",
            values,
        )
        cursor.execute(
            "INSERT INTO statuspage_subscriber_components (subscriber_id, component_id)"
            " SELECT s.id, c.id FROM statuspage_subscriber s JOIN statuspage_component c ON c.page_id = s.page_id"
            " WHERE s.id = %(subscriber)s AND c.id = ANY(%(wanted)s::bigint[]) ON CONFLICT DO NOTHING",
            values,
        )


@transaction.atomic
def confirm(subscriber: Subscriber, *, now: datetime | None = None) -> Subscriber:
    """They want to hear of it, or again; whom an admin has removed stays out."""
    subscriber = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
    if subscriber.ended_why == Ended.REMOVED or (subscriber.confirmed_at and not subscriber.ended_at):
        return subscriber
    subscriber.confirmed_at = now or timezone.now()
    subscriber.ended_at, subscriber.ended_why, subscriber.failures = None, "", 0
    subscriber.save(update_fields=["confirmed_at", "ended_at", "ended_why", "failures"])
    return subscriber


def state_of(subscriber: Subscriber) -> str:
    """``active``, ``waiting`` for a confirmation, or ``ended``."""
    if subscriber.ended_at is not None:
        return "ended"
    return "active" if subscriber.confirmed_at is not None else "waiting"


def is_unlisted(subscriber: Subscriber) -> bool:
    """Heard of components that are gone, and so of nothing any more."""
    return subscriber.ended_why == Ended.UNLISTED


@transaction.atomic
def choose(subscriber: Subscriber, components: Iterable[Component]) -> None:
    """Change what an active subscriber hears of; without components: of everything."""
    list(Subscriber.objects.select_for_update(no_key=True).filter(pk=subscriber.pk).values_list("pk"))
    _wish(subscriber.pk, components)


def leave(subscriber: Subscriber, *, now: datetime | None = None) -> None:
    """They want to hear nothing more; what is on its way to them is taken back."""
    end(subscriber.pk, why=Ended.LEFT, now=now or timezone.now())


@transaction.atomic
def end(subscriber: int, *, why: str, now: datetime) -> bool:
    """The end of a subscription, once; whether it was this one."""
    ended = Subscriber.objects.filter(pk=subscriber, ended_at=None).update(ended_at=now, ended_why=why)
    _take_back([subscriber], now=now)
    return bool(ended)


def _take_back(subscribers: list[int], *, now: datetime) -> None:
    """What is on its way to them."""
    Delivery.objects.filter(subscriber__in=subscribers, finished_at=None).update(
        state=Delivery.State.CANCELLED, finished_at=now, lease_token=None, lease_until=None
    )


@transaction.atomic
def end_without(component: Component, *, now: datetime) -> int:
    """A component is about to go: whoever hears of nothing else hears of nothing from now on, and not of everything.
    Those who had confirmed get a last message, which says so (a delivery without a mailing). Returns how many ended."""
    ended = list(alone_with(component).select_for_update(of=("self",)).order_by("pk"))
    pks = [each.pk for each in ended]
    _take_back(pks, now=now)
    Subscriber.objects.filter(pk__in=pks).update(ended_at=now, ended_why=Ended.UNLISTED)
    told = [Delivery(subscriber=each, due_at=now) for each in ended if each.confirmed_at]
    Delivery.objects.bulk_create(told, batch_size=FORGET_AT_ONCE)
    nudge(*SWEEPS)
    return len(pks)


def alone_with(component: Component) -> SubscriberQuerySet:
    """Those who hear of this component, or will once they confirm, and of nothing else."""
    others = Subscriber.components.through.objects.filter(subscriber=OuterRef("pk")).exclude(component=component)
    rows: SubscriberQuerySet = Subscriber.objects.filter(components=component, ended_at=None).exclude(Exists(others))
    return rows


@transaction.atomic
def remove(subscriber: Subscriber, *, by: User, now: datetime | None = None) -> None:
    """An admin ends a subscription. The address is not asked again until it is forgotten (30 days)."""
    now = now or timezone.now()
    end(subscriber.pk, why=Ended.REMOVED, now=now)
    Subscriber.objects.filter(pk=subscriber.pk).update(ended_at=now, ended_why=Ended.REMOVED)
    audit.record(by=by, action="changed", on=subscriber.page, after={"removed subscriber": subscriber.pk})


@transaction.atomic
def add(
    page: StatusPage,
    *,
    address: str,
    components: Iterable[Component] = (),
    has_consent: bool,
    by: User,
    now: datetime | None = None,
) -> tuple[Subscriber, bool]:
    """An admin adds an address: confirmed where they say that its owner wants it, asked otherwise. Known ones are
    answered as they are; whether it is new is the second value. Raises ValidationError."""
    now = now or timezone.now()
    kind, address = checked_address(address)
    subscriber, is_new = Subscriber.objects.get_or_create(
        page=page,
        kind=kind,
        address=address,
        defaults={
            "signing_secret": signing.new_secret() if kind == Kind.WEBHOOK else "",
            "created_at": now,
            "asked_at": None if has_consent else now,
            "confirmed_at": now if has_consent else None,
        },
    )
    if is_new:
        _wish(subscriber.pk, components)
        if not has_consent:
            Delivery.objects.create(subscriber=subscriber, due_at=now)
        audit.record(by=by, action="changed", on=page, after={"added subscriber": subscriber.pk})
        nudge(*SWEEPS)
    return subscriber, is_new


def forget_due(*, now: datetime) -> int:
    """Forget who has ended, who never confirmed, old deliveries and old counts; some at a time."""
    ended = Subscriber.objects.filter(ended_at__lte=now - FORGET_ENDED)
    silent = Subscriber.objects.filter(confirmed_at=None, created_at__lte=now - FORGET_UNCONFIRMED).exclude(
        asked_at__gt=now - FORGET_UNCONFIRMED
    )
    old = Delivery.objects.filter(finished_at__lte=now - FORGET_DELIVERIES)
    stale = Knock.objects.filter(hour__lte=now - timedelta(days=1))
    forgotten = 0
    for rows in (ended, silent, old, stale):
        some = list(rows.order_by("pk").values_list("pk", flat=True)[:FORGET_AT_ONCE])
        if some:
            forgotten += rows.filter(pk__in=some).delete()[0]
    return forgotten
