"""First steps: from an empty installation to the first page that somebody gets."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.template import engines
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Role
from core.work import db_now
from home import first_steps
from incidents import escalation, policy
from incidents.models import Incident
from notifications import delivery
from notifications.models import Notification
from tests import make

pytestmark = pytest.mark.django_db

ADDRESS, TEST = "/first-steps/", "/first-steps/test-page"


@pytest.fixture
def robin(db):
    """The first admin of an empty installation, whom nobody can page yet."""
    policy.ensure_defaults()
    return make.user("robin", role="admin", name="Robin Castellanos", email=False)


def steps(user) -> list[str]:
    """The names of the steps that are done."""
    guide = first_steps.guide(user, now=timezone.now())
    return [step.name for step in guide.steps if step.is_done]


def on_the_list(user) -> str:
    """What the tag shows on the page of another room."""
    request = RequestFactory().get("/incidents/")
    request.user = user
    template = engines["django"].from_string("{% load first_steps %}{% first_steps %}")
    return template.render({"user": user}, request).strip()


def test_each_step_ticks_itself_off_by_what_is_there(client, robin):
    client.force_login(robin)
    assert steps(robin) == []
    method = make.contact(robin, "email", "robin@example.com", verified=False)
    assert steps(robin) == []
    assert "Yours is not confirmed" in client.get(ADDRESS).content.decode()
    method.verified_at = timezone.now()
    method.save()
    assert steps(robin) == ["method"]
    team = make.team("ops", robin)
    assert steps(robin) == ["method", "team"]
    on_call = make.escalation_policy(team, name="Ops on-call")
    assert steps(robin) == ["method", "team", "policy"]
    make.service("shop", name="Shop", team=team)
    assert steps(robin) == ["method", "team", "policy"], "it names no policy"
    make.service("pay", name="Pay", team=team, policy=on_call)
    assert steps(robin) == ["method", "team", "policy", "service"]
    page = client.get(ADDRESS).content.decode()
    assert "A test incident of Pay, high" in page
    assert "It pages you by Ops on-call." in page

    response = client.post(TEST, {"ticket": "one"})
    incident = Incident.objects.get()
    assert (response.status_code, response["Location"]) == (303, incident.get_absolute_url())
    escalation.advance_due(now=db_now() + timedelta(seconds=1))
    assert make.pages(incident)[0][0] == "robin"
    assert incident.reference in client.get(ADDRESS).content.decode()
    delivery.deliver_due("email", now=db_now())
    assert steps(robin) == ["method", "team", "policy", "service", "page"]
    assert "Every step is done" in client.get(ADDRESS).content.decode()
    assert on_the_list(robin) == ""


def test_the_test_is_marked_as_one_and_a_second_press_is_the_same(client, robin):
    client.force_login(robin)
    team = make.team("ops", robin)
    service = make.service("pay", policy=make.escalation_policy(team), team=team)
    for _ in range(2):
        client.post(TEST, {"ticket": "one"})
    incident = Incident.objects.get()
    assert (incident.title, incident.severity, incident.created_by) == (first_steps.TEST_TITLE, "high", robin)
    assert (incident.excluded_from_metrics, incident.excluded_reason) == (True, first_steps.TEST_REASON)
    assert list(incident.affected_services.all()) == [service]
    client.post(TEST, {"ticket": "two"})
    client.post(TEST)
    assert Incident.objects.count() == 3


def test_a_test_pages_the_admin_although_every_policy_begins_with_somebody_else(client, robin, bob):
    make.contact(robin, "email", "robin@example.com")
    make.service("pay", policy=make.escalation_policy(bob, robin))
    client.force_login(robin)
    assert "It pages you, as no policy says otherwise." in client.get(ADDRESS).content.decode()
    client.post(TEST, {"ticket": "x"})
    escalation.advance_due(now=db_now() + timedelta(seconds=1))
    incident = Incident.objects.get()
    assert [name for name, _ in make.pages(incident)] == ["robin"]
    assert list(incident.affected_services.all()) == []


def test_who_would_be_paged_instead_is_named(client, robin, bob):
    make.escalation_policy(bob, name="Site", is_default=True)
    client.force_login(robin)
    page = client.get(ADDRESS).content.decode()
    assert "It pages Bob by Site." in page
    assert "put yourself there" in page


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESPONDER, Role.MANAGER])
def test_only_admins_send_tests_and_the_others_see_whom_to_ask(client, robin, role):
    somebody = make.user("somebody", role=role, email=False)
    client.force_login(somebody)
    page = client.get(ADDRESS).content.decode()
    assert "Robin Castellanos" in page
    assert TEST not in page
    links = [href for href in ("/teams/new", "/escalation-policies/new", "/services/new") if href in page]
    assert len(links) == (3 if role == Role.MANAGER else 0)
    assert "/me/contact-methods/new" in page
    assert client.post(TEST, {"ticket": "x"}).status_code == 403
    assert not Incident.objects.exists()


def test_the_front_page_shows_the_guide_while_the_site_is_new(robin, alice):
    assert "0 of 5" in on_the_list(robin)
    assert 'action="/first-steps/test-page"' in on_the_list(robin)
    make.incident(at=timezone.now() - timedelta(days=2))
    assert "of 5" in on_the_list(robin)
    make.incident(at=timezone.now() - first_steps.GROWN_AFTER - timedelta(hours=1))
    assert on_the_list(robin) == ""
    assert on_the_list(alice) == ""


def test_the_guide_costs_few_queries(robin):
    make.service("pay", policy=make.escalation_policy(make.team("ops", robin)))
    with CaptureQueriesContext(connection) as queries:
        on_the_list(robin)
    assert len(queries) <= 9
    Notification.objects.create(
        topic="incident/1", key="k", purpose="page", recipient="x", channel="email", title="x", due_at=timezone.now(),
        state="sent", finished_at=timezone.now(), user=robin,
    )  # fmt: skip
    make.contact(robin, "email", "robin@example.com")
    with CaptureQueriesContext(connection) as queries:
        assert on_the_list(robin) == ""
    assert len(queries) == 1


def test_every_link_of_the_guide_leads_somewhere(client, robin):
    client.force_login(robin)
    guide = client.get(ADDRESS).content.decode().partition('id="first-steps"')[2].partition("</section>")[0]
    links = set(re.findall(r'<a [^>]*href="([^"#]+)"', guide))
    assert len(links) >= 5
    assert {href: client.get(href).status_code for href in links} == dict.fromkeys(links, 200)
