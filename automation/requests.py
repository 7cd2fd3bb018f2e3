"""What is sent to the address of an action, in the words of whoever listens there; pure.

The address and the headers are the action's own and never hold a value of a parameter. Values are strings, numbers and
booleans inside a JSON body (Jenkins: fields of a form), written by the standard encoders.

Sources: GitHub REST "Create a workflow dispatch event" (2022-11-28), Argo Workflows ``WorkflowSubmitRequest``, Jenkins
``buildWithParameters``, AWX ``job_templates/N/launch``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from automation.parameters import Value

DRY_RUN = "dry_run"  # the name that tells the other side not to do it
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done, for whom. ``about`` is what a generic webhook is told besides."""

    action: str
    values: Mapping[str, Value]
    is_dry_run: bool = False
    has_dry_run: bool = False
    target: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """A body, and the headers that belong to it."""

    body: bytes
    headers: Mapping[str, str]


def build(format: str, order: Order) -> Request:
    """The request for whoever listens. Raises KeyError for a format that there is none of."""
    return _BUILDERS[format](order)


def _generic(order: Order) -> Request:
    about = {"action": order.action, "parameters": dict(order.values), "dry_run": order.is_dry_run}
    return Request(_json({"type": "action.run", "data": {**order.about, **about}}), JSON)


def _github(order: Order) -> Request:
    """Every input of a workflow is a string; one called dry_run is sent where the action has a dry run."""
    inputs = {name: _word(value) for name, value in _with_dry_run(order, DRY_RUN).items()}
    headers = {**JSON, "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    return Request(_json({"ref": order.target, "inputs": inputs}), headers)


def _argo(order: Order) -> Request:
    """Argo splits a parameter at its first “=”, which no name has."""
    options: dict[str, Any] = {"parameters": [f"{name}={_word(value)}" for name, value in order.values.items()]}
    if order.is_dry_run:
        options["serverDryRun"] = True
    body = {"resourceKind": "WorkflowTemplate", "resourceName": order.target, "submitOptions": options}
    return Request(_json(body), JSON)


def _jenkins(order: Order) -> Request:
    fields = {name: _word(value) for name, value in _with_dry_run(order, DRY_RUN.upper()).items()}
    return Request(urlencode(fields).encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def _awx(order: Order) -> Request:
    """A dry run is a job of the type “check”; the template has to ask for it on launch."""
    body: dict[str, Any] = {"extra_vars": dict(order.values)}
    if order.has_dry_run:
        body["job_type"] = "check" if order.is_dry_run else "run"
    return Request(_json(body), JSON)


def _with_dry_run(order: Order, name: str) -> dict[str, Value]:
    return {**order.values, name: order.is_dry_run} if order.has_dry_run else dict(order.values)


def _word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


_BUILDERS: dict[str, Callable[[Order], Request]] = {
    "generic": _generic,
    "github": _github,
    "argo": _argo,
    "jenkins": _jenkins,
    "awx": _awx,
}
