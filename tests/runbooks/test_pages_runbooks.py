"""Pages of runbooks: the list, reading, the editor, history."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from runbooks import editing
from runbooks.guides import Step
from runbooks.models import Run, Runbook
from tests import make

pytestmark = pytest.mark.django_db

LIST = "/runbooks/"


@pytest.fixture
def manager():
    return make.user("maya", role="manager")


@pytest.fixture
def at_desk(client, manager):
    client.force_login(manager)
    return client


def titles(response):
    return [runbook.title for runbook, _, _ in response.context["rows"]]


def text_of(response):
    return html.unescape(response.content.decode())


def form(*steps, **fields):
    """What a browser sends; steps are (key, title, body, action)."""
    data = {"title": "Lag", "review_every_days": 180, "steps-TOTAL_FORMS": len(steps), "steps-INITIAL_FORMS": 0}
    for i, step in enumerate(steps):
        data |= {f"steps-{i}-{name}": text for name, text in zip(("key", "title", "body", "action"), step, strict=True)}
    return data | fields


# ---- the list ------------------------------------------------------------------------------------------------------


def test_the_list_is_narrowed_by_words_service_and_review(at_desk):
    now = timezone.now()
    make.service("kafka")
    make.runbook("lag", Step("Look", "run describe"), title="B", services=("kafka",), at=now)
    make.runbook("old", title="A", services=("redis",), at=now - timedelta(days=210))
    editing.archive(make.runbook("gone", title="C", at=now), by=None)
    assert titles(at_desk.get(LIST)) == ["A", "B"]
    assert "210 days ago" in text_of(at_desk.get(LIST))
    for query, found in {
        "q=DESCRIBE": ["B"], "service=kafka": ["B"], "service=redis": ["A"], "show=stale": ["A"],
        "show=archived": ["C"], "q=describe&service=redis": [], "q=%00&service=%00&show=x": ["A", "B"],
    }.items():  # fmt: skip
        assert titles(at_desk.get(f"{LIST}?{query}")) == found, query
    assert dict(at_desk.get(LIST).context["services"]) == {"kafka": "Kafka", "redis": "redis"}
    assert "No runbook fits" in text_of(at_desk.get(f"{LIST}?q=nothing"))
    assert at_desk.get(f"{LIST}?cursor=x").status_code == 404


def test_list_and_page_cost_the_same_for_many_as_for_one(at_desk, alice):
    def cost():
        counts = []
        for address in (LIST, "/runbooks/first", "/runbooks/first/history"):
            with CaptureQueriesContext(connection) as queries:
                assert at_desk.get(address).status_code == 200
            counts.append(len(queries))
        return counts

    make.service("kafka")
    make.runbook("first", services=("kafka",), by=alice, team=make.team("core"))
    few = cost()
    for number in range(5):
        make.service(f"s{number}")
        make.runbook(services=("kafka", f"s{number}"), team=make.team())
    make.incident()
    assert cost() == few
    assert max(few) <= 9


def test_an_empty_list_says_what_to_do(at_desk, client, alice):
    assert "Write the first one" in text_of(at_desk.get(LIST))
    client.force_login(alice)
    assert "A manager can write guides" in text_of(client.get(LIST))


# ---- reading -------------------------------------------------------------------------------------------------------


def test_a_runbook_is_read_with_code_to_copy_and_nothing_that_acts(client, charlie):
    make.runbook(
        "lag",
        Step("Look", "Run\n\n```\nls <b>\n```\nIt prints\n```text\n0\n```\n<script>x</script>", "peek"),
        summary="**When** it is late",
    )
    client.force_login(charlie)
    page = client.get("/runbooks/lag").content.decode()
    assert "<strong>When</strong>" in page
    assert re.search(r'<pre id="1-code-1"><code>ls &lt;b&gt;\n</code></pre><button [^>]*data-copy="1-code-1"', page)
    assert page.count("data-copy=") == 1
    assert '<pre><code class="language-text">0\n</code></pre>' in page
    assert "<script>x" not in page
    assert "<code>peek</code>" in page
    assert "Start on an incident" not in page
    assert client.get("/runbooks/nothing").status_code == 404


def test_it_is_started_on_an_open_incident(client, alice):
    make.runbook("lag")
    incident, hidden = make.incident(title="Late"), make.incident(is_private=True)
    client.force_login(alice)
    page = text_of(client.get("/runbooks/lag"))
    assert incident.reference in page
    assert hidden.reference not in page
    answer = client.post("/runbooks/lag/start", {"incident": incident.reference})
    run = Run.objects.get()
    assert (answer.status_code, answer["Location"], run.incident) == (303, f"/runs/{run.pk}", incident)
    again = client.post("/runbooks/lag/start", {"incident": incident.reference.lower(), "next": "/incidents/INC-1#x"})
    assert (again["Location"], Run.objects.count()) == ("/incidents/INC-1#x", 1)
    for wrong in ("", "INC-999999", hidden.reference, "x"):
        answer = client.post("/runbooks/lag/start", {"incident": wrong})
        assert (answer.status_code, Run.objects.count()) == (422, 1)
    elsewhere = client.post("/runbooks/lag/start", {"incident": incident.reference, "next": "https://example.com/"})
    assert elsewhere["Location"] == f"/runs/{run.pk}"


def test_it_is_reviewed_archived_and_taken_back(at_desk, manager):
    make.runbook("lag", at=timezone.now() - timedelta(days=300))
    assert "Last reviewed 300 days ago" in text_of(at_desk.get("/runbooks/lag"))
    assert at_desk.post("/runbooks/lag/review").status_code == 303
    assert Runbook.objects.get().reviewed_by == manager
    assert "Last reviewed 300" not in text_of(at_desk.get("/runbooks/lag"))
    at_desk.post("/runbooks/lag/archive")
    assert Runbook.objects.get().archived_at is not None
    assert "Start on an incident" not in text_of(at_desk.get("/runbooks/lag"))
    assert at_desk.post("/runbooks/lag/start", {"incident": make.incident().reference}).status_code == 409
    at_desk.post("/runbooks/lag/archive", {"to": "current"})
    assert Runbook.objects.get().archived_at is None


# ---- writing -------------------------------------------------------------------------------------------------------


def test_a_runbook_is_written(at_desk, manager):
    kafka, team = make.service("kafka"), make.team("core")
    assert at_desk.get("/runbooks/new").status_code == 200
    data = form(
        ("n1", "Look", "one\r\ntwo", "peek"), ("n2", "", "", ""), ("n3", "Wait", "", ""), slug="lag", summary="Why",
        services=[kafka.pk], also_services="redis, rabbit", severities=["high", "low"], facts="alertname: *Lag*\n\n",
        team=team.pk,
    )  # fmt: skip
    answer = at_desk.post("/runbooks/new", data)
    assert (answer.status_code, answer["Location"]) == (303, "/runbooks/lag")
    runbook = Runbook.objects.get()
    assert editing.guide_of(runbook).steps == (Step("Look", "one\ntwo", "peek"), Step("Wait"))
    assert runbook.all_slugs == ["kafka", "rabbit", "redis"]
    assert (runbook.severities, runbook.facts) == (["high", "low"], [["alertname", "*Lag*"]])
    assert (runbook.team, runbook.version.created_by, runbook.version.summary) == (team, manager, "Why")


def test_the_form_gives_back_what_a_runbook_says_and_saving_it_changes_nothing(at_desk):
    make.service("kafka")
    make.runbook(
        "lag", Step("Look", "a\n\nb", "peek"), services=("kafka", "redis"), severities=("high",), facts=(("a", "b"),)
    )
    shown = at_desk.get("/runbooks/lag/edit").context
    data = form(
        *((each.row_key, *(each[name].value() for name in ("title", "body", "action"))) for each in shown["steps"]),
        **{name: shown["form"][name].value() or "" for name in shown["form"].fields},
    ) | {"services": shown["form"]["services"].value()}
    assert data["also_services"] == "redis"
    assert at_desk.post("/runbooks/lag/edit", data).status_code == 303
    assert Runbook.objects.get().version.number == 1
    assert at_desk.post("/runbooks/lag/edit", data | {"what_changed": "x", "summary": "New"}).status_code == 303
    assert [row.what_changed for row in Runbook.objects.get().versions.all()] == ["x", ""]


@pytest.mark.parametrize(
    ("button", "after", "focus"),
    [
        ({"step_up": "b"}, ["B", "A", "C"], "b"),
        ({"step_up": "a"}, ["A", "B", "C"], "a"),
        ({"step_down": "b"}, ["A", "C", "B"], "b"),
        ({"step_down": "c"}, ["A", "B", "C"], "c"),
        ({"step_away": "b"}, ["A", "C"], "c"),
        ({"step_away": "x"}, ["A", "B", "C"], ""),
        ({"add_step": "a"}, ["A", "", "B", "C"], None),
        ({"add_step": ""}, ["A", "B", "C", ""], None),
    ],
)
def test_steps_are_moved_added_and_removed_without_a_script(at_desk, button, after, focus):
    steps = [(key, key.upper(), f"body of {key}", "") for key in "abc"]
    page = at_desk.post("/runbooks/new", form(*steps, slug="lag", **button))
    assert (page.status_code, Runbook.objects.count()) == (200, 0)
    shown = page.context["steps"]
    assert [each["title"].value() for each in shown] == after
    bodies = {each["title"].value(): each["body"].value() for each in shown if each["title"].value()}
    assert bodies == {title: f"body of {title.lower()}" for title in after if title}
    assert page.context["focus"] == focus if focus is not None else page.context["focus"].startswith("n")
    ids = re.findall(r'<textarea name="steps-\d+-body"[^>]*id="([^"]+)"', page.content.decode())
    assert len(set(ids)) == len(after)


def test_a_preview_saves_nothing(at_desk):
    page = at_desk.post("/runbooks/new", form(("a", "Look", "**bold**", ""), slug="lag", preview="1"))
    assert (page.status_code, Runbook.objects.count()) == (200, 0)
    assert "<strong>bold</strong>" in page.content.decode()
    assert 'value="Look"' in page.content.decode()


def test_mistakes_come_back_with_what_was_typed(at_desk):
    make.runbook("taken")
    for change, words in {
        "slug=taken": "already exists", "slug=new": "an address of its own", "title=": "required",
        "facts=nonsense": "such as", "also_services=a;b": "no slug", "review_every_days=0": "greater than",
    }.items():  # fmt: skip
        name, _, value = change.partition("=")
        page = at_desk.post("/runbooks/new", form(("a", "Look", "typed", ""), slug="lag") | {name: value})
        assert page.status_code == 422, change
        assert words in text_of(page), change
        assert "typed" in text_of(page)
    empty = at_desk.post("/runbooks/new", form(slug="lag"))
    assert "at least one step" in text_of(empty)
    assert "Say in a few words" in text_of(at_desk.post("/runbooks/new", form(("a", "", "body", ""), slug="lag")))
    assert Runbook.objects.count() == 1


def test_whoever_saves_second_sees_what_the_first_changed_and_keeps_what_they_wrote(at_desk, alice):
    runbook = make.runbook("lag", "Look", by=alice)
    editing.change(runbook, replace(editing.guide_of(runbook), summary="Theirs"), by=alice)
    data = form(("a", "Look twice", "", ""), based_on=1, summary="Mine")
    page = at_desk.post("/runbooks/lag/edit", data)
    words = text_of(page)
    assert page.status_code == 409
    assert "Alice saved version 2 while you were changing version 1." in words
    assert [line.text for line in page.context["theirs"] if line.kind == "added"] == ["Theirs"]
    assert 'value="Look twice"' in words
    assert page.context["form"]["based_on"].value() == "2"
    assert at_desk.post("/runbooks/lag/edit", data | {"based_on": 2}).status_code == 303
    assert Runbook.objects.get().version.summary == "Mine"


def test_managers_of_a_team_write_for_it_and_nobody_else_does(client, alice, bob):
    team = make.team("core", managers=(alice,))
    make.runbook("ours", team=team)
    make.runbook("theirs")
    client.force_login(alice)
    assert client.get("/runbooks/ours/edit").status_code == 200
    assert client.get("/runbooks/theirs/edit").status_code == 403
    refused = client.post("/runbooks/new", form(("a", "Look", "", ""), slug="x"))
    assert (refused.status_code, "teams that you manage" in text_of(refused)) == (422, True)
    assert client.post("/runbooks/new", form(("a", "Look", "", ""), slug="x", team=team.pk)).status_code == 303
    client.force_login(bob)
    for address in ("/runbooks/ours/edit", "/runbooks/new"):
        assert client.get(address).status_code == 403


# ---- history -------------------------------------------------------------------------------------------------------


def test_two_versions_are_compared_by_lines(at_desk, alice):
    runbook = make.runbook("lag", "Look")
    for title in ("Look well", "Look twice"):
        guide = editing.guide_of(Runbook.objects.get())
        editing.change(runbook, replace(guide, steps=(Step(title),)), by=alice, what_changed=title)
    address = reverse("runbooks:history", args=["lag"])

    def changed(query=""):
        lines = at_desk.get(address + query).context["lines"]
        return [(line.kind, line.text) for line in lines if line.kind in ("added", "removed")]

    assert changed() == [("removed", "## Look well"), ("added", "## Look twice")]
    assert changed("?from=1&to=2") == [("removed", "## Look"), ("added", "## Look well")]
    assert changed("?from=2&to=2") == []
    assert at_desk.get(address + "?from=7").status_code == 404
