#!/usr/bin/env python3
"""Muster's runner: asks Muster for work and carries out what its own file allows, and nothing else.

One file, the standard library of Python 3.9 or newer, Linux. README.md beside it says what it promises. The parts: the
file, which is checked as a whole at the start; files that must be safe; the journal, so that nothing is run twice; the
output, without its secrets; the program; Muster's side; an execution from its claim to its end; and the runner.
"""

from __future__ import annotations

import argparse
import base64
import codecs
import contextlib
import ctypes
import encodings.idna  # noqa: F401 - loaded before the user changes, who may not be able to read it
import fcntl
import functools
import http.client
import io
import itertools
import json
import os
import pwd
import random
import re
import resource
import select
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus, urlsplit

VERSION = "1"
DEFAULT_CONFIG = "/etc/muster-runner/runner.json"
DEFAULT_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

REQUEST_SECONDS = 10.0
START_SECONDS = 10.0  # how long Muster is asked whether an execution may begin
CLAIM_SECONDS = 0.02  # after a claim before the next one
STREAM_SECONDS = 0.5
HEARTBEAT_SECONDS = 4.0  # Muster takes a runner for dead that is not heard of for a while
BACKOFF_SECONDS = 30.0
TERM_SECONDS = 5.0  # between SIGTERM and SIGKILL
PIPE_SECONDS = 2.0  # how long output is awaited after the program has ended
EXIT_SECONDS = 9.0  # all that the runner takes to stop
DRAIN_TRIES = 10  # answered tries without progress, after the program has ended

MOST_OUTPUT = 65_536  # bytes; Muster keeps no more
TAIL_BYTES = 8_192  # of an output that is too long, this much of its end is kept
NOTE_BYTES = 64  # room for the line that says what is missing
LINE_CHARACTERS, LINE_SECONDS = 4_096, 1.0  # an unfinished line waits for its rest
CHUNK_CHARACTERS = 32_768
MOST_ANSWER = 1 << 20  # bytes of an answer or a file that are read
TOMBSTONES = 10_000
MASK, SHORTEST_SECRET = "••••", 4
BIGGEST = 2**53 - 1  # what every JSON reader keeps exact

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
ACTION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
PARAMETER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TOKEN = re.compile(r"mrn_[A-Za-z0-9_-]{16,200}")
SERVER = re.compile(
    r"(https://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])|http://(localhost|127\.0\.0\.1|\[::1\]))(:[0-9]+)?(/[!\"$->@-~]*)?"
)
UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # all but tab and newline
REPLAYED = "This runner has already begun this execution once, and did not begin it again. Check what it has done."
NOT_BEGUN = "The runner was stopped before it began."


class ConfigError(Exception):
    """Something on this machine must be changed before the runner can work; the message says where and how."""


class Refused(Exception):
    """An execution that is not begun. The message names a parameter and never repeats a value."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} Nothing was run.")


def log(message: str) -> None:
    """One plain line on standard error, without secrets and without values."""
    line = UNWANTED.sub("\ufffd", message).replace("\n", " ")
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(OSError):  # nobody reads; the work goes on
        os.write(2, f"{stamp} {line}\n".encode("utf-8", "replace"))


def backoff(tries: int, most: float = 600) -> float:
    """Seconds until the next try: doubled each time from half a second up to the limit, or ``most``, with jitter."""
    return random.uniform(0.5, 1.0) * min(most, BACKOFF_SECONDS, 0.5 * 2.0 ** min(tries, 10))


def in_thread(work: Callable[..., None], *arguments: object) -> threading.Thread:
    """Have it done beside everything else; the process does not wait for it when it ends."""
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


# ---- the file ----------------------------------------------------------------------------------------------

Check = Callable[[Any, str], Any]  # takes a value and its place; returns what it means, or raises ConfigError
Section = TypeVar("Section")
REQUIRED = object()


def read_object(value: Any, where: str, keys: Mapping[str, tuple[Check, Any]]) -> dict[str, Any]:
    """An object of the file: each key has a check and a default, and any other key is an error."""
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: expected an object in braces")
    found = {}
    for name, (check, default) in keys.items():
        found[name] = check(value[name], f"{where}.{name}") if name in value else default
        if found[name] is REQUIRED:
            raise ConfigError(f"{where}.{name}: is missing; add it")
    if unknown := sorted(value.keys() - keys.keys()):
        raise ConfigError(f"{where}: unknown key {unknown[0]!r}; known here: {', '.join(sorted(keys))}")
    return found


def key(check: Check, default: Any = REQUIRED) -> Any:
    """A field of a dataclass that is a key of the file."""
    return field(metadata={"key": (check, default)})


def read_section(kind: type[Section], value: Any, where: str) -> Section:
    """An object of the file as a dataclass of such fields."""
    keys = {one.name: one.metadata["key"] for one in fields(kind)}  # type: ignore[arg-type]
    return kind(**read_object(value, where, keys))


def expect(what: str, is_right: Callable[[Any], object]) -> Check:
    """A value that is left as it is, if it is right."""

    def check(value: Any, where: str) -> Any:
        if not is_right(value):
            raise ConfigError(f"{where}: expected {what}")
        return value

    return check


def whole(least: int, most: int) -> Check:
    """A whole number of a range; true and false are none."""
    return expect(f"a whole number from {least} to {most}", lambda one: type(one) is int and least <= one <= most)


def named(names: re.Pattern[str], check: Check) -> Check:
    """An object whose keys are names, and whose values are all checked in one way."""

    def check_all(value: Any, where: str) -> Any:
        found = dict.fromkeys(value if isinstance(value, dict) else (), (check, None))
        if wrong := [name for name in found if not names.fullmatch(name)]:
            raise ConfigError(f"{where}: {wrong[0]!r} is no name here; it must match {names.pattern}")
        return read_object(value, where, found)

    return check_all


def text_or(example: str, keys: Mapping[str, tuple[Check, Any]]) -> Check:
    """A text, which may be empty, or an object."""
    text = expect(f"a text without NUL characters, or {example}", lambda value: is_text(value) or value == "")
    return lambda value, where: read_object(value, where, keys) if isinstance(value, dict) else text(value, where)


def is_text(value: Any) -> bool:
    """Whether it is a text that is not empty and that the kernel takes as an argument."""
    return isinstance(value, str) and value != "" and "\0" not in value


def is_path(value: Any) -> bool:
    """Whether it is an absolute path."""
    return is_text(value) and value.startswith("/")


def is_server(value: Any) -> bool:
    """Whether it is an address to which the token can be sent."""
    try:
        return is_text(value) and SERVER.fullmatch(value) is not None and urlsplit(value).port != 0
    except ValueError:  # no port has this number
        return False


def read_pattern(value: Any, where: str) -> str:
    """A regular expression of Python."""
    try:
        return str(re.compile(TEXT(value, where), re.ASCII).pattern)
    except re.error as error:
        raise ConfigError(f"{where}: is not a regular expression of Python: {error}") from None


TEXT = expect("a text", is_text)
PATH = expect("an absolute path, one that begins with /", is_path)
PATHS = expect("a list of absolute paths", lambda value: isinstance(value, list) and all(map(is_path, value)))
BOOLEAN = expect("true or false", lambda value: isinstance(value, bool))
NUMBER = whole(-BIGGEST, BIGGEST)
PAUSE = expect("a number of seconds from 0.05 to 60", lambda value: type(value) in (int, float) and 0.05 <= value <= 60)
CHOICES = expect(
    "a list of at least one text of printable characters",
    lambda value: isinstance(value, list) and value and all(is_text(one) and one.isprintable() for one in value),
)
ADDRESS = expect("https:// and only host, port and path, or http:// on this machine: it carries the token", is_server)
ANYTHING = expect("a value", lambda value: value is not None)

TYPES: dict[str, dict[str, tuple[Check, Any]]] = {  # and what each of them declares
    "name": {},
    "integer": {"minimum": (NUMBER, REQUIRED), "maximum": (NUMBER, REQUIRED)},
    "choice": {"choices": (CHOICES, REQUIRED)},
    "boolean": {},
    "text": {"pattern": (read_pattern, REQUIRED)},
}


def read_parameter(value: Any, where: str) -> dict[str, Any]:
    """The declaration of a parameter; which keys it has depends on its type."""
    kind = str(value.get("type")) if isinstance(value, dict) else "name"
    if kind not in TYPES:
        raise ConfigError(f"{where}.type: must be one of {', '.join(TYPES)}")
    declared = read_object(value, where, {"type": (TEXT, REQUIRED), "default": (ANYTHING, None), **TYPES[kind]})
    if kind == "integer":
        whole(declared["minimum"], BIGGEST)(declared["maximum"], f"{where}.maximum")
    return declared


def problem_of(value: Any, declared: dict[str, Any], *, is_bare: bool) -> str:
    """What is wrong with a value, without repeating it; empty if nothing is. A bare one has no prefix."""
    kind = declared["type"]
    if kind == "boolean":
        return "" if isinstance(value, bool) else "must be true or false"
    if kind == "integer":
        least, most = declared["minimum"], declared["maximum"]
        return "" if type(value) is int and least <= value <= most else f"must be a whole number from {least} to {most}"
    if kind == "choice":
        return "" if isinstance(value, str) and value in declared["choices"] else "must be one of its choices"
    if kind == "name":
        says = "must be at most 128 letters, digits, dots, hyphens and underscores, and begin with a letter or digit"
        return "" if isinstance(value, str) and NAME.fullmatch(value) else says
    if not isinstance(value, str) or not 1 <= len(value) <= 200 or not value.isprintable():
        return "must be a text of at most 200 printable characters"
    if value.startswith("-") and is_bare:  # a program would take it for an option
        return "must not begin with a hyphen"
    return "" if re.fullmatch(declared["pattern"], value, re.ASCII) else "must match its pattern as a whole"


ARGUMENT = text_or('{"parameter": "..."}', {"parameter": (TEXT, REQUIRED), "prefix": (TEXT, ""), "flag": (TEXT, "")})

# Programs that run a text, or another program, that is among their arguments: these wherever they stand, those as the
# program itself, and interpreters unless the file itself names what they run.
SHELLS = re.compile(
    r"(?:ba|rba|a|da|z|k|mk|pdk|c|tc|fi|pw)?sh|busybox|toybox|ssh|env|xargs|parallel|sudo|su|doas|runuser|eval|expect"
    r"|[gmn]?awk|sed"
)
WRAPPERS = re.compile(
    r"timeout|nice|ionice|nohup|setsid|stdbuf|chroot|unshare|nsenter|systemd-run|flock|watch|strace|time"
)
INTERPRETERS = re.compile(r"python|pypy|perl|ruby|node|nodejs|deno|bun|php|lua|luajit|tclsh|osascript|R|Rscript")
CODE_OPTION = re.compile(
    r"-(?:[A-Za-z]{0,4}[ceEpr]|[ceEr].*|-(?:eval|command|execute|exec|print|query)(?:=.*)?)", re.DOTALL
)


def read_argv(value: Any, where: str) -> list[Any]:
    """An argument list of texts and uses of parameters; its program is an absolute path, and no shell beside those."""
    if not isinstance(value, list):
        raise ConfigError(f"{where}: expected a list in brackets")
    argv = [ARGUMENT(one, f"{where}[{at}]") for at, one in enumerate(value)]
    if not argv or not is_path(argv[0]):
        raise ConfigError(f"{where}: must begin with the absolute path of a program, as a plain text")
    if any(isinstance(one, dict) for one in argv) and (name := shell_among(argv)):
        raise ConfigError(
            f"{where}: {name} runs what its arguments say, so a parameter here would be as good as a shell for whoever"
            " can write an alert. Write what is to be done into a script of its own, make it executable, and name the"
            " script as the program"
        )
    return argv


def shell_among(argv: list[Any]) -> str:
    """The program by whose doing an argument could become code; empty if there is none."""
    texts = [one if isinstance(one, str) else one["prefix"] for one in argv]
    script = next((one for one in argv[1:] if isinstance(one, dict) or not one.startswith("-")), None)
    for at, one in enumerate(argv):
        has_code = any(CODE_OPTION.fullmatch(text) for text in texts[at + 1 :])
        for name in program_names(one, follow=at == 0) if isinstance(one, str) else ():
            if SHELLS.fullmatch(name) or (at == 0 and WRAPPERS.fullmatch(name)):
                return name
            if INTERPRETERS.fullmatch(name) and (has_code or (at == 0 and not isinstance(script, str))):
                return name
    return ""


def program_names(path: str, *, follow: bool) -> list[str]:
    """What a program may be called, without path and version; also the program that a link leads to."""
    names = [os.path.basename(path)]
    if follow and (real := os.path.basename(os.path.realpath(path))) not in ("busybox", "toybox"):
        names.append(real)  # where ls is a link to busybox it is still ls
    return [re.sub(r"[-0-9.]+\Z", "", name) for name in names]


@dataclass(frozen=True)
class Action:
    """Something that may be run."""

    description: str = key(TEXT)
    read_only: bool = key(BOOLEAN)
    argv: list[Any] = key(read_argv)
    dry_run_argv: list[Any] = key(read_argv, [])
    parameters: dict[str, dict[str, Any]] = key(named(PARAMETER_NAME, read_parameter), {})
    environment: dict[str, Any] = key(named(VARIABLE, text_or('{"file": "..."}', {"file": (PATH, REQUIRED)})), {})
    directory: str = key(PATH, "/")
    seconds: int = key(whole(1, 3600), 120)
    output_bytes: int = key(whole(2 * TAIL_BYTES, MOST_OUTPUT), MOST_OUTPUT)

    def is_bare(self, name: str) -> bool:
        """Whether the parameter stands somewhere without a prefix."""
        uses = [one for one in self.argv + self.dry_run_argv if isinstance(one, dict)]
        return any(use["parameter"] == name and not use["prefix"] for use in uses)

    def command(self, given: Any, *, dry_run: bool) -> list[str]:
        """The argument list for these values. Raises Refused for whatever the file does not allow."""
        if dry_run and not self.dry_run_argv:
            raise Refused("This action has no dry run.")
        values, found = self._checked(given), []
        for one in self.dry_run_argv if dry_run else self.argv:
            if isinstance(one, str):
                found.append(one)
            elif not one["flag"]:
                found.append(f"{one['prefix']}{values[one['parameter']]}")
            elif values[one["parameter"]] is True:
                found.append(one["flag"])
        return found

    def _checked(self, given: Any) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise Refused("The parameters are not an object.")
        for name in given.keys() - self.parameters.keys():
            shown = f" {name}" if PARAMETER_NAME.fullmatch(name) else ""
            raise Refused(f"The runner's file knows no parameter{shown} of this action.")
        values = {}
        for name, declared in self.parameters.items():
            value = values[name] = given.get(name, declared["default"])
            is_missing = value is None and name not in given
            if problem := "is missing" if is_missing else problem_of(value, declared, is_bare=self.is_bare(name)):
                raise Refused(f"The parameter {name} {problem}.")
        return values

    def offer(self, name: str) -> dict[str, Any]:
        """What Muster is told."""
        parameters = [
            {"name": own_name, **{rule: value for rule, value in declared.items() if value is not None}}
            for own_name, declared in self.parameters.items()
        ]
        said = {"name": name, "description": self.description, "read_only": self.read_only}
        return {**said, "has_dry_run": bool(self.dry_run_argv), "parameters": parameters}


def read_action(value: Any, where: str) -> Action:
    """An action whose parameters and argument lists fit each other."""
    action, used = read_section(Action, value, where), set()
    for name, argv in (("argv", action.argv), ("dry_run_argv", action.dry_run_argv)):
        for at, use in enumerate(argv):
            if isinstance(use, dict):
                check_use(use, action.parameters, f"{where}.{name}[{at}]")
                used.add(use["parameter"])
    for name, declared in action.parameters.items():
        place, default, is_bare = f"{where}.parameters.{name}", declared["default"], action.is_bare(name)
        if name not in used:
            raise ConfigError(f"{place}: is used nowhere; use it in argv or remove it")
        if is_bare and declared.get("minimum", 0) < 0:
            raise ConfigError(f'{place}: may be negative, and a program would take -1 for an option; add a "prefix"')
        if default is not None and (problem := problem_of(default, declared, is_bare=is_bare)):
            raise ConfigError(f"{place}.default: {problem}")
    return action


def check_use(use: dict[str, str], parameters: dict[str, dict[str, Any]], where: str) -> None:
    """Whether a parameter can stand at this place. Raises ConfigError."""
    name = use["parameter"]
    if name not in parameters:
        raise ConfigError(f"{where}.parameter: {name!r} is not declared; add it to this action's parameters")
    if bool(use["flag"]) != (parameters[name]["type"] == "boolean") or (use["flag"] and use["prefix"]):
        raise ConfigError(f'{where}.parameter: a boolean is used with "flag" and no prefix, and nothing else is')


@dataclass(frozen=True)
class Config:
    """The whole file."""

    server: str = key(ADDRESS)
    token_file: str = key(PATH)
    state: str = key(PATH)
    user: str = key(TEXT, "")
    at_once: int = key(whole(1, 64), 4)
    poll_seconds: float = key(PAUSE, 1)
    ca_file: str = key(PATH, "")
    mask_files: list[str] = key(PATHS, [])
    actions: dict[str, Action] = key(named(ACTION_NAME, read_action))

    def secret_files(self) -> set[str]:
        """The files whose contents never leave the machine."""
        variables = [one for action in self.actions.values() for one in action.environment.values()]
        return {self.token_file, *self.mask_files, *(one["file"] for one in variables if isinstance(one, dict))}

    def allowed(self, claim: dict[str, Any]) -> tuple[Action, list[str], int]:
        """The action that Muster asks for, its argument list, and how many seconds it may take. Raises Refused."""
        action = self.actions.get(str(claim.get("action")))
        dry_run, seconds = claim.get("dry_run"), claim.get("seconds")
        if action is None:
            raise Refused("The runner's file has no action of this name.")
        if not isinstance(dry_run, bool) or type(seconds) is not int or seconds < 1:
            raise Refused("It was not said whether this is a dry run, or for how long it may run.")
        return action, action.command(claim.get("parameters"), dry_run=dry_run), min(seconds, action.seconds)


def read_config(path: str) -> Config:
    """Read and check the file. Raises ConfigError that says where the mistake is and what to do."""
    text, name = read_file(path, "config file", is_guarded=True), os.path.basename(path)
    try:
        value = json.loads(text, object_pairs_hook=without_repeats)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    config = read_section(Config, value, name)
    if not config.actions:
        raise ConfigError(f"{name}.actions: allows nothing; add at least one action")
    return config


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one that has a key twice is an error, because one of the two would not count."""
    names = [name for name, _ in pairs]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"the key {repeated[0]!r} is there twice")
    return dict(pairs)


# ---- files that must be safe -------------------------------------------------------------------------------


def read_file(path: str, what: str, *, is_guarded: bool = False, is_secret: bool = False) -> bytes:
    """The contents of a regular file; of a guarded one that nobody else may write, nor read if it is secret."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ConfigError(f"{path} ({what}) is not a regular file")
            data = file.read(MOST_ANSWER + 1)
    except OSError as error:
        raise ConfigError(f"{path} ({what}) cannot be read: {error.strerror}") from None
    if len(data) > MOST_ANSWER:
        raise ConfigError(f"{path} ({what}) is larger than 1 MB")
    if is_guarded and status.st_uid not in (0, os.getuid()):
        raise ConfigError(f"{path} ({what}) belongs to somebody else; run: chown root {path}")
    if is_guarded and status.st_mode & 0o022:
        raise ConfigError(f"{path} ({what}) may be written by others; run: chmod go-w {path}")
    if is_secret and status.st_mode & 0o007:
        raise ConfigError(f"{path} ({what}) may be read by others; run: chmod o= {path}")
    return data


def read_token(path: str) -> str:
    """The token that Muster showed when the runner was made there. Raises ConfigError."""
    token = read_file(path, "token file", is_guarded=True, is_secret=True).decode("utf-8", "replace").strip()
    if not TOKEN.fullmatch(token):
        raise ConfigError(f"{path} (token file) holds no runner token; one begins with mrn_. Copy it from Muster again")
    return token


def become(user: str) -> None:
    """Give up root for this user, for good. Raises ConfigError where that cannot be, or would change nothing."""
    am_root = os.getuid() == 0
    if not user:
        if am_root:
            raise ConfigError(
                "user: is missing; started as root, the runner needs the name of a user to become: add it"
            )
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise ConfigError(f"user: there is no user {user}; run: useradd --system {user}") from None
    if entry.pw_uid == 0:
        raise ConfigError("user: must not be root; make a user of its own for the runner")
    if am_root:
        os.setgroups(os.getgrouplist(user, entry.pw_gid))
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if {*os.getresuid(), os.geteuid()} != {entry.pw_uid}:
        raise ConfigError(f"user: is {user}, and the runner was started as another one; start it as {user} or as root")


def open_state(folder: str) -> None:
    """Make sure that the state folder is there, is ours alone, and is locked until this process ends."""
    try:
        os.makedirs(os.path.join(folder, "journal"), mode=0o700, exist_ok=True)
        status = os.stat(folder)
        if status.st_uid != os.getuid() or status.st_mode & 0o022:
            raise ConfigError(f"{folder} (state) must belong to the runner's user, and only that user may write to it")
        lock = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        do = f"install -d -m 0700 -o {pwd.getpwuid(os.getuid()).pw_name} {folder}"
        raise ConfigError(f"{folder} (state) cannot be used: {error.strerror}; run: {do}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the descriptor stays open, on purpose
    except OSError:
        raise ConfigError(f"another runner already uses {folder}; give this one a state folder of its own") from None


# ---- the journal: nothing is run twice ---------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """What is known of one execution. ``state``: claimed, executing, finished. ``ran``: it may have been run."""

    execution: int
    token: str
    state: str = "claimed"
    ran: bool = False
    outcome: str = ""
    exit_code: int | None = None
    detail: str = ""
    left_out: int = 0

    @classmethod
    def of(cls, claim: dict[str, Any]) -> Entry:
        """A new one. Raises ValueError where not even a refusal could be answered."""
        execution, token = claim.get("execution"), claim.get("token")
        if type(execution) is not int or execution < 1 or not isinstance(token, str):
            raise ValueError("a claim without execution and token")
        return cls(execution, str(uuid.UUID(token)))

    def after_restart(self) -> Entry:
        """What a new runner makes of an entry that the one before it has left."""
        if self.state == "claimed":
            return replace(self, state="finished", outcome="failed", detail=str(Refused(NOT_BEGUN)))
        cut_short = "The runner was stopped while this ran. Check what it has done before you run it again."
        unknown = replace(self, state="finished", outcome="unknown", detail=cut_short)
        return unknown if self.state == "executing" else self


class Journal:
    """Entries in a folder, one file each, until Muster has taken their end; and the ids of what was run, for good.

    A method that writes has written, to the disk, when it returns; it raises OSError otherwise.
    """

    def __init__(self, state: str) -> None:
        self._folder, self._executed_file = os.path.join(state, "journal"), os.path.join(state, "executed")
        self._folders = {folder: os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder in (state, self._folder)}
        self._lock = threading.RLock()
        self._executed: dict[int, None] = {}
        self._entries: dict[str, Entry] = {}  # by the path of its file
        for path in (self._executed_file, *(os.path.join(self._folder, name) for name in os.listdir(self._folder))):
            if path.endswith(".new"):
                os.unlink(path)  # never became an entry
            elif os.path.exists(path):
                self._read(path)

    def open_entries(self) -> list[Entry]:
        """The entries whose end Muster has not taken."""
        with self._lock:
            return list(self._entries.values())

    def knows(self, execution: int) -> bool:
        """Whether the execution was begun here."""
        return execution in self._executed or any(one.execution == execution for one in self.open_entries())

    def reserve(self, entry: Entry) -> bool:
        """Keep everybody else from this execution, before it is written; False where it was begun before."""
        with self._lock:
            is_new = not self.knows(entry.execution)
            if is_new:
                self._entries[self._path(entry)] = entry
            return is_new

    def put(self, entry: Entry) -> None:
        """Write an entry, in place of what stood there."""
        with self._lock:
            self._entries[self._path(entry)] = entry
            self._write(self._path(entry), json.dumps(asdict(entry)))

    def close(self, entry: Entry) -> None:
        """Muster has answered: what was run is remembered by its id, and the entry goes."""
        with self._lock:
            if entry.ran:
                self._executed[entry.execution] = None
                self._executed = dict.fromkeys(list(self._executed)[-TOMBSTONES:])
                self._write(self._executed_file, "".join(f"{one}\n" for one in self._executed))
            self._entries.pop(self._path(entry), None)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path(entry))
                os.fsync(self._folders[self._folder])

    def _path(self, entry: Entry) -> str:
        return os.path.join(self._folder, f"{entry.execution}-{entry.token}.json")

    def _write(self, path: str, text: str) -> None:
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(f"{path}.new", path)
        os.fsync(self._folders[os.path.dirname(path)])

    def _read(self, path: str) -> None:
        try:
            with open(path, encoding="utf-8") as file:
                if path == self._executed_file:
                    self._executed = {int(line): None for line in file}
                    return
                self._entries[path] = Entry(**json.load(file))
            if self._path(self._entries[path]) != path:
                raise ValueError("is not what its name says")
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(
                f"{path} cannot be read ({error}); what it names must not be run again: look in Muster what that is and"
                " what it has done, and only then remove the file"
            ) from None


# ---- what a program prints ---------------------------------------------------------------------------------


def disguises(contents: bytes) -> set[str]:
    """How a secret may look in an output: as it is, its lines, and each as base64, in an address and in JSON."""
    text = contents.decode("utf-8", "replace").rstrip("\r\n")
    found: set[str] = set()
    for secret in {text, *(line.strip() for line in text.splitlines())}:
        if len(secret) >= SHORTEST_SECRET:
            quoted = [quote(secret), quote(secret, safe=""), quote_plus(secret)]
            lower = [re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), one) for one in quoted]
            as_json = [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
            as_base64 = [encode(secret.encode()).decode() for encode in (base64.b64encode, base64.urlsafe_b64encode)]
            as_printed = UNWANTED.sub("\ufffd", secret.replace("\r\n", "\n").replace("\r", "\n"))
            found |= {as_printed, *quoted, *lower, *as_json, *as_base64, *(one.rstrip("=") for one in as_base64)}
    return {one for one in found if len(one) >= SHORTEST_SECRET}


class Masker:
    """Replaces secrets in a text that comes in pieces. Holds back what may be the beginning of one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted(secrets)
        self._held, self._marks = "", bytearray()  # a mark for each character: 1 if it belongs to a secret

    def feed(self, text: str, *, is_last: bool = False) -> str:
        """What may leave by now."""
        text, marks = self._held + text, self._marks + bytes(len(text))
        for secret in self._secrets:
            at = text.find(secret)
            while at >= 0:
                marks[at : at + len(secret)] = b"\1" * len(secret)
                at = text.find(secret, at + 1)
        keep = self._beginning(text)
        if is_last:
            if len(text) - keep >= SHORTEST_SECRET:
                marks[keep:] = b"\1" * (len(text) - keep)
            keep = len(text)
        passed, at = [], 0
        for run in re.finditer(b"\1+", marks[:keep]):
            passed += [text[at : run.start()], MASK]
            at = run.end()
        self._held, self._marks = text[keep:], marks[keep:]
        return "".join([*passed, text[at:keep]])

    def _beginning(self, text: str) -> int:
        """The first place from which on the text is the beginning of a secret and no more; its length if none is."""
        first = len(text)
        for secret in self._secrets:
            at = text.find(secret[0], max(0, len(text) - len(secret) + 1), first)
            while at >= 0 and not secret.startswith(text[at:]):
                at = text.find(secret[0], at + 1, first)
            first = at if at >= 0 else first
        return first


class Output:
    """What a program prints, on its way out: decoded, masked, and of bounded size, whatever it prints.

    ``text`` only grows, by at most ``cap`` bytes of UTF-8; one thread feeds while another one reads it.
    """

    def __init__(self, cap: int, secrets: Iterable[str]) -> None:
        self._decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        self._masker = Masker(secrets)
        self._line, self._line_since = "", 0.0
        self._head_room = cap - TAIL_BYTES
        self._tail = bytearray()
        self.text = ""
        self.left_out = 0  # bytes

    def feed(self, data: bytes, *, now: float, is_last: bool = False) -> None:
        """More output; ``now`` is a monotonic clock. Called without data it lets an old unfinished line go."""
        decoded = UNWANTED.sub("\ufffd", self._decoder.decode(data, final=is_last))
        if not self._line:
            self._line_since = now
        self._line += self._masker.feed(decoded, is_last=is_last)
        cut = self._line.rfind("\n") + 1
        is_old = now - self._line_since >= LINE_SECONDS
        if is_last or is_old or len(self._line) - cut >= LINE_CHARACTERS:
            cut = len(self._line)
        if cut:
            self._keep(self._line[:cut].encode())
            self._line, self._line_since = self._line[cut:], now

    def close(self, *, now: float) -> None:
        """Nothing more comes: what was kept of the end joins the text."""
        self.feed(b"", now=now, is_last=True)
        if self.left_out:
            while self._tail and self._tail[0] & 0xC0 == 0x80:  # not within a character
                del self._tail[0]
                self.left_out += 1
            end_line = "" if self.text.endswith("\n") or not self.text else "\n"
            self.text += f"{end_line}… {self.left_out} bytes left out …\n"
        self.text += self._tail.decode("utf-8", "replace")

    def _keep(self, data: bytes) -> None:
        if self._head_room:
            head = data[: self._head_room].decode("utf-8", "ignore")
            taken = len(head.encode())
            self.text += head
            self._head_room = self._head_room - taken if taken == len(data) else 0
            data = data[taken:]
        self._tail += data
        if (too_much := len(self._tail) - TAIL_BYTES + NOTE_BYTES) > 0:
            del self._tail[:too_much]
            self.left_out += too_much


# ---- the program -------------------------------------------------------------------------------------------

LIBC = ctypes.CDLL(None)


def die_with(runner: int) -> None:
    """Between fork and exec: the kernel kills the program when the runner dies, however it dies."""
    LIBC.prctl(1, signal.SIGKILL)  # 1 is PR_SET_PDEATHSIG
    if os.getppid() != runner:  # it has died meanwhile
        os._exit(127)


def start(argv: list[str], environment: dict[str, str], directory: str) -> subprocess.Popen[bytes]:
    """A program in a session and process group of its own. Raises OSError or ValueError.

    The thread that starts it must stay until it has ended: to the kernel that thread is its parent.
    """
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        env=environment,
        cwd=directory,
        start_new_session=True,
        umask=0o077,
        preexec_fn=functools.partial(die_with, os.getpid()),
    )


def supervise(program: subprocess.Popen[bytes], output: Output, reason_to_stop: Callable[[], str]) -> tuple[int, str]:
    """Read until it has ended, or end it when there is a reason; its return code, and that reason.

    What is left of its process group then is killed, and output that a grandchild holds open is left alone.
    """
    reason, kill_at, leave_at, pipes = "", float("inf"), float("inf"), [program.stdout]
    try:
        while (now := time.monotonic()) < leave_at:
            read_some(pipes, output)
            if os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                leave_at = min(leave_at, now + PIPE_SECONDS) if pipes else now
            elif not reason and (reason := reason_to_stop()):
                signal_group(program, signal.SIGTERM)
                kill_at = now + TERM_SECONDS
            elif now >= kill_at:
                signal_group(program, signal.SIGKILL)
    finally:
        with program:  # which closes the pipe and waits
            signal_group(program, signal.SIGKILL)  # before it is waited for: until then its number stays its own
    output.close(now=time.monotonic())
    return program.wait(), reason


def read_some(pipes: list[Any], output: Output) -> None:
    """What comes within a moment; a pipe that is at its end goes."""
    data = b""
    if select.select(pipes, [], [], 0.05)[0] and not (data := os.read(pipes[0].fileno(), 65_536)):
        pipes.clear()
    output.feed(data, now=time.monotonic())


def signal_group(program: subprocess.Popen[bytes], number: int) -> None:
    """Tell it and all that it has started in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, number)


# ---- Muster ------------------------------------------------------------------------------------------------


class Server:
    """Muster's side of the contract: JSON by POST, with the token."""

    def __init__(self, address: str, token: str, ca_file: str) -> None:
        self.token = token
        self._address = f"{address.rstrip('/')}/runner/v1/"
        self._headers = {"Content-Type": "application/json", "User-Agent": f"muster-runner/{VERSION}"}
        self._headers["Authorization"] = f"Bearer {token}"
        self._opener = urllib.request.OpenerDirector()  # with nothing that follows redirects or uses a proxy
        if not address.startswith("https:"):
            self._opener.add_handler(urllib.request.HTTPHandler())
            return
        try:
            context = ssl.create_default_context(cafile=ca_file or None)
        except OSError as error:
            raise ConfigError(f"{ca_file} (ca_file) cannot be used: {error}") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._opener.add_handler(urllib.request.HTTPSHandler(context=context))

    def post(self, path: str, body: dict[str, Any], *, within: float = REQUEST_SECONDS) -> tuple[int, Any, str]:
        """Ask once: the status, or 0 where that cannot be known; the object that came with a 200; and what to log."""
        request = urllib.request.Request(self._address + path, json.dumps(body).encode(), self._headers)  # noqa: S310
        try:
            with self._opener.open(request, timeout=within) as response:
                status = response.status
                found = json.loads(response.read(MOST_ANSWER)) if status == 200 else {}
        except (OSError, http.client.HTTPException) as error:
            return 0, {}, f"{type(error).__name__}: {getattr(error, 'reason', error)}"
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            return 0, {}, "the answer is no JSON object; is this the address of Muster?"
        return status, found, f"it answered {status}"


# ---- the execution -----------------------------------------------------------------------------------------


class Execution:
    """One execution, from its claim until Muster has heard how it ended."""

    def __init__(self, runner: Runner, entry: Entry, claim: dict[str, Any]) -> None:
        self._config, self._server, self._journal = runner.config, runner.server, runner.journal
        self._stopping, self._entry, self._claim = runner.stopping, entry, claim
        self._is_complete = threading.Event()  # the output is
        self._is_wanted, self._is_to_stop = True, False  # what Muster answered to output
        self._sent = 0  # characters that Muster has

    def carry_out(self, slots: threading.Semaphore) -> None:
        """Everything; whatever happens in it, there is an end to tell, or nothing to say."""
        try:
            if self._journal.reserve(self._entry):
                self._carry_out()
            elif all(one.token != self._entry.token for one in self._journal.open_entries()):
                self._end("unknown", REPLAYED, ran=True)  # under the same token it still runs, or is being told
        except Refused as refusal:
            self._end("failed", str(refusal))
        except Exception as error:  # noqa: BLE001 - an end is owed to whoever waits
            self._say(f"the runner has a mistake: {type(error).__name__}")
            self._end("unknown", "The runner made a mistake. Check what this has done.", ran=True)
        finally:
            slots.release()
        self.tell()

    def tell(self) -> None:
        """Say how it ended, until Muster has answered; then the journal may forget it."""
        told = {name: getattr(self._entry, name) for name in ("token", "outcome", "exit_code", "detail", "left_out")}
        if self._entry.state != "finished":
            return
        for tries in itertools.count():
            status, _, said = self._post("finish", told)
            if status in (200, 404, 409):
                return self._try_to(self._journal.close)
            if not tries:
                self._say(f"its end cannot be told yet: {said}")
            time.sleep(backoff(tries))

    def _carry_out(self) -> None:
        self._step(state="claimed")
        action, argv, seconds = self._config.allowed(self._claim)
        environment, secrets = self._environment_and_secrets(action)
        self._say(f"{self._claim['action']}, {seconds} s at most")
        if not self._may_begin():
            self._say("given back; nothing was run")
            return self._try_to(self._journal.close)
        self._step(state="executing", ran=True)
        until, output = time.monotonic() + seconds, Output(action.output_bytes, secrets)
        try:
            program = start(argv, environment, action.directory)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "an argument or a variable cannot be handed over"
            return self._end("failed", f"The program could not be started: {why}.")
        stream = in_thread(self._stream, output)
        try:
            code, reason = supervise(program, output, lambda: self._reason_to_stop(until, seconds))
            outcome, exit_code = "failed" if code or reason else "done", code if code >= 0 else None
            how = f"It ended with exit code {code}." if code > 0 else f"It was ended by signal {-code}."
            self._end(outcome, reason or (how if code else ""), exit_code=exit_code, left_out=output.left_out)
        finally:
            self._is_complete.set()
            stream.join()

    def _environment_and_secrets(self, action: Action) -> tuple[dict[str, str], set[str]]:
        """All variables of the program, and whatever must not be in its output. Raises Refused."""
        try:
            contents = {path: read_file(path, "secret") for path in self._config.secret_files()}
        except ConfigError as error:
            raise Refused(f"{error}.") from None
        environment = dict(DEFAULT_ENVIRONMENT)
        for name, value in action.environment.items():
            if isinstance(value, dict):
                value = contents[value["file"]].decode("utf-8", "surrogateescape").rstrip("\r\n")
            environment[name] = value
        return environment, set().union(*map(disguises, [self._server.token.encode(), *contents.values()]))

    def _may_begin(self) -> bool:
        """Ask Muster for the word to begin. Raises Refused when there is none that is clear."""
        until, tries = time.monotonic() + START_SECONDS, 0
        while (left := until - time.monotonic()) > 0 and not self._stopping.is_set():
            status, _, _ = self._post("start", {"token": self._entry.token}, within=min(left, REQUEST_SECONDS))
            if status in (404, 409):
                return False
            if status == 200 and not self._stopping.is_set():
                return True
            self._stopping.wait(backoff(tries, 2.0))
            tries += 1
        raise Refused(NOT_BEGUN if self._stopping.is_set() else "Muster did not say clearly that it may begin.")

    def _reason_to_stop(self, until: float, seconds: int) -> str:
        if self._stopping.is_set():
            return "The runner was stopped."
        if self._is_to_stop:
            return "It was stopped by a person."
        return f"It took longer than {seconds} s and was stopped." if time.monotonic() >= until else ""

    def _stream(self, output: Output) -> None:
        """Send the output as it grows, and signs of life, until Muster has all of it or does not want it."""
        heard_at, failures, stuck = time.monotonic(), 0, 0
        while self._is_wanted and stuck < DRAIN_TRIES:
            is_complete, before = self._is_complete.is_set(), self._sent
            text = output.text[before : before + CHUNK_CHARACTERS]
            if is_complete and not text:
                return
            if text or time.monotonic() - heard_at >= HEARTBEAT_SECONDS:
                status = self._send(text, len(output.text))
                if status == 200 and (self._sent > before or not text):
                    heard_at, failures, stuck = time.monotonic(), 0, 0
                else:
                    failures, stuck = failures + 1, stuck + (is_complete and status != 0)
            if is_complete:
                time.sleep(backoff(failures) if failures else 0)
            else:
                self._is_complete.wait(backoff(failures, 2.0) if failures else STREAM_SECONDS)

    def _send(self, text: str, most: int) -> int:
        """Send a piece and hear what Muster has and wants; the status of the answer."""
        status, body, _ = self._post("output", {"token": self._entry.token, "offset": self._sent, "text": text})
        self._is_wanted = status not in (404, 409)
        self._is_to_stop = self._is_to_stop or body.get("stop") is True
        received = body.get("received")
        self._sent = max(0, min(received, most)) if type(received) is int else self._sent
        return status

    def _step(self, **changes: Any) -> None:
        """Write the next step down; what cannot be written is not run. Raises Refused."""
        entry = replace(self._entry, **changes)
        try:
            self._journal.put(entry)
        except OSError as error:
            raise Refused(f"The runner cannot write its journal: {error.strerror}.") from None
        self._entry = entry

    def _end(self, outcome: str, detail: str, **more: Any) -> None:
        """Write the end down. Where that fails it is still told; after a restart it would be told as unknown."""
        self._entry = replace(self._entry, state="finished", outcome=outcome, detail=detail[:500], **more)
        self._say(f"{outcome}. {detail}")
        self._try_to(self._journal.put)

    def _try_to(self, change: Callable[[Entry], None]) -> None:
        """Change the journal; where that fails, something is told again after a restart, which does no harm."""
        try:
            change(self._entry)
        except OSError as error:
            self._say(f"the journal cannot be written: {error.strerror}")

    def _post(self, what: str, body: dict[str, Any], *, within: float = REQUEST_SECONDS) -> tuple[int, Any, str]:
        return self._server.post(f"executions/{self._entry.execution}/{what}", body, within=within)

    def _say(self, message: str) -> None:
        log(f"execution {self._entry.execution}: {message}")


# ---- the runner --------------------------------------------------------------------------------------------


class Runner:
    """Claims executions and has up to ``at_once`` of them carried out, each in a thread of its own."""

    def __init__(self, config: Config, server: Server, journal: Journal) -> None:
        self.config, self.server, self.journal = config, server, journal
        self.stopping = threading.Event()
        self._slots = threading.Semaphore(config.at_once)
        self._failures, self._said = 0, ""
        actions = [action.offer(name) for name, action in config.actions.items()]
        self._offer = {"version": VERSION, "host": socket.gethostname(), "actions": actions}

    def run(self) -> int:
        """Work until SIGTERM or SIGINT; the exit code."""
        hears, tells = os.pipe()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os.write(tells, b"0"))
        for entry in self.journal.open_entries():
            log(f"execution {entry.execution}: left over as {entry.state}")
            in_thread(Execution(self, entry.after_restart(), {}).tell)
        in_thread(self._claim_for_ever, tells)
        code = int(os.read(hears, 1))
        log("stopping")
        self.stopping.set()
        until = time.monotonic() + EXIT_SECONDS
        while self.journal.open_entries() and time.monotonic() < until:
            time.sleep(0.05)
        log("stopped")
        return code

    def _claim_for_ever(self, tells: int) -> None:
        """Ask for work; without this there is no runner, so a mistake here ends it, to be started anew."""
        try:
            while not self.stopping.is_set():
                if self._slots.acquire(timeout=0.5):
                    self.stopping.wait(self._claim())
        except Exception as error:  # noqa: BLE001 - whatever it is
            log(f"the runner has a mistake and stops: {type(error).__name__}")
            os.write(tells, b"1")

    def _claim(self) -> float:
        """Ask for one execution and have it carried out; how many seconds to wait before the next time."""
        status, claim, said = self.server.post("claim", self._offer)
        try:
            execution = Execution(self, Entry.of(claim), claim) if status == 200 else None
        except ValueError as error:
            status, execution, said = 0, None, str(error)
        if execution and not self.stopping.is_set():  # what was not begun goes back by itself
            in_thread(execution.carry_out, self._slots)
        else:
            self._slots.release()
        return self._pause_after(status, said)

    def _pause_after(self, status: int, said: str) -> float:
        self._failures = 0 if status in (200, 204) else self._failures + 1
        if status in (401, 403):
            said = "Muster does not accept the token; make a new one there, put it into the token file and restart"
        elif self._failures:
            said = f"no work from Muster: {said}"
        else:
            said = "connected to Muster"
        if said != self._said:  # once for each change
            log(said)
        self._said = said
        return {200: CLAIM_SECONDS, 204: self.config.poll_seconds}.get(status, backoff(self._failures))


# ---- the command line --------------------------------------------------------------------------------------


def overview(config: Config) -> str:
    """The actions of the file, for whoever checks it."""
    rows = [("ACTION", "EFFECT", "DRY RUN", "SECONDS", "PROGRAM", "PARAMETERS")]
    for name, action in config.actions.items():
        program = action.argv[0] if os.access(action.argv[0], os.X_OK) else f"{action.argv[0]} (not there!)"
        parameters = ", ".join(f"{name} ({one['type']})" for name, one in action.parameters.items()) or "none"
        effect, dry_run = "reads" if action.read_only else "changes", "yes" if action.dry_run_argv else "no"
        rows.append((name, effect, dry_run, str(action.seconds), program, parameters))
    widths = [max(map(len, column)) for column in zip(*rows)]  # noqa: B905 - Python 3.9 knows no strict
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def main() -> int:
    """Check everything, then work; 0 when asked to stop, 1 when something has to be changed first."""
    parser = argparse.ArgumentParser(description="Carries out for Muster what its own file allows.")
    parser.add_argument("--config", default=DEFAULT_CONFIG, help="the file (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="check the file, show its actions, and exit")
    options = parser.parse_args()
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the token; programs inherit this
    try:
        config = read_config(options.config)
        become(config.user)
        server = Server(config.server, read_token(config.token_file), config.ca_file)
        for path in sorted(config.secret_files()):
            read_file(path, "secret")
        if options.check:
            print(overview(config))
            return 0
        open_state(config.state)
        runner = Runner(config, server, Journal(config.state))
    except ConfigError as error:
        log(f"cannot start: {error}")
        return 1
    return runner.run()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # threads that still wait for an answer are not waited for; everything owed is in the journal
