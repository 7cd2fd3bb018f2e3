"""Searching through the API finds what the box of the pages finds."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests import make
from tests.api.caller import Caller, fields_of

pytestmark = pytest.mark.django_db


def test_a_search_finds_incidents_services_and_people(api, alice):
    disks = make.service("disk", name="Disk Array")
    incident = make.incident(title="Disk full", severity="low", services=[disks], at=timezone.now())
    make.incident(title="Disk slow", severity="critical", at=timezone.now())
    make.user("diskin", name="Diskin Jones")
    found = api.get("search?q=disk+severity:low+foo:bar+status:").json()
    assert [each["id"] for each in found["incidents"]] == []
    found = api.get("search?q=disk+severity:low+status:").json()
    assert [(each["id"], each["title"], each["severity"]) for each in found["incidents"]] == [
        (incident.reference, "Disk full", "low")
    ]
    assert found["services"] == [{"slug": "disk", "name": "Disk Array"}]
    assert found["people"] == [{"username": "diskin", "name": "Diskin Jones"}]
    assert found["mistakes"] == [
        "status: takes triggered, acknowledged, investigating, mitigating, resolved or postmortem."
    ]
    assert found["more"] == "http://testserver/api/v1/incidents?period=all&severity=low&q=disk"
    assert [each["id"] for each in api.items(found["more"].removeprefix("http://testserver"))] == [incident.reference]


def test_a_number_comes_first(api):
    incident = make.incident()
    other = make.incident(title=f"After {incident.reference}")
    found = api.get(f"search?q={incident.reference}").json()
    assert [each["id"] for each in found["incidents"]] == [incident.reference, other.reference]


def test_private_incidents_are_found_by_their_people_only(alice, bob):
    secret = make.incident(title="Leak", is_private=True, assignee=bob)
    for person, expected in ((alice, []), (bob, [secret.reference])):
        for q in ("leak", secret.reference):
            found = Caller(person, "read").get(f"search?q={q}").json()
            assert [each["id"] for each in found["incidents"]] == expected


def test_a_question_is_not_too_long_and_odd_ones_break_nothing(api):
    assert fields_of(api.get(f"search?q={'x' * 301}")) == ["q"]
    assert fields_of(api.get("search?q=x&limit=3")) == ["limit"]
    assert api.get("search").json()["incidents"] == []
    for q in ("%00", "%ED%A0%80", "a%26%7C!", '"'):
        assert api.get(f"search?q={q}").status_code in (200, 422)
