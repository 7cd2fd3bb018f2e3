"""Production as ``deploy/`` lays it out: two of each process against a PostgreSQL and a Redis of their own.

The command lines are read from the systemd units, so that what is tested is what is deployed.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from incidents_site import supervisor
from incidents_site.config import BASE_DIR
from incidents_site.embedded import child
from incidents_site.embedded.postgres import Postgres
from incidents_site.embedded.redis import RedisServer
from tests import template
from tests.receivers import free_port, smtp_server

UNITS = BASE_DIR / "deploy" / "systemd"
INSTALLED_PYTHON = "/opt/muster/.venv/bin/python"
PROGRAMS = {
    "web": "muster-web@.service",
    "worker": "muster-worker@.service",
    "pager": "muster-pager@.service",
    "beat": "muster-beat.service",
}

PAUSE_SECONDS = 0.05  # between alerts
BETWEEN_KILLS_SECONDS = 0.7
AFTER_KILLS_SECONDS = 2.5
# A killed sender's rows come back when its lease ends, after 25 seconds.
SETTLED_WITHIN_SECONDS = 40.0

SET_UP = """
from accounts import people
from alerts import integrations
from catalog.models import Service
from notifications import contacts
from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget

people.create_user(username="root", email="root@example.com", role="admin", by=None)
alice = people.create_user(username="alice", email="alice@example.com", by=None)
contacts.add(alice, kind="email", address="alice@example.com", by=None, is_verified=True)
policy = EscalationPolicy.objects.create(name="Platform")
step = EscalationStep.objects.create(policy=policy, position=0, delay_minutes=0)
EscalationTarget.objects.create(step=step, kind="user", user=alice)
service = Service.objects.create(slug="api", name="API", escalation_policy=policy)
_, key = integrations.create(name="Monitor", format="generic", service=service, by=None)
print(key)
"""


def command_of(unit: str, instance: str = "") -> list[str]:
    """The argument list of a unit's ExecStart, with this Python instead of the installed one."""
    (line,) = re.findall(r"^ExecStart=(.+)$", (UNITS / unit).read_text(), re.MULTILINE)
    return [sys.executable if word == INSTALLED_PYTHON else word for word in shlex.split(line.replace("%i", instance))]


def arguments_of(unit: str) -> list[str]:
    """What follows the interpreter in a unit's ExecStart."""
    command = command_of(unit)
    return command[command.index(sys.executable) + 1 :]


# ---- the layout ----------------------------------------------------------------------------------------------


@dataclass
class Layout:
    """A running production: its environment, its processes by unit instance, its mailbox and its database."""

    environ: dict[str, str]
    ports: tuple[int, int]
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, program: str, instance: str) -> None:
        """Start one instance of a unit."""
        with open(self.logs / f"{program}-{instance}.log", "wb") as log:
            self.processes[f"{program}-{instance}"] = child.start(
                command_of(PROGRAMS[program], instance),
                death_signal=signal.SIGTERM,
                cwd=BASE_DIR,
                env=self.environ,
                output=log,
            )

    def kill(self, name: str) -> None:
        """SIGKILL the process that systemd would have started; nobody starts it again."""
        self.processes[name].kill()
        self.processes[name].wait()

    def manage(self, *arguments: str) -> str:
        """Run a command to its end; what it printed."""
        argv = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(argv, cwd=BASE_DIR, env=self.environ, capture_output=True, text=True, timeout=150)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def rows(self, query: str) -> list[tuple]:
        """Ask the database that production uses."""
        with psycopg.connect(self.environ["DATABASE_URL"], connect_timeout=5) as connection:
            return connection.execute(query).fetchall()

    def stop(self) -> None:
        """Ask all to end, then make them end."""
        for process in self.processes.values():
            process.terminate()
        deadline = time.monotonic() + 5
        for process in self.processes.values():
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            child.kill_group(process)


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """A service manager's environment: nothing of the test session's gets through."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "MUSTER_DATA": str(folder / "muster"),
        "SECRET_KEY": secrets.token_urlsafe(48),
        "BASE_URL": "https://muster.example.com",
        "TRUSTED_PROXIES": "127.0.0.1/32",
        **variables,
    }


@pytest.fixture(scope="module")
def production(tmp_path_factory):
    """(layout, mailbox): prepared and started, with nobody in it yet."""
    folder = tmp_path_factory.mktemp("production")
    with ExitStack() as stack:
        mailbox, smtp_port = stack.enter_context(smtp_server())
        template.put(folder / "servers")
        postgres, redis = Postgres(folder / "servers", is_durable=False), RedisServer(folder / "servers")
        for server in (postgres, redis):
            stack.callback(server.stop)
            server.start()
        environ = environment(
            folder, DATABASE_URL=postgres.url, REDIS_URL=redis.url, EMAIL_URL=f"smtp://127.0.0.1:{smtp_port}"
        )
        layout = Layout(environ, (free_port(), free_port()), folder)
        stack.callback(layout.stop)
        layout.manage(*arguments_of("muster-prepare.service")[1:])
        for port in layout.ports:
            layout.start("web", str(port))
        for program in ("worker", "pager"):
            layout.start(program, "1")
            layout.start(program, "2")
        layout.start("beat", "1")
        yield layout, mailbox


def get(port: int, path: str) -> tuple[int, dict]:
    """Status and JSON of a page; status 0 when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except (OSError, http.client.HTTPException):
        return 0, {}


def wait_for(condition, *, within: float, what: str):
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


# ---- a monitor -----------------------------------------------------------------------------------------------


class Monitor:
    """Sends alerts to the web processes in turn, as a proxy would spread them, and again until one is accepted."""

    def __init__(self, ports: tuple[int, int], routing_key: str) -> None:
        self.urls = [f"http://127.0.0.1:{port}/integrations/{routing_key}/generic" for port in ports]
        self.accepted: list[str] = []
        self.refused: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        number = 0
        while not self._stop.wait(PAUSE_SECONDS):
            number += 1
            self._deliver(f"disk-{number}", number)

    def _deliver(self, dedup_key: str, number: int) -> None:
        """Until it is accepted, or for ten seconds."""
        body = {"title": f"Disk {number} is full", "dedup_key": dedup_key, "severity": "high"}
        for attempt in range(20):
            status = self._post(self.urls[(number + attempt) % 2], body)
            if status == 202:
                self.accepted.append(dedup_key)
                return
            if status:
                self.refused.append(status)
            time.sleep(0.05 * attempt)

    def _post(self, url: str, body: dict) -> int:
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, http.client.HTTPException):
            return 0


# ---- the stories -----------------------------------------------------------------------------------------------


@pytest.mark.story
@pytest.mark.enable_socket
def test_no_alert_is_lost_when_one_of_each_process_is_killed(production):
    layout, mailbox = production
    doomed, survivor = layout.ports
    routing_key = layout.manage("shell", "--no-imports", "-c", SET_UP)
    token = layout.manage("createtoken", "root", "--scope", "admin")
    assert re.fullmatch(r"mst_\S+", token)
    for port in layout.ports:
        wait_for(lambda port=port: get(port, "/readyz")[1].get("status") == "ok", within=20, what="ready")

    with Monitor(layout.ports, routing_key) as monitor:
        for name in ("worker-1", "pager-1", f"web-{doomed}", "beat-1"):
            time.sleep(BETWEEN_KILLS_SECONDS)
            layout.kill(name)
        time.sleep(AFTER_KILLS_SECONDS)

    assert len(monitor.accepted) >= 20
    assert monitor.refused == []
    wait_for(lambda: unfinished(layout) == (0, 0), within=SETTLED_WITHIN_SECONDS, what="everything is sent")
    incidents = layout.rows("SELECT group_key, incident_id FROM alerts_group")
    assert sorted(key for key, _ in incidents) == sorted(monitor.accepted)
    assert layout.rows("SELECT count(*) FROM incidents_incident") == [(len(incidents),)]
    assert {f"INC-{number}" for _, number in incidents} == set(paged(mailbox))
    assert max(paged(mailbox, is_repeat=False).values()) == 1
    status, health = get(survivor, "/health/paging")
    assert (status, health["status"]) == (200, "ok")
    assert get(doomed, "/healthz")[0] == 0


def unfinished(layout: Layout) -> tuple[int, int]:
    """How many events and notifications are still to be worked on."""
    ((events, notifications),) = layout.rows(
        "SELECT (SELECT count(*) FROM alerts_event WHERE state = 'pending'),"
        " (SELECT count(*) FROM notifications_notification WHERE state = 'pending')"
    )
    return events, notifications


def paged(mailbox, *, is_repeat: bool | None = None) -> Counter[str]:
    """Incident to number of e-mails about it; those marked as a repeat, those not marked, or all."""
    subjects = [str(message["Subject"]) for message in list(mailbox.messages) if message["To"] == "alice@example.com"]
    return Counter(
        number
        for subject in subjects
        for number in re.findall(r"INC-\d+", subject)
        if is_repeat is None or subject.endswith("(repeat)") == is_repeat
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_process_refuses_demo_data_with_one_clear_line(program, tmp_path):
    environ = environment(
        tmp_path, DATABASE_URL="postgresql://muster:secret@127.0.0.1:1/muster", MUSTER_DEMO="1", PYTHONWARNINGS="error"
    )
    argv = command_of(PROGRAMS[program], "8001")
    done = subprocess.run(argv, cwd=BASE_DIR, env=environ, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("Muster cannot start: MUSTER_DEMO is 1 together with DATABASE_URL")


def test_demo_data_is_not_loaded_by_hand_either(tmp_path):
    environ = environment(tmp_path, DATABASE_URL="postgresql://muster:secret@127.0.0.1:1/muster")
    argv = [sys.executable, "manage.py", "demo", "load"]
    done = subprocess.run(argv, cwd=BASE_DIR, env=environ, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: Demo data is for the embedded database only")


@pytest.mark.parametrize("program", PROGRAMS)
def test_compose_and_the_supervisor_run_the_same_command_as_the_units(program):
    arguments = arguments_of(PROGRAMS[program])
    assert list(supervisor.PROGRAMS[program][1:]) == arguments
    compose = " ".join((BASE_DIR / "deploy" / "compose.yaml").read_text().split())
    assert f"python {' '.join(arguments)} " in compose
