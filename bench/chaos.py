"""Alerts go on while web, worker and pager are killed with SIGKILL and Redis is flushed; nothing may be lost."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass

import redis

from bench import load, stack, table

SEED = 20261014
PAUSE_SECONDS = 2.0
LOST_PAGES = """
    SELECT count(*) FROM incidents_incident i WHERE NOT EXISTS (
        SELECT FROM notifications_notification n JOIN notifications_attempt a ON a.notification_id = n.id
        WHERE n.topic = 'incident/' || i.id AND n.purpose = 'page' AND a.outcome = 'sent')
"""
UNFINISHED = """
    SELECT (SELECT count(*) FROM alerts_event WHERE state = 'pending')
         + (SELECT count(*) FROM notifications_notification WHERE state = 'pending')
"""


@dataclass(frozen=True)
class Outcome:
    """What was left when the dust had settled."""

    accepted: int
    incidents: int
    without_page: int
    mails: int
    duplicates: int
    kills: Counter[str]
    seconds: float
    settled_after: float


def run(*, count: int, per_second: float, pause: float = PAUSE_SECONDS) -> Outcome:
    """Send alerts until each is accepted, as a monitor would, while processes die; then wait for the end."""
    chance = random.Random(SEED)
    kills: Counter[str] = Counter()
    over = threading.Event()
    with stack.running() as muster:
        client = redis.Redis.from_url(muster.redis_url(), socket_timeout=2)

        def havoc() -> None:
            while not over.wait(pause * chance.uniform(0.6, 1.4)):
                role = chance.choice(("web", "worker", "pager", "redis flush"))
                if role == "redis flush":
                    client.flushall()
                else:
                    muster.kill(role)
                kills[role] += 1

        thread = threading.Thread(target=havoc)
        thread.start()
        started = time.time()
        path = f"/integrations/{muster.keys['generic']}/generic"
        bodies = [load.generic(f"Chaos{number:05}", f"chaos-{number}") for number in range(count)]
        answers = load.post_all(muster.port, path, bodies, connections=4, per_second=per_second, retry=True)
        sending = time.time() - started
        over.set()
        thread.join()
        settled = muster.wait_until(UNFINISHED, equals=0, seconds=120)
        mails = Counter(mail.notification for mail in muster.sink.mails())
        paged = {mail.subject.split("Chaos")[1][:5] for mail in muster.sink.mails() if mail.to == "alice@example.com"}
        ((incidents,),) = muster.query("SELECT count(DISTINCT title) FROM incidents_incident")
        ((without_page,),) = muster.query(LOST_PAGES)
        return Outcome(
            accepted=sum(answer.status == 202 for answer in answers),
            incidents=incidents,
            without_page=without_page + count - len(paged),
            mails=sum(mails.values()),
            duplicates=sum(times - 1 for times in mails.values()),
            kills=kills,
            seconds=sending,
            settled_after=settled,
        )


def main(*, count: int = 2000, per_second: float = 25.0) -> None:
    """Print the table; fails when anything was lost or more than 0.5 % came twice."""
    found = run(count=count, per_second=per_second)
    rows: list[list[object]] = [
        ["alerts accepted", found.accepted, f">= {count}"],
        ["incidents", found.incidents, count],
        ["incidents without a page", found.without_page, 0],
        ["e-mails", found.mails, ""],
        ["duplicate e-mails", found.duplicates, "<= 0.5 %"],
        ["duplicates, %", 100 * found.duplicates / found.mails, "<= 0.5"],
        ["kills", ", ".join(f"{role} {times}" for role, times in sorted(found.kills.items())), ""],
        ["seconds of sending", found.seconds, ""],
        ["settled after, s", found.settled_after, ""],
    ]
    table.show("Kill test", rows, head=["", "measured", "asked"])
    assert found.incidents == count, "an accepted alert was lost"
    assert found.without_page == 0, "an incident was not paged"
    assert found.duplicates <= found.mails * 0.005, "too many duplicates"
