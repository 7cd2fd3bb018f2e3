"""Postmortems: seconds until the draft of an incident with 2,000 timeline entries is written, and until a PDF is made;
and what the longest texts that are allowed take at most.

Drafts are timed with their transaction. Files and pages are whole requests in a fresh web process (bench.visitor); each
PDF is made by a process of its own, so its start counts every time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench import million, table
from incidents_site.config import BASE_DIR

ENTRIES, DRAFTS = 2_000, 30
EVENTS, ACTION_ITEMS = 60, 20
PROCESSES, TIMES = 5, 6
DRAFT_SECONDS, PDF_SECONDS, BOUND_SECONDS = 1.0, 3.0, 46.0

LIMIT = 50_000  # characters of a section (postmortems.editing.BODY_LIMIT)
BOMBS = {
    "paragraphs": ("Words of a paragraph that goes on and on. " * 12 + "\n\n") * (LIMIT // 506),
    "short paragraphs": "word\n\n" * (LIMIT // 6),
    "a list of 10,000": "1. a\n" * (LIMIT // 5),
    "200 lists, one in another": "".join("  " * depth + "- x\n" for depth in range(200)),
    "200 quotes, one in another": "> " * 200 + "x",
    "a table of 7,000 rows": "|a|b|\n|-|-|\n" + "|x|y|\n" * ((LIMIT - 12) // 6),
    "a table of 12,000 columns": "|a" * (LIMIT // 4) + "|\n" + "|-" * (LIMIT // 4 - 1) + "|",
    "brackets that never close": "[" * LIMIT,
    "one word": "w" * LIMIT,
}
INSIDE = f"import django; django.setup(); from bench import postmortems_inside; postmortems_inside.main({DRAFTS})"


@contextmanager
def web(env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A fresh web process."""
    argv = [sys.executable, "-m", "bench.visitor", "alice"]
    process = subprocess.Popen(argv, cwd=BASE_DIR, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(10)


def ask(process: subprocess.Popen[str], address: str) -> dict[str, Any]:
    """One request: its ``status``, ``ms`` and ``bytes``."""
    assert process.stdin
    assert process.stdout
    print(address, file=process.stdin, flush=True)
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def timed(env: dict[str, str], address: str) -> dict[str, list[float]]:
    """Seconds of each kind of request, the first PDF of each process apart."""
    found: dict[str, list[float]] = {"first PDF of a process": [], "PDF": [], "HTML": [], "Markdown": [], "page": []}
    for _ in range(PROCESSES):
        with web(env) as process:
            for number in range(TIMES):
                for name, ending in (
                    ("PDF", "/export.pdf"),
                    ("HTML", "/export.html"),
                    ("Markdown", "/export.md"),
                    ("page", ""),
                ):
                    answer = ask(process, f"{address}{ending}")
                    assert answer["status"] == 200, f"{name}: {answer['status']}"
                    is_first = name == "PDF" and number == 0
                    found["first PDF of a process" if is_first else name].append(answer["ms"] / 1000)
    return found


def endure(env: dict[str, str], bombs: dict[str, str]) -> list[list[object]]:
    """Rows of what the longest texts take, as page and as PDF."""
    rows: list[list[object]] = []
    for name, address in bombs.items():
        with web(env) as process:
            page, pdf = ask(process, address), ask(process, f"{address}/export.pdf")
        made = "made" if pdf["status"] == 200 else f"{pdf['status']}, too long"
        rows.append([name, page["ms"] / 1000, pdf["ms"] / 1000, made])
        assert page["status"] == 200, f"{name}: the page answers {page['status']}"
        assert pdf["status"] in {200, 422}, f"{name}: the PDF answers {pdf['status']}"
    return rows


def main() -> None:
    """Print the tables; fails where a draft or a PDF takes too long."""
    with million.empty(is_durable=True) as env:
        started = time.monotonic()
        argv = [sys.executable, "-c", INSIDE]
        done = subprocess.run(argv, cwd=BASE_DIR, env=env, check=True, stdout=subprocess.PIPE, text=True)
        print(f"{DRAFTS} incidents written and drafted in {time.monotonic() - started:.0f} s", flush=True)
        found = json.loads(done.stdout.splitlines()[-1])
        seconds = {f"draft from {ENTRIES:,} entries": found["drafts"]} | timed(env, found["told"])
        rows: list[list[object]] = [
            [name, len(taken), *(table.percentile(taken, share) for share in (0.5, 0.95)), max(taken)]
            for name, taken in seconds.items()
        ]
        title = f"A postmortem with all sections, {EVENTS} events and {ACTION_ITEMS} action items"
        table.show(title, rows, head=["seconds", "times", "p50", "p95", "max"])
        longest = endure(env, found["bombs"])
    head = [f"seven sections of {LIMIT:,} characters", "page, s", "PDF, s", ""]
    table.show("The longest texts", longest, head=head)
    assert max(found["drafts"]) <= DRAFT_SECONDS, "a draft took too long"
    assert max(seconds["PDF"] + seconds["first PDF of a process"]) <= PDF_SECONDS, "a PDF took too long"
    assert all(float(str(row[2])) <= BOUND_SECONDS for row in longest), "a PDF had no end"
