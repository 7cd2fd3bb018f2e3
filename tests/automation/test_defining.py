"""Actions and runners, as admins make them."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry
from automation import defining, runners
from automation.models import Action
from automation.parameters import Parameter
from tests import make

pytestmark = pytest.mark.django_db

URL = "https://ci.example.com/hook"


def wrong(**fields):
    with pytest.raises(ValidationError) as refused:
        make.action("a", **fields)
    return sorted(refused.value.message_dict)


def test_a_request_has_a_secret_and_a_runner_has_a_command(admin):
    action, secret = defining.create(slug="a", name="A", way="http", url=URL, authorization="Bearer abc", by=admin)
    assert secret.startswith("whsec_")
    assert (action.signing_secret, action.authorization, action.runner) == (secret, "Bearer abc", None)
    written = AuditEntry.objects.get(object_type="automation.action").after
    assert (written["signing_secret"], written["authorization"]) == ("(secret)", "(secret)")
    runner, token = make.runner("Kafka")
    action, secret = defining.create(slug="b", name="B", way="runner", runner=runner, command="lag", by=admin)
    assert (secret, action.signing_secret, action.url, token[:4]) == ("", "", "", "mrn_")


def test_what_makes_no_sense_is_refused():
    assert wrong(url="ftp://x") == wrong(url="https://a b") == ["url"]
    assert wrong(url="https://user:pass@ci.example.com/") == ["url"]
    assert wrong(url="https://{host}/x") == ["url"]
    assert wrong(url=URL, format="github") == ["target"]
    assert wrong(url=URL, authorization="Bearer a\nX: y") == ["authorization"]
    assert wrong(runner=None) == ["runner"]
    assert wrong(is_automatic=True, is_read_only=True) == ["services"]
    assert wrong(is_automatic=True, services=(make.service(),)) == ["is_automatic"]
    assert wrong(is_automatic=True, is_read_only=True, kind="fix", services=(make.service(),)) == ["is_automatic"]
    assert wrong(is_read_only=True, is_destructive=True) == ["is_destructive"]
    assert "seconds" in str(wrong(seconds=3601)) or wrong(seconds=3601) == ["__all__"]
    with pytest.raises(ValidationError, match="smallest"):
        make.action("a", Parameter("n", "integer"))


def test_the_database_lets_nothing_but_readers_run_alone():
    action = make.action("a", kind="fix")
    for fields in ({"is_automatic": True}, {"is_automatic": True, "is_read_only": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Action.objects.filter(pk=action.pk).update(**fields)


def test_what_the_runners_own_file_says_counts(now):
    runner, _ = make.runner()
    runners.heard(runner, version="1", host="h", offers=[{"name": "lag", "read_only": False}], now=now)
    runner.refresh_from_db()
    assert wrong(runner=runner, command="other") == ["command"]
    assert wrong(runner=runner, command="lag", is_read_only=True, has_dry_run=True) == ["has_dry_run", "is_read_only"]
    runners.heard(runner, version="1", host="h", offers=[{"name": "lag", "read_only": True}], now=now)
    runner.refresh_from_db()
    assert make.action("a", runner=runner, command="lag", is_read_only=True).is_read_only


def test_a_revision_counts_changes_of_what_it_does(admin):
    action = make.action("a", url=URL, authorization="Bearer abc")
    assert defining.change(action, by=admin, summary="Words", services=[make.service()]).revision == 1
    assert defining.change(action, by=admin, url=URL + "2").revision == 2
    assert defining.change(action, by=admin, parameters=[Parameter("group")]).revision == 3
    assert defining.archive(action, by=admin).revision == 4
    assert defining.archive(action, by=admin).revision == 4
    assert defining.restore(action, by=admin).archived_at is None


def test_a_secret_does_not_follow_to_another_host(admin):
    action = make.action("a", url=URL, authorization="Bearer abc")
    with pytest.raises(ValidationError, match="another host"):
        defining.change(action, by=admin, url="https://evil.example.net/hook")
    assert defining.change(action, by=admin, url=URL + "/x").authorization == "Bearer abc"
    moved = defining.change(action, by=admin, url="https://b.example.com/", authorization="")
    assert (moved.authorization, moved.url) == ("", "https://b.example.com/")
    runner, _ = make.runner()
    emptied = defining.change(moved, by=admin, way="runner", runner=runner, command="lag")
    assert (emptied.url, emptied.signing_secret) == ("", "")


def test_a_new_token_ends_the_old_one(admin):
    runner, token = make.runner()
    assert runners.find(token) == runner
    _, fresh = runners.rotate_token(runner, by=admin)
    assert (runners.find(token), runners.find(fresh)) == (None, runner)
    runners.update(runner, by=admin, is_enabled=False)
    assert runners.find(fresh) is None


def test_what_a_runner_says_of_itself_is_kept_within_bounds(now):
    runner, _ = make.runner()
    offers = [{"name": "x" * 500, "parameters": [{"name": "a\x00b", "choices": ["c"] * 99}] * 99}, "no", {"name": None}]
    runners.heard(runner, version="1\n2", host="h" * 999, offers=offers * 500, now=now)
    runner.refresh_from_db()
    assert (runner.version, len(runner.host), runner.heard_at) == ("1 2", 200, now)
    assert len(runner.offers) <= 200
