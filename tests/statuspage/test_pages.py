"""Status pages are made, changed and removed; each change is written down and has readers see it."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from PIL import Image

from accounts.models import AuditEntry
from statuspage import colours, logos, pages
from statuspage.models import StatusPage
from tests import make

pytestmark = pytest.mark.django_db


def picture(format="PNG", size=(300, 80)):
    out = BytesIO()
    Image.new("RGB", size, "#1d4ed8").save(out, format)
    return out.getvalue()


def mistakes(act, **fields):
    with pytest.raises(ValidationError) as caught:
        act(**fields)
    return caught.value.message_dict


def test_the_first_page_is_the_default_and_another_can_take_its_place(admin, now):
    first = pages.create(slug="acme", name=" Acme\nstatus ", by=admin, now=now)
    assert (first.name, first.is_default, first.changed_at) == ("Acme status", True, now + timedelta(microseconds=1))
    second = pages.create(slug="eu", name="Europe", by=admin, now=now)
    assert second.is_default is False
    later = now + timedelta(minutes=1)
    pages.change(second, by=admin, now=later, is_default=True)
    assert {page.slug: (page.is_default, page.changed_at) for page in StatusPage.objects.all()} == {
        "acme": (False, later),
        "eu": (True, later),
    }
    entries = AuditEntry.objects.filter(object_type="statuspage.statuspage").order_by("id")
    assert [(entry.action, entry.object_label, entry.after and entry.after.get("is_default")) for entry in entries] == [
        ("created", "Acme status", True),
        ("created", "Europe", False),
        ("changed", "Acme status", False),
        ("changed", "Europe", True),
    ]


def test_two_changes_at_one_instant_are_two(now):
    page = make.status_page(at=now)
    before = page.changed_at
    assert pages.change(page, by=None, now=now, about="All of it.").changed_at > before


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"slug": "subscribe"}, {"slug": ["This word is an address of its own. Choose another one."]}),
        ({"name": " \n"}, {"name": ["Give it a name."]}),
        ({"colour": "red"}, {"colour": ["Enter a valid value."]}),
        ({"time_zone": "Mars/Base"}, {"time_zone": ["Enter an IANA time zone such as Europe/Berlin."]}),
        ({"locale": "xx"}, {"locale": ["Value 'xx' is not a valid choice."]}),
        (
            {"home_url": "javascript:alert(1)"},
            {"home_url": ["Enter an address that begins with https:// or http://."]},
        ),
        (
            {"domain": "testserver"},
            {"domain": ["Muster itself is reached at this domain. Choose one that is the page's own."]},
        ),
        ({"domain": "10.1.2.3"}, {"domain": ["Enter a domain such as status.example.com."]}),
        ({"domain": "no_domain"}, {"domain": ["Enter a valid value."]}),
        ({"domain": "." * 70 + "x"}, {"domain": ["Enter a domain such as status.example.com."]}),
        ({"domain": "taken.example.com"}, {"domain": ["“Other” has this domain already."]}),
        ({"rendered_at": make.NOW}, {"rendered_at": ["A status page has no such field."]}),
    ],
)
def test_what_cannot_be_is_refused_in_words(fields, wrong, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    make.status_page("other", domain="taken.example.com")
    page = make.status_page("acme")
    assert mistakes(pages.change, page=page, by=None, **fields) == wrong


def test_a_domain_and_a_colour_are_kept_in_one_form():
    page = make.status_page(domain="Status.Müller.Example.", colour="#ABC")
    assert (page.domain, page.colour) == ("status.xn--mller-kva.example", "#aabbcc")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("status.Straße.example", "status.xn--strae-oqa.example"),
        ("STRASSE.example", "strasse.example"),
        ("σοφος.example", "xn--0xaajbq.example"),
        ("бъл.例え。example", "xn--90au8b.xn--r8jz45g.example"),
    ],
)
def test_a_domain_of_another_script_is_kept_as_browsers_send_it(typed, kept):
    assert make.status_page(domain=typed).domain == kept


@pytest.mark.parametrize("format", logos.FORMATS)
def test_a_logo_is_drawn_anew_and_its_bytes_are_not_in_the_log(format, now):
    page = make.status_page(logo=picture(format, (1600, 200)), at=now)
    with Image.open(BytesIO(bytes(page.logo))) as kept:
        assert (kept.format, kept.size, page.logo_type) == ("PNG", (640, 80), "image/png")
    assert "bytes, " in AuditEntry.objects.latest("id").after["logo"]
    entries = AuditEntry.objects.count()
    assert pages.change(page, by=None, name=page.name).logo is not None
    assert AuditEntry.objects.count() == entries  # the same picture is no change
    page = pages.change(page, by=None, without_logo=True)
    assert (page.logo, page.logo_type) == (None, "")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "This is no PNG, JPEG or WebP picture."),
        (b"GIF89a" + b"\0" * 40, "This is no PNG, JPEG or WebP picture."),
        (picture()[:60], "This is no PNG, JPEG or WebP picture."),
        (
            b'<?xml version="1.0"?><SVG onload="alert(1)"/>',
            "An SVG can carry programs. Save it as PNG or WebP, at twice its size.",
        ),
        (b"\x89PNG" + b"x" * 210_000, "A logo may have 200 KB at most."),
        (picture(size=(5000, 4000)), "This picture has too many pixels; 640 by 160 are enough."),
        (picture(size=(1, 9000)), "This picture has too many pixels; 640 by 160 are enough."),
    ],
    ids=["nothing", "gif", "cut off", "svg", "long", "vast", "a thread"],
)
def test_what_is_no_picture_is_no_logo(data, words):
    assert mistakes(make.status_page, logo=data) == {"logo": [words]}


@pytest.mark.parametrize("colour", ["#ffffff", "#000000", "#767676", "#1d4ed8", "#facc15", "#7f7f7f", "#00ff00"])
def test_text_can_be_read_on_every_colour(colour):
    assert colours.contrast(colours.ink_on(colour), colour) >= colours.LEAST_CONTRAST


def test_contrast_is_what_the_standard_says():
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


def test_what_goes_with_a_page_is_said_before(admin, now):
    page = make.status_page("acme", make.service("kafka"), make.service("auth"))
    page.subscribers.create(kind="email", address="a@example.com", confirmed_at=now)
    page.subscribers.create(kind="email", address="b@example.com")
    assert pages.losses(page) == pages.Losses(components=2, reports=0, subscribers=1, is_default=True)
    pages.remove(page, by=admin)
    assert StatusPage.objects.count() == 0
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.object_label, entry.actor) == ("deleted", "Acme", admin)
