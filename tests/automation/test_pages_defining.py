"""Pages of actions and runners: everybody reads them, admins define them, and a secret is shown once."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from automation import asking, defining, runners
from automation.asking import Wish
from automation.models import Action, Runner
from automation.parameters import Parameter
from core.work import db_now
from tests import make
from tests.automation.pages import words

pytestmark = pytest.mark.django_db

OFFERS = [
    {
        "name": "consumer-lag",
        "description": "How far it is behind.",
        "read_only": True,
        "has_dry_run": False,
        "parameters": [
            {"name": "group", "type": "name", "description": "The consumer group."},
            {"name": "broker", "type": "choice", "choices": ["a:1", "b:1"], "default": "a:1"},
            {"name": "n", "type": "integer", "minimum": 1, "maximum": 9},
            {"name": "loud", "type": "boolean", "default": False},
            {"name": "word", "type": "text", "pattern": "[a-z]+"},
        ],
    },
    {"name": "restart", "description": "", "read_only": False, "has_dry_run": True, "parameters": []},
]


@pytest.fixture
def at_desk(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def runner():
    made, _ = make.runner("eu")
    runners.heard(made, version="1.2", host="worker-1", offers=OFFERS, now=db_now())
    made.refresh_from_db()
    return made


def form_of(page: str) -> dict[str, str]:
    """What a browser would send of the form on a page."""
    page = page.split('<form class="mu-form mu-define"')[1].split("</form>")[0]
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r' name="([^"]+)"', tag), re.search(r' value="([^"]*)"', tag)
        kind = re.search(r' type="([^"]+)"', tag)
        if name and kind and (kind[1] not in ("checkbox", "radio") or " checked" in tag):
            found[name[1]] = value[1] if value else ("on" if kind[1] == "checkbox" else "")
    for name, body in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        found[name] = chosen[1] if chosen else ""
    for name, body in re.findall(r'<textarea name="([^"]+)".*?>\n?(.*?)</textarea>', page, re.DOTALL):
        found[name] = body
    return found


def rows(*given: dict[str, str]) -> dict[str, str]:
    data = {"parameters-TOTAL_FORMS": str(len(given)), "parameters-INITIAL_FORMS": "0"}
    for place, row in enumerate(given):
        data |= {
            f"parameters-{place}-{part}": text for part, text in ({"key": f"k{place}", "type": "name"} | row).items()
        }
    return data


HTTP = {
    "name": "Roll back", "slug": "roll-back", "kind": "rollback", "way": "http", "url": "https://hooks.example.com/x",
    "format": "generic", "seconds": "120",
}  # fmt: skip


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_everybody_reads_what_there_is(client, charlie, runner):
    make.action(
        "lag",
        runner=runner,
        command="consumer-lag",
        name="Show lag",
        is_read_only=True,
        services=(make.service("kafka"),),
    )
    make.action("hook", url="https://hooks.example.com/secret-path", authorization="Bearer hidden-word", name="Hook")
    defining.archive(make.action("old", name="Old habits"), by=None)
    client.force_login(charlie)
    said = words(client.get("/automation/"))
    for word in ("Guides", "Show lag", "eu", "only reads", "Kafka", "hooks.example.com", "never"):
        assert word in said, word
    assert "secret-path" not in said
    assert "Old habits" not in said
    assert "New action" not in said
    assert "Old habits" in words(client.get("/automation/?show=archived"))
    detail = words(client.get("/automation/actions/hook"))
    assert "https://hooks.example.com/…" in detail
    assert "secret-path" not in detail
    assert "Authorization set" in detail
    assert "hidden-word" not in detail
    assert "Archive" not in detail
    said = words(client.get("/automation/runners/"))
    for word in ("eu", "worker-1", "1.2", "2 actions", "Now", "On"):
        assert word in said, word
    assert "Make an action of it" not in words(client.get(f"/automation/runners/{runner.pk}"))


def test_a_detail_has_its_parameters_in_a_table(at_desk):
    make.action(
        "scale", Parameter("group", "name", "Consumer group", fact="consumer_group"),
        Parameter("n", "integer", minimum=1, maximum=9, default=2),
        Parameter("loud", "boolean"), Parameter("x", is_required=False),
    )  # fmt: skip
    said = words(at_desk.get("/automation/actions/scale"))
    for word in ("Consumer group group", "a whole number from 1 to 9", "is asked for", "consumer_group", "left out"):
        assert word in said, word


@pytest.mark.parametrize("address", ["/automation/", "/automation/?show=archived", "/automation/runners/"])
def test_lists_cost_the_same_with_many_rows(at_desk, admin, runner, address):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert at_desk.get(address).status_code == 200
        return len(queries)

    incident = make.incident()
    for number in range(2):
        made = make.action(f"a{number}", runner=runner, command="restart", services=(make.service(),))
        if number:
            defining.archive(made, by=None)
    few = cost()
    for number in range(2, 9):
        made = make.action(f"a{number}", runner=make.runner()[0], services=(make.service(), make.service()))
        asking.ask(made, incident, Wish({}), by=admin)
        if number % 2:
            defining.archive(made, by=None)
    assert cost() == few <= 10


def test_a_detail_costs_the_same_with_many_executions(at_desk, admin):
    action = make.action("look")

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert at_desk.get("/automation/actions/look").status_code == 200
        return len(queries)

    asking.ask(action, make.incident(), Wish({}), by=admin)
    few = cost()
    for _ in range(5):
        asking.ask(action, make.incident(), Wish({}), by=make.user())
    assert cost() == few <= 10


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESPONDER, Role.MANAGER])
def test_only_admins_define(client, runner, role):
    make.action("lag", url="https://hooks.example.com/")
    client.force_login(make.user("somebody", role=role))
    for path in ("actions/new", "actions/lag/edit", "runners/new"):
        assert client.get(f"/automation/{path}").status_code == 403
        assert client.post(f"/automation/{path}", HTTP).status_code == 403
    for path in (
        "actions/lag/archive",
        "actions/lag/secret",
        f"runners/{runner.pk}/switch",
        f"runners/{runner.pk}/rotate",
    ):
        assert client.post(f"/automation/{path}").status_code == 403
    assert Action.objects.get().archived_at is None


# ---- actions ---------------------------------------------------------------------------------------------------------


def test_a_request_is_defined_and_its_secret_is_shown_once(at_desk):
    kafka = make.service("kafka")
    answer = at_desk.post(
        "/automation/actions/new",
        HTTP
        | rows({"name": "reason", "type": "text", "pattern": "[a-z ]+", "is_required": "on", "choices": "a\nb"})
        | {"services": [kafka.pk], "is_destructive": "on", "authorization": "Bearer hidden-word"},
    )  # fmt: skip
    made = Action.objects.get()
    assert answer.status_code == 201
    assert "no-store" in answer["Cache-Control"]
    assert made.signing_secret in answer.content.decode()
    assert "hidden-word" not in answer.content.decode()
    assert (made.authorization, made.is_destructive, list(made.services.all())) == ("Bearer hidden-word", True, [kafka])
    assert made.takes == (Parameter("reason", "text", pattern="[a-z ]+"),)
    assert made.signing_secret not in at_desk.get(made.get_absolute_url()).content.decode()


def test_a_runners_command_is_defined_and_has_no_secret(at_desk, runner):
    data = HTTP | {
        "way": "runner",
        "url": "",
        "runner": runner.pk,
        "command": "restart",
        "has_dry_run": "on",
        "kind": "fix",
    }
    answer = at_desk.post("/automation/actions/new", data | rows())
    made = Action.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, made.get_absolute_url())
    assert (made.runner, made.command, made.has_dry_run, made.signing_secret) == (runner, "restart", True, "")
    assert at_desk.post(f"{made.get_absolute_url()}/secret").status_code == 404


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"slug": "new"}, "This word is an address of its own."),
        ({"slug": "not a slug"}, "Enter a valid"),
        ({"url": "ftp://x"}, "Enter an address that begins with https://"),
        ({"url": "https://u:p@example.com/"}, "Put user and password into the authorization"),
        ({"url": "https://example.com/{x}"}, "without braces"),
        ({"format": "github"}, "GitHub needs a branch or tag"),
        ({"way": "runner"}, "Choose the runner that carries it out."),
        ({"is_automatic": "on"}, "names the services"),
        ({"is_read_only": "on", "is_destructive": "on"}, "What only reads needs no second person."),
        ({"seconds": "4000"}, "3,600 seconds"),
        ({"name": ""}, "This field is required."),
        (rows({"name": "a"}, {"name": "a"}), "Two parameters are called"),
        (rows({"name": "dry_run"}), "has a meaning of its own"),
        (rows({"name": "1"}), "A parameter's name begins with a letter"),
        (rows({"name": "n", "type": "integer"}), "needs a smallest and a largest number"),
        (rows({"name": "n", "type": "integer", "minimum": "1", "maximum": "3", "default": "9"}), "The default of"),
        (rows({"name": "n", "type": "choice"}), "choices"),
        (rows({"name": "n", "type": "text", "pattern": "("}), "cannot be read"),
        (rows({"label": "Group"}), "Give it a name, or remove the row."),
    ],
)
def test_what_makes_no_sense_is_sent_back_with_the_reason(at_desk, change, complaint):
    answer = at_desk.post("/automation/actions/new", HTTP | rows() | change)
    assert answer.status_code == 422
    assert complaint in words(answer)
    assert not Action.objects.exists()


def test_rows_are_added_moved_and_removed_without_a_script(at_desk):
    data = HTTP | {"name": "Half a"} | rows({"name": "one"}, {"name": "two", "type": "choice", "choices": "a\nb"})
    more = at_desk.post("/automation/actions/new", data | {"add_parameter": ""})
    assert more.status_code == 200
    assert 'name="parameters-2-name"' in more.content.decode()
    assert 'value="Half a"' in more.content.decode()
    assert "autofocus" in more.content.decode().split('name="parameters-2-name"')[1].split(">")[0]
    quiet = at_desk.post("/automation/actions/new", rows({"type": "integer"}) | {"add_parameter": "", "way": "http"})
    assert "This field is required." not in words(quiet)
    up = form_of(at_desk.post("/automation/actions/new", data | {"parameter_up": "k1"}).content.decode())
    assert (up["parameters-0-name"], up["parameters-1-name"]) == ("two", "one")
    assert up["parameters-0-choices"] == "a\nb"
    less = form_of(at_desk.post("/automation/actions/new", data | {"parameter_away": "k0"}).content.decode())
    assert (less["parameters-TOTAL_FORMS"], less["parameters-0-name"]) == ("1", "two")
    assert not Action.objects.exists()


def test_saving_a_form_as_it_is_changes_nothing(at_desk, runner):
    undo = make.action("undo", runner=runner, command="restart")
    action = make.action(
        "lag", Parameter("n", "integer", "How many", minimum=1, maximum=9, default=3),
        Parameter("loud", "boolean", default=True), Parameter("t", "text", pattern="[a-z]+", default="x"),
        Parameter("zone", "choice", "Z" * 120, choices=("a b", "c"), is_required=False, fact="z" * 200),
        runner=runner, command="restart", rollback=undo, has_dry_run=True, summary="Look.\nThen wait.",
        services=(make.service("kafka"),),
    )  # fmt: skip
    before = action.takes
    page = at_desk.get(f"{action.get_absolute_url()}/edit").content.decode()
    assert at_desk.post(f"{action.get_absolute_url()}/edit", form_of(page)).status_code == 303
    after = Action.objects.get(pk=action.pk)
    assert after.takes == before
    assert (after.revision, after.rollback, after.summary, after.services.count()) == (1, undo, action.summary, 1)


def test_an_authorization_stays_unless_another_is_given_or_it_is_taken_away(at_desk):
    action = make.action("hook", url="https://hooks.example.com/", authorization="Bearer first-word")
    where = f"{action.get_absolute_url()}/edit"
    page = at_desk.get(where).content.decode()
    assert "first-word" not in page
    data = form_of(page)

    def stored():
        return Action.objects.get().authorization

    at_desk.post(where, data | {"name": "Other"})
    assert stored() == "Bearer first-word"
    elsewhere = at_desk.post(where, data | {"url": "https://evil.example.com/"})
    assert elsewhere.status_code == 422
    assert "give its authorization anew" in words(elsewhere)
    at_desk.post(where, data | {"authorization": "Bearer second-word"})
    assert stored() == "Bearer second-word"
    at_desk.post(where, data | {"forget_authorization": "on"})
    assert stored() == ""
    assert "not set" in words(at_desk.get(action.get_absolute_url()))


def test_a_secret_is_replaced_and_an_action_archived_and_taken_back(at_desk):
    action = make.action("hook", url="https://hooks.example.com/")
    answer = at_desk.post(f"{action.get_absolute_url()}/secret")
    now = Action.objects.get()
    assert now.signing_secret != action.signing_secret
    assert (answer.status_code, now.signing_secret in answer.content.decode()) == (200, True)
    assert "no-store" in answer["Cache-Control"]
    for to, is_archived in (("archived", True), ("archived", True), ("current", False)):
        assert at_desk.post(f"{action.get_absolute_url()}/archive", {"to": to}).status_code == 303
        assert bool(Action.objects.get().archived_at) is is_archived


# ---- runners ---------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_with_what_to_do(at_desk):
    answer = at_desk.post("/automation/runners/new", {"name": "eu"})
    made = Runner.objects.get()
    token = re.search(r"mrn_[\w-]{20,}", answer.content.decode())[0]
    assert answer.status_code == 201
    assert "no-store" in answer["Cache-Control"]
    assert runners.find(token) == made
    assert "muster_runner.py --check" in words(answer)
    assert token not in at_desk.get(made.get_absolute_url()).content.decode()
    assert at_desk.post("/automation/runners/new", {"name": "eu"}).status_code == 422
    assert at_desk.post("/automation/runners/new", {"name": " "}).status_code == 422
    new = at_desk.post(f"{made.get_absolute_url()}/rotate")
    assert new.status_code == 200
    assert runners.find(token) is None
    assert runners.find(re.search(r"mrn_[\w-]{20,}", new.content.decode())[0]) == made


def test_a_runner_is_switched(at_desk, runner):
    for to, is_on in (("off", False), ("off", False), ("on", True)):
        assert at_desk.post(f"{runner.get_absolute_url()}/switch", {"to": to}).status_code == 303
        assert Runner.objects.get().is_enabled is is_on


def test_what_a_runners_file_allows_becomes_an_action(at_desk, runner):
    page = at_desk.get(runner.get_absolute_url()).content.decode()
    link = re.search(r'href="([^"]+command=consumer-lag)"', page)[1].replace("&amp;", "&")
    data = form_of(at_desk.get(link).content.decode())
    assert (data["name"], data["slug"], data["command"], data["kind"]) == (
        "Consumer lag",
        "consumer-lag",
        "consumer-lag",
        "diagnostics",
    )
    assert at_desk.post("/automation/actions/new", data).status_code == 303
    made = Action.objects.get()
    assert (made.runner, made.is_read_only, made.summary) == (runner, True, "How far it is behind.")
    assert made.takes == (
        Parameter("group", "name", "The consumer group"),
        Parameter("broker", "choice", is_required=False, choices=("a:1", "b:1"), default="a:1"),
        Parameter("n", "integer", minimum=1, maximum=9),
        Parameter("loud", "boolean", is_required=False, default=False),
        Parameter("word", "text", pattern="[a-z]+"),
    )
    assert "Consumer lag" in words(at_desk.get(runner.get_absolute_url()))
    assert at_desk.get(f"/automation/actions/new?runner={runner.pk}&command=nothing").status_code == 200
    assert at_desk.get("/automation/actions/new?runner=99999&command=x").status_code == 404


def test_an_offer_that_is_nonsense_can_still_be_looked_at(at_desk, runner):
    odd = [
        {
            "name": "odd",
            "parameters": [
                {"name": 7, "type": "shell", "minimum": "x", "choices": "abc", "default": ["y"]},
                {"type": ["name"]},
            ],
        }
    ]
    runners.heard(runner, version="1", host="h", offers=odd, now=db_now())
    assert at_desk.get(runner.get_absolute_url()).status_code == 200
    assert at_desk.get(f"/automation/actions/new?runner={runner.pk}&command=odd").status_code == 200


def test_it_says_what_a_runners_file_has_no_more(at_desk, runner):
    make.action("restart", runner=runner, command="restart", name="Restart it")
    assert "Its file has no more of" not in words(at_desk.get(runner.get_absolute_url()))
    runners.heard(runner, version="1", host="h", offers=OFFERS[:1], now=db_now())
    assert "Its file has no more of: Restart it" in words(at_desk.get(runner.get_absolute_url()))


def test_the_whole_address_is_shown_to_those_who_define(client, admin, alice):
    make.action("call", url="https://ci.example.com/secret-path")
    for user, has_path in ((admin, True), (alice, False)):
        client.force_login(user)
        page = client.get("/automation/actions/call").content.decode()
        assert ("secret-path" in page, "https://ci.example.com/" in page) == (has_path, True)
