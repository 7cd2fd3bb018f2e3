"""A component goes: whoever subscribed to nothing else hears of nothing more, and is told so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from statuspage import components, delivering, fanning, mails, subscribing, webhooks
from statuspage.models import Delivery, Mailing, Subscriber
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def page():
    return make.status_page("acme", make.service("checkout"), make.service("search"))


def gone(component):
    components.remove_component(component, by=None, now=make.NOW)


def told(mailing):
    while fanning.fan_out_due(now=make.NOW):
        pass
    return sorted(mailing.deliveries.values_list("subscriber__address", flat=True))


def test_whoever_chose_nothing_else_ends_with_a_last_message_and_the_others_stay(page):
    checkout, search = page.components.order_by("id")
    make.subscriber(page, "all@example.com")
    make.subscriber(page, "both@example.com", checkout, search)
    make.subscriber(page, "search@example.com", search)
    ann = make.subscriber(page, "ann@example.com", checkout)
    asked = make.subscriber(page, "asked@example.com", checkout, active=False)
    news = Delivery.objects.create(mailing=make.mailing(page, "a", checkout), subscriber=ann, due_at=make.NOW)
    gone(checkout)
    ended = Subscriber.objects.filter(ended_why="unlisted", ended_at=make.NOW)
    assert list(ended.order_by("id")) == [ann, asked]
    assert [each.address for each in Subscriber.objects.active().filter(components=search)] == [
        "both@example.com", "search@example.com",
    ]  # fmt: skip
    news.refresh_from_db()
    assert news.state == "cancelled"
    last = Delivery.objects.get(mailing=None)
    assert (last.subscriber, last.state) == (ann, "pending")
    assert told(make.mailing(page, "b", search)) == ["all@example.com", "both@example.com", "search@example.com"]


@pytest.mark.parametrize("locale", ["en", "de", "fr", "es"])
def test_the_last_message_says_why_and_how_to_come_back(page, locale):
    type(page).objects.filter(pk=page.pk).update(locale=locale)
    ann = make.subscriber(page, "ann@example.com", page.components.first())
    gone(page.components.first())
    message = mails.compose(Delivery.objects.select_related("subscriber__page").get(subscriber=ann))
    text = message.get_payload(decode=True).decode()
    assert f"/confirm/{ann.token}" in text
    assert "/manage/" not in text


def test_their_page_says_it_and_they_may_come_back_and_choose(page, client):
    ann = make.subscriber(page, "ann@example.com", page.components.first())
    gone(page.components.first())
    shown = client.get(f"/status/acme/manage/{ann.token}")
    assert "no longer on Acme" in shown.content.decode()
    assert client.post(f"/status/acme/confirm/{ann.token}").status_code == 303
    ann.refresh_from_db()
    assert (ann.is_active, ann.ended_why) == (True, "")


def test_whoever_asks_again_is_asked_as_anybody_is(page):
    ann = make.subscriber(page, "ann@example.com", page.components.first())
    gone(page.components.first())
    later = make.NOW + timedelta(hours=1)
    subscribing.ask(page, kind="email", address="ann@example.com", components=[], network="a", now=later)
    question = Delivery.objects.select_related("subscriber__page").filter(subscriber=ann).latest("id")
    assert "Please confirm" in str(mails.compose(question)["Subject"])


def test_a_webhook_is_told_and_its_answer_does_not_bring_it_back(page):
    hook = make.subscriber(page, "https://example.com/hook", page.components.first())
    gone(page.components.first())
    delivery = Delivery.objects.select_related("subscriber__page", "mailing").get(subscriber=hook)
    assert webhooks.payload(delivery)["type"] == "subscription.ended"
    delivering._judge(delivery, delivering.Result(delivering.Outcome.SENT, ""), Delivery.State.SENT)
    hook.refresh_from_db()
    assert not hook.is_active


def test_news_of_a_component_that_is_gone_before_it_is_sent_goes_to_nobody_who_chose(page):
    checkout, search = page.components.order_by("id")
    make.subscriber(page, "all@example.com")
    make.subscriber(page, "search@example.com", search)
    mailing = make.mailing(page, "a", checkout, payload={"components": [{"id": checkout.public_id}]})
    gone(checkout)
    assert told(Mailing.objects.get(pk=mailing.pk)) == ["all@example.com"]


def test_whoever_removes_it_is_told_how_many_hear_nothing_more(page, admin, client):
    client.force_login(admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    checkout = page.components.first()
    make.subscriber(page, "ann@example.com", checkout)
    shown = client.get(f"/status-pages/acme/components/{checkout.public_id}/remove").content.decode()
    assert "1 subscriber who hears of nothing else is told so, and hears nothing more." in shown
