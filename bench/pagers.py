"""Pagers and nothing else: two processes of ``manage.py pager`` on a database and a mail sink of their own.

``python -m bench.pagers LEASE SLOWEST`` is a pager whose leases last so many seconds, for tests that cannot wait.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg

from bench import million
from bench.sink import Sink

PAGER = ("manage.py", "pager")
UNFINISHED = """
    SELECT (SELECT count(*) FROM notifications_notification WHERE state = 'pending'),
        (SELECT count(*) FROM incidents_escalation WHERE state = 'running' AND due_at <= now())
"""


@dataclass
class Pagers:
    """The processes, the database and the sink."""

    env: dict[str, str]
    sink: Sink
    processes: list[subprocess.Popen[bytes]]

    def query(self, sql: str) -> list[tuple]:
        """Ask the database."""
        with psycopg.connect(self.env["DATABASE_URL"]) as connection:
            return connection.execute(sql).fetchall()

    def run(self, *argv: str) -> str:
        """Run a module of ours beside them; what it printed."""
        command = [sys.executable, "-m", *argv]
        done = subprocess.run(
            command, cwd=million.BASE_DIR, env=self.env, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    def start(self, *argv: str) -> subprocess.Popen[bytes]:
        """Start one, without waiting for its end."""
        return subprocess.Popen([sys.executable, "-m", *argv], cwd=million.BASE_DIR, env=self.env)

    def settle(self, *, seconds: float) -> None:
        """Wait until nothing waits to be sent and no step is due. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while (left := self.query(UNFINISHED)) != [(0, 0)]:
            if time.monotonic() > deadline:
                ((messages, steps),) = left
                raise TimeoutError(f"{messages} notifications still wait, {steps} steps are due")
            time.sleep(0.2)


@contextmanager
def running(command: Sequence[str] = PAGER) -> Iterator[Pagers]:
    """Two pagers that have begun to sweep, on a seeded database that keeps what it has committed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-bench-")))
        env = stack.enter_context(million.empty(is_durable=True))
        sink = stack.enter_context(Sink(folder / "mail.tsv"))
        env |= {"EMAIL_URL": f"smtp://127.0.0.1:{sink.port}"}
        subprocess.run(
            [sys.executable, "-m", "bench.seed"], cwd=million.BASE_DIR, env=env, check=True, stdout=subprocess.DEVNULL
        )
        pagers = Pagers(env, sink, [])
        stack.callback(_end, pagers.processes)
        for _ in range(2):
            pagers.processes.append(subprocess.Popen([sys.executable, *command], cwd=million.BASE_DIR, env=env))
        deadline = time.monotonic() + 60
        while len(pagers.query("SELECT FROM pg_stat_activity WHERE application_name = 'muster'")) < 4:
            assert time.monotonic() < deadline, "the pagers have not begun"
            time.sleep(0.2)
        yield pagers


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.send_signal(signal.SIGCONT)
        process.terminate()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _impatient(lease: float, slowest: float) -> None:
    """A pager whose leases end sooner than in production."""
    import django  # noqa: PLC0415 - settings first

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from notifications import delivery  # noqa: PLC0415

    delivery.LEASE, delivery.SLOWEST_SEND = timedelta(seconds=lease), timedelta(seconds=slowest)
    call_command("pager")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")
    _impatient(*map(float, sys.argv[1:3]))
