"""``manage.py up`` as a person and a crash see it: real processes on a free port."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from incidents_site.config import BASE_DIR
from incidents_site.embedded.child import free_port
from incidents_site.supervisor import Watched
from tests import template

pytestmark = [pytest.mark.story, pytest.mark.enable_socket]

START_WITHIN = 90.0


class Installation:
    """One Muster with a data folder and a port of its own."""

    def __init__(self, data_dir):
        self.data_dir = data_dir
        self.port = free_port()
        ours = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE"}
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        self.environment = kept | {"MUSTER_DATA": str(data_dir), "PORT": str(self.port), "MUSTER_DEMO": "0"}
        self.up = None
        self.said = []

    def start(self):
        """Start it and wait for the line that says it is ready."""
        self.said = []
        self.up = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=BASE_DIR,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._listen, args=[self.up.stdout], daemon=True).start()
        wait_for(
            lambda: f"Ready: http://127.0.0.1:{self.port}" in self.said or self.up.poll() is not None, START_WITHIN
        )
        assert self.up.poll() is None, "\n".join(self.said)

    def _listen(self, lines):
        with lines:
            for line in lines:
                self.said.append(line.rstrip("\n"))

    def manage(self, *arguments):
        """What a command prints on standard output."""
        ended = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def status(self, path):
        """The status of an address; 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def processes(self):
        """Ids of all its living processes: they work in its data folder, or have it in their environment."""
        wanted = f"MUSTER_DATA={self.data_dir}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if not entry.name.isdigit():
                    continue
                is_inside = Path(os.readlink(entry / "cwd")).is_relative_to(self.data_dir)
                if is_inside or wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found

    def kill(self, *words):
        """SIGKILL for every process whose command line has all these words."""
        for pid in self.processes():
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                if all(word in line for word in words):
                    os.kill(pid, signal.SIGKILL)
        if self.up and not words:
            self.up.wait()


def wait_for(condition, within):
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def installation(tmp_path):
    made = Installation(tmp_path / "data dir")
    yield made
    print(*made.said, sep="\n")
    made.kill()


def add_team(installation, slug):
    installation.manage("shell", "-v0", "-c", f"from accounts.models import Team; Team.objects.create(slug='{slug}')")


def teams(installation):
    code = "from accounts.models import Team; print(*Team.objects.order_by('slug').values_list('slug', flat=True))"
    return installation.manage("shell", "-v0", "-c", code).split()


def refusal(installation):
    """The one line that a start ends with when it is refused."""
    ended = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=BASE_DIR,
        env=installation.environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    return ended.stderr


def test_nothing_is_lost_when_everything_is_killed_and_started_again(installation):
    installation.start()
    assert installation.status("/readyz") == 200
    assert any("/setup/" in line for line in installation.said), installation.said
    add_team(installation, "before-the-kill")

    installation.kill()  # the whole tree at once
    wait_for(lambda: installation.processes() == [], 5)
    installation.start()  # the same port, the same data, no repair
    assert installation.status("/readyz") == 200
    assert teams(installation) == ["before-the-kill"]
    again = refusal(installation)
    assert again.startswith("Muster cannot start: it is running already")
    assert f"http://127.0.0.1:{installation.port} (process {installation.up.pid})" in again

    began = time.monotonic()
    installation.up.send_signal(signal.SIGINT)
    assert installation.up.wait(10) == 0
    assert time.monotonic() - began < 8  # 3 s of grace for requests, and a machine that is busy with other tests
    assert installation.processes() == []
    assert not (installation.data_dir / "run.json").exists()
    assert teams(installation) == ["before-the-kill"]  # the command brings PostgreSQL with it
    assert installation.processes() == []


def test_whatever_dies_comes_back(installation):
    template.put(installation.data_dir)
    installation.start()
    names = {
        "web": ["incidents_site.web"],
        "PostgreSQL": ["bin/postgres", "-D"],
        "Redis": ["redis-server"],
        "worker": ["celery", "worker"],
        "beat": ["celery", "beat"],
        "pager": ["manage.py", "pager"],
    }
    for words in names.values():
        installation.kill(*words)
    expected = {f"{name} ended (SIGKILL); starting it again" for name in names}
    wait_for(lambda: expected <= set(installation.said), 10)
    wait_for(lambda: installation.status("/readyz") == 200, 30)
    installation.kill("manage.py", "up")  # its children go with it
    wait_for(lambda: installation.processes() == [], 10)


def test_a_taken_port_is_named_in_one_line(installation):
    with socket.create_server(("127.0.0.1", installation.port)):
        said = refusal(installation)
    assert said.startswith(f"Muster cannot start: port {installation.port} is taken")
    assert f"PORT={installation.port + 1}" in said


def test_a_process_that_keeps_failing_is_started_after_growing_pauses():
    starts = []

    def launch():
        starts.append(time.monotonic())
        return subprocess.Popen(["false"])

    watched = Watched("web", launch)
    watched.start()
    said = []
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        watched.look(said.append)
        time.sleep(0.01)
    if watched.process:
        watched.process.wait()
    pauses = [later - earlier for earlier, later in zip(starts, starts[1:], strict=False)]
    assert pauses[0] < 0.4
    assert pauses[1] >= 0.5
    assert pauses[2] >= 1.0
    assert said[0] == "web ended (code 1); starting it again"
