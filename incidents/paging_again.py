"""An incident that asks for an answer again: it was let go, its snooze has ended, or it was reopened unanswered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents import changes, escalation, messages, plan, sla
from incidents.models import SlaClock

if TYPE_CHECKING:
    from accounts.models import User
    from incidents.consequences import Consequences
    from incidents.models import Incident
    from incidents.telling import Reach


def begin(incident: Incident, *, compiler: plan.Compiler, reach: Reach, out: Consequences) -> None:
    """A new response clock for a locked incident that is triggered again, and paging from the first step, with what
    its severity asks for by now."""
    policy = compiler.policies[incident.severity]
    SlaClock.objects.bulk_create(
        clock
        for clock in sla.clocks_for(incident, policy, compiler.settings, now=out.now)
        if clock.kind == SlaClock.Kind.RESPONSE
    )
    if policy.page_on_call:
        escalation.restart(incident, compiler.policies_of(incident, reach), out, reach)
    plan.extend(incident, out, compiler=compiler)


def tell(
    incident: Incident,
    opening: str,
    *,
    word: str,
    by: User | None,
    compiler: plan.Compiler,
    reach: Reach,
    out: Consequences,
) -> None:
    """Say so to the assignee; where there is none and the severity pages nobody, to the responders. ``word`` is what
    has happened, as the outbox names it."""
    if incident.assignee:
        changes.tell_assignee(incident, incident.assignee, by=by, reach=reach, out=out, opening=opening, reason=word)
    elif not compiler.policies[incident.severity].page_on_call:
        notice = messages.notice(incident, opening, services=reach.services_of(incident))
        key = f"{word.lower().replace(' ', '-')}/{int(out.now.timestamp() * 1000)}"
        reach.tell_responders(incident, notice, key=key, reason=word, out=out)
