"""Contact methods: added, confirmed and removed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing as links
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from core.text import single_line
from notifications import outbox, signing
from notifications.addresses import CHAT_SCHEME, channel_of
from notifications.message import Message
from notifications.models import LONGEST_ADDRESS, Channel, ContactMethod, Notification

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User

CONFIRM_SALT = "notifications.confirm"
CONFIRM_MAX_AGE_SECONDS = 3 * 24 * 3600
TEST_EVERY = timedelta(minutes=1)


class LinkInvalid(Exception):
    """A confirmation link that was changed, is too old, or whose contact method is gone."""


@transaction.atomic
def add(
    user: User,
    *,
    kind: str,
    address: str,
    by: User | None,
    is_verified: bool = False,
    now: datetime | None = None,
) -> tuple[ContactMethod, bool]:
    """Add a way to reach a person; an existing one is returned as it is (and confirmed, if asked for).

    The second value says whether it is new. Raises ValidationError for an address that the kind cannot reach.
    """
    now = now or timezone.now()
    address = checked_address(kind, address)
    method = ContactMethod.objects.select_for_update().filter(user=user, kind=kind, address=address).first()
    if method is None:
        method = ContactMethod(user=user, kind=kind, address=address, verified_at=now if is_verified else None)
        if kind == Channel.WEBHOOK:
            method.signing_secret = signing.new_secret()
        try:
            with transaction.atomic():
                return audit.save(method, by=by), True
        except (IntegrityError, ValidationError):  # somebody added the very same one at this moment
            method = ContactMethod.objects.filter(user=user, kind=kind, address=address).first()
            if method is None:
                raise
    return (confirm(method, by=by, now=now) if is_verified else method), False


def checked_address(kind: str, address: str) -> str:
    """The address as the kind's channel needs it. Raises ValidationError, by field, where they do not fit."""
    if kind not in ContactMethod.Kind.values:
        raise ValidationError({"kind": f"Choose one of: {', '.join(ContactMethod.Kind.values)}."})
    address = single_line(address)
    if kind == Channel.CHAT and "://" in address:  # which hosts are a chat's need not be known, for it was said
        address = f"{CHAT_SCHEME}{address.removeprefix(CHAT_SCHEME)}"
    elif kind == Channel.CHAT:
        raise ValidationError({"address": "Enter the https:// address of an incoming webhook of your chat."})
    try:
        channel, address = channel_of(address)
    except ValidationError as error:
        raise ValidationError({"address": error.messages}) from None
    if channel == Channel.CHAT and kind == Channel.WEBHOOK:
        raise ValidationError({"address": "This is the address of a chat, not of a signed webhook: choose the chat."})
    if channel != kind:
        raise ValidationError({"address": f"This is not an address for {ContactMethod.Kind(kind).label.lower()}."})
    if len(address) > LONGEST_ADDRESS:  # the chat's form of an address may be longer than what was written
        raise ValidationError({"address": f"Use an address of at most {LONGEST_ADDRESS} characters."})
    return address


@transaction.atomic
def confirm(method: ContactMethod, *, by: User | None, now: datetime | None = None) -> ContactMethod:
    """Mark as verified."""
    if method.verified_at is None:
        method.verified_at = now or timezone.now()
        audit.save(method, by=by)
    return method


@transaction.atomic
def remove(method: ContactMethod, *, by: User | None, now: datetime | None = None) -> None:
    """Forget a way to reach a person. What was on its way there is not sent any more; of a page, the next step then
    follows at once where nobody else was reached."""
    if ContactMethod.objects.select_for_update().filter(pk=method.pk).first() is None:
        return  # somebody was faster; while we hold it, nobody is paged by it
    outbox.give_up(method, now=now or timezone.now())
    audit.delete(method, by=by)


@transaction.atomic
def send_test(method: ContactMethod, *, now: datetime | None = None) -> None:
    """Send what a page looks like through one contact method, with a link that confirms the address.

    Raises ValidationError within a minute of the last one: nobody's address is to be flooded through us.
    """
    now = now or timezone.now()
    lately = Notification.objects.filter(topic=f"contact/{method.pk}", created_at__gt=now - TEST_EVERY)
    if lately.exists():
        raise ValidationError("A test was sent less than a minute ago. Wait a moment before the next.")
    token = links.dumps(method.pk, salt=CONFIRM_SALT)
    message = Message(
        title="Test page from Muster",
        body="This is what a page looks like. Open the link to confirm that it reached you.",
        url=settings.MUSTER.base_url + reverse("notifications:confirm", args=[token]),
    )
    rows = outbox.to_user(
        method.user,
        [method],
        message,
        topic=f"contact/{method.pk}",
        key=f"contact/{method.pk}/test/{now.timestamp()}",
        purpose=Notification.Purpose.NOTICE,
        now=now,
        reason="You asked for a test",
    )
    outbox.enqueue(rows)


def read_confirmation(token: str) -> ContactMethod:
    """The contact method that a confirmation link is for. Raises LinkInvalid."""
    try:
        pk = links.loads(token, salt=CONFIRM_SALT, max_age=CONFIRM_MAX_AGE_SECONDS)
        return ContactMethod.objects.select_related("user").get(pk=pk)
    except (links.BadSignature, ContactMethod.DoesNotExist):
        raise LinkInvalid from None
