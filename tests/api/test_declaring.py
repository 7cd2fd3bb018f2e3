"""``POST /api/v1/incidents``: exactly these fields, and everything it names exists."""

from __future__ import annotations

import pytest

from alerts import grouping, intake
from alerts.models import Alert
from core.work import db_now
from incidents.models import Incident
from notifications.models import Notification
from tests import make
from tests.api.caller import declaration, fields_of, mistakes_of


def alert(title: str = "Disk full") -> Alert:
    """An alert that has been received and opened an incident of its own."""
    _, key = make.integration("generic")
    body = b'{"title": "%s", "dedup_key": "%s", "severity": "low"}' % (title.encode(), title.encode())
    intake.store(key=key, format="generic", body=body)
    grouping.apply_due(now=db_now())
    return Alert.objects.latest("id")


def test_a_declared_incident_is_answered_as_it_is(api, bob):
    make.service("kafka")
    make.service("ai-service")
    answer = api.post(
        "incidents",
        {
            "title": "Checkout fails",
            "description": "**All** payments",
            "severity": "critical",
            "affected_services": ["kafka", "ai-service"],
            "assignee": "bob",
            "related_alerts": [],
        },
    )
    assert answer.status_code == 201
    incident = Incident.objects.get()
    moment = incident.created_at.isoformat().replace("+00:00", "Z")
    assert answer.json() == {
        "id": f"INC-{incident.pk}",
        "number": incident.pk,
        "title": "Checkout fails",
        "description": "**All** payments",
        "severity": "critical",
        "status": "triggered",
        "assignee": "bob",
        "affected_services": ["kafka", "ai-service"],
        "created_at": moment,
        "started_at": moment,
        "acknowledged_at": None,
        "resolved_at": None,
        "snoozed_until": None,
        "duration_seconds": 0,
        "is_private": False,
        "merged_into": None,
        "excluded_from_metrics": False,
        "excluded_reason": "",
        "excluded_by": None,
        "excluded_at": None,
        "url": f"http://127.0.0.1:8000/incidents/INC-{incident.pk}",
    }
    assert incident.created_by == api.user
    assert api.get(f"incidents/INC-{incident.pk}").json() == answer.json()


def test_services_may_be_none_and_the_description_may_be_left_out(api):
    body = declaration()
    del body["description"]
    answer = api.post("incidents", body)
    assert (answer.status_code, answer.json()["description"], answer.json()["affected_services"]) == (201, "", [])


def test_a_service_named_twice_is_affected_once(api):
    make.service("kafka")
    answer = api.post("incidents", declaration(affected_services=["kafka", "kafka"]))
    assert answer.json()["affected_services"] == ["kafka"]


def test_declaring_pages_in_the_same_transaction(api, bob):
    make.service("kafka", policy=make.escalation_policy(bob))
    answer = api.post("incidents", declaration(severity="critical", affected_services=["kafka"]))
    topic = f"incident/{answer.json()['number']}"
    assert list(Notification.objects.filter(topic=topic, purpose="page").values_list("user__username", flat=True)) == [
        "bob"
    ]


def test_related_alerts_are_linked(api):
    first, second = alert("Disk full"), alert("Disk slow")
    answer = api.post("incidents", declaration(related_alerts=[first.reference, second.reference]))
    assert answer.status_code == 201
    linked = api.items(f"incidents/{answer.json()['id']}/alerts")
    assert [each["id"] for each in linked] == [second.reference, first.reference]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"affected_services": ["kafka", "nope"]}, [("affected_services", "There is no service 'nope'.")]),
        ({"affected_services": ["No such thing!"]}, [("affected_services", "There is no service 'No such thing!'.")]),
        ({"assignee": "nobody"}, [("assignee", "There is no active user 'nobody'.")]),
        ({"related_alerts": ["ALR-999999"]}, [("related_alerts", "There is no alert 'ALR-999999'.")]),
        ({"related_alerts": ["7", "ALR-0"]}, [
            ("related_alerts", "There is no alert '7'."), ("related_alerts", "There is no alert 'ALR-0'."),
        ]),
        ({"severity": "urgent"}, [("severity", "Input should be 'critical', 'high', 'medium' or 'low'.")]),
        ({"title": "   "}, [("title", "Say in a few words what is wrong.")]),
        ({"status": "resolved"}, [("status", "There is no such field.")]),
        ({"is_private": True}, [("is_private", "There is no such field.")]),
        ({"title": None, "priority": 1}, [
            ("title", "Input should be a valid string."), ("priority", "There is no such field."),
        ]),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_and_nothing_is_declared(api, fields, expected):
    make.service("kafka")
    assert mistakes_of(api.post("incidents", declaration(**fields))) == expected
    assert not Incident.objects.exists()


@pytest.mark.parametrize("name", ["title", "severity", "affected_services"])
def test_a_missing_field_is_named(api, name):
    body = declaration()
    del body[name]
    assert mistakes_of(api.post("incidents", body)) == [(name, "This field is required.")]


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("title", 5, "title"),
        ("title", ["a"], "title"),
        ("title", "x" * 256, "title"),
        ("description", {}, "description"),
        ("description", "x" * 50_001, "description"),
        ("affected_services", "kafka", "affected_services"),
        ("affected_services", [5], "affected_services.0"),
        ("affected_services", [None, {}], "affected_services.0"),
        ("affected_services", ["x"] * 501, "affected_services"),
        ("related_alerts", [7], "related_alerts.0"),
        ("assignee", 7, "assignee"),
    ],
)
def test_wrong_types_are_named_with_their_place(api, name, value, field):
    answer = api.post("incidents", declaration(**{name: value}))
    assert answer.status_code == 422
    assert fields_of(answer)[0] == field


def test_somebody_who_left_cannot_be_assigned(api, bob):
    bob.is_active = False
    bob.save()
    assert mistakes_of(api.post("incidents", declaration(assignee="bob"))) == [
        ("assignee", "There is no active user 'bob'.")
    ]


def test_an_alert_of_a_private_incident_does_not_exist_for_strangers(api, root):
    hidden = alert()
    Incident.objects.update(is_private=True)
    answer = api.post("incidents", declaration(related_alerts=[hidden.reference]))
    assert mistakes_of(answer) == [("related_alerts", f"There is no alert '{hidden.reference}'.")]
    assert root.post("incidents", declaration(related_alerts=[hidden.reference])).status_code == 201


def test_a_title_of_several_lines_becomes_one(api):
    assert api.post("incidents", declaration(title="It is\nbroken ")).json()["title"] == "It is broken"
