"""What happens to one status page at the same moment: whoever comes late hears so, and nothing is half there."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry
from catalog import maintenance
from notifications.channels.base import Outcome, Result
from statuspage import announcing, delivering, fanning, pages, publishing, rendering, subscribing
from statuspage.models import Delivery, Document, Mailing, Report, StatusPage, Subscriber
from tests import make
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 8


@pytest.fixture
def checkout():
    return make.service("checkout")


def at_once(*functions):
    """What each gave, when all began together; raises what any of them raised."""
    barrier, found, errors = threading.Barrier(len(functions)), [None] * len(functions), []

    def work(place, function):
        barrier.wait()
        try:
            found[place] = function()
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=each) for each in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return found


def manager():
    client = Client()
    client.force_login(make.user(role="manager"))
    return client


def post(client, path, **fields):
    return client.post(f"/status-pages/acme/{path}", fields).status_code


def test_a_page_is_removed_while_somebody_changes_it_and_its_parts(checkout):
    mia, noah = manager(), manager()
    changes = {"name": "Acme Inc.", "slug": "acme", "locale": "en", "time_zone": "UTC"}
    for _ in range(ROUNDS):
        page = make.status_page("acme", checkout)
        part = page.components.get()
        answers = at_once(
            partial(post, mia, "remove"),
            partial(post, noah, "edit", **changes),
            partial(post, noah, "components/new", name="Search", services=[checkout.pk]),
            partial(post, noah, f"components/{part.public_id}", name="Tills", since="2026-10-01"),
            partial(post, noah, f"components/{part.public_id}/move", to="up"),
            partial(post, noah, f"components/{part.public_id}/remove"),
            partial(post, noah, "remove"),
        )
        assert set(answers) <= {303, 404, 422}
        assert not StatusPage.objects.exists()
    assert AuditEntry.objects.filter(action="deleted", object_type="statuspage.statuspage").count() == ROUNDS


def test_a_page_is_removed_while_it_is_rendered_and_an_update_is_taken_up(checkout):
    for _ in range(ROUNDS):
        page = make.status_page("acme", checkout)
        other = make.status_page("other", checkout)
        rendering.render_due(now=NOW)
        incident = make.incident(services=[checkout], at=NOW)
        make.status_update(incident, at=NOW, visibility="external")
        publishing.publish_missing(now=NOW)
        make.status_update(incident, at=NOW + MINUTE, visibility="external")
        at_once(
            partial(pages.remove, page, by=None),
            partial(rendering.render_due, now=NOW + MINUTE),
            partial(publishing.publish_missing, now=NOW + MINUTE),
        )
        publishing.publish_missing(now=NOW + MINUTE)
        rendering.render_due(now=NOW + MINUTE)
        assert Report.objects.get().page == other
        assert Mailing.objects.count() == 2
        assert set(Document.objects.values_list("page__slug", flat=True)) == {"other"}
        pages.remove(other, by=None)
        incident.delete()


def test_a_page_is_removed_while_strangers_subscribe_confirm_and_choose(checkout):
    for _ in range(ROUNDS):
        page = make.status_page("acme", checkout)
        part = page.components.get()
        waiting, active = make.subscriber(page, active=False), make.subscriber(page)
        strangers = [
            ("subscribe", {"address": "new@example.com", "component": part.public_id}),
            (f"confirm/{waiting.token}", {}),
            (f"manage/{active.token}", {"component": part.public_id}),
            (f"unsubscribe/{active.token}", {}),
        ]
        answers = at_once(
            partial(pages.remove, page, by=None),
            *(partial(send, f"/status/acme/{path}", fields) for path, fields in strangers),
        )
        assert {status for status in answers if status is not None} <= {200, 303, 404}


def send(path, fields):
    return Client().post(path, fields).status_code


def test_a_page_is_removed_while_its_news_go_out_and_readers_choose_and_leave(checkout):
    for round_ in range(ROUNDS):
        page = make.status_page("acme", checkout)
        part = page.components.get()
        people = [make.subscriber(page, f"{name}@example.com", part) for name in range(40)]
        mailings = [make.mailing(page, str(number), part) for number in range(3)]
        make.mailing(page, "next", part)
        window = make.maintenance(checkout, at=NOW)
        announcing.announce_due(now=NOW)
        maintenance.change(window, title="Newer disks", by=None, now=NOW)
        Delivery.objects.bulk_create(
            Delivery(mailing=each, subscriber=person, due_at=NOW) for person in reversed(people) for each in mailings
        )
        at_once(
            partial(pages.remove, page, by=None),
            partial(fanning.fan_out_due, now=NOW),
            partial(delivering.deliver_due, now=NOW),
            partial(announcing.announce_due, now=NOW + MINUTE),
            *(partial(subscribing.leave, person, now=NOW) for person in people[round_::13]),
            *(partial(subscribing.choose, person, []) for person in people[round_ + 1 :: 13]),
        )
        assert [model.objects.count() for model in (StatusPage, Subscriber, Mailing, Delivery)] == [0, 0, 0, 0]
        window.delete()


def test_a_result_is_written_although_another_held_its_row_for_a_moment(checkout):
    page = make.status_page("acme", checkout)
    make.subscriber(page, "ann@example.com")
    make.mailing(page)
    fanning.fan_out_due(now=NOW)
    is_sent, is_held = threading.Event(), threading.Event()

    def send_slowly(_delivery):
        is_sent.set()
        assert is_held.wait(5)
        return Result(Outcome.SENT)

    def hold():
        assert is_sent.wait(5)
        with transaction.atomic():
            list(Delivery.objects.select_for_update())
            is_held.set()
            time.sleep(0.3)

    at_once(
        hold, partial(delivering._deliver, delivering.Way("email", 1, 50, 3, send_slowly, "smtp"), now=timezone.now())
    )
    assert Delivery.objects.get().state == "sent"
