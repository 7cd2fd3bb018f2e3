"""Charts as files, with the numbers that are behind them."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from incidents import action_items, excluding, lifecycle
from incidents.models import Incident
from metrics import catching_up
from metrics.csv_files import CHARTS
from tests import make
from tests.make import MINUTE, NOW, SECOND

pytestmark = pytest.mark.django_db

DAYS = "from=2026-10-05&to=2026-10-18"


def caught_up(now=NOW):
    while catching_up.catch_up(now=now):
        pass


@pytest.fixture(autouse=True)
def world(alice, bob):
    make.policy.ensure_defaults()
    caught_up()
    service = make.service("checkout", team=make.team("payments"))
    one = make.incident(title="=cmd|' /C calc'!A0", severity="critical", services=[service])
    lifecycle.acknowledge(one, by=alice, now=NOW + 90 * SECOND)
    lifecycle.resolve(one, by=alice, now=NOW + 30 * MINUTE)
    action_items.add(one, title="A", by=alice, now=NOW + 31 * MINUTE)
    two = make.incident(title="Two", severity="low", at=NOW - timedelta(days=7))
    three = make.incident(title="Three", severity="low", at=NOW - timedelta(days=8))
    excluding.exclude(three, reason="@drill", by=bob, now=NOW)
    hidden = make.incident(title="Hidden", severity="high", at=NOW - timedelta(days=1), by=bob)
    Incident.objects.filter(pk=hidden.pk).update(is_private=True)
    caught_up(NOW + 60 * MINUTE)
    return {"one": one, "two": two, "three": three, "hidden": hidden}


def file_of(client, user, chart, query=DAYS):
    client.force_login(user)
    answer = client.get(f"/metrics/csv/{chart}?{query}")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv")
    body = answer.getvalue() if answer.streaming else answer.content
    assert body.startswith(b"\xef\xbb\xbf")
    return answer, list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))


def row_of(rows, **wanted):
    (found,) = [row for row in rows if wanted.items() <= row.items()]
    return found


def test_times(client, alice):
    answer, rows = file_of(client, alice, "response-times")
    assert answer["Content-Disposition"] == (
        'attachment; filename="metrics-response-times-2026-10-05-to-2026-10-18.csv"'
    )
    assert [row["severity"] for row in rows] == ["critical", "high", "medium", "low", "all"]
    assert rows[0] == {
        "severity": "critical",
        "mtta_mean_seconds": "90", "mtta_median_seconds": "90", "mtta_p90_seconds": "90", "mtta_n": "1",
        "mttr_mean_seconds": "1800", "mttr_median_seconds": "1800", "mttr_p90_seconds": "1800", "mttr_n": "1",
    }  # fmt: skip
    assert list(rows[1].values()) == ["high", "", "", "", "0", "", "", "", "0"]


def test_frequency_names_iso_weeks_and_their_zone_and_has_every_week(client, alice):
    _, rows = file_of(client, alice, "frequency")
    assert [list(row) for row in rows[:1]] == [["iso_week (UTC)", "monday", "severity", "incidents"]]
    found = [tuple(row.values()) for row in rows]
    assert len(found) == 8
    assert [row for row in found if row[3] != "0"] == [
        ("2026-W41", "2026-10-05", "low", "1"),
        ("2026-W42", "2026-10-12", "critical", "1"),
    ]
    assert {row["severity"] for row in file_of(client, alice, "frequency", f"{DAYS}&severity=low")[1]} == {"low"}


def test_promises_stages_parts_hours_and_follow_up(client, alice):
    sla = file_of(client, alice, "sla")[1]
    assert row_of(sla, severity="critical")["response_met"] == "1"
    assert row_of(sla, severity="critical")["response_compliance (met / (met + breached))"] == "1.000000"
    assert row_of(sla, severity="medium")["response_compliance (met / (met + breached))"] == ""
    assert row_of(file_of(client, alice, "stages")[1], severity="critical")["triggered_mean_seconds"] == "90"
    service = row_of(file_of(client, alice, "services")[1], service_slug="checkout")
    assert (service["incidents"], service["time_down_seconds"]) == ("1", "1800")
    assert row_of(file_of(client, alice, "teams")[1], team_slug="payments")["incidents"] == "1"
    assert file_of(client, alice, "causes")[1] == []
    hours = file_of(client, alice, "hours")[1]
    assert (len(hours), sum(int(row["incidents"]) for row in hours)) == (168, 2)
    assert list(hours[49].values()) == ["49", "Wednesday", "01:00", "2"]
    assert row_of(file_of(client, alice, "follow-up")[1], key="items")["number"] == "1"
    numbers = file_of(client, alice, "numbers")[1]
    assert row_of(numbers, key="excluded")["number"] == "1"
    assert row_of(numbers, key="impact_us")["number"] == "1800"


def test_every_chart_is_a_table_of_its_header(client, alice):
    for chart in CHARTS:
        _, rows = file_of(client, alice, chart)
        assert all(None not in row and None not in row.values() for row in rows)


def test_incidents_are_those_of_the_page_and_harmless(client, alice, bob, world):
    answer, rows = file_of(client, alice, "incidents", f"{DAYS}&of=incidents&sort=newest")
    assert "metrics-incidents-incidents-2026-10-05-to-2026-10-18.csv" in answer["Content-Disposition"]
    assert [row["title"] for row in rows] == ["'=cmd|' /C calc'!A0", "Two"]
    assert rows[0]["time_to_acknowledge_seconds"] == "90"
    assert rows[0]["url"].endswith(world["one"].get_absolute_url())
    assert (rows[0]["iso_week (UTC)"], rows[0]["hour_of_week (UTC)"], rows[0]["standing"]) == (
        "2026-W42", "49", "counted",
    )  # fmt: skip
    assert [row["title"] for row in file_of(client, bob, "incidents", f"{DAYS}&of=incidents")[1]] == [
        "'=cmd|' /C calc'!A0", "Hidden", "Two",
    ]  # fmt: skip
    (out,) = file_of(client, alice, "incidents", f"{DAYS}&of=excluded")[1]
    assert (out["left_out_reason"], out["left_out_by"], out["left_out_at"][:10]) == ("'@drill", "bob", "2026-10-14")


def test_there_is_no_other_chart_and_no_file_of_a_wrong_question(client, alice):
    client.force_login(alice)
    assert client.get("/metrics/csv/nothing").status_code == 404
    wrong = client.get("/metrics/csv/frequency?severity=awful")
    assert (wrong.status_code, wrong["Location"]) == (303, "/metrics/?severity=awful")
    wrong = client.get("/metrics/csv/incidents?of=nothing")
    assert (wrong.status_code, wrong["Location"]) == (303, "/metrics/incidents?of=nothing")
    assert client.post("/metrics/csv/frequency").status_code == 405


def test_a_stranger_gets_no_file(client):
    assert client.get("/metrics/csv/frequency").status_code == 302
