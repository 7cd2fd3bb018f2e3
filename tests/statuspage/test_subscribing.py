"""Asking, confirming, leaving, and being forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from statuspage import subscribing
from statuspage.models import Delivery, Knock, Subscriber
from tests import make

pytestmark = pytest.mark.django_db

MINUTE, DAY = make.MINUTE, timedelta(days=1)


@pytest.fixture
def page():
    return make.status_page("acme", make.service("checkout"), make.service("search"))


def ask(page, address="ann@example.com", *components, network="a", now=make.NOW):
    kind, address = subscribing.checked_address(address)
    subscribing.ask(page, kind=kind, address=address, components=components, network=network, now=now)


def requests():
    """Addresses that are asked, in order."""
    rows = Delivery.objects.filter(mailing=None, state="pending").order_by("id")
    return list(rows.values_list("subscriber__address", flat=True))


def test_a_new_address_is_asked_and_is_no_subscriber_before_it_confirms(page):
    part = page.components.first()
    ask(page, "Ann@Example.com", part)
    ann = Subscriber.objects.get()
    assert (ann.address, ann.kind, ann.asked_at, ann.is_active) == ("ann@example.com", "email", make.NOW, False)
    assert list(ann.components.all()) == [part]
    assert requests() == ["ann@example.com"]
    assert list(Subscriber.objects.active()) == []
    subscribing.confirm(ann, now=make.NOW + MINUTE)
    assert [each.confirmed_at for each in Subscriber.objects.active()] == [make.NOW + MINUTE]


def test_an_address_is_asked_once_in_ten_minutes_on_all_pages_together_and_five_times_a_day(page):
    other = make.status_page("other")
    ask(page)
    ask(page, now=make.NOW + 9 * MINUTE)
    ask(other, now=make.NOW + 9 * MINUTE)
    assert requests() == ["ann@example.com"]
    for number in range(1, 10):
        ask(page, network=f"n{number}", now=make.NOW + number * 10 * MINUTE)
    assert len(requests()) == 5
    ask(page, now=make.NOW + DAY + 2 * MINUTE)
    assert len(requests()) == 6


@pytest.mark.parametrize(
    "address",
    ['"ann"@example.com', '"a\\nn"@example.com', "root@localhost", "ann@[192.0.2.1]", "ann@[::1]", "ann@example.com."],
)
def test_a_mailbox_has_one_name_and_is_nobodys_inside(address):
    with pytest.raises(ValidationError):
        subscribing.checked_address(address)


def test_a_network_asks_twenty_times_an_hour(page):
    for number in range(25):
        ask(page, f"ann{number}@example.com", network=subscribing.network_of("192.0.2.1"))
    ask(page, "bob@example.com", network=subscribing.network_of("192.0.2.2"))
    assert len(requests()) == 21
    ask(page, "carol@example.com", network=subscribing.network_of("192.0.2.1"), now=make.NOW + 60 * MINUTE)
    assert len(requests()) == 22


def test_networks_are_told_apart_as_customers_have_them_and_kept_unreadable():
    of = subscribing.network_of
    assert of("2001:db8:1:2:3::1") == of("2001:db8:1:2:4::2") != of("2001:db8:1:3::1")
    assert of("::ffff:192.0.2.1") == of("192.0.2.1") != of("192.0.2.2")
    assert "192.0.2.1" not in of("192.0.2.1")
    assert len(of("nonsense")) == len(of("192.0.2.1")) == 64


def test_nobody_changes_what_somebody_else_hears_of(page):
    first, second = page.components.order_by("id")
    ann = make.subscriber(page, "ann@example.com", first)
    ask(page, "ann@example.com", second)
    assert list(ann.components.all()) == [first]
    assert requests() == ["ann@example.com"]  # with the address of their own page


def test_whoever_left_is_asked_again_and_whom_an_admin_removed_is_not(page, admin):
    ann, bob = make.subscriber(page, "ann@example.com"), make.subscriber(page, "bob@example.com")
    subscribing.leave(ann, now=make.NOW)
    subscribing.remove(bob, by=admin, now=make.NOW)
    ask(page, "ann@example.com")
    ask(page, "bob@example.com")
    assert requests() == ["ann@example.com"]
    assert list(Subscriber.objects.active()) == []
    for person in (ann, bob):
        subscribing.confirm(person, now=make.NOW)
    assert list(Subscriber.objects.active()) == [ann]


def test_whoever_leaves_gets_nothing_of_what_is_on_its_way(page):
    ann = make.subscriber(page)
    on_its_way = Delivery.objects.create(mailing=make.mailing(page), subscriber=ann, due_at=make.NOW)
    subscribing.leave(ann, now=make.NOW)
    subscribing.leave(ann, now=make.NOW + DAY)
    on_its_way.refresh_from_db()
    ann.refresh_from_db()
    assert (on_its_way.state, ann.ended_at, ann.ended_why) == ("cancelled", make.NOW, "left")


def test_components_of_another_page_are_nobodys_wish(page):
    foreign = make.component(make.status_page("other"), make.service("mail"))
    ask(page, "ann@example.com", foreign)
    ann = Subscriber.objects.get()
    assert list(ann.components.all()) == []
    subscribing.choose(ann, [foreign, page.components.first()])
    assert list(ann.components.all()) == [page.components.first()]
    subscribing.choose(ann, [])
    assert list(ann.components.all()) == []


def test_ended_and_silent_ones_are_forgotten(page):
    make.subscriber(page, "stays@example.com")
    make.subscriber(page, "left@example.com", ended_at=make.NOW - 30 * DAY, ended_why="left")
    make.subscriber(page, "lately@example.com", ended_at=make.NOW - 29 * DAY, ended_why="left")
    make.subscriber(page, "silent@example.com", active=False, created_at=make.NOW - 7 * DAY)
    make.subscriber(
        page, "again@example.com", active=False, created_at=make.NOW - 20 * DAY, asked_at=make.NOW - 6 * DAY
    )
    Knock.objects.create(network="x", hour=make.NOW - DAY, count=3)
    assert subscribing.forget_due(now=make.NOW) == 3
    assert set(Subscriber.objects.values_list("address", flat=True)) == {
        "stays@example.com", "lately@example.com", "again@example.com",
    }  # fmt: skip
    assert subscribing.forget_due(now=make.NOW) == 0


@pytest.mark.parametrize(
    "address",
    [
        "", "ann", "ann@", "ann@example", "ann@example.com\nBcc: x@example.com y", "http://example.com/hook",
        "https://user:secret@example.com/", "https://hooks.slack.com/services/x", "ftp://example.com", "https://",
        "änn@example.com", f"{'a' * 250}@example.com", f"https://example.com/{'a' * 500}", "slack+https://example.com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_words(address):
    with pytest.raises(ValidationError) as caught:
        subscribing.checked_address(address)
    assert caught.value.messages[0].endswith(".")


def test_an_address_with_letters_of_another_alphabet_in_its_domain_is_kept_as_mail_servers_read_it():
    assert subscribing.checked_address("ann@bücher.example") == ("email", "ann@xn--bcher-kva.example")
