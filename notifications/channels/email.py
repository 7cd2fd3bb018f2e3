"""E-mail over SMTP. Without EMAIL_URL a message is kept, and the Outbox page shows what would have been sent."""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
import threading
from email.header import Header
from email.mime.application import MIMEApplication
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr, parseaddr
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from core.text import single_line
from notifications.channels.base import Outcome, Result, Sender
from notifications.models import Notification

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

    from notifications.models import File

CONNECT_SECONDS = 3.0
REPLY_SECONDS = 4.0
CONTENT_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")
CALENDAR_METHOD = re.compile(r"^METHOD:([A-Z]+)\s*$", re.MULTILINE)
SMTP_POLICY = compat32.clone(linesep="\r\n")

_open = threading.local()


def compose(notification: Notification, *, is_repeat: bool) -> Message:
    """The message as it goes out: plain text, threaded by topic, with an id that every try repeats.

    The older policy of Python's e-mail package: it folds and encodes as well, in a fifth of the time. Values are
    one line each (``core.text.single_line``), so nothing can add a header. Raises ValueError for an address that
    no header can carry.
    """
    host = urlsplit(settings.MUSTER.base_url).hostname or "muster.invalid"
    if not notification.address.isascii() or single_line(notification.address) != notification.address:
        raise ValueError("not an e-mail address")
    subject = single_line(notification.title, limit=200)
    message = _content("\n".join(_lines(notification, is_repeat=is_repeat)), notification.attachment, notification.file)
    subject = f"{subject} (repeat)" if is_repeat else subject
    message["Subject"] = Header(subject, header_name="Subject").encode(linesep="\r\n")
    message["From"] = formataddr(parseaddr(settings.DEFAULT_FROM_EMAIL))
    message["To"] = notification.address
    message["Date"] = format_datetime(timezone.now())
    made = int(notification.created_at.timestamp())  # two installations on one host never share an id
    message["Message-ID"] = f"<notification-{notification.pk}-{made}@{host}>"
    message["References"] = f"<{notification.topic.replace('/', '-')}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Muster-Notification"] = str(notification.pk)
    return message


def _content(text: str, calendar: str, carried: File | None) -> MIMEBase:
    """The text alone, or with what it carries after it."""
    plain = MIMEText(text, "plain", "utf-8", policy=SMTP_POLICY)
    content = _invitation(plain, calendar) if calendar else plain
    if carried is None:
        return content
    whole = content
    if not calendar:
        whole = MIMEMultipart("mixed", policy=SMTP_POLICY)
        whole.attach(content)
    whole.attach(_attached(carried))
    return whole


def _attached(carried: File) -> MIMEBase:
    """A file; its name holds nothing that ends a header, or leads out of the folder it is saved to."""
    kind = carried.content_type if CONTENT_TYPE.fullmatch(carried.content_type) else "application/octet-stream"
    file = MIMEApplication(bytes(carried.content), policy=SMTP_POLICY)
    file.set_type(kind)
    file.add_header("Content-Disposition", "attachment", filename=NO_NAME.sub("-", single_line(carried.name)))
    return file


def _invitation(plain: MIMEText, calendar: str) -> MIMEBase:
    """An invitation as programs look for it: beside the text, which says the same, as RFC 6047 asks for, and once more
    as a file for those that only know files."""
    found = CALENDAR_METHOD.search(calendar)
    same = MIMEMultipart("alternative", policy=SMTP_POLICY)
    same.attach(plain)
    invitation = MIMEText(calendar, "calendar", "utf-8", policy=SMTP_POLICY)
    invitation.set_param("method", found[1] if found else "PUBLISH")
    same.attach(invitation)
    file = MIMEText(calendar, "calendar", "utf-8", policy=SMTP_POLICY)
    file.set_type("application/ics")
    file.add_header("Content-Disposition", "attachment", filename="meeting.ics")
    whole = MIMEMultipart("mixed", policy=SMTP_POLICY)
    whole.attach(same)
    whole.attach(file)
    return whole


def _lines(notification: Notification, *, is_repeat: bool) -> Iterator[str]:
    if is_repeat:
        yield "This may be a repeat: an earlier try ended without an answer from the mail server.\n"
    yield notification.body
    for action in notification.actions:
        yield f"\n{action['label']}: {action['url']}"
    if notification.url:
        yield f"\nOpen: {notification.url}"
    if notification.reason:
        yield f"\nWhy you: {notification.reason}"


def send(notification: Notification, is_repeat: bool) -> Result:
    """One try. Raises nothing for what the server does."""
    if settings.MUSTER.email is None:
        return Result(Outcome.KEPT, "No mail server is configured (EMAIL_URL); kept in the outbox.")
    try:
        message = compose(notification, is_repeat=is_repeat)
    except ValueError as error:  # an address that no header can carry
        return Result(Outcome.FAILED, _words(error))
    return hand_over(message, to=notification.address)


def hand_over(message: Message, *, to: str) -> Result:
    """Give a message to the mail server, over this thread's open connection; for all that we send. Needs a server."""
    try:
        smtp = _connection()
    except (smtplib.SMTPException, OSError) as error:
        return Result(Outcome.RETRY, _words(error), is_provider_fault=True)
    try:
        smtp.send_message(message, to_addrs=[to])
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            _connection().rset()
        return _refused(error)
    except (smtplib.SMTPException, OSError) as error:  # it went silent or away: it may have taken the message
        close()
        return Result(Outcome.LOST, _words(error), is_provider_fault=True)
    return Result(Outcome.SENT, provider_id=str(message["Message-ID"]))


def _refused(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException) -> Result:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        detail = f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
    else:
        code, detail = error.smtp_code, _words(error)
    # A login or a sender that the server refuses is a fault of the set-up, not of this recipient: it can be mended.
    is_set_up = isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPSenderRefused)
    if 500 <= code < 600 and not is_set_up:
        is_about_recipient = isinstance(error, smtplib.SMTPRecipientsRefused)
        return Result(Outcome.FAILED, detail, is_recipient_refused=is_about_recipient)
    close()
    return Result(Outcome.RETRY, detail, is_provider_fault=True)


def _words(error: Exception) -> str:
    return single_line(f"{type(error).__name__}: {error}", limit=300)


def _connection() -> smtplib.SMTP:
    """This thread's open connection, made when there is none."""
    smtp: smtplib.SMTP | None = getattr(_open, "smtp", None)
    if smtp is not None:
        return smtp
    server = settings.MUSTER.email
    assert server is not None  # without a server the message is kept, and nobody connects
    verified = ssl.create_default_context()
    if server.security == "tls":
        smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=CONNECT_SECONDS, context=verified)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=CONNECT_SECONDS)
    try:
        assert smtp.sock is not None
        smtp.sock.settimeout(REPLY_SECONDS)
        smtp.ehlo_or_helo_if_needed()
        if server.security == "starttls":
            smtp.starttls(context=verified)
        elif server.security == "none" and smtp.has_extn("starttls"):
            smtp.starttls(context=_unverified())
        if server.username:
            smtp.login(server.username, server.password)
    except (smtplib.SMTPException, OSError):
        smtp.close()
        raise
    _open.smtp = smtp
    return smtp


def _unverified() -> ssl.SSLContext:
    """smtp:// encrypts where the server offers it; smtp+starttls:// and smtps:// insist, and check the certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def close() -> None:
    """Drop this thread's connection, politely if the server still listens."""
    smtp: smtplib.SMTP | None = getattr(_open, "smtp", None)
    _open.smtp = None
    if smtp is not None:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            smtp.quit()
        smtp.close()


def destination(_notification: Notification) -> str:
    """One mail server serves everybody."""
    return "smtp"


sender = Sender(seats=3, batch=10, destination=destination, send=send, close=close)
