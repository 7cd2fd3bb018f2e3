"""Files that are imported at the same moment, and people who subscribe meanwhile."""

from __future__ import annotations

from functools import partial

import pytest

from statuspage import subscriber_files, subscribing
from statuspage.models import Subscriber
from tests import make
from tests.incidents.test_update_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_same_file_twice_at_once_adds_everybody_once(admin):
    page = make.status_page("acme", make.service("checkout"))
    text = "\n".join(f"reader{number}@example.com, checkout" for number in range(200))
    take = partial(subscriber_files.take, page, text=text, has_consent=True, by=admin)
    found = at_once(take, take, take)
    assert sorted((each.new, each.known) for each in found) == [(0, 200), (0, 200), (200, 0)]
    assert Subscriber.objects.active().filter(components=page.components.get()).count() == 200


def test_whoever_subscribes_while_a_file_is_imported_keeps_what_they_asked_for(admin, monkeypatch):
    page = make.status_page("acme", make.service("checkout"), make.service("search"))
    search = page.components.get(name="Search")
    known = subscriber_files._known

    def known_before_they_came(*args):
        found = known(*args)
        at_once(lambda: make.subscriber(page, "ann@example.com", search, active=False))
        return found

    monkeypatch.setattr(subscriber_files, "_known", known_before_they_came)
    text = "ann@example.com, checkout\nbob@example.com, checkout"
    taken = subscriber_files.take(page, text=text, has_consent=True, by=admin)
    assert (taken.new, taken.known) == (1, 1)
    ann = Subscriber.objects.get(address="ann@example.com")
    assert (subscribing.state_of(ann), list(ann.components.all())) == ("waiting", [search])
