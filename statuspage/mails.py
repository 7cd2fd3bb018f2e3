"""E-mails to subscribers: plain text, threaded by report, left with one click (RFC 8058), in the page's language."""

from __future__ import annotations

import re
from email.header import Header
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr, parseaddr
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from core.text import single_line
from notifications.channels.email import SMTP_POLICY
from statuspage import subscriber_words, subscribing
from statuspage.addresses import incident_of, maintenance_of, public_url

if TYPE_CHECKING:
    from statuspage.models import Delivery, Mailing, StatusPage, Subscriber

SUBJECT_LIMIT = 200
UNFOLDED = SMTP_POLICY.clone(max_line_length=998)  # addresses in headers stay whole, and on the line of their name


def _own_url(subscriber: Subscriber, verb: str) -> str:
    """An address that Muster itself answers: where pages are exported, a page's own domain may lead to files."""
    page, path = subscriber.page, f"{verb}/{subscriber.token}"
    if settings.MUSTER.status_export:
        return f"{settings.MUSTER.base_url}/status/{page.slug}/{path}"
    return public_url(page, path)


def confirm_url(subscriber: Subscriber) -> str:
    """Where a request to subscribe is confirmed."""
    return _own_url(subscriber, "confirm")


def manage_url(subscriber: Subscriber) -> str:
    """Where a subscriber changes what they hear of."""
    return _own_url(subscriber, "manage")


def unsubscribe_url(subscriber: Subscriber) -> str:
    """Where a subscriber leaves: a page with a button, and the address of RFC 8058."""
    return _own_url(subscriber, "unsubscribe")


def compose(delivery: Delivery) -> MIMEText:
    """The message as it goes out; its id is the same at every try. Raises ValueError for an address that no header can
    carry. Reads ``subscriber.page`` and ``mailing.report``, which the caller has fetched."""
    subscriber, mailing = delivery.subscriber, delivery.mailing
    if not subscriber.address.isascii() or single_line(subscriber.address) != subscriber.address:
        raise ValueError("not an e-mail address")
    page, host = subscriber.page, _host()
    subject, text = _news(mailing, subscriber) if mailing else _question(subscriber)
    message = MIMEText(text, "plain", "utf-8", policy=UNFOLDED)
    name, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    message["Subject"] = Header(single_line(subject, limit=SUBJECT_LIMIT), header_name="Subject").encode(linesep="\r\n")
    message["From"] = formataddr((single_line(page.name) or name, sender))
    message["To"] = subscriber.address
    message["Date"] = format_datetime(timezone.now())
    message["Message-ID"] = f"<delivery-{delivery.pk}-{made_at(delivery)}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    if mailing:
        thread = f"<{_thread(mailing)}@{host}>"
        message["References"] = thread
        message["In-Reply-To"] = thread
        message["Precedence"] = "bulk"
        message["List-Id"] = f"<{page.slug}.status.{host}>"
        message["List-Unsubscribe"] = f"<{unsubscribe_url(subscriber)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return message


def made_at(delivery: Delivery) -> int:
    """What a message id has beside the delivery's number, so that two installations on one host never share one: when
    its subscriber was made, in seconds since 1970."""
    return int(delivery.subscriber.created_at.timestamp())


def named_by(message_id: str) -> tuple[int, int] | None:
    """The number of the delivery that a message id of ours names, and its ``made_at``; None for any other."""
    found = re.fullmatch(r"\s*<delivery-(\d{1,18})-(\d{1,12})@(.+)>\s*", message_id)
    return (int(found[1]), int(found[2])) if found and found[3] == _host() else None


def permanent_url(mailing: Mailing) -> str:
    """Where the news stays to be read."""
    page, report, maintenance = mailing.page, mailing.report, mailing.maintenance
    if report is not None:
        return incident_of(page, report.public_id)
    if maintenance is not None:
        return maintenance_of(page, maintenance.public_id)
    return public_url(page)


def _host() -> str:
    return urlsplit(settings.MUSTER.base_url).hostname or "muster.invalid"


def _thread(mailing: Mailing) -> str:
    """What belongs together in a mail program: the messages of one report, or of one maintenance."""
    if mailing.report is not None:
        return f"report-{mailing.report.public_id}"
    return f"maintenance-{mailing.maintenance_id}" if mailing.maintenance_id else f"page-{mailing.page_id}"


def _news(mailing: Mailing, subscriber: Subscriber) -> tuple[str, str]:
    page = subscriber.page
    words, url = subscriber_words.of(page.locale), permanent_url(mailing)
    text = mailing.text.strip()
    link = "" if url in text else f"\n\n{url}"
    foot = words["mail_foot"].format(
        page=_name(page), manage=manage_url(subscriber), unsubscribe=unsubscribe_url(subscriber)
    )
    subject = mailing.subject if page.name in mailing.subject else f"{page.name}: {mailing.subject}"
    return subject, f"{text}{link}\n\n-- \n{foot}\n"


def _question(subscriber: Subscriber) -> tuple[str, str]:
    """Whether they want to hear of it; whoever does already gets the way to their own page, and whoever heard of
    components that are gone gets the last message."""
    page = subscriber.page
    words, name = subscriber_words.of(page.locale), _name(page)
    if subscribing.is_unlisted(subscriber):
        text = words["mail_unlisted"].format(page=name, confirm=confirm_url(subscriber))
        return words["mail_unlisted_subject"].format(page=name), text
    if subscriber.is_active:
        text = words["mail_already"].format(page=name, manage=manage_url(subscriber))
        return words["mail_already_subject"].format(page=name), text
    text = words["mail_confirm"].format(page=name, url=public_url(page), confirm=confirm_url(subscriber))
    return words["mail_confirm_subject"].format(page=name), text


def _name(page: StatusPage) -> str:
    return single_line(page.name)
