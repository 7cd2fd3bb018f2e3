"""The list and the page of one incident among 1,000, 100,000 and 1,000,000 incidents: server time and queries.

Three installations that differ only in their incidents (bench.million), each behind a process of its own that answers
without a network (bench.visitor). Every address is asked for in turn by all of them, the median of the runs counts.
The visitor is a responder, for whom every query also looks at who may see what.

``MUSTER_BENCH_DATA=folder`` keeps the installations for two days; ``MUSTER_BENCH_SIZES=1000,1000000`` and
``MUSTER_BENCH_RUNS=10`` make it shorter. Making all three takes about three minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench import million, table
from incidents_site.config import BASE_DIR

SIZES = (1_000, 100_000, 1_000_000)
RUNS, WARM_UP = 30, 3
MOST_QUERIES, MOST_MS, MOST_TIMES = 12, 60.0, 1.5
VISITOR = "person7"

SORTS = ("id", "title", "severity", "status", "assignee", "duration", "created")
FILTERS = (
    "severity=critical",
    "status=triggered",
    "status=postmortem",
    "service=service-7",
    "team=team-3",
    "team=mine",
    "mine=1",
    "assignee=me",
    "assignee=none",
    "severity=high&service=service-7&sort=title",
    "since=2025-06-01&until=2025-06-30",
)


@dataclass
class Visitor:
    """A process of bench.visitor, and what each address took."""

    size: int
    url: str
    process: subprocess.Popen[str]
    times: dict[str, list[float]] = field(default_factory=dict)
    queries: dict[str, int] = field(default_factory=dict)

    def ask(self, address: str) -> dict[str, Any]:
        """One request."""
        assert self.process.stdin
        assert self.process.stdout
        print(address, file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert answer["status"] == 200, f"{address} among {self.size:,}: {answer['status']}"
        return answer

    def median(self, name: str) -> float:
        """Milliseconds."""
        return table.percentile(self.times[name], 0.5)


@contextmanager
def visitor(size: int) -> Iterator[Visitor]:
    """A visitor of an installation of that size."""
    with million.installation(size) as muster:
        argv = [sys.executable, "-m", "bench.visitor", VISITOR]
        process = subprocess.Popen(
            argv, cwd=BASE_DIR, env=muster.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            yield Visitor(size, muster.url, process)
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait(10)


def addresses(size: int) -> dict[str, str]:
    """What is asked for, by a name that is the same in every installation; ``+`` stands for the page after it."""
    found = {}
    for period in ("active", "recent", "all"):
        for sort in SORTS:
            for key in (f"-{sort}", sort):
                found[f"{period} by {key}"] = f"/incidents/?period={period}&sort={key}"
    for sort in SORTS:
        found[f"all by -{sort}, page 2"] = f"+/incidents/?period=all&sort=-{sort}"
    for period in ("active", "recent"):
        found[f"{period} by -created, page 2"] = f"+/incidents/?period={period}"
    found |= {f"all, {filters}": f"/incidents/?period=all&{filters}" for filters in FILTERS}
    found |= {f"active, {filters}": f"/incidents/?{filters}" for filters in ("mine=1", "team=mine", "severity=high")}
    found["an open incident"] = f"/incidents/INC-{size + 1}"
    found["a long resolved one"] = f"/incidents/INC-{size + 2}"
    return found


def measure(visitors: list[Visitor], *, runs: int) -> list[str]:
    """Ask for everything, in turn; returns the names."""
    wanted = {visitor.size: addresses(visitor.size) for visitor in visitors}
    names = list(wanted[visitors[0].size])
    for name in names:
        asked = []
        for each in visitors:
            address = wanted[each.size][name]
            if address.startswith("+"):
                after = each.ask(f"?{address[1:]}")["next"]
                if after is None:
                    continue
                address = f"/incidents/{after}" if after.startswith("?") else after
            asked.append((each, address))
        for each, address in asked:
            each.queries[name] = len(each.ask(f"?{address}")["queries"])
            for _ in range(WARM_UP):
                each.ask(address)
        for _ in range(runs):
            for each, address in asked:
                each.times.setdefault(name, []).append(each.ask(address)["ms"])
    return names


def main(*, sizes: tuple[int, ...] = SIZES, runs: int = RUNS) -> None:
    """Print the table; fails where a page asks the database more than twelve times."""
    sizes = tuple(map(int, os.environ.get("MUSTER_BENCH_SIZES", "").split(","))) if _is_set() else sizes
    runs = int(os.environ.get("MUSTER_BENCH_RUNS", runs))
    with ExitStack() as stack:
        visitors = [stack.enter_context(visitor(size)) for size in sizes]
        names = measure(visitors, runs=runs)
    first, last = visitors[0], visitors[-1]
    rows: list[list[object]] = []
    for name in names:
        medians = [each.median(name) if name in each.times else None for each in visitors]
        ratio = last.median(name) / first.median(name) if name in first.times and name in last.times else None
        p95 = table.percentile(last.times.get(name, []), 0.95)
        remarks = [
            "over 1.5 times" if ratio and ratio > MOST_TIMES else "",
            f"over {MOST_MS:.0f} ms" if (medians[-1] or 0) > MOST_MS else "",
        ]
        queries = max(each.queries.get(name, 0) for each in visitors)
        rows.append(
            [
                name,
                *map(_ms, [*medians, p95]),
                f"{ratio:.2f}" if ratio else "",
                queries,
                ", ".join(filter(None, remarks)),
            ]
        )
    head = ["server time, ms (median)", *(f"{size:,}" for size in sizes), "p95", "ratio", "queries", ""]
    asked = f"asked: ratio <= {MOST_TIMES}, median <= {MOST_MS:.0f} ms, queries <= {MOST_QUERIES}"
    table.show(f"List and detail pages, {runs} runs each ({asked})", rows, head=head)
    over = [name for name in names if max(each.queries.get(name, 0) for each in visitors) > MOST_QUERIES]
    assert not over, f"more than {MOST_QUERIES} queries: {', '.join(over)}"


def _is_set() -> bool:
    return bool(os.environ.get("MUSTER_BENCH_SIZES"))


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
