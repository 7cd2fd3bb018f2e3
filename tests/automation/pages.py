"""What the tests of automation's pages share."""

from __future__ import annotations

import html
import re

from automation import asking, executing
from automation.asking import Wish
from automation.models import Execution
from automation.parameters import Parameter

HTMX = {"HX-Request": "true"}
GROUP = Parameter("group", "name", "Consumer group", fact="consumer_group")
REPLICAS = Parameter("replicas", "integer", "Replicas", minimum=1, maximum=20)


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


def asked_for(action, incident, by, **wish):
    return asking.ask(action, incident, Wish(**{"values": {}, **wish}), by=by)[0]


def panel_of(client, incident):
    return (
        client.get(incident.get_absolute_url())
        .content.decode()
        .split('id="automation-panel"')[1]
        .split("</section>")[0]
    )
