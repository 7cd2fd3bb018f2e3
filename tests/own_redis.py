"""A Redis that belongs to one test process, so that its tests may stop it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from django.conf import settings

from incidents_site.embedded.redis import RedisServer


class OwnRedis(RedisServer):
    """A Redis that a test may kill and start again."""

    def client(self) -> redis.Redis:
        """Ask it directly."""
        return redis.Redis.from_url(self.url)

    def kill(self) -> None:
        """Without a warning."""
        assert self.process
        self.process.kill()
        self.process.wait()


@contextmanager
def running_redis(folder: Path) -> Iterator[OwnRedis]:
    """A Redis of the test's own, at which Muster looks meanwhile."""
    server = OwnRedis(folder)
    server.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(settings, "MUSTER", replace(settings.MUSTER, redis_url=server.url))
            yield server
    finally:
        server.stop()
