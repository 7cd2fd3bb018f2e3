"""What each system that takes requests is sent."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

from automation.requests import Order, build

VALUES = {"group": "orders", "count": 3, "force": True}


def sent(format, **more):
    request = build(format, Order("restart", VALUES, **more))
    return json.loads(request.body)


def test_a_generic_webhook_is_told_everything():
    body = sent("generic", is_dry_run=True, has_dry_run=True, about={"incident": "INC-1"})
    assert body == {
        "type": "action.run",
        "data": {"incident": "INC-1", "action": "restart", "parameters": VALUES, "dry_run": True},
    }


def test_github_takes_strings():
    assert sent("github", target="main") == {
        "ref": "main",
        "inputs": {"group": "orders", "count": "3", "force": "true"},
    }
    assert sent("github", target="main", has_dry_run=True, is_dry_run=True)["inputs"]["dry_run"] == "true"
    assert build("github", Order("restart", {})).headers["X-GitHub-Api-Version"] == "2022-11-28"


def test_argo_submits_a_template():
    assert sent("argo", target="restart", has_dry_run=True, is_dry_run=True) == {
        "resourceKind": "WorkflowTemplate",
        "resourceName": "restart",
        "submitOptions": {"parameters": ["group=orders", "count=3", "force=true"], "serverDryRun": True},
    }
    assert "serverDryRun" not in sent("argo", target="restart", has_dry_run=True)["submitOptions"]


def test_jenkins_takes_a_form():
    request = build("jenkins", Order("restart", {**VALUES, "note": "a&b=c %0a"}, has_dry_run=True))
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.body.decode()) == {
        "group": ["orders"],
        "count": ["3"],
        "force": ["true"],
        "note": ["a&b=c %0a"],
        "DRY_RUN": ["false"],
    }


def test_awx_launches_a_job_or_a_check():
    assert sent("awx") == {"extra_vars": VALUES}
    assert sent("awx", has_dry_run=True)["job_type"] == "run"
    assert sent("awx", has_dry_run=True, is_dry_run=True)["job_type"] == "check"
