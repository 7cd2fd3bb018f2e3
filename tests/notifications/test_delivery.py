"""Sending what is due, to real servers."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from email.header import decode_header, make_header
from unittest.mock import Mock

import pytest
from django.utils import timezone

from core.work import db_now
from incidents import lifecycle
from incidents_site.config import MailServer
from notifications import contacts, delivery, signing
from notifications.breaker import Breaker, Crowd
from notifications.channels import chat
from notifications.models import Attempt, Notification
from tests import make, receivers

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]


@pytest.fixture(autouse=True)
def _fresh_breaker(monkeypatch):
    monkeypatch.setattr(delivery, "_breaker", Breaker())


@pytest.fixture
def mailbox(settings):
    with receivers.smtp_server() as (mailbox, port):
        server = MailServer(host="127.0.0.1", port=port, username="", password="", security="none")
        settings.MUSTER = replace(settings.MUSTER, email=server)
        yield mailbox


@pytest.fixture
def hook(settings):
    settings.MUSTER = replace(settings.MUSTER, allow_nets=(ipaddress.ip_network("127.0.0.0/8"),))
    with receivers.webhook_receiver() as hook:
        yield hook


def page(*people, **fields):
    """An incident declared now, whose first step pages people."""
    return make.incident(steps=[people], at=timezone.now(), **fields)


def deliver(channel="email"):
    return delivery.deliver_due(channel, now=db_now(), seats=1)


def states():
    return list(Notification.objects.filter(purpose="page").order_by("id").values_list("state", flat=True))


def test_a_page_leaves_as_a_real_mail_with_the_incidents_number_in_the_subject(alice, mailbox):
    incident = page(alice, title="Checkout fails")
    assert deliver() == 1
    (mail,) = mailbox.messages
    assert str(mail["Subject"]) == f"{incident.reference} CRITICAL: Checkout fails"
    assert mail["To"] == "alice@example.com"
    assert "/answers/email/" in mail.get_payload(decode=True).decode()
    assert states() == ["sent"]
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.number, attempt.provider_id) == ("sent", 1, mail["Message-ID"])


def test_a_hostile_title_still_pages(alice, mailbox):
    page(alice, title="Fire\r\nBcc: everybody@example.com\x00 \u2028now")
    deliver()
    (mail,) = mailbox.messages
    assert mail["Bcc"] is None
    assert "CRITICAL: Fire Bcc: everybody@example.com\ufffd now" in str(make_header(decode_header(mail["Subject"])))


def test_without_a_mail_server_the_mail_is_kept(alice, settings):
    settings.MUSTER = replace(settings.MUSTER, email=None)
    page(alice)
    deliver()
    assert states() == ["kept"]


def test_demo_people_are_never_written_to(mailbox):
    page(make.user("demo", is_demo=True))
    deliver()
    assert states() == ["kept"]
    assert mailbox.messages == []


def test_an_unknown_recipient_fails_for_good(mailbox):
    page(make.user("nobody"))
    deliver()
    assert states() == ["failed"]
    assert "550" in Notification.objects.get().error


def test_a_server_that_refuses_our_sender_is_tried_again(alice, mailbox):
    mailbox.refuses_sender = True
    page(alice)
    deliver()
    assert states() == ["pending"]
    mailbox.refuses_sender = False
    Notification.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    deliver()
    assert states() == ["sent"]


def test_a_busy_server_is_tried_again_later(alice, mailbox):
    mailbox.answer = "451 Try again later"
    page(alice)
    deliver()
    row = Notification.objects.get()
    assert (row.state, row.attempt_count, row.lease_token) == ("pending", 1, None)
    assert row.due_at > timezone.now()
    mailbox.answer = ""
    Notification.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    deliver()
    assert states() == ["sent"]
    assert [a.outcome for a in Attempt.objects.all()] == ["retry", "sent"]


def test_no_server_at_all_is_tried_again_and_rests_after_five_failures(alice, settings):
    server = MailServer(host="127.0.0.1", port=receivers.free_port(), username="", password="", security="none")
    settings.MUSTER = replace(settings.MUSTER, email=server)
    for _ in range(7):
        page(alice)
    deliver()
    assert Attempt.objects.count() == 5
    assert set(states()) == {"pending"}


def test_rows_of_a_vanished_sender_come_back_and_say_that_they_may_be_a_repeat(alice, mailbox):
    incident = page(alice)
    delivery._claim_due("email", 5, now=db_now())
    assert deliver() == 0
    Notification.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert deliver() == 1
    (mail,) = mailbox.messages
    assert mail["Subject"] == f"{incident.reference} CRITICAL: It is broken (repeat)"
    assert [a.outcome for a in Attempt.objects.all()] == ["lost", "sent"]


def test_a_sender_whose_lease_was_taken_over_cannot_change_the_row(alice, mailbox):
    page(alice)
    (slow,) = delivery._claim_due("email", 5, now=db_now())
    Notification.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    deliver()
    delivery._finish(slow.notification, delivery.Result(delivery.Outcome.FAILED, "too late"), took=0.1)
    assert states() == ["sent"]
    assert [a.outcome for a in Attempt.objects.all()] == ["lost", "sent", "failed"]


def test_nothing_is_sent_after_the_acknowledgement(alice, bob, mailbox):
    incident = page(alice)
    claims = delivery._claim_due("email", 5, now=db_now())
    lifecycle.acknowledge(incident, by=bob)
    claims = [replace(claim, at=claim.at - 1.5) for claim in claims]
    assert delivery._send(claims[0], delivery.SENDERS["email"]) == 0
    assert states() == ["cancelled"]
    assert mailbox.messages == []


def test_a_webhook_is_signed_after_standard_webhooks(hook):
    dora = make.user("dora", email=False, webhook=hook.url)
    incident = page(dora)
    assert deliver("webhook") == 1
    ((headers, body),) = hook.requests
    row = Notification.objects.get()
    secret = dora.contact_methods.get().signing_secret
    assert headers["webhook-id"] == f"msg_{row.pk}"
    signing.verify(secret, headers=headers, body=body, now=timezone.now())
    sent = json.loads(body)
    assert (sent["type"], sent["data"]["topic"]) == ("notification.page", incident.topic)
    assert sent["data"]["title"].startswith(incident.reference)


def test_a_webhook_that_asks_for_patience_gets_it(hook):
    hook.status, hook.headers = 429, {"Retry-After": "120"}
    page(make.user("dora", email=False, webhook=hook.url))
    deliver("webhook")
    row = Notification.objects.get()
    assert row.state == "pending"
    assert timedelta(seconds=115) < row.due_at - timezone.now() < timedelta(seconds=121)


def test_a_webhook_that_is_gone_fails_for_good(hook):
    hook.status = 410
    page(make.user("dora", email=False, webhook=hook.url))
    deliver("webhook")
    assert states() == ["failed"]


def test_private_addresses_are_refused_unless_allowed(hook, settings):
    settings.MUSTER = replace(settings.MUSTER, allow_nets=())
    page(make.user("dora", email=False, webhook=hook.url))
    deliver("webhook")
    assert states() == ["failed"]
    assert hook.requests == []


def test_team_chat_gets_slacks_form(hook):
    crew = make.team("crew", channel_address=f"slack+{hook.url}")
    incident = make.incident(
        severity="medium", services=[make.service(team=crew)], title="A <b> & c", at=timezone.now()
    )
    deliver("chat")
    ((_, body),) = hook.requests
    assert f"{incident.reference} Medium: A &lt;b&gt; &amp; c" in json.loads(body)["text"]


def test_a_page_in_a_persons_chat_can_be_answered(hook):
    dora = make.user("dora", email=False)
    make.contact(dora, "chat", hook.url)
    incident = page(dora, title="Kafka is slow")
    deliver("chat")
    ((_, body),) = hook.requests
    text = json.loads(body)["text"]
    row = Notification.objects.get(purpose="page")
    assert (row.state, row.user) == ("sent", dora)
    assert f"|{incident.reference} CRITICAL: Kafka is slow>*" in text
    assert "\nFor Dora\n" in text
    assert text.endswith(f"\n\n<{row.actions[0]['url']}|Acknowledge>")


@pytest.mark.parametrize(("host", "most"), [("discord.com", 2000), ("hooks.slack.com", 4000)])
@pytest.mark.parametrize("letter", ["x", "&", "@all "])
def test_however_much_there_is_to_say_a_chat_takes_it_with_its_links(host, most, letter):
    url, answer = "https://muster.example.com/incidents/INC-1", f"https://muster.example.com/answers/{'t' * 150}"
    row = Notification(
        user_id=1,
        recipient="Dora",
        address=f"https://{host}/api/webhooks/1/x/slack",
        title="&" * 200,
        body="Kafka\n" + letter * 20_000,
        url=url,
        actions=[{"url": answer, "label": "Acknowledge"}],
    )
    text = chat.text_of(row, is_repeat=True)
    assert most - 20 < len(text) <= most
    assert text.startswith(f"*<{url}|&amp;")
    assert text.endswith(f" …\n\n<{answer}|Acknowledge>")
    assert re.fullmatch(r"(?:[^&]|&amp;|&lt;|&gt;)*", text)


def test_no_word_of_a_monitor_is_a_link_or_ends_one(hook):
    crew = make.team("crew", channel_address=f"slack+{hook.url}")
    make.incident(
        severity="medium",
        services=[make.service(team=crew)],
        title="a|b x](https://evil.example/",
        description="[Acknowledge](https://evil.example/) ![](https://evil.example/x.png)",
        at=timezone.now(),
    )
    deliver("chat")
    text = json.loads(hook.requests[0][1])["text"]
    assert "a¦b" in text
    assert "](" not in text
    assert text.count("|") == 1


def test_a_chat_that_is_gone_has_failed_and_one_that_is_busy_is_asked_again(hook):
    dora = make.user("dora", email=False)
    make.contact(dora, "chat", hook.url)
    hook.status = 404
    page(dora)
    deliver("chat")
    hook.status, hook.headers = 429, {"Retry-After": "1"}
    page(dora)
    deliver("chat")
    assert states() == ["failed", "pending"]


def test_a_title_cannot_call_a_whole_channel(hook):
    crew = make.team("crew", channel_address=f"slack+{hook.url}")
    make.incident(
        severity="medium", services=[make.service(team=crew)], title="@everyone <!here> ann@all.org", at=timezone.now()
    )
    deliver("chat")
    ((_, body),) = hook.requests
    text = json.loads(body)["text"]
    assert "@everyone" not in text
    assert "@\u200beveryone &lt;!here&gt;" in text


def test_a_domain_with_other_letters_is_kept_as_mail_servers_take_it(db):
    dora = make.user("dora", email=False)
    method, _ = contacts.add(dora, kind="email", address="ops@bücher.example", by=dora)
    assert method.address == "ops@xn--bcher-kva.example"


def test_a_destination_that_hangs_leaves_seats_to_the_others():
    crowd = Crowd()
    assert [crowd.enter("hangs", most=2) for _ in range(3)] == [True, True, False]
    assert crowd.enter("works", most=2)
    crowd.leave("hangs")
    assert crowd.enter("hangs", most=2)


def test_a_place_that_becomes_free_in_a_moment_is_waited_for():
    crowd = Crowd()
    assert crowd.enter("fast", most=1)
    threading.Timer(0.05, crowd.leave, ["fast"]).start()
    assert crowd.enter("fast", most=1)


def test_a_crowded_destination_puts_its_rows_back_without_a_try(alice, hook, monkeypatch):
    make.contact(alice, "webhook", hook.url)
    alice.contact_methods.filter(kind="email").delete()
    page(alice)
    monkeypatch.setattr(delivery, "_crowd", Mock(**{"enter.return_value": False}))
    assert deliver("webhook") == 0
    row = Notification.objects.get(channel="webhook", purpose="page")
    assert (row.state, row.attempt_count, row.lease_token) == ("pending", 0, None)
    assert row.due_at > db_now()


@pytest.mark.django_db(transaction=True)
def test_what_becomes_due_while_a_destination_hangs_does_not_wait_for_it(alice, bob, settings, hook):
    settings.MUSTER = replace(settings.MUSTER, allow_nets=(ipaddress.ip_network("127.0.0.0/8"),))
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        make.contact(alice, "webhook", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        make.contact(bob, "webhook", hook.url)
        page(alice)
        sweep = threading.Thread(target=delivery.deliver_due, args=["webhook"], kwargs={"now": db_now()})
        sweep.start()
        time.sleep(0.5)
        page(bob)
        began = time.monotonic()
        while not hook.requests and time.monotonic() - began < 5:
            time.sleep(0.05)
        took, hung = time.monotonic() - began, sweep.is_alive()
        sweep.join()
    assert hung
    assert took < 2


def test_what_a_slow_server_left_untried_is_due_at_once_and_no_repeat(alice, mailbox):
    page(alice)
    claims = delivery._claim_due("email", 10, now=db_now())
    late = [replace(claimed, at=claimed.at - 20) for claimed in claims]
    Notification.objects.filter(channel="email").update(lease_until=db_now() + timedelta(seconds=5))
    assert late
    assert [delivery._send(claimed, delivery.SENDERS["email"]) for claimed in late] == [0] * len(late)
    assert deliver() == len(late)
    assert [message["Subject"] for message in mailbox.messages if "(repeat)" in message["Subject"]] == []
    assert not Attempt.objects.filter(outcome="lost").exists()


def test_a_sender_that_was_stopped_before_it_claimed_holds_a_whole_lease(alice, mailbox):
    page(alice)
    long_ago = db_now() - 2 * delivery.LEASE
    Notification.objects.update(due_at=long_ago)
    (claimed,) = delivery._claim_due("email", 5, now=long_ago)
    assert Notification.objects.get(pk=claimed.notification.pk).lease_until > db_now() + delivery.SLOWEST_SEND
