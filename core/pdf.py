"""HTML that we wrote, as PDF, by WeasyPrint in a process of its own.

Somebody else's text decides how long it takes, so the process has a limit of computing time and of memory and is killed
beyond; one is at work at a time. It fetches nothing: no file, no address, no data. Run as a program, this module is
that process, and knows nothing of Django.
"""

from __future__ import annotations

import logging
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

COMPUTING_SECONDS = 20.0
WAIT_SECONDS = 45.0  # on a machine that is busy with other things
MEMORY = 1536 * 1024 * 1024
FOLDER = "muster-pdf-"
LEFT_SECONDS = 600.0  # a folder that is older is nobody's: what made it was killed
PROGRAM = __file__
LIBRARIES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
_LACKS, _TOO_MUCH = 3, 4

logger = logging.getLogger(__name__)
_turn = threading.Lock()


class NotMade(Exception):
    """There is no PDF; the message says why to people, and ``status`` to programs (RFC 9110)."""

    status = 503


class Unavailable(NotMade):
    """This installation lacks what makes them."""


class Busy(NotMade):
    """Another one is being made, or much else is done; a little later it goes."""


class Failed(NotMade):
    """WeasyPrint found no way to lay it out; the log says more."""


class TooLong(NotMade):
    """It takes more time or memory than there is: that is the text's doing, and trying again does not help."""

    status = 422


def make(html: str, *, what: str = "This text", instead: str = "") -> bytes:
    """The PDF of a complete document. Raises NotMade, as one of its kinds: it speaks of ``what`` was to be made and
    says what people can do ``instead``, in a sentence."""
    if not _turn.acquire(blocking=False):
        raise Busy("Another PDF is being made at this moment. Try again in a few seconds.")
    try:
        return _made(html.encode("utf-8", "replace"), what, instead)
    finally:
        _turn.release()


def _made(html: bytes, what: str, instead: str) -> bytes:
    _clear()
    asked = [sys.executable, "-I", PROGRAM, str(COMPUTING_SECONDS)]
    try:
        with tempfile.TemporaryDirectory(prefix=FOLDER) as folder:  # one that is killed leaves nothing behind
            given = {"TMPDIR": folder}
            done = subprocess.run(asked, input=html, capture_output=True, timeout=WAIT_SECONDS, check=False, env=given)
    except subprocess.TimeoutExpired:
        raise Busy(f"The machine is too busy to make a PDF now. Try again in a while. {instead}".strip()) from None
    if done.returncode == _LACKS:
        raise Unavailable(f"This installation cannot make PDFs: it lacks {', '.join(LIBRARIES)}.")
    if done.returncode == _TOO_MUCH or done.returncode < 0:  # killed at a limit
        raise TooLong(f"{what} is too long to be laid out in pages here. {instead}".strip())
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        logger.error("WeasyPrint ended with %s: %s", done.returncode, said[-1] if said else "nothing said")
        raise Failed(f"{what} could not be laid out in pages. {instead}".strip())
    return done.stdout


def _clear() -> None:
    """Take away what a web process has left that was killed while it waited for a PDF."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        with suppress(OSError):  # another process clears too, or it is somebody else's
            if time.time() - folder.lstat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(folder)


# ---- the process ---------------------------------------------------------------------------------------------------


def _main() -> None:
    try:
        from weasyprint import HTML  # noqa: PLC0415 - costs what only the process needs
        from weasyprint.urls import URLFetcher  # noqa: PLC0415
    except (ImportError, OSError):
        sys.exit(_LACKS)

    class Nothing(URLFetcher):  # type: ignore[misc]
        """What is fetched: nothing."""

        def fetch(self, url: str, headers: object = None) -> NoReturn:
            """Refuse."""
            raise ValueError(f"not fetched: {url[:100]}")

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.setitimer(signal.ITIMER_VIRTUAL, float(sys.argv[1]))  # its signal ends the process, whatever it does
    sys.addaudithook(_refuse_network)
    html = sys.stdin.buffer.read().decode()
    try:
        made = HTML(string=html, url_fetcher=Nothing(allowed_protocols=())).write_pdf()
    except (MemoryError, RecursionError):
        sys.exit(_TOO_MUCH)
    sys.stdout.buffer.write(made)


def _refuse_network(event: str, _arguments: object) -> None:
    """Were something to fetch by another way, it would not get out."""
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.system"}:
        raise PermissionError(event)


if __name__ == "__main__":
    _main()
