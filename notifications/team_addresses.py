"""Where a team's channel and tickets are: checked, signed and audited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from accounts.models import Team
from core.text import single_line
from notifications import signing
from notifications.addresses import channel_of
from notifications.models import Channel

if TYPE_CHECKING:
    from accounts.models import User

FIELDS = ("channel_address", "ticket_address")


@transaction.atomic
def change(
    team: Team, *, by: User | None, channel_address: str | None = None, ticket_address: str | None = None
) -> Team:
    """Set a team's addresses; None leaves one as it is, "" sends to the team's inbox. A first signed webhook gets
    the team its signing secret. Raises ValidationError, by field, for an address that no channel can serve."""
    team = Team.objects.select_for_update().get(pk=team.pk)
    errors = {}
    for name, address in zip(FIELDS, (channel_address, ticket_address), strict=True):
        if address is None:
            continue
        address = single_line(address)
        setattr(team, name, address)
        try:
            is_signed = bool(address) and channel_of(address)[0] == Channel.WEBHOOK
        except ValidationError as error:
            errors[name] = error.messages
            continue
        if is_signed and not team.signing_secret:
            team.signing_secret = signing.new_secret()
    if errors:
        raise ValidationError(errors)
    return audit.save(team, by=by)
