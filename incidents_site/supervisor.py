"""Runs all of Muster on one machine: sets up what is missing, starts every process, restarts whichever dies."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol
from urllib.parse import urlsplit

import psycopg

from incidents_site.config import BASE_DIR, Config, read_run_file
from incidents_site.embedded import child
from incidents_site.embedded.borrowed import Ownership, write_run_file
from incidents_site.embedded.postgres import Postgres
from incidents_site.embedded.redis import RedisServer
from incidents_site.listening import INHERITED_SOCKET, listen

Say = Callable[[str], None]

POLL_SECONDS = 0.1
PORT_WAIT_SECONDS = 5.0
READY_WITHIN_SECONDS = 90.0
STOP_WITHIN_SECONDS = 3.5
STEADY_AFTER_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 10.0

PYTHON = sys.executable
CELERY = (PYTHON, "-m", "celery", "-A", "incidents_site", "--quiet")
PROGRAMS: dict[str, tuple[str, ...]] = {
    "web": (PYTHON, "-m", "incidents_site.web"),
    "worker": (
        *CELERY,
        *("worker", "--pool", "threads", "--concurrency", "6", "--loglevel", "WARNING"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ),
    "beat": (*CELERY, "beat", "--loglevel", "WARNING", "--pidfile="),
    "pager": (PYTHON, "manage.py", "pager"),
}


class StartError(Exception):
    """Muster cannot start; the message says what is in the way."""


class Stopped(Exception):
    """Somebody asked us to end."""


class Service(Protocol):
    """An embedded service."""

    process: subprocess.Popen[bytes] | None

    def launch(self) -> None: ...

    def stop(self) -> None: ...


@dataclass
class Watched:
    """A process that must run: how to start it again, and how often that has failed of late."""

    name: str
    launch: Callable[[], subprocess.Popen[bytes] | None]
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    started_at: float = 0.0
    due_at: float | None = None

    def start(self) -> None:
        """Start the process now."""
        self.due_at = None
        self.started_at = time.monotonic()
        self.process = self.launch()

    def look(self, say: Say) -> None:
        """Start the process again when it has ended: the first time at once, then after growing pauses."""
        now = time.monotonic()
        if self.due_at is not None:
            if now >= self.due_at:
                self.start()
            return
        if self.process is None or self.process.poll() is None:
            return
        self.failures = 0 if now - self.started_at > STEADY_AFTER_SECONDS else self.failures + 1
        pause = 0.0 if self.failures <= 1 else min(0.5 * 2 ** (self.failures - 2), LONGEST_PAUSE_SECONDS)
        child.kill_group(self.process)
        say(f"{self.name} ended ({_how(self.process.returncode)}); starting it again")
        self.due_at = now + pause


@dataclass
class Supervisor:
    """One run of Muster. ``run`` returns when a signal asks it to, with everything stopped."""

    config: Config
    say: Say
    postgres: Postgres | None = None
    redis: RedisServer | None = None
    watched: list[Watched] = field(default_factory=list)
    database_url: str = ""

    def run(self) -> None:
        """Set up, start, watch. Raises ``StartError`` or ``EmbeddedError`` when Muster cannot start."""
        ownership = Ownership(self.config.data_dir)
        with _signals_stop_us(), contextlib.suppress(Stopped):
            try:
                self._own(ownership)
                listener = self._claim_port()
                self._start_services()
                greeting = self._prepare()
                self._start_programs(listener)
                self._wait_until_ready()
                self.say(f"Ready: {self.config.local_url}")
                if greeting:
                    self.say(greeting)
                while True:
                    time.sleep(POLL_SECONDS)
                    for watched in self.watched:
                        watched.look(self.say)
            finally:
                self._stop()
                ownership.release()

    def _own(self, ownership: Ownership) -> None:
        deadline = time.monotonic() + PORT_WAIT_SECONDS
        while not ownership.take():
            running = read_run_file(self.config.run_file)
            if running.get("keeper") == "up":
                raise StartError(
                    f"it is running already with the data in {self.config.data_dir}: "
                    f"{running.get('url')} (process {running.get('pid')})"
                )
            if time.monotonic() > deadline:
                raise StartError(f"another Muster command is using {self.config.data_dir}; try again when it has ended")
            time.sleep(POLL_SECONDS)

    def _claim_port(self) -> socket.socket:
        """Bind the port. Processes of ours that were just killed may hold it for a moment; a stranger keeps it."""
        was_killed = self.config.run_file.exists()
        deadline = time.monotonic() + (PORT_WAIT_SECONDS if was_killed else 0)
        while True:
            try:
                return listen(self.config)
            except OSError as error:
                if time.monotonic() >= deadline:
                    where = f"{self.config.bind}:{self.config.port}"
                    raise StartError(
                        f"port {self.config.port} is taken or may not be used ({where}: {error.strerror}); "
                        f"choose another with PORT, for example PORT={self.config.port + 1}"
                    ) from None
                time.sleep(POLL_SECONDS)

    def _start_services(self) -> None:
        """Start what was not given from outside, and tell every other process where it is."""
        self.config.run_file.unlink(missing_ok=True)
        database_url, redis_url = self.config.database_url, self.config.redis_url
        if self.config.embedded_database:
            self.say("Starting PostgreSQL")
            self.postgres = Postgres(self.config.data_dir)
            self.postgres.start()
            database_url = self.postgres.url
            self._watch_service("PostgreSQL", self.postgres)
        if self.config.embedded_redis:
            self.redis = RedisServer(self.config.data_dir)
            self.redis.start()
            redis_url = self.redis.url
            self._watch_service("Redis", self.redis)
        addresses = {"database_url": database_url} if self.config.embedded_database else {}
        addresses |= {"redis_url": redis_url} if self.config.embedded_redis else {}
        write_run_file(self.config, keeper="up", url=self.config.local_url, **addresses)
        self.database_url = database_url

    def _watch_service(self, name: str, service: Service) -> None:
        def launch() -> subprocess.Popen[bytes] | None:
            service.launch()
            return service.process

        self.watched.append(Watched(name, launch, service.process, started_at=time.monotonic()))

    def _prepare(self) -> str:
        """Bring everything up to date and load the demo on a first start.

        Returns what a newcomer needs next: the link that makes the first admin, or demo people's passwords.
        """
        self._exists("SELECT 1")
        self.say("Preparing the database and static files")
        self._manage("prepare")
        is_new = not self._exists("SELECT FROM accounts_user")
        was_removed = self._exists("SELECT FROM accounts_auditentry WHERE action = 'removed demo data'")
        if self.config.demo and is_new and not was_removed:
            self.say("Loading demo data (once; MUSTER_DEMO=0 starts empty)")
            self._manage("demo", "load")
        greeting = []
        if not self._exists("SELECT FROM accounts_user WHERE role = 'admin' AND is_active"):
            greeting.append(self._manage("setuplink", is_shown=False))
        if self._exists("SELECT FROM accounts_user WHERE is_demo"):
            greeting.append(self._manage("demo", "logins", is_shown=False))
        return "\n".join(greeting)

    def _manage(self, *arguments: str, is_shown: bool = True) -> str:
        """Run a command of ours to its end and return what it printed; raises ``StartError`` when it fails."""
        argv = [PYTHON, "manage.py", *arguments]
        process = child.start(argv, death_signal=signal.SIGKILL, cwd=BASE_DIR, output=subprocess.PIPE)
        try:
            printed = process.communicate()[0].decode(errors="replace").strip()
        finally:
            child.kill_group(process)
        if process.returncode != 0:
            raise StartError(f"manage.py {' '.join(arguments)} failed:\n{printed}")
        if printed and is_shown:
            self.say(printed)
        return printed

    def _exists(self, query: str) -> bool:
        """Whether the query finds a row; raises ``StartError`` when the database does not answer."""
        try:
            with psycopg.connect(self.database_url, connect_timeout=5) as connection:
                return connection.execute(f"{query} LIMIT 1").fetchone() is not None
        except psycopg.OperationalError as error:
            where = "PostgreSQL" if self.postgres else "the database that DATABASE_URL names"
            raise StartError(f"{where} does not answer: {' '.join(str(error).split())}") from None

    def _start_programs(self, listener: socket.socket) -> None:
        for name, argv in PROGRAMS.items():
            inherited = [listener] if name == "web" else []
            watched = Watched(name, _launcher(argv, inherited))
            self.watched.append(watched)
            watched.start()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if _answers(self.config):
                return
            for watched in self.watched:
                watched.look(self.say)
            time.sleep(POLL_SECONDS)
        raise StartError(f"{self.config.local_url}/readyz gave no good answer for {READY_WITHIN_SECONDS:.0f} seconds")

    def _stop(self) -> None:
        """End the programs together, then the services they use; after a few seconds without mercy."""
        programs = [each.process for each in self.watched if each.name in PROGRAMS and each.process]
        for process in programs:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_WITHIN_SECONDS
        for process in programs:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0))
            child.kill_group(process)
        if self.redis:
            self.redis.stop()
        if self.postgres:
            self.postgres.stop()
        if self.database_url:  # otherwise the file is another instance's
            self.config.run_file.unlink(missing_ok=True)


def _launcher(argv: Sequence[str], inherited: Sequence[socket.socket]) -> Callable[[], subprocess.Popen[bytes]]:
    def launch() -> subprocess.Popen[bytes]:
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        for listener in inherited:
            environment[INHERITED_SOCKET] = str(listener.fileno())
        return child.start(
            argv,
            death_signal=signal.SIGTERM,
            cwd=BASE_DIR,
            env=environment,
            pass_fds=[listener.fileno() for listener in inherited],
        )

    return launch


@contextlib.contextmanager
def _signals_stop_us() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal raise ``Stopped`` once; while we stop, further ones are ignored."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asks us to outlive the terminal
        signals.append(signal.SIGHUP)

    def stop(signum: int, frame: FrameType | None) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    before = {each: signal.signal(each, stop) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _answers(config: Config) -> bool:
    """Whether the web server says that it is ready."""
    parts = urlsplit(config.local_url)
    host = config.allowed_hosts[0].lstrip(".*") or "localhost"
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": host})
        answer = connection.getresponse()
        answer.read()
        return answer.status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _how(returncode: int) -> str:
    return f"code {returncode}" if returncode >= 0 else signal.Signals(-returncode).name
