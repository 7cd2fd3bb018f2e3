"""The public page against a bare view that says hello, under the same server in one run; and pages to responders while
the public reads.

Readers accept gzip and keep their connection, as browsers and proxies do.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import latency, load, stack, table
from bench.sink import free_port
from incidents_site.config import BASE_DIR
from incidents_site.embedded.postgres import Postgres

ROUNDS = 5
SECONDS = 5.0
CONNECTIONS = 16
ASKED = 0.6
READS, READERS = 10_000, 200
PAGES, PAGES_PER_SECOND = 100, 10.0


def main(*, rounds: int = ROUNDS) -> None:
    """Print the tables."""
    _compare_rates(rounds)
    _page_while_read()


async def _read(port: int, path: str, *, until: float, most: int, connections: int) -> list[load.Answer]:
    answers: list[load.Answer] = []
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n".encode()

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() < until and len(answers) < most:
            at, begun = time.time(), time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
            answers.append(load.Answer(at, time.perf_counter() - begun, int(head[9:12])))
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return answers


def _rate(port: int, path: str) -> float:
    """Requests a second over some seconds, after a warm-up."""
    asyncio.run(_read(port, path, until=time.monotonic() + 0.5, most=10**9, connections=CONNECTIONS))
    started = time.monotonic()
    answers = asyncio.run(_read(port, path, until=started + SECONDS, most=10**9, connections=CONNECTIONS))
    assert {answer.status for answer in answers} == {200}
    return len(answers) / (time.monotonic() - started)


@contextmanager
def _web(env: dict[str, str], path: str) -> Iterator[int]:
    port = free_port()
    argv = [sys.executable, "-m", "incidents_site.web"]
    process = subprocess.Popen(argv, cwd=BASE_DIR, env=env | {"PORT": str(port)})
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                asyncio.run(_read(port, path, until=time.monotonic() + 5, most=1, connections=1))
                break
            except OSError:
                time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _compare_rates(rounds: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="muster-bench-"))
    postgres = Postgres(folder)
    try:
        postgres.start()
        env = os.environ | {
            "MUSTER_DATA": str(folder),
            "DATABASE_URL": postgres.url,
            "SECRET_KEY": "only-for-benches-" * 4,
            "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        }
        for argv in (["manage.py", "prepare"], ["-m", "bench.status_inside"]):
            subprocess.run([sys.executable, *argv], cwd=BASE_DIR, env=env, capture_output=True, check=True)
        bare_env = env | {"DJANGO_SETTINGS_MODULE": "bench.bare"}
        ours, bare = [], []
        with _web(env, "/status/") as port, _web(bare_env, "/hello") as bare_port:
            for _ in range(rounds):
                bare.append(_rate(bare_port, "/hello"))
                ours.append(_rate(port, "/status/"))
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
    pairs = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    rows = [
        [name, *(table.percentile(values, share) for share in (0.0, 0.5, 1.0))]
        for name, values in (("bare view, requests/s", bare), ("public page, requests/s", ours), ("ratio", pairs))
    ]
    table.show(f"Public page against a bare view (asked: ratio >= {ASKED})", rows, head=["", "min", "median", "max"])
    assert table.percentile(pairs, 0.5) >= ASKED


def _page_while_read() -> None:
    """At least 10,000 requests of the page, 200 at once, and for as long as alerts come in and page somebody."""
    rows: list[list[object]] = []
    with stack.running() as muster:
        muster.manage("-m", "bench.status_inside")
        for name, is_read in (("nobody reads", False), ("200 readers", True)):
            read: list[load.Answer] = []
            is_paged = threading.Event()

            def crowd(read: list[load.Answer] = read, ended: threading.Event = is_paged) -> None:
                while len(read) < READS or not ended.is_set():
                    far = time.monotonic() + 120
                    read += asyncio.run(_read(muster.port, "/status/", until=far, most=READS // 5, connections=READERS))

            reading = threading.Thread(target=crowd)
            if is_read:
                reading.start()
            seconds = latency.of_alerts(
                muster, name="Crowd" if is_read else "Quiet", count=PAGES, per_second=PAGES_PER_SECOND
            )
            is_paged.set()
            if is_read:
                reading.join()
            waits = [answer.seconds for answer in read]
            rows.append(
                [name, *(table.percentile(seconds, share) for share in (0.5, 0.99)), len(waits)]
                + [table.percentile(waits, share) for share in (0.5, 0.99)]
            )
            assert table.percentile(seconds, 0.99) <= 5.0
            assert {answer.status for answer in read} <= {200}
    head = ["", "page p50, s", "page p99, s", "reads", "read p50, s", "read p99, s"]
    table.show("Alert to e-mail while the public reads (asked: p99 <= 5 s, as without)", rows, head=head)
