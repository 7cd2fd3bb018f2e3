"""Actions, runners and executions over the API."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from automation import defining, runners
from automation.models import Action, Runner
from tests import make
from tests.api.caller import fields_of, mistakes_of
from tests.make import NOW

pytestmark = pytest.mark.django_db

GROUP = {"name": "group", "label": "Consumer group", "fact": "consumergroup"}
REPLICAS = {"name": "replicas", "type": "integer", "minimum": 1, "maximum": 20, "default": 4}
REQUEST = {
    "slug": "scale-up",
    "name": "Scale the consumers",
    "kind": "scale",
    "way": "http",
    "url": "https://ci.example.com/hook",
    "authorization": "Bearer abcdef",
    "parameters": [GROUP, REPLICAS],
    "services": ["kafka"],
    "has_dry_run": True,
}


@pytest.fixture(autouse=True)
def _kafka(db):
    make.service("kafka")


# ---- actions -------------------------------------------------------------------------------------------------------


def test_a_request_is_defined_and_its_secrets_are_shown_once_or_never(root, api, time_machine):
    time_machine.move_to(NOW, tick=False)
    made = root.post("actions", REQUEST, key="once")
    assert made.status_code == 201, made.content
    shown = made.json()
    assert shown.pop("signing_secret").startswith("whsec_")
    assert shown == {
        "slug": "scale-up",
        "name": "Scale the consumers",
        "summary": "",
        "kind": "scale",
        "way": "http",
        "runner": None,
        "command": "",
        "format": "generic",
        "url": "https://ci.example.com/hook",
        "target": "",
        "has_authorization": True,
        "parameters": [
            {
                "name": "group", "type": "name", "label": "Consumer group", "is_required": True, "default": None,
                "minimum": None, "maximum": None, "choices": [], "pattern": "", "fact": "consumergroup",
            },
            {
                "name": "replicas", "type": "integer", "label": "", "is_required": True, "default": 4, "minimum": 1,
                "maximum": 20, "choices": [], "pattern": "", "fact": "",
            },
        ],
        "is_read_only": False,
        "is_destructive": False,
        "has_dry_run": True,
        "is_automatic": False,
        "seconds": 120,
        "services": ["kafka"],
        "rollback": None,
        "revision": 1,
        "archived_at": None,
        "created_at": "2026-10-14T01:47:08Z",
        "page_url": shown["page_url"],
    }  # fmt: skip
    assert shown["page_url"].endswith("/actions/scale-up")
    again = root.post("actions", REQUEST, key="once")
    assert (again.status_code, again.json()) == (201, shown | {"signing_secret": None})
    assert root.items("actions") == [shown] == [root.get("actions/scale-up").json()]
    assert api.items("actions") == [shown | {"url": "https://ci.example.com/…"}]
    assert b"abcdef" not in api.get("actions/scale-up").content
    assert api.get("actions/nothing").status_code == 404


def test_a_command_of_a_runner_is_defined(root):
    runner, _ = make.runner("Kafka")
    body = {"slug": "lag", "name": "Lag", "way": "runner", "runner": runner.pk, "command": "lag", "is_read_only": True}
    made = root.post("actions", body | {"is_automatic": True, "services": ["kafka"], "rollback": None})
    assert made.status_code == 201, made.content
    shown = made.json()
    assert (shown["runner"], shown["command"], shown["signing_secret"]) == (runner.pk, "lag", None)
    renewed = root.post("actions/lag/signing-secret")
    assert (renewed.status_code, renewed.json()["detail"]) == (
        409, "“Lag” is done by a runner: there is no request to sign.",
    )  # fmt: skip


def test_a_change_of_what_it_does_is_a_revision(root):
    root.post("actions", REQUEST)
    make.action("scale-down")

    def changed(**fields):
        answer = root.patch("actions/scale-up", fields)
        assert answer.status_code == 200, answer.content
        return answer.json()

    assert (changed(name="Scale up", rollback="scale-down")["revision"], changed()["rollback"]) == (1, "scale-down")
    assert changed(parameters=[GROUP])["revision"] == 2
    assert changed(rollback=None, services=[])["rollback"] is None
    assert changed(seconds=60)["services"] == []
    assert changed(archived=True, summary="Not used any more")["archived_at"]
    back = changed(archived=False)
    assert (back["archived_at"], back["summary"], back["revision"]) == (None, "Not used any more", 4)
    assert changed(authorization="")["has_authorization"] is False
    assert changed(authorization="Bearer xyz")["has_authorization"] is True
    assert [field for field, _ in mistakes_of(root.patch("actions/scale-up", {"url": "https://other.example"}))] == [
        "authorization"
    ]
    logged = AuditEntry.objects.filter(object_type="automation.action", action="new authorization")
    assert logged.count() == 2
    assert "xyz" not in str(list(AuditEntry.objects.values("before", "after")))


def test_a_new_secret_replaces_the_old_one(root):
    first = root.post("actions", REQUEST).json()["signing_secret"]
    second = root.post("actions/scale-up/signing-secret").json()["signing_secret"]
    assert second != first
    assert Action.objects.get().signing_secret == second


def test_actions_are_narrowed(root, api):
    root.post("actions", REQUEST)
    make.action("lag", summary="Kafka consumer lag", is_read_only=True)
    defining.archive(make.action("gone"), by=None)
    for query, slugs in {
        "": ["lag", "scale-up"], "q=CONSUMER": ["lag", "scale-up"], "q=consumer lag": ["lag"], "q=%25": [],
        "service=kafka": ["scale-up"], "kind=diagnostics": ["lag"], "archived=true": ["gone"], "service=x": [],
    }.items():  # fmt: skip
        assert [row["slug"] for row in api.items(f"actions?{query}")] == slugs, query
    for query in ("kind=x", "kinds=fix", "archived=x", "q=%00", "service=%00", "cursor=x"):
        assert api.get(f"actions?{query}").status_code in (400, 422), query


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"slug": "a b"}, "slug"),
        ({"slug": "new"}, "slug"),
        ({"name": " "}, "name"),
        ({"kind": "destroy"}, "kind"),
        ({"way": "shell"}, "way"),
        ({"format": "soap"}, "format"),
        ({"url": "https://["}, "url"),
        ({"url": "https://a:99999/"}, "url"),
        ({"url": "https://user:password@example.com/"}, "url"),
        ({"url": "https://example.com/{group}"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"authorization": "Bearer a\r\nX-Other: b"}, "authorization"),
        ({"authorization": "Bearer ü"}, "authorization"),
        ({"format": "github"}, "target"),
        ({"way": "runner"}, "runner"),
        ({"way": "runner", "command": "x", "runner": 999}, "runner"),
        ({"runner": 10**17}, "runner"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": 3601}, "seconds"),
        ({"services": ["nope"]}, "services"),
        ({"rollback": "nope"}, "rollback"),
        ({"is_automatic": True}, "is_automatic"),
        ({"is_destructive": True, "is_read_only": True}, "is_destructive"),
        ({"signing_secret": "x"}, "signing_secret"),
        ({"parameters": [{"name": "dry_run"}]}, "parameters"),
        ({"parameters": [{"name": "a"}, {"name": "a"}]}, "parameters"),
        ({"parameters": [{"name": "a b"}]}, "parameters"),
        ({"parameters": [{"name": "a", "type": "shell"}]}, "parameters.0.type"),
        ({"parameters": [{"name": "a", "type": "text", "pattern": "("}]}, "parameters"),
        ({"parameters": [{"name": "a", "type": "text", "pattern": "(.{1000}){1000}"}]}, "parameters"),
        ({"parameters": [{"name": "a", "type": "choice"}]}, "parameters"),
        ({"parameters": [{"name": "a", "type": "integer", "minimum": 3, "maximum": 2}]}, "parameters"),
        ({"parameters": [{"name": "a", "minimum": 2**54}]}, "parameters.0.minimum"),
        ({"parameters": [{"name": "a", "default": ["x"]}]}, "parameters"),
        ({"parameters": [{"name": "a", "default": 1.5}]}, "parameters"),
        ({"parameters": [{"name": "a", "command": "rm"}]}, "parameters.0.command"),
        ({"parameters": [{"name": f"a{number}"} for number in range(21)]}, "parameters"),
    ],
)
def test_what_makes_no_action_is_named(root, change, where):
    answer = root.post("actions", REQUEST | change)
    assert where in [field for field, _ in mistakes_of(answer)], answer.content
    assert not Action.objects.exists()


def test_a_slug_is_taken_once(root):
    root.post("actions", REQUEST)
    assert fields_of(root.post("actions", REQUEST)) == ["slug"]
    assert fields_of(root.patch("actions/scale-up", {"slug": "other"})) == ["slug"]
    assert fields_of(root.patch("actions/scale-up", {"rollback": "scale-up"})) == ["rollback"]


# ---- runners -------------------------------------------------------------------------------------------------------


def test_a_runner_is_made_and_its_token_is_shown_once(root, api, time_machine):
    time_machine.move_to(NOW, tick=False)
    made = root.post("runners", {"name": "Frankfurt"}, key="once")
    assert made.status_code == 201, made.content
    shown = made.json()
    token = shown.pop("token")
    runner = Runner.objects.get()
    assert runners.find(token) == runner
    assert shown == {
        "id": runner.pk, "name": "Frankfurt", "is_enabled": True, "token_prefix": token[:10], "heard_at": None,
        "is_heard": False, "host": "", "version": "", "offers": [], "created_at": "2026-10-14T01:47:08Z",
    }  # fmt: skip
    assert root.post("runners", {"name": "Frankfurt"}, key="once").json() == shown | {"token": None}
    assert api.items("runners") == [shown] == [api.get(f"runners/{runner.pk}").json()]
    offer = {"name": "lag", "read_only": True, "parameters": [{"name": "group", "pattern": "[a-z]+"}]}
    runners.heard(runner, version="1.0", host="fra-1", offers=[offer], now=NOW)
    heard = api.get(f"runners/{runner.pk}").json()
    assert (heard["heard_at"], heard["is_heard"], heard["host"]) == ("2026-10-14T01:47:08Z", True, "fra-1")
    assert heard["offers"] == [offer | {"description": "", "has_dry_run": False}]


def test_a_runner_is_renamed_switched_off_and_given_a_new_token(root):
    made = root.post("runners", {"name": "Frankfurt"}).json()
    path = f"runners/{made['id']}"
    assert root.patch(path, {"name": " Frankfurt 1\n", "is_enabled": False}).json()["name"] == "Frankfurt 1"
    assert runners.find(made["token"]) is None
    root.patch(path, {"is_enabled": True})
    assert runners.find(made["token"])
    token = root.post(f"{path}/token").json()["token"]
    assert (runners.find(made["token"]), runners.find(token)) == (None, Runner.objects.get())
    root.post("runners", {"name": "Other"})
    assert fields_of(root.post("runners", {"name": "Other"})) == ["name"]
    assert fields_of(root.patch(path, {"name": "Other"})) == ["name"]
    assert fields_of(root.patch(path, {"name": " "})) == ["name"]
    assert fields_of(root.patch(path, {"is_enabled": None})) == ["is_enabled"]
    assert fields_of(root.post("runners", {"name": "x", "offers": []})) == ["offers"]
    assert root.patch("runners/999", {"name": "x"}).status_code == 404


@pytest.mark.parametrize("path", ["actions", "runners"])
def test_lists_take_the_same_queries_for_one_row_and_for_many(api, root, path):
    counts = []
    api.get(path)  # the token was used
    for number in range(3):
        make.action(f"a{number}", services=(make.service(),), rollback=Action.objects.first())
        with CaptureQueriesContext(connection) as queries:
            assert len(api.items(path)) == number + 1
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2] <= 4
