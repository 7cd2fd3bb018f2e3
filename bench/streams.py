"""2,000 open pages on one web process: what they cost, how soon they hear of a change, and whether pages still come."""

from __future__ import annotations

import http.client
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from bench import stack, table
from bench.sink import free_port
from core import live
from incidents_site.config import BASE_DIR
from incidents_site.listening import allow_many_files

STREAMS = 2000
PEOPLE = 500
INCIDENTS = 20
ROUNDS = 60
PAGES = 60
QUIET_SECONDS = 30
MEGABYTES = 150

# Signs people in and declares incidents; prints the cookies and the incidents' topics.
SET_UP = f"""
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from accounts.models import User
from incidents import lifecycle
from incidents.lifecycle import Draft

for number in range({INCIDENTS}):
    draft = Draft(title="It is broken", severity="low", services=[])
    print("topic", lifecycle.declare(draft, now=timezone.now()).topic)
for number in range({PEOPLE}):
    user = User.objects.create(username=f"person{{number}}", role="responder")
    session = SessionStore()
    session.update({{
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }})
    session.save()
    print("cookie", f"{{settings.SESSION_COOKIE_NAME}}={{session.session_key}}")
"""


@dataclass
class Streams:
    """Open streams, read as fast as this machine can, so that what is measured is the server."""

    port: int
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    opened: list[socket.socket] = field(default_factory=list)

    def open(self, cookie: str, topics: list[str]) -> None:
        """Ask for a stream, without waiting for the answer."""
        one = socket.create_connection(("127.0.0.1", self.port))
        query = "&".join(f"topic={topic}" for topic in topics)
        one.sendall(f"GET /live?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
        one.setblocking(False)
        self.selector.register(one, selectors.EVENT_READ)
        self.opened.append(one)

    def wait_for(self, words: bytes, *, seconds: float) -> list[float]:
        """When each stream said the words, as ``time.perf_counter``; those that did not are missing."""
        found: dict[int, float] = {}
        deadline = time.perf_counter() + seconds
        while len(found) < len(self.opened) and time.perf_counter() < deadline:
            for key, _ in self.selector.select(0.1):
                if words in key.fileobj.recv(65536):  # type: ignore[union-attr]
                    found.setdefault(key.fd, time.perf_counter())
        return list(found.values())

    def close(self) -> None:
        """Close all."""
        self.selector.close()
        for one in self.opened:
            one.close()


@contextmanager
def one_worker(muster: stack.Stack) -> Iterator[tuple[int, int]]:
    """A web server with a single worker beside the running stack: its port and the worker's process id."""
    port = free_port()
    argv = [sys.executable, "-m", "incidents_site.web", "--workers", "1"]
    parent = subprocess.Popen(argv, cwd=BASE_DIR, env=muster.env | {"PORT": str(port)})
    try:
        while page(port, "/readyz", "")[0] != 200:
            assert parent.poll() is None, "the web server has ended"
            time.sleep(0.1)
        (worker,) = map(int, Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split())
        yield port, worker
    finally:
        parent.send_signal(signal.SIGTERM)
        parent.wait(10)


def page(port: int, path: str, cookie: str) -> tuple[int, float]:
    """Status and seconds of a page; status 0 when nobody answers."""
    begun = time.perf_counter()
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        asking.request("GET", path, headers={"Cookie": cookie})
        answer = asking.getresponse()
        answer.read()
        return answer.status, time.perf_counter() - begun
    except OSError:
        return 0, time.perf_counter() - begun
    finally:
        asking.close()


def memory(pid: int) -> dict[str, float]:
    """MB by kind: Rss is everything, Pss counts what is shared with the parent by its share."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return {
        name: int(line.split()[1]) / 1024 for line in lines for name in ("Rss", "Pss") if line.startswith(f"{name}:")
    }


def processor_seconds(pid: int) -> float:
    """What the process has used of the processors until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connections(muster: stack.Stack) -> int:
    """Database connections of all Muster processes."""
    ((found,),) = muster.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'muster'")
    return found


def changes(muster: stack.Stack, streams: Streams) -> list[list[float]]:
    """Seconds from a publication to each stream that hears it, for each round."""
    rounds = []
    with redis.Redis.from_url(muster.redis_url()) as client:
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            client.publish(live.CHANNEL, f"{live.CHANGED} incidents")
            heard = streams.wait_for(b"event: changed\ndata: incidents", seconds=5)
            rounds.append([at - begun for at in heard])
            time.sleep(0.2)
    return rounds


def main() -> None:
    """Print the tables."""
    allow_many_files()
    with stack.running() as muster, one_worker(muster) as (port, worker), ExitStack() as cleanup:
        printed = [
            line.split(" ", 1)
            for line in muster.manage("manage.py", "shell", "--no-imports", "-c", SET_UP).splitlines()
        ]
        topics, cookies = ([value for name, value in printed if name == kind] for kind in ("topic", "cookie"))
        for cookie in cookies[:20]:  # the process has worked before it is measured
            assert page(port, "/incidents/", cookie)[0] == 200
        streams = Streams(port)
        cleanup.callback(streams.close)
        costs: list[list[Any]] = [["before", memory(worker)["Rss"], memory(worker)["Pss"], connections(muster)]]
        begun = time.perf_counter()
        for number in range(STREAMS):
            streams.open(cookies[number % PEOPLE], ["incidents", topics[number % INCIDENTS]])
        heard = streams.wait_for(b"event: hello", seconds=60)
        table.show(
            "Opening all of them at once",
            [[STREAMS, len(heard), max(heard) - begun]],
            head=["asked", "open", "after, s"],
        )
        assert len(heard) == STREAMS
        streams.wait_for(b"nothing", seconds=3)
        costs.append(["all open", memory(worker)["Rss"], memory(worker)["Pss"], connections(muster)])
        rounds = changes(muster, streams)
        assert {len(each) for each in rounds} == {STREAMS}, "a stream has missed a change"
        costs.append([f"after {ROUNDS} changes", memory(worker)["Rss"], memory(worker)["Pss"], connections(muster)])
        used = processor_seconds(worker)
        streams.wait_for(b"nothing", seconds=QUIET_SECONDS)
        used = (processor_seconds(worker) - used) / QUIET_SECONDS
        answers = [page(port, "/incidents/", cookies[number]) for number in range(PAGES)]
        head = ["", "RSS, MB", "PSS, MB", "PostgreSQL connections of all processes"]
        table.show(
            f"One web process with {STREAMS:,} streams of {PEOPLE} people (asked: <= {MEGABYTES} MB)", costs, head=head
        )
        everybody = [seconds for each in rounds for seconds in each]
        spread = [table.percentile(everybody, share) for share in (0.5, 0.99)]
        last = [table.percentile([max(each) for each in rounds], share) for share in (0.5, 0.99)]
        table.show(
            "From the publication to a stream, s", [["each", *spread], ["the last", *last]], head=["", "p50", "p99"]
        )
        seconds = [seconds for _, seconds in answers]
        row = [
            f"{used:.1%}",
            PAGES,
            sum(status == 200 for status, _ in answers),
            table.percentile(seconds, 0.5),
            max(seconds),
        ]
        table.show(
            "Beside them", [row], head=["processor when quiet", "pages asked", "answered 200", "p50, s", "max, s"]
        )
        assert costs[-1][1] <= MEGABYTES
        assert costs[-1][3] - costs[0][3] <= 10
        assert {status for status, _ in answers} == {200}
