"""Services on pages: listed, shown with who is paged and what breaks with them, changed by who may."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry
from catalog import changes
from catalog.models import Service
from incidents.models import Incident
from tests import make
from tests.warned import save_anyway

pytestmark = pytest.mark.django_db

FIELDS = {"name": "Kafka", "slug": "kafka", "tier": 1, "health": "operational"}


@pytest.fixture
def manager():
    return make.user("maya", role="manager")


@pytest.fixture
def at_desk(client, manager):
    client.force_login(manager)
    return client


def named(response) -> list[str]:
    return [service.slug for service in response.context["services"]]


def test_the_list_is_ordered_by_tier_and_name_and_filtered_by_the_address(at_desk):
    team = make.team("core")
    make.service("zoo", tier=1, team=team)
    make.service("bus", tier=2, health="degraded")
    make.service("ant", tier=2)
    address = reverse("catalog:service_list")
    assert named(at_desk.get(address)) == ["zoo", "ant", "bus"]
    assert named(at_desk.get(address + "?health=degraded")) == ["bus"]
    assert named(at_desk.get(address + "?team=core")) == ["zoo"]
    assert named(at_desk.get(address + "?q=AN")) == ["ant"]
    assert named(at_desk.get(address + "?health=nonsense&q=%00")) == ["zoo", "ant", "bus"]
    assert "No service fits" in at_desk.get(address + "?q=nothing").content.decode()


def test_list_and_page_ask_the_database_as_often_for_many_as_for_one(at_desk, alice):
    def cost(*addresses: str) -> list[int]:
        counts = []
        for address in addresses:
            with CaptureQueriesContext(connection) as queries:
                at_desk.get(address)
            counts.append(len(queries))
        return counts

    team = make.team("core", alice)
    first = make.service("first", team=team, policy=make.escalation_policy(alice, team))
    first.dependencies.create(depends_on=make.service("base"))
    make.incident(services=[first])
    addresses = (reverse("catalog:service_list"), reverse("catalog:service_detail", args=["first"]))
    few = cost(*addresses)
    for number in range(5):
        crew = make.team(f"team-{number}", make.user(f"u{number}"))
        other = make.service(team=crew, policy=make.escalation_policy(alice))
        first.dependencies.create(depends_on=other)
        other.dependencies.create(depends_on=first)
        make.incident(services=[first])
    assert cost(*addresses) == few
    assert few[0] <= 8
    assert few[1] <= 15


def test_a_page_shows_who_is_paged_what_it_needs_and_what_is_open(at_desk, alice, bob):
    team = make.team("core", bob)
    service = make.service("kafka", team=team, policy=make.escalation_policy(alice, team, name="First us"))
    service.dependencies.create(depends_on=make.service("disk", name="Disk"))
    make.service("app", name="App").dependencies.create(depends_on=service)
    incident = make.incident(services=[service], title="Brokers are gone")
    page = at_desk.get(reverse("catalog:service_detail", args=["kafka"])).content.decode()
    for words in ("Alice", "Bob", "First us", "Disk", "App", incident.reference, "Brokers are gone", "5 min later"):
        assert words in page


def test_a_private_incident_is_not_on_the_page_of_its_service(client, charlie):
    service = make.service("kafka")
    make.incident(services=[service], title="Brokers are gone")
    Incident.objects.update(is_private=True)
    client.force_login(charlie)
    page = client.get(reverse("catalog:service_detail", args=["kafka"])).content.decode()
    assert "Brokers are gone" not in page


def test_a_manager_adds_a_service_with_what_it_depends_on(at_desk, manager):
    disk = make.service("disk")
    response = save_anyway(at_desk, reverse("catalog:service_new"), {**FIELDS, "depends_on": [disk.pk]})
    assert (response.status_code, response["Location"]) == (303, "/services/kafka")
    kafka = Service.objects.get(slug="kafka")
    assert (kafka.tier, list(kafka.depends_on.all())) == (1, [disk])
    entries = AuditEntry.objects.filter(object_type="catalog.service").order_by("id")
    assert [(entry.actor, entry.action) for entry in entries] == [(manager, "created"), (manager, "changed")]
    assert entries[1].after == {"depends_on": ["disk"]}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"name": ""}, "Name"),
        ({"slug": "taken"}, "already exists"),
        ({"slug": "new"}, "address of its own"),
        ({"slug": "no spaces"}, "valid"),
        ({"dashboard_url": "javascript:alert(1)"}, "Enter a valid URL"),
    ],
)
def test_a_wrong_service_comes_back_with_what_was_typed(at_desk, wrong, named):
    make.service("taken")
    response = at_desk.post(reverse("catalog:service_new"), {**FIELDS, "description": "Typed before"} | wrong)
    assert response.status_code == 422
    assert named in response.content.decode()
    assert "Typed before" in response.content.decode()
    assert Service.objects.count() == 1


def test_a_change_is_saved_and_audited_with_before_and_after(at_desk):
    make.service("kafka", name="Kafka", tier=1)
    response = at_desk.post(reverse("catalog:service_edit", args=["kafka"]), {**FIELDS, "tier": 2})
    assert response.status_code == 303
    entry = AuditEntry.objects.get()
    assert (entry.before, entry.after) == ({"tier": 1}, {"tier": 2})


def test_services_may_depend_on_each_other_but_not_on_themselves(manager):
    one, two = make.service("one"), make.service("two")
    changes.update_service(one, by=manager, depends_on=[two])
    changes.update_service(two, by=manager, depends_on=[one])
    assert (list(one.depends_on.all()), list(two.depends_on.all())) == ([two], [one])
    with pytest.raises(ValidationError) as refused:
        changes.update_service(one, by=manager, depends_on=[one])
    assert refused.value.message_dict == {"depends_on": ["A service cannot depend on itself."]}
    assert list(one.depends_on.all()) == [two]


def test_a_responder_says_how_a_service_is_and_nothing_else(client, alice):
    make.service("kafka")
    client.force_login(alice)
    address = reverse("catalog:service_health", args=["kafka"])
    assert client.post(address, {"health": "major_outage"}).status_code == 303
    assert Service.objects.get().health == "major_outage"
    assert AuditEntry.objects.get().after == {"health": "major_outage"}
    assert client.post(address, {"health": "on fire"}).status_code == 422
    assert client.get(reverse("catalog:service_edit", args=["kafka"])).status_code == 403
    assert client.get(reverse("catalog:service_new")).status_code == 403


def test_a_team_manager_changes_the_teams_services_only(client, alice):
    team = make.team("core", managers=(alice,))
    make.service("ours", team=team)
    make.service("theirs")
    client.force_login(alice)
    assert client.get(reverse("catalog:service_edit", args=["ours"])).status_code == 200
    assert client.get(reverse("catalog:service_edit", args=["theirs"])).status_code == 403
    without_team = client.post(reverse("catalog:service_new"), FIELDS)
    assert without_team.status_code == 422
    assert save_anyway(client, reverse("catalog:service_new"), {**FIELDS, "team": team.pk}).status_code == 303


def test_a_viewer_reads_and_changes_nothing(client, charlie):
    make.service("kafka")
    client.force_login(charlie)
    assert client.get(reverse("catalog:service_list")).status_code == 200
    page = client.get(reverse("catalog:service_detail", args=["kafka"])).content.decode()
    assert "/health" not in page
    assert "/edit" not in page
    assert client.post(reverse("catalog:service_health", args=["kafka"]), {"health": "degraded"}).status_code == 403


def test_what_is_not_there_is_a_404_and_strangers_sign_in(client, alice):
    assert client.get("/services/").status_code == 302
    client.force_login(alice)
    assert client.get("/services/nothing").status_code == 404


@pytest.mark.parametrize("name", ["health", "team", "q"])
def test_a_nul_in_the_address_is_left_out(client, alice, name):
    client.force_login(alice)
    assert client.get(f"/services/?{name}=%00").status_code == 200
