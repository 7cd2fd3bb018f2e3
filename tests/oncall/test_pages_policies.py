"""Escalation policies on pages: shown, made and changed without a script."""

from __future__ import annotations

import re

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry
from oncall import changes
from oncall.models import EscalationPolicy
from tests import make

pytestmark = pytest.mark.django_db

FIELDS = {"name": "Core first", "repeat": 2, "repeat_after_minutes": 10}


@pytest.fixture
def manager():
    return make.user("maya", role="manager")


@pytest.fixture
def at_desk(client, manager):
    client.force_login(manager)
    return client


def steps(*rows: dict, initial: int = 0) -> dict:
    data: dict[str, object] = {"steps-TOTAL_FORMS": len(rows), "steps-INITIAL_FORMS": initial}
    for number, row in enumerate(rows):
        data |= {f"steps-{number}-{name}": value for name, value in row.items()}
    return data


def step(delay: int, *targets, **fields) -> dict:
    keys = [f"{'user' if hasattr(target, 'username') else 'team'}:{target.pk}" for target in targets]
    return {"delay_minutes": delay, "targets": keys, **fields}


def test_a_policy_is_made_with_steps_in_order(at_desk, alice, bob, manager):
    team = make.team("core", bob)
    data = FIELDS | steps(step(0, alice), step(5, team, bob), {"delay_minutes": "", "targets": []})
    response = at_desk.post(reverse("oncall:policy_new"), data)
    policy = EscalationPolicy.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/escalation-policies/{policy.pk}")
    assert changes.lines(policy) == ["after 0 min: user alice", "after 5 min: team core, user bob"]
    assert (policy.repeat, policy.repeat_after_minutes) == (2, 10)
    entry = AuditEntry.objects.latest("id")
    assert (entry.actor, entry.after) == (manager, {"steps": changes.lines(policy)})


def test_steps_are_reordered_removed_and_added(at_desk, alice, bob):
    team = make.team("core", bob)
    policy = make.escalation_policy(alice, bob, team)
    rows = steps(
        step(0, alice, ORDER=2), step(5, bob, ORDER=1), step(5, team, ORDER=3, DELETE="on"), step(7, team), initial=3
    )
    assert at_desk.post(reverse("oncall:policy_edit", args=[policy.pk]), FIELDS | rows).status_code == 303
    assert changes.lines(policy) == ["after 5 min: user bob", "after 0 min: user alice", "after 7 min: team core"]


def test_a_button_adds_room_for_a_step_and_saves_nothing(at_desk, alice):
    data = FIELDS | steps(step(0, alice)) | {"add_step": "1"}
    response = at_desk.post(reverse("oncall:policy_new"), data)
    page = response.content.decode()
    assert response.status_code == 200
    assert 'name="steps-1-delay_minutes"' in page
    assert 'value="Core first"' in page
    assert not EscalationPolicy.objects.exists()


@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        ({"name": ""}, ({"delay_minutes": 0, "targets": ["user:ALICE"]},)),
        ({}, ({"delay_minutes": 0, "targets": []},)),
        ({}, ({"delay_minutes": -1, "targets": ["user:ALICE"]},)),
        ({}, ({"delay_minutes": 0, "targets": ["user:0"]},)),
        ({"repeat": 21}, ({"delay_minutes": 0, "targets": ["user:ALICE"]},)),
        ({}, ()),
    ],
)
def test_what_would_page_nobody_or_is_wrong_comes_back(at_desk, alice, fields, rows):
    rows = [row | {"targets": [key.replace("ALICE", str(alice.pk)) for key in row["targets"]]} for row in rows]
    response = at_desk.post(reverse("oncall:policy_new"), FIELDS | fields | steps(*rows))
    assert response.status_code == 422
    assert not EscalationPolicy.objects.exists()


def test_a_post_without_the_forms_own_bookkeeping_is_no_crash(at_desk, alice):
    assert at_desk.post(reverse("oncall:policy_new"), FIELDS).status_code == 422
    assert at_desk.post(reverse("oncall:policy_new"), FIELDS | {"add_step": "1"}).status_code == 200


def test_a_new_default_takes_the_place_of_the_old_one(at_desk, alice):
    old = make.escalation_policy(alice, is_default=True)
    data = FIELDS | {"is_default": "on"} | steps(step(0, alice))
    assert at_desk.post(reverse("oncall:policy_new"), data).status_code == 303
    old.refresh_from_db()
    assert not old.is_default
    assert EscalationPolicy.objects.get(is_default=True).name == "Core first"


def test_the_form_of_a_policy_shows_what_it_has(at_desk, alice):
    team = make.team("core", alice)
    policy = make.escalation_policy(team, name="Core first", team=team)
    page = at_desk.get(reverse("oncall:policy_edit", args=[policy.pk])).content.decode()
    assert f'<option value="{team.pk}" selected>' in page
    ticked = re.findall(r'name="steps-(\d)-targets" value="([^"]+)"[^>]* checked', page)
    assert ticked == [("0", f"team:{team.pk}")]


def test_who_was_switched_off_stays_a_target_until_taken_out(at_desk, alice, bob):
    policy = make.escalation_policy(alice, bob)
    bob.is_active = False
    bob.save()
    rows = steps(step(0, alice), step(5, bob), initial=2)
    assert at_desk.post(reverse("oncall:policy_edit", args=[policy.pk]), FIELDS | rows).status_code == 303
    assert changes.lines(policy)[1] == "after 5 min: user bob"


def test_a_team_manager_changes_the_teams_policies_only(client, alice):
    team = make.team("core", managers=(alice,))
    ours, theirs = make.escalation_policy(alice, team=team), make.escalation_policy(alice)
    client.force_login(alice)
    assert client.get(reverse("oncall:policy_edit", args=[ours.pk])).status_code == 200
    assert client.get(reverse("oncall:policy_edit", args=[theirs.pk])).status_code == 403
    data = FIELDS | {"is_default": "on"} | steps(step(0, alice))
    assert client.post(reverse("oncall:policy_new"), data).status_code == 422
    assert client.post(reverse("oncall:policy_new"), data | {"team": team.pk}).status_code == 303
    assert not EscalationPolicy.objects.filter(is_default=True).exists()


@pytest.mark.parametrize("role", ["viewer", "responder"])
def test_others_read(client, alice, role):
    policy = make.escalation_policy(alice, name="Core first")
    client.force_login(make.user(role=role))
    assert "Core first" in client.get(reverse("oncall:policy_list")).content.decode()
    assert "Alice" in client.get(reverse("oncall:policy_detail", args=[policy.pk])).content.decode()
    assert client.get(reverse("oncall:policy_edit", args=[policy.pk])).status_code == 403
    assert client.get(reverse("oncall:policy_new")).status_code == 403


def test_the_list_asks_the_database_as_often_for_many_as_for_one(at_desk, alice):
    make.escalation_policy(alice, make.team("core", alice))
    with CaptureQueriesContext(connection) as few:
        at_desk.get(reverse("oncall:policy_list"))
    for number in range(5):
        make.escalation_policy(make.user(), make.team(f"team-{number}", make.user(), make.user()))
    with CaptureQueriesContext(connection) as many:
        at_desk.get(reverse("oncall:policy_list"))
    assert len(many) == len(few) <= 10


def test_a_policy_without_steps_is_refused_by_the_domain_too(manager):
    with pytest.raises(ValidationError):
        changes.save_policy(name="Nobody", steps=[], by=manager)
    assert not EscalationPolicy.objects.exists()


def test_strangers_sign_in(client, db):
    assert client.get("/escalation-policies/").status_code == 302
