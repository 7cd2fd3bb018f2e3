"""The pages of fire drills, and the one behind a drill's link."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from notifications import drills
from notifications.models import Drill, MonthlyDrill, Notification
from tests import make

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}


def begun(user, ago=timedelta()):
    return drills.start(user, by=user, now=timezone.now() - ago)


def link(drill):
    return urlsplit(drills.answer_url(drill, drill.user.contact_methods.get())).path


def text(response):
    return response.content.decode()


def test_pressing_twice_leads_to_one_drill(client, alice):
    client.force_login(alice)
    first, second = client.post("/me/drills/start"), client.post("/me/drills/start")
    assert first["Location"] == second["Location"] == Drill.objects.get().get_absolute_url()
    assert Notification.objects.filter(purpose="drill").count() == 1


def test_looking_starts_nothing(client, alice):
    client.force_login(alice)
    assert client.get("/me/drills/start").status_code == 405
    assert client.get("/me/drills/").status_code == 200
    assert not Drill.objects.exists()


def test_without_a_contact_method_it_says_so_and_links_to_adding_one(client, charlie):
    client.force_login(charlie)
    page = text(client.post("/me/drills/start", follow=True))
    assert "Nobody can page you yet." in page
    assert 'href="/me/contact-methods/new"' in page
    assert 'action="/me/drills/start"' not in page
    assert not Drill.objects.exists()


def test_another_persons_drill_is_not_there_except_for_admins(client, alice, bob, admin):
    drill = begun(alice)
    for person, status in ((alice, 200), (bob, 404), (admin, 200)):
        client.force_login(person)
        assert client.get(drill.get_absolute_url()).status_code == status
    client.force_login(bob)
    assert drill.get_absolute_url() not in text(client.get("/me/drills/"))
    client.force_login(admin)
    assert "/drill/" not in text(client.get(drill.get_absolute_url())), "nobody else gets the link"


def test_while_it_runs_the_page_asks_again_and_then_no_more(client, alice):
    drill = begun(alice)
    client.force_login(alice)
    fragment = text(client.get(drill.get_absolute_url(), **HTMX))
    assert fragment.strip().startswith('<section class="mu-card" id="drill"')
    assert 'hx-trigger="every 1s"' in fragment
    client.post(link(drill))
    fragment = text(client.get(drill.get_absolute_url(), **HTMX))
    assert "Answered after" in fragment
    assert "hx-trigger" not in fragment


def test_one_that_nobody_answered_says_so(client, alice):
    drill = begun(alice, timedelta(minutes=16))
    client.force_login(alice)
    for address in (drill.get_absolute_url(), "/me/drills/", "/me/"):
        assert "nanswered" in text(client.get(address)), address
    for method, status in ((client.get, 200), (client.post, 409)):
        response = method(link(drill))
        page = text(response)
        assert (response.status_code, "It is over" in page, "<button" in page) == (status, True, False)


def test_the_link_asks_and_the_button_answers(client, alice):
    drill = begun(alice)
    for method in (client.get, client.head):
        response = method(link(drill))
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
    drill.refresh_from_db()
    assert drill.answered_at is None
    assert client.put(link(drill)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(link(drill)).status_code == 403
    token = str(strict.get(link(drill)).context["csrf_token"])
    assert strict.post(link(drill), {"csrfmiddlewaretoken": token}).status_code == 303
    drill.refresh_from_db()
    first = drill.answered_at
    assert client.post(link(drill)).status_code == 303, "a second click"
    drill.refresh_from_db()
    assert drill.answered_at == first


def test_a_link_that_was_changed_or_is_a_day_old_or_whose_person_left_does_nothing(client, alice, bob):
    drill = begun(alice)
    address, of_bob = link(drill), link(begun(bob))
    bob.is_active = False
    bob.save()
    for wrong in (f"{address[:-3]}abc", "/drill/x", of_bob):
        assert client.get(wrong).status_code == 404, wrong
        assert client.post(wrong).status_code == 404, wrong
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1), tick=False):
        assert client.get(address).status_code == 404
        assert client.post(address).status_code == 404
    assert not Drill.objects.exclude(answered_at=None).exists()


def test_a_link_of_an_incident_answers_no_drill(client, alice):
    drill = begun(alice)
    token = link(drill).rpartition("/")[2]
    assert client.post(f"/answers/email/{token}").status_code == 404
    assert client.post(f"/confirm/{token}").status_code == 404
    assert client.get(link(drill)).status_code == 200


def test_one_a_month_is_off_until_it_is_asked_for(client, alice):
    client.force_login(alice)
    page = text(client.get("/me/"))
    assert 'value="on"' in page
    assert "You take turns on call" not in page
    make.schedule("Primary", make.layer(alice))
    assert "You take turns on call" in text(client.get("/me/"))
    client.post("/me/drills/monthly", {"monthly": "on"})
    assert MonthlyDrill.objects.get().user == alice
    page = text(client.get("/me/"))
    assert ('value="off"' in page, "You take turns on call" in page) == (True, False)
    client.post("/me/drills/monthly", {"monthly": "off"})
    assert not MonthlyDrill.objects.exists()


def test_the_list_has_the_figures_and_costs_the_same_whatever_its_length(client, alice, django_assert_max_num_queries):
    client.force_login(alice)
    for number in range(1, 25):
        drill = begun(alice, timedelta(hours=number))
        method = alice.contact_methods.get()
        drills.answer(drills.Answer(drill, method.pk), now=drill.started_at + timedelta(seconds=number))
    with django_assert_max_num_queries(9):
        page = text(client.get("/me/drills/"))
    assert page.count("E-mail <span") == 20
    assert "cursor=" in page
    assert "5.0 s" in page
