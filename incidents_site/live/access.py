"""Who may listen to what: decided by Django's own session and user when a stream opens, and again while it is open."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from urllib.parse import parse_qsl

import structlog
from django.conf import settings
from django.contrib.auth import get_user
from django.db import connection
from django.http import HttpRequest

from accounts.models import User
from incidents.models import Incident
from incidents_site.live.hub import Stream

log = structlog.get_logger(__name__)

# Few, because each of them may hold a database connection while it looks; pages have the others.
THREADS = 2
LOOK_AGAIN_SECONDS = 30.0
AFTER_FAILURE_SECONDS = 5.0
TOGETHER = 20

MOST_TOPICS = 8
FOR_ALL = ("incidents", "services")
INCIDENT = "incident/"
TOPIC = re.compile(rf"{'|'.join(FOR_ALL)}|{INCIDENT}[1-9][0-9]{{0,17}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in person, and which of the asked topics they may hear."""

    user_id: int
    may_hear: frozenset[str]


def topics_in(query: bytes) -> frozenset[str] | None:
    """The topics that the query string asks for; None when one is no topic, or there are none or too many."""
    try:
        asked = frozenset(value for name, value in parse_qsl(query.decode("ascii"), max_num_fields=32))
    except ValueError:
        return None
    is_fine = 0 < len(asked) <= MOST_TOPICS and all(TOPIC.fullmatch(topic) for topic in asked)
    return asked if is_fine else None


def visitor_of(session_key: str, topics: Iterable[str]) -> Visitor | None:
    """Who has this session, with what they may hear of the topics; None when nobody is signed in with it any more.

    Lists are everybody's: that something changed in them names no incident.
    """
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    if not isinstance(user, User):
        return None
    asked = {int(topic.removeprefix(INCIDENT)): topic for topic in topics if topic.startswith(INCIDENT)}
    visible = Incident.objects.visible_to(user).filter(pk__in=asked).values_list("pk", flat=True) if asked else ()
    return Visitor(user.pk, frozenset({*FOR_ALL, *(asked[number] for number in visible)}))


def visitors_of(asked: list[tuple[str, frozenset[str]]]) -> list[Visitor | None]:
    """The visitors of several sessions. Called in a thread; the database connection goes back at once."""
    try:
        return [visitor_of(session_key, topics) for session_key, topics in asked]
    finally:
        connection.close()


class Guard:
    """Lets streams in, and ends those whose session is over or whose topics may no longer be heard."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="live")
        self._streams: dict[str, set[Stream]] = {}  # by session, which is looked at once for all of them
        self._due: dict[str, float] = {}
        self._wake = asyncio.Event()

    async def visitor(self, session_key: str, topics: frozenset[str]) -> Visitor | None:
        """Who comes. Raises what Django raises when the database is away."""
        (found,) = await self._look([(session_key, topics)])
        return found

    def watch(self, stream: Stream) -> None:
        """Look at the stream's session again from time to time, at another moment than at most others."""
        self._streams.setdefault(stream.session_key, set()).add(stream)
        self._due.setdefault(stream.session_key, _now() + LOOK_AGAIN_SECONDS * random.uniform(0.5, 1))

    def forget(self, stream: Stream) -> None:
        """The stream has ended."""
        streams = self._streams[stream.session_key]
        streams.discard(stream)
        if not streams:
            del self._streams[stream.session_key], self._due[stream.session_key]

    def look_now(self) -> None:
        """Look at every session at once: somebody's rights have changed."""
        self._due = dict.fromkeys(self._due, 0.0)
        self._wake.set()

    async def run_for_ever(self) -> None:
        """Look at the sessions that are due, some at a time."""
        while True:
            self._wake.clear()
            due = [session_key for session_key, at in self._due.items() if at <= _now()]
            for start in range(0, len(due), TOGETHER):
                await self._look_again(due[start : start + TOGETHER])
            try:
                async with asyncio.timeout(1):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look_again(self, session_keys: list[str]) -> None:
        streams = {key: list(self._streams[key]) for key in session_keys if key in self._streams}
        for key in streams:  # before we look, so that look_now in between makes us look once more
            self._due[key] = _now() + LOOK_AGAIN_SECONDS * random.uniform(0.9, 1.1)
        asked = [(key, frozenset[str]().union(*(stream.topics for stream in streams[key]))) for key in streams]
        try:
            visitors = await self._look(asked)
        except Exception as error:  # noqa: BLE001 - while nobody can be asked, open streams stay open
            log.warning("cannot look at the sessions of open streams", error=repr(error))
            self._due |= {key: _now() + AFTER_FAILURE_SECONDS for key in streams if key in self._due}
            return
        for group, visitor in zip(streams.values(), visitors, strict=True):
            for stream in group:
                if visitor is None or visitor.user_id != stream.user_id or not stream.topics <= visitor.may_hear:
                    stream.close()

    async def _look(self, asked: list[tuple[str, frozenset[str]]]) -> list[Visitor | None]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, visitors_of, asked)

    def stop(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _now() -> float:
    return asyncio.get_running_loop().time()
