"""The page of figures says what happened, each number with its definition and the way to what is behind it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from incidents import action_items, changes, lifecycle
from incidents.models import Incident
from metrics import catching_up, choosing
from metrics.links import plain
from metrics.measures import BY_KEY
from metrics.models import Fact
from metrics.overview import read
from metrics.questions import QuestionForm
from tests import make
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db

OCTOBER = {"from": "2026-10-05", "to": "2026-10-18"}
ADDRESS = "/metrics/?from=2026-10-05&to=2026-10-18"
DAY = timedelta(days=1)


def caught_up():
    while catching_up.catch_up(now=NOW):
        pass


def overview(user, **asked):
    form = QuestionForm({**OCTOBER, **asked}, now=NOW)
    assert form.is_valid(), form.errors
    return read(form.question(), user, now=NOW)


def worked(alice, *, minutes, at=NOW, **fields):
    """An incident that was acknowledged after so many minutes, and resolved after ten times as many."""
    incident = make.incident(at=at, **fields)
    lifecycle.acknowledge(incident, by=alice, now=at + minutes * MINUTE)
    return lifecycle.resolve(incident, by=alice, now=at + 10 * minutes * MINUTE)


@pytest.fixture(autouse=True)
def settings_of_the_site():
    make.policy.ensure_defaults()
    caught_up()


@pytest.fixture
def october(alice):
    """Five critical incidents in one week and one low in the week before; one open, one merged, one left out."""
    payments = make.team("payments")
    shop = make.service("shop", team=payments)
    for minutes in (1, 2, 3, 4, 10):
        worked(alice, minutes=minutes, services=[shop])
    worked(alice, minutes=20, at=NOW - 7 * DAY, severity="low")
    make.incident(severity="high", at=NOW - 3 * MINUTE)
    merged = worked(alice, minutes=1)
    Incident.objects.filter(pk=merged.pk).update(merged_into=Incident.objects.order_by("pk").first())
    changes.edit(worked(alice, minutes=1), by=alice, excluded_from_metrics=True)
    for minutes in (2, 4, 6, 8, 10):
        worked(alice, minutes=minutes, at=NOW - 14 * DAY)
    caught_up()
    return shop


def card(found, key):
    return next(each for each in found.kpis if each.key == key)


def test_the_first_numbers_have_change_definition_and_what_is_left_out(alice, october):
    found = overview(alice)
    time = card(found, "acknowledged")
    assert [time.main.text, plain(time.beside)] == ["3 min 30 s", "median; mean 6 min 40 s, p90 15 min"]
    assert plain(time.change) == "42 % faster, was 6 min"
    assert plain(time.definition) == (
        "acknowledged_at − created_at; after it was given back, the later answer. "
        "n = 6 (p90 of 6: close to the longest)."
    )
    assert plain(time.left_out) == "Left out: 1 not acknowledged yet, 0 resolved without an answer."
    resolve = card(found, "resolved")
    assert [resolve.main.text, plain(resolve.left_out)] == ["35 min", "Left out: 1 still open."]
    count = card(found, "incidents")
    assert [count.main.text, plain(count.beside)] == ["7", "5 critical"]
    assert plain(count.change) == "2 more than before, was 5"
    assert plain(count.left_out) == "Not counted: 1 merged into others, 1 left out with a reason."
    clocks = card(found, "clocks")
    assert [clocks.main.text, clocks.main.is_missed, plain(clocks.beside)] == ["83 %", True, "response 83 %"]
    assert plain(clocks.change) == "target 90 %; was 40 %"
    assert plain(clocks.definition) == "Met / (met + breached). n = 6 response; late: 1 response."


def test_of_few_no_change_is_told(alice, october):
    found = overview(alice, severity="low")
    row = found.lengths[0].rows[0]
    assert [row.severity, row.median.text, row.n.text, row.note] == ["low", "20 min", "1", "only 1"]
    assert plain(row.change) == "none before"
    assert plain(overview(alice, severity="high").kpis[1].change) == "nothing to compare"
    assert plain(overview(alice, compare="none").kpis[0].change) == "not compared"


def test_weeks_severities_and_hours(alice, october):
    found = overview(alice)
    assert [[count.text for count in row.counts] for row in found.frequency.rows] == [
        ["0", "0", "0", "1"],
        ["5", "1", "0", "0"],
    ]
    assert [row.name for row in found.frequency.rows] == ["5 Oct 2026", "12 Oct 2026"]
    assert [(row.acknowledge.text, row.clocks.text) for row in found.frequency.rows] == [
        ("20 min", "100 % of 1"),
        ("3 min", "80 % of 5"),
    ]
    assert found.frequency.is_cut is False
    assert found.frequency.drawing.title == "Incidents per week by severity: 7 in 2 weeks"
    assert found.hours.drawing.rows[2].cells[1].count == 7  # Wednesday, 01:47
    assert [found.hours.outside.text, found.hours.total.text, found.hours.hours] == [
        "7",
        "7",
        "Mon to Fri, 09:00 to 17:00, UTC",
    ]
    assert [(row.severity, row.n.text) for row in found.stages.rows] == [
        ("critical", "5"), ("high", "0"), ("medium", "0"), ("low", "1"), ("", "6"),
    ]  # fmt: skip


def test_promises_against_the_target(alice, october):
    critical, high, *_ = overview(alice).promises.rows
    assert [critical.clocks[0].share.text, critical.clocks[0].due, critical.clocks[0].meter.is_missed] == [
        "80 %",
        5,
        True,
    ]
    assert [(state, count.text) for state, count in high.clocks[0].states] == [
        ("met", "0"), ("breached", "0"), ("pending", "1"), ("cancelled", "0"),
    ]  # fmt: skip
    assert [overview(alice).promises.names, overview(alice).promises.unpromised] == [["Response"], ["resolution"]]
    choosing.save_settings(by=None, target_percent=80)
    assert overview(alice).promises.rows[0].clocks[0].meter.is_missed is False


def test_services_that_repeat_teams_and_what_is_once(alice, october):
    make.incident(severity="low", services=[make.service("once")])
    caught_up()
    services, teams, causes = overview(alice).parts
    assert [(row.name, row.beside, row.count.text, row.down.text) for row in services.rows] == [
        ("Shop", "Payments", "5", "3 h 20 min")
    ]
    assert plain(services.others) == "1 service with one incident."
    assert [row.count.text for row in teams.rows] == ["5"]
    assert causes.rows == []


def test_follow_up_reopenings_and_cost(alice, october):
    incident = Incident.objects.filter(severity="critical").order_by("pk").first()
    item = action_items.add(incident, title="Fix it", by=alice, due_on=(NOW - DAY).date(), now=NOW - 3 * DAY)
    action_items.add(incident, title="And that", by=alice, due_on=(NOW - DAY).date(), now=NOW - 3 * DAY)
    action_items.set_done(item, by=alice, now=NOW)
    lifecycle.reopen(incident, reason="It is back.", by=alice, now=NOW + 60 * MINUTE)
    choosing.save_settings(by=None, currency="EUR", critical_per_hour=300)
    caught_up()
    found = overview(alice)
    said = {line.label: plain(line.said) for line in [*found.besides, *found.follow_up]}
    assert said["Reopened"] == "1 of 6 (16 %)"
    assert said["Cost"] == "EUR 950"  # 2, 3, 4 and 10 times ten minutes of critical time
    assert said["Open"].startswith("2, the oldest INC-")
    assert said["Action items done"] == "1 of 2"
    assert said["Done on time"] == "0 of 1"
    assert "Action items overdue now, of any time" in said


def links_of(html):
    return [unescape(address) for address in re.findall(r'href="([^"]*)"', html)]


def test_every_number_leads_to_as_many_incidents_as_it_says(client, alice, october):
    client.force_login(alice)
    html = client.get(ADDRESS).content.decode()
    behind = re.findall(r'<a class="mu-num[^"]*" href="(/metrics/incidents[^"]*)"[^>]*>([\d,]+)</a>', html)
    assert len(behind) > 40
    for address, text in sorted(set(behind)):
        response = client.get(unescape(address))
        assert response.status_code == 200
        assert f">{text}<" in response.content.decode() or f"{text} " in response.content.decode(), address


def test_numbers_are_those_of_the_facts_behind_them(alice, october):
    total = overview(alice)
    facts = Fact.objects.filter(created_at__gte=NOW - 10 * DAY)
    assert card(total, "incidents").main.text == str(facts.filter(BY_KEY["incidents"].condition).count())


def test_a_wrong_question_has_no_figures_and_says_so(client, alice, october):
    client.force_login(alice)
    for query in ("severity=worst", "from=2026-10-18&to=2026-10-05", "service=none", "from=yesterday", "period=3w"):
        response = client.get(f"/metrics/?{query}")
        assert response.status_code == 200
        assert response.context["overview"] is None
        assert b"No figures: the address asks for what there is not." in response.content
        assert b"mu-kpi" not in response.content


def test_without_incidents_the_page_says_what_to_do(client, alice):
    client.force_login(alice)
    response = client.get("/metrics/")
    assert response.status_code == 200
    assert b"No incidents in this period" in response.content
    assert b"mu-kpi" not in response.content


def test_private_incidents_are_in_the_figures_of_who_may_see_them(alice, charlie, october):
    private = worked(alice, minutes=1)
    Incident.objects.filter(pk=private.pk).update(is_private=True)
    caught_up()
    assert [card(overview(user), "incidents").main.text for user in (alice, charlie)] == ["8", "7"]


def test_tabs_keep_the_filters_and_drop_the_days(client, alice, october):
    client.force_login(alice)
    html = client.get(f"{ADDRESS}&severity=critical&service=shop").content.decode()
    assert "/metrics/?severity=critical&service=shop&period=30d" in links_of(html)
    assert "5 Oct to 18 Oct 2026, compared with 21 Sep to 4 Oct 2026; only critical, service Shop" in html
    assert reverse("metrics:leadership") in html


@pytest.mark.parametrize("query", ["", "?period=30d", "?period=1y&severity=critical", "?service=shop"])
def test_the_page_asks_the_database_little(client, alice, october, query, django_assert_max_num_queries):
    client.force_login(alice)
    for slug in ("one", "two", "three"):
        one = make.service(slug, team=make.team(f"team-{slug}"))
        for _ in range(2):
            make.incident(severity="low", services=[one], at=timezone.now() - DAY)
    caught_up()
    client.get(f"/metrics/{query}")
    with django_assert_max_num_queries(32):
        client.get(f"/metrics/{query}")


def test_every_other_link_leads_somewhere(client, alice, october):
    client.force_login(alice)
    html = client.get(ADDRESS).content.decode()
    of_each = {re.sub(r"\?.*of=(\w+).*|\?.*", r" \1", address): address for address in links_of(html)}
    wanted = [address for name, address in of_each.items() if name.startswith("/metrics/") and ".pdf" not in name]
    assert len(wanted) > 20
    assert any("of=impact_us" in address for address in wanted)
    assert {address: client.get(address).status_code for address in wanted} == dict.fromkeys(wanted, 200)


def test_what_has_no_room_is_one_click_away(client, alice, october):
    client.force_login(alice)
    for number in range(10):
        make.incident(severity="low", services=[make.service(f"one-{number}")], at=NOW - DAY)
    caught_up()
    others = next(part for part in overview(alice).parts if part.key == "service").others
    assert plain(others) == "10 services with one incident."
    page = client.get(others[0].href.partition("#")[0])
    whole = next(part for part in page.context["overview"].parts if part.key == "service")
    assert len(whole.rows) == 11
    assert plain(whole.others) == "All are shown; show the first."


def test_weeks_of_a_long_period_are_drawn_in_fours_and_each_leads_to_its_own(client, alice, october):
    found = overview(alice, **{"from": "2025-09-17", "to": "2026-10-16"}).frequency
    assert [len(found.rows), found.span, found.drawing.title] == [
        15,
        "4 weeks",
        "Incidents per 4 weeks by severity: 12 in 57 weeks",
    ]
    assert [(row.name, row.total.text, row.acknowledge.text, row.clocks.text) for row in found.rows[-1:]] == [
        ("21 Sep 2026", "12", "4 min", "63 % of 11"),
    ]
    column = found.drawing.columns[-1]
    assert [column.words, found.drawing.columns[0].words] == [
        "4 weeks from 21 Sep: 12 incidents",
        "Week of 15 Sep: 0 incidents",
    ]
    client.force_login(alice)
    for href, count in ((column.href, 12), (column.segments[0].href, 10), (found.rows[-1].total.href, 12)):
        assert "from=2026-09-21&to=2026-10-16" in href
        assert f"{count} incident" in client.get(href).content.decode()


def test_a_week_that_is_under_way_is_read_from_its_sums(alice):
    now = timezone.now()
    worked(alice, minutes=1, at=now - 20 * MINUTE)
    make.incident(at=now - 9 * DAY)
    catching_up.catch_up(now=now)
    today = now.date()
    form = QuestionForm({"from": str(today - 13 * DAY), "to": str(today)}, now=now)
    assert form.is_valid()
    figures = form.question().figures(alice)
    with CaptureQueriesContext(connection) as asked:
        assert figures.total["incidents"] == 2
    edges = [query["sql"] for query in asked if "metrics_fact" in query["sql"]]
    assert edges, "what is beside the sums, at the period's beginning"
    assert f"< '{today + DAY} 00:00:00+00:00'::timestamptz AND NOT" not in edges[-1]
