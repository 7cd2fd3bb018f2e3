"""Contact methods and team addresses on pages: added, tested, confirmed by a link, removed."""

from __future__ import annotations

import pytest
from django.core import signing as links
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Team
from incidents import escalation, failed_pages
from notifications import contacts
from notifications.models import ContactMethod, Notification
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return make.user("dora", email=False)


@pytest.fixture
def at_desk(client, person):
    client.force_login(person)
    return client


NEW = "/me/contact-methods/new"


def confirmation() -> str:
    """The path of the link in the last test message."""
    url = Notification.objects.latest("id").url
    return url.removeprefix("http://127.0.0.1:8000")


def test_a_new_one_is_tested_at_once_and_confirmed_by_a_stranger_to_the_session(at_desk, client, person):
    assert at_desk.post(NEW, {"kind": "email", "address": "dora@example.com"}).status_code == 303
    method = person.contact_methods.get()
    assert not method.is_verified
    link = confirmation()
    client.logout()
    assert client.get(link).status_code == 200
    method.refresh_from_db()
    assert not method.is_verified
    assert "Confirmed" in client.post(link).content.decode()
    method.refresh_from_db()
    assert method.is_verified
    assert AuditEntry.objects.latest("id").actor == person


def test_links_that_are_wrong_or_of_something_removed_do_not_work(client, person):
    method = make.contact(person, "email", "dora@example.com", verified=False)
    token = links.dumps(method.pk, salt=contacts.CONFIRM_SALT)
    assert client.get(reverse("notifications:confirm", args=["nonsense"])).status_code == 404
    contacts.remove(method, by=person)
    assert client.post(reverse("notifications:confirm", args=[token])).status_code == 404


def test_a_webhook_gets_a_signing_secret_that_its_owner_sees(at_desk, person):
    at_desk.post(NEW, {"kind": "webhook", "address": "https://hooks.example.com/x"})
    assert person.contact_methods.get().signing_secret in at_desk.get("/me/").content.decode()


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://hooks.slack.com/services/T0/B0/x7Qd", "https://hooks.slack.com/services/T0/B0/x7Qd"),
        ("slack+https://chat.example.com/hooks/x7Qd", "https://chat.example.com/hooks/x7Qd"),
        (" https://chat.example.com/hooks/x7Qd ", "https://chat.example.com/hooks/x7Qd"),
        ("https://discord.com/api/webhooks/1/x7Qd", "https://discord.com/api/webhooks/1/x7Qd/slack"),
        ("https://ptb.discord.com/api/webhooks/1/x7Qd/", "https://ptb.discord.com/api/webhooks/1/x7Qd/slack"),
        (
            "https://discord.com/api/webhooks/1/x7Qd?thread_id=5",
            "https://discord.com/api/webhooks/1/x7Qd/slack?thread_id=5",
        ),
    ],
)
def test_a_chat_is_confirmed_by_a_link_that_does_not_tell_its_address(at_desk, client, person, written, kept):
    assert at_desk.post(NEW, {"kind": "chat", "address": written}).status_code == 303
    method = person.contact_methods.get()
    assert (method.kind, method.address, method.signing_secret) == ("chat", kept, "")
    row = Notification.objects.get()
    assert (row.channel, row.address) == ("chat", kept)
    assert kept in at_desk.get("/me/").content.decode()
    client.logout()
    for response in (client.get(row.url), client.post(row.url)):
        page = response.content.decode()
        assert "…x7Qd" in page
        assert kept not in page
    method.refresh_from_db()
    assert method.is_verified
    assert str(method) == f"Chat: {kept.split('/')[2]} …x7Qd"


def test_the_address_of_a_chat_is_no_webhook_and_the_form_says_what_to_choose(at_desk):
    for address in ("https://hooks.slack.com/services/T0/B0/x", "slack+https://chat.example.com/x"):
        response = at_desk.post(NEW, {"kind": "webhook", "address": address})
        assert response.status_code == 422
        assert "not of a signed webhook: choose the chat." in response.content.decode()


def test_adding_the_same_one_twice_changes_nothing(at_desk, person):
    for _ in range(2):
        assert at_desk.post(NEW, {"kind": "email", "address": "dora@example.com"}).status_code == 303
    assert (person.contact_methods.count(), Notification.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("email", "https://x.example.com"),
        ("webhook", "a@example.com"),
        ("email", "nonsense"),
        ("fax", "a@example.com"),
        ("chat", "a@example.com"),
        ("chat", "#ops"),
        ("chat", "slack+ftp://chat.example.com/x"),
        ("chat", "https://me:secret@chat.example.com/x"),
        ("chat", f"https://discord.com/{'x' * 475}"),
    ],
)
def test_an_address_that_the_kind_cannot_reach_comes_back(at_desk, person, kind, address):
    response = at_desk.post(NEW, {"kind": kind, "address": address})
    assert response.status_code == 422
    assert f'value="{address}"' in response.content.decode()
    assert not person.contact_methods.exists()


def test_people_test_and_remove_their_own_only(at_desk, person, alice):
    mine, theirs = make.contact(person, "email", "dora@example.com"), alice.contact_methods.get()
    for name in ("test", "remove"):
        assert at_desk.post(reverse(f"notifications:contact_method_{name}", args=[theirs.pk])).status_code == 404
        assert at_desk.get(reverse(f"notifications:contact_method_{name}", args=[mine.pk])).status_code == 405
    assert at_desk.post(reverse("notifications:contact_method_test", args=[mine.pk])).status_code == 303
    assert Notification.objects.get().address == "dora@example.com"
    assert at_desk.post(reverse("notifications:contact_method_remove", args=[mine.pk])).status_code == 303
    assert list(ContactMethod.objects.all()) == [theirs]


def test_what_was_on_its_way_to_one_that_is_removed_is_not_sent_and_the_next_step_follows(at_desk, person, alice):
    chat = make.contact(person, "chat", "https://chat.example.com/hooks/x7Qd")
    incident = make.incident(steps=[person, alice], at=timezone.now())
    at_desk.post(reverse("notifications:contact_method_remove", args=[chat.pk]))
    row = Notification.objects.get(purpose="page")
    assert (row.state, row.error, row.contact_method) == ("failed", "The contact method was removed.", None)
    failed_pages.follow_up_failed(now=timezone.now())
    escalation.advance_due(now=timezone.now())
    paged = Notification.objects.filter(topic=incident.topic, purpose="page").order_by("id")
    assert [(each.recipient, each.state) for each in paged] == [("Dora", "failed"), ("Alice", "pending")]


def test_an_admin_who_removes_one_stops_what_was_on_its_way(client, admin, person):
    chat = make.contact(person, "chat", "https://chat.example.com/hooks/x7Qd")
    make.incident(steps=[person], at=timezone.now())
    client.force_login(admin)
    address = reverse("admin:notifications_contactmethod_delete", args=[chat.pk])
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert Notification.objects.get(purpose="page").state == "failed"


def test_a_profile_without_any_says_so(at_desk):
    assert "Nobody can page you yet" in at_desk.get("/me/").content.decode()


def test_a_team_manager_sets_addresses_and_a_webhook_gets_a_secret(client, alice):
    make.team("core", managers=(alice,))
    client.force_login(alice)
    address = reverse("notifications:team_addresses", args=["core"])
    fields = {"channel_address": "https://hooks.example.com/x", "ticket_address": "tickets@example.com"}
    assert client.post(address, fields).status_code == 303
    team = Team.objects.get()
    assert (team.channel_address, team.ticket_address) == tuple(fields.values())
    assert team.signing_secret.startswith("whsec_")
    assert AuditEntry.objects.get().after["signing_secret"] == "(secret)"
    assert team.signing_secret in client.get("/teams/core").content.decode()


def test_an_address_that_cannot_work_comes_back(client, alice):
    make.team("core", managers=(alice,))
    client.force_login(alice)
    address = reverse("notifications:team_addresses", args=["core"])
    response = client.post(address, {"channel_address": "ftp://x", "ticket_address": "typed@example.com"})
    assert response.status_code == 422
    assert 'value="typed@example.com"' in response.content.decode()
    assert Team.objects.get().ticket_address == ""


def test_members_do_not_set_addresses(client, bob):
    make.team("core", bob)
    client.force_login(bob)
    assert client.get(reverse("notifications:team_addresses", args=["core"])).status_code == 403
