"""What a link to Muster says of itself in a chat: which kind of page it is, read from the address alone.

The program that asks for a preview has not signed in. It learns nothing that the link does not say already: no title,
no name, and not whether there is such an incident.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

SITE = "Muster"
SIGN_IN = "Sign in to see it."
ABOUT = "Incident management for teams who run services."

_REFERENCE = re.compile(r"(?:INC|ALR)-[1-9][0-9]{0,17}", re.ASCII | re.IGNORECASE)

# By route, or else by app.
_KINDS = {
    "home": "Incidents",
    "home:my_work": "My work",
    "home:search": "Search",
    "home:first_steps": "First steps",
    "incidents:list": "Incidents",
    "incidents:declare": "Declare an incident",
    "incidents:answer": "A question to one person",
    "incidents": "An incident",
    "alerts:list": "Alerts",
    "alerts:integration_list": "Integrations",
    "alerts:detail": "An alert",
    "alerts": "An integration",
    "runbooks:list": "Runbooks",
    "runbooks": "A runbook",
    "catalog:service_list": "Services",
    "catalog": "A service",
    "oncall:policy_list": "Escalation policies",
    "oncall": "An escalation policy",
    "accounts:team_list": "Teams",
    "accounts:team_new": "A team",
    "accounts:team_detail": "A team",
    "accounts:team_edit": "A team",
    "accounts:kept": "What you wrote",
    "accounts": "A profile",
    "notifications:outbox": "Outbox",
    "notifications:team_inbox": "A team's inbox",
    "notifications:drill_list": "Fire drills",
    "notifications:drill_detail": "A fire drill",
    "notifications:drill_answer": "A question to one person",
    "notifications": "A message",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """A title and one sentence. ``what`` is the title without our name; empty for an address that says nothing."""

    what: str
    description: str

    @property
    def title(self) -> str:
        """Such as "INC-42 in Muster"."""
        return f"{self.what} in {SITE}" if self.what else SITE


def preview_of(address: str, *, is_signed_in: bool) -> Preview:
    """The preview of a path of ours; that of the site for any other address."""
    what = what_is(urlsplit(address).path) if address.startswith("/") and not address.startswith("//") else ""
    return Preview(what, SIGN_IN if what and not is_signed_in else ABOUT)


def what_is(path: str) -> str:
    """The page behind a path in two or three words, such as "INC-42" or "A service"; empty if there is none."""
    try:
        match = resolve(path)
    except Resolver404:
        return ""
    reference = str(match.kwargs.get("reference", ""))
    if _REFERENCE.fullmatch(reference):
        return reference.upper()
    return _KINDS.get(match.view_name) or _KINDS.get(match.namespace, "")
