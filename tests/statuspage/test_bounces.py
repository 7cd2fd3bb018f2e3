"""Mails that come back after the mail server had taken them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import timezone

from core.work import db_now
from incidents_site.config import MailServer
from statuspage import bounces, delivering, fanning
from statuspage.models import Delivery
from tests import make, receivers
from tests.api.caller import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]

NOBODY = "smtp; 550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown"


@pytest.fixture
def sent(settings):
    """Ann's subscription, and the mail that went to her."""
    with receivers.smtp_server() as (mailbox, port):
        server = MailServer(host="127.0.0.1", port=port, username="", password="", security="none")
        settings.MUSTER = replace(settings.MUSTER, email=server)
        page = make.status_page("acme", make.service("checkout"), name="Acme status")
        ann = make.subscriber(page, "ann@example.com")
        make.mailing(page, "")
        fanning.fan_out_due(now=timezone.now())
        delivering.deliver_due(now=db_now(), seats=1)
        delivering.email.close()
        return ann, mailbox.messages[0]


def bounce(returned, *, action="failed", status="5.1.1", words=NOBODY, whole=False):
    """As Postfix sends it: for people, for programs, and what it returns."""
    kind, back = ("message/rfc822", returned) if whole else ("text/rfc822-headers", returned.split("\n\n")[0])
    return f"""\
From: MAILER-DAEMON@mx.example.net
To: status@example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_back"

--=_back
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.
--=_back
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Wed, 14 Oct 2026 01:47:08 +0000

Final-Recipient: rfc822; ann@example.com
Action: {action}
Status: {status}
Diagnostic-Code: {words}

--=_back
Content-Type: {kind}

{back}
--=_back--
""".encode()


def text_of(mail):
    return mail.as_string().replace("\r\n", "\n")


def take(raw):
    return bounces.take(raw, now=timezone.now())


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.10", "5.2.1"])
def test_where_there_is_no_such_address_the_subscription_ends(sent, whole, status):
    ann, mail = sent
    assert take(bounce(text_of(mail), status=status, whole=whole)) == "ended"
    ann.refresh_from_db()
    assert ann.ended_why == "bounced"
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.error) == ("failed", f"Bounced: {NOBODY}")
    ended_at = ann.ended_at
    assert take(bounce(text_of(mail), status=status, whole=whole)) == "ended"
    ann.refresh_from_db()
    assert ann.ended_at == ended_at


@pytest.mark.parametrize("status", ["5.2.2", "5.7.1", "5.1.8", "5.0.0"])
def test_another_final_refusal_is_noted_and_they_stay(sent, status):
    ann, mail = sent
    assert take(bounce(text_of(mail), status=status, words=f"smtp; 550 {status} not now")) == "noted"
    ann.refresh_from_db()
    assert ann.is_active
    assert Delivery.objects.get().error == f"Bounced: smtp; 550 {status} not now"


@pytest.mark.parametrize(
    ("action", "status"), [("delayed", "4.4.1"), ("failed", "4.2.2"), ("delivered", "2.0.0"), ("", "")]
)
def test_what_is_tried_again_or_arrived_changes_nothing(sent, action, status):
    ann, mail = sent
    assert take(bounce(text_of(mail), action=action, status=status)) == "ignored"
    ann.refresh_from_db()
    assert ann.is_active
    assert Delivery.objects.get().state == "sent"


@pytest.mark.parametrize(
    ("old", "new"),
    [("<delivery-", "<notification-"), ("@", "@other."), ("-1", "-9"), ("Message-ID", "X-Message-ID")],
)
def test_a_message_of_somebody_else_ends_nothing(sent, old, new):
    ann, mail = sent
    line = next(line for line in text_of(mail).split("\n") if line.startswith("Message-ID"))
    assert take(bounce(text_of(mail).replace(line, line.replace(old, new)))) == "unknown"
    ann.refresh_from_db()
    assert ann.is_active


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\x00" * 100,
        b"Subject: I am away\n\nUntil Monday.",
        b"Content-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1",
        b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n--x--",
        b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\nContent-Type: multipart/mixed; boundary=x\n\n" * 2000,
    ],
)
def test_any_other_mail_changes_nothing(sent, raw):
    ann, _ = sent
    assert take(raw) in {"ignored", "unknown"}
    ann.refresh_from_db()
    assert ann.is_active


def test_a_mail_server_hands_them_on(sent, admin, alice):
    ann, mail = sent
    raw = bounce(text_of(mail))
    assert Caller(alice).post("subscribers/bounces", raw).status_code == 403
    answer = Caller(admin).post("subscribers/bounces", raw)
    assert (answer.status_code, answer.json()) == (200, {"outcome": "ended"})
    ann.refresh_from_db()
    assert ann.ended_why == "bounced"
    assert Caller(admin).post("subscribers/bounces", b"x" * (1024 * 1024 + 1)).status_code == 413
