"""A PostgreSQL and a Redis for the test session, started before Django reads its settings.

Loaded with ``-p tests.plugin``. Only the process that was called starts them; workers of pytest-xdist inherit the
addresses. With ``DATABASE_URL`` set, the servers that it names are used instead.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from incidents_site.embedded.postgres import Postgres
from incidents_site.embedded.redis import RedisServer
from tests import template

TEST_SECRET_KEY = "only-for-tests-" * 4


class Servers:
    """The servers of one test session and the folder they live in."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="muster-tests-"))
        self.postgres = Postgres(self.folder, is_durable=False)
        self.redis = RedisServer(self.folder)

    def start(self) -> None:
        """Start both and tell everybody through the environment."""
        template.put(self.folder)
        self.postgres = Postgres(self.folder, is_durable=False)  # with the password that it was made with
        self.postgres.start()
        os.environ["DATABASE_URL"], os.environ["MUSTER_TEMPLATE"] = self.postgres.url, template.NAME
        self.redis.start()
        os.environ["REDIS_URL"] = self.redis.url

    def stop(self) -> None:
        """Stop both and remove what they wrote."""
        self.postgres.stop()
        self.redis.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Run before pytest-django, which reads the settings in the same hook; a wrapper comes before all others."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    if not is_worker and not _only_tells(early_config):
        _prepare(early_config)
    return (yield)


def _prepare(config: pytest.Config) -> None:
    servers = Servers()
    config.add_cleanup(servers.stop)
    os.environ["MUSTER_DATA"] = str(servers.folder)
    (servers.folder / "static").mkdir()
    os.environ.setdefault("SECRET_KEY", TEST_SECRET_KEY)
    for name in ("BASE_URL", "ALLOWED_HOSTS", "EMAIL_URL", "MUSTER_DEMO", "DEADMAN_URL", "SENTRY_DSN", "STATUS_EXPORT"):
        os.environ.pop(name, None)
    if not os.environ.get("DATABASE_URL"):
        servers.start()


def _only_tells(config: pytest.Config) -> bool:
    """Whether pytest was only asked for its version or help, which needs no servers."""
    return bool(config.known_args_namespace.version or config.known_args_namespace.help)
