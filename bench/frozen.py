"""One of two pagers is stopped with SIGSTOP in the midst of its work, for longer than a lease, and goes on afterwards.

What it had in hand the other one sends again, marked; what it holds when it wakes up it must leave alone.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench import pagers, table

STOPS, STOPPED_SECONDS = 10, 60.0
INCIDENTS, WAVE_SECONDS = 90, 8.0
SEED = 20261124
FIRED = """
    SELECT incident_id, data->>'reason', count(*) FROM incidents_timelineentry
    WHERE kind = 'paged' GROUP BY 1, 2 HAVING count(*) > 1
"""
MISSED = """
    SELECT count(*) FROM incidents_incident i
    WHERE (SELECT count(*) FROM incidents_timelineentry t WHERE t.incident_id = i.id AND kind = 'paged') < %d
"""
REPEATS = "(repeat)"


@dataclass(frozen=True)
class Outcome:
    """Of each stop: the messages that were handed over twice. Of all: what was sent, and steps that ran twice or
    never."""

    duplicates: list[int]
    unmarked: int
    mails: int
    steps_twice: int
    incidents_without_a_step: int


def run(
    *,
    stops: int,
    stopped: float = STOPPED_SECONDS,
    incidents: int = INCIDENTS,
    command: Sequence[str] = pagers.PAGER,
    progress: Callable[[str], Any] = lambda _text: None,
) -> Outcome:
    """Stop one pager and the other in turn, each at a random moment of a wave of work."""
    chance = random.Random(SEED)
    duplicates: list[int] = []
    with pagers.running(command) as muster:
        for number in range(stops):
            before = _twice(muster)
            wave = muster.start("bench.frozen_inside", str(incidents), str(WAVE_SECONDS))
            known = len(muster.sink.mails())
            while len(muster.sink.mails()) < known + 3:
                time.sleep(0.02)
            time.sleep(chance.uniform(0, WAVE_SECONDS / 2))
            process = muster.processes[number % 2]
            process.send_signal(signal.SIGSTOP)
            time.sleep(stopped)
            process.send_signal(signal.SIGCONT)
            assert wave.wait() == 0
            time.sleep(3)
            muster.settle(seconds=60)
            duplicates.append(_twice(muster) - before)
            progress(f"stop {number + 1}: {duplicates[-1]} twice")
        mails = muster.sink.mails()
        marked = Counter(mail.notification for mail in mails if not mail.subject.endswith(REPEATS))
        # The third step is due a minute after the second, and a short stop does not wait for it.
        ((missed,),) = muster.query(MISSED % 2)
        return Outcome(
            duplicates, sum(times - 1 for times in marked.values()), len(mails), len(muster.query(FIRED)), missed
        )


def _twice(muster: pagers.Pagers) -> int:
    times = Counter(mail.notification for mail in muster.sink.mails())
    return sum(each - 1 for each in times.values())


def main() -> None:
    """Print the table; fails when a step ran twice, or a stop had more than one message sent twice."""
    found = run(stops=STOPS, progress=print)
    rows: list[list[object]] = [
        ["stops of 60 s", STOPS, ""],
        ["e-mails", found.mails, ""],
        ["handed over twice, in the worst stop", max(found.duplicates), "<= 1"],
        ["handed over twice, in all", sum(found.duplicates), ""],
        ["of these not marked as a repeat", found.unmarked, 0],
        ["steps that ran twice", found.steps_twice, 0],
        ["incidents without their second step", found.incidents_without_a_step, 0],
    ]
    table.show("A pager is stopped with SIGSTOP and goes on", rows, head=["", "measured", "asked"])
    assert found.steps_twice == 0, "a step ran twice"
    assert found.incidents_without_a_step == 0, "a step was lost"
    assert max(found.duplicates) <= 1, "more than one message was handed over twice"
