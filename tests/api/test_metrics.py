"""The figures over the API: exact numbers, their incidents, zones and days, and what cannot be asked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import lifecycle
from incidents.models import Incident
from metrics import catching_up
from tests import make
from tests.api.caller import Caller, fields_of
from tests.make import MINUTE, NOW, SECOND

pytestmark = pytest.mark.django_db

OCTOBER = "from=2026-10-01&to=2026-10-31"
NULLS = {"mean": None, "median": None, "p90": None, "n": 0}
SEVERITIES = ["critical", "high", "medium", "low"]


def caught_up(now=NOW):
    while catching_up.catch_up(now=now):
        pass


@pytest.fixture
def asked(api):
    """Reads an address below /metrics; the answer must be 200."""
    caught_up()

    def read(path, by=api):
        path = path.removeprefix("http://testserver")
        answer = by.get(path if path.startswith("/") else f"metrics/{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    return read


@pytest.fixture
def lives(alice):
    """Two critical incidents that were answered and resolved, a third that is open, and a high one answered late."""
    service = make.service("checkout", team=make.team("payments"))
    made = [make.incident(at=NOW + n * MINUTE, services=[service]) for n in range(3)]
    for incident, seconds, minutes in ((made[0], 60, 10), (made[1], 90.5, 31)):
        at = incident.created_at
        lifecycle.acknowledge(incident, by=alice, now=at + seconds * SECOND)
        lifecycle.resolve(incident, by=alice, now=at + minutes * MINUTE)
    late = make.incident(severity="high", at=NOW - timedelta(days=7))
    lifecycle.acknowledge(late, by=alice, now=NOW)
    return [*made, late]


def behind(asked, address, **options):
    """What is behind a number, over all its pages: the total that is said, and the ids."""
    found, total = [], None
    while address:
        page = asked(address, **options)
        total, address = page["total"], page["next"]
        found += [item["id"] for item in page["items"]]
    assert len(found) == len(set(found))
    return total, found


def test_response_times_are_exact_and_have_all_severities(asked, lives):
    caught_up()
    found = asked(f"response-times?{OCTOBER}")
    assert set(found) == {"from", "to", "severities"}
    assert (found["from"], found["to"]) == ("2026-10-01", "2026-10-31")
    assert list(found["severities"]) == SEVERITIES
    critical = found["severities"]["critical"]
    assert critical["mtta"] == {"mean": 75.25, "median": 75.25, "p90": 87.45, "n": 2}
    assert critical["mttr"] == {"mean": 1230.0, "median": 1230.0, "p90": 1734.0, "n": 2}
    assert found["severities"]["high"]["mtta"] == dict.fromkeys(("mean", "median", "p90"), 604_800.0) | {"n": 1}
    assert found["severities"]["low"]["mtta"] == found["severities"]["low"]["mttr"] == NULLS
    assert set(critical) == {"mtta", "mttr", "incidents_url", "mtta_incidents_url", "mttr_incidents_url"}


def test_every_number_leads_to_its_incidents(asked, lives):
    caught_up()
    for severity, each in asked(f"response-times?{OCTOBER}")["severities"].items():
        counts = {"critical": (3, 2, 2), "high": (1, 1, 0)}.get(severity, (0, 0, 0))
        addresses = (each["incidents_url"], each["mtta_incidents_url"], each["mttr_incidents_url"])
        assert tuple(behind(asked, address)[0] for address in addresses) == counts
        assert tuple(len(behind(asked, address)[1]) for address in addresses) == counts
        assert (each["mtta"]["n"], each["mttr"]["n"]) == counts[1:]


def test_promises_by_severity_and_what_is_behind_each_state(asked, lives):
    lifecycle.resolve(lives[2], by=None, source="monitor", now=NOW + 4 * MINUTE)
    caught_up()
    found = asked(f"sla?{OCTOBER}")
    assert (set(found), list(found["severities"])) == ({"from", "to", "severities"}, SEVERITIES)
    names = ("met", "breached", "pending", "cancelled", "compliance")
    assert [[each[name] for name in names] for each in found["severities"].values()] == [
        [2, 0, 0, 1, 1.0], [0, 1, 0, 0, 0.0], [0, 0, 0, 0, None], [0, 0, 0, 0, None],
    ]  # fmt: skip
    for each in found["severities"].values():
        for clocks in (each, each["resolution"]):
            states = [(clocks[name], clocks[f"{name}_incidents_url"]) for name in names[:4]]
            assert [behind(asked, address)[0] for _, address in states] == [count for count, _ in states]
            assert behind(asked, clocks["incidents_url"])[0] == sum(count for count, _ in states)


def test_frequency_has_every_week_and_severity(asked, lives):
    caught_up()
    found = asked("frequency?from=2026-09-30&to=2026-10-14")
    assert [(each["week"], each["severity"]) for each in found] == [
        (week, severity) for week in ("2026-W40", "2026-W41", "2026-W42") for severity in SEVERITIES
    ]
    assert {(each["week"], each["severity"]): each["count"] for each in found if each["count"]} == {
        ("2026-W41", "high"): 1, ("2026-W42", "critical"): 3,
    }  # fmt: skip
    for each in found:
        query = f"incidents?from=2026-09-30&to=2026-10-14&week={each['week']}&severity={each['severity']}"
        assert behind(asked, query)[0] == each["count"]
    assert [each["count"] for each in asked("frequency?from=2026-10-14&to=2026-10-14")] == [3, 0, 0, 0]


def test_without_a_time_it_is_the_last_13_weeks(api, asked):
    today = datetime.now(UTC).date()
    monday = today - timedelta(days=today.weekday())
    answer = api.get("metrics/frequency")
    assert (len(answer.json()), answer.headers["Muster-Zone"]) == (52, "UTC")
    found = asked("response-times")
    assert (found["from"], found["to"]) == ((monday - timedelta(weeks=12)).isoformat(), today.isoformat())
    assert asked("response-times?period=30d")["from"] == (today - timedelta(days=29)).isoformat()
    assert asked("response-times?to=2026-10-14")["from"] == "2026-07-16"
    assert asked(f"response-times?from={today}")["to"] == today.isoformat()


@pytest.mark.parametrize(
    ("query", "told", "count"),
    [
        ("from=2026-10-14&to=2026-10-14", ("2026-10-14", "2026-10-14"), 3),
        ("from=2026-10-13&to=2026-10-13", ("2026-10-13", "2026-10-13"), 0),
        ("from=2026-10-14T01:47:08Z&to=2026-10-14T01:49:08Z", ("2026-10-14T01:47:08Z", "2026-10-14T01:49:08Z"), 2),
        ("from=2026-10-14T03:47:08.000001%2B02:00&to=2026-10-14", ("2026-10-14T01:47:08.000001Z", "2026-10-14"), 2),
        ("from=2026-10-14T03:47:08+02:00&to=2026-10-14", ("2026-10-14T01:47:08Z", "2026-10-14"), 3),
        ("from=2026-10-05&to=2026-10-14T01:48:00Z", ("2026-10-05", "2026-10-14T01:48:00Z"), 1),
        ("from=2026-10-14T01:47:08Z&to=2026-10-14T01:47:08Z", ("2026-10-14T01:47:08Z", "2026-10-14T01:47:08Z"), 0),
        ("from=2026-10-13&to=2026-10-13&zone=America/New_York", ("2026-10-13", "2026-10-13"), 3),
    ],
)
def test_days_are_whole_and_instants_exact(asked, lives, query, told, count):
    caught_up()
    found = asked(f"response-times?{query}")
    assert (found["from"], found["to"]) == told
    critical = found["severities"]["critical"]
    total, ids = behind(asked, critical["incidents_url"])
    assert (total, len(ids)) == (count, count)
    assert sum(each["count"] for each in asked(f"frequency?severity=critical&{query}")) == count


def test_weeks_are_those_of_the_zone_that_is_asked_for(api, asked):
    """Sunday 23:30 UTC is Monday in Berlin, and still Sunday evening in New York: of weeks in which clocks change."""
    for day in (date(2026, 10, 25), date(2026, 11, 1)):
        make.incident(severity="low", at=datetime(day.year, day.month, day.day, 23, 30, tzinfo=UTC))
    make.incident(severity="low", at=datetime(2026, 11, 2, 4, 30, tzinfo=UTC))  # 23:30 in New York: clocks are back
    caught_up()

    def weeks(zone):
        answer = api.get(f"metrics/frequency?from=2026-10-12&to=2026-11-08&zone={zone}")
        assert answer.headers["Muster-Zone"] == zone
        found = {each["week"]: each["count"] for each in answer.json() if each["severity"] == "low"}
        for week, count in found.items():
            query = f"incidents?from=2026-10-12&to=2026-11-08&zone={zone}&week={week}"
            assert behind(asked, query)[0] == count
            monday = datetime.strptime(f"{week}-1", "%G-W%V-%u").date()  # noqa: DTZ007 - a day
            assert behind(asked, query.replace(week, monday.isoformat()))[0] == count
        return list(found.values())

    assert weeks("UTC") == [0, 1, 1, 1]
    assert weeks("Europe/Berlin") == [0, 0, 1, 2]
    assert weeks("America/New_York") == [0, 1, 2, 0]
    policy_zone = make.policy.IncidentSettings.objects
    policy_zone.update(time_zone="Europe/Berlin")
    caught_up()
    assert weeks("Europe/Berlin") == [0, 0, 1, 2]
    assert weeks("UTC") == [0, 1, 1, 1]
    assert api.get("metrics/frequency").headers["Muster-Zone"] == "Europe/Berlin"


def test_what_it_is_narrowed_to(asked, lives):
    make.incident(severity="critical", services=[make.service("search")])
    caught_up()

    def counts(query):
        return [each["count"] for each in asked(f"frequency?from=2026-10-14&to=2026-10-14&{query}")]

    assert counts("") == [4, 0, 0, 0]
    assert counts("service=checkout") == counts("team=payments") == [3, 0, 0, 0]
    assert counts("service=search&severity=critical") == [1, 0, 0, 0]
    assert counts("severity=low") == [0, 0, 0, 0]
    assert counts("service=search&team=payments") == [0, 0, 0, 0]
    found = asked(f"response-times?{OCTOBER}&service=search")["severities"]["critical"]
    assert behind(asked, found["incidents_url"])[0] == 1


MISTAKES = [
    ("severity=urgent", ["severity"]),
    ("service=nope", ["service"]),
    ("team=nope", ["team"]),
    ("factor=nope", ["factor"]),
    ("service=nope&team=nope", ["service", "team"]),
    ("from=yesterday", ["from"]),
    ("from=2026-02-30", ["from"]),
    ("from=2026-1-1", ["from"]),
    ("from=2026-10-14T01:47:08", ["from"]),
    ("to=20261014", ["to"]),
    ("from=0001-01-01", ["from"]),
    ("to=9999-12-31", ["to"]),
    ("to=9999-12-31T23:59:59Z", ["to"]),
    ("from=2026-10-14&to=2026-10-13", ["to"]),
    ("from=2026-10-14T01:00:00Z&to=2026-10-14T00:59:59Z", ["to"]),
    ("from=2998-01-01", ["to"]),
    ("from=2010-01-01&to=2026-10-14", ["from"]),
    ("zone=Mars/Phobos", ["zone"]),
    ("zone=../../etc/passwd", ["zone"]),
    ("period=2y", ["period"]),
    ("period=30d&from=2026-10-14", ["period"]),
    ("sevrity=low&page=2", ["page", "sevrity"]),
    ("from=%00", ["from"]),
]


@pytest.mark.parametrize("path", ["response-times", "frequency", "sla", "stages", "hours", "incidents"])
@pytest.mark.parametrize(("query", "fields"), MISTAKES)
def test_what_cannot_be_is_named(api, path, query, fields):
    answer = api.get(f"metrics/{path}?{query}")
    assert (answer.status_code, fields_of(answer)) == (422, fields)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("of=nope", ["of"]), ("week=2026-W54", ["week"]), ("week=2026-10-13", ["week"]), ("week=x", ["week"]),
        ("sort=x", ["sort"]), ("sort=amount", ["sort"]), ("week=9999-W52", ["week"]),
        ("hour=168", ["hour"]), ("hour=-1", ["hour"]), ("limit=201", ["limit"]),
        ("cursor=x", ["cursor"]), ("compare=previous", ["compare"]),
    ],
)  # fmt: skip
def test_what_cannot_be_behind_a_number_is_named(api, query, fields):
    answer = api.get(f"metrics/incidents?{query}")
    assert (answer.status_code, fields_of(answer)) == (422, fields)


def test_an_empty_parameter_counts_as_left_out(asked):
    assert asked("response-times?from=&to=&severity=&service=&team=") == asked("response-times")


def test_what_is_private_is_in_the_figures_of_those_who_see_it(asked, alice, bob, charlie):
    secret = make.incident(is_private=True, assignee=alice)
    lifecycle.acknowledge(secret, by=alice, now=NOW + MINUTE)
    lifecycle.resolve(secret, by=alice, now=NOW + 2 * MINUTE)
    caught_up()
    for user, count in ((alice, 1), (charlie, 0)):
        caller = Caller(user, "read")
        times = asked(f"response-times?{OCTOBER}", by=caller)["severities"]["critical"]
        assert (times["mtta"]["n"], times["mttr"]["n"]) == (count, count)
        clocks = asked(f"sla?{OCTOBER}", by=caller)["severities"]["critical"]
        assert clocks["met"] == count
        for zone in ("UTC", "Asia/Kolkata"):
            frequency = asked(f"frequency?{OCTOBER}&zone={zone}", by=caller)
            assert sum(each["count"] for each in frequency) == count
        assert sum(each["count"] for each in asked(f"hours?{OCTOBER}", by=caller)["hours"]) == count
        assert behind(asked, times["incidents_url"], by=caller) == (count, [secret.reference] * count)


def test_what_became_private_a_moment_ago_is_not_shown(asked, charlie):
    incident = make.incident()
    caught_up()
    Incident.objects.filter(pk=incident.pk).update(is_private=True)
    assert asked(f"incidents?{OCTOBER}", by=Caller(charlie, "read"))["items"] == []


def test_what_is_left_out_or_merged_counts_nowhere_and_is_behind_its_own_number(asked, lives):
    Incident.objects.filter(pk=lives[0].pk).update(excluded_from_metrics=True)
    Incident.objects.filter(pk=lives[1].pk).update(merged_into=lives[2])
    caught_up()
    critical = asked(f"response-times?{OCTOBER}")["severities"]["critical"]
    assert (critical["mtta"], critical["mttr"]) == (NULLS, NULLS)
    assert behind(asked, critical["incidents_url"]) == (1, [lives[2].reference])
    assert behind(asked, f"incidents?{OCTOBER}&of=excluded") == (1, [lives[0].reference])
    assert behind(asked, f"incidents?{OCTOBER}&of=merged") == (1, [lives[1].reference])


def test_stages_are_means_of_what_is_resolved(asked, lives):
    caught_up()
    found = asked(f"stages?{OCTOBER}")
    assert (set(found), list(found["severities"])) == ({"from", "to", "all", "severities"}, SEVERITIES)
    critical = found["severities"]["critical"]
    assert critical["incidents_url"] != found["all"]["incidents_url"]
    stages = ("n", "triggered", "acknowledged", "investigating", "mitigating")
    assert [critical[name] for name in stages] == [found["all"][name] for name in stages] == [2, 75.25, 1154.75, 0, 0]
    assert [found["severities"]["low"][name] for name in stages] == [0, None, None, None, None]
    assert behind(asked, critical["incidents_url"])[0] == 2


def test_hours_of_the_week_lead_to_their_incidents(asked, lives):
    caught_up()
    hours = asked(f"hours?{OCTOBER}")["hours"]
    assert [(each["hour"], each["weekday"], each["starts_at"]) for each in hours[48:50]] == [
        (48, 3, "00:00"), (49, 3, "01:00"),
    ]  # fmt: skip
    assert {each["hour"]: each["count"] for each in hours if each["count"]} == {49: 4}
    assert (len(hours), behind(asked, hours[49]["incidents_url"])[0]) == (168, 4)
    found = asked("hours?from=2026-10-13&to=2026-10-13&zone=America/New_York")["hours"]
    [there] = [each for each in found if each["count"]]
    assert (there["hour"], there["count"], behind(asked, there["incidents_url"])[0]) == (49, 3, 3)


def test_a_comparison_stands_beside(asked, lives):
    caught_up()
    found = asked("response-times?from=2026-10-12&to=2026-10-18&compare=previous")
    before = found["compared"]
    assert (set(before), before["from"], before["to"]) == ({"from", "to", "severities"}, "2026-10-05", "2026-10-11")
    assert before["severities"]["high"]["mtta"]["n"] == 1
    assert behind(asked, before["severities"]["high"]["mtta_incidents_url"])[0] == 1
    assert asked("sla?from=2027-10-11&to=2027-10-17&compare=year")["compared"]["severities"]["critical"]["met"] == 2
    assert "compared" not in asked("sla?compare=none")
    assert asked("stages?compare=previous")["compared"]["all"]["n"] == 0


def test_pages_of_incidents_follow_each_other(asked, api):
    made = [make.incident(severity="low", at=NOW + n // 2 * MINUTE).reference for n in range(7)]
    caught_up()
    page = asked(f"incidents?{OCTOBER}&limit=3")
    assert (set(page), page["total"], page["count"]) == ({"items", "next", "total", "count"}, 7, 7)
    passing = {"duration_seconds": None}  # of an open incident it grows between two requests
    assert page["items"][0] | passing == api.get(f"incidents/{made[-1]}").json() | passing
    assert behind(asked, f"incidents?{OCTOBER}&limit=3") == (7, made[::-1])


def test_a_total_is_the_sum_of_what_the_measure_adds_up(asked, lives):
    caught_up()
    page = asked(f"incidents?{OCTOBER}&of=impact_us")
    assert (page["total"], page["count"]) == (2460.0, 2)


def test_definitions_name_every_measure(asked):
    found = asked("definitions")
    keys = {each["key"]: each for each in found["measures"]}
    assert keys["resolved"]["definition"].startswith("resolved_at − created_at")
    assert (keys["impact_us"]["unit"], keys["alerts"]["unit"], keys["open"]["unit"]) == (
        "seconds",
        "alerts",
        "incidents",
    )
    assert (found["zone"], found["waiting"], found["is_rebuilding"]) == ("UTC", 0, False)
    for key in keys:
        assert behind(asked, f"incidents?of={key}") == (0, [])


@pytest.mark.parametrize(
    "path", ["response-times", "frequency", "frequency?zone=Asia/Kolkata", "sla", "stages", "hours", "incidents"]
)
def test_an_answer_takes_few_queries(path, asked, lives, charlie, bob):
    caller, counts = Caller(charlie, "read"), []
    caller.get("metrics/definitions")
    for _ in range(2):
        for n in range(4):
            make.incident(severity="low", services=[make.service()], assignee=bob, at=NOW - timedelta(days=n))
        caught_up()
        with CaptureQueriesContext(connection) as queries:
            assert caller.get(f"metrics/{path}").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 9


def test_incidents_are_in_the_order_that_is_asked_for(asked, lives):
    caught_up()
    ids = [each.reference for each in lives]
    for sort, order in (("newest", [2, 1, 0, 3]), ("acknowledge", [3, 1, 0, 2]), ("resolve", [1, 0, 2, 3])):
        found = behind(asked, f"incidents?{OCTOBER}&sort={sort}&limit=1")
        assert found == (4, [ids[place] for place in order])
    assert behind(asked, f"incidents?{OCTOBER}&of=impact_us&sort=amount&limit=1")[1] == [ids[1], ids[0]]


STRANGE = ["%00", "%FF", "9" * 400, "-1", "NaN", "2026-10-14T99:99:99Z", "2026-W00", "%F0%9F%98%80", "1e3", "x" * 5000]
NAMES = ["from", "to", "period", "zone", "severity", "service", "team", "factor"]
OF_INCIDENTS = ["of", "week", "hour", "sort", "cursor", "limit"]


@pytest.mark.parametrize("name", [*NAMES, *OF_INCIDENTS, "person", "kind", "compare"])
def test_strange_values_are_the_senders_mistake(asked, api, name):
    path = {"person": "pages", "kind": "pages", "compare": "summary"}.get(name, "response-times")
    path = "incidents" if name in OF_INCIDENTS else path
    for value in STRANGE:
        answer = api.get(f"metrics/{path}?{name}={value}")
        assert (answer.status_code, fields_of(answer)) == (422, [name]), value
