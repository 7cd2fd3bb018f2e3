"""One update to 20,000 subscribers by e-mail: each once, also while whoever sends is killed, and no page waits for it.

First an update in peace, with alerts beside it whose pages are timed; then one while worker and pager are killed with
SIGKILL. At the end the form is asked for addresses that are new, known, confirmed and gone, and timed.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass

from bench import latency, stack, table
from bench.stack import Stack

READERS = 21_060  # of whom 20,000 are told: the others want another component
PAGES, PER_SECOND = 100, 3.0
KILLS, PAUSE_SECONDS = 5, 4.0
ASKED_EACH = 60
MOST_DUPLICATES = 0.005
SLOWEST_PAGE = 5.0
LONGEST_SECONDS = 900
UNSENT = """
    SELECT (SELECT count(*) FROM statuspage_delivery WHERE finished_at IS NULL)
         + (SELECT count(*) FROM statuspage_mailing WHERE fanned_at IS NULL)
         + (SELECT 1 - least(1, count(*)) FROM statuspage_mailing WHERE text LIKE '{words}%')
"""


@dataclass(frozen=True)
class Told:
    """What came of one update: ``wanted`` readers, ``answered`` seconds for the request that published it, ``seconds``
    from then to the last hand-over."""

    wanted: int
    reached: int
    mails: int
    answered: float
    seconds: float
    kills: int = 0

    @property
    def lost(self) -> int:
        """Readers who got nothing."""
        return self.wanted - self.reached

    @property
    def duplicates(self) -> int:
        """Mails too many."""
        return self.mails - self.reached


def prepare(muster: Stack, readers: int) -> dict[str, str]:
    """A page with readers, and an incident of its service."""
    printed = muster.manage("-m", "bench.subscribers_inside", str(readers))
    return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)


def publish(muster: Stack, incident: str, title: str) -> float:
    """Publish an external update; seconds until it was answered."""
    body = {"message": f"{title}, and we are on it.", "status": "investigating", "visibility": "external"}
    request = urllib.request.Request(
        f"{muster.base_url}/api/v1/incidents/{incident}/status-updates",
        data=json.dumps(body | {"title": title}).encode(),
        headers={"Authorization": f"Bearer {muster.keys['token']}", "Content-Type": "application/json"},
    )
    started = time.monotonic()
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201
    return time.monotonic() - started


def tell(muster: Stack, keys: dict[str, str], title: str, *, kills: int = 0, pause: float = PAUSE_SECONDS) -> Told:
    """Publish, kill as often as asked, wait for the end, and count what was handed over."""
    started = time.time()
    answered = publish(muster, keys["incident"], title)
    for _ in range(kills):
        time.sleep(pause)
        muster.kill("worker")
        muster.kill("pager")
    muster.wait_until(UNSENT.format(words=title), equals=0, seconds=LONGEST_SECONDS)
    mails = [mail for mail in muster.sink.mails() if title in mail.subject and mail.to.startswith("reader")]
    return Told(
        wanted=int(keys["told"]),
        reached=len({mail.to for mail in mails}),
        mails=len(mails),
        answered=answered,
        seconds=max((mail.at for mail in mails), default=started) - started,
        kills=kills,
    )


def ask(muster: Stack, address: str, network: str) -> float:
    """Send the form from a network; seconds until it was answered."""
    request = urllib.request.Request(
        f"{muster.base_url}/status/bench/subscribe",
        data=urllib.parse.urlencode({"address": address}).encode(),
        headers={"X-Forwarded-For": network},
    )
    started = time.monotonic()
    with urllib.request.urlopen(request) as answer:
        answer.read()
    return time.monotonic() - started


def times_of_form(muster: Stack, count: int) -> dict[str, list[float]]:
    """Seconds by what is known of the address, asked in turn."""
    found: dict[str, list[float]] = {"new": [], "asked lately": [], "subscribed": [], "network asks too often": []}
    for number in range(-5, count):
        network = f"198.51.{100 + number // 200}.{number % 200 + 10}"
        for name, address, origin in (
            ("new", f"new{number}@example.com", network),
            ("asked lately", f"new{number}@example.com", network),
            ("subscribed", f"reader{number + 100}@example.com", network),
            ("network asks too often", f"other{number}@example.com", "203.0.113.1"),
        ):
            seconds = ask(muster, address, origin)
            if number >= (20 if name == "network asks too often" else 0):
                found[name].append(seconds)
    return found


def check(told: Told) -> None:
    """What is asked of one update."""
    assert told.lost == 0, f"{told.lost} readers got nothing"
    most = told.wanted * MOST_DUPLICATES if told.kills else 0
    assert told.duplicates <= most, f"{told.duplicates} mails too many"


def main(readers: int = READERS) -> None:
    """Print the tables."""
    with stack.running(TRUSTED_PROXIES="127.0.0.1/32") as muster:
        keys = prepare(muster, readers)
        pages: list[float] = []

        def page() -> None:
            pages.extend(latency.of_alerts(muster, name="Beside", count=PAGES, per_second=PER_SECOND))

        beside = threading.Thread(target=page)
        beside.start()
        calm = tell(muster, keys, "In peace")
        beside.join()
        killed = tell(muster, keys, "Under fire", kills=KILLS)
        form = times_of_form(muster, ASKED_EACH)
    rows = [
        [name, told.wanted, told.lost, told.duplicates, told.kills, told.answered, told.seconds]
        for name, told in (("in peace", calm), ("killed", killed))
    ]
    table.show(
        "One update by e-mail (asked: 0 lost, at most 0.5 % too many)",
        rows,
        head=["", "readers", "lost", "too many", "kills", "answered, s", "all handed over, s"],
    )
    shares = [table.percentile(pages, share) for share in (0.5, 0.99, 1.0)]
    table.show("Alert to page beside it, s (asked: p99 <= 5)", [[len(pages), *shares]], head=["", "p50", "p99", "max"])
    table.show(
        "The form, ms by what is known of an address",
        [[name, len(each), 1000 * statistics.median(each)] for name, each in form.items()],
        head=["", "asked", "median"],
    )
    assert len(pages) == PAGES
    assert table.percentile(pages, 0.99) <= SLOWEST_PAGE
    check(calm)
    check(killed)
