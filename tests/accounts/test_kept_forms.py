"""What somebody had written when their session ended is not lost."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import kept
from accounts.models import Team
from incidents import lifecycle
from incidents.models import Incident
from tests import make

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _fresh_rate_limits():
    cache.clear()


@pytest.fixture
def alice(db):
    return make.user("alice", name="Alice Moreau", password=PASSWORD)


@pytest.fixture
def bob(db):
    return make.user("bob", password=PASSWORD)


@pytest.fixture
def incident(alice):
    return make.incident(title="Checkout fails")


@pytest.fixture
def browser(alice):
    """Alice's browser, with CSRF checked as for everybody, after her session has ended."""
    browser = Client(enforce_csrf_checks=True)
    browser.get(LOGIN)
    sign_in(browser)
    end_sessions()
    return browser


def token(browser):
    return browser.cookies["muster_csrf"].value


def sign_in(browser, who="alice", **more):
    return send(browser, LOGIN, {"login": who, "password": PASSWORD, **more})


def send(browser, path, data, **headers):
    return browser.post(path, data | {"csrfmiddlewaretoken": token(browser)}, headers=headers)


def end_sessions():
    """As time does."""
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))


def words(response):
    text = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", response.content.decode(), flags=re.S)
    return html.unescape(re.sub(r"\s+", " ", text))


def form_of(response):
    """(address, fields) of the form with the primary button."""
    for action, inside in re.findall(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', response.content.decode(), re.S):
        if "btn-primary" in inside:
            fields = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', inside)
            return action, {name: html.unescape(value) for name, value in fields if name != "csrfmiddlewaretoken"}
    raise AssertionError("no form")


def test_a_note_is_kept_shown_and_sent_by_hand(browser, incident):
    to, page = reverse("incidents:add_note", args=[incident.reference]), incident.get_absolute_url()
    answer = send(browser, to, {"text": "Only eu\r\nis <hit>"}, Referer=f"http://testserver{page}")
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"{LOGIN}?next=/me/kept/")
    assert not incident.timeline.filter(kind="noted").exists()

    login = browser.get(answer["Location"])
    assert "What you wrote is kept. Sign in, then send it." in words(login)
    there = sign_in(browser, next=answer["Location"].partition("next=")[2])
    assert there["Location"].startswith("/me/kept/")

    shown = browser.get(there["Location"])
    assert "You were signed out before this was sent" in words(shown)
    assert f"{incident.reference} {to} Text Only eu" in words(shown)
    assert "is <hit>" in words(shown)
    assert f'href="{page}"' in shown.content.decode()
    assert "had signed in here" not in words(shown)

    action, fields = form_of(shown)
    assert send(browser, action, fields).status_code == 303
    assert list(incident.timeline.filter(kind="noted").values_list("text", "by__username")) == [
        ("Only eu\nis <hit>", "alice")
    ]
    again = send(browser, action, fields)
    assert (again.status_code, incident.timeline.filter(kind="noted").count()) == (409, 1)
    assert "This was sent already" in words(again)
    assert "is <hit>" in words(again)
    assert browser.get(there["Location"]).status_code == 404


def test_every_form_is_kept_without_a_word_of_its_own(browser, admin):
    admin.set_password(PASSWORD)
    admin.save()
    data = {"name": "Search", "slug": "search", "description": "", "members": ["1", "2"]}
    answer = send(browser, "/teams/new", data)
    sign_in(browser, "root")
    action, fields = form_of(browser.get(answer["Location"].partition("next=")[2]))
    assert action == "/teams/new"
    assert {name: value for name, value in fields.items() if name not in ("members", kept.FIELD)} == {
        "name": "Search",
        "slug": "search",
        "description": "",
    }
    assert send(browser, action, fields | {"members": str(admin.pk)}).status_code == 303
    assert Team.objects.get().slug == "search"


def test_a_declaration_can_be_taken_up_again(browser):
    make.service("kafka", name="Kafka")
    said = {"title": "Kafka lags", "severity": "high", "services": "kafka", "description": "Since noon", "ticket": "t"}
    answer = send(browser, "/incidents/new", said)
    sign_in(browser)
    page = browser.get(answer["Location"].partition("next=")[2])
    address = re.search(r'href="(/incidents/new\?kept=[^"]+)">Continue editing', page.content.decode())[1]
    form = browser.get(address).content.decode()
    assert 'value="Kafka lags"' in form
    assert "Since noon</textarea>" in form
    assert re.search(r'value="kafka"[^>]*checked', form)
    assert send(browser, address, said).status_code == 303
    assert Incident.objects.get().title == "Kafka lags"
    assert browser.get(answer["Location"].partition("next=")[2]).status_code == 404


def test_of_two_presses_at_once_one_is_sent(browser, incident):
    now = timezone.now()
    sign_in(browser)
    first = SessionStore(browser.session.session_key)
    form = kept.keep(first, path="/", page="/", fields=[("text", ["words"])], by=None, had_files=False, now=now)
    first.save()
    second = SessionStore(first.session_key)
    assert kept.find(second, form.key, now=now) == form, "it has looked before the first was done"
    assert kept.take(first, form.key, now=now) == form
    assert kept.take(second, form.key, now=now) is None


def test_what_is_refused_stays_kept(browser, bob, incident):
    answer = send(browser, reverse("incidents:resolve", args=[incident.reference]), {"root_cause": "A full disk"})
    assert answer.status_code == 302
    sign_in(browser)
    (form,) = kept.waiting(browser.session, now=timezone.now())
    lifecycle.resolve(incident, by=bob, root_cause="Something else")
    answer = send(browser, form.path, {"root_cause": "A full disk", kept.FIELD: form.key})
    assert answer.status_code == 409
    assert kept.waiting(browser.session, now=timezone.now()) == [form]


def test_signing_in_elsewhere_leads_to_it_too(browser, incident):
    send(browser, reverse("incidents:add_note", args=[incident.reference]), {"text": "Only eu"})
    assert sign_in(browser)["Location"].startswith("/me/kept/")


def test_a_second_step_does_not_lose_it(browser, alice, incident):
    secret = generate_totp_secret()
    TOTP.activate(alice, secret)
    answer = send(browser, reverse("incidents:add_note", args=[incident.reference]), {"text": "Only eu"})
    there = answer["Location"].partition("next=")[2]
    asked = sign_in(browser, next=there)
    assert asked["Location"].startswith("/accounts/2fa/authenticate/")
    counter = next(yield_hotp_counters_from_time())
    code = format_hotp_value(hotp_value(secret, counter))
    assert send(browser, asked["Location"], {"code": code})["Location"] == there
    assert "Only eu" in words(browser.get(there))


def test_somebody_else_is_told_whose_it_is(browser, bob, incident):
    answer = send(browser, reverse("incidents:add_note", args=[incident.reference]), {"text": "Only eu"})
    sign_in(browser, "bob")
    page = words(browser.get(answer["Location"].partition("next=")[2]))
    assert "Alice Moreau had signed in here when this was written. You are Bob" in page
    assert "It is sent as Bob." in page


def test_nobody_but_this_browser_has_it(browser, incident):
    answer = send(browser, reverse("incidents:add_note", args=[incident.reference]), {"text": "Only eu"})
    other = Client()
    other.get(LOGIN)
    sign_in(other)
    assert other.get(answer["Location"].partition("next=")[2]).status_code == 404


def test_it_is_gone_after_a_day_and_after_signing_out(browser, incident):
    note = reverse("incidents:add_note", args=[incident.reference])
    there = send(browser, note, {"text": "Only eu"})["Location"].partition("next=")[2]
    sign_in(browser, next=there)
    session = browser.session
    session[kept.SESSION_KEY] = [row | {"at": row["at"] - 86_401} for row in session[kept.SESSION_KEY]]
    session.save()
    assert browser.get(there).status_code == 404
    assert kept.SESSION_KEY not in browser.session

    end_sessions()
    there = send(browser, note, {"text": "Only eu"})["Location"].partition("next=")[2]
    sign_in(browser, next=there)
    send(browser, "/accounts/logout/", {})
    sign_in(browser)
    assert browser.get(there).status_code == 404


def test_it_can_be_thrown_away(browser, incident):
    page = incident.get_absolute_url()
    note = reverse("incidents:add_note", args=[incident.reference])
    answer = send(browser, note, {"text": "Only eu"}, Referer=f"http://testserver{page}")
    there = answer["Location"].partition("next=")[2]
    sign_in(browser, next=there)
    gone = send(browser, there, {})
    assert (gone.status_code, gone["Location"]) == (303, page)
    assert browser.get(there).status_code == 404


def test_a_mistake_is_shown_by_the_form_itself(browser, incident):
    answer = send(browser, "/incidents/new", {"title": "", "severity": "high", "description": "typed words"})
    there = answer["Location"].partition("next=")[2]
    sign_in(browser, next=there)
    action, fields = form_of(browser.get(there))
    refused = send(browser, action, fields)
    assert refused.status_code == 422
    assert "typed words</textarea>" in refused.content.decode()


@pytest.mark.parametrize(
    "path",
    ["/accounts/password/change/", "/accounts/2fa/totp/activate/", "/admin/accounts/user/add/", "/api/v1/incidents"],
)
def test_what_is_no_page_of_ours_is_not_kept(browser, path):
    answer = send(browser, path, {"oldpassword": "secret words", "text": "typed words"})
    assert "/me/kept/" not in answer.get("Location", "")
    assert kept.SESSION_KEY not in browser.session


def test_passwords_tokens_and_files_are_never_kept(browser, incident):
    data = {"text": "x", "password": "hunter2", "new_password2": "hunter2", "api_token": "s"}
    data["file"] = SimpleUploadedFile("graph.png", b"png")
    send(browser, reverse("incidents:add_note", args=[incident.reference]), data)
    (form,) = browser.session[kept.SESSION_KEY]
    assert ([name for name, _ in form["fields"]], form["had_files"]) == (["text"], True)


def test_what_is_too_long_is_not_kept_and_the_page_says_so(browser, incident):
    note = reverse("incidents:add_note", args=[incident.reference])
    answer = send(browser, note, {"text": "x" * (kept.MOST_CHARACTERS + 1)}, Referer="http://testserver/alerts/?a=b")
    assert answer["Location"] == f"{LOGIN}?next=/alerts/%3Fa%3Db"
    assert "too long to be kept" in words(browser.get(answer["Location"]))


def test_the_oldest_make_room(browser, incident):
    note = reverse("incidents:add_note", args=[incident.reference])
    for number in range(7):
        send(browser, note, {"text": f"note {number}"})
    assert [row["fields"][0][1] for row in browser.session[kept.SESSION_KEY]] == [[f"note {n}"] for n in range(2, 7)]
    send(browser, note, {"text": "y" * (kept.MOST_CHARACTERS - 9)})
    assert len(browser.session[kept.SESSION_KEY]) == 1


def test_a_stranger_keeps_nothing(incident):
    stranger = Client(enforce_csrf_checks=True)
    stranger.get(LOGIN)
    for cookie in ("", "1", "1:forged"):
        stranger.cookies["muster_person"] = cookie
        answer = send(stranger, reverse("incidents:add_note", args=[incident.reference]), {"text": "typed words"})
        assert "/me/kept/" not in answer["Location"]
    assert not Session.objects.exists()


def test_only_what_passed_the_csrf_check_is_kept(browser, incident):
    answer = browser.post(reverse("incidents:add_note", args=[incident.reference]), {"text": "typed words"})
    assert answer.status_code == 403
    assert kept.SESSION_KEY not in browser.session
    assert "typed words" not in words(answer)


def test_a_form_from_before_signing_in_again_is_given_back(browser, incident):
    """Another tab has signed in meanwhile: the session is right, and the token of this tab's form is old."""
    note, old = reverse("incidents:add_note", args=[incident.reference]), token(browser)
    sign_in(browser)
    stale = {"text": "typed words", "csrfmiddlewaretoken": old}
    answer = browser.post(note, stale, headers={"Origin": "http://testserver"})
    assert answer.status_code == 403
    assert "since you opened it. You are Alice Moreau." in words(answer)
    action, fields = form_of(answer)
    assert (action, fields) == (note, {"text": "typed words"})
    assert send(browser, action, fields).status_code == 303
    assert incident.timeline.filter(kind="noted", text="typed words").exists()

    for origin in ("https://evil.example", "null"):
        answer = browser.post(note, stale, headers={"Origin": origin})
        assert (answer.status_code, "typed words" in words(answer)) == (403, False)


def test_a_password_is_never_given_back(browser):
    data = {"login": "alice", "password": "hunter22", "csrfmiddlewaretoken": "x" * 64}
    answer = browser.post(LOGIN, data, headers={"Origin": "http://testserver"})
    assert answer.status_code == 403
    assert "hunter22" not in answer.content.decode()
    assert 'name="login"' not in answer.content.decode()


# ---- htmx ----------------------------------------------------------------------------------------------------------

HTMX = {"HX-Request": "true"}


def test_htmx_sends_the_whole_page_to_sign_in(browser, incident):
    page = f"http://testserver{incident.get_absolute_url()}"
    note = reverse("incidents:add_note", args=[incident.reference])
    answer = send(browser, note, {"text": "Only eu"}, **HTMX, **{"HX-Current-URL": page})
    assert answer.status_code == 200
    assert answer["HX-Redirect"].startswith(f"{LOGIN}?next=/me/kept/")
    there = answer["HX-Redirect"].partition("next=")[2]
    sign_in(browser, next=there)
    assert f'href="{incident.get_absolute_url()}"' in browser.get(there).content.decode()


def test_a_button_without_words_leads_back_to_its_page(browser, incident):
    page = incident.get_absolute_url()
    go = reverse("incidents:acknowledge", args=[incident.reference])
    answer = send(browser, go, {}, **HTMX, **{"HX-Current-URL": f"http://testserver{page}"})
    assert answer["HX-Redirect"] == f"{LOGIN}?next={page}"
    assert send(browser, go, {}, Referer=f"http://testserver{page}")["Location"] == f"{LOGIN}?next={page}"


def test_a_fragment_says_that_nobody_is_signed_in_and_swaps_nothing(browser, incident):
    for path in (incident.get_absolute_url(), "/incidents/similar?title=x"):
        answer = browser.get(path, headers=HTMX)
        assert (answer.status_code, answer.content, answer["HX-Reswap"]) == (401, b"", "none")
        assert answer["HX-Trigger"] == "muster:signed-out"
        assert not answer.cookies, "it may come after the answer that gave the browser a new session"


def test_a_stale_token_in_a_fragment_shows_the_page_that_gives_it_back(browser, incident):
    sign_in(browser)
    note = reverse("incidents:add_note", args=[incident.reference])
    headers = {**HTMX, "Origin": "http://testserver"}
    answer = browser.post(note, {"text": "typed words", "csrfmiddlewaretoken": "x" * 64}, headers=headers)
    assert (answer.status_code, answer["HX-Retarget"], answer["HX-Reselect"]) == (403, "#main", "#main > *")
    assert "typed words" in words(answer)
