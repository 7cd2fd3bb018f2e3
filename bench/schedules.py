"""Who is on call by 1,000 schedules of ten layers each, a year ahead, in one page; and by one schedule now.

The page is asked for as a person's browser asks, without a network (bench.visitor); the schedules are those of
bench.schedules_inside.
"""

from __future__ import annotations

import json
import subprocess
import sys

from bench import million, table
from incidents_site.config import BASE_DIR

MOST_PAGE_MS, MOST_ONE_MS = 2_000.0, 5.0


def main() -> None:
    """Print the table."""
    with million.installation(1_000) as muster:
        argv = [sys.executable, "-m", "bench.schedules_inside"]
        out = subprocess.run(argv, cwd=BASE_DIR, env=muster.env, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(out.splitlines()[-1])
    assert {page["status"] for name in ("pages", "ready", "weak") for page in found[name]} == {200}
    ready, weak = ([page["ms"] for page in found[name]] for name in ("ready", "weak"))
    pages, ones = [page["ms"] for page in found["pages"]], found["ones"]
    rows: list[list[object]] = [
        ["1,000 schedules of 10 layers, a year ahead, the whole page", MOST_PAGE_MS, *_of(pages)],
        ["what of them is not ready, where a layer of each has no gaps", MOST_PAGE_MS, *_of(ready)],
        ["what of them is not ready, where each has gaps and a policy", MOST_PAGE_MS, *_of(weak)],
        ["one schedule now, read and computed", MOST_ONE_MS, *_of(ones)],
    ]
    table.show("Who is on call, ms", rows, head=["", "asked, <=", "median", "p95", "max"])
    assert table.percentile(pages, 0.5) <= MOST_PAGE_MS
    assert max(table.percentile(ready, 0.5), table.percentile(weak, 0.5)) <= MOST_PAGE_MS
    assert table.percentile(ones, 0.5) <= MOST_ONE_MS


def _of(values: list[float]) -> list[str]:
    return [f"{value:.1f}" for value in (table.percentile(values, 0.5), table.percentile(values, 0.95), max(values))]
