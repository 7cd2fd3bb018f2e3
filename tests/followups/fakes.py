"""Trackers on loopback that answer like the real ones: their addresses, payloads, errors and limits as documented.

GitHub REST 2022-11-28, GitLab REST v4, Jira Cloud REST v3, and a receiver of Standard Webhooks. ``canned`` answers come
first, one a request; with ``breaks`` the next ticket is made and the connection closed before a word was said.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, dict[str, str], Any]

TOKEN = "secret-token-of-a-test"


class Broken(Exception):
    """The connection is closed without an answer."""


class Fake:
    """What all of them share."""

    def __init__(self) -> None:
        self.url = ""
        self.tickets: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.canned: list[Answer] = []
        self.breaks = False
        self.pause = 0.0  # after something was made
        self.hangs = 0.0  # before each answer

    @property
    def asked(self) -> list[str]:
        """The methods and paths of what was asked."""
        return [f"{method} {urlsplit(path).path}" for method, path, _, _ in self.requests]

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """One request."""
        self.requests.append((method, path, headers, body))
        time.sleep(self.hangs)
        if self.canned:
            return self.canned.pop(0)
        if refused := self.refuse(headers):
            return refused
        parts, before = urlsplit(path), len(self.tickets)
        found = self.route(method, parts.path, parse_qs(parts.query), json.loads(body) if body else None)
        if len(self.tickets) > before:
            time.sleep(self.pause)
            if self.breaks:
                self.breaks = False
                raise Broken
        return found

    def refuse(self, headers: dict[str, str]) -> Answer | None:
        """The answer to somebody who may not."""
        raise NotImplementedError

    def route(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        """The answer to somebody who may."""
        raise NotImplementedError


class GitHub(Fake):
    """octo/repo."""

    limited: Answer = (
        403,
        {"Retry-After": "90"},
        {
            "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
            "documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
        },
    )
    errors: dict[int, Any] = {
        401: {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"},
        403: {"message": "Resource not accessible by personal access token", "status": "403"},
        404: {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"},
        410: {"message": "Issues has been disabled in this repository.", "status": "410"},
        422: {
            "message": "Validation Failed",
            "errors": [{"resource": "Issue", "field": "title", "code": "missing_field"}],
            "status": "422",
        },
    }

    def refuse(self, headers):
        """Only with the token, and with a version."""
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {}, self.errors[401]
        assert headers["x-github-api-version"] == "2022-11-28"
        return None

    def route(self, method, path, query, body):
        """Create, list, read."""
        if not path.startswith("/repos/octo/repo/issues"):
            return 404, {}, self.errors[404]
        number = path.removeprefix("/repos/octo/repo/issues").strip("/")
        if method == "POST" and not number:
            self.open(body["title"], body["body"])
            return 201, {"Location": self.tickets[-1]["url"]}, self.tickets[-1]
        if number:
            found = next((row for row in self.tickets if str(row["number"]) == number), None)
            return (200, {}, found) if found else (404, {}, self.errors[404])
        since = datetime.fromisoformat(query["since"][0])
        rows = [row for row in self.tickets if datetime.fromisoformat(row["updated_at"]) >= since]
        assert (query["state"], query["sort"], query["direction"]) == (["all"], ["created"], ["asc"])
        size, page = int(query["per_page"][0]), int(query["page"][0])
        return 200, {}, rows[(page - 1) * size : page * size]

    def open(self, title: str, body: str | None, **more: Any) -> dict[str, Any]:
        """An issue, as GitHub shows it."""
        number, now = len(self.tickets) + 1, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        row = {
            "url": f"{self.url}/repos/octo/repo/issues/{number}",
            "repository_url": f"{self.url}/repos/octo/repo",
            "html_url": f"https://github.com/octo/repo/issues/{number}",
            "id": 1_000_000 + number,
            "number": number,
            "title": title,
            "user": {"login": "muster-bot", "id": 7, "type": "Bot"},
            "labels": [],
            "state": "open",
            "state_reason": None,
            "locked": False,
            "assignees": [],
            "comments": 0,
            "created_at": now,
            "updated_at": now,
            "closed_at": None,
            "author_association": "COLLABORATOR",
            "body": body,
            **more,
        }
        self.tickets.append(row)
        return row

    def turn(self, state: str) -> None:
        """Close or reopen the last one."""
        self.tickets[-1]["state"] = {"closed": "closed", "open": "open"}[state]


class GitLab(Fake):
    """octo/ops."""

    limited: Answer = (429, {"Retry-After": "90", "RateLimit-Remaining": "0"}, "Retry later\n")
    errors: dict[int, Any] = {
        400: {"message": {"title": ["is too long (maximum is 255 characters)"]}},
        401: {"message": "401 Unauthorized"},
        403: {"error": "insufficient_scope", "error_description": "The request requires higher privileges."},
        404: {"message": "404 Project Not Found"},
    }

    def refuse(self, headers):
        """Only with the token."""
        return None if headers.get("private-token") == TOKEN else (401, {}, self.errors[401])

    def route(self, method, path, query, body):
        """Create, search, read."""
        if not path.startswith("/api/v4/projects/octo%2Fops/issues"):
            return 404, {}, self.errors[404]
        iid = path.removeprefix("/api/v4/projects/octo%2Fops/issues").strip("/")
        if method == "POST" and not iid:
            self.open(body["title"], body["description"])
            return 201, {}, self.tickets[-1]
        if iid:
            found = next((row for row in self.tickets if str(row["iid"]) == iid), None)
            return (200, {}, found) if found else (404, {}, {"message": "404 Not found"})
        assert query["in"] == ["description"]
        word = query["search"][0]
        return 200, {"X-Total": "1"}, [row for row in self.tickets[::-1] if word in row["description"]]

    def open(self, title: str, description: str) -> None:
        """An issue, as GitLab shows it."""
        iid = len(self.tickets) + 1
        self.tickets.append(
            {
                "id": 900 + iid,
                "iid": iid,
                "project_id": 4,
                "title": title,
                "description": description,
                "state": "opened",
                "created_at": "2026-10-14T01:47:08.120Z",
                "updated_at": "2026-10-14T01:47:08.120Z",
                "closed_at": None,
                "labels": [],
                "author": {"id": 3, "username": "muster-bot", "state": "active"},
                "type": "ISSUE",
                "web_url": f"https://gitlab.com/octo/ops/-/issues/{iid}",
                "references": {"short": f"#{iid}", "relative": f"#{iid}", "full": f"octo/ops#{iid}"},
            }
        )

    def turn(self, state: str) -> None:
        """Close or reopen the last one."""
        self.tickets[-1]["state"] = {"closed": "closed", "open": "opened"}[state]


class Jira(Fake):
    """The project OPS. Its search knows only what is ``indexed``, as the real one does for a while."""

    limited: Answer = (429, {"Retry-After": "90", "X-RateLimit-Reset": "2026-10-14T01:50Z"}, "Rate limit exceeded")
    errors: dict[int, Any] = {
        400: {"errorMessages": [], "errors": {"issuetype": "Specify a valid issue type"}},
        401: "Client must be authenticated to access this resource.",
        403: {"errorMessages": ["You do not have permission to create issues in this project."], "errors": {}},
        404: {"errorMessages": ["Issue does not exist or you do not have permission to see it."], "errors": {}},
    }
    JQL = re.compile(r'project = "OPS" AND description ~ "\\"([\w-]+)\\""')
    _CATEGORIES = {"open": ("To Do", "new"), "closed": ("Released", "done")}

    def __init__(self) -> None:
        super().__init__()
        self.is_indexed = True

    def refuse(self, headers):
        """Only with e-mail address and token."""
        pair = base64.b64encode(f"a@b.example:{TOKEN}".encode()).decode()
        return None if headers.get("authorization") == f"Basic {pair}" else (401, {}, self.errors[401])

    def route(self, method, path, query, body):
        """Create, search, read."""
        if (method, path) == ("POST", "/rest/api/3/issue"):
            return self._create(body["fields"])
        if (method, path) == ("POST", "/rest/api/3/search/jql"):
            marker = self.JQL.fullmatch(body["jql"])[1]
            rows = [row for row in self.tickets if self.is_indexed and marker in json.dumps(row["fields"])]
            return 200, {}, {"issues": rows, "isLast": True}
        key = path.removeprefix("/rest/api/3/issue/")
        found = next((row for row in self.tickets if row["key"] == key), None)
        return (200, {}, found) if found else (404, {}, self.errors[404])

    def _create(self, fields: dict[str, Any]) -> Answer:
        document = fields["description"]
        if fields["project"] != {"key": "OPS"}:
            return 400, {}, {"errorMessages": [], "errors": {"project": "valid project is required"}}
        if fields["issuetype"] != {"name": "Task"}:
            return 400, {}, self.errors[400]
        assert (document["type"], document["version"]) == ("doc", 1)
        assert all(block["type"] == "paragraph" and block["content"] for block in document["content"])
        number = len(self.tickets) + 1
        made = {
            "id": str(10_000 + number),
            "key": f"OPS-{number}",
            "self": f"{self.url}/rest/api/3/issue/{10_000 + number}",
        }
        self.tickets.append({**made, "expand": "names", "fields": {**fields, "status": self._status("open")}})
        return 201, {}, made

    def _status(self, state: str) -> dict[str, Any]:
        name, key = self._CATEGORIES[state]
        return {"id": "1", "name": name, "statusCategory": {"id": 2, "key": key, "name": name, "colorName": "green"}}

    def turn(self, state: str) -> None:
        """Close or reopen the last one, under whatever name."""
        self.tickets[-1]["fields"]["status"] = self._status(state)


class Receiver(Fake):
    """A webhook that knows repeats by their id, and says what ``says`` has."""

    limited: Answer = (429, {"Retry-After": "90"}, "")
    errors: dict[int, Any] = {401: "", 404: "", 400: {"error": "no such queue"}}

    def __init__(self) -> None:
        super().__init__()
        self.says: dict[str, Any] = {"key": "T-1", "url": "https://tickets.example.com/T-1", "state": "open"}
        self.state = "open"
        self._known: set[str] = set()

    def refuse(self, headers):
        """Repeats are known by their id."""
        self._id = headers["webhook-id"]

    def route(self, method, path, query, body):
        """Take it, or say how it stands."""
        if body["type"] == "action_item.asked":
            return 200, {}, {"state": self.state} if body["data"]["key"] == "T-1" else {}
        if self._id not in self._known:
            self._known.add(self._id)
            self.tickets.append(body)
        return 200, {}, self.says

    def turn(self, state: str) -> None:
        """Close or reopen it."""
        self.state = state


@contextmanager
def running(fake: Fake) -> Iterator[Fake]:
    """The fake, listening on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, more, said = fake.answer(self.command, self.path, headers, body)
            except Broken:
                self.close_connection = True
                return
            text = (said if isinstance(said, str) else json.dumps(said)).encode()
            self.send_response(status)
            for name, value in {**more, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = _serve  # noqa: N815

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


FAKES: dict[str, type[Fake]] = {"github": GitHub, "gitlab": GitLab, "jira": Jira, "webhook": Receiver}
__all__ = ["FAKES", "TOKEN", "Fake", "GitHub", "GitLab", "Jira", "Receiver", "running"]
