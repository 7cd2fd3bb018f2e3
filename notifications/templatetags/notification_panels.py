"""Contact methods and team addresses, on the pages of other rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.core.exceptions import ValidationError
from django.utils import timezone

from core import durations
from notifications import drills
from notifications.addresses import channel_of
from notifications.models import Channel, ContactMethod, Drill, MonthlyDrill, Notification

if TYPE_CHECKING:
    from django.template import Context

    from accounts.models import Team, User

register = template.Library()


@register.inclusion_tag("notifications/_contact_methods.html", takes_context=True)
def contact_methods(context: Context, user: User) -> dict[str, Any]:
    """``{% contact_methods user %}``: how the signed-in person is reached, on the own profile."""
    methods = list(ContactMethod.objects.filter(user=user).order_by("id"))
    confirmed = [method for method in methods if method.is_verified]
    return {
        "methods": methods,
        "has_confirmed": bool(confirmed),
        "last": confirmed[0] if len(confirmed) == 1 else None,
        "user": user,
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("notifications/_team_addresses.html", takes_context=True)
def team_addresses(context: Context, team: Team) -> dict[str, Any]:
    """``{% team_addresses team %}``: where a team is told, on its page. Addresses can hold a secret, as those of
    Slack do, so only who manages the team reads them, and the signing secret."""
    user: User = context["user"]
    may_edit = user.manages(team)
    rows = [
        {"label": label, "told": told, "address": address if may_edit else "", "channel": _channel(address)}
        for label, told, address in (
            ("Channel", "medium incidents", team.channel_address),
            ("Tickets", "low incidents", team.ticket_address),
        )
    ]
    may_read = user.is_staff or team.memberships.filter(user=user).exists()
    inbox = Notification.objects.filter(team=team, channel=Channel.INBOX).count() if may_read else 0
    return {"team": team, "rows": rows, "may_edit": may_edit, "may_read": may_read, "inbox": inbox}


@register.inclusion_tag("notifications/_fire_drill.html", takes_context=True)
def fire_drill(context: Context, user: User, takes_turns: bool = False) -> dict[str, Any]:
    """``{% fire_drill user takes_turns %}``: the signed-in person's last drill, and the monthly ones, to which those
    who take turns on call are invited."""
    now = timezone.now()
    last = drills.measure(Drill.objects.filter(user=user)[:1])
    return {
        "last": last[0] if last else None,
        "is_running": bool(last) and last[0].drill.is_running(now=now),
        "monthly": MonthlyDrill.objects.filter(user=user).first(),
        "takes_turns": takes_turns,
        "now": now,
        "csrf_token": context.get("csrf_token"),
    }


register.filter("measured", durations.measured)


def _channel(address: str) -> str:
    if not address:
        return "the team's inbox page"
    try:
        channel, _ = channel_of(address)
    except ValidationError:
        return "an address that cannot work"
    return {Channel.EMAIL: "e-mail", Channel.WEBHOOK: "signed webhook"}.get(channel, "chat webhook")
