"""Pages, groups, components and subscribers in Django admin: changed as in the product, with the same refusals."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from statuspage import components
from statuspage.models import Component, ComponentGroup, StatusPage
from tests import make

pytestmark = pytest.mark.django_db

PAGE = {"name": "Acme status", "slug": "acme", "locale": "en", "time_zone": "UTC"}


@pytest.fixture
def at_desk(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def page(db):
    return make.status_page("acme")


def address(model, what, *args):
    return reverse(f"admin:statuspage_{model._meta.model_name}_{what}", args=args)


def changed_at(page):
    return StatusPage.objects.get(pk=page.pk).changed_at


def test_a_page_is_made_and_changed(at_desk):
    assert at_desk.post(address(StatusPage, "add"), PAGE).status_code == 302
    page = StatusPage.objects.get()
    assert (page.name, page.is_default) == ("Acme status", True)
    answer = at_desk.post(address(StatusPage, "change", page.pk), PAGE | {"domain": "status.example.com"})
    assert answer.status_code == 302
    assert AuditEntry.objects.latest("id").after == {"domain": "status.example.com"}


def test_a_domain_and_a_colour_are_taken_as_the_pages_own_form_takes_them(at_desk, page):
    said = PAGE | {"domain": "Status.Müller.Example", "colour": "#ABC"}
    assert at_desk.post(address(StatusPage, "change", page.pk), said).status_code == 302
    page.refresh_from_db()
    assert (page.domain, page.colour) == ("status.xn--mller-kva.example", "#aabbcc")
    answer = at_desk.post(address(StatusPage, "change", page.pk), said | {"colour": "red", "domain": "no_domain"})
    assert answer.context["adminform"].errors == {
        "colour": ["Enter a valid value."], "domain": ["Enter a valid value."],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "mistake"),
    [
        ({"slug": "history"}, "This word is an address of its own"),
        ({"time_zone": "Mars/Base"}, "Mars/Base"),
        ({"domain": "localhost.localdomain.local"}, "Enter a domain such as status.example.com."),
        ({"home_url": "ftp://example.com"}, "Enter an address that begins with https:// or http://."),
    ],
)
def test_a_page_that_cannot_be_comes_back_with_the_mistake(at_desk, wrong, mistake):
    answer = at_desk.post(address(StatusPage, "add"), PAGE | wrong)
    assert (answer.status_code, StatusPage.objects.count()) == (200, 0)
    assert mistake in answer.content.decode()


def test_a_group_is_made_renamed_moved_and_removed(at_desk, page):
    components.add_group(page, name="Core", by=None)
    assert at_desk.post(address(ComponentGroup, "add"), {"page": page.pk, "name": "Tools"}).status_code == 302
    group = ComponentGroup.objects.get(name="Tools")
    assert (group.page, group.position) == (page, 1)
    change = address(ComponentGroup, "change", group.pk)
    assert at_desk.post(change, {"name": "More tools", "position": 0}).status_code == 302
    assert list(page.groups.values_list("name", "position")) == [("More tools", 0), ("Core", 1)]
    kept, before = make.component(page, group=group), changed_at(page)
    assert at_desk.post(address(ComponentGroup, "delete", group.pk), {"post": "yes"}).status_code == 302
    kept.refresh_from_db()
    assert kept.group is None
    assert changed_at(page) > before
    assert AuditEntry.objects.latest("id").object_label == "More tools"


def test_several_groups_are_removed_at_once(at_desk, page):
    chosen = [components.add_group(page, name=name, by=None).pk for name in "ab"]
    before = changed_at(page)
    data = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    assert at_desk.post(address(ComponentGroup, "changelist"), data).status_code == 302
    assert (page.groups.count(), changed_at(page) > before) == (0, True)
    assert AuditEntry.objects.filter(action="deleted").count() == 2


def test_a_component_is_made_with_its_services(at_desk, page):
    kafka, group = make.service("kafka"), components.add_group(page, name="Core", by=None)
    data = {"page": page.pk, "group": group.pk, "name": " Search ", "services": [kafka.pk], "since": "2026-01-01"}
    assert at_desk.post(address(Component, "add"), data).status_code == 302
    made = Component.objects.get()
    assert (made.name, made.page, made.group, made.since) == ("Search", page, group, date(2026, 1, 1))
    assert list(made.services.all()) == [kafka]
    assert AuditEntry.objects.latest("id").after == {"services": ["kafka"]}


def test_a_new_component_begins_today(at_desk, page):
    assert at_desk.post(address(Component, "add"), {"page": page.pk, "name": "Search"}).status_code == 302
    assert Component.objects.get().since == StatusPage.objects.get().changed_at.date()


def test_a_component_is_changed_and_moved_and_the_page_rendered_anew(at_desk, page):
    kafka, auth = make.service("kafka"), make.service("auth")
    make.component(page, name="Sign-in")
    made = make.component(page, kafka, name="Search")
    before = changed_at(page)
    data = {"name": "Find", "description": "All of it", "services": [auth.pk], "since": made.since, "position": 0}
    assert at_desk.post(address(Component, "change", made.pk), data).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.description, list(made.services.all())) == ("Find", "All of it", [auth])
    assert list(page.components.values_list("name", flat=True)) == ["Find", "Sign-in"]
    assert changed_at(page) > before
    assert AuditEntry.objects.filter(object_id=made.pk, before={"services": ["kafka"]}).count() == 1


def test_a_component_that_cannot_be_comes_back_with_the_mistake(at_desk, page, monkeypatch):
    made = make.component(page, name="Search")
    elsewhere = components.add_group(make.status_page(), name="EU", by=None)
    change = address(Component, "change", made.pk)
    good = {"name": "Search", "since": "2026-01-01", "position": 0}
    for wrong, mistake in (
        ({"since": "2126-01-01"}, "Its history cannot begin in the future."),
        ({"since": ""}, "This field is required."),
        ({"group": elsewhere.pk}, "This group is on another page."),
        ({"name": "\t"}, "This field is required."),
    ):
        answer = at_desk.post(change, good | wrong)
        assert (answer.status_code, mistake in answer.content.decode()) == (200, True), wrong
    monkeypatch.setattr(components, "MOST_COMPONENTS", 1)
    answer = at_desk.post(address(Component, "add"), {"page": page.pk, "name": "One more"})
    assert (answer.status_code, Component.objects.count()) == (200, 1)
    assert "A page has 1 components at most." in answer.content.decode()


def test_what_takes_history_with_it_is_removed_on_its_own_page(at_desk, page):
    made = make.component(page)
    for row in (page, made):
        assert at_desk.post(address(type(row), "delete", row.pk), {"post": "yes"}).status_code == 403
        assert "/status-pages/acme" in at_desk.get(address(type(row), "change", row.pk)).content.decode()


def test_subscribers_are_removed_from_the_list(at_desk, page):
    leaves, stays = make.subscriber(page), make.subscriber(page)
    data = {"action": "end", "_selected_action": [leaves.pk]}
    assert at_desk.post(reverse("admin:statuspage_subscriber_changelist"), data).status_code == 302
    for row in (leaves, stays):
        row.refresh_from_db()
    assert (leaves.ended_why, stays.ended_why) == ("removed", "")
    assert AuditEntry.objects.latest("id").after == {"removed subscriber": leaves.pk}
