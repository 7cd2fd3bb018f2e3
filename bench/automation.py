"""Actions go on while their runner, the web server, the worker and the pager are killed with SIGKILL.

Each action writes its mark into a file, or is a request to a receiver that does; so what really happened is known, and
is held against what Muster says of it.
"""

from __future__ import annotations

import json
import os
import pwd
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench import stack, table
from incidents_site.config import BASE_DIR

SEED = 20261129
PAUSE_SECONDS = 1.5
SETTLE_SECONDS = (
    200  # a runner that does not come is given up after two minutes, one that fell silent after half of one
)
UNFINISHED = "SELECT count(*) FROM automation_execution WHERE due_at IS NOT NULL"
STATES = "SELECT values->>'mark', state, way FROM automation_execution"
RUNNER = BASE_DIR / "runner" / "muster_runner.py"

# It says that it was here, and then takes a while, so that it is killed in the midst of its work too.
PROGRAM = """#!/usr/bin/python3 -SI
import os, sys, time
marks = os.open({marks!r}, os.O_WRONLY | os.O_APPEND)
os.write(marks, sys.argv[1].encode() + b"\\n")
for line in range(4):
    print("line", line, flush=True)
    time.sleep(0.2)
"""


@dataclass(frozen=True)
class Outcome:
    """What Muster says of each execution, against how often it happened."""

    states: Counter[str]
    happened: Counter[str]
    lies: list[str]
    kills: Counter[str]
    unfinished: int
    settled_after: float

    @property
    def twice(self) -> int:
        """Executions that happened more than once."""
        return sum(times > 1 for times in self.happened.values())


@dataclass
class RunnerProcess:
    """A runner that is started again whenever it dies, as systemd would."""

    folder: Path
    config: Path
    process: subprocess.Popen[bytes] | None = None
    is_over: threading.Event = field(default_factory=threading.Event)

    def keep_alive(self) -> None:
        """Until it is over."""
        while not self.is_over.wait(0.1):
            if self.process is None or self.process.poll() is not None:
                with (self.folder / "runner.log").open("ab") as log:
                    command = ["/usr/bin/python3" if os.getuid() == 0 else sys.executable, str(RUNNER)]
                    self.process = subprocess.Popen([*command, "--config", str(self.config)], stdout=log, stderr=log)

    def kill(self) -> None:
        """Without a warning."""
        if self.process is not None:
            self.process.kill()

    def end(self) -> None:
        """For good."""
        self.is_over.set()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(15)


def run(*, count: int, seconds: float, pause: float = PAUSE_SECONDS) -> Outcome:
    """Ask for actions over some seconds while processes die; then wait until the end of each is known."""
    chance = random.Random(SEED)
    kills: Counter[str] = Counter()
    over = threading.Event()
    with _receiver() as (url, received), stack.running() as muster:
        printed = muster.manage("-m", "bench.automation_inside", "setup", url)
        runner = RunnerProcess(muster.folder / "runner", _install(muster, token=printed.partition("runner=")[2]))
        threads = [threading.Thread(target=runner.keep_alive)]

        def havoc() -> None:
            while not over.wait(pause * chance.uniform(0.6, 1.4)):
                role = chance.choice(("runner", "runner", "web", "worker", "pager"))
                runner.kill() if role == "runner" else muster.kill(role)
                kills[role] += 1

        threads.append(threading.Thread(target=havoc))
        for thread in threads:
            thread.start()
        try:
            muster.manage("-m", "bench.automation_inside", "ask", str(count), str(seconds))
            over.set()
            settled = muster.wait_until(UNFINISHED, equals=0, seconds=SETTLE_SECONDS)
            time.sleep(3)  # a runner that was away tells how it ended
        finally:
            over.set()
            runner.end()
            for thread in threads:
                thread.join()
        marks = (muster.folder / "runner" / "state" / "marks").read_text().split()
        happened = Counter([*marks, *received])
        rows = muster.query(STATES)
        ((unfinished,),) = muster.query(UNFINISHED)
    return Outcome(
        states=Counter(f"{way} {state}" for _, state, way in rows),
        happened=happened,
        lies=[f"{mark} {state}" for mark, state, _ in rows if not _is_true(state, happened[mark])],
        kills=kills,
        unfinished=unfinished + count - len(rows),
        settled_after=settled,
    )


def _is_true(state: str, times: int) -> bool:
    """Done happened, not run did not; failed and unknown may have, once."""
    allowed = {"done": {1}, "cancelled": {0}, "failed": {0, 1}, "unknown": {0, 1}}
    return times in allowed.get(state, set())


def _install(muster: stack.Stack, *, token: str) -> Path:
    """A runner's own folder, with a file that allows one action."""
    folder = muster.folder / "runner"
    state, marks = folder / "state", folder / "state" / "marks"
    state.mkdir(parents=True)
    marks.touch()
    muster.folder.chmod(0o711)
    for path, text, mode in (
        (folder / "token", token + "\n", 0o600),
        (folder / "append", PROGRAM.format(marks=str(marks)), 0o755),
    ):
        path.write_text(text)
        path.chmod(mode)
    settings = {
        "server": muster.base_url,
        "token_file": str(folder / "token"),
        "state": str(state),
        "poll_seconds": 0.2,
        "actions": {
            "append": {
                "description": "Writes its mark.",
                "read_only": False,
                "argv": [str(folder / "append"), {"parameter": "mark"}],
                "parameters": {"mark": {"type": "name"}},
            }
        },
    }
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        settings["user"] = "nobody"
        for path in (state, marks, folder / "token"):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
    (folder / "runner.json").write_text(json.dumps(settings))
    return folder / "runner.json"


@contextmanager
def _receiver() -> Iterator[tuple[str, list[str]]]:
    """Takes a while to answer, and knows what it was sent."""
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append(body["data"]["parameters"]["mark"])
            time.sleep(0.5)
            try:
                self.send_response(202)
                self.end_headers()
            except OSError:  # whoever asked was killed
                return

        def log_message(self, *_args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/run", received
    finally:
        server.shutdown()
        server.server_close()


def main(*, count: int = 400, seconds: float = 240) -> None:
    """Print the table; fails when anything happened twice, or Muster says what is not so."""
    found = run(count=count, seconds=seconds)
    rows: list[list[object]] = [
        ["executions", count, ""],
        ["happened twice", found.twice, 0],
        ["said otherwise than it was", len(found.lies), 0],
        ["end not known to Muster", found.unfinished, 0],
        ["states", ", ".join(f"{name} {times}" for name, times in sorted(found.states.items())), ""],
        ["kills", ", ".join(f"{role} {times}" for role, times in sorted(found.kills.items())), ""],
        ["settled after, s", found.settled_after, ""],
    ]
    table.show("Actions under kill -9", rows, head=["", "measured", "asked"])
    assert found.twice == 0, "an action was run twice"
    assert not found.lies, f"Muster says what is not so: {found.lies[:5]}"
    assert found.unfinished == 0, "the end of an execution is not reported"
    for way in ("runner", "http"):
        assert found.states[f"{way} done"] >= count / 4, "too little was done for this to say anything"
