"""Who runs the embedded PostgreSQL: ``manage.py up`` while it lives, otherwise a single command for its duration."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg

from incidents_site.config import Config, ConfigError, read_run_file, write_private
from incidents_site.embedded import EmbeddedError
from incidents_site.embedded.postgres import Postgres

WAIT_SECONDS = 60.0
# Commands that ask the database nothing, and `up`, which brings its own.
WITHOUT_DATABASE = frozenset(
    {
        "check",
        "collectstatic",
        "compilemessages",
        "diffsettings",
        "findstatic",
        "help",
        "makemessages",
        "makemigrations",
        "startapp",
        "up",
        "version",
    }
)


class Ownership:
    """The right to run the embedded services of one ``MUSTER_DATA``. The kernel takes it back when we die."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "owner.lock"
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Try to become the owner, without waiting. Raises ``ConfigError`` when the folder cannot be written."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigError(
                f"MUSTER_DATA is {self._path.parent}, expected a folder that Muster may write ({error})"
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let somebody else run the services."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextlib.contextmanager
def database_for(config: Config, arguments: Sequence[str]) -> Iterator[None]:
    """While the command with these arguments runs, the embedded database is up, if the command needs it.

    Two commands that start at once take turns, so that none stops the server under the other.
    """
    if not _needs_database(config, arguments):
        yield
        return
    ownership = Ownership(config.data_dir)
    deadline = time.monotonic() + WAIT_SECONDS
    while not ownership.take():
        if is_served_by_up(config):
            yield
            return
        if time.monotonic() > deadline:
            raise EmbeddedError(f"another Muster command has used {config.data_dir} for {WAIT_SECONDS:.0f} seconds")
        time.sleep(0.1)
    postgres = Postgres(config.data_dir)
    try:
        config.run_file.unlink(missing_ok=True)
        postgres.start()
        write_run_file(config, keeper="command", database_url=postgres.url)
        yield
    finally:
        config.run_file.unlink(missing_ok=True)
        postgres.stop()
        ownership.release()


def write_run_file(config: Config, *, keeper: str, **addresses: str) -> None:
    """Tell every other process of this installation where the services are."""
    write_private(config.run_file, json.dumps({"keeper": keeper, "pid": os.getpid()} | addresses))


def is_served_by_up(config: Config) -> bool:
    """Whether a running ``manage.py up`` serves the database."""
    running = read_run_file(config.run_file)
    if running.get("keeper") != "up" or not running.get("database_url"):
        return False
    try:
        psycopg.connect(running["database_url"], connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _needs_database(config: Config, arguments: Sequence[str]) -> bool:
    if not config.embedded_database or not arguments or arguments[0] in WITHOUT_DATABASE:
        return False
    return not {"-h", "--help", "--version"} & set(arguments)
