"""Following a runbook: steps are done once, and everything lands on the timeline."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from incidents import quiet
from incidents.models import Incident
from incidents.models.incident import NotAllowedNow
from runbooks import editing, running
from runbooks.guides import Guide, Step
from runbooks.models import Run
from tests import make
from tests.make import MINUTE, SECOND

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(now):
    return make.incident(at=now)


@pytest.fixture
def run(incident, alice, now):
    return running.start(incident, make.runbook("lag", "Look", "Scale", "Wait"), by=alice, now=now)[0]


def states(run):
    return list(run.steps.order_by("position").values_list("state", flat=True))


def told(incident):
    """(who, kind, what) of each entry about runbooks."""
    entries = incident.timeline.filter(kind__startswith="runbook").select_related("by")
    return [(entry.actor, entry.kind, entry.data.get("did", ""), entry.data.get("position", 0)) for entry in entries]


def test_a_run_keeps_what_the_guide_said_when_it_was_started(incident, run, alice, bob, now):
    editing.change(run.runbook, Guide(title="Lag 2", steps=(Step("Else"),)), by=bob)
    run = Run.objects.get()
    assert ([step["title"] for step in run.version.steps], states(run)) == (["Look", "Scale", "Wait"], ["todo"] * 3)
    entry = incident.timeline.get(kind="runbook_started")
    assert (entry.at, entry.by) == (now, alice)
    assert entry.data == {"run": run.pk, "title": "Lag", "of": 3, "runbook": "lag", "version": 1}


def test_a_second_start_leads_to_the_run_that_is_under_way(incident, run, bob):
    assert running.start(incident, run.runbook, by=bob) == (run, False)
    other, is_new = running.start(incident, make.runbook("other"), by=bob)
    assert (is_new, Run.objects.count()) == (True, 2)
    elsewhere, is_new = running.start(make.incident(), run.runbook, by=bob)
    assert (is_new, elsewhere != run) == (True, True)


def test_an_archived_guide_is_not_started_and_goes_on_where_it_was(incident, run, alice):
    editing.archive(run.runbook, by=alice)
    assert running.start(incident, run.runbook, by=alice) == (run, False)
    with pytest.raises(NotAllowedNow):
        running.start(make.incident(), run.runbook, by=alice)


def test_steps_are_done_skipped_and_the_run_ends_by_itself(incident, run, alice, bob, now):
    running.tick(run, 1, by=alice, text="As usual", now=now + MINUTE)
    running.skip(run, 2, by=bob, reason="No room", now=now + 2 * MINUTE)
    assert Run.objects.get().finished_at is None
    step = running.tick(run, 3, by=alice, now=now + 3 * MINUTE)
    assert (step.run.finished_at, states(run)) == (now + 3 * MINUTE, ["done", "skipped", "done"])
    assert told(incident) == [
        ("Alice", "runbook_started", "", 0),
        ("Alice", "runbook_step", "done", 1),
        ("Bob", "runbook_step", "skipped", 2),
        ("Alice", "runbook_step", "done", 3),
        ("Muster", "runbook_finished", "", 0),
    ]
    assert list(run.steps.order_by("position").values_list("text", flat=True)) == ["As usual", "No room", ""]
    assert incident.timeline.get(data__position=2).text == "No room"
    ended = incident.timeline.get(kind="runbook_finished").data
    assert (ended["done"], ended["skipped"], ended["of"]) == (2, 1, 3)


def test_skipping_asks_for_a_reason(run, alice):
    with pytest.raises(ValidationError, match="Say why"):
        running.skip(run, 1, by=alice, reason=" \n")
    assert states(run) == ["todo"] * 3


def test_the_first_does_it_and_the_second_hears_who(incident, run, alice, bob, now):
    running.tick(run, 1, by=alice, now=now + 5 * SECOND)
    with pytest.raises(NotAllowedNow, match=r"^Alice did step 1 at 01:47:13\.$"):
        running.tick(run, 1, by=bob)
    with pytest.raises(NotAllowedNow, match="Alice did step 1"):
        running.skip(run, 1, by=bob, reason="No")
    running.tick(run, 1, by=alice)  # pressed twice
    assert told(incident)[1:] == [("Alice", "runbook_step", "done", 1)]


def test_a_tick_is_taken_back_and_a_finished_run_goes_on(incident, run, alice, bob, now):
    for position in (1, 2, 3):
        running.tick(run, position, by=alice, text="Seen")
    step = running.untick(run, 2, by=bob)
    assert (step.run.finished_at, step.text, states(run)) == (None, "Seen", ["done", "todo", "done"])
    assert running.untick(run, 2, by=bob).state == "todo"
    assert told(incident)[-1] == ("Bob", "runbook_step", "undone", 2)
    running.skip(run, 2, by=bob, reason="No")
    assert running.untick(run, 2, by=bob).text == ""


def test_a_finished_run_stays_so_when_another_one_has_begun(incident, run, alice):
    for position in (1, 2, 3):
        running.tick(run, position, by=alice)
    again, is_new = running.start(incident, run.runbook, by=alice)
    assert is_new
    with pytest.raises(NotAllowedNow, match="another one"):
        running.untick(run, 1, by=alice)


def test_what_is_seen_is_added_below_what_was_seen(incident, run, alice, bob):
    running.add_text(run, 1, by=alice, text="Lag **12**")
    running.add_text(run, 1, by=bob, text="Lag 9\r\n")
    running.tick(run, 1, by=alice, text="Lag 0")
    assert run.steps.get(position=1).text == "Lag **12**\n\nLag 9\n\nLag 0"
    assert [entry.text for entry in incident.timeline.filter(kind="runbook_step")] == ["Lag **12**", "Lag 9", "Lag 0"]
    for wrong in ("", "x" * 20_001):
        with pytest.raises(ValidationError):
            running.add_text(run, 1, by=alice, text=wrong)
    with pytest.raises(ValidationError):
        running.tick(run, 4, by=alice)


def test_following_a_runbook_counts_as_being_heard_of(alice, now):
    incident = make.incident(steps=[alice], at=now)
    run, _ = running.start(incident, make.runbook("lag"), by=alice, now=now + 20 * MINUTE)
    running.tick(run, 1, by=alice, now=now + 29 * MINUTE)
    assert quiet._last_active([incident]) == {incident.pk: now + 29 * MINUTE}


def test_runs_are_seen_by_those_who_see_the_incident(alice, charlie, now):
    hidden = make.incident(is_private=True, by=alice)
    run, _ = running.start(hidden, make.runbook("lag"), by=alice)
    assert list(Run.objects.visible_to(alice)) == [run]
    assert list(Run.objects.visible_to(charlie)) == []
    assert run.steps.model.objects.visible_to(charlie).count() == 0


def test_runs_go_with_their_incident(run):
    Incident.objects.all().delete()
    assert Run.objects.count() == 0


def test_a_run_costs_the_same_whatever_its_length(alice, now, django_assert_max_num_queries):
    incident = make.incident()
    long, _ = running.start(incident, make.runbook("long", *(f"Step {n}" for n in range(50))), by=alice)
    with django_assert_max_num_queries(9):
        running.tick(long, 7, by=alice, now=now + timedelta(days=1))
