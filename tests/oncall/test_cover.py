"""Cover that is asked for and taken, the shift that is taken at once, and swaps."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Role
from notifications.models import Notification
from oncall import cover, rotas
from oncall.models import CoverRequest, Override, Schedule
from oncall.shifts import on_call_at
from tests import make
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db

HOUR = 60 * MINUTE
DAY = timedelta(days=1)
TODAY = datetime(2026, 10, 14, tzinfo=UTC)  # Alice's day; the next one is Bob's


@pytest.fixture
def schedule(alice, bob):
    """Alice today, Bob tomorrow, and so on."""
    return make.schedule("Platform primary", make.layer(alice, bob, name="Days", starts_on=NOW.date()))


@pytest.fixture
def meg(db):
    return make.user("meg", role=Role.MANAGER)


@pytest.fixture
def page(client, time_machine):
    """What a person sees and gets, at NOW."""
    time_machine.move_to(NOW, tick=False)

    def get(person, path):
        client.force_login(person)
        answer = client.get(path)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


@pytest.fixture
def press(client, time_machine):
    """What a button or a form answers, at NOW."""
    time_machine.move_to(NOW, tick=False)

    def post(person, path, **data):
        client.force_login(person)
        answer = client.post(path, data)
        return answer, "".join(str(each) for each in client.get(answer["Location"]).context["messages"]) if (
            answer.status_code == 303
        ) else ""

    return post


def holder_at(schedule, at):
    known, users = rotas.read(Schedule.objects.filter(pk=schedule.pk), start=at)
    holding = on_call_at(known[schedule.pk], at)
    return users[holding[0].holder].username if holding else None


def notices():
    """(who, what, topic) of everything that is told, in order."""
    rows = Notification.objects.filter(purpose="notice").order_by("id")
    return [(row.user.username, row.title, row.topic, row.urgency) for row in rows]


def ask(schedule, by, start=NOW, end=TODAY + DAY, **options):
    return cover.ask(schedule, start=start, end=end, by=by, now=options.pop("now", NOW), **options)


# ---- asking and taking ---------------------------------------------------------------------------------------------


def test_a_colleague_takes_the_shift_and_the_asker_is_told(schedule, alice, bob):
    row = ask(schedule, alice, start=TODAY + 8 * HOUR, note="Dentist\n")
    made = cover.take(row, by=bob, now=NOW + MINUTE)
    row.refresh_from_db()
    assert (row.taken_by, row.taken_at, row.note) == (bob, NOW + MINUTE, "Dentist")
    assert (made.user, made.starts_at, made.ends_at, made.created_by) == (bob, TODAY + 8 * HOUR, TODAY + DAY, bob)
    assert (made.reason, holder_at(schedule, TODAY + 9 * HOUR)) == ("Cover for Alice", "bob")
    assert notices() == [
        ("alice", "Bob covers your shift: Platform primary", f"schedule/{schedule.pk}", "low"),
    ]
    told = Notification.objects.get()
    assert told.body == "Platform primary: Bob is on call from Wed 14 Oct 08:00 to Thu 15 Oct 00:00 (UTC)."
    assert told.url.endswith(f"/on-call/{schedule.pk}")


def test_of_a_shift_that_runs_the_rest_is_taken(schedule, alice, bob):
    row = ask(schedule, alice)
    assert cover.take(row, by=bob, now=NOW + HOUR).starts_at == NOW + HOUR


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        (TODAY, NOW, "ahead"),
        (TODAY + 9 * HOUR, TODAY + 8 * HOUR, "ahead"),
        (TODAY + 8 * HOUR, TODAY + DAY + HOUR, "not on call"),
        (TODAY + DAY, TODAY + DAY + HOUR, "not on call"),
        (NOW, NOW + 400 * DAY, "At most 366 days"),
    ],
)
def test_only_the_own_coming_shifts_can_be_covered(schedule, alice, start, end, says):
    with pytest.raises(ValidationError, match=says):
        ask(schedule, alice, start=start, end=end)
    assert not CoverRequest.objects.exists()


def test_the_same_time_is_asked_for_once(schedule, alice):
    row = ask(schedule, alice)
    with pytest.raises(ValidationError, match="already"):
        ask(schedule, alice, start=TODAY + 8 * HOUR)
    cover.withdraw(row, by=alice, now=NOW)
    assert ask(schedule, alice, start=TODAY + 8 * HOUR).pk != row.pk


def test_what_is_taken_withdrawn_or_over_cannot_be_taken(schedule, alice, bob, meg):
    row = ask(schedule, alice)
    with pytest.raises(cover.Overtaken, match="over"):
        cover.take(row, by=bob, now=TODAY + DAY)
    cover.take(row, by=bob, now=NOW)
    with pytest.raises(cover.Overtaken, match="Bob has taken it already"):
        cover.take(row, by=meg, now=NOW)
    with pytest.raises(cover.Overtaken, match="Bob has taken it already"):
        cover.withdraw(row, by=alice, now=NOW)
    other = ask(schedule, alice, start=TODAY + 2 * DAY, end=TODAY + 3 * DAY)
    cover.withdraw(other, by=alice, now=NOW)
    with pytest.raises(cover.Overtaken, match="needs no cover any more"):
        cover.take(other, by=bob, now=NOW)
    assert [row.user for row in Override.objects.all()] == [bob]


def test_what_the_asker_no_longer_holds_cannot_be_taken(schedule, alice, bob, meg):
    row = ask(schedule, alice)
    make.override(schedule, meg, NOW + HOUR, NOW + 2 * HOUR)
    with pytest.raises(cover.Overtaken, match="no longer on call"):
        cover.take(row, by=bob, now=NOW)


def test_neither_oneself_nor_a_viewer_takes_it_and_others_do_not_withdraw_it(schedule, alice, bob, charlie):
    row = ask(schedule, alice)
    with pytest.raises(ValidationError, match="your own shift"):
        cover.take(row, by=alice, now=NOW)
    with pytest.raises(PermissionDenied):
        cover.take(row, by=charlie, now=NOW)
    with pytest.raises(PermissionDenied):
        cover.withdraw(row, by=bob, now=NOW)


@pytest.mark.django_db(transaction=True)
@pytest.mark.story
def test_two_who_press_at_once_take_it_once():
    alice, bob, carol = (make.user(name) for name in ("alice", "bob", "carol"))
    schedule = make.schedule("Primary", make.layer(alice))
    now = timezone.now()
    for round_ in range(5):
        start = now + (round_ + 1) * HOUR
        row = ask(schedule, alice, start=start, end=start + HOUR, now=now)
        barrier, said = threading.Barrier(2), []

        def press(person, row=row, barrier=barrier, said=said):
            barrier.wait()
            try:
                said.append(f"{cover.take(row, by=person, now=now).user} takes it")
            except cover.Overtaken as error:
                said.append(str(error))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=press, args=(person,)) for person in (bob, carol)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winner = str(Override.objects.get(starts_at=start).user)
        assert sorted(said) == sorted([f"{winner} takes it", f"{winner} has taken it already."])
    assert len(notices()) == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.story
def test_two_who_take_the_running_shift_at_once_follow_each_other():
    alice, bob, carol = (make.user(name) for name in ("alice", "bob", "carol"))
    schedule = make.schedule("Primary", make.layer(alice))
    barrier = threading.Barrier(2)

    def press(person):
        try:
            barrier.wait()
            cover.take_now(schedule, by=person)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=(person,)) for person in (bob, carol)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = Override.objects.order_by("id")
    assert [user for user, *_ in notices()] == ["alice", first.user.username]
    assert (first.starts_at < second.starts_at, first.ends_at == second.ends_at) == (True, True)


# ---- the pages of cover --------------------------------------------------------------------------------------------


def test_the_holder_asks_from_the_shift_itself(page, press, schedule, alice, bob):
    shown = page(alice, f"/on-call/{schedule.pk}")
    link = shown.split("Ask for cover")[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    form = page(alice, link)
    assert ['value="2026-10-14T01:47"' in form, 'value="2026-10-15T00:00"' in form] == [True, True]
    sent = {"start": "2026-10-14T01:47", "end": "2026-10-15T00:00", "note": "Ill"}
    assert press(alice, f"/on-call/{schedule.pk}/cover", **sent)[0]["Location"] == f"/on-call/{schedule.pk}"
    row = CoverRequest.objects.get()
    assert (row.user, row.starts_at, row.ends_at, row.note) == (alice, NOW, TODAY + DAY, "Ill")
    assert press(bob, f"/on-call/{schedule.pk}/cover", **sent)[0].status_code == 422


def test_colleagues_see_it_where_they_look_and_strangers_do_not(page, schedule, alice, bob, meg, charlie):
    schedule.team = make.team("crew", meg)
    schedule.save()
    row = ask(schedule, alice, note="Ill")
    take, withdraw = f"/on-call/cover/{row.pk}/take", f"/on-call/cover/{row.pk}/withdraw"
    stranger = make.user("stranger")
    seen = {
        (who.username, path): [words in shown for words in ("Cover wanted", take, withdraw)]
        for who in (alice, bob, meg, stranger, charlie)
        for path in ("/on-call/", f"/on-call/{schedule.pk}")
        for shown in [page(who, path)]
    }
    one = f"/on-call/{schedule.pk}"
    assert seen == {
        ("alice", "/on-call/"): [True, False, True],
        ("alice", one): [True, False, True],
        ("bob", "/on-call/"): [True, True, False],
        ("bob", one): [True, True, False],
        ("meg", "/on-call/"): [True, True, True],
        ("meg", one): [True, True, True],
        ("stranger", "/on-call/"): [False, False, False],
        ("stranger", one): [True, True, False],
        ("charlie", "/on-call/"): [False, False, False],
        ("charlie", one): [True, False, False],
    }


def test_the_button_takes_it_and_says_who_was_quicker(press, schedule, alice, bob, meg):
    row = ask(schedule, alice)
    answer, said = press(bob, f"/on-call/cover/{row.pk}/take")
    assert (answer["Location"], said) == (
        f"/on-call/{schedule.pk}",
        "You are on call for Alice from Wed 14 Oct 01:47 to Thu 15 Oct 00:00.",
    )
    assert press(meg, f"/on-call/cover/{row.pk}/take")[1] == "Bob has taken it already."
    assert press(alice, f"/on-call/cover/{row.pk}/withdraw")[1] == "Bob has taken it already."


def test_pages_with_requests_cost_no_more_queries(client, time_machine, schedule, alice, bob):
    time_machine.move_to(NOW, tick=False)
    client.force_login(bob)
    for path in ("/on-call/", f"/on-call/{schedule.pk}"):
        counts = []
        for days in (0, 2):
            ask(
                schedule,
                alice,
                start=TODAY + (days + 2) * DAY,
                end=TODAY + (days + 2) * DAY + HOUR + len(path) * MINUTE,
            )
            with CaptureQueriesContext(connection) as queries:
                client.get(path)
            counts.append(len(queries))
        CoverRequest.objects.all().delete()
        assert counts[0] == counts[1] <= 14


# ---- the shift that runs -------------------------------------------------------------------------------------------


def test_the_running_shift_is_taken_to_its_end_and_its_holder_is_told(press, page, schedule, alice, bob):
    assert "Take this shift now" not in page(alice, f"/on-call/{schedule.pk}")
    assert "Take this shift now" in page(bob, f"/on-call/{schedule.pk}")
    _, said = press(bob, f"/on-call/{schedule.pk}/take")
    row = Override.objects.get()
    assert said == "You are on call from Wed 14 Oct 01:47 to Thu 15 Oct 00:00."
    assert (row.user, row.ends_at, holder_at(schedule, NOW + HOUR)) == (bob, TODAY + DAY, "bob")
    assert [each[:2] for each in notices()] == [("alice", "Bob took over your shift: Platform primary")]
    assert press(bob, f"/on-call/{schedule.pk}/take")[1] == "You are on call already."
    assert Override.objects.count() == 1


def test_where_no_end_is_in_sight_twelve_hours_are_taken(alice):
    empty = make.schedule("Nobody's")
    made = cover.take_now(empty, by=alice, now=NOW)
    assert (made.starts_at, made.ends_at, notices()) == (NOW, NOW + 12 * HOUR, [])


def test_viewers_take_nothing(press, schedule, charlie):
    assert press(charlie, f"/on-call/{schedule.pk}/take")[0].status_code == 403


# ---- swaps ---------------------------------------------------------------------------------------------------------


def test_a_manager_swaps_two_shifts_and_both_are_told(press, schedule, alice, bob, meg):
    first, second = TODAY + DAY, TODAY + 2 * DAY
    answer, said = press(meg, f"/on-call/{schedule.pk}/swap", first=first.isoformat(), second=second.isoformat())
    assert (answer["Location"], said) == (f"/on-call/{schedule.pk}", "Bob and Alice have swapped.")
    assert [(row.user, row.starts_at, row.ends_at, row.reason) for row in Override.objects.order_by("starts_at")] == [
        (bob, NOW, first, "Swapped with Alice"),
        (alice, first, second, "Swapped with Bob"),
    ]
    assert [each[:2] for each in notices()] == [
        ("bob", "Meg swapped your shift with Alice's: Platform primary"),
        ("alice", "Meg swapped your shift with Bob's: Platform primary"),
    ]
    assert [holder_at(schedule, TODAY + hours * HOUR) for hours in (3, 30, 50)] == ["bob", "alice", "alice"]


def test_a_swap_needs_two_people_two_shifts_that_are_there_and_a_manager(press, page, schedule, alice, meg):
    path = f"/on-call/{schedule.pk}/swap"
    assert page(meg, path).count("<option") > 100
    same = press(meg, path, first=(TODAY + DAY).isoformat(), second=(TODAY + 3 * DAY).isoformat())[0]
    assert (same.status_code, "Choose shifts of two people." in same.content.decode()) == (422, True)
    with pytest.raises(cover.Overtaken, match="have changed"):
        cover.swap(schedule, first=TODAY + HOUR, second=TODAY + 2 * DAY, by=meg, now=NOW)
    with pytest.raises(PermissionDenied):
        cover.swap(schedule, first=TODAY + DAY, second=TODAY + 2 * DAY, by=alice, now=NOW)
    assert press(alice, path)[0].status_code == 403
    assert "Nothing to swap" in page(meg, f"/on-call/{make.schedule('Empty').pk}/swap")
    assert not Override.objects.exists()


def test_links_with_nonsense_open_the_form_all_the_same(page, schedule, alice):
    assert "Ask for cover" in page(alice, f"/on-call/{schedule.pk}/cover?{urlencode({'start': 'x', 'end': '%00'})}")
