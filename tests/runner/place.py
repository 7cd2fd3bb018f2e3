"""A place where a runner is installed: its file, its token, its state, a program, and the process itself."""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live import wait_until
from tests.runner.fake_muster import TOKEN, FakeMuster, fake_muster

SOURCE = Path(__file__).parents[2] / "runner" / "muster_runner.py"
IS_ROOT = os.getuid() == 0
PROGRAMS = "/usr/bin/python3" if IS_ROOT else sys.executable  # one that the user "nobody" may read
RUNNER_PYTHON = os.environ.get("MUSTER_RUNNER_PYTHON", sys.executable)
MEMORY = "/dev/shm"  # a killed process loses nothing there either, and flushing it to the disk takes no time
# Patience as in real life would make a test of seconds one of minutes.
FAST = {
    "CLAIM_SECONDS": 0,
    "STREAM_SECONDS": 0.1,
    "HEARTBEAT_SECONDS": 0.2,
    "START_SECONDS": 0.5,
    "BACKOFF_SECONDS": 0.2,
    "TERM_SECONDS": 0.2,
    "PIPE_SECONDS": 0.3,
}

# Writes down that it was run, then does what its first argument says.
PROGRAM = f"""#!{PROGRAMS} -SI
import json, os, signal, subprocess, sys, time
from pathlib import Path
place = Path({{place!r}})
with open(Path({{state!r}}) / "ran", "a") as file:
    file.write("ran\\n")
exec((place / "does" / sys.argv[1]).read_text())
"""


def load() -> Any:
    """The runner as a module."""
    spec = importlib.util.spec_from_file_location("muster_runner", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["muster_runner"] = module
    spec.loader.exec_module(module)
    return module


class Place:
    """Where one runner lives."""

    def __init__(self, folder: Path, state: Path, url: str) -> None:
        self.folder, self.state = folder, state
        self.token, self.config = folder / "token", folder / "runner.json"
        self.program, self.log = folder / "program", folder / "log"
        folder.chmod(0o755)
        (folder / "does").mkdir()
        self.write("token", TOKEN + "\n", mode=0o600)
        self.write("program", PROGRAM.format(place=str(folder), state=str(state)), mode=0o755)
        if IS_ROOT:
            nobody = pwd.getpwnam("nobody")
            for path in (self.state, self.token):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        self.settings: dict[str, Any] = {
            "server": url,
            "token_file": str(self.token),
            "state": str(self.state),
            "poll_seconds": 0.05,
            "actions": {},
        }
        if IS_ROOT:
            self.settings["user"] = "nobody"
        self.action("show", "print(json.dumps(sys.argv[2:]))")
        self.processes: list[subprocess.Popen] = []

    def write(self, name: str, text: str | bytes, *, mode: int = 0o644) -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def action(self, name: str, does: str, *arguments: object, **more: Any) -> None:
        """An action of the file whose program does this."""
        self.write(f"does/{name}", does)
        self.settings["actions"][name] = {
            "description": f"Does {name}.",
            "read_only": True,
            "argv": [str(self.program), name, *arguments],
            **more,
        }

    def save(self) -> None:
        self.write("runner.json", json.dumps(self.settings))

    def start(self, *, first: str = "", is_fast: bool = True) -> subprocess.Popen:
        """Start a runner. ``first`` is code that runs with the module ``m`` before it."""
        self.save()
        command = [RUNNER_PYTHON, "-IS", str(SOURCE)]
        if is_fast:
            pace = "; ".join(f"m.{name} = {value}" for name, value in FAST.items())
            code = (
                f"import sys; sys.path.insert(0, {str(SOURCE.parent)!r}); import muster_runner as m\n{pace}\n{first}\n"
            )
            command = [RUNNER_PYTHON, "-IS", "-c", code + "m.os._exit(m.main())"]
        with self.log.open("ab") as log:
            process = subprocess.Popen([*command, "--config", str(self.config)], stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def check(self) -> subprocess.CompletedProcess:
        """Have the file checked, as an admin would."""
        command = [RUNNER_PYTHON, "-IS", str(SOURCE), "--check", "--config", str(self.config)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    @property
    def times_run(self) -> int:
        """How many times the program was run."""
        ran = self.state / "ran"
        return len(ran.read_text().splitlines()) if ran.exists() else 0

    @property
    def journal(self) -> list[dict[str, Any]]:
        folder = self.state / "journal"
        paths = folder.glob("*.json") if folder.exists() else []
        return [json.loads(path.read_text()) for path in paths]

    def wait_until_run(self) -> None:
        wait_until(lambda: self.times_run, f"it was not run: {self.said}")

    @property
    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def kill(self, process: subprocess.Popen) -> None:
        """Without a warning."""
        process.kill()
        process.wait()

    def stop_all(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()


@contextmanager
def installed() -> Iterator[tuple[FakeMuster, Place]]:
    """A Muster and a place for its runner; all of it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="muster-runner-"))
    state = Path(tempfile.mkdtemp(prefix="muster-runner-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    try:
        with fake_muster() as muster:
            place = Place(folder, state, muster.url)
            try:
                yield muster, place
            finally:
                place.stop_all()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(state, ignore_errors=True)
