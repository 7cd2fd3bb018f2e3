"""A change that would keep somebody from being paged warns first, and is saved once that was read."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest

from accounts.models import AuditEntry, Role
from catalog.models import Service
from oncall.models import EscalationPolicy, Schedule
from tests import make
from tests.make import NOW
from tests.oncall.test_pages_policies import FIELDS, step, steps
from tests.oncall.test_pages_schedules import form_of
from tests.warned import confirmation, save_anyway, warnings_of

pytestmark = pytest.mark.django_db

GHOST = "Ghost has no contact method; named by Payments."


@pytest.fixture(autouse=True)
def _at_night(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def manager(client):
    client.force_login(make.user("meg", role=Role.MANAGER))
    return client


@pytest.fixture
def ghost():
    return make.user("ghost", email=False)


@pytest.fixture
def payments(manager, alice, bob):
    """A schedule of which everything is ready."""
    assert manager.post("/on-call/new", form_of()).status_code == 303
    return Schedule.objects.get()


def edit_of(**changes):
    """What a browser sends for a schedule that has one layer."""
    return form_of(**changes) | {"layers-INITIAL_FORMS": "1"}


def people_of(schedule):
    return [place.user.username for place in schedule.layers.get().participants.all()]


# ---- schedules -----------------------------------------------------------------------------------------------------


def test_what_is_ready_is_saved_at_once(manager, payments):
    answer = manager.post(f"/on-call/{payments.pk}/edit", form_of(people="bob"))
    assert (answer.status_code, people_of(payments)) == (303, ["bob"])


def test_a_new_schedule_that_is_not_ready_asks_and_saves_nothing(manager, alice, ghost):
    sent = form_of(people="alice, ghost", ends_on="2026-10-31")
    asked = manager.post("/on-call/new", sent)
    assert (asked.status_code, warnings_of(asked)) == (
        422,
        [GHOST, "Nobody is on call for Payments from Sat 31 Oct 23:00 on."],
    )
    page = asked.content.decode()
    notice = page[: page.index("mu-unconfirmed")].rsplit("<", 1)[1] + page.split("mu-unconfirmed", 1)[1].split(">")[0]
    assert ['role="alert"' in notice, "autofocus" in notice, 'value="alice, ghost"' in page] == [True, True, True]
    assert (Schedule.objects.count(), AuditEntry.objects.count()) == (0, 0)
    assert manager.post("/on-call/new", sent | confirmation(asked))["Location"].startswith("/on-call/")
    assert people_of(Schedule.objects.get()) == ["alice", "ghost"]


def test_other_warnings_ask_anew(manager, payments, ghost):
    path = f"/on-call/{payments.pk}/edit"
    asked = manager.post(path, form_of(people="ghost"))
    other = manager.post(path, form_of(people="ghost", ends_on="2026-10-31") | confirmation(asked))
    assert (other.status_code, len(warnings_of(other))) == (422, 2)
    assert people_of(payments) == ["alice", "bob"]
    assert manager.post(path, form_of(people="bob") | confirmation(asked)).status_code == 303


@pytest.mark.parametrize("confirm", ["", "x", "1:2:3"])
def test_a_confirmation_that_is_none_confirms_nothing(manager, alice, ghost, confirm):
    sent = form_of(people="ghost") | {"confirm": confirm}
    assert (manager.post("/on-call/new", sent).status_code, Schedule.objects.count()) == (422, 0)


@pytest.mark.parametrize(("minutes", "code"), [(59, 303), (61, 422)])
def test_time_may_pass_before_it_is_confirmed_but_not_without_end(manager, alice, time_machine, minutes, code):
    sent = form_of(people="alice", starts_on="2026-10-20")
    asked = manager.post("/on-call/new", sent)
    assert warnings_of(asked) == ["Nobody is on call for Payments from Wed 14 Oct 01:47 until Tue 20 Oct 07:00."]
    time_machine.move_to(NOW + timedelta(minutes=minutes), tick=False)
    assert manager.post("/on-call/new", sent | confirmation(asked)).status_code == code


def test_what_was_not_ready_before_does_not_ask_again(manager, payments, ghost):
    path, sent = f"/on-call/{payments.pk}/edit", edit_of(people="alice, ghost", ends_on="2026-10-31")
    assert save_anyway(manager, path, sent).status_code == 303
    assert warnings_of(manager.post(path, sent | {"name": "Renamed"})) == []
    assert manager.post(path, edit_of(people="alice, ghost", ends_on="2026-11-05")).status_code == 303, "less of a gap"
    longer = manager.post(path, edit_of(people="alice, ghost", ends_on="2026-11-01"))
    assert warnings_of(longer) == ["Nobody is on call for Payments from Sun 1 Nov 23:00 on."]


def test_a_look_shows_the_same_warnings_and_saves_nothing(manager, payments, ghost):
    path, sent = f"/on-call/{payments.pk}/edit", form_of(people="ghost")
    looked = manager.post(path, sent | {"preview": "1"})
    assert (looked.status_code, warnings_of(looked)) == (200, [GHOST])
    assert (people_of(payments), "nothing is saved yet" in looked.content.decode()) == (["alice", "bob"], True)
    assert manager.post(path, sent | confirmation(looked)).status_code == 303


def test_somebody_who_is_away_is_put_on_call_with_a_warning(manager, payments, alice, bob):
    bob.absences.create(starts_at=NOW + timedelta(hours=1), ends_at=NOW + timedelta(hours=3))
    asked = manager.post(f"/on-call/{payments.pk}/edit", form_of(people="bob"))
    assert warnings_of(asked) == [
        "Bob is away while on call for Payments from Wed 14 Oct 02:47 until Wed 14 Oct 04:47."
    ]


def test_a_schedule_that_a_policy_pages_warns_of_the_step(manager, payments, ghost):
    make.escalation_policy(payments, name="Primary")
    asked = manager.post(f"/on-call/{payments.pk}/edit", form_of(people="ghost"))
    assert warnings_of(asked) == [GHOST, "Step 1 of Primary reaches nobody: no contact method: Ghost."]


# ---- policies ------------------------------------------------------------------------------------------------------


def test_a_policy_asks_before_a_step_reaches_nobody(manager, alice, ghost):
    policy = make.escalation_policy(alice, name="Core first")
    path, sent = f"/escalation-policies/{policy.pk}/edit", FIELDS | steps(step(0, alice), step(5, ghost), initial=1)
    asked = manager.post(path, sent)
    assert (asked.status_code, warnings_of(asked)) == (
        422,
        [
            "Ghost has no contact method; named by Core first.",
            "Step 2 of Core first reaches nobody: no contact method: Ghost.",
        ],
    )
    assert policy.steps.count() == 1
    assert manager.post(path, sent | confirmation(asked)).status_code == 303
    assert policy.steps.count() == 2
    swapped = FIELDS | steps(step(0, alice, ORDER=2), step(5, ghost, ORDER=1), initial=2)
    assert manager.post(path, swapped).status_code == 303, "it reached nobody before"


def test_a_new_policy_asks_too(manager, ghost):
    assert save_anyway(manager, "/escalation-policies/new", FIELDS | steps(step(0, ghost))).status_code == 303
    assert EscalationPolicy.objects.get().name == "Core first"


# ---- services ------------------------------------------------------------------------------------------------------


def test_a_service_asks_before_it_names_no_policy_or_one_that_reaches_nobody(manager, alice, ghost):
    good, weak = make.escalation_policy(alice), make.escalation_policy(ghost, name="Weak")
    make.service("kafka", policy=good)
    fields = {"name": "Kafka", "slug": "kafka", "tier": 1, "health": "operational"}
    said = {
        key: warnings_of(manager.post("/services/kafka/edit", fields | {"escalation_policy": key}))
        for key in ("", weak.pk, good.pk)
    }
    assert said == {
        "": ["Kafka names no escalation policy, and the site has no default: every admin is paged."],
        weak.pk: ["Step 1 of Weak reaches nobody: no contact method: Ghost."],
        good.pk: [],
    }
    assert Service.objects.get().escalation_policy == good
    assert save_anyway(manager, "/services/kafka/edit", fields).status_code == 303
    assert manager.post("/services/kafka/edit", fields | {"tier": 2}).status_code == 303


# ---- taking away ---------------------------------------------------------------------------------------------------


def test_the_last_confirmed_contact_method_says_who_counts_on_it(client, alice, bob):
    make.schedule("Days", make.layer(alice))
    make.escalation_policy(make.team("crew", alice), name="Primary")
    pages = {}
    for person in (alice, bob):
        client.force_login(person)
        pages[person.username] = "confirm another one" in client.get("/me/").content.decode()
    assert pages == {"alice": True, "bob": False}
    make.contact(alice, "webhook", "https://example.com/x")
    client.force_login(alice)
    assert "confirm another one" not in client.get("/me/").content.decode()


def test_admin_says_who_is_needed_and_what_a_policy_is_for(client, admin, alice, bob):
    make.schedule("Days", make.layer(alice))
    policy = make.escalation_policy(alice, name="Primary", is_default=True)
    make.service("kafka", policy=policy)
    client.force_login(admin)
    shown = [
        html.unescape(client.get(path).content.decode())
        for path in (
            f"/admin/accounts/user/{alice.pk}/change/",
            f"/admin/accounts/user/{bob.pk}/change/",
            f"/admin/oncall/escalationpolicy/{policy.pk}/delete/",
        )
    ]
    assert ["Alice is named by Days and Primary." in shown[0], "is named by" in shown[1]] == [True, False]
    assert ["Primary is the site's default." in shown[2], "Primary is named by Kafka." in shown[2]] == [True, True]
