"""The door against a bare Django view that does one ``INSERT … ON CONFLICT``, under the same server, in one run.

Only web processes run: nobody applies events, so that both sides do the same work and nothing else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import load, table
from bench.sink import free_port
from incidents_site.config import BASE_DIR
from incidents_site.embedded.postgres import Postgres

ROUNDS = 5
SECONDS = 6.0
CONNECTIONS = 16


@contextmanager
def _web(env: dict[str, str]) -> Iterator[int]:
    port = free_port()
    argv = [sys.executable, "-m", "incidents_site.web"]
    process = subprocess.Popen(argv, cwd=BASE_DIR, env=env | {"PORT": str(port)})
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if load.post_all(port, "/", [b"{}"], connections=1)[0].status:
                break
            time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _rate(port: int, path: str, prefix: str) -> float:
    """Accepted requests a second over some seconds."""
    end = time.monotonic() + SECONDS

    def bodies() -> Iterator[bytes]:
        number = 0
        while time.monotonic() < end:
            number += 1
            yield load.generic(f"Intake {number}", f"{prefix}-{number}")

    started = time.monotonic()
    answers = load.post_all(port, path, bodies(), connections=CONNECTIONS)
    assert {answer.status for answer in answers} == {202}, {answer.status for answer in answers}
    return len(answers) / (time.monotonic() - started)


def main(*, rounds: int = ROUNDS) -> None:
    """Alternate between the two and print the rates and their ratio."""
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
        for argv in (["manage.py", "prepare"], ["-m", "bench.seed"]):
            done = subprocess.run(
                [sys.executable, *argv], cwd=BASE_DIR, env=env, capture_output=True, text=True, check=True
            )
        keys = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        _compare(env, keys["generic"], rounds)
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _compare(env: dict[str, str], key: str, rounds: int) -> None:
    bare_env = env | {"DJANGO_SETTINGS_MODULE": "bench.bare"}
    ours, bare = [], []
    with _web(env) as port, _web(bare_env) as bare_port:
        for number in range(rounds):
            bare.append(_rate(bare_port, "/bare", f"b{number}"))
            ours.append(_rate(port, f"/integrations/{key}/generic", f"m{number}"))
    pairs = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    rows = [
        [name, *(table.percentile(values, share) for share in (0.0, 0.5, 1.0))]
        for name, values in (("bare view, requests/s", bare), ("Muster's intake, requests/s", ours), ("ratio", pairs))
    ]
    table.show("Intake against a bare view (asked: ratio >= 0.6)", rows, head=["", "min", "median", "max"])
