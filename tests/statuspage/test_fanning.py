"""From a piece of news to whoever wants it."""

from __future__ import annotations

import pytest

from incidents import communication, subscriptions
from incidents.subscriptions import Wish
from statuspage import fanning, subscribing
from statuspage.models import Delivery
from tests import make
from tests.poison import poisoned

pytestmark = pytest.mark.django_db


@pytest.fixture
def page():
    return make.status_page("acme", make.service("checkout"), make.service("search"))


def told(mailing):
    return sorted(mailing.deliveries.values_list("subscriber__address", flat=True))


def test_active_subscribers_of_the_page_who_want_one_of_the_components_are_told_once(page):
    checkout, search = page.components.order_by("id")
    make.subscriber(page, "all@example.com")
    make.subscriber(page, "both@example.com", checkout, search)
    make.subscriber(page, "checkout@example.com", checkout)
    make.subscriber(page, "search@example.com", search)
    make.subscriber(page, "asked@example.com", active=False)
    make.subscriber(make.status_page("other"), "other@example.com")
    subscribing.leave(make.subscriber(page, "left@example.com"), now=make.NOW)
    of_checkout, of_everything = make.mailing(page, "a", checkout), make.mailing(page, "b")
    assert fanning.fan_out_due(now=make.NOW) == 2
    assert fanning.fan_out_due(now=make.NOW) == 0
    assert told(of_checkout) == ["all@example.com", "both@example.com", "checkout@example.com"]
    assert told(of_everything) == [
        "all@example.com", "both@example.com", "checkout@example.com", "search@example.com",
    ]  # fmt: skip


def test_it_goes_on_where_it_was_and_repeats_nobody(page, monkeypatch):
    monkeypatch.setattr(fanning, "CHUNK", 3)
    people = [make.subscriber(page) for _ in range(7)]
    mailing = make.mailing(page)
    Delivery.objects.create(mailing=mailing, subscriber=people[1], due_at=make.NOW)
    steps = []
    while fanning.fan_out_due(now=make.NOW):
        mailing.refresh_from_db()
        steps.append((mailing.deliveries.count(), mailing.fanned_to, mailing.fanned_at))
    ids = [person.pk for person in people]
    assert steps == [(3, ids[2], None), (6, ids[5], None), (7, ids[6], make.NOW)]
    assert told(mailing) == sorted(person.address for person in people)


def test_a_mailing_that_cannot_be_written_holds_up_no_other(page):
    make.subscriber(page, "all@example.com")
    bad, good = make.mailing(page, "poison"), make.mailing(page, "good")
    with poisoned("statuspage_mailing", column="key", on="UPDATE"):
        assert fanning.fan_out_due(now=make.NOW) == 1
        assert (told(bad), told(good)) == ([], ["all@example.com"])
    assert fanning.fan_out_due(now=make.NOW) == 1
    assert told(bad) == ["all@example.com"]


def test_a_page_without_subscribers_is_through_at_once(page):
    mailing = make.mailing(page)
    assert fanning.fan_out_due(now=make.NOW) == 1
    mailing.refresh_from_db()
    assert (mailing.fanned_at, told(mailing)) == (make.NOW, [])


def test_whoever_was_told_inside_at_the_same_address_is_not_told_again(page, alice, bob):
    incident = make.incident(severity="low")
    subscriptions.follow(Wish.of(incident), by=alice)
    update = communication.post_update(
        incident, message="x", status="investigating", visibility="external", title="Slow", by=bob
    )
    make.subscriber(page, "alice@example.com")
    make.subscriber(page, "ann@example.com")
    of_update, of_maintenance = make.mailing(page, f"update/{update.pk}"), make.mailing(page, "x", kind="maintenance")
    fanning.fan_out_due(now=make.NOW)
    assert told(of_update) == ["ann@example.com"]
    assert told(of_maintenance) == ["alice@example.com", "ann@example.com"]
