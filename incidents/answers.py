"""Answers from outside: a signed link in a message opens a page with one button, and the button acknowledges."""

from __future__ import annotations

from dataclasses import dataclass

from django.core import signing

from accounts.models import User
from incidents import lifecycle
from incidents.messages import ANSWER_MAX_AGE_SECONDS, ANSWER_SALT
from incidents.models import Incident


class LinkInvalid(Exception):
    """The link was changed, is more than a day old, or its person or incident is gone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answers which incident."""

    incident: Incident
    user: User


def read(token: str) -> Answer:
    """Whom and what a signed link is for. Raises LinkInvalid."""
    try:
        claims = signing.loads(token, salt=ANSWER_SALT, max_age=ANSWER_MAX_AGE_SECONDS)
        user = User.objects.active().get(pk=claims["user"])
        incident = Incident.objects.select_related("assignee").get(pk=claims["incident"])
    except (signing.BadSignature, KeyError, TypeError, User.DoesNotExist, Incident.DoesNotExist):
        raise LinkInvalid from None
    return Answer(incident, user)


def acknowledge(answer: Answer) -> Incident:
    """Apply the answer; raises NotAllowedNow once the incident is resolved."""
    return lifecycle.acknowledge(answer.incident, by=answer.user)
