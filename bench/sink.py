"""A small, fast SMTP server in a process of its own: it takes every message and notes when, and which.

Each line of its file: seconds since the epoch, the notification's id, the recipient, the subject.
"""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HEADER = re.compile(rb"^(Subject|X-Muster-Notification|To): (.*(?:\r\n[ \t].*)*)", re.MULTILINE)


def free_port() -> int:
    """A port of loopback that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Mail:
    """One message that was handed over."""

    at: float
    notification: int
    to: str
    subject: str


class Sink:
    """Runs the server while it is open and reads what it noted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.port = free_port()

    def __enter__(self) -> Sink:
        self.path.touch()
        argv = [sys.executable, "-m", "bench.sink", str(self.port), str(self.path)]
        self.process = subprocess.Popen(argv, cwd=Path(__file__).parent.parent)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise RuntimeError("the mail sink did not start")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(5)

    def mails(self) -> list[Mail]:
        """Everything that was handed over so far, in order."""
        found = []
        for line in self.path.read_text().splitlines():
            at, notification, to, subject = line.split("\t", 3)
            found.append(Mail(float(at), int(notification), to, subject))
        return found


async def _serve(port: int, path: Path) -> None:
    out = path.open("a", buffering=1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    data = await reader.readuntil(b"\r\n.\r\n")
                    found = dict(HEADER.findall(data))
                    words = [
                        b" ".join(found.get(name, b"0").split()).decode(errors="replace")
                        for name in (b"X-Muster-Notification", b"To", b"Subject")
                    ]
                    out.write("\t".join([f"{time.time():.6f}", *words]) + "\n")
                    writer.write(b"250 taken\r\n")
                elif verb == b"EHLO":
                    writer.write(b"250-sink\r\n250 8BITMIME\r\n")
                elif verb == b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 ok\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port, limit=64 * 1024 * 1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
