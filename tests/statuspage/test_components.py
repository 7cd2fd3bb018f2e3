"""Groups and components of a page: made, changed, moved and removed."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEntry
from statuspage import components, pages
from statuspage.models import Component, StatusPage
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(db, now):
    return make.status_page("acme", at=now, time_zone="Pacific/Auckland")


def order(rows):
    return list(rows.values_list("name", "position"))


def changed_at(page):
    return StatusPage.objects.get(pk=page.pk).changed_at


def test_a_component_begins_today_where_the_page_is(page, admin):
    late = make.NOW.replace(hour=20)
    kafka = make.service("kafka")
    made = components.add_component(page, name=" Search\t", services=[kafka], by=admin, now=late)
    assert (made.name, made.since, list(made.services.all())) == ("Search", date(2026, 10, 15), [kafka])
    assert changed_at(page) == late
    entry = AuditEntry.objects.latest("id")
    assert (entry.object_label, entry.before, entry.after) == ("Search", {"services": []}, {"services": ["kafka"]})


def test_its_services_stay_unless_others_are_named(page, admin, now):
    kafka, auth = make.service("kafka"), make.service("auth")
    made = make.component(page, kafka, name="Search")
    components.change_component(made, by=admin, now=now + timedelta(minutes=1), description="Answers")
    assert list(made.services.all()) == [kafka]
    components.change_component(made, by=admin, now=now + timedelta(minutes=2), services=[auth])
    assert list(made.services.all()) == [auth]
    assert changed_at(page) == now + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": "\n"}, {"name": ["Give it a name."]}),
        ({"name": "x" * 81}, {"name": ["Ensure this value has at most 80 characters (it has 81)."]}),
        ({"since": date(2026, 10, 15)}, {"since": ["Its history cannot begin in the future."]}),
        ({"public_id": "x"}, {"public_id": ["A component has no such field."]}),
    ],
)
def test_what_cannot_be_is_refused_in_words(fields, wrong, page, now):
    made = make.component(page)
    with pytest.raises(ValidationError) as caught:
        components.change_component(made, by=None, now=now, **fields)
    assert caught.value.message_dict == wrong


def test_a_group_of_another_page_is_refused(page):
    elsewhere = components.add_group(make.status_page(), name="EU", by=None)
    with pytest.raises(ValidationError) as caught:
        make.component(page, group=elsewhere)
    assert caught.value.message_dict == {"group": ["This group is on another page."]}


def test_components_move_among_those_of_their_group(page, admin):
    group = components.add_group(page, name="Search", by=admin)
    for name, where in (("a", None), ("b", group), ("c", None), ("d", group), ("e", None)):
        make.component(page, name=name, group=where)
    alone = page.components.filter(group=None)
    components.move_component(alone.get(name="e"), to="up", by=admin)
    assert order(alone) == [("a", 0), ("e", 1), ("c", 2)]
    components.move_component(alone.get(name="a"), to="up", by=admin)
    components.move_component(alone.get(name="c"), to="down", by=admin)
    assert order(alone) == [("a", 0), ("e", 1), ("c", 2)]
    components.move_component(alone.get(name="c"), to=0, by=admin)
    assert order(alone) == [("c", 0), ("a", 1), ("e", 2)]
    assert [name for name, _ in order(page.components.filter(group=group))] == ["b", "d"]


def test_groups_move_are_renamed_and_leave_their_components_behind(page, admin):
    for name in "abc":
        components.add_group(page, name=name, by=admin)
    last = page.groups.get(name="c")
    components.move_group(last, to="up", by=admin)
    assert order(page.groups) == [("a", 0), ("c", 1), ("b", 2)]
    kept = make.component(page, name="Kafka", group=last)
    assert components.rename_group(last, name="Core", by=admin).name == "Core"
    components.remove_group(last, by=admin)
    assert Component.objects.get(pk=kept.pk).group is None


def test_a_removed_component_is_written_down(page, admin):
    made = make.component(page, name="Kafka")
    components.remove_component(made, by=admin)
    entry = AuditEntry.objects.latest("id")
    assert (page.components.count(), entry.action, entry.object_label) == (0, "deleted", "Kafka")


def test_there_is_an_end_to_how_many_a_page_has(page, monkeypatch):
    monkeypatch.setattr(components, "MOST_GROUPS", 1)
    components.add_group(page, name="a", by=None)
    with pytest.raises(ValidationError, match="A page has 1 groups at most"):
        components.add_group(page, name="b", by=None)


def test_what_somebody_else_has_removed_meanwhile_is_refused_in_words_and_removed_twice_without_ado(page):
    group = components.add_group(page, name="Shop", by=None)
    component = make.component(page)
    components.remove_group(group, by=None)
    components.remove_component(component, by=None)
    components.remove_group(group, by=None)
    components.remove_component(component, by=None)
    for change in (
        partial(components.rename_group, group, name="Store"),
        partial(components.move_group, group, to=0),
        partial(components.change_component, component, name="Cart"),
        partial(components.move_component, component, to="up"),
    ):
        with pytest.raises(ValidationError, match="Somebody has removed it meanwhile"):
            change(by=None)


def test_a_page_that_is_gone_meanwhile_takes_nothing_and_goes_once(page):
    component = make.component(page)
    pages.remove(page, by=None)
    pages.remove(page, by=None)
    components.remove_component(component, by=None)
    for change in (
        partial(pages.change, page, name="Other"),
        partial(components.add_group, page, name="Shop"),
        partial(components.add_component, page, name="Cart"),
    ):
        with pytest.raises(ValidationError, match="Somebody has removed it meanwhile"):
            change(by=None)
