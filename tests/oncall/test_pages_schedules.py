"""Schedules in the browser: who is on call, three views, the form with its preview, overrides."""

from __future__ import annotations

from datetime import date, time, timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from oncall import shifts
from oncall.models import Override, Schedule
from oncall.windows import of_text, to_text
from tests import make
from tests.make import MINUTE, NOW
from tests.warned import save_anyway

pytestmark = pytest.mark.django_db

HOUR = 60 * MINUTE


@pytest.fixture(autouse=True)
def _at_night(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def schedule(alice, bob):
    """Alice today, Bob tomorrow, and so on."""
    return make.schedule("Platform primary", make.layer(alice, bob, name="Days", starts_on=NOW.date()))


@pytest.fixture
def manager(client):
    client.force_login(make.user("meg", role=Role.MANAGER))
    return client


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


def text_of(answer) -> str:
    assert answer.status_code in (200, 422), answer.content
    return answer.content.decode()


def form_of(**changes) -> dict[str, str]:
    """What a browser sends for a schedule with one layer and an empty one."""
    layer = {
        "name": "Weeks",
        "people": "alice, Bob",
        "length": "1",
        "unit": "week",
        "handoff": "09:00",
        "starts_on": "2026-10-12",
        "ends_on": "",
        "windows": "",
    } | changes
    return {
        "name": "Payments",
        "time_zone": "Europe/Berlin",
        "description": "",
        "team": "",
        "layers-TOTAL_FORMS": "2",
        "layers-INITIAL_FORMS": "0",
        **{f"layers-0-{name}": value for name, value in layer.items()},
        **{f"layers-1-{name}": "" for name in layer},
    }


def test_the_list_says_who_is_on_call_until_when_and_who_follows(at_desk, schedule):
    make.schedule("Nobody's")
    page = text_of(at_desk.get("/on-call/"))
    card = page.split("Platform primary", 1)[1].split("</article>")[0]
    assert [word in card for word in ("Alice", "then Bob", "by Days")] == [True] * 3
    assert "Nobody" in page.split("Nobody&#x27;s", 1)[1].split("</article>")[0]


def test_the_list_can_be_asked_about_another_moment(at_desk, schedule):
    page = text_of(at_desk.get(f"/on-call/?{urlencode({'at': (NOW + timedelta(days=1)).isoformat()})}"))
    assert "Bob" in page.split("Platform primary", 1)[1].split("</article>")[0]
    assert at_desk.get("/on-call/?at=yesterday").status_code == 404


@pytest.mark.parametrize("view", ["timeline", "week", "month", "nonsense"])
def test_every_view_shows_the_same_shifts(at_desk, schedule, view):
    page = text_of(at_desk.get(f"/on-call/{schedule.pk}?view={view}&on=2026-10-14"))
    assert page.count("Bob") > 3
    assert "is on call" in page


@pytest.mark.parametrize("on", ["0001-01-01", "9999-12-31", "2026-02-30", "%00", "x"])
def test_a_day_that_is_none_shows_today(at_desk, schedule, on):
    assert at_desk.get(f"/on-call/{schedule.pk}?on={on}").status_code == 200


def test_a_schedule_costs_few_queries(at_desk, schedule, alice, bob):
    for number in range(5):
        make.override(schedule, bob, NOW + number * HOUR, NOW + (number + 1) * HOUR)
    for path in (f"/on-call/{schedule.pk}", "/on-call/"):
        with CaptureQueriesContext(connection) as queries:
            at_desk.get(path)
        assert len(queries) <= 12


# ---- the form ------------------------------------------------------------------------------------------------------


def test_a_schedule_is_made(manager, alice, bob):
    answer = save_anyway(manager, "/on-call/new", form_of(windows="mon-fri 09:00-17:00, sat+sun 10:00-14:00"))
    schedule = Schedule.objects.get()
    assert answer["Location"] == f"/on-call/{schedule.pk}"
    layer = schedule.layers.get()
    people = [place.user.username for place in layer.participants.all()]
    assert (people, layer.handoff, layer.starts_on) == (["alice", "bob"], time(9), date(2026, 10, 12))
    assert layer.windows == [
        {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"},
        {"days": ["sat", "sun"], "from": "10:00", "to": "14:00"},
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"people": "alice, nobody"}, "Nobody is called nobody"),
        ({"starts_on": ""}, "Say on which day the first turn begins"),
        ({"ends_on": "2026-10-01"}, "The last day is the first one, or later"),
        ({"windows": "sometimes"}, "Restriction 1"),
        ({"windows": "moon 09:00-10:00"}, "is none"),
        ({"length": "0"}, "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(manager, alice, bob, change, says):
    answer = manager.post("/on-call/new", form_of(**change))
    assert (answer.status_code, says in text_of(answer)) == (422, True)
    assert 'value="Weeks"' in text_of(answer)
    assert not Schedule.objects.exists()


def test_a_look_at_what_changes_saves_nothing(manager, schedule):
    sent = form_of(people="bob", unit="day", starts_on="2026-10-14") | {"name": schedule.name, "preview": "1"}
    page = text_of(manager.post(f"/on-call/{schedule.pk}/edit", sent))
    assert "nothing is saved yet" in page
    preview = page.split('id="preview"')[1].split("</section>")[0]
    assert [word in preview for word in ("Alice", "Bob", "Nobody is on call in 1 stretch")] == [True, True, True]
    assert [place.user.username for place in schedule.layers.get().participants.all()] == ["alice", "bob"]


def test_another_layer_is_a_button_that_needs_no_script(manager, alice):
    page = text_of(manager.post("/on-call/new", form_of() | {"add_layer": "1"}))
    assert "layers-2-people" in page
    assert 'value="alice, Bob"' in page


def test_responders_do_not_change_schedules(at_desk, schedule):
    assert [at_desk.get(path).status_code for path in ("/on-call/new", f"/on-call/{schedule.pk}/edit")] == [403, 403]


# ---- overrides -----------------------------------------------------------------------------------------------------


def test_a_responder_takes_a_shift(at_desk, schedule, alice):
    tomorrow = NOW.date() + timedelta(days=1)
    path = f"/on-call/{schedule.pk}/override"
    sent = {"user": "alice", "start": f"{tomorrow}T08:00", "end": f"{tomorrow}T20:00", "reason": "Swap"}
    assert at_desk.post(path, sent)["Location"] == f"/on-call/{schedule.pk}"
    row = Override.objects.get()
    assert (row.user, row.ends_at - row.starts_at, row.created_by, row.reason) == (alice, 12 * HOUR, alice, "Swap")
    assert at_desk.post(path, sent | {"user": "bob"}).status_code == 422
    assert at_desk.post(path, sent | {"end": f"{tomorrow}T07:00"}).status_code == 422


def test_a_gap_is_covered_with_one_link(manager, alice):
    schedule = make.schedule("Days only", make.layer(alice, windows=of_text("09:00-17:00"), starts_on=NOW.date()))
    page = text_of(manager.get(f"/on-call/{schedule.pk}"))
    link = page.split("Cover this gap")[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    form = text_of(manager.get(link))
    assert 'value="2026-10-14T01:47"' in form
    assert 'value="2026-10-14T09:00"' in form


def test_an_override_is_taken_back_by_whom_it_concerns(at_desk, schedule, alice, bob):
    mine = make.override(schedule, alice, NOW + HOUR, NOW + 2 * HOUR)
    running = make.override(schedule, alice, NOW - HOUR, NOW + HOUR)
    others = make.override(schedule, bob, NOW + HOUR, NOW + 2 * HOUR)
    codes = [at_desk.post(f"/on-call/overrides/{row.pk}/end").status_code for row in (mine, running, others)]
    assert codes == [303, 303, 403]
    assert list(Override.objects.order_by("pk").values_list("pk", "ends_at")) == [
        (running.pk, NOW),
        (others.pk, NOW + 2 * HOUR),
    ]


# ---- policies ------------------------------------------------------------------------------------------------------


def test_a_policy_can_page_a_schedule(manager, schedule):
    sent = {
        "name": "Primary",
        "repeat": "0",
        "repeat_after_minutes": "5",
        "steps-TOTAL_FORMS": "1",
        "steps-INITIAL_FORMS": "0",
        "steps-0-delay_minutes": "0",
        "steps-0-targets": f"schedule:{schedule.pk}",
    }
    answer = manager.post("/escalation-policies/new", sent)
    assert "Platform primary" in text_of(manager.get(answer["Location"]))
    edit = text_of(manager.get(f"{answer['Location']}/edit"))
    assert "checked" in edit.split(f'value="schedule:{schedule.pk}"')[1].split(">")[0]


@pytest.mark.parametrize(
    "text", ["mon-fri 09:00-17:00", "sat+sun 10:00-14:00", "fri 22:00-06:00", "mon-sun 00:00-00:00"]
)
def test_restrictions_read_as_they_are_written(text):
    assert to_text(of_text(text)) == text


def test_days_may_run_over_the_end_of_the_week():
    assert of_text("fri-mon 22:00-06:00")[0] == shifts.Window(frozenset({4, 5, 6, 0}), time(22), time(6))
