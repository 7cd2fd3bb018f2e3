"""What every tracker shares: an account to speak for, what is written there, and what an answer means.

A tracker is a module with three functions, none of which knows the database:

* ``create(account, draft)`` makes a ticket and gives it back
* ``find(account, marker, since=…)`` gives back the ticket whose text has the mark, or None
* ``look(account, key)`` says whether a ticket is closed; None where the tracker does not tell

``LAG``: how long after an attempt its ``find`` may still miss what the attempt has made, and ``CAN_FIND``: whether its
``find`` asks anybody at all. They raise ``Refusal``, ``Later`` or ``Doubtful``.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from automation.masking import mask
from core import http
from core.text import single_line
from notifications.channels.base import retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SECONDS = 8.0  # a request, in all
LIMIT = 4 * 1024 * 1024  # bytes of a list of tickets
LONGEST_URL = 1000  # characters
WORDS = 300  # characters of what a tracker says that are kept
WAIT = timedelta(minutes=1)  # where it asks us to slow down and does not say for how long
LONGEST_WAIT = timedelta(hours=1)
SHORT_LAG = timedelta(seconds=10)


class TrackerError(Exception):
    """It did not work; the message says why, for people."""


class Refusal(TrackerError):
    """The tracker says no, and would again: somebody has to change something. Nothing was made."""


class Later(TrackerError):
    """Nothing was made, and it is worth another try, ``after`` a while if the tracker says for how long."""

    def __init__(self, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class Doubtful(TrackerError):
    """Nobody knows whether anything was made: look before another try."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where a tracker is and for whom we speak there. ``secret`` is a token, or what requests are signed with."""

    base_url: str
    project: str = ""
    username: str = ""
    secret: str = field(default="", repr=False)
    issue_type: str = ""

    @property
    def root(self) -> str:
        """The address without a slash at its end."""
        return self.base_url.rstrip("/")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a ticket's text: words, what they are about as it was typed, and where they lead."""

    words: str
    quoted: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be written. ``about`` is what a generic webhook is told besides."""

    marker: str
    title: str
    lines: tuple[Line, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    def markdown(self) -> str:
        """As GitHub and GitLab read it. What people typed stands as code, so that it names nobody and nothing there."""
        return "\n\n".join(_markdown(line) for line in self.lines)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as the tracker has it; ``is_closed`` is None where it does not say. Its key is kept as one line. Its
    address is a link on pages: one that is none of the web is left out."""

    key: str
    url: str
    is_closed: bool | None = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", single_line(self.key))
        is_web = self.url.startswith(("https://", "http://")) and self.url.isprintable()
        if not is_web or len(self.url) > LONGEST_URL:
            object.__setattr__(self, "url", "")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a tracker, and what its answers mean. ``makes`` is whether it may make something."""

    name: str
    account: Account
    headers: Mapping[str, str]
    limited: Callable[[http.Response], bool] = lambda answer: answer.status == 429

    def get(self, path: str) -> Any:
        """The JSON of an answer to a GET; None where there is nothing."""
        answer = self._sent(f"{self.account.root}{path}", None, makes=False)
        if answer.status in (404, 410):
            return None
        return self._json(self._checked(answer, makes=False), makes=False)

    def post(self, path: str, body: Any, *, makes: bool = True) -> Any:
        """The JSON of an answer to a POST of JSON."""
        url = f"{self.account.root}{path}"
        return self._json(self.send(url, json.dumps(body).encode(), makes=makes), makes=makes)

    def send(self, url: str, body: bytes, *, makes: bool) -> http.Response:
        """The answer to a POST, if it was taken."""
        return self._checked(self._sent(url, body, makes=makes), makes=makes)

    def _sent(self, url: str, body: bytes | None, *, makes: bool) -> http.Response:
        headers = {"Accept": "application/json", **self.headers}
        try:
            if body is None:
                return http.get(url, headers=headers, limit=LIMIT, total_seconds=SECONDS)
            headers = {"Content-Type": "application/json", **headers}
            return http.post(url, body=body, headers=headers, total_seconds=SECONDS)
        except http.TimedOut as error:
            raise (Doubtful if makes else Later)(f"{self.name}: {error}.") from None
        except http.Unreachable as error:
            raise Later(f"{self.name}: {error}.") from None
        except http.HttpError as error:
            raise Refusal(f"{self.name}: {error}.") from None

    def _checked(self, answer: http.Response, *, makes: bool) -> http.Response:
        if self.limited(answer):
            raise Later(f"{self.name} asks us to slow down (HTTP {answer.status}).", after=_wait(answer))
        if answer.status >= 500 or answer.status in (408, 425):
            raise (Doubtful if makes else Later)(f"{self.name} failed: HTTP {answer.status}{self._said(answer)}")
        if not 200 <= answer.status < 300:
            raise Refusal(f"{self._why(answer.status)}{self._said(answer)}")
        return answer

    def _json(self, answer: http.Response, *, makes: bool) -> Any:
        try:
            return json.loads(answer.body)
        except ValueError:
            raise (Doubtful if makes else Later)(f"{self.name} gave an answer that cannot be read.") from None

    def _why(self, status: int) -> str:
        place = f" {self.account.project}" if self.account.project else ""
        if status == 401:
            return f"{self.name} does not accept the token (HTTP 401)"
        if status == 403:
            return f"The token may not do this in{place or ' the project'} (HTTP 403)"
        if status in (404, 410):
            return f"{self.name} has no{place or ' such project'}, or the token does not see it (HTTP {status})"
        if 300 <= status < 400:
            return f"{self.name} has moved{place or ' the project'}: correct its address (HTTP {status})"
        return f"{self.name} did not take it (HTTP {status})"

    def _said(self, answer: http.Response) -> str:
        """The tracker's own words, without our secret."""
        text = _words(answer.body)
        return f": {single_line(mask(text, [self.account.secret]), limit=WORDS)}" if text else "."


def as_object(found: Any, name: str, *, makes: bool) -> dict[str, Any]:
    """An answer that has to be an object."""
    if not isinstance(found, dict):
        raise (Doubtful if makes else Later)(f"{name} gave an answer that cannot be read.")
    return found


def has_mark(text: object, marker: str) -> bool:
    """Whether a text has the mark, and not a longer one that begins like it."""
    return isinstance(text, str) and re.search(rf"(?<![\w-]){re.escape(marker)}(?![\w-])", text) is not None


def _wait(answer: http.Response) -> timedelta:
    """For how long: Retry-After, or GitHub's time of the next hour's ration, or a minute."""
    seconds = retry_after(answer.headers.get("retry-after"))
    if seconds is not None:
        return timedelta(seconds=seconds)
    again = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and again.isdecimal() and len(again) < 12:
        left = timedelta(seconds=int(again) - time.time())
        return min(max(left, WAIT), LONGEST_WAIT)
    return WAIT


def _words(body: bytes) -> str:
    """What an error says: the messages of GitHub, GitLab and Jira, or a short text."""
    text = body[:4096].decode("utf-8", "replace")
    try:
        found = json.loads(body)
    except ValueError:
        return "" if text.lstrip().startswith("<") else text.strip()
    return "; ".join(_messages(found))


def _messages(found: Any) -> list[str]:
    if isinstance(found, str):
        return [found]
    if isinstance(found, list):
        return [text for each in found for text in _messages(each)]
    if not isinstance(found, dict):
        return []
    texts = [text for name in ("message", "error", "errorMessages") for text in _messages(found.get(name))]
    errors = found.get("errors")
    if isinstance(errors, dict):
        return texts + [f"{name}: {text}" for name, each in errors.items() for text in _messages(each)]
    if isinstance(errors, list):
        return texts + [_github_error(each) for each in errors]
    plain = {name: each for name, each in found.items() if isinstance(each, list)} if not texts else {}
    return texts + [f"{name}: {text}" for name, each in plain.items() for text in _messages(each)]


def _github_error(found: Any) -> str:
    if not isinstance(found, dict):
        return str(found)
    return str(found.get("message") or f"{found.get('field', 'a field')}: {found.get('code', 'is not right')}")


def _markdown(line: Line) -> str:
    quoted = f" `{line.quoted.replace('`', chr(39))}`" if line.quoted else ""
    link = f" <{line.url}>" if line.url else ""
    return f"{line.words}{quoted}{link}"
