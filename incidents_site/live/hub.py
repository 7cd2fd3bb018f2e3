"""Who listens in this process, and what waits for each of them. It belongs to one event loop and talks to nobody."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from itertools import count

BEAT_SECONDS = 15


def message(event: str, data: str) -> bytes:
    """A named event as it goes over the wire; browsers drop one without data."""
    return f"event: {event}\ndata: {data}\n\n".encode()


HELLO = message("hello", "all")
OFFLINE = message("offline", "all")
RESYNC = message("resync", "all")
BEAT = message("beat", "all")  # named, so that a page notices when it stays away


class Stream:
    """What one open page is still to be told.

    Equal messages wait once, and ``offline`` and ``resync`` replace each other. So a reader that does not read keeps
    us waiting with two messages for each of its topics and two more, however much happens.
    """

    __slots__ = ("_pending", "_waiter", "is_open", "session_key", "topics", "user_id")

    def __init__(self, user_id: int, session_key: str, topics: frozenset[str]) -> None:
        self.user_id = user_id
        self.session_key = session_key
        self.topics = topics
        self.is_open = True
        self._pending: dict[bytes, None] = {}
        self._waiter: asyncio.Future[None] | None = None

    def put(self, message: bytes, *, instead_of: bytes = b"") -> None:
        """Let the message wait for the reader, once, in place of one that it makes untrue."""
        if self.is_open:
            self._pending.pop(instead_of, None)
            self._pending[message] = None
            self._wake()

    def close(self) -> None:
        """Tell the reader that this was all."""
        self.is_open = False
        self._pending.clear()
        self._wake()

    async def take(self) -> bytes:
        """Everything that waits, as soon as something does; nothing once the stream is closed."""
        while self.is_open and not self._pending:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        everything = b"".join(self._pending)
        self._pending.clear()
        return everything

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)


class Hub:
    """The open streams of a process by topic, and whether the process hears the others."""

    def __init__(self) -> None:
        self.is_online = False
        self.is_closed = False
        self.streams_of: Counter[int] = Counter()  # by person
        self._streams: dict[Stream, int] = {}
        self._by_topic: dict[str, set[Stream]] = {}
        self._places = count()

    def __len__(self) -> int:
        return len(self._streams)

    def add(self, stream: Stream) -> None:
        """From now on the stream hears everything about its topics; first, how things are."""
        self._streams[stream] = next(self._places) % BEAT_SECONDS
        self.streams_of[stream.user_id] += 1
        for topic in stream.topics:
            self._by_topic.setdefault(topic, set()).add(stream)
        stream.put(HELLO)
        if not self.is_online:
            stream.put(OFFLINE)

    def remove(self, stream: Stream) -> None:
        """Forget a stream that has ended."""
        del self._streams[stream]
        self.streams_of[stream.user_id] -= 1
        if not self.streams_of[stream.user_id]:
            del self.streams_of[stream.user_id]
        for topic in stream.topics:
            listeners = self._by_topic[topic]
            listeners.discard(stream)
            if not listeners:
                del self._by_topic[topic]

    def tell(self, event: str, topics: Iterable[str]) -> None:
        """Pass an event on to everybody who listens to one of the topics."""
        for topic in topics:
            listeners = self._by_topic.get(topic)
            if listeners:
                said = message(event, topic)
                for stream in listeners:
                    stream.put(said)

    def set_online(self, is_online: bool) -> None:
        """Tell all streams when the process stops hearing the others, and when it hears them again."""
        if is_online == self.is_online:
            return
        self.is_online = is_online
        now, before = (RESYNC, OFFLINE) if is_online else (OFFLINE, RESYNC)
        for stream in self._streams:
            stream.put(now, instead_of=before)

    def close(self) -> None:
        """End all streams, and let nobody in."""
        self.is_closed = True
        for stream in self._streams:
            stream.close()

    async def beat_for_ever(self) -> None:
        """A sign of life to each stream every 15 seconds, to some of them each second."""
        for tick in count():
            for stream, place in self._streams.items():
                if place == tick % BEAT_SECONDS:
                    stream.put(BEAT)
            await asyncio.sleep(1)
