"""Taking turns: every escalation of a policy with such steps draws a number, and its steps go on from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from oncall.models import EscalationPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping


def draw(counts: Mapping[int, int]) -> dict[int, int]:
    """Draw this many numbers of some policies, by their keys; returns the first of each policy's.

    The policies stay locked until the transaction ends, in the order of their keys, so that no number is drawn twice.
    """
    policies = EscalationPolicy.objects.select_for_update(of=("self",)).filter(pk__in=counts).order_by("pk")
    first = dict(policies.values_list("pk", "turn"))
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE oncall_escalationpolicy SET turn = turn + %s WHERE id = %s", [(counts[pk], pk) for pk in first]
        )
    return first


def peek(policies: list[int]) -> dict[int, int]:
    """The number that each policy's next escalation would draw."""
    return dict(EscalationPolicy.objects.filter(pk__in=policies).values_list("pk", "turn"))
