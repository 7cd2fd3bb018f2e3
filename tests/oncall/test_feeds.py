"""Calendar feeds: what calendar programs read, and who makes and ends their addresses."""

from __future__ import annotations

import random
import re
from datetime import UTC, date, datetime, time

import pytest
from django.core.exceptions import PermissionDenied
from icalendar import Calendar

from accounts.models import AuditEntry
from oncall import feeds, ical, rotas, schedule_changes
from oncall.models import Feed, Schedule
from oncall.shifts import on_call_at, shifts
from oncall.windows import of_text
from tests import make
from tests.make import MINUTE, NOW, SECOND

pytestmark = pytest.mark.django_db

HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.fixture(autouse=True)
def _at_night(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def schedule(alice, bob):
    """Weeks of Alice and Bob, from Mondays at nine in Berlin."""
    weeks = make.layer(alice, bob, name="Weeks", unit="week", handoff=time(9), starts_on=date(2026, 1, 5))
    return make.schedule("Platform primary", weeks, zone="Europe/Berlin")


def address(of, by) -> str:
    return f"/ical/{feeds.create(of, by=by)[1]}.ics"


def events_of(answer) -> list:
    assert answer.status_code == 200, answer.content
    return Calendar.from_ical(answer.content).walk("VEVENT")


def spans(events) -> list[tuple[datetime, datetime]]:
    return [(event["DTSTART"].dt, event["DTEND"].dt) for event in events]


def uids(events) -> list[str]:
    return [str(event["UID"]) for event in events]


# ---- what is in it -------------------------------------------------------------------------------------------------


def test_a_person_reads_their_own_shifts_of_every_schedule(client, alice, bob, schedule):
    nights = make.schedule("Nights", make.layer(bob, name="Alone"))
    make.schedule("Nobody we know", make.layer(make.user("dora")))
    make.override(nights, alice, NOW + DAY, NOW + DAY + HOUR)
    events = events_of(client.get(address(alice, alice)))
    assert {str(event["SUMMARY"]) for event in events} == {"On call: Platform primary", "On call: Nights"}
    assert spans(e for e in events if e["SUMMARY"] == "On call: Nights") == [(NOW + DAY, NOW + DAY + HOUR)]
    weeks = spans(e for e in events if e["SUMMARY"] == "On call: Platform primary")
    assert weeks[:2] == [
        (datetime(2026, 9, 14, 7, tzinfo=UTC), datetime(2026, 9, 21, 7, tzinfo=UTC)),
        (datetime(2026, 9, 28, 7, tzinfo=UTC), datetime(2026, 10, 5, 7, tzinfo=UTC)),
    ]
    # The clocks go back on 25 October: handoffs stay at nine.
    assert (datetime(2026, 10, 26, 8, tzinfo=UTC), datetime(2026, 11, 2, 8, tzinfo=UTC)) in weeks
    assert weeks[-1][0] < NOW + 180 * DAY < weeks[-1][1] + 14 * DAY


def test_a_schedules_feed_says_whose_each_shift_is_and_leaves_gaps_out(client, admin, alice):
    office = make.layer(alice, name="Office", windows=of_text("mon-fri 09:00-17:00"))
    schedule = make.schedule("Desk", office)
    events = events_of(client.get(address(schedule, admin)))
    assert {str(event["SUMMARY"]) for event in events} == {"On call: Desk (Alice)"}
    assert {str(event["DESCRIPTION"]) for event in events} == {"Alice, by layer Office"}
    assert {end - start for start, end in spans(events)} == {8 * HOUR}
    first, last = spans(events)[0][0], spans(events)[-1][0]
    assert (first, last) == (datetime(2026, 9, 14, 9, tzinfo=UTC), datetime(2027, 4, 9, 9, tzinfo=UTC))
    assert len(events) == 30 * 5


def test_the_text_keeps_the_format(client, alice, bob):
    long = "Überwachung, Nacht; Süd " * 5
    schedule = make.schedule(long[:115], make.layer(alice, bob, name="One\\two"))
    answer = client.get(address(alice, alice))
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Cache-Control"] == "private, no-cache"
    lines = answer.content.split(b"\r\n")
    assert b"\n" not in b"".join(lines)
    assert max(map(len, lines)) <= 75
    unfolded = answer.content.replace(b"\r\n ", b"").decode()
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in unfolded
    assert "X-PUBLISHED-TTL:PT1H\r\n" in unfolded
    one = re.search(r"BEGIN:VEVENT\r\n(.*?)END:VEVENT", unfolded, re.DOTALL)[1]
    names = sorted(line.partition(":")[0] for line in one.splitlines())
    assert names == [
        "DESCRIPTION", "DTEND", "DTSTAMP", "DTSTART", "LAST-MODIFIED", "SEQUENCE", "SUMMARY", "TRANSP", "UID", "URL",
    ]  # fmt: skip
    assert re.search(r"^DTSTART:\d{8}T\d{6}Z$", one.replace("\r", ""), re.MULTILINE)
    assert "TRANSP:TRANSPARENT" in one
    assert "example.com" not in unfolded
    assert Calendar.from_ical(answer.content).walk("VEVENT")[0]["SUMMARY"] == f"On call: {schedule.name}"


def test_a_name_cannot_add_a_line(client, alice):
    make.schedule("Fine\r\nX-EVIL:1\x0b\x1c", make.layer(alice))
    text = client.get(address(alice, alice)).content
    assert b"\nX-EVIL" not in text
    assert events_of(client.get(address(alice, alice)))[0]["SUMMARY"] == "On call: Fine  X-EVIL:1  "


def test_uids_and_text_stay_the_same_while_time_goes_on(client, admin, schedule, time_machine):
    path = address(schedule, admin)
    first = client.get(path)
    time_machine.move_to(NOW + 3 * HOUR, tick=False)
    assert client.get(path).content == first.content
    time_machine.move_to(NOW + 40 * DAY, tick=False)
    later, before = uids(events_of(client.get(path))), uids(events_of(first))
    assert later[: len(before) - 6] == before[6:]
    assert len(set(before)) == len(before) == 31


def test_a_shift_that_is_cut_short_keeps_its_uid_and_gets_a_higher_sequence(
    client, admin, alice, bob, schedule, time_machine
):
    path = address(schedule, admin)
    before = {str(event["UID"]): event for event in events_of(client.get(path))}
    time_machine.move_to(NOW + MINUTE, tick=False)
    schedule_changes.override(schedule, user=bob, start=NOW + HOUR, end=NOW + 2 * HOUR, by=admin)
    after = {str(event["UID"]): event for event in events_of(client.get(path))}
    running = next(uid for uid, event in before.items() if event["DTSTART"].dt <= NOW < event["DTEND"].dt)
    assert (before[running]["DTEND"].dt, after[running]["DTEND"].dt) == (
        datetime(2026, 10, 19, 7, tzinfo=UTC),
        NOW + HOUR,
    )
    assert after[running]["SEQUENCE"] == before[running]["SEQUENCE"] + 60
    assert (before[running]["LAST-MODIFIED"].dt, after[running]["LAST-MODIFIED"].dt) == (NOW, NOW + MINUTE)
    assert len(after) == len(before) + 2


def test_whoever_has_it_already_gets_a_304(client, alice, schedule):
    path = address(alice, alice)
    answer = client.get(path)
    assert client.get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 304


@pytest.mark.parametrize("seed", range(8))
def test_the_feed_the_shifts_and_who_is_on_call_agree_at_every_instant(client, admin, alice, bob, seed):
    dice = random.Random(seed)
    people = [alice, bob, make.user("carol"), make.user("dave")]
    zone = dice.choice(["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca", "UTC"])
    layers = [
        make.layer(
            *dice.sample(people, dice.randint(1, 4)),
            unit=dice.choice(["hour", "day", "week"]),
            length=dice.randint(5, 80),
            handoff=time(dice.randrange(24), dice.choice([0, 30])),
            starts_on=date(2026, 9, 1) - dice.randint(0, 400) * DAY,
            ends_on=dice.choice([None, date(2027, 2, 1)]),
            windows=of_text(dice.choice(["", "mon-fri 09:00-17:00", "sat-sun 22:00-06:00"])),
        )
        for _ in range(dice.randint(1, 3))
    ]
    schedule = make.schedule("Any", *layers, zone=zone)
    for _ in range(6):
        start = NOW + dice.randint(-40 * 1440, 190 * 1440) * MINUTE
        make.override(schedule, dice.choice(people), start, start + dice.randint(1, 20_000) * MINUTE)
    events = events_of(client.get(address(schedule, admin)))
    own = {person: events_of(client.get(address(person, person))) for person in people}
    start, end = NOW - 30 * DAY, NOW + 180 * DAY
    known, users = rotas.read(Schedule.objects.all(), start=start, end=end)
    found = [row for row in shifts(known[schedule.pk], start, end) if row.holder]
    assert [(max(a, start), min(b, end)) for a, b in spans(events)] == [(row.start, row.end) for row in found]
    assert sorted(uids(events)) == sorted(uid for rows in own.values() for uid in uids(rows))
    edges = [edge + shift for row in found for edge in (row.start, row.end) for shift in (-SECOND, 0 * SECOND)]
    for at in (*edges, *(start + dice.random() * (end - start) for _ in range(200))):
        if not start <= at < end:
            continue
        holding = on_call_at(known[schedule.pk], at)
        name = f"On call: Any ({users[holding[0].holder]})" if holding else None
        assert [str(e["SUMMARY"]) for e in events if e["DTSTART"].dt <= at < e["DTEND"].dt] == ([name] if name else [])
        reading = [who for who, rows in own.items() if any(e["DTSTART"].dt <= at < e["DTEND"].dt for e in rows)]
        assert [who.pk for who in reading] == ([holding[0].holder] if holding else [])


def test_a_schedule_that_somebody_holds_for_ever_is_one_long_shift(alice):
    schedule = make.schedule("Alone", make.layer(alice, unit="week", length=300))
    known, _ = rotas.read(Schedule.objects.filter(pk=schedule.pk), start=NOW, end=NOW + DAY)
    (whole,) = ical.whole_shifts(known[schedule.pk], NOW, NOW + DAY)
    assert whole.start == datetime(2026, 1, 1, tzinfo=UTC)


# ---- its address ---------------------------------------------------------------------------------------------------


def test_only_a_digest_is_stored_and_the_audit_log_does_not_know_the_secret(alice):
    feed, secret = feeds.create(alice, by=alice)
    assert secret not in str(Feed.objects.values().get())
    feeds.revoke(alice, by=alice)
    entries = AuditEntry.objects.filter(object_type="oncall.feed").order_by("id")
    assert [(row.action, row.object_label, row.actor) for row in entries] == [
        ("created", "Calendar feed of Alice", alice),
        ("revoked", "Calendar feed of Alice", alice),
    ]
    assert (secret in str(entries[0].after), entries[0].after["digest"]) == (False, "(secret)")


def test_a_new_address_ends_the_old_one_and_a_revoked_one_is_nothing(client, alice, schedule):
    old, new = address(alice, alice), address(alice, alice)
    assert (client.get(old).status_code, client.get(new).status_code) == (404, 200)
    feeds.revoke(alice, by=alice)
    assert (client.get(new).status_code, client.get("/ical/wrong.ics").status_code) == (404, 404)
    assert feeds.revoke(alice, by=alice) is False


def test_who_is_switched_off_reads_nothing(client, alice, schedule):
    path = address(alice, alice)
    alice.is_active = False
    alice.save()
    assert client.get(path).status_code == 404


def test_nobody_changes_the_feed_of_another(alice, bob, admin, schedule):
    for by, of in ((bob, alice), (admin, alice), (alice, schedule)):
        with pytest.raises(PermissionDenied):
            feeds.create(of, by=by)
        with pytest.raises(PermissionDenied):
            feeds.revoke(of, by=by)
    assert not Feed.objects.exists()


def test_who_sees_that_there_is_a_feed(alice, bob, admin):
    crew = make.team("crew", managers=(bob,))
    schedule = make.schedule("Crew", make.layer(alice), team=crew)
    theirs, own = feeds.create(schedule, by=bob)[0], feeds.create(alice, by=alice)[0]
    seen = {who: set(Feed.objects.visible_to(who)) for who in (alice, bob, admin)}
    assert seen == {alice: {own}, bob: {theirs}, admin: {theirs}}


def test_reading_is_written_down_once_a_minute(client, alice, schedule, time_machine):
    path = address(alice, alice)
    for later, read in ((0 * SECOND, NOW), (59 * SECOND, NOW), (60 * SECOND, NOW + MINUTE)):
        time_machine.move_to(NOW + later, tick=False)
        client.get(path)
        assert Feed.objects.get().last_used_at == read


# ---- pages ---------------------------------------------------------------------------------------------------------


def test_the_profile_makes_shows_once_replaces_and_revokes(client, alice, schedule):
    client.force_login(alice)
    assert "Make an address" in client.get("/me/").content.decode()
    made = client.post("/me/calendar-feed")
    assert made.status_code == 201
    secret = re.search(r"/ical/([\w-]+)\.ics</code>", made.content.decode())[1]
    assert len(events_of(client.get(f"/ical/{secret}.ics"))) == 15
    page = client.get("/me/").content.decode()
    assert (secret in page, "Replace" in page, "Last read" in page) == (False, True, True)
    assert client.post("/me/calendar-feed/revoke", follow=True).redirect_chain == [("/me/", 303)]
    assert client.get(f"/ical/{secret}.ics").status_code == 404


def test_a_schedules_panel_is_for_who_manages_it(client, alice, bob):
    crew = make.team("crew", managers=(bob,))
    schedule = make.schedule("Crew", make.layer(alice), team=crew)
    page = f"/on-call/{schedule.pk}"
    client.force_login(alice)
    assert "make an address on your profile" in client.get(page).content.decode()
    assert client.post(f"{page}/calendar-feed").status_code == 403
    assert client.post(f"{page}/calendar-feed/revoke").status_code == 403
    client.force_login(bob)
    assert "Make an address" in client.get(page).content.decode()
    assert client.post(f"{page}/calendar-feed").status_code == 201
    assert "by Bob" in client.get(page).content.decode()
    assert client.post(f"{page}/calendar-feed/revoke", follow=True).redirect_chain == [(page, 303)]
    assert "Make an address" in client.get(page).content.decode()


def test_reading_a_feed_takes_few_statements_whatever_the_number_of_schedules(
    client, alice, bob, django_assert_num_queries
):
    for number in range(5):
        make.schedule(f"Schedule {number}", make.layer(alice, bob))
    path = address(alice, alice)
    with django_assert_num_queries(4):  # the feed, when it was read, the schedules, all that is in them
        assert len(events_of(client.get(path))) == 5 * 106
