"""Asking for an action, and what a second person says to it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry
from automation import asking, defining, runners, watching
from automation.asking import Wish
from automation.models import Execution
from automation.parameters import Parameter
from incidents import lifecycle
from incidents.models import Incident
from incidents.models.incident import NotAllowedNow
from notifications.models import Notification
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db

GROUP = Parameter("group")


@pytest.fixture
def incident(now):
    return make.incident(at=now)


@pytest.fixture
def restart(db):
    return make.action("restart", GROUP, kind="fix", is_destructive=True, has_dry_run=True)


def ask(action, incident, by, now, /, **wish):
    return asking.ask(action, incident, Wish(wish.pop("values", {"group": "orders"}), **wish), by=by, now=now)[0]


def told(incident):
    """(who, what) of each entry about actions."""
    entries = incident.timeline.filter(kind="automation").select_related("by")
    return [(entry.actor, entry.data["did"]) for entry in entries]


def test_what_is_harmless_waits_for_its_runner_at_once(incident, alice, now):
    lag = make.action("lag", GROUP, is_read_only=True)
    execution = ask(lag, incident, alice, now)
    assert (execution.state, execution.values, execution.runner) == ("queued", {"group": "orders"}, lag.runner)
    assert execution.due_at == now + 2 * MINUTE
    assert told(incident) == [("Alice", "asked")]
    entry = AuditEntry.objects.get(object_type="automation.execution")
    assert (entry.actor, entry.action, entry.after["values"]) == (alice, "asked for", {"group": "orders"})


def test_what_is_destructive_waits_for_somebody_else(incident, restart, alice, bob, now):
    execution = ask(restart, incident, alice, now)
    assert (execution.state, told(incident)) == ("waiting", [("Alice", "waits")])
    with pytest.raises(NotAllowedNow, match="somebody else"):
        asking.approve(execution, by=alice, now=now)
    execution = asking.approve(execution, by=bob, now=now + MINUTE)
    assert (execution.state, execution.decided_by) == ("queued", bob)
    assert told(incident) == [("Alice", "waits"), ("Bob", "approved")]
    with pytest.raises(NotAllowedNow, match="does not wait any more: waits to begin, by Bob"):
        asking.approve(execution, by=make.user("carol"), now=now)


def test_somebody_who_may_approve_is_told(restart, admin, alice, bob, now):
    def told_of(incident):
        rows = Notification.objects.filter(topic=incident.topic, reason="Approval of an action")
        return [(row.recipient, row.url) for row in rows]

    lone = make.incident(at=now)
    execution = ask(restart, lone, alice, now)
    assert told_of(lone) == [("Root", f"http://127.0.0.1:8000/executions/{execution.pk}")]
    of_bob = make.incident(at=now, steps=[bob])
    lifecycle.acknowledge(of_bob, by=bob, now=now)
    execution = ask(restart, of_bob, alice, now)
    assert told_of(of_bob) == [("Bob", f"http://127.0.0.1:8000/executions/{execution.pk}")]
    of_team = make.incident(at=now, services=[make.service(team=make.team("data"))])
    lifecycle.acknowledge(of_team, by=alice, now=now)
    ask(restart, of_team, alice, now)
    assert [who for who, _ in told_of(of_team)] == ["Data"]


def test_the_database_knows_of_the_second_person_too(incident, restart, alice, now):
    execution = ask(restart, incident, alice, now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Execution.objects.filter(pk=execution.pk).update(state="queued", decided_by=alice)


def test_a_dry_run_needs_nobody_else(incident, restart, alice, now):
    assert ask(restart, incident, alice, now, is_dry_run=True).state == "queued"
    with pytest.raises(NotAllowedNow, match="no dry run"):
        ask(make.action(), incident, alice, now, values={}, is_dry_run=True)


def test_saying_no_takes_a_reason(incident, restart, alice, bob, now):
    execution = ask(restart, incident, alice, now)
    with pytest.raises(ValidationError):
        asking.refuse(execution, by=bob, reason=" ")
    execution = asking.refuse(execution, by=bob, reason="Not at this hour", now=now)
    assert (execution.state, execution.detail, execution.due_at) == ("refused", "Not at this hour", None)
    assert told(incident)[-1] == ("Bob", "refused")
    assert incident.evidence.count() == 0


def test_who_asked_may_take_it_back(incident, restart, alice, bob, now):
    execution = asking.stop(ask(restart, incident, alice, now), by=alice, now=now)
    assert (execution.state, execution.detail) == ("cancelled", "Alice took it back before it began.")
    with pytest.raises(NotAllowedNow, match="not run, by Alice"):
        asking.approve(execution, by=bob, now=now)


def test_nobody_approves_within_an_hour(incident, restart, alice, bob, now):
    execution = ask(restart, incident, alice, now)
    assert watching.watch_due(now=now + 59 * MINUTE) == 0
    assert watching.watch_due(now=now + 60 * MINUTE) == 1
    execution.refresh_from_db()
    assert (execution.state, execution.detail) == (
        "cancelled",
        "Nobody approved it within an hour. Nothing was run.",
    )
    late = ask(restart, incident, alice, now)
    assert asking.approve(late, by=bob, now=now + timedelta(hours=2)).state == "cancelled"


def test_what_was_changed_after_it_was_asked_for_is_not_run(incident, restart, alice, bob, now):
    execution = ask(restart, incident, alice, now)
    defining.change(restart, by=None, summary="Said better")
    defining.change(restart, by=None, command="reboot")
    execution = asking.approve(execution, by=bob, now=now)
    assert (execution.state, execution.detail) == ("cancelled", asking.CHANGED)


def test_one_key_asks_once(incident, restart, alice, now):
    first, is_new = asking.ask(restart, incident, Wish({"group": "a"}, key="form-1"), by=alice, now=now)
    again, is_new_again = asking.ask(restart, incident, Wish({"group": "b"}, key="form-1"), by=alice, now=now)
    assert (first, is_new, is_new_again) == (again, True, False)


def test_a_key_belongs_to_its_action(incident, restart, alice, now):
    first, _ = asking.ask(restart, incident, Wish({"group": "a"}, key="form-1"), by=alice, now=now)
    other, is_new = asking.ask(make.action(), incident, Wish({}, key="form-1"), by=alice, now=now)
    assert (is_new, first.pk != other.pk) == (True, True)


def test_what_could_not_be_asked_for_is_not_approved(incident, restart, alice, bob, now):
    execution = ask(restart, incident, alice, now)
    runners.update(restart.runner, by=None, is_enabled=False)
    with pytest.raises(NotAllowedNow, match="switched off"):
        asking.approve(execution, by=bob, now=now)
    runners.update(restart.runner, by=None, is_enabled=True)
    assert asking.approve(execution, by=bob, now=now).state == "queued"


def test_of_one_action_one_execution_is_under_way_at_an_incident(incident, alice, bob, now):
    lag = make.action("lag", GROUP, is_read_only=True)
    ask(lag, incident, alice, now)
    with pytest.raises(NotAllowedNow, match="Alice asked for “Lag” a moment ago: waits to begin"):
        ask(lag, incident, bob, now)
    assert ask(lag, make.incident(at=now), bob, now).state == "queued"


def test_wrong_values_are_named_and_nothing_is_kept(incident, restart, alice, now):
    with pytest.raises(ValidationError) as refused:
        ask(restart, incident, alice, now, values={"group": "$(reboot)", "more": 1})
    assert sorted(refused.value.message_dict) == ["group", "more"]
    assert (Execution.objects.count(), told(incident)) == (0, [])


def test_what_is_archived_or_off_is_not_run(incident, restart, alice, now):
    runners.update(restart.runner, by=None, is_enabled=False)
    with pytest.raises(NotAllowedNow, match="switched off"):
        ask(restart, incident, alice, now)
    runners.update(restart.runner, by=None, is_enabled=True)
    defining.archive(restart, by=None)
    with pytest.raises(NotAllowedNow, match="archived"):
        ask(restart, incident, alice, now)


def test_nothing_is_asked_for_at_what_was_merged(incident, restart, alice, now):
    into = make.incident(at=now)
    Incident.objects.filter(pk=incident.pk).update(merged_into=into)
    with pytest.raises(NotAllowedNow, match=f"was merged into {into.reference}; ask for it there."):
        ask(restart, incident, alice, now)


def test_only_what_takes_it_back_is_a_rollback(incident, alice, now):
    back = make.action("back", kind="rollback")
    fix = make.action("fix", kind="fix", rollback=back)
    done = asking.stop(ask(fix, incident, alice, now, values={}), by=alice)
    again = ask(back, incident, alice, now, values={}, rollback_of=done)
    assert (again.rollback_of, list(done.rollbacks.all())) == (done, [again])
    for action, place in ((fix, incident), (back, make.incident(at=now))):
        with pytest.raises(ValidationError, match="not what takes"):
            ask(action, place, alice, now, values={}, rollback_of=done)


def test_executions_are_seen_by_those_who_see_the_incident(restart, alice, charlie, now):
    hidden = make.incident(is_private=True, by=alice, at=now)
    execution = ask(restart, hidden, alice, now)
    assert list(Execution.objects.visible_to(alice)) == [execution]
    assert list(Execution.objects.visible_to(charlie)) == []
