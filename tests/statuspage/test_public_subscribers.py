"""What readers see when they subscribe, choose and leave: without a cookie, and without learning of others."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from statuspage import subscriber_words, subscribing
from statuspage.models import Delivery, StatusPage, Subscriber
from tests import make

pytestmark = pytest.mark.django_db

FORM = "/status/acme/subscribe"


@pytest.fixture
def page():
    return make.status_page("acme", make.service("checkout"), make.service("search"), name="Acme status")


@pytest.fixture
def reader():
    return Client(enforce_csrf_checks=True)


def text(answer):
    return answer.content.decode()


def test_the_answer_is_the_same_whatever_is_known_of_an_address(page, reader, admin):
    make.subscriber(page, "active@example.com")
    make.subscriber(page, "waiting@example.com", active=False, asked_at=timezone.now())
    subscribing.leave(make.subscriber(page, "left@example.com"))
    subscribing.remove(make.subscriber(page, "removed@example.com"), by=admin)
    make.subscriber(page, "bounced@example.com", ended_at=timezone.now(), ended_why="bounced")
    names = ["new", "new", "active", "waiting", "left", "removed", "bounced", *(f"n{number}" for number in range(20))]
    answers = [reader.post(FORM, {"address": f"{name}@example.com"}) for name in names]
    answers.append(reader.post(FORM, {"address": "https://10.0.0.1/hook"}))
    assert {(answer.status_code, answer.content, str(sorted(answer.headers.items()))) for answer in answers} == {
        (200, answers[0].content, str(sorted(answers[0].headers.items())))
    }
    asked = set(Delivery.objects.values_list("subscriber__address", flat=True))
    assert {"new@example.com", "active@example.com", "left@example.com", "bounced@example.com"} <= asked
    assert not {"waiting@example.com", "removed@example.com", "n19@example.com", "https://10.0.0.1/hook"} & asked


def test_the_same_is_asked_of_the_database_for_every_address(page, reader, django_assert_num_queries, admin):
    make.subscriber(page, "active@example.com")
    subscribing.remove(make.subscriber(page, "removed@example.com"), by=admin)
    for name in ("new", "active", "removed"):
        with django_assert_num_queries(6):  # the page, and the three statements of asking between savepoints
            reader.post(FORM, {"address": f"{name}@example.com"})


def test_from_the_form_to_the_page_of_ones_own_and_out_again(page, reader):
    checkout, search = page.components.order_by("id")
    assert "Checkout" in text(reader.get(FORM))
    chosen = {"address": " Ann@Example.com ", "component": [checkout.public_id], "kind": "email"}
    assert subscriber_words.ENGLISH["asked"] in text(reader.post(FORM, chosen))
    ann = Subscriber.objects.get()
    links = {verb: f"/status/acme/{verb}/{ann.token}" for verb in ("confirm", "manage", "unsubscribe")}
    for link in links.values():
        assert reader.get(link).status_code == reader.head(link).status_code == 200
    ann.refresh_from_db()
    assert (ann.confirmed_at, ann.ended_at) == (None, None)
    answer = reader.post(links["confirm"])
    assert (answer.status_code, answer["Location"]) == (303, f"../manage/{ann.token}")
    own = text(reader.get(links["manage"]))
    assert re.search(rf'value="{checkout.public_id}"[^>]* checked', own)
    assert not re.search(rf'value="{search.public_id}"[^>]* checked', own)
    assert "Saved." in text(reader.post(links["manage"], {"component": [search.public_id]}))
    assert list(ann.components.all()) == [search]
    reader.post(links["manage"], {})
    assert list(ann.components.all()) == []
    answer = reader.post(links["unsubscribe"], "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")
    assert (answer.status_code, "You are unsubscribed" in text(answer)) == (200, True)
    assert Subscriber.objects.get().ended_why == "left"
    assert reader.post(links["unsubscribe"]).status_code == 200
    assert "Subscribe again" in text(reader.get(links["manage"]))
    reader.post(links["confirm"])
    assert Subscriber.objects.active().count() == 1


def test_nobody_gets_a_cookie_and_no_page_needs_a_script(page, reader):
    ann = make.subscriber(page, "ann@example.com")
    hook = make.subscriber(page, "https://example.com/hook")
    pages = [reader.get(FORM), reader.post(FORM, {"address": "bob@example.com"}), reader.post(FORM, {"address": "x"})]
    for subscriber in (ann, hook):
        pages += [
            reader.get(f"/status/acme/{verb}/{subscriber.token}") for verb in ("confirm", "manage", "unsubscribe")
        ]
    for answer in pages:
        assert (answer.cookies.output(), "csrf" in text(answer).lower(), "<script" in text(answer)) == (
            "",
            False,
            False,
        )
        assert "no-store" in answer["Cache-Control"]
        assert answer["X-Robots-Tag"] == "noindex"
    assert hook.signing_secret in text(reader.get(f"/status/acme/manage/{hook.token}"))


@pytest.mark.parametrize(
    "data",
    [
        {}, {"address": ""}, {"address": "x"}, {"address": "a\0b@example.com"}, {"address": "a" * 10_000},
        {"address": "http://example.com/"}, {"address": "ann@example.com", "component": "nothing"},
        {"address": "ann@example.com", "component": "a\0b"}, {"address": "ann@example.com", "component": "x" * 5000},
        {"address": "=cmd()@x"}, {"address": "\ud800@example.com".encode("utf-8", "surrogatepass")},
    ],
)  # fmt: skip
def test_what_is_no_address_is_said_in_the_pages_language(page, reader, data):
    page.locale = "de"
    page.save()
    answer = reader.post(FORM, data)
    assert answer.status_code == 422
    words = subscriber_words.GERMAN
    assert (words["bad_address"] in text(answer)) != (words["bad_component"] in text(answer))
    assert not Subscriber.objects.exists()


def test_a_link_that_leads_nowhere_says_nothing_of_what_there_is(page, reader, admin):
    removed = make.subscriber(page)
    subscribing.remove(removed, by=admin)
    elsewhere = make.subscriber(make.status_page("other"))
    for verb in ("confirm", "manage", "unsubscribe"):
        found = set()
        for token in ("x", "x" * 500, "%00", removed.token, elsewhere.token, "a%0d%0ab"):
            for method in (reader.get, reader.post):
                answer = method(f"/status/acme/{verb}/{token}")
                found.add((answer.status_code, answer.content))
        assert len(found) == 1
        ((status, body),) = found
        assert (status, "This link leads nowhere" in body.decode()) == (404, True)
        assert reader.get(f"/status/nothing/{verb}/x").status_code == 404
    assert reader.post("/status/nothing/subscribe", {"address": "ann@example.com"}).status_code == 404
    assert Subscriber.objects.active().count() == 1


def test_the_default_page_has_a_form_of_its_own(page, reader):
    StatusPage.objects.update(is_default=False)
    assert reader.post("/status/subscribe", {"address": "ann@example.com"}).status_code == 404
    StatusPage.objects.update(is_default=True)
    assert reader.get("/status/subscribe").status_code == 200
    assert reader.post("/status/subscribe/", {"address": "ann@example.com"}).status_code == 200
    assert Subscriber.objects.get().page == page


def test_other_methods_are_refused(page, reader):
    ann = make.subscriber(page)
    for path in (FORM, f"/status/acme/manage/{ann.token}", f"/status/acme/unsubscribe/{ann.token}"):
        assert reader.delete(path).status_code == 405


def test_every_language_has_every_word():
    assert {frozenset(words) for words in (subscriber_words.of(name) for name in ("de", "fr", "es"))} == {
        frozenset(subscriber_words.ENGLISH)
    }
    for locale in ("en", "de", "fr", "es"):
        assert "Acme" in subscriber_words.filled(locale, page="Acme")["mail_foot"]


def test_a_reader_behind_one_address_cannot_flood_a_mailbox(page, reader):
    for _ in range(30):
        reader.post(FORM, {"address": "ann@example.com"})
    assert Delivery.objects.count() == 1
    Subscriber.objects.update(asked_at=timezone.now() - timedelta(minutes=11))
    Delivery.objects.update(due_at=timezone.now() - timedelta(minutes=11))
    reader.post(FORM, {"address": "ann@example.com"})
    assert Delivery.objects.count() == 1  # its network has asked too often within the hour
