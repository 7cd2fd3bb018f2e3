"""A postmortem with everything in it, for tests that read and export one."""

from __future__ import annotations

from datetime import timedelta

from incidents import action_items, lifecycle, timeline
from incidents.models import ActionItem
from postmortems import drafting, editing
from postmortems.models import Factor, KeyEvent
from tests import make

MINUTE = timedelta(minutes=1)
TEXTS = {
    "summary": "For 41 minutes, **one in five** checkouts failed.\n\n> We were told by customers first.",
    "root_cause": "The pool had `50` connections, and a retry held two.\n\n```\nmax_pool = 50\n```\n\n"
    "1. Why? Retries.\n2. Why? No limit.",
    "impact": "| who | how many |\n|---|---|\n| customers | 1,204 |\n| orders | 310 |",
    "resolution": "The pool was made larger. See [the graph](https://grafana.example.com/d/1).",
    "lessons_learned": "### What went well\n\n- Alerts were quick.\n\n### Where we were lucky\n\n- It was night.",
}


def told(by, *, title="Checkout answers 502", notes=4, **fields):
    """A postmortem that is written: declared two minutes after impact began, answered, mitigated, resolved, reopened
    and resolved again; by default with few events."""
    started = make.NOW - 2 * MINUTE
    incident = make.incident(title=title, severity="critical", started_at=started, **fields)
    lifecycle.acknowledge(incident, by=by, now=make.NOW + 1 * MINUTE)
    for number in range(notes):
        at = make.NOW + 2 * MINUTE + timedelta(seconds=20 * number)
        timeline.add_note(incident, text=f"Looked at the pool, number {number}", by=by, now=at)
    lifecycle.transition(incident, to="mitigating", by=by, now=make.NOW + 24 * MINUTE)
    lifecycle.resolve(incident, by=by, now=make.NOW + 39 * MINUTE)
    lifecycle.reopen(incident, reason="Again", by=by, now=make.NOW + 50 * MINUTE)
    incident = lifecycle.resolve(incident, by=by, now=make.NOW + 70 * MINUTE)
    return written(drafting.start(incident, by=by, now=make.NOW + 80 * MINUTE), by)


def written(postmortem, by):
    """The same with texts, factors, action items, a corrected event, and one by hand."""
    for key, body in TEXTS.items():
        section = postmortem.sections.get(key=key)
        editing.write(section, body=body, base=section.body, by=by, now=make.NOW + 90 * MINUTE)
    postmortem.factors.add(*(Factor.objects.get_or_create(name=name)[0] for name in ("Capacity", "Missing alert")))
    incident, day = postmortem.incident, make.NOW.date()
    items = [("Limit retries", "preventive", by), ("Alert on the pool", "detective", None), ("Rewrite it", "", by)]
    made = [
        action_items.add(
            incident, title=title, kind=kind, owner=owner, by=by, now=make.NOW, due_on=day + timedelta(days=14 + number)
        )
        for number, (title, kind, owner) in enumerate(items)
    ]
    action_items.set_done(made[0], by=by)
    ActionItem.objects.filter(pk=made[2].pk).update(
        accepted_at=make.NOW + 90 * MINUTE, accepted_by=by, accepted_reason="It is replaced in spring."
    )
    noted = postmortem.events.filter(text__contains="number 1").first() or postmortem.events.first()
    noted.text, noted.at, noted.changed_by = "Looked at the wrong pool", noted.at + MINUTE, by
    noted.save()
    KeyEvent.objects.create(
        postmortem=postmortem, at=make.NOW + 10 * MINUTE, text="A vendor called", changed_by=by, is_generated=False
    )
    return type(postmortem).objects.whole().get(pk=postmortem.pk)
