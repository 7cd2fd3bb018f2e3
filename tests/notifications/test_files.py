"""An e-mail carries a file that is kept once for everybody."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications import outbox
from notifications.message import Message
from notifications.models import File, Notification
from tests import make
from tests.notifications.test_delivery import _fresh_breaker, deliver, hook, mailbox  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]

PDF = b"%PDF-1.7\r\n\x00\xff.\r\n.\n"


def tell(*people, file, **fields):
    message = Message(title="Weekly report", body="All is well.", url="http://x/", urgency="low", file=file)
    for person in people:
        rows = outbox.to_user(
            person, outbox.methods_of([person.pk])[person.pk], message, topic="report/1", key=f"report/{person.pk}",
            purpose="notice", now=timezone.now(), **fields,
        )  # fmt: skip
        outbox.enqueue(rows)


def stored(name="report.pdf", content_type="application/pdf"):
    return File.objects.create(name=name, content_type=content_type, content=PDF)


def test_everybody_gets_the_same_file_beside_the_text(alice, bob, mailbox):  # noqa: F811
    file = stored()
    tell(alice, bob, file=file)
    assert deliver() == 2
    for mail in mailbox.messages:
        text, attached = mail.get_payload()
        assert "All is well." in text.get_payload(decode=True).decode()
        assert (attached.get_content_type(), attached.get_filename()) == ("application/pdf", "report.pdf")
        assert attached.get_content_disposition() == "attachment"
        assert attached.get_payload(decode=True) == PDF
    assert sorted(mail["To"] for mail in mailbox.messages) == ["alice@example.com", "bob@example.com"]


def test_a_files_name_and_type_add_no_header_and_lead_nowhere(alice, mailbox):  # noqa: F811
    tell(alice, file=stored('../"a\r\nBcc: b@example.com.pdf', "text/html\r\nX-Evil: 1"))
    deliver()
    (mail,) = mailbox.messages
    attached = mail.get_payload()[1]
    assert (mail["Bcc"], attached["Bcc"], attached["X-Evil"]) == (None, None, None)
    assert attached.get_content_type() == "application/octet-stream"
    assert attached.get_filename() == "..-a-Bcc-b-example.com.pdf"


def test_a_file_that_is_gone_leaves_the_text(alice, mailbox):  # noqa: F811
    tell(alice, file=stored())
    File.objects.all().delete()
    assert deliver() == 1
    (mail,) = mailbox.messages
    assert mail.get_content_type() == "text/plain"


def test_a_webhook_has_the_text_alone(hook):  # noqa: F811
    person = make.user("dora", email=False, webhook=hook.url)
    tell(person, file=stored())
    assert deliver("webhook") == 1
    assert Notification.objects.get().state == "sent"


def test_the_outbox_names_the_file(client, alice):
    tell(alice, file=stored())
    client.force_login(alice)
    page = client.get(reverse("notifications:notification_detail", args=[Notification.objects.get().pk]))
    assert "By e-mail with a file: report.pdf" in page.content.decode()
