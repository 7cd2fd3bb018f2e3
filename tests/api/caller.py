"""A client of the API: one person's token, JSON in, JSON out."""

from __future__ import annotations

import itertools
import json
from typing import Any

from django.test import Client

from accounts import tokens
from accounts.models import User

_count = itertools.count(1)


class Caller:
    """Calls the API as one person, with a token of one scope."""

    def __init__(self, user: User, scope: str = "admin") -> None:
        self.user = user
        self.token, self.secret = tokens.create(user, name=f"test {next(_count)}", scope=scope, by=None)
        self.client = Client()

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str):
        """``body`` is sent as it is when it is bytes, and as JSON otherwise; ``key`` is the Idempotency-Key."""
        headers = {"authorization": f"Bearer {self.secret}", **headers}
        if key is not None:
            headers["idempotency-key"] = key
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        path = path if path.startswith("/") else f"/api/v1/{path}"
        return self.client.generic(method, path, data, content_type="application/json", headers=headers)

    def get(self, path: str, **headers: str):
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **options: Any):
        return self.call("POST", path, body, **options)

    def patch(self, path: str, body: Any, **options: Any):
        return self.call("PATCH", path, body, **options)

    def put(self, path: str, body: Any, **options: Any):
        return self.call("PUT", path, body, **options)

    def delete(self, path: str, **options: Any):
        return self.call("DELETE", path, **options)

    def items(self, path: str) -> list[dict[str, Any]]:
        """The items of one page."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.content
        return answer.json()["items"]


def declaration(**fields: Any) -> dict[str, Any]:
    """A body that declares an incident."""
    return {
        "title": "Checkout fails",
        "description": "",
        "severity": "high",
        "affected_services": [],
        **fields,
    }


def fields_of(answer) -> list[str]:
    """The fields that a problem names; it must be a problem document."""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == "about:blank"
    return [error["field"] for error in problem.get("errors", [])]


def mistakes_of(answer) -> list[tuple[str, str]]:
    """(field, message) of each mistake; the answer must be a 422."""
    assert answer.status_code == 422, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    return [(error["field"], error["message"]) for error in answer.json()["errors"]]
