"""What is behind a number is exactly what it counts, whoever asks."""

from __future__ import annotations

import re
from datetime import date, timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone

from incidents import action_items, excluding, lifecycle
from incidents.models import Incident
from metrics import catching_up, drilldown
from metrics.figures import Figures, Narrowing
from metrics.measures import BY_KEY, MEASURES
from metrics.periods import Period
from tests import make
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db

OCTOBER = Period.of_days(date(2026, 10, 1), date(2026, 10, 31), "UTC")
BEHIND = "/metrics/incidents?from=2026-10-01&to=2026-10-31"


def caught_up(now=NOW):
    while catching_up.catch_up(now=now):
        pass


@pytest.fixture(autouse=True)
def settings_of_the_site():
    make.policy.ensure_defaults()
    caught_up()


@pytest.fixture
def world(alice, bob):
    """Every standing, several weeks and hours, one that is private, one with action items."""
    team = make.team("payments", alice)
    service = make.service("checkout", team=team)
    made = {}
    for number, (severity, days) in enumerate([("critical", 0), ("high", 3), ("low", 9), ("low", 11), ("medium", 12)]):
        at = NOW - timedelta(days=days, hours=number)
        made[number] = make.incident(
            title=f"Number {number}", severity=severity, at=at, services=[service] if number < 3 else []
        )
        lifecycle.acknowledge(made[number], by=alice, now=at + (number + 1) * MINUTE)
    lifecycle.resolve(made[0], by=alice, now=NOW + 30 * MINUTE)
    lifecycle.resolve(made[1], by=alice, now=NOW + 40 * MINUTE)
    lifecycle.reopen(made[1], reason="It is back.", by=alice, now=NOW + 60 * MINUTE)
    for title in ("A", "B"):
        action_items.add(made[0], title=title, by=alice, now=NOW + 31 * MINUTE)
    excluding.exclude(made[3], reason="A drill", by=bob, now=NOW + MINUTE)
    Incident.objects.filter(pk=made[4].pk).update(merged_into=made[2])
    hidden = make.incident(title="Hidden", severity="low", at=NOW - timedelta(days=2), by=bob)
    Incident.objects.filter(pk=hidden.pk).update(is_private=True)
    caught_up(NOW + 60 * MINUTE)
    return made


def text_of(answer):
    page = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", answer.content.decode().split("<main")[1], flags=re.DOTALL)
    return re.sub(r"\s+", " ", page)


def references(answer):
    return re.findall(r'class="mu-title" href="/incidents/(INC-\d+)"', answer.content.decode())


# ---- counts ----------------------------------------------------------------------------------------------------


def test_every_number_counts_what_is_behind_it(world, alice, bob, charlie, admin):
    of_one = Narrowing(service=world[0].affected_services.get())
    for user, narrowing in ((alice, Narrowing()), (bob, Narrowing(severity="low")), (charlie, of_one)):
        figures = Figures(user, OCTOBER, narrowing)
        for measure in MEASURES:
            rows = drilldown.rows(figures, measure)
            assert drilldown.total(rows, measure) == figures.total[measure.key], measure.key
    figures = Figures(admin, OCTOBER, Narrowing())
    for week, numbers in figures.by_week.items():
        for key in ("incidents", "excluded", "impact_us", "items"):
            assert drilldown.total(drilldown.rows(figures, key, week=week), key) == numbers[key]
    for hour in {hour for hour, count in enumerate(figures.by_hour) if count} | {0}:
        rows = drilldown.rows(figures, "incidents", hour=hour)
        assert drilldown.total(rows, "incidents") == figures.by_hour[hour]


def test_the_numbers_are_not_all_nothing(world, alice):
    total = Figures(alice, OCTOBER, Narrowing()).total
    assert {key: total[key] for key in ("incidents", "excluded", "merged", "resolved", "reopened", "items")} == {
        "incidents": 3, "excluded": 1, "merged": 1, "resolved": 1, "reopened": 1, "items": 2,
    }  # fmt: skip


def test_there_is_no_other_number(alice):
    with pytest.raises(KeyError):
        drilldown.rows(Figures(alice, OCTOBER, Narrowing()), "nothing")


def test_every_number_has_words():
    assert all(all(drilldown.words(measure)) for measure in MEASURES)


@pytest.mark.parametrize("sort", drilldown.SORTS)
def test_every_order_shows_each_incident_once_over_its_pages(world, alice, sort):
    measure = BY_KEY["impact_us" if sort == "amount" else "incidents"]
    rows = drilldown.rows(Figures(alice, OCTOBER, Narrowing()), measure)
    whole = [fact.pk for fact in drilldown.page(rows, measure, user=alice, sort=sort).items]
    found, cursor = [], None
    while True:
        page = drilldown.page(rows, measure, user=alice, sort=sort, cursor=cursor, limit=1)
        found += [fact.pk for fact in page.items]
        cursor = page.next
        if cursor is None:
            break
    expected = {
        "newest": [0, 1, 2], "acknowledge": [2, 1, 0], "resolve": [0, 1, 2], "amount": [0],
    }[sort]  # fmt: skip
    assert found == whole == [world[number].pk for number in expected]


# ---- the page --------------------------------------------------------------------------------------------------


def test_the_page_says_what_it_is_and_shows_every_row(client, world, alice):
    client.force_login(alice)
    answer = client.get(f"{BEHIND}&of=incidents&service=checkout")
    assert references(answer) == [world[number].reference for number in (0, 1, 2)]
    page = text_of(answer)
    assert "Incidents, Checkout, 1 Oct to 31 Oct 2026" in page
    assert "3 incidents" in page
    assert "Created in the period, without duplicates and what is left out. Created on the days above" in page
    assert "Number 0 Critical 14 Oct 2026, 01:47 1 min 30 min Met" in page


def test_sums_say_of_how_many_incidents_they_are(client, world, alice):
    client.force_login(alice)
    page = text_of(client.get(f"{BEHIND}&of=items"))
    assert "2 action items of 1 incident" in page
    assert "Action items, 1 Oct to 31 Oct 2026" in page
    assert "30 min of 1 incident" in text_of(client.get(f"{BEHIND}&of=impact_us"))
    assert "Median 1 min, mean 1 min" not in page
    assert "Median 2 min, mean 2 min, 90th percentile 2 min 48 s" in text_of(client.get(f"{BEHIND}&of=acknowledged"))


def test_what_is_left_out_says_why_and_what_is_merged_where(client, world, alice):
    client.force_login(alice)
    assert "Left out: A drill By Bob, 14 Oct 2026," in text_of(client.get(f"{BEHIND}&of=excluded"))
    assert f"Merged into {world[2].reference}" in text_of(client.get(f"{BEHIND}&of=merged"))


def test_a_week_and_an_hour(client, world, alice):
    client.force_login(alice)
    monday = client.get(f"{BEHIND}&of=incidents&week=2026-10-05")
    assert references(monday) == [world[number].reference for number in (1, 2)][: len(references(monday))]
    assert "week 2026-W41, from 5 Oct 2026" in text_of(monday)
    hour = (world[0].created_at.weekday()) * 24 + world[0].created_at.hour
    found = client.get(f"{BEHIND}&of=incidents&hour={hour}")
    assert world[0].reference in references(found)
    assert "Wednesdays," in text_of(found)


def test_each_narrowing_can_be_taken_off(client, world, alice):
    client.force_login(alice)
    page = client.get(f"{BEHIND}&of=open&severity=high&service=checkout&hour=3&cursor=").content.decode()
    kept = "?from=2026-10-01&amp;to=2026-10-31&amp;of=open"
    for rest in ("service=checkout&amp;hour=3", "severity=high&amp;hour=3", "severity=high&amp;service=checkout"):
        assert f'href="{kept}&amp;{rest}' in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("of=nothing", "There is no number “nothing”"),
        ("of=%00", "There is no number"),
        ("of=incidents&week=2026-10-06", "A week is named by its Monday, such as 2026-10-05."),
        ("of=incidents&week=monday", "Write a date as 2026-10-14."),
        ("of=incidents&week=0001-01-01", "Choose a year from"),
        ("of=incidents&hour=168", "from 0 (Monday, 00:00) to 167"),
        ("of=incidents&hour=-1", "from 0 (Monday, 00:00) to 167"),
        ("of=incidents&hour=x", "from 0 (Monday, 00:00) to 167"),
        ("of=incidents&severity=awful", "awful"),
        ("of=incidents&service=nowhere", "There is no service “nowhere”"),
        ("of=nothing&service=nowhere", "There is no number"),
        ("of=incidents&sort=nothing", "Select a valid choice"),
    ],
)
def test_what_there_is_not_is_said_and_no_figure_is_shown(client, world, alice, query, said):
    client.force_login(alice)
    answer = client.get(f"{BEHIND}&{query}")
    assert (answer.status_code, references(answer)) == (200, [])
    assert said in text_of(answer)
    assert "No incidents are shown" in text_of(answer)


def test_a_cursor_of_nowhere_leads_to_the_first_page(client, world, alice):
    client.force_login(alice)
    assert len(references(client.get(f"{BEHIND}&of=incidents&cursor=abc"))) == 3


def test_an_order_that_a_number_has_not_is_the_usual_one(client, world, alice):
    client.force_login(alice)
    assert len(references(client.get(f"{BEHIND}&of=incidents&sort=amount"))) == 3


@pytest.mark.parametrize("sort", drilldown.SORTS)
def test_a_file_has_each_incident_once_in_the_order_of_the_list(world, alice, sort):
    measure = BY_KEY["impact_us" if sort == "amount" else "incidents"]
    rows = drilldown.rows(Figures(alice, OCTOBER, Narrowing()), measure)
    whole = [fact.pk for fact in drilldown.page(rows, measure, user=alice, sort=sort).items]
    chunks = list(drilldown.in_chunks(rows, measure, user=alice, sort=sort, size=2))
    assert [fact.pk for facts in chunks for fact in facts] == whole
    assert all(len(facts) == 2 for facts in chunks[:-1])


def test_what_is_private_is_behind_numbers_of_its_people_alone(client, world, alice, bob, admin):
    for user, is_there in ((alice, False), (bob, True), (admin, True)):
        client.force_login(user)
        assert ("Hidden" in text_of(client.get(f"{BEHIND}&of=incidents"))) is is_there


def test_what_was_made_private_a_moment_ago_is_not_named_to_others(client, world, bob, charlie):
    """The figures know it some seconds later; what it is called and why it was left out is asked of itself."""
    Incident.objects.filter(pk=world[0].pk).update(is_private=True, title="Secret takeover", created_by=bob)
    Incident.objects.filter(pk=world[3].pk).update(is_private=True, excluded_reason="Secret audit", created_by=bob)
    days = "from=2026-10-01&to=2026-10-31"
    for user, is_there in ((charlie, False), (bob, True)):
        client.force_login(user)
        for of, word in (("incidents", "Secret takeover"), ("excluded", "Secret audit")):
            assert (word in text_of(client.get(f"{BEHIND}&of={of}"))) is is_there
            file = client.get(f"/metrics/csv/incidents?{days}&of={of}")
            assert (word in b"".join(file).decode()) is is_there


def test_leaving_out_is_one_click_away_and_leads_back(client, world, alice, charlie):
    address = f"{BEHIND}&of=incidents"
    client.force_login(alice)
    path = f"/incidents/{world[0].reference}/exclude"
    page = client.get(address).content.decode()
    assert f'href="{path}?next={quote(address, safe="")}"' in page
    assert (
        f'name="next" value="{address.replace("&", "&amp;")}"' in client.get(path, {"next": address}).content.decode()
    )
    assert client.post(path, {"reason": "A test", "next": address})["Location"] == address
    said = text_of(client.get(address))
    assert "is left out of the metrics." in said
    assert "The figures leave it out within seconds" in said
    caught_up(timezone.now())
    assert world[0].reference not in references(client.get(address))
    assert client.post(f"/incidents/{world[0].reference}/include", {"next": address})["Location"] == address
    client.force_login(charlie)
    assert "/exclude" not in client.get(address).content.decode()


def test_a_deleted_incident_breaks_no_page(client, world, alice):
    client.force_login(alice)
    Incident.objects.filter(pk=world[3].pk).delete()
    assert "Deleted a moment ago" in text_of(client.get(f"{BEHIND}&of=excluded"))


def test_times_are_those_of_the_site(client, alice):
    make.policy.IncidentSettings.objects.update(time_zone="Asia/Tokyo")
    alice.time_zone = "America/New_York"
    alice.save()
    make.incident(at=NOW.replace(hour=23, minute=30))
    caught_up()
    client.force_login(alice)
    page = text_of(client.get(f"{BEHIND}&of=incidents"))
    assert "15 Oct 2026, 08:30" in page
    assert "on the clocks of Asia/Tokyo" in page


def test_it_takes_as_many_queries_for_many_as_for_few(client, alice, django_assert_max_num_queries):
    client.force_login(alice)
    for days in range(12):
        make.incident(severity="low", at=NOW - timedelta(days=days), title=f"Day {days}")
    caught_up()
    with django_assert_max_num_queries(10):
        assert len(references(client.get(f"{BEHIND}&of=incidents"))) == 12


def test_what_began_outside_working_hours_is_as_many_as_the_page_says(client, alice, world):
    make.incident(severity="low", at=NOW + timedelta(hours=9))  # a Wednesday, 10:47
    caught_up(NOW + timedelta(hours=9))
    client.force_login(alice)
    answer = client.get("/metrics/?from=2026-10-01&to=2026-10-31")
    hours = answer.context["overview"].hours
    assert int(hours.outside.text) > 0
    listed = client.get(hours.outside.href)
    assert len(references(listed)) == int(hours.outside.text) < int(hours.total.text)
    assert "outside Mon to Fri, 09:00 to 17:00" in text_of(listed)
    assert "There are no hours “night”" in text_of(client.get(f"{BEHIND}&hours=night"))
    assert client.get(hours.outside.href.replace("/metrics/incidents", "/metrics/csv/incidents")).status_code == 200
