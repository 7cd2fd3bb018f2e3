"""Sending to subscribers, to real servers."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import MaintenanceWindow
from core.http import Guard
from core.work import db_now
from incidents.models import Incident
from incidents_site.config import MailServer
from notifications import signing
from notifications.breaker import Breaker
from statuspage import delivering, fanning, subscribing, webhooks
from statuspage.models import Delivery, Subscriber
from tests import make, receivers

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]

LOOPBACK = Guard(allow_nets=(ipaddress.ip_network("127.0.0.0/8"),))


@pytest.fixture(autouse=True)
def _fresh_breaker(monkeypatch):
    monkeypatch.setattr(delivering, "_breaker", Breaker())


@pytest.fixture
def mailbox(settings):
    with receivers.smtp_server() as (mailbox, port):
        server = MailServer(host="127.0.0.1", port=port, username="", password="", security="none")
        settings.MUSTER = replace(settings.MUSTER, email=server)
        yield mailbox


@pytest.fixture
def page():
    return make.status_page("acme", make.service("checkout"), name="Acme status")


def send():
    return delivering.deliver_due(now=db_now(), seats=1)


def post():
    return delivering.post_due(now=db_now(), seats=1, guard=LOOPBACK)


def news(page, *components, **fields):
    mailing = make.mailing(page, "", *components, **fields)
    fanning.fan_out_due(now=timezone.now())
    return mailing


def states():
    return list(Delivery.objects.order_by("id").values_list("state", flat=True))


def text_of(mail):
    return mail.get_payload(decode=True).decode()


def test_news_leave_as_a_mail_that_names_the_page_and_is_left_with_one_click(page, mailbox, settings):
    ann = make.subscriber(page, "ann@example.com")
    report = make.report(page)
    news(page, report=report)
    assert send() == 1
    (mail,) = mailbox.messages
    root = f"{settings.MUSTER.base_url}/status/acme/"
    assert (mail["To"], mail["Subject"]) == ("ann@example.com", "Acme status: Checkout is slow")
    assert mail["From"].startswith("Acme status <")
    assert mail["List-Unsubscribe"] == f"<{root}unsubscribe/{ann.token}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (mail["Precedence"], mail["Auto-Submitted"]) == ("bulk", "auto-generated")
    assert mail["References"] == mail["In-Reply-To"] == f"<report-{report.public_id}@{mail['Message-ID'].split('@')[1]}"
    text = text_of(mail)
    assert text.startswith(f"We are on it.\n\n{root}incidents/{report.public_id}.html\n")
    assert f"{root}manage/{ann.token}" in text
    assert states() == ["sent"]
    assert send() == 0


@pytest.mark.parametrize(
    ("locale", "subject"),
    [
        ("en", "Please confirm: news from Acme status"),
        ("de", "Bitte =?utf-8?q?best=C3=A4tigen"),
        ("fr", "Veuillez confirmer : les nouvelles de Acme status"),
        ("es", "Confirme, por favor: noticias de Acme status"),
    ],
)
def test_an_address_is_asked_in_the_pages_language_and_whoever_hears_already_is_told_so(page, mailbox, locale, subject):
    page.locale = locale
    page.save()
    subscribing.ask(page, kind="email", address="ann@example.com", components=[], network="x")
    send()
    (mail,) = mailbox.messages
    ann = Subscriber.objects.get()
    assert f"/status/acme/confirm/{ann.token}" in text_of(mail)
    assert mail["List-Unsubscribe"] is None
    if locale != "de":
        assert mail["Subject"] == subject
    subscribing.confirm(ann)
    Subscriber.objects.update(asked_at=None)
    subscribing.ask(page, kind="email", address="ann@example.com", components=[], network="x")
    send()
    assert f"/status/acme/manage/{ann.token}" in text_of(mailbox.messages[1])
    assert "/confirm/" not in text_of(mailbox.messages[1])


def test_hostile_names_add_no_header(page, mailbox):
    page.name = "Acme\r\nBcc: all@example.com"
    page.save()
    make.subscriber(page)
    news(page, subject="Fire\r\nBcc: all@example.com\x00".replace("\x00", ""))
    send()
    (mail,) = mailbox.messages
    assert mail["Bcc"] is None


def test_an_address_that_does_not_exist_is_given_up_at_once(page, mailbox):
    make.subscriber(page, "nobody@example.com")
    make.subscriber(page, "ann@example.com")
    news(page)
    assert send() == 2
    gone = Subscriber.objects.get(address="nobody@example.com")
    assert (gone.ended_why, gone.failures) == ("bounced", 1)
    assert states() == ["failed", "sent"]
    news(page)
    send()
    assert [mail["To"] for mail in mailbox.messages] == ["ann@example.com"] * 2


@pytest.mark.parametrize(
    ("answer", "state", "failures"),
    [
        ("550 Mailbox unavailable", "failed", 1),
        ("552 5.2.2 Mailbox full", "failed", 1),
        ("550 5.1.8 Bad sender's address", "failed", 0),
        ("554 5.7.1 Relay access denied", "failed", 0),
        ("550 5.4.5 Daily limit exceeded", "failed", 0),
        ("450 4.2.1 Try later", "pending", 0),
        ("421 4.3.2 Shutting down", "pending", 0),
    ],
)
def test_only_what_is_said_of_the_address_counts_against_it(page, mailbox, answer, state, failures, monkeypatch):
    async def refuse(server, session, envelope, address, options):
        return answer

    monkeypatch.setattr(mailbox, "handle_RCPT", refuse)
    make.subscriber(page)
    news(page)
    send()
    row = Delivery.objects.get()
    assert (row.state, row.subscriber.failures, row.subscriber.ended_why) == (state, failures, "")
    assert row.error.startswith(answer[:3])
    if state == "pending":
        assert timedelta(seconds=25) < row.due_at - timezone.now() < timedelta(seconds=61)


def test_three_refusals_in_a_row_end_it_and_a_delivery_between_them_starts_anew(page, mailbox, monkeypatch):
    make.subscriber(page, failures=2)
    news(page)
    send()
    assert Subscriber.objects.get().failures == 0

    async def refuse(server, session, envelope, address, options):
        return "550 Mailbox unavailable"

    monkeypatch.setattr(mailbox, "handle_RCPT", refuse)
    for _ in range(4):
        news(page)
        send()
    ann = Subscriber.objects.get()
    assert (ann.failures, ann.ended_why) == (3, "bounced")


def test_what_is_refused_for_its_words_counts_against_nobody(page, mailbox):
    mailbox.answer = "554 5.7.1 Looks like spam"
    make.subscriber(page)
    for _ in range(4):
        news(page)
        send()
    assert states() == ["failed"] * 4
    assert Subscriber.objects.get().failures == 0


def test_a_mail_server_that_is_away_costs_the_others_of_the_batch_no_try(page, settings):
    port = receivers.free_port()
    server = MailServer(host="127.0.0.1", port=port, username="", password="", security="none")
    settings.MUSTER = replace(settings.MUSTER, email=server)
    for _ in range(10):
        make.subscriber(page)
    news(page)
    assert send() == 3
    rows = Delivery.objects.order_by("id")
    assert [row.attempt_count for row in rows] == [1] * 3 + [0] * 7
    assert set(states()) == {"pending"}
    assert set(rows.values_list("lease_token", flat=True)) == {None}


def test_without_a_mail_server_and_on_demo_pages_messages_are_kept(page, settings, mailbox):
    make.subscriber(page)
    demo = make.status_page("demo")
    demo.is_demo = True
    demo.save()
    make.subscriber(demo)
    make.subscriber(demo, "https://example.com/hook")
    news(demo)
    assert (send(), post()) == (1, 1)
    settings.MUSTER = replace(settings.MUSTER, email=None)
    news(page)
    send()
    assert states() == ["kept"] * 3
    assert mailbox.messages == []


def test_whoever_left_after_the_claim_of_news_gets_none(page, mailbox):
    ann = make.subscriber(page)
    news(page)
    Subscriber.objects.filter(pk=ann.pk).update(ended_at=timezone.now(), ended_why="left")  # as in a race
    send()
    assert states() == ["cancelled"]
    assert mailbox.messages == []


def test_an_incident_that_was_made_private_is_news_no_more(page, mailbox):
    make.subscriber(page, "ann@example.com")
    report = make.report(page)
    news(page, report=report)
    Incident.objects.filter(pk=report.incident_id).update(is_private=True)
    send()
    assert (states(), mailbox.messages) == (["cancelled"], [])


def test_maintenance_that_is_not_announced_any_more_is_news_no_more(page, mailbox):
    make.subscriber(page, "ann@example.com")
    window = make.maintenance()
    news(page, kind="maintenance", maintenance=window)
    MaintenanceWindow.objects.filter(pk=window.pk).update(is_public=False)
    send()
    assert (states(), mailbox.messages) == (["cancelled"], [])


def test_a_claim_that_was_lost_is_sent_again_when_its_lease_is_over_under_the_same_message_id(page, mailbox):
    make.subscriber(page)
    news(page)
    way = delivering.Way("email", 1, 50, 3, lambda row: None)
    lost = delivering._claim_due(way, now=db_now())
    assert send() == 0
    Delivery.objects.update(lease_until=db_now() - timedelta(seconds=1))
    assert send() == 1
    row = Delivery.objects.get()
    assert (row.state, row.attempt_count) == ("sent", 2)
    # the one who was thought lost comes back and writes nothing
    result = delivering.Result(delivering.Outcome.RETRY, "late")
    delivering._finish(lost, [(lost.rows[0], result)])
    row.refresh_from_db()
    assert (row.state, row.error) == ("sent", "")
    Delivery.objects.update(state="pending", finished_at=None)
    send()
    assert len({mail["Message-ID"] for mail in mailbox.messages}) == 1


def test_what_the_lease_leaves_no_time_for_goes_back_untried(page, mailbox):
    for _ in range(4):
        make.subscriber(page)
    news(page)
    way = delivering.Way("email", 1, 50, 3, delivering._mail, server="smtp")
    claimed = delivering._claim_due(way, now=db_now())
    claimed.at -= 30
    assert delivering._send_all(way, claimed) == 0
    assert set(Delivery.objects.values_list("state", "attempt_count", "lease_token")) == {("pending", 0, None)}
    assert send() == 4


# ---- webhooks ----------------------------------------------------------------------------------------------------


@pytest.fixture
def hook():
    with receivers.webhook_receiver() as hook:
        yield hook


def test_a_webhook_confirms_by_answering_a_signed_challenge(page, hook):
    made = make.subscriber(page, hook.url, active=False)
    Delivery.objects.create(subscriber=made, due_at=timezone.now())
    hook.status = 404
    assert post() == 1
    assert (states(), Subscriber.objects.active().count()) == (["failed"], 0)
    hook.status = 204
    Delivery.objects.create(subscriber=made, due_at=timezone.now())
    post()
    assert list(Subscriber.objects.active()) == [made]
    headers, body = hook.requests[1]
    signing.verify(made.signing_secret, headers=headers, body=body, now=timezone.now())
    said = json.loads(body)
    assert said["type"] == "subscription.challenge"
    assert said["data"]["manage_url"].endswith(f"/status/acme/manage/{made.token}")


def test_news_reach_a_webhook_signed_and_410_ends_it(page, hook):
    made = make.subscriber(page, hook.url)
    news(page, payload={"incident": {"name": "Checkout is slow"}})
    assert post() == 1
    headers, body = hook.requests[0]
    signing.verify(made.signing_secret, headers=headers, body=body, now=timezone.now())
    said = json.loads(body)
    assert (said["type"], said["data"]["incident"]) == ("status.update", {"name": "Checkout is slow"})
    assert said["data"]["page"]["name"] == "Acme status"
    assert headers["webhook-id"] == f"dlv_{Delivery.objects.get().pk}"
    hook.status = 410
    news(page)
    later = news(page)
    later.deliveries.update(due_at=timezone.now() + timedelta(minutes=1))
    assert post() == 1
    made.refresh_from_db()
    assert (made.ended_why, states()) == ("gone", ["sent", "failed", "cancelled"])


def test_a_webhook_is_tried_again_and_keeps_its_id(page, hook):
    make.subscriber(page, hook.url)
    news(page)
    hook.status = 503
    post()
    assert states() == ["pending"]
    Delivery.objects.update(due_at=timezone.now())
    hook.status = 200
    post()
    assert states() == ["sent"]
    assert len({headers["webhook-id"] for headers, _ in hook.requests}) == 1


def test_a_stranger_reaches_no_address_inside_even_where_admins_may(page, hook, settings):
    settings.MUSTER = replace(settings.MUSTER, allow_nets=LOOPBACK.allow_nets)
    make.subscriber(page, hook.url)
    news(page)
    delivering.post_due(now=db_now(), seats=1)
    assert hook.requests == []
    assert states() == ["failed"]
    assert "not a public address" in Delivery.objects.get().error
    assert webhooks.public_guard().allow_nets == ()
