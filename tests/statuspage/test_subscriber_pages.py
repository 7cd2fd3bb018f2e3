"""The pages on which admins look after subscribers, and their files."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import AuditEntry
from statuspage import subscriber_files, subscribing
from statuspage.models import Delivery, Subscriber
from tests import make

pytestmark = pytest.mark.django_db

LIST = "/status-pages/acme/subscribers/"


@pytest.fixture
def page():
    return make.status_page("acme", make.service("checkout"), make.service("search"), name="Acme status")


@pytest.fixture
def as_admin(client, admin):
    client.force_login(admin)
    return client


def take(page, text, by, has_consent=True):
    taken = subscriber_files.take(page, text=text, has_consent=has_consent, by=by, now=make.NOW)
    return taken.new, taken.known, taken.confirmed


def test_the_list_is_counted_searched_and_filtered(as_admin, page, django_assert_max_num_queries):
    make.subscriber(page, "ann@example.com", page.components.first())
    make.subscriber(page, "bob@example.com", active=False)
    make.subscriber(page, "https://example.com/hook", ended_at=make.NOW, ended_why="gone")
    make.subscriber(make.status_page("other"), "carol@example.com")
    as_admin.get(LIST)
    with django_assert_max_num_queries(12):
        text = as_admin.get(LIST).content.decode()
    assert "1 active, 1 not confirmed, 1 ended" in text
    assert [name in text for name in ("ann@", "bob@", "/hook", "carol@")] == [True, True, True, False]
    for query, shown in (("q=NN@", ["ann@"]), ("state=waiting", ["bob@"]), ("kind=webhook", ["/hook"])):
        text = as_admin.get(f"{LIST}?{query}").content.decode()
        assert [name for name in ("ann@", "bob@", "/hook") if name in text] == shown
    assert as_admin.get(f"{LIST}?state=x&kind=y&cursor=z&q=%00").status_code == 200


def test_only_admins_see_addresses(client, page, alice):
    ann = make.subscriber(page)
    client.force_login(alice)
    assert client.get(LIST).status_code == client.get(f"{LIST}export.csv").status_code == 403
    assert client.post(f"{LIST}{ann.pk}/remove").status_code == client.post(f"{LIST}import").status_code == 403
    assert Subscriber.objects.active().count() == 1


def test_an_admin_ends_a_subscription(as_admin, page):
    ann = make.subscriber(page, "ann@example.com")
    assert "For 30 days they cannot subscribe again." in as_admin.get(f"{LIST}{ann.pk}/remove").content.decode()
    ann.refresh_from_db()
    assert ann.is_active
    answer = as_admin.post(f"{LIST}{ann.pk}/remove")
    assert (answer.status_code, answer["Location"]) == (303, LIST)
    ann.refresh_from_db()
    assert ann.ended_why == "removed"
    assert AuditEntry.objects.latest("pk").after == {"removed subscriber": ann.pk}
    other = make.subscriber(make.status_page("other"))
    assert as_admin.post(f"{LIST}{other.pk}/remove").status_code == 404


def test_with_consent_everybody_is_subscribed_and_without_it_everybody_is_asked(page, admin):
    text = "address,components\nAnn@example.com,Checkout; search\nbob@example.com\n\nhttps://example.com/hook,\n"
    assert take(page, text, admin) == (3, 0, 0)
    assert list(Subscriber.objects.active().values_list("address", "kind")) == [
        ("ann@example.com", "email"), ("bob@example.com", "email"), ("https://example.com/hook", "webhook"),
    ]  # fmt: skip
    ann, _bob, hook = Subscriber.objects.all()
    assert sorted(part.name for part in ann.components.all()) == ["Checkout", "Search"]
    assert hook.signing_secret.startswith("whsec_")
    assert not Delivery.objects.exists()
    assert take(page, "carol@example.com\ncarol@example.com", admin, has_consent=False) == (1, 0, 0)
    assert Delivery.objects.get().subscriber.address == "carol@example.com"
    assert Subscriber.objects.active().count() == 3
    assert AuditEntry.objects.latest("pk").after == {
        "imported subscribers": 1, "with consent": False, "confirmed": 0,
    }  # fmt: skip


def test_whoever_has_left_stays_out_and_whoever_did_not_answer_comes_in(page, admin):
    left = make.subscriber(page, "left@example.com")
    subscribing.leave(left)
    make.subscriber(page, "waiting@example.com", active=False)
    first, second = page.components.order_by("id")
    make.subscriber(page, "ann@example.com", first)
    text = f"left@example.com\nwaiting@example.com\nann@example.com,{second.public_id}"
    assert take(page, text, admin, has_consent=False) == (0, 3, 0)
    assert take(page, text, admin) == (0, 3, 1)
    assert set(Subscriber.objects.active().values_list("address", flat=True)) == {
        "waiting@example.com", "ann@example.com",
    }  # fmt: skip
    assert list(Subscriber.objects.get(address="ann@example.com").components.all()) == [first]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ann@example.com\nbob\n", "Line 2: Enter an e-mail address"),
        ("ann@example.com,Nothing", "Line 1: There is no component “Nothing” on this page."),
        ("address\n", "There is no address in it."),
        ("\n\n", "There is no address in it."),
        ("a\0@example.com", "The file holds characters that no address has."),
        ('"' + "x" * 200_000, "The file is no CSV."),
        ("x\n" * 50_001, "The file has more than 50,000 lines."),
        ("http://example.com/x", "Line 1: A webhook is an address that begins with https://"),
    ],
)
def test_nothing_is_taken_of_a_file_with_a_mistake(page, admin, text, said):
    with pytest.raises(ValidationError) as caught:
        take(page, text, admin)
    assert caught.value.messages[0].startswith(said)
    assert not Subscriber.objects.exists()


def test_many_mistakes_are_counted(page, admin):
    with pytest.raises(ValidationError) as caught:
        take(page, "x\n" * 15, admin)
    assert len(caught.value.messages) == 11
    assert caught.value.messages[-1] == "5 more lines are wrong."


def test_a_file_is_exported_harmlessly_and_imported_as_it_is(as_admin, admin, page):
    part = page.components.first()
    part.name = "=1+1"
    part.save()
    make.subscriber(page, "+ann@example.com", part)
    make.subscriber(page, "bob@example.com", active=False)
    subscribing.leave(make.subscriber(page, "left@example.com"), now=make.NOW)
    answer = as_admin.get(f"{LIST}export.csv")
    data = b"".join(answer.streaming_content)
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[0] == list(subscriber_files.COLUMNS)
    assert [row[:4] for row in rows[1:]] == [
        ["'+ann@example.com", "email", "'=1+1", "active"], ["bob@example.com", "email", "", "waiting"],
        ["left@example.com", "email", "", "ended"],
    ]  # fmt: skip
    assert rows[3][6:] == ["2026-10-14T01:47:08Z", "left"]
    other = make.status_page("other")
    make.component(other, name="=1+1")
    upload = {"file": SimpleUploadedFile("s.csv", data), "has_consent": "on"}
    answer = as_admin.post("/status-pages/other/subscribers/import", upload)
    assert (answer.status_code, answer["Location"]) == (303, "/status-pages/other/subscribers/")
    (ann,) = Subscriber.objects.filter(page=other)
    assert (ann.address, ann.is_active, [part.name for part in ann.components.all()]) == (
        "+ann@example.com", True, ["=1+1"],
    )  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        {}, {"text": "x"}, {"text": "a\0@example.com"}, {"text": "ann@example.com", "file": b"bob@example.com"},
        {"file": b"\xff\xfe\x00"}, {"file": b""}, {"text": "x" * 6_000_000}, {"file": b"x" * 6_000_000},
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_said(as_admin, page, data):
    if "file" in data:
        data = {**data, "file": SimpleUploadedFile("s.csv", data["file"])}
    answer = as_admin.post(f"{LIST}import", data)
    assert answer.status_code == 422
    assert not Subscriber.objects.exists()


def test_an_import_takes_few_queries_however_long_it_is(page, admin, django_assert_max_num_queries):
    text = "\n".join(f"ann{number}@example.com,Search" for number in range(3000))
    with django_assert_max_num_queries(25):
        assert take(page, text, admin, has_consent=False) == (3000, 0, 0)
    assert Delivery.objects.count() == 3000
