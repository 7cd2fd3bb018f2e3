"""The pages on which managers set up what the public reads."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from incidents.models import Incident
from statuspage import components, pages, publishing, showing
from statuspage.models import Component, ComponentGroup, StatusPage
from tests import make

pytestmark = pytest.mark.django_db

LIST = "/status-pages/"
PAGE = {"name": "Acme status", "slug": "acme", "locale": "de", "time_zone": "Europe/Berlin", "is_default": "on"}


@pytest.fixture
def manager(client):
    person = make.user("mia", role="manager")
    client.force_login(person)
    return client


@pytest.fixture
def page(db):
    return make.status_page("acme", make.service("kafka", name="Kafka"), name="Acme status")


def text(answer):
    return answer.content.decode()


def picture():
    out = BytesIO()
    Image.new("RGB", (64, 16), "#1d4ed8").save(out, "PNG")
    return SimpleUploadedFile("logo.exe", out.getvalue(), content_type="application/x-dosexec")


def test_a_manager_makes_a_page_with_groups_and_components(manager):
    kafka = make.service("kafka")
    assert "No status page yet" in text(manager.get(LIST))
    answer = manager.post(f"{LIST}new", {**PAGE, "colour": "#1D4ED8", "logo": picture()})
    assert (answer.status_code, answer["Location"]) == (303, "/status-pages/acme")
    page = StatusPage.objects.get()
    assert (page.locale, page.time_zone, page.colour, page.is_default) == ("de", "Europe/Berlin", "#1d4ed8", True)
    logo = manager.get("/status-pages/acme/logo")
    assert (logo["Content-Type"], logo.content[:4]) == ("image/png", b"\x89PNG")

    manager.post("/status-pages/acme/groups/new", {"name": "Core"})
    group = ComponentGroup.objects.get()
    given = {"name": "Search", "group": group.pk, "services": [kafka.pk], "since": "2026-01-31"}
    assert manager.post("/status-pages/acme/components/new", given).status_code == 303
    component = Component.objects.get()
    assert (str(component), component.group, component.since.isoformat()) == ("Search", group, "2026-01-31")
    shown = text(manager.get("/status-pages/acme"))
    for words in ("Acme status", "Core", "Search", "kafka", "Nothing has been rendered yet"):
        assert words in shown
    assert "Acme status" in text(manager.get(LIST))


def test_what_was_wrong_is_said_beside_its_field_and_nothing_is_saved(manager, page):
    answer = manager.post(f"{LIST}new", {**PAGE, "colour": "red", "name": ""})
    assert answer.status_code == 422
    assert "This field is required." in text(answer)
    answer = manager.post(f"{LIST}new", {**PAGE, "is_default": ""})
    assert (answer.status_code, "Status page with this Slug already exists." in text(answer)) == (422, True)
    logo = SimpleUploadedFile("logo.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", content_type="image/png")
    answer = manager.post("/status-pages/acme/edit", {**PAGE, "logo": logo})
    assert (answer.status_code, "An SVG can carry programs." in text(answer)) == (422, True)
    assert (StatusPage.objects.count(), StatusPage.objects.get().locale) == (1, "en")


@pytest.mark.parametrize(
    "given", [{"name": "a\x00b"}, {"name": "x" * 81}, {"time_zone": "Mars"}, {"logo": "x"}, {"domain": "x" * 300}]
)
def test_odd_input_is_never_an_error_of_ours(given, manager, page):
    assert manager.post("/status-pages/acme/edit", {**PAGE, **given}).status_code in {303, 422}


def test_a_page_is_changed_and_keeps_its_logo_until_it_is_to_go(manager, page):
    manager.post("/status-pages/acme/edit", {**PAGE, "logo": picture()})
    manager.post("/status-pages/acme/edit", {**PAGE, "slug": "other"})
    assert StatusPage.objects.get().logo_type == "image/png"
    assert "The logo now" in text(manager.get("/status-pages/other/edit"))
    manager.post("/status-pages/other/edit", {**PAGE, "slug": "other", "without_logo": "on"})
    assert StatusPage.objects.get().logo is None
    assert manager.get("/status-pages/other/logo").status_code == 404


def test_the_second_of_two_who_change_a_page_reads_both_and_overwrites_nothing_unseen(manager, page):
    given = {**PAGE, "locale": "en", "time_zone": "UTC", "based_on": page.updated_at.isoformat(), "about": "Mia's"}
    pages.change(page, name="Noah's page", by=None)
    answer = manager.post("/status-pages/acme/edit", {**given, "logo": picture()})
    assert answer.status_code == 409
    for words in ("Somebody else has changed this meanwhile.", "choose the logo again", 'value="Mia&#x27;s"'):
        assert words in text(answer)
    assert answer.context["otherwise"] == [("Name", "Noah's page"), ("About", "none")]
    page.refresh_from_db()
    assert (page.name, page.about) == ("Noah's page", "")
    assert f'name="based_on" value="{page.updated_at.isoformat()}"' in text(answer)
    for seen in (page.updated_at.isoformat(), "x", "2027-01-01", ""):
        assert manager.post("/status-pages/acme/edit", given | {"based_on": seen}).status_code == 303
    page.refresh_from_db()
    assert (page.name, page.about) == ("Acme status", "Mia's")


def test_the_second_of_two_who_change_a_component_reads_both(manager, page):
    part, search = page.components.get(), make.service("search", name="Search")
    at, seen = f"/status-pages/acme/components/{part.public_id}", part.updated_at.isoformat()
    assert f'name="based_on" value="{seen}"' in text(manager.get(at))
    components.change_component(part, services=[search], description="Noah's", by=None)
    given = {"name": part.name, "since": part.since.isoformat(), "services": [], "description": "Mia's"}
    answer = manager.post(at, given | {"based_on": seen})
    assert (answer.status_code, answer.context["otherwise"]) == (
        409, [("Description", "Noah's"), ("Services", "Search")],
    )  # fmt: skip
    part.refresh_from_db()
    assert (part.description, list(part.services.all())) == ("Noah's", [search])
    assert manager.post(at, given | {"based_on": part.updated_at.isoformat()}).status_code == 303
    part.refresh_from_db()
    assert (part.description, list(part.services.all())) == ("Mia's", [])


def test_components_and_groups_move_by_buttons(manager, page):
    make.component(page, name="Search")
    first = page.components.first()
    answer = manager.post(f"/status-pages/acme/components/{first.public_id}/move", {"to": "down"})
    assert answer["Location"] == f"/status-pages/acme#component-{first.public_id}"
    assert [str(each) for each in page.components.all()] == ["Search", "Kafka"]
    assert manager.get(f"/status-pages/acme/components/{first.public_id}/move").status_code == 405


def test_what_is_removed_is_asked_for_first(manager, page):
    component = page.components.get()
    edit = f"/status-pages/acme/components/{component.public_id}"
    assert "Remove this component" in text(manager.get(edit))
    assert "Its history goes with it" in text(manager.get(f"{edit}/remove"))
    assert Component.objects.count() == 1
    manager.post(f"{edit}/remove")
    assert Component.objects.count() == 0
    assert "1 component" not in text(manager.get("/status-pages/acme/remove"))
    assert "until another page is made the default" in text(manager.get("/status-pages/acme/remove"))
    assert manager.post("/status-pages/acme/remove")["Location"] == LIST
    assert StatusPage.objects.count() == 0


def test_addresses_come_with_html_once_something_is_there(manager, page):
    for path in ("index.html", "badge.svg"):
        page.documents.create(path=path, content_type="text/html", body=b"x", etag="e", rendered_at=make.NOW)
    shown = text(manager.get("/status-pages/acme"))
    assert "/status/acme/badge.svg" in shown
    assert "&lt;img src=&quot;" in shown
    assert "RSS feed" not in shown


def test_others_inside_read_and_change_nothing(client, charlie, page):
    client.force_login(charlie)
    shown = text(client.get("/status-pages/acme"))
    assert "Kafka" in shown
    assert "/status-pages/acme/edit" not in shown
    assert "/move" not in shown
    for path in ("new", "acme/edit", "acme/remove", "acme/groups/new", "acme/components/new"):
        assert client.get(f"{LIST}{path}").status_code == 403
        assert client.post(f"{LIST}{path}", {}).status_code == 403
    assert client.get(f"{LIST}nothing").status_code == 404


def test_a_page_costs_a_fixed_number_of_queries(manager, page, django_assert_max_num_queries):
    group = page.groups.create(name="Core")
    for number in range(20):
        make.component(page, make.service(), name=f"Part {number}", group=group if number % 2 else None)
    with django_assert_max_num_queries(20):
        manager.get("/status-pages/acme")


def test_components_read_as_readers_see_them(manager, page, now):
    component = page.components.get()
    kafka = component.services.get()

    def health(at):
        return showing.health_of([component], now=at)[component.pk]

    assert health(now) == "operational"
    make.maintenance(kafka, starts_at=now + make.MINUTE)
    assert health(now + 2 * make.MINUTE) == "under_maintenance"
    incident = make.incident(severity="high", services=[kafka])
    make.status_update(incident, at=now, visibility="external", title="Slow")
    publishing.publish_missing(now=now)
    assert health(now + 2 * make.MINUTE) == "partial_outage"
    Incident.objects.filter(pk=incident.pk).update(is_private=True)
    assert health(now) == "operational"
    assert showing.facts_of(page).open_reports == 0
