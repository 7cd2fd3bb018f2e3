"""Acknowledgements at random moments around the instant at which a step is due: no send starts 2 s after one.

When a send started is what delivery wrote into its attempt, when an acknowledgement was committed is the database's
clock just after it. The mail server's own note of when it had a message is the second witness.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import pagers, table

COUNT, BATCH, SPREAD_SECONDS = 10_000, 500, 3.0
SEED = 20261124
PROMISE_SECONDS = 2.0
STARTED = """
    SELECT split_part(n.topic, '/', 2)::bigint, extract(epoch FROM a.started_at)::float8
    FROM notifications_attempt a JOIN notifications_notification n ON n.id = a.notification_id
    WHERE n.purpose = 'page'
"""


@dataclass(frozen=True)
class Outcome:
    """Acknowledgements, pages sent and cancelled, and the sends that started after one: by how many seconds. And the
    messages that the mail server had after one."""

    acknowledged: int
    sent: int
    cancelled: int
    after: list[float]
    arrived_after: list[float]


def run(*, count: int, batch: int, progress: Callable[[str], Any] = lambda _text: None) -> Outcome:
    """Race, batch after batch."""
    commits: dict[int, float] = {}
    with pagers.running() as muster:
        for number in range(0, count, batch):
            size = min(batch, count - number)
            argv = ("bench.acknowledgements_inside", str(size), str(SPREAD_SECONDS), str(SEED + number))
            commits |= {int(pk): at for pk, at in json.loads(muster.run(*argv).splitlines()[-1]).items()}
            muster.settle(seconds=60)
            progress(f"{len(commits):,} acknowledged")
        started = muster.query(STARTED)
        ((cancelled,),) = muster.query("SELECT count(*) FROM notifications_notification WHERE state = 'cancelled'")
        topics = dict(muster.query("SELECT id, split_part(topic, '/', 2)::bigint FROM notifications_notification"))
        arrived = [(topics[mail.notification], mail.at) for mail in muster.sink.mails()]
    return Outcome(len(commits), len(started), cancelled, _after(commits, started), _after(commits, arrived))


def _after(commits: dict[int, float], moments: list[tuple]) -> list[float]:
    return sorted(at - commits[number] for number, at in moments if number in commits and at > commits[number])


def main() -> None:
    """Print the table."""
    found = run(count=COUNT, batch=BATCH, progress=print)
    rows: list[list[object]] = [
        ["acknowledgements", f"{found.acknowledged:,}", f"{COUNT:,}"],
        ["pages sent", f"{found.sent:,}", ""],
        ["pages cancelled unsent", f"{found.cancelled:,}", ""],
        ["sends that started after the commit", len(found.after), ""],
        ["the latest of them, s", max(found.after, default=0.0), f"<= {PROMISE_SECONDS}"],
        ["sends that started more than 2 s later", _late(found.after), 0],
        ["messages that the mail server had more than 2 s later", _late(found.arrived_after), ""],
    ]
    table.show("Acknowledgements around a step's due time", rows, head=["", "measured", "asked"])
    assert found.acknowledged == COUNT
    assert _late(found.after) == 0, "a send started more than 2 s after the acknowledgement"


def _late(seconds: list[float]) -> int:
    return sum(value > PROMISE_SECONDS for value in seconds)
