"""A load generator: keep-alive connections that POST JSON, as many at once as asked, and note status and time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """One request: when it began (epoch), how long it took, and its status; 0 when the connection broke."""

    at: float
    seconds: float
    status: int


def generic(title: str, dedup_key: str, **fields: object) -> bytes:
    """A body of the generic format."""
    return json.dumps({"title": title, "dedup_key": dedup_key, "severity": "critical", **fields}).encode()


def alertmanager(name: str, group: str, *, status: str = "firing", count: int = 1) -> bytes:
    """A body of Alertmanager's webhook, version 4, with as many alerts as asked."""
    alerts = [
        {
            "status": status,
            "labels": {"alertname": name, "severity": "critical", "instance": f"host-{number}"},
            "annotations": {"summary": f"{name} on host-{number}"},
            "startsAt": "2026-10-14T01:47:08.123456789Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example/graph",
            "fingerprint": f"{abs(hash((name, number))):016x}"[:16],
        }
        for number in range(count)
    ]
    return json.dumps(
        {
            "receiver": "muster",
            "status": status,
            "alerts": alerts,
            "groupLabels": {"alertname": name},
            "commonLabels": {"alertname": name, "severity": "critical"},
            "commonAnnotations": {},
            "externalURL": "http://alertmanager.example",
            "version": "4",
            "groupKey": group,
            "truncatedAlerts": 0,
        }
    ).encode()


def post_all(
    port: int, path: str, bodies: Iterable[bytes], *, connections: int, per_second: float = 0, retry: bool = False
) -> list[Answer]:
    """POST every body; at most ``per_second`` of them when it is given. With ``retry`` a body is sent until it is
    accepted, as Alertmanager would."""
    return asyncio.run(_post_all(port, path, iter(bodies), connections, per_second, retry))


async def _post_all(
    port: int, path: str, bodies: Iterator[bytes], connections: int, per_second: float, retry: bool
) -> list[Answer]:
    answers: list[Answer] = []
    started, taken = time.monotonic(), 0

    async def work() -> None:
        nonlocal taken
        stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for body in bodies:
            taken += 1
            if per_second:
                await asyncio.sleep(max(0.0, started + taken / per_second - time.monotonic()))
            while True:
                at, begun = time.time(), time.perf_counter()
                try:
                    stream = stream or await asyncio.open_connection("127.0.0.1", port)
                    status = await asyncio.wait_for(_post(*stream, path, body), 15)
                except (TimeoutError, OSError, asyncio.IncompleteReadError, ValueError):
                    if stream:
                        stream[1].close()
                    status, stream = 0, None
                answers.append(Answer(at, time.perf_counter() - begun, status))
                if not retry or status == 202:
                    break
                await asyncio.sleep(0.2)
        if stream:
            stream[1].close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return answers


async def _post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes) -> int:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    answer = await reader.readuntil(b"\r\n\r\n")
    lower = answer.lower()
    if b"content-length:" in lower:
        length = int(lower.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
    elif b"transfer-encoding: chunked" in lower:
        while (size := int(await reader.readline(), 16)) or not await reader.readline():
            if not size:
                break
            await reader.readexactly(size + 2)
    return int(answer[9:12])
