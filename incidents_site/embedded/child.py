"""Starting, stopping and finding processes that must not outlive us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
LOG_LIMIT_BYTES = 10 * 1024 * 1024

# Loaded before any fork: a forked child may not load libraries safely.
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(signum: signal.Signals, parent: int) -> None:
    """Have the kernel send us ``signum`` when the thread that started us ends. Call it from the main thread."""
    if _libc.prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # it was gone before we asked
        os._exit(1)


def start(
    argv: Sequence[str],
    *,
    death_signal: signal.Signals,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    output: IO[bytes] | int | None = None,
    become: Callable[[], None] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a child that gets ``death_signal`` when we die, in a session of its own so that Ctrl-C reaches only us.

    ``become`` changes the child's identity before it turns into the program. Must be called from the main thread.
    """
    parent = os.getpid()

    def prepare() -> None:
        if become:
            become()
        die_with_parent(death_signal, parent)  # last, because a change of identity forgets it

    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        preexec_fn=prepare,
        pass_fds=pass_fds,
        start_new_session=True,
    )


def run(argv: Sequence[str], *, log: Path, env: Mapping[str, str], become: Callable[[], None] | None = None) -> bool:
    """Run a short program to its end, its output appended to ``log``; whether it succeeded. It dies with us, too."""
    with open_log(log.parent, log.stem) as output:
        process = start(argv, death_signal=signal.SIGKILL, env=env, output=output, become=become)
    try:
        return process.wait() == 0
    finally:
        kill_group(process)


def stop(process: subprocess.Popen[bytes], signum: signal.Signals, *, within: float) -> None:
    """Ask a child to end, and after ``within`` seconds make its whole group end."""
    if process.poll() is None:
        process.send_signal(signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(within)
    kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of a child and of its own children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_leftovers(folder: Path, program: str, signum: signal.Signals, *, within: float = 5.0) -> None:
    """End processes named ``program`` that an earlier, killed Muster left working in ``folder``.

    Two servers on one data folder would destroy it, and clients would silently reach the old one.
    """
    deadline = time.monotonic() + within
    for pid in _working_in(folder, program):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)
    while _working_in(folder, program) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in _working_in(folder, program):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while _working_in(folder, program) and time.monotonic() < deadline + 1:
        time.sleep(0.02)


def _working_in(folder: Path, program: str) -> list[int]:
    """Ids of processes that run ``program`` with ``folder`` as their working folder."""
    wanted = os.path.realpath(folder)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if os.readlink(entry / "cwd") == wanted and Path(os.readlink(entry / "exe")).name == program:
                found.append(int(entry.name))
    return found


def free_port(preferred: int | None = None) -> int:
    """``preferred`` when nobody listens there, otherwise some free port of the loopback address."""
    for port in (preferred, 0) if preferred else (0,):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def open_log(folder: Path, name: str) -> IO[bytes]:
    """The log file of a service, opened at its end; a large one starts afresh and keeps its predecessor."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.log"
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return open(descriptor, "ab")


def last_line(path: Path) -> str:
    """The last line of a log, for error messages."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
