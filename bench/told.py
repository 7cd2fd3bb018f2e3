"""From an external update to the public page, through the API, the sweeps and the page's own addresses: a small page,
and one with sixty components and a long past."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

from bench import stack, table

UPDATES = 30
ASKED = 5.0


def main() -> None:
    """Print the table; fails where an update takes longer than asked."""
    rows: list[list[object]] = []
    slowest = 0.0
    with stack.running() as muster:
        for slug, components, past in (("small", 12, 1), ("large", 60, 150)):
            reference = muster.manage("-m", "bench.told_inside", slug, str(components), str(past)).splitlines()[-1]
            seconds = [_told_after(muster, slug, reference, number) for number in range(UPDATES)]
            name = f"{components} components, {past} past incidents"
            rows.append([name, *(table.percentile(seconds, share) for share in (0.5, 0.99)), max(seconds)])
            slowest = max(slowest, *seconds)
    head = ["", "p50, s", "p99, s", "max, s"]
    table.show(f"External update to public page and JSON (asked: <= {ASKED:.0f} s)", rows, head=head)
    assert slowest <= ASKED


def _told_after(muster: stack.Stack, slug: str, reference: str, number: int) -> float:
    message = f"Word {number} of {slug}."
    body = json.dumps({"message": message, "status": "investigating", "visibility": "external", "title": "It is slow"})
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {muster.keys['token']}"}
    url = f"{muster.base_url}/api/v1/incidents/{reference}/status-updates"
    with urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers)) as answer:
        assert answer.status == 201
    started = time.monotonic()
    for path in ("index.html", "api/v2/summary.json"):
        while message not in _read(f"{muster.base_url}/status/{slug}/{path}"):
            assert time.monotonic() - started < 60
            time.sleep(0.05)
    return time.monotonic() - started


def _read(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        text: str = answer.read().decode()
    return text
