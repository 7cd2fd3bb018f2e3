#!/usr/bin/env python3
"""Muster's runner: asks Muster for work and carries out what its own file allows, and nothing else.

One file, the standard library of Python 3.9 or newer, Linux. It opens no port. What may be run stands in a file on this
machine; Muster can only choose one of its actions by name and give values for the parameters that the file declares.
No text is ever handed to a shell, and there are no templates: a value is one element of an argument list, or refused.

Nothing is run twice. A journal says what was begun, on disk before the program is created; whatever was begun and has
no known end is reported as unknown, and somebody has to look. Read README.md beside this file.
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
import urllib.parse
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, NoReturn

VERSION = "1"
DEFAULT_CONFIG = "/etc/muster-runner/runner.json"
DEFAULT_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

REQUEST_SECONDS = 10.0
START_SECONDS = 10.0  # how long Muster is asked whether an execution may begin
CLAIM_SECONDS = 0.02  # after a claim before the next one
STREAM_SECONDS = 0.5
HEARTBEAT_SECONDS = 4.0  # Muster takes a runner for dead that is not heard of for a while
BACKOFF_SECONDS = 30.0
REFUSED_SECONDS = 30.0  # between tries while the token is not accepted
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

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
ACTION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
PARAMETER_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TOKEN = re.compile(r"mrn_[A-Za-z0-9_-]{16,200}")
UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # all but tab and newline

STOPPED = "It was stopped by a person."
RUNNER_STOPPED = "The runner was stopped."
NOT_BEGUN = "The runner was stopped before it began. Nothing was run."
CUT_SHORT = "The runner was stopped while this ran. Check what it has done before you run it again."
REPLAYED = "This runner has already begun this execution once, and did not begin it again. Check what it has done."


class ConfigError(Exception):
    """Something on this machine must be changed before the runner can work; the message says where and how."""


class Refused(Exception):
    """An execution that the file does not allow. The message names a parameter and never repeats a value."""


class Unreachable(Exception):
    """No answer from Muster, or none that can be read."""


def log(message: str) -> None:
    """One plain line on standard error, without secrets and without values."""
    line = UNWANTED.sub("\ufffd", message).replace("\n", " ")
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(OSError):  # nobody reads; the work goes on
        os.write(2, f"{stamp} {line}\n".encode("utf-8", "replace"))


def backoff(tries: int, most: float = 600) -> float:
    """Seconds until the next try: doubled each time from half a second up to the limit, or ``most``, with jitter."""
    return random.uniform(0.5, 1.0) * min(most, BACKOFF_SECONDS, 0.5 * 2.0 ** min(tries, 10))


# ---- the file: what may be run -----------------------------------------------------------------------------


class Section:
    """One object of the file, read key by key; whatever nobody asked for is an error."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: expected an object in braces")
        self._values: dict[str, Any] = dict(value)
        self._asked: set[str] = set()
        self.where = where

    def wrong(self, key: str, message: str) -> NoReturn:
        """Raise ConfigError for this key."""
        raise ConfigError(f"{self.where}.{key}: {message}")

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        self._asked.add(key)
        return key in self._values

    def raw(self, key: str, default: object = None) -> Any:
        """The value as it is; without a default the key is required."""
        if not self.has(key):
            if default is None:
                self.wrong(key, "is missing; add it")
            return default
        return self._values[key]

    def text(self, key: str, default: str | None = None) -> str:
        """A string without NUL that is not empty."""
        value = self.raw(key, default)
        if not isinstance(value, str) or "\0" in value or not (value or value == default):
            self.wrong(key, "expected a text")
        return str(value)

    def path(self, key: str, default: str | None = None) -> str:
        """An absolute path."""
        value = self.text(key, default)
        if value and not os.path.isabs(value):
            self.wrong(key, "expected an absolute path, one that begins with /")
        return value

    def boolean(self, key: str) -> bool:
        """True or false."""
        value = self.raw(key)
        if not isinstance(value, bool):
            self.wrong(key, "expected true or false")
        return bool(value)

    def integer(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number of a range."""
        value = self.raw(key, default)
        if type(value) is not int or not least <= value <= most:
            self.wrong(key, f"expected a whole number from {least} to {most}")
        return int(value)

    def items(self, key: str, default: list[object] | None = None) -> list[Any]:
        """A list."""
        value = self.raw(key, default)
        if not isinstance(value, list):
            self.wrong(key, "expected a list in brackets")
        return list(value)

    def sections(self, key: str, names: re.Pattern[str]) -> Iterator[tuple[str, Any, str]]:
        """Name, value and place of each entry of an object whose keys are names."""
        inner = Section(self.raw(key, {}), f"{self.where}.{key}")
        for name, value in inner._values.items():
            if not names.fullmatch(name):
                raise ConfigError(f"{inner.where}: {name!r} is no name here; it must match {names.pattern}")
            yield name, value, f"{inner.where}.{name}"

    def done(self) -> None:
        """Refuse keys that nobody asked for: a misspelt rule would otherwise be no rule."""
        if unknown := sorted(self._values.keys() - self._asked):
            known = ", ".join(sorted(self._asked))
            raise ConfigError(f"{self.where}: unknown key {unknown[0]!r}; known here: {known}")


@dataclass(frozen=True)
class Parameter:
    """A value that Muster may give, and what it may be. ``may_lead_dash``: it is only ever used behind a prefix."""

    name: str
    type: str
    description: str = ""
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0
    pattern: str = ""
    default: str | int | bool | None = None
    may_lead_dash: bool = False

    def problem(self, value: object) -> str:
        """What is wrong with a value, without repeating it; empty if nothing is."""
        check: Callable[[object], str] = getattr(self, f"_problem_of_{self.type}")
        return check(value)

    def offer(self) -> dict[str, object]:
        """What Muster is told."""
        kinds: dict[str, dict[str, object]] = {
            "integer": {"minimum": self.minimum, "maximum": self.maximum},
            "choice": {"choices": list(self.choices)},
            "text": {"pattern": self.pattern},
        }
        extra: dict[str, object] = {"description": self.description} if self.description else {}
        extra |= {} if self.default is None else {"default": self.default}
        return {"name": self.name, "type": self.type, **kinds.get(self.type, {}), **extra}

    def _problem_of_name(self, value: object) -> str:
        if isinstance(value, str) and NAME.fullmatch(value):
            return ""
        return "must be at most 128 letters, digits, dots, hyphens and underscores, and begin with a letter or digit"

    def _problem_of_integer(self, value: object) -> str:
        if type(value) is int and self.minimum <= value <= self.maximum:
            return ""
        return f"must be a whole number from {self.minimum} to {self.maximum}"

    def _problem_of_choice(self, value: object) -> str:
        return "" if isinstance(value, str) and value in self.choices else "must be one of its choices"

    def _problem_of_boolean(self, value: object) -> str:
        return "" if isinstance(value, bool) else "must be true or false"

    def _problem_of_text(self, value: object) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= 200 or not value.isprintable():
            return "must be a text of at most 200 printable characters"
        if value.startswith("-") and not self.may_lead_dash:
            return "must not begin with a hyphen"
        return "" if re.fullmatch(self.pattern, value, re.ASCII) else "must match its pattern as a whole"


@dataclass(frozen=True)
class Piece:
    """One element of an argument list: a literal, or the place of a parameter's value. Never both in one text."""

    literal: str = ""
    parameter: str = ""
    prefix: str = ""
    flag: str = ""

    def elements(self, values: dict[str, str | int | bool]) -> list[str]:
        """The element that it becomes; a flag that is off becomes none."""
        if not self.parameter:
            return [self.literal]
        value = values[self.parameter]
        if self.flag:
            return [self.flag] if value is True else []
        return [f"{self.prefix}{value}"]


@dataclass(frozen=True)
class Variable:
    """One variable of a program's environment: a text of the file, or the contents of another file."""

    text: str = ""
    file: str = ""


@dataclass(frozen=True)
class Action:
    """Something that may be run."""

    name: str
    description: str
    read_only: bool
    argv: tuple[Piece, ...]
    dry_run_argv: tuple[Piece, ...]
    parameters: dict[str, Parameter]
    environment: dict[str, Variable]
    directory: str
    seconds: int
    output_bytes: int

    def command(self, given: object, *, dry_run: bool) -> list[str]:
        """The argument list for these values. Raises Refused for whatever the file does not allow."""
        if dry_run and not self.dry_run_argv:
            raise Refused("This action has no dry run. Nothing was run.")
        values = self._checked(given)
        pieces = self.dry_run_argv if dry_run else self.argv
        return [element for piece in pieces for element in piece.elements(values)]

    def _checked(self, given: object) -> dict[str, str | int | bool]:
        if not isinstance(given, dict):
            raise Refused("The parameters are not an object. Nothing was run.")
        for name in given.keys() - self.parameters.keys():
            shown = f" {name}" if isinstance(name, str) and PARAMETER_NAME.fullmatch(name) else ""
            raise Refused(f"The runner's file knows no parameter{shown} of this action. Nothing was run.")
        values: dict[str, str | int | bool] = {}
        for name, parameter in self.parameters.items():
            value: Any = given.get(name, parameter.default)
            problem = "is missing" if value is None and name not in given else parameter.problem(value)
            if problem:
                raise Refused(f"The parameter {name} {problem}. Nothing was run.")
            values[name] = value
        return values

    def offer(self) -> dict[str, object]:
        """What Muster is told."""
        return {
            "name": self.name,
            "description": self.description,
            "read_only": self.read_only,
            "has_dry_run": bool(self.dry_run_argv),
            "parameters": [parameter.offer() for parameter in self.parameters.values()],
        }


@dataclass(frozen=True)
class Config:
    """The whole file."""

    server: str
    token_file: str
    state: str
    user: str
    at_once: int
    poll_seconds: float
    ca_file: str
    mask_files: tuple[str, ...]
    actions: dict[str, Action]

    def secret_files(self) -> set[str]:
        """The files whose contents never leave the machine."""
        of_actions = {one.file for action in self.actions.values() for one in action.environment.values() if one.file}
        return {self.token_file, *self.mask_files, *of_actions}


def read_config(path: str) -> Config:
    """Read and check the file. Raises ConfigError that says where the mistake is and what to do."""
    text = read_guarded(path, "config file")
    try:
        top = Section(json.loads(text, object_pairs_hook=_without_repeats), os.path.basename(path))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    config = Config(
        server=_server_of(top),
        token_file=top.path("token_file"),
        state=top.path("state"),
        user=top.text("user", ""),
        at_once=top.integer("at_once", 1, 64, 4),
        poll_seconds=_poll_seconds_of(top),
        ca_file=top.path("ca_file", ""),
        mask_files=tuple(_paths(top, "mask_files")),
        actions={name: _action(name, Section(value, at)) for name, value, at in top.sections("actions", ACTION_NAME)},
    )
    top.done()
    if not config.actions:
        top.wrong("actions", "allows nothing; add at least one action")
    return config


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def _server_of(top: Section) -> str:
    address = top.text("server")
    try:
        parts = urllib.parse.urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        top.wrong("server", "is not an address; write it like https://muster.example.com")
    is_loopback = parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1")
    if not host or not (parts.scheme == "https" or is_loopback):
        top.wrong("server", "must begin with https://, or with http:// on this machine itself: it carries the token")
    if parts.username is not None or parts.query or parts.fragment or not re.fullmatch(r"[!-~]+", address):
        top.wrong("server", "must be only scheme, host, port and path, such as https://muster.example.com")
    return address.rstrip("/")


def _poll_seconds_of(top: Section) -> float:
    value = top.raw("poll_seconds", 1)
    if type(value) not in (int, float) or not 0.05 <= value <= 60:
        top.wrong("poll_seconds", "expected a number of seconds from 0.05 to 60")
    return float(value)


def _paths(section: Section, key: str) -> Iterator[str]:
    for path in section.items(key, []):
        if not isinstance(path, str) or not os.path.isabs(path) or "\0" in path:
            section.wrong(key, "expected absolute paths, each of which begins with /")
        yield path


def _action(name: str, section: Section) -> Action:
    parameters = {
        name: _parameter(name, Section(value, at)) for name, value, at in section.sections("parameters", PARAMETER_NAME)
    }
    argv = _argv(section, "argv", parameters)
    dry_run_argv = _argv(section, "dry_run_argv", parameters) if section.has("dry_run_argv") else ()
    action = Action(
        name=name,
        description=section.text("description"),
        read_only=section.boolean("read_only"),
        argv=argv,
        dry_run_argv=dry_run_argv,
        parameters={name: _placed(one, argv + dry_run_argv, section) for name, one in parameters.items()},
        environment={key: _variable(value, at) for key, value, at in section.sections("environment", VARIABLE)},
        directory=section.path("directory", "/"),
        seconds=section.integer("seconds", 1, 3600, 120),
        output_bytes=section.integer("output_bytes", 2 * TAIL_BYTES, MOST_OUTPUT, MOST_OUTPUT),
    )
    section.done()
    return action


def _parameter(name: str, section: Section) -> Parameter:
    kind = section.text("type")
    made = Parameter(name, kind, description=section.text("description", ""))
    if kind == "integer":
        least = section.integer("minimum", -(2**53), 2**53)
        made = replace(made, minimum=least, maximum=section.integer("maximum", least, 2**53))
    elif kind == "choice":
        made = replace(made, choices=tuple(_choices(section)))
    elif kind == "text":
        made = replace(made, pattern=section.text("pattern"))
        try:
            re.compile(made.pattern, re.ASCII)
        except re.error as error:
            section.wrong("pattern", f"is not a regular expression of Python: {error}")
    elif kind not in ("name", "boolean"):
        section.wrong("type", "must be one of name, integer, choice, boolean and text")
    if section.has("default"):
        made = replace(made, default=section.raw("default"))
        if made.default is None or (problem := made.problem(made.default)):
            section.wrong("default", "is empty" if made.default is None else problem)
    section.done()
    return made


def _choices(section: Section) -> Iterator[str]:
    choices = section.items("choices")
    if not choices:
        section.wrong("choices", "add at least one")
    for choice in choices:
        if not isinstance(choice, str) or not choice or not choice.isprintable():
            section.wrong("choices", "expected texts of printable characters")
        yield choice


def _placed(parameter: Parameter, pieces: tuple[Piece, ...], section: Section) -> Parameter:
    """The parameter, with what follows from where it is used."""
    uses = [piece for piece in pieces if piece.parameter == parameter.name]
    key = f"parameters.{parameter.name}"
    if not uses:
        section.wrong(key, "is used nowhere; use it in argv or remove it")
    has_prefix = all(piece.prefix for piece in uses)
    if parameter.type == "integer" and parameter.minimum < 0 and not has_prefix:
        section.wrong(key, 'may be negative, and a program would take -1 for an option; give it a "prefix" in argv')
    return replace(parameter, may_lead_dash=has_prefix)


def _variable(value: object, where: str) -> Variable:
    if isinstance(value, str) and "\0" not in value:
        return Variable(text=value)
    section = Section(value, where)
    made = Variable(file=section.path("file"))
    section.done()
    return made


# ---- the file: argument lists ------------------------------------------------------------------------------

# Programs that run a text, or another program, that is among their arguments.
SHELLS = re.compile(
    r"(?:ba|rba|a|da|z|k|mk|pdk|c|tc|fi|pw)?sh|busybox|toybox|ssh|env|xargs|parallel|sudo|su|doas|runuser|eval|expect"
    r"|[gmn]?awk|sed"
)
WRAPPERS = re.compile(
    r"timeout|nice|ionice|nohup|setsid|stdbuf|chroot|unshare|nsenter|systemd-run|flock|watch|strace|time"
)
INTERPRETERS = re.compile(r"python|pypy|perl|ruby|node|nodejs|deno|bun|php|lua|luajit|tclsh|osascript|R|Rscript")
CLIENTS = re.compile(r"psql|mysql|mariadb|sqlite|mongo|mongosh|cqlsh|clickhouse-client|influx|redis-cli")
CODE_OPTION = re.compile(
    r"-(?:[A-Za-z]{0,4}[ceEpr]|[ceEr].*|-(?:eval|command|execute|exec|print|query)(?:=.*)?)", re.DOTALL
)


def _argv(section: Section, key: str, parameters: dict[str, Parameter]) -> tuple[Piece, ...]:
    """An argument list whose program is an absolute path and no shell."""
    pieces = tuple(
        _piece(value, f"{section.where}.{key}[{at}]", parameters) for at, value in enumerate(section.items(key))
    )
    if not pieces or not os.path.isabs(pieces[0].literal):
        section.wrong(key, "must begin with the absolute path of a program, as a plain text")
    if any(piece.parameter for piece in pieces) and (why := _why_shell(pieces)):
        section.wrong(
            key,
            f"{why}, so a parameter here would be as good as a shell for whoever can write an alert. Write what is to"
            " be done into a script of its own, make it executable, and name the script as the program",
        )
    return pieces


def _piece(value: object, where: str, parameters: dict[str, Parameter]) -> Piece:
    if isinstance(value, str):
        if "\0" in value:
            raise ConfigError(f"{where}: a NUL character cannot be part of an argument")
        return Piece(literal=value)
    if not isinstance(value, dict):
        raise ConfigError(f'{where}: expected a text or {{"parameter": "..."}}')
    section = Section(value, where)
    name = section.text("parameter")
    made = Piece(parameter=name, prefix=_given(section, "prefix"), flag=_given(section, "flag"))
    section.done()
    if name not in parameters:
        section.wrong("parameter", f"{name!r} is not declared; add it to this action's parameters")
    if made.prefix and made.flag:
        section.wrong("flag", "a prefix and a flag exclude each other; remove one")
    if bool(made.flag) != (parameters[name].type == "boolean"):
        section.wrong("parameter", 'a boolean is used with "flag", and nothing else is')
    return made


def _given(section: Section, key: str) -> str:
    return section.text(key) if section.has(key) else ""


def _why_shell(pieces: tuple[Piece, ...]) -> str:
    """Why an argument of this list could become code; empty if it cannot."""
    for at, piece in enumerate(pieces):
        rest = pieces[at + 1 :]
        for name in _program_names(piece.literal, follow=at == 0):
            if SHELLS.fullmatch(name) or (at == 0 and WRAPPERS.fullmatch(name)):
                return f"{name} runs what its arguments say"
            if INTERPRETERS.fullmatch(name) and any(CODE_OPTION.fullmatch(one.literal or one.prefix) for one in rest):
                return f"{name} runs the text of its arguments"
            if INTERPRETERS.fullmatch(name) and at == 0 and not _has_script(rest):
                return f"{name} would run the script that a parameter names"
            if CLIENTS.fullmatch(name) and _takes_code(rest):
                return f"{name} runs the text of its arguments"
    return ""


def _program_names(literal: str, *, follow: bool) -> list[str]:
    """What a program may be called, without path and version; also the program that a link leads to."""
    names = [os.path.basename(literal)]
    if follow and (real := os.path.basename(os.path.realpath(literal))) not in ("busybox", "toybox"):
        names.append(real)  # where ls is a link to busybox it is still ls
    return [re.sub(r"[-0-9.]+\Z", "", name) for name in names]


def _has_script(pieces: tuple[Piece, ...]) -> bool:
    """Whether the first argument that is no option is a literal."""
    for piece in pieces:
        if piece.parameter:
            return False
        if not piece.literal.startswith("-"):
            return True
    return False


def _takes_code(pieces: tuple[Piece, ...]) -> bool:
    """Whether a parameter stands where a database client expects a statement."""
    before = ""
    for piece in pieces:
        if piece.parameter and CODE_OPTION.fullmatch(piece.prefix or before):
            return True
        before = piece.literal
    return False


# ---- files that must be safe -------------------------------------------------------------------------------


def read_file(path: str, what: str, check: Callable[[os.stat_result], None] = lambda status: None) -> bytes:
    """The contents of a regular file. Raises ConfigError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ConfigError(f"{path} ({what}) is not a regular file")
            check(status)
            data = file.read(MOST_ANSWER + 1)
    except OSError as error:
        raise ConfigError(f"{path} ({what}) cannot be read: {error.strerror}") from None
    if len(data) > MOST_ANSWER:
        raise ConfigError(f"{path} ({what}) is larger than 1 MB")
    return data


def read_guarded(path: str, what: str, *, is_secret: bool = False) -> str:
    """The text of a file that nobody else may write, nor read if it is secret. Raises ConfigError."""

    def check(status: os.stat_result) -> None:
        if status.st_uid not in (0, os.getuid()):
            raise ConfigError(f"{path} ({what}) belongs to somebody else; run: chown root {path}")
        if status.st_mode & 0o022:
            raise ConfigError(f"{path} ({what}) may be written by others; run: chmod go-w {path}")
        if is_secret and status.st_mode & 0o007:
            raise ConfigError(f"{path} ({what}) may be read by others; run: chmod o= {path}")

    try:
        return read_file(path, what, check).decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{path} ({what}) is not UTF-8") from None


def read_token(path: str) -> str:
    """The token that Muster showed when the runner was made there. Raises ConfigError."""
    token = read_guarded(path, "token file", is_secret=True).strip()
    if not TOKEN.fullmatch(token):
        raise ConfigError(f"{path} (token file) holds no runner token; one begins with mrn_. Copy it from Muster again")
    return token


def become(user: str) -> None:
    """Give up root for this user, for good. Raises ConfigError where that cannot be, or would change nothing."""
    am_root = os.getuid() == 0
    if am_root and not user:
        raise ConfigError(
            'user: is missing; started as root, the runner needs the name of a user to become: "user": "..."'
        )
    if not user:
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
        lock = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        owner = pwd.getpwuid(os.getuid()).pw_name
        raise ConfigError(
            f"{folder} (state) cannot be used: {error.strerror}; run: install -d -m 0700 -o {owner} {folder}"
        ) from None
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
    state: str
    ran: bool = False
    outcome: str = ""
    exit_code: int | None = None
    detail: str = ""
    left_out: int = 0

    def finished(self, outcome: str, detail: str, *, exit_code: int | None = None, left_out: int = 0) -> Entry:
        """The same execution with its end."""
        return replace(
            self, state="finished", outcome=outcome, detail=detail[:500], exit_code=exit_code, left_out=left_out
        )

    def after_restart(self) -> Entry:
        """What a new runner makes of an entry that the one before it has left."""
        if self.state == "claimed":
            return self.finished("failed", NOT_BEGUN)
        return self.finished("unknown", CUT_SHORT) if self.state == "executing" else self


class Journal:
    """Entries in a folder, one file each, until Muster has taken their end; and the ids of what was run, for good.

    A method that writes has written, to the disk, when it returns; it raises OSError otherwise.
    """

    def __init__(self, state: str) -> None:
        self._folder = os.path.join(state, "journal")
        self._executed_file = os.path.join(state, "executed")
        self._lock = threading.RLock()
        self._entries: dict[tuple[int, str], Entry] = {}
        self._executed: dict[int, None] = dict.fromkeys(self._read_executed())
        for name in sorted(os.listdir(self._folder)):
            self._read(name)

    def knows(self, execution: int, token: str | None = None) -> bool:
        """Whether the execution was begun here, with this token or with any."""
        with self._lock:
            if token is not None:
                return (execution, token) in self._entries
            return execution in self._executed or any(known == execution for known, _ in self._entries)

    def open_entries(self) -> list[Entry]:
        """The entries whose end Muster has not taken."""
        with self._lock:
            return list(self._entries.values())

    def begin(self, entry: Entry) -> bool:
        """Write a new entry; False, and nothing written, where its execution was begun before."""
        with self._lock:
            if self.knows(entry.execution):
                return False
            self.put(entry)
            return True

    def put(self, entry: Entry) -> None:
        """Write an entry, in place of what stood there."""
        with self._lock:
            self._entries[entry.execution, entry.token] = entry
            self._write(self._path(entry), json.dumps(asdict(entry)))

    def close(self, entry: Entry) -> None:
        """Muster has answered: what was run is remembered by its id, and the entry goes."""
        with self._lock:
            if entry.ran:
                self._executed[entry.execution] = None
                self._write_executed()
            self._entries.pop((entry.execution, entry.token), None)
            try:
                os.unlink(self._path(entry))
            except FileNotFoundError:
                return
            _sync_folder(self._folder)

    def _path(self, entry: Entry) -> str:
        return os.path.join(self._folder, f"{entry.execution}-{entry.token}.json")

    def _write(self, path: str, text: str) -> None:
        temporary = f"{path}.new"
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(os.path.dirname(path))

    def _write_executed(self) -> None:
        for oldest in list(self._executed)[:-TOMBSTONES]:
            del self._executed[oldest]
        self._write(self._executed_file, "".join(f"{one}\n" for one in self._executed))

    def _read_executed(self) -> list[int]:
        try:
            with open(self._executed_file, encoding="utf-8") as file:
                return [int(line) for line in file]
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{self._executed_file} cannot be read ({error}); it says which executions were run and must not be"
                " run again. Look what Muster shows as running on this runner, and only then remove the file"
            ) from None

    def _read(self, name: str) -> None:
        path = os.path.join(self._folder, name)
        if name.endswith(".new"):  # never became an entry
            os.unlink(path)
            return
        try:
            with open(path, encoding="utf-8") as file:
                entry = Entry(**json.load(file))
            if self._path(entry) != path:
                raise ValueError("is not what its name says")
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(
                f"{path} cannot be read ({error}); look what this execution has done, and only then remove the file"
            ) from None
        self._entries[entry.execution, entry.token] = entry


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- what a program prints ---------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Text without control characters and without marks that turn it around; ends of lines become newlines."""
    return UNWANTED.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def disguises(contents: bytes) -> set[str]:
    """How a secret may look in an output: as it is, its lines, and each as base64, in an address and in JSON."""
    whole = contents.decode("utf-8", "replace").rstrip("\r\n")
    found: set[str] = set()
    for secret in {whole, *(line.strip() for line in whole.splitlines())}:
        if len(secret) >= SHORTEST_SECRET:
            quoted = {urllib.parse.quote(secret), urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}
            lower = {re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), one) for one in quoted}
            as_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
            found |= {plain(secret), *quoted, *lower, *as_json, *_base64_of(secret.encode())}
    return {one for one in found if len(one) >= SHORTEST_SECRET}


def _base64_of(secret: bytes) -> Iterator[str]:
    """The secret alone, and what is the same of it wherever it stands within something longer."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(secret).decode()
        for shift in range(3):
            coded = encode(b"\0" * shift + secret).decode()
            end = len(coded) if coded[-1] != "=" else len(coded.rstrip("=")) - 1
            yield coded[(0, 2, 3)[shift] : end]


class Masker:
    """Replaces secrets in a text that comes in pieces. Holds back what may be the beginning of one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted(secrets)
        self._held = ""
        self._covered = 0  # so many characters of what is held belong to a secret that began before

    def feed(self, text: str, *, is_last: bool = False) -> str:
        """What may leave by now."""
        text = self._held + text
        spans = self._spans(text)
        keep = self._beginning(text)
        if is_last and len(text) - keep >= SHORTEST_SECRET:
            spans.append((keep, len(text)))
        if is_last:
            keep = len(text)
        passed, at, covered = [], 0, max(0, self._covered - keep)
        for start, end in sorted(spans):
            if start >= keep:
                break
            if end > at:
                passed += [text[at:start], MASK] if start >= at else []
                at = min(end, keep)
                covered = max(covered, end - keep)
        passed.append(text[at:keep])
        self._held, self._covered = text[keep:], covered
        return "".join(passed)

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Where secrets stand, also those that overlap."""
        spans = [(0, self._covered)] if self._covered else []
        for secret in self._secrets:
            at = text.find(secret)
            while at >= 0:
                spans.append((at, at + len(secret)))
                at = text.find(secret, at + 1)
        return spans

    def _beginning(self, text: str) -> int:
        """The first place from which on the text is the beginning of a secret and no more; its length if none is."""
        first = len(text)
        for secret in self._secrets:
            at = text.find(secret[0], max(0, len(text) - len(secret) + 1), first)
            while at >= 0:
                if secret.startswith(text[at:]):
                    first = at
                    break
                at = text.find(secret[0], at + 1, first)
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
        tail = bytes(self._tail)
        if self.left_out:
            begins_at = next((at for at in range(min(4, len(tail))) if tail[at] & 0xC0 != 0x80), 0)
            self.left_out += begins_at
            end_line = "" if self.text.endswith("\n") or not self.text else "\n"
            self.text += f"{end_line}… {self.left_out} bytes left out …\n"
            tail = tail[begins_at:]
        self.text += tail.decode("utf-8", "replace")

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


# ---- running a program -------------------------------------------------------------------------------------

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None


def _die_with(runner: int) -> None:
    """Between fork and exec: the kernel kills the program when the runner dies, however it dies."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != runner:  # it has died meanwhile
        os._exit(127)


class Program:
    """A program in a session and process group of its own. The thread that starts it must stay until it has ended:
    to the kernel that thread is its parent."""

    def __init__(self, argv: list[str], *, environment: dict[str, str], directory: str) -> None:
        """Start it. Raises OSError or ValueError where that is not possible."""
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            env=environment,
            cwd=directory,
            close_fds=True,
            start_new_session=True,
            umask=0o077,
            preexec_fn=functools.partial(_die_with, os.getpid()),
        )
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)
        self._is_open = True

    def supervise(self, output: Output, reason_to_stop: Callable[[], str]) -> tuple[int, str]:
        """Read until it has ended, or end it when there is a reason; its return code, and that reason.

        What is left of its process group then is killed, and output that a grandchild holds open is left alone.
        """
        reason, kill_at, leave_at = "", float("inf"), float("inf")
        try:
            while True:
                self._read_some(output)
                now = time.monotonic()
                if self._has_ended():
                    leave_at = min(leave_at, now + PIPE_SECONDS)
                    if not self._is_open or now >= leave_at:
                        break
                elif not reason:
                    if reason := reason_to_stop():
                        self._signal_group(signal.SIGTERM)
                        kill_at = now + TERM_SECONDS
                elif now >= kill_at:
                    self._signal_group(signal.SIGKILL)
        finally:
            self._signal_group(signal.SIGKILL)  # before it is waited for: until then its number stays its own
            code = self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
        output.close(now=time.monotonic())
        return code, reason

    def _read_some(self, output: Output) -> None:
        data = b""
        if not self._is_open:
            time.sleep(0.05)
        elif self._poll.poll(50):
            data = os.read(self._pipe, 65_536)
            self._is_open = bool(data)
        output.feed(data, now=time.monotonic())

    def _has_ended(self) -> bool:
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


# ---- speaking with Muster ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """A status and, with a 200, the object that came with it."""

    status: int
    body: dict[str, Any]


class Server:
    """Muster's side of the contract: JSON by POST, with the token. Redirects are not followed, nor proxies used."""

    def __init__(self, address: str, token: str, ca_file: str) -> None:
        parts = urllib.parse.urlsplit(address)
        self._host, self._port, self._path = parts.hostname or "", parts.port, f"{parts.path}/runner/v1/"
        self._tls = self._context(ca_file) if parts.scheme == "https" else None
        self.token = token
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "User-Agent": f"muster-runner/{VERSION}",
        }

    def post(self, path: str, body: dict[str, Any], *, within: float = REQUEST_SECONDS) -> Answer:
        """Ask once. Raises Unreachable."""
        connection = self._connect(within)
        try:
            connection.request("POST", self._path + path, json.dumps(body).encode(), self._headers)
            response = connection.getresponse()
            if response.status != 200:
                return Answer(response.status, {})
            found = json.loads(response.read(MOST_ANSWER))
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from None
        except (ValueError, RecursionError):
            raise Unreachable("the answer is not JSON; is this the address of Muster?") from None
        finally:
            connection.close()
        if not isinstance(found, dict):
            raise Unreachable("the answer is not an object; is this the address of Muster?")
        return Answer(200, found)

    def _connect(self, within: float) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=within)
        return http.client.HTTPSConnection(self._host, self._port, timeout=within, context=self._tls)

    @staticmethod
    def _context(ca_file: str) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"{ca_file} (ca_file) cannot be used: {error}") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


class Stream:
    """Sends an output as it grows, in a thread of its own, and hears whether the program is to be stopped."""

    def __init__(self, server: Server, entry: Entry, output: Output) -> None:
        self._server, self._output = server, output
        self._path, self._token = f"executions/{entry.execution}/output", entry.token
        self._sent = 0  # characters that Muster has
        self._is_wanted = True
        self._has_ended = threading.Event()
        self.is_to_stop = False
        self._thread = threading.Thread(target=self._send_all, name=f"output-{entry.execution}", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """The output is complete: wait until Muster has it, or does not want it."""
        self._has_ended.set()
        self._thread.join()

    def _send_all(self) -> None:
        heard_at, failures, stuck = time.monotonic(), 0, 0
        while self._is_wanted and stuck < DRAIN_TRIES:
            has_ended = self._has_ended.is_set()
            text = self._output.text[self._sent : self._sent + CHUNK_CHARACTERS]
            if has_ended and not text:
                return
            if text or time.monotonic() - heard_at >= HEARTBEAT_SECONDS:
                before = self._sent
                is_answered, is_taken = self._send(text)
                failures = 0 if is_taken else failures + 1
                heard_at = time.monotonic() if is_taken else heard_at
                stuck = stuck + 1 if has_ended and is_answered and self._sent <= before else 0
            if failures:
                self._wait(backoff(failures, BACKOFF_SECONDS if has_ended else 2.0), has_ended)
            elif not has_ended or stuck:
                self._wait(STREAM_SECONDS, has_ended)

    def _wait(self, seconds: float, has_ended: bool) -> None:
        if has_ended:
            time.sleep(seconds)
        else:
            self._has_ended.wait(seconds)

    def _send(self, text: str) -> tuple[bool, bool]:
        """Send a piece; whether there was any answer, and whether it was taken."""
        try:
            answer = self._server.post(self._path, {"token": self._token, "offset": self._sent, "text": text})
        except Unreachable:
            return False, False
        if answer.status in (404, 409):
            self._is_wanted = False
        received = answer.body.get("received")
        if type(received) is int:
            self._sent = max(0, min(received, len(self._output.text)))
        if answer.body.get("stop") is True:
            self.is_to_stop = True
        return True, answer.status == 200


class Courier:
    """Tells Muster how executions ended, in a thread of its own, each until it has been answered."""

    def __init__(self, server: Server, journal: Journal) -> None:
        self._server, self._journal = server, journal
        self._waiting: list[tuple[float, int, Entry]] = []  # when (monotonic), tries so far, what
        self._changed = threading.Condition()

    def deliver(self, entry: Entry) -> None:
        """Take charge of a finished execution."""
        with self._changed:
            self._waiting.append((time.monotonic(), 0, entry))
            self._changed.notify()

    def work_for_ever(self) -> None:
        """Deliver what is due, one after the other."""
        while True:
            tries, entry = self._next()
            if self._is_answered(entry, tries):
                self._close(entry)
            else:
                with self._changed:
                    self._waiting.append((time.monotonic() + backoff(tries), tries + 1, entry))

    def _next(self) -> tuple[int, Entry]:
        with self._changed:
            while True:
                first = min(self._waiting, key=lambda one: one[0], default=None)
                if first is not None and first[0] <= time.monotonic():
                    self._waiting.remove(first)
                    return first[1], first[2]
                self._changed.wait(None if first is None else first[0] - time.monotonic())

    def _is_answered(self, entry: Entry, tries: int) -> bool:
        told = {name: getattr(entry, name) for name in ("token", "outcome", "exit_code", "detail", "left_out")}
        try:
            status = self._server.post(f"executions/{entry.execution}/finish", told).status
        except Unreachable as error:
            if not tries:
                log(f"execution {entry.execution}: its end cannot be told yet: {error}")
            return False
        if status not in (200, 404, 409) and not tries:
            log(f"execution {entry.execution}: its end was not taken yet: Muster answered {status}")
        return status in (200, 404, 409)

    def _close(self, entry: Entry) -> None:
        try:
            self._journal.close(entry)
        except OSError as error:  # after a restart it is told again, which does no harm
            log(f"execution {entry.execution}: the journal cannot be written: {error.strerror}")


# ---- the runner --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """What Muster asks for. Only the id and the token are known to be well formed."""

    execution: int
    token: str
    body: dict[str, Any]

    @classmethod
    def of(cls, body: dict[str, Any]) -> Claim:
        """Raises ValueError where not even a refusal could be answered."""
        execution, token = body.get("execution"), body.get("token")
        if type(execution) is not int or execution < 1 or not isinstance(token, str):
            raise ValueError("a claim without execution and token")
        return cls(execution, str(uuid.UUID(token)), body)


@dataclass(frozen=True)
class Job:
    """A claim that the file allows, ready to run. ``seconds``: the smaller of both limits."""

    action: Action
    argv: list[str]
    environment: dict[str, str]
    secrets: set[str]
    seconds: int


class Runner:
    """Claims executions and carries out up to ``at_once`` of them, each in a thread of its own."""

    def __init__(self, config: Config, server: Server, journal: Journal) -> None:
        self._config, self._server, self._journal = config, server, journal
        self._courier = Courier(server, journal)
        self._slots = threading.Semaphore(config.at_once)
        self._stopping = threading.Event()
        self._failures = 0
        self._said = ""
        self._offer = {
            "version": VERSION,
            "host": socket.gethostname(),
            "actions": [action.offer() for action in config.actions.values()],
        }

    def run(self) -> int:
        """Work until SIGTERM or SIGINT; the exit code."""
        wake_read, wake_write = os.pipe()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os.write(wake_write, b"x") and None)
        for entry in self._journal.open_entries():
            log(f"execution {entry.execution}: left over as {entry.state}")
            self._courier.deliver(entry.after_restart())
        self._start(self._courier.work_for_ever, wake_write)
        self._start(self._claim_for_ever, wake_write)
        code = 0 if os.read(wake_read, 1) == b"x" else 1
        log("stopping")
        self._stopping.set()
        until = time.monotonic() + EXIT_SECONDS
        while self._journal.open_entries() and time.monotonic() < until:
            time.sleep(0.05)
        log("stopped")
        return code

    def _start(self, work: Callable[[], None], wake: int) -> None:
        """A thread without which there is no runner: a mistake in it ends the process, so that it is started anew."""

        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is
                log(f"the runner has a mistake and stops: {type(error).__name__}")
                os.write(wake, b"!")

        threading.Thread(target=guarded, daemon=True).start()

    # -- claiming

    def _claim_for_ever(self) -> None:
        while not self._stopping.is_set():
            if self._slots.acquire(timeout=0.5):
                claim, pause = self._claim()
                if claim is None or self._stopping.is_set():  # what was not begun goes back by itself
                    self._slots.release()
                else:
                    name = f"execution-{claim.execution}"
                    threading.Thread(target=self._carry_out, args=(claim,), name=name, daemon=True).start()
                self._stopping.wait(pause)

    def _claim(self) -> tuple[Claim | None, float]:
        """Ask for one execution; it, and how many seconds to wait before the next time."""
        try:
            answer = self._server.post("claim", self._offer)
            claim = Claim.of(answer.body) if answer.status == 200 else None
        except (Unreachable, ValueError) as error:
            return self._claim_failed(f"no connection to Muster: {error}")
        if answer.status in (401, 403):
            self._say("Muster does not accept the token; make a new one there, put it into the token file and restart")
            return None, REFUSED_SECONDS
        if answer.status not in (200, 204):
            return self._claim_failed(f"no work from Muster: it answered {answer.status}")
        self._failures = 0
        self._say("connected to Muster")
        return claim, CLAIM_SECONDS if claim else self._config.poll_seconds

    def _claim_failed(self, why: str) -> tuple[None, float]:
        self._failures += 1
        self._say(why)
        return None, backoff(self._failures)

    def _say(self, message: str) -> None:
        """Log, once for each change."""
        if message != self._said:
            self._said = message
            log(message)

    # -- one execution

    def _carry_out(self, claim: Claim) -> None:
        """From the claim to its end, which is then the courier's. Whatever happens here, it has one."""
        try:
            entry = self._execute(claim)
        except Exception as error:  # noqa: BLE001 - an end is owed to whoever waits
            log(f"execution {claim.execution}: the runner has a mistake: {type(error).__name__}")
            entry = Entry(claim.execution, claim.token, "claimed", ran=True)
            entry = entry.finished("unknown", "The runner made a mistake. Check what this has done.")
        finally:
            self._slots.release()
        if entry is not None:
            log(f"execution {entry.execution}: {entry.outcome}. {entry.detail}")
            self._courier.deliver(entry)

    def _execute(self, claim: Claim) -> Entry | None:
        """Its end, or None where there is nothing to say."""
        entry = Entry(claim.execution, claim.token, "claimed")
        try:
            if not self._journal.begin(entry):
                return self._replayed(entry)
            job = self._prepare(claim)
            log(f"execution {claim.execution}: {job.action.name}, {job.seconds} s at most")
            if not self._may_start(entry):
                self._journal.close(entry)
                log(f"execution {claim.execution}: given back; nothing was run")
                return None
            entry = replace(entry, state="executing", ran=True)
            self._journal.put(entry)
        except Refused as refusal:
            return self._ended(replace(entry, ran=False).finished("failed", str(refusal)))
        except OSError as error:
            why = f"The runner cannot write its journal: {error.strerror}. Nothing was run."
            return replace(entry, ran=False).finished("failed", why)
        return self._run(entry, job)

    def _replayed(self, entry: Entry) -> Entry | None:
        """What was begun once is never begun again. With the same token it is still under way or being told."""
        log(f"execution {entry.execution}: was begun here before; not again")
        if self._journal.knows(entry.execution, entry.token):
            return None
        return self._ended(replace(entry, ran=True).finished("unknown", REPLAYED))

    def _prepare(self, claim: Claim) -> Job:
        """Check the claim against the file and read the secrets. Raises Refused."""
        body = claim.body
        action = self._config.actions.get(body["action"]) if isinstance(body.get("action"), str) else None
        dry_run, seconds = body.get("dry_run"), body.get("seconds")
        if action is None:
            raise Refused("The runner's file has no action of this name. Nothing was run.")
        if not isinstance(dry_run, bool) or type(seconds) is not int or seconds < 1:
            raise Refused("It was not said whether this is a dry run, or for how long it may run. Nothing was run.")
        argv = action.command(body.get("parameters"), dry_run=dry_run)
        try:
            contents = {path: read_file(path, "secret") for path in self._config.secret_files()}
        except ConfigError as error:
            raise Refused(f"{error}. Nothing was run.") from None
        environment = {name: _value_of(variable, contents) for name, variable in action.environment.items()}
        secrets = {one for content in [self._server.token.encode(), *contents.values()] for one in disguises(content)}
        return Job(action, argv, {**DEFAULT_ENVIRONMENT, **environment}, secrets, min(seconds, action.seconds))

    def _may_start(self, entry: Entry) -> bool:
        """Ask Muster for the word to begin. Raises Refused when there is none that is clear."""
        until, tries = time.monotonic() + START_SECONDS, 0
        while (left := until - time.monotonic()) > 0:
            if self._stopping.is_set():
                raise Refused(NOT_BEGUN)
            try:
                path = f"executions/{entry.execution}/start"
                status = self._server.post(path, {"token": entry.token}, within=min(left, REQUEST_SECONDS)).status
            except Unreachable:
                status = 0
            if status == 200 and not self._stopping.is_set():
                return True
            if status in (404, 409):
                return False
            self._stopping.wait(backoff(tries, 2.0))
            tries += 1
        raise Refused("Muster did not say clearly that it may begin. Nothing was run.")

    def _run(self, entry: Entry, job: Job) -> Entry:
        output = Output(job.action.output_bytes, job.secrets)
        until = time.monotonic() + job.seconds
        try:
            program = Program(job.argv, environment=job.environment, directory=job.action.directory)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "an argument or a variable cannot be handed over"
            return self._ended(entry.finished("failed", f"The program could not be started: {why}."))
        stream = Stream(self._server, entry, output)

        def reason_to_stop() -> str:
            if self._stopping.is_set():
                return RUNNER_STOPPED
            if stream.is_to_stop:
                return STOPPED
            return f"It took longer than {job.seconds} s and was stopped." if time.monotonic() >= until else ""

        try:
            code, reason = program.supervise(output, reason_to_stop)
            outcome, detail = "failed" if code or reason else "done", reason or _how_it_ended(code)
            exit_code = code if code >= 0 else None
            return self._ended(entry.finished(outcome, detail, exit_code=exit_code, left_out=output.left_out))
        finally:
            stream.finish()

    def _ended(self, entry: Entry) -> Entry:
        """Write down an end. Where that fails it is still told; after a restart it would be told as unknown."""
        try:
            self._journal.put(entry)
        except OSError as error:
            log(f"execution {entry.execution}: the journal cannot be written: {error.strerror}")
        return entry


def _value_of(variable: Variable, contents: dict[str, bytes]) -> str:
    if not variable.file:
        return variable.text
    return contents[variable.file].decode("utf-8", "surrogateescape").rstrip("\r\n")


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return "" if code == 0 else f"It ended with exit code {code}."
    try:
        return f"It was ended by the signal {signal.Signals(-code).name}."
    except ValueError:
        return f"It was ended by the signal {-code}."


# ---- the command line --------------------------------------------------------------------------------------


def table(config: Config) -> str:
    """The actions of the file, for whoever checks it."""
    rows = [("ACTION", "EFFECT", "DRY RUN", "SECONDS", "PROGRAM", "PARAMETERS")]
    for action in config.actions.values():
        program = action.argv[0].literal
        is_there = os.access(program, os.X_OK)
        parameters = ", ".join(f"{one.name} ({one.type})" for one in action.parameters.values()) or "none"
        effect, dry_run = "reads" if action.read_only else "changes", "yes" if action.dry_run_argv else "no"
        there = program if is_there else f"{program} (not there!)"
        rows.append((action.name, effect, dry_run, str(action.seconds), there, parameters))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join("  ".join(row[at].ljust(widths[at]) for at in range(len(row))).rstrip() for row in rows)


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
            print(table(config))
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
