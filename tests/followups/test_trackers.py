"""Every tracker speaks its own API: makes, finds and looks, and says in words what went wrong."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from followups import tickets, trackers
from followups.models import Ticket
from followups.trackers import base
from followups.trackers.base import Doubtful, Later, Line, Refusal
from incidents import action_items
from notifications import signing
from tests import make
from tests.followups.fakes import FAKES, TOKEN
from tests.receivers import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]

KINDS = list(FAKES)
REAL = ["github", "gitlab", "jira"]
KEYS = {"github": "octo/repo#1", "gitlab": "octo/ops#1", "jira": "OPS-1", "webhook": "T-1"}
each_kind = pytest.mark.parametrize("kind", KINDS, indirect=False)
each_real = pytest.mark.parametrize("kind", REAL, indirect=False)


@pytest.fixture
def account(tracker):
    return tickets.account_of(tracker)


@pytest.fixture
def speak(kind):
    return trackers.of(kind)


@pytest.fixture
def draft(alice):
    return draft_of(make.incident(title="Kafka is `down` @everybody #1"), alice)


def draft_of(incident, owner, **fields):
    item = action_items.add(incident, title="Alert on lag", kind="detective", owner=owner, by=owner, **fields)
    return tickets.draft_of(Ticket(action_item=item, marker="muster-action-1-abcdefgh"))


def now():
    return timezone.now() - timedelta(seconds=5)


# ---- what works ----------------------------------------------------------------------------------------------------


@each_kind
def test_a_ticket_is_made_and_its_key_and_address_come_back(fake, account, speak, draft, kind):
    made = speak.create(account, draft)
    urls = {
        "github": "https://github.com/octo/repo/issues/1",
        "gitlab": "https://gitlab.com/octo/ops/-/issues/1",
        "jira": f"{fake.url}/browse/OPS-1",
        "webhook": "https://tickets.example.com/T-1",
    }
    assert (made.key, made.url, made.is_closed) == (KEYS[kind], urls[kind], False)
    assert len(fake.tickets) == 1
    assert "Alert on lag" in json.dumps(fake.tickets[0])
    assert "muster-action-1-abcdefgh" in json.dumps(fake.tickets[0])


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", "data:text/html,x", "https://" + "x" * 1000, None]
)
@pytest.mark.parametrize(("kind", "name"), [("github", "html_url"), ("gitlab", "web_url")])
def test_an_address_that_is_none_of_the_web_becomes_no_link(fake, account, speak, draft, kind, name, url):
    row = {"number": 1, "iid": 1, "state": "open", "body": draft.marker, "description": draft.marker, name: url}
    fake.canned += [(201, {}, row), (200, {}, [row])]
    made, found = speak.create(account, draft), speak.find(account, draft.marker, since=now())
    assert (made.key, made.url, found.key, found.url) == (KEYS[kind], "", KEYS[kind], "")


@each_real
def test_a_ticket_is_found_by_its_mark_and_by_no_longer_one(account, speak, draft, kind):
    assert speak.find(account, draft.marker, since=now()) is None
    speak.create(account, draft)
    assert speak.find(account, draft.marker, since=now()).key == KEYS[kind]
    for other in ("muster-action-1", "muster-action-1-abcdefg", "muster-action-11-abcdefgh"):
        assert speak.find(account, other, since=now()) is None


@each_kind
def test_its_state_is_read(fake, account, speak, draft, kind):
    key = speak.create(account, draft).key
    assert speak.look(account, key) is False
    fake.turn("closed")
    assert speak.look(account, key) is True
    fake.turn("open")
    assert speak.look(account, key) is False


def test_github_is_read_page_by_page_and_pull_requests_are_left_out(fake, account, speak, draft):
    fake.open("a pull request", draft.marker, pull_request={"url": "x"})
    for number in range(60):
        fake.open(f"n{number}", None)
    assert speak.find(account, draft.marker, since=now()) is None
    speak.create(account, draft)
    fake.requests.clear()
    assert speak.find(account, draft.marker, since=now()).key == "octo/repo#62"
    assert len(fake.requests) == 2


def test_github_where_nobody_can_tell_nothing_is_made(fake, account, speak, draft):
    for number in range(301):
        fake.open(f"n{number}", None)
    with pytest.raises(Later, match="too busy to find out"):
        speak.find(account, draft.marker, since=now())


@pytest.mark.parametrize("kind", ["gitlab"])
def test_gitlab_takes_the_number_of_a_project(account, speak, draft, fake):
    numbered = base.Account(base_url=f"{account.base_url}/", project="4", secret=TOKEN)
    with pytest.raises(Refusal, match="GitLab has no 4"):
        speak.create(numbered, draft)
    assert fake.asked == ["POST /api/v4/projects/4/issues"]


@pytest.mark.parametrize("kind", ["jira"])
def test_jira_is_given_a_document(account, speak, draft, fake):
    speak.create(account, draft)
    blocks = fake.tickets[0]["fields"]["description"]["content"]
    assert blocks[0]["content"] == [
        {"type": "text", "text": f"Left to do after {draft.about['incident']} (critical):"},
        {"type": "text", "text": " "},
        {"type": "text", "text": "Kafka is `down` @everybody #1", "marks": [{"type": "code"}]},
    ]
    link = blocks[-2]["content"][-1]
    assert link["marks"] == [{"type": "link", "attrs": {"href": draft.about["url"]}}]


@pytest.mark.parametrize("kind", ["webhook"])
def test_a_webhook_is_signed_and_its_id_stays_the_same(fake, account, speak, draft):
    speak.create(account, draft)
    speak.create(account, draft)
    assert len(fake.tickets) == 1
    (_, _, headers, body), (_, _, again, _) = fake.requests
    signing.verify(account.secret, headers=headers, body=body, now=timezone.now())
    assert headers["webhook-id"] == again["webhook-id"] == draft.marker
    said = json.loads(body)
    assert (said["type"], said["data"]["kind"], said["data"]["owner"]) == ("action_item.exported", "detective", "alice")


@pytest.mark.parametrize("kind", ["webhook"])
@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ({}, ("muster-action-1-abcdefgh", "", None)),
        ("thanks", ("muster-action-1-abcdefgh", "", None)),
        ([1], ("muster-action-1-abcdefgh", "", None)),
        ({"key": 7, "url": "javascript:alert(1)", "state": "closed"}, ("7", "", True)),
        ({"key": "T-9", "state": "odd"}, ("T-9", "", None)),
    ],
)
def test_a_webhook_need_not_say_anything(fake, account, speak, draft, says, expected):
    fake.says = says
    made = speak.create(account, draft)
    assert (made.key, made.url, made.is_closed) == expected


# ---- what does not -------------------------------------------------------------------------------------------------


ERRORS = [
    ("github", 401, "GitHub does not accept the token (HTTP 401): Bad credentials"),
    (
        "github",
        403,
        "The token may not do this in octo/repo (HTTP 403): Resource not accessible by personal access token",
    ),
    ("github", 404, "GitHub has no octo/repo, or the token does not see it (HTTP 404): Not Found"),
    (
        "github",
        410,
        "GitHub has no octo/repo, or the token does not see it (HTTP 410): Issues has been disabled in this",
    ),
    ("github", 422, "GitHub did not take it (HTTP 422): Validation Failed; title: missing_field"),
    ("gitlab", 400, "GitLab did not take it (HTTP 400): title: is too long (maximum is 255 characters)"),
    ("gitlab", 401, "GitLab does not accept the token (HTTP 401): 401 Unauthorized"),
    ("gitlab", 403, "The token may not do this in octo/ops (HTTP 403): insufficient_scope"),
    ("gitlab", 404, "GitLab has no octo/ops, or the token does not see it (HTTP 404): 404 Project Not Found"),
    ("jira", 400, "Jira did not take it (HTTP 400): issuetype: Specify a valid issue type"),
    ("jira", 401, "Jira does not accept the token (HTTP 401): Client must be authenticated to access this resource."),
    ("jira", 403, "The token may not do this in OPS (HTTP 403): You do not have permission to create issues"),
    ("webhook", 401, "The webhook does not accept the token (HTTP 401)."),
    ("webhook", 400, "The webhook did not take it (HTTP 400): no such queue"),
]


@pytest.mark.parametrize(("kind", "status", "said"), ERRORS)
def test_what_is_refused_says_why_in_the_trackers_words(fake, account, speak, draft, status, said):
    fake.canned.append((status, {}, fake.errors[status]))
    with pytest.raises(Refusal) as error:
        speak.create(account, draft)
    assert str(error.value).startswith(said)
    assert fake.tickets == []


@each_kind
def test_a_limit_is_waited_for(fake, account, speak, draft):
    fake.canned.append(fake.limited)
    with pytest.raises(Later, match="asks us to slow down") as error:
        speak.create(account, draft)
    assert error.value.after == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("status", "headers", "said", "least", "most"),
    [
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "in 1200"}, "API rate limit exceeded", 1190, 1210),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "in 99999"}, "API rate limit exceeded", 3600, 3600),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "in -50"}, "x", 60, 60),
        (403, {}, "You have exceeded a secondary rate limit", 60, 60),
        (429, {}, "", 60, 60),
    ],
)
def test_github_says_until_when_in_several_ways(fake, account, speak, draft, status, headers, said, least, most):
    if "x-ratelimit-reset" in headers:
        headers["x-ratelimit-reset"] = str(int(time.time()) + int(headers["x-ratelimit-reset"].split()[1]))
    fake.canned.append((status, headers, {"message": said}))
    with pytest.raises(Later) as error:
        speak.create(account, draft)
    assert least <= error.value.after.total_seconds() <= most


@each_kind
@pytest.mark.parametrize("status", [500, 502, 503, 408])
def test_a_server_that_fails_may_have_made_it_but_not_while_it_was_only_asked(fake, account, speak, draft, status):
    fake.canned += [(status, {}, "<html>oh no</html>")] * 2
    with pytest.raises(Doubtful, match=f"failed: HTTP {status}\\."):
        speak.create(account, draft)
    with pytest.raises(Later):
        speak.look(account, KEYS["github"])


@each_kind
def test_a_connection_that_breaks_after_accepting_leaves_a_doubt(fake, account, speak, draft):
    fake.breaks = True
    with pytest.raises(Doubtful):
        speak.create(account, draft)
    assert len(fake.tickets) == 1


def test_so_does_an_answer_that_comes_too_late(fake, account, speak, draft, monkeypatch):
    monkeypatch.setattr(base, "SECONDS", 0.2)
    fake.pause = 0.5
    with pytest.raises(Doubtful, match="did not answer within"):
        speak.create(account, draft)


@each_real
def test_an_answer_that_cannot_be_read_leaves_a_doubt(fake, account, speak, draft):
    for said in ("no json", "[]"):
        fake.canned.append((201, {}, said))
        with pytest.raises(Doubtful, match="gave an answer that cannot be read"):
            speak.create(account, draft)


@each_kind
def test_where_nobody_listens_nothing_was_made(account, speak, draft):
    away = base.Account(f"http://127.0.0.1:{free_port()}", "octo/repo", "u", account.secret)
    with pytest.raises(Later):
        speak.create(away, draft)


def test_addresses_inside_are_refused(account, speak, draft):
    with pytest.raises(Refusal):
        speak.create(base.Account("http://169.254.169.254/latest", "octo/repo", "", TOKEN), draft)


def test_no_message_has_the_secret(fake, account, speak, draft):
    fake.canned.append((422, {}, {"message": f"what is {TOKEN}?"}))
    with pytest.raises(Refusal) as error:
        speak.create(account, draft)
    assert TOKEN not in str(error.value)
    assert "what is ••••?" in str(error.value)
    assert TOKEN not in repr(account)


@each_real
def test_a_ticket_that_is_gone_says_so(account, speak, kind):
    with pytest.raises(Refusal, match="is not there any more, or the token does not see it"):
        speak.look(account, KEYS[kind].replace("1", "404"))


# ---- what is written -----------------------------------------------------------------------------------------------


def test_what_people_typed_names_nobody_there(draft):
    text = draft.markdown()
    assert "(critical): `Kafka is 'down' @everybody #1`" in text
    assert "Kind: detective" in text
    assert text.endswith("muster-action-1-abcdefgh (Muster knows this ticket by this line.)")
    assert f"In Muster: <{draft.about['url']}>" in text


def test_of_a_private_incident_only_its_number_is_written(alice):
    secret = make.incident(title="Break-in at the vault", is_private=True, assignee=alice)
    draft = draft_of(secret, alice)
    assert "vault" not in f"{draft}"
    assert draft.lines[0] == Line(f"Left to do after {secret.reference}.")
    assert draft.about["severity"] is None
