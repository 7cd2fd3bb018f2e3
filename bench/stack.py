"""A whole Muster for a bench: ``manage.py up`` in a folder of its own, with a mail sink, and its processes by role."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.sink import Sink, free_port
from incidents_site.config import BASE_DIR, read_run_file
from tests import template

READY_SECONDS = 120
SHARED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")  # a stack of its own has its own

# What a process's command line says about its role.
ROLES = {
    "web": "incidents_site.web",
    "worker": "celery worker",
    "beat": "celery beat",
    "pager": "manage.py pager",
    "redis": "redis-server",
}


@dataclass
class Stack:
    """A running installation. ``setup`` is what ``bench.seed`` printed: names and keys to work with."""

    folder: Path
    port: int
    sink: Sink
    process: subprocess.Popen[str]
    env: dict[str, str]
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def pids(self, role: str) -> list[int]:
        """Processes of a role, oldest first."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().decode(errors="replace").replace("\0", " ")
            except OSError:
                continue
            normal = words.replace("-A incidents_site --quiet ", "").replace("-m celery", "celery")
            if ROLES[role] in normal and _descends(int(path.parent.name), self.process.pid):
                found.append(int(path.parent.name))
        return sorted(found)

    def kill(self, role: str) -> int:
        """SIGKILL every process of a role; returns how many."""
        pids = self.pids(role)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return len(pids)

    def query(self, sql: str) -> list[tuple]:
        """Ask the running database."""
        url = self.env.get("DATABASE_URL") or read_run_file(self.folder / "run.json")["database_url"]
        with psycopg.connect(url) as connection:
            return connection.execute(sql).fetchall()

    def redis_url(self) -> str:
        """The running Redis."""
        return self.env.get("REDIS_URL") or read_run_file(self.folder / "run.json")["redis_url"]

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """Run a command of ours beside the running stack."""
        argv = [sys.executable, *arguments]
        done = subprocess.run(
            argv, cwd=BASE_DIR, env=self.env, input=stdin, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{arguments} failed: {done.stderr[-2000:]}")
        return done.stdout.strip()

    def wait_until(self, sql: str, *, equals: int, seconds: float) -> float:
        """Seconds until a count has a value; raises TimeoutError with the last value."""
        started = time.monotonic()
        while True:
            ((value,),) = self.query(sql)
            if value == equals:
                return time.monotonic() - started
            if time.monotonic() - started > seconds:
                raise TimeoutError(f"{sql} is {value}, not {equals}, after {seconds:.0f} s")
            time.sleep(0.1)


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return False
    return False


@contextmanager
def running(**extra: str) -> Iterator[Stack]:
    """Start a stack with its own data, wait until it is ready, seed it, and stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="muster-bench-"))
    if "MUSTER_TEMPLATE" in os.environ:  # part of a test run, which has migrated a database already
        template.put(folder)
    port = free_port()
    with Sink(folder / "mail.tsv") as sink:
        env = {name: value for name, value in os.environ.items() if name not in SHARED} | {
            "MUSTER_DATA": str(folder),
            "PORT": str(port),
            "MUSTER_DEMO": "0",
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
            "MUSTER_ALLOW_NETS": "127.0.0.0/8",
            "PYTHONUNBUFFERED": "1",
            **extra,
        }
        log = (folder / "up.log").open("w")
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=BASE_DIR, env=env, stdout=log, stderr=log, text=True
        )
        stack = Stack(folder, port, sink, process, env)
        try:
            _wait_ready(stack)
            printed = stack.manage("-m", "bench.seed")
            stack.keys = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
            yield stack
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
            log.close()
            shutil.rmtree(folder, ignore_errors=True)


def _wait_ready(stack: Stack) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while "Ready:" not in (said := (stack.folder / "up.log").read_text()):
        if stack.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Muster did not start:\n{said[-3000:]}")
        time.sleep(0.1)
