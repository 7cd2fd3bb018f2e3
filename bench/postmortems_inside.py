"""The part of bench.postmortems that runs inside Muster: writes drafts and takes their time, and makes the postmortems
that are exported. Prints one line of JSON. Needs Django, and a database."""

from __future__ import annotations

import json
import random
import time
from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from bench.postmortems import ACTION_ITEMS, BOMBS, ENTRIES, EVENTS
from incidents import action_items, lifecycle, policy
from incidents.lifecycle import Draft
from incidents.models import Incident, TimelineEntry
from postmortems import drafting
from postmortems.models import Factor, KeyEvent, Postmortem, Section

SEED = 20261130
WORDS = [
    "the", "pool", "of", "connections", "was", "full", "because", "retries", "held", "two", "each", "until",
    "its", "limit", "was", "raised", "by", "hand",
]  # fmt: skip
KINDS = ["noted", "paged", "alert_added", "status_updated", "assigned", "mitigated", "notified", "runbook_step"]
PROSE = """{0}

> {1}

1. {0}
2. {1}

```
max_pool = 50
```

| who | how many |
|---|---|
| customers | 1,204 |
| orders | 310 |

See [the graph](https://grafana.example.com/d/1). {1}"""


def main(drafts: int) -> None:
    """Everything."""
    policy.ensure_defaults()
    alice = User.objects.create_user("alice", role="responder", name="Alice Example")
    chance = random.Random(SEED)
    seconds = [_draft(chance, alice, number) for number in range(drafts)]
    told = [_exported(chance, alice)]
    bombs = {name: _long(name, body, alice) for name, body in BOMBS.items()}
    print(json.dumps({"drafts": seconds, "told": told[0], "bombs": bombs}))


def _sentence(chance: random.Random, words: int = 24) -> str:
    return f"{' '.join(chance.choices(WORDS, k=words)).capitalize()}."


def _resolved(chance: random.Random, by: User, *, entries: int) -> Incident:
    """An incident that is over, with a timeline of that length."""
    now = timezone.now()
    draft = Draft(title=_sentence(chance, 8), severity="critical", services=[], started_at=now - timedelta(hours=3))
    incident = lifecycle.declare(draft, now=now - timedelta(hours=3))
    lifecycle.acknowledge(incident, by=by, now=now - timedelta(minutes=175))
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            incident=incident,
            kind=chance.choice(KINDS),
            at=now - timedelta(seconds=10_000 - 4 * number),
            by=by if number % 2 else None,
            source="" if number % 2 else "Prometheus",
            text=_sentence(chance, 40),
            data={"people": ["Alice"], "count": 3, "alerts": ["CPU"], "did": "done", "step": "Look", "title": "Lag"},
        )
        for number in range(entries)
    )
    return lifecycle.resolve(incident, by=by, now=now - timedelta(minutes=5))


def _draft(chance: random.Random, by: User, number: int) -> float:
    """Seconds until the draft of an incident with ``ENTRIES`` entries is committed."""
    incident = _resolved(chance, by, entries=ENTRIES)
    started = time.perf_counter()
    written = drafting.draft_missing(now=timezone.now())
    seconds = time.perf_counter() - started
    found = Postmortem.objects.get(incident=incident)
    assert (written, found.sections.count()) == (1, 7), f"draft {number}"
    return seconds


def _exported(chance: random.Random, by: User) -> str:
    """The address of a postmortem with all sections written, as many events and action items as are asked for."""
    postmortem = drafting.start(_resolved(chance, by, entries=ENTRIES), by=by)
    for section in postmortem.sections.exclude(key__in=["timeline", "action_items"]):
        body = "\n\n".join(PROSE.format(_sentence(chance), _sentence(chance)) for _ in range(2))
        Section.objects.filter(pk=section.pk).update(body=body)
    KeyEvent.objects.filter(postmortem=postmortem).delete()
    at = postmortem.incident.created_at
    KeyEvent.objects.bulk_create(
        KeyEvent(postmortem=postmortem, at=at + timedelta(minutes=2 * number), text=_sentence(chance), source_text="x")
        for number in range(EVENTS)
    )
    for number in range(ACTION_ITEMS):
        kind = ("preventive", "detective", "mitigating")[number % 3]
        action_items.add(postmortem.incident, title=_sentence(chance, 10), kind=kind, owner=by, by=by)
    postmortem.factors.add(*(Factor.objects.create(name=f"Factor {number}") for number in range(4)))
    return str(postmortem.get_absolute_url())


def _long(name: str, body: str, by: User) -> str:
    """The address of a postmortem whose every section says that."""
    incident = lifecycle.declare(Draft(title=name, severity="critical", services=[]))
    postmortem = drafting.start(lifecycle.resolve(incident, by=by), by=by)
    Section.objects.filter(postmortem=postmortem).update(body=body)
    return str(postmortem.get_absolute_url())
