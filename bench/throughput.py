"""How many new incidents a second go from intake to paged, and how many repeats on open incidents are taken in."""

from __future__ import annotations

import time

from bench import load, stack, table

PENDING = "SELECT count(*) FROM alerts_event WHERE state = 'pending'"


def new_incidents(muster: stack.Stack, *, count: int) -> tuple[float, float]:
    """(accepted a second, paged a second): as fast as the door lets them in, until the last e-mail is out."""
    path = f"/integrations/{muster.keys['generic']}/generic"
    bodies = [load.generic(f"New{number:06}", f"new-{number}") for number in range(count)]
    started = time.time()
    answers = load.post_all(muster.port, path, bodies, connections=8)
    accepted = time.time() - started
    assert {answer.status for answer in answers} == {202}
    muster.wait_until(
        "SELECT count(*) FROM notifications_notification WHERE purpose = 'page' AND state = 'sent'",
        equals=count,
        seconds=180,
    )
    last = max(mail.at for mail in muster.sink.mails())
    return count / accepted, count / (last - started)


def repeats(muster: stack.Stack, *, count: int, open_: int = 50) -> tuple[float, float]:
    """(accepted a second, applied a second) for alerts whose incident is open already."""
    path = f"/integrations/{muster.keys['generic']}/generic"
    bodies = [load.generic(f"New{number % open_:06}", f"new-{number % open_}") for number in range(count)]
    started = time.time()
    answers = load.post_all(muster.port, path, bodies, connections=8)
    accepted = time.time() - started
    assert {answer.status for answer in answers} == {202}
    muster.wait_until(PENDING, equals=0, seconds=120)
    return count / accepted, count / (time.time() - started)


def big_delivery(muster: stack.Stack) -> float:
    """Seconds until one POST with 1,000 alerts is answered."""
    path = f"/integrations/{muster.keys['alertmanager']}/alertmanager"
    answers = load.post_all(muster.port, path, [load.alertmanager("Big", "big", count=1000)], connections=1)
    assert answers[0].status == 202
    return answers[0].seconds


def memory(muster: stack.Stack) -> list[tuple[str, float]]:
    """(role, MB) of every process: the proportional set size, which counts shared pages by their share."""
    found = []
    for role in ("web", "worker", "beat", "pager"):
        for pid in muster.pids(role):
            with open(f"/proc/{pid}/smaps_rollup") as file:
                pss = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            found.append((role, pss / 1024))
    return found


def main(*, count: int = 3000) -> None:
    """Print the tables."""
    with stack.running() as muster:
        accepted, paged = new_incidents(muster, count=count)
        repeat_accepted, repeat_applied = repeats(muster, count=count * 3)
        rows = [
            ["new incidents", count, accepted, paged, ">= 150 paged"],
            ["repeats on 50 open incidents", count * 3, repeat_accepted, repeat_applied, ">= 800 applied"],
        ]
        head = ["", "alerts", "accepted/s", "done/s", "asked"]
        table.show("Throughput, load generator on the same machine", rows, head=head)
        table.show(
            "One POST with 1,000 alerts (asked: under 1 s)", [[big_delivery(muster)]], head=["answered after, s"]
        )
        table.show("Memory after that load (asked: web worker <= 100 MB)", memory(muster), head=["process", "PSS, MB"])
