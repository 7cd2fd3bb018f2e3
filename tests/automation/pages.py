"""What the tests of automation's pages share."""

from __future__ import annotations

import html
import re

from automation import executing
from automation.models import Execution

HTMX = {"HX-Request": "true"}


def words(response) -> str:
    """What a page says, without its markup."""
    body = re.sub(r"<svg.*?</svg>", "", response.content.decode(), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def begun(execution: Execution, output: str = "") -> str:
    """Its runner takes it, begins and prints; the token."""
    assert execution.runner
    work = executing.take(execution.runner)
    assert work
    executing.begin(execution.runner, work.execution, work.token)
    if output:
        executing.hear(execution.runner, work.execution, work.token, offset=0, text=output)
    return work.token


def ended(execution: Execution, outcome: str = "done", output: str = "", **more) -> Execution:
    """Its runner does it."""
    token = begun(execution, output)
    assert execution.runner
    executing.end(
        execution.runner,
        execution.pk,
        token,
        outcome=outcome,
        exit_code=more.pop("exit_code", 0),
        detail=more.pop("detail", ""),
        **more,
    )
    execution.refresh_from_db()
    return execution
