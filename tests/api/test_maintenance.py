"""Maintenance windows over the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import MaintenanceWindow
from tests import make
from tests.api.caller import Caller, fields_of

HOUR = timedelta(hours=1)


def announcement(**changes):
    now = timezone.now().replace(microsecond=0)
    return {
        "title": "New disks",
        "description": "Short pauses.",
        "services": ["kafka"],
        "starts_at": (now + HOUR).isoformat(),
        "ends_at": (now + 2 * HOUR).isoformat(),
    } | changes


@pytest.fixture
def kafka(db):
    return make.service("kafka")


def test_announced_read_changed_begun_ended(api, kafka):
    sent = announcement()
    made = api.post("maintenance", sent)
    assert made.status_code == 201
    body = made.json()
    window = MaintenanceWindow.objects.get()
    times = {name: body.pop(name) for name in ("created_at", "updated_at", "starts_at", "ends_at")}
    assert times["starts_at"] == sent["starts_at"].replace("+00:00", "Z")
    assert body == {
        "id": window.public_id,
        "title": "New disks",
        "description": "Short pauses.",
        "services": ["kafka"],
        "state": "scheduled",
        "ended_at": None,
        "cancelled_at": None,
        "is_public": True,
        "created_by": api.user.username,
        "url": f"http://127.0.0.1:8000/maintenance/{window.public_id}",
    }
    address = f"maintenance/{window.public_id}"
    assert api.patch(address, {"title": "Newer disks"}).json()["title"] == "Newer disks"
    assert api.post(f"{address}/end").status_code == 409
    assert api.post(f"{address}/start").json()["state"] == "in_progress"
    assert api.get("services/kafka").json()["health"] == "maintenance"
    assert [each["slug"] for each in api.get("services?health=maintenance").json()["items"]] == ["kafka"]
    again = api.post(f"{address}/cancel")
    assert (again.status_code, again.json()["detail"]) == (409, "This maintenance has begun already.")
    assert api.post(f"{address}/end").json()["state"] == "completed"
    assert api.patch(address, {"title": "x"}).status_code == 409
    assert api.get(address).json()["title"] == "Newer disks"
    other = api.post("maintenance", announcement()).json()["id"]
    assert api.post(f"maintenance/{other}/cancel").json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"services": ["nothing"]}, "services"),
        ({"services": []}, "services"),
        ({"services": "kafka"}, "services"),
        ({"title": ""}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": 7}, "title"),
        ({"description": "x" * 10_001}, "description"),
        ({"starts_at": "2020-01-01T00:00:00Z"}, "starts_at"),
        ({"starts_at": "2026-01-01T00:00:00"}, "starts_at"),
        ({"starts_at": None}, "starts_at"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"ends_at": "9998-01-01T00:00:00Z"}, "ends_at"),
        ({"ended_at": "2026-01-01T00:00:00Z"}, "ended_at"),
        ({"is_public": "yes"}, "is_public"),
    ],
)
def test_a_mistake_is_named(api, kafka, wrong, field):
    answer = api.post("maintenance", announcement(**wrong))
    assert answer.status_code == 422
    assert field in {each.split(".")[0] for each in fields_of(answer)}
    assert not MaintenanceWindow.objects.exists()
    window = api.post("maintenance", announcement()).json()["id"]
    assert api.patch(f"maintenance/{window}", wrong).status_code == 422


def test_the_list_is_paged_and_narrowed(api, kafka):
    disk, now = make.service("disk"), timezone.now()
    running = make.maintenance(kafka, starts_at=now, at=now).public_id
    coming = make.maintenance(kafka, disk, starts_at=now + HOUR, at=now).public_id

    def ids(query: str = "") -> list[str]:
        return [each["id"] for each in api.get(f"maintenance{query}").json()["items"]]

    assert ids() == [coming, running]
    assert ids("?state=in_progress") == [running]
    assert ids("?state=scheduled&service=kafka") == [coming]
    assert ids("?service=disk") == [coming]
    assert ids("?service=nothing") == ids("?state=completed") == ids("?state=cancelled") == []
    first = api.get("maintenance?limit=1").json()
    assert [each["id"] for each in first["items"]] == [coming]
    assert [each["id"] for each in api.get(first["next"].split("/api/v1/")[1]).json()["items"]] == [running]
    assert api.get("maintenance?state=odd").status_code == 422
    assert api.get("maintenance?health=odd").status_code == 422


def test_viewers_read_and_change_nothing(kafka, charlie):
    now = timezone.now()
    window = make.maintenance(kafka, starts_at=now + HOUR, at=now).public_id
    api = Caller(charlie, "write")
    assert api.get(f"maintenance/{window}").status_code == 200
    assert api.post("maintenance", announcement()).status_code == 403
    for verb in ("start", "end", "cancel"):
        assert api.post(f"maintenance/{window}/{verb}").status_code == 403
    assert api.get("maintenance/nothing").status_code == 404
    assert api.get("maintenance/%00").status_code == 404


def test_the_second_of_two_who_change_it_is_told(api, kafka):
    seen = api.post("maintenance", announcement()).json()
    at = f"maintenance/{seen['id']}"
    assert api.patch(at, {"title": "Newer disks", "based_on": seen["updated_at"]}).status_code == 200
    answer = api.patch(at, {"title": "Newest disks", "based_on": seen["updated_at"]})
    assert (answer.status_code, answer.json()["detail"]) == (
        409, "Somebody else has changed this maintenance meanwhile.",
    )  # fmt: skip
    assert api.get(at).json()["title"] == "Newer disks"
