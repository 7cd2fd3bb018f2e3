"""What a link says of itself in a chat: to a program that has not signed in, nothing that the link does not say."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from tests import make

pytestmark = pytest.mark.django_db


def preview(client, path):
    """(title, description) as a program that follows redirects reads them, and the whole page."""
    page = client.get(path, follow=True).content.decode()
    found = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)">', page))
    return found["title"], found["description"], page


def test_an_incident_is_its_number_and_nothing_else(client, alice):
    public = make.incident(title="Checkout fails for everybody")
    secret = make.incident(title="Salaries were published", is_private=True)
    pages = {}
    for number in (public.number, secret.number, 999_999):
        title, description, page = preview(client, f"/incidents/INC-{number}")
        assert (title, description) == (f"INC-{number} in Muster", "Sign in to see it.")
        assert "Checkout" not in page
        assert "Salaries" not in page
        changing = f"INC-{number}", r'name="csrfmiddlewaretoken" value="\w+"', r'data-now="\d+"'
        pages[number] = re.sub("|".join(changing), "", page)
    assert len(set(pages.values())) == 1


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "Incidents in Muster"),
        ("/incidents/?q=salaries", "Incidents in Muster"),
        ("/incidents/new?title=Salaries", "Declare an incident in Muster"),
        ("/incidents/inc-7/notes", "INC-7 in Muster"),
        ("/incidents/INC-7-salaries", "An incident in Muster"),
        ("/alerts/ALR-7", "ALR-7 in Muster"),
        ("/alerts/", "Alerts in Muster"),
        ("/settings/integrations/3", "An integration in Muster"),
        ("/services/salaries", "A service in Muster"),
        ("/services/", "Services in Muster"),
        ("/runbooks/", "Runbooks in Muster"),
        ("/runbooks/salaries/history", "A runbook in Muster"),
        ("/runs/7", "A runbook in Muster"),
        ("/escalation-policies/9", "An escalation policy in Muster"),
        ("/teams/salaries", "A team in Muster"),
        ("/inbox/salaries", "A team's inbox in Muster"),
        ("/outbox/12", "A message in Muster"),
        ("/me/", "A profile in Muster"),
    ],
)
def test_other_pages_are_named_by_their_kind(client, path, title):
    found, description, page = preview(client, path)
    assert (found.replace("&#x27;", "'"), description) == (title, "Sign in to see it.")
    body = page.partition("</head>")[0]
    assert "salaries" not in body.lower()


@pytest.mark.parametrize("wanted", ["", "https://evil.example/incidents/INC-1", "//evil.example/incidents/INC-1", "x"])
def test_the_sign_in_page_says_what_muster_is(client, wanted):
    title, description, _ = preview(client, f"{reverse('account_login')}?next={wanted}")
    assert (title, description) == ("Muster", "Incident management for teams who run services.")


def test_whoever_has_signed_in_reads_the_kind_of_page_too(client, alice):
    incident = make.incident(title="Checkout fails")
    client.force_login(alice)
    title, description, page = preview(client, incident.get_absolute_url())
    assert (title, description) == (
        f"{incident.reference} in Muster",
        "Incident management for teams who run services.",
    )
    assert '<meta name="robots" content="noindex">' in page
    assert '<meta name="twitter:card" content="summary">' in page
    assert "og:image" not in page


def test_the_link_in_a_message_names_no_incident(client, alice):
    page = client.get("/answers/email/forged")
    assert page.status_code == 404
    assert 'property="og:title" content="A question to one person in Muster"' in page.content.decode()
