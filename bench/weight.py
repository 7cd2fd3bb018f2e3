"""What list and incident weigh on the wire, how soon they show on a slow network, and whether anything jumps.

Demo data, and one incident with 150 timeline entries, served as they are to people: one Muster, no proxy before it.
Transfers are what Chromium counted (``Network.loadingFinished``): headers and compressed bodies. Cold: nothing is
cached. Warm: the page was looked at before, and is asked for again by its address.

Two throttlings, both over each request: DevTools' "Slow 4G" (562.5 ms of latency, 1.44 Mbit/s down, 675 kbit/s up) and
Lighthouse's (150 ms, 1.638 Mbit/s down, 750 kbit/s up). The first is the stricter one, and the one that is judged.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page

from bench import browsers, stack, table

ASKED_KB = {"cold": 150, "warm": 25}
HEAVIEST = 12
ROUNDS = 9
QUIET_SECONDS = 1.5
SETTLE_SECONDS = 3  # what the demo has set off is done
FIRST_PAINT_MS = 1000

Network = Mapping[str, float]
KBIT = 1000 / 8
JUDGED = "DevTools slow 4G"
NETWORKS: dict[str, Network] = {
    JUDGED: {"latency": 562.5, "downloadThroughput": 1440 * KBIT, "uploadThroughput": 675 * KBIT},
    "Lighthouse slow 4G": {"latency": 150, "downloadThroughput": 1638.4 * KBIT, "uploadThroughput": 750 * KBIT},
}
UNLIMITED: Network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}

SET_UP = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import User
from catalog.models import Service
from incidents import action_items, communication, lifecycle, timeline
from incidents.lifecycle import Draft
from incidents.models import Incident

now, minute = timezone.now(), timedelta(minutes=1)
people = list(User.objects.filter(is_demo=True, role="responder").order_by("username")[:4])
services = list(Service.objects.order_by("slug")[:3])
title = "Answers time out for one in five customers in eu-central"
draft = Draft(title=title, severity="high", services=services, description="Since the **14:20** deploy.")
incident = lifecycle.declare(draft, now=now - 300 * minute)
lifecycle.acknowledge(incident, by=people[0], now=now - 297 * minute)
lifecycle.transition(incident, to="investigating", by=people[0], now=now - 295 * minute)
words = (
    "p99 of `query-engine` is back to **2.4 s** after the restart of node {number}; the queue still grows.",
    "Consumer lag of `ingest-{number}` at 1.2 million messages, it falls by 9,000 a second.",
    "Asked the storage team to look at volume {number}: writes stall for 300 ms every few seconds.",
)
while incident.timeline.count() < 145:
    number = incident.timeline.count()
    text, at = words[number % 3].format(number=number), now - (290 - number) * minute
    timeline.add_note(incident, text=text, by=people[number % len(people)], at=at, now=at)
for kind in ("metric", "log", "trace"):
    address = f"https://grafana.example.com/d/{kind}"
    timeline.link_evidence(incident, url=address, kind=kind, caption=f"The {kind} of it", by=people[1], now=now)
communication.post_update(incident, message="One in five answers fails.", status="investigating", by=people[0], now=now)
action_items.add(incident, title="Alert on write stalls", by=people[0], owner=people[1], now=now)
while incident.timeline.count() < 150:
    timeline.add_note(incident, text="Still falling.", by=people[2], now=now)
assert incident.timeline.count() == 150, incident.timeline.count()
print("number", incident.number)
print("person", people[0].username)
"""

WATCH_SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifts += one.value;
}).observe({ type: "layout-shift", buffered: true });
"""
FIRST_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@dataclass
class Wire:
    """What a page fetched: bytes by request, in the order in which they ended."""

    page: Page
    bytes_of: Counter[str] = field(default_factory=Counter)
    _addresses: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.devtools = self.page.context.new_cdp_session(self.page)
        self.devtools.send("Network.enable")
        self.devtools.on("Network.requestWillBeSent", self._asked)
        self.devtools.on("Network.loadingFinished", self._finished)
        self.devtools.on("Network.dataReceived", self._received)

    def throttle(self, network: Network) -> None:
        """Be as slow as this network from now on."""
        self.devtools.send("Network.emulateNetworkConditions", {"offline": False, **network})

    def _asked(self, event: dict[str, Any]) -> None:
        self._addresses[event["requestId"]] = urlsplit(event["request"]["url"]).path

    def _received(self, event: dict[str, Any]) -> None:
        """A stream does not finish while the page is open."""
        if self._addresses.get(event["requestId"]) == "/live":
            self.bytes_of["/live"] += event["encodedDataLength"]

    def _finished(self, event: dict[str, Any]) -> None:
        address = self._addresses.get(event["requestId"], "")
        if address and not address.startswith("data:"):
            self.bytes_of[address] += int(event["encodedDataLength"])


@contextmanager
def seen(context: BrowserContext, address: str, network: Network = UNLIMITED) -> Iterator[tuple[Page, Wire]]:
    """A page that has been loaded, and has asked for everything that it asks for by itself."""
    page = context.new_page()
    wire = Wire(page)
    wire.throttle(network)
    page.goto(address)
    page.wait_for_timeout(QUIET_SECONDS * 1000)
    try:
        yield page, wire
    finally:
        page.close()


def weights(open_window: Callable[[], BrowserContext], pages: dict[str, str]) -> dict[tuple[str, str], float]:
    """KB of each page, cold and warm."""
    totals, rows, parts = {}, [], []
    for name, address in pages.items():
        context = open_window()
        for state, asked in ASKED_KB.items():
            with seen(context, address) as (page, wire):
                totals[name, state] = sum(wire.bytes_of.values()) / 1024
                rows.append([name, state, asked, totals[name, state], page.evaluate("() => window.shifts")])
                heaviest = [(path, size / 1024) for path, size in wire.bytes_of.most_common(HEAVIEST) if size]
                parts += [[name, state, path, size] for path, size in heaviest]
        context.close()
    table.show("On the wire", rows, head=["page", "cache", "asked, <= KB", "KB", "layout shift"])
    table.show("What it is made of", parts, head=["page", "cache", "path", "KB"])
    return totals


def first_paints(open_window: Callable[[], BrowserContext], pages: dict[str, str]) -> dict[tuple[str, str], float]:
    """Median milliseconds until something shows of a page that was looked at before, by network and page."""
    medians, rows = {}, []
    for network, limits in NETWORKS.items():
        for name, address in pages.items():
            context = open_window()
            with seen(context, address):
                pass
            found = []
            for _ in range(ROUNDS):
                with seen(context, address, limits) as (page, _wire):
                    found.append(page.evaluate(FIRST_PAINT))
            context.close()
            medians[network, name] = statistics.median(found)
            rows.append([network, name, min(found), medians[network, name], max(found)])
    table.show("First contentful paint, warm, ms", rows, head=["network", "page", "min", "median", "max"])
    return medians


def main() -> None:
    """Print the tables."""
    with stack.running(MUSTER_DEMO="1") as muster, browsers.chromium(1) as (browser,):
        (_, number), (_, username) = browsers.run(muster, SET_UP)
        (cookie,) = browsers.cookies(muster, username)
        time.sleep(SETTLE_SECONDS)

        def open_window() -> BrowserContext:
            context = browsers.window(browser, muster, cookie)
            context.add_init_script(WATCH_SHIFTS)
            return context

        pages = {"list": "/incidents/", "list, all": "/incidents/?period=all", "incident": f"/incidents/INC-{number}"}
        totals = weights(open_window, pages)
        medians = first_paints(open_window, pages)
    for (name, state), size in totals.items():
        assert size <= ASKED_KB[state], f"the {name} weighs {size:.0f} KB, {state}"
    for name in pages:
        assert medians[JUDGED, name] <= FIRST_PAINT_MS, f"the {name} shows after {medians[JUDGED, name]:.0f} ms"
