"""The postmortem on its incident's page: what it says at each stage, to whom, and that it keeps itself current."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from incidents import lifecycle
from postmortems import drafting, editing, panel
from postmortems.models import Postmortem
from tests import make

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def resolved(alice, *, ago=2 * DAY, **fields):
    ended = timezone.now() - ago
    return lifecycle.resolve(make.incident(at=ended - timedelta(minutes=30), **fields), by=alice, now=ended)


def drafted(incident):
    drafting.start(incident, by=None)
    return Postmortem.objects.get(incident=incident)


def shown(client, incident):
    return client.get(reverse("postmortems:incident_panel", args=[incident.reference])).content.decode()


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


def test_it_hides_while_the_incident_is_open_and_has_none(at_desk, alice):
    incident = make.incident()
    assert "hidden>" in shown(at_desk, incident)
    incident = resolved(alice)
    postmortem = drafted(incident)
    lifecycle.reopen(incident, reason="Again", by=alice)
    assert "hidden>" not in shown(at_desk, incident)
    assert postmortem.get_absolute_url() in shown(at_desk, incident)


def test_it_offers_to_start_one_where_there_is_none(at_desk, alice, client):
    incident = resolved(alice, severity="low")
    said = shown(at_desk, incident)
    assert f'action="{reverse("postmortems:start", args=[incident.reference])}"' in said
    assert "need none" in said
    client.force_login(make.user("vera", role="viewer"))
    assert "No postmortem has been written." in shown(client, incident)
    assert "<form" not in shown(client, incident)


def test_it_says_how_far_it_is_and_what_is_missing(at_desk, alice):
    incident = resolved(alice)
    postmortem = drafted(incident)
    said = shown(at_desk, incident)
    assert "due in 2 days" in said
    assert [gap.key for gap in panel.of(incident, user=alice).gaps] == [
        "summary", "root_cause", "impact", "resolution", "lessons_learned",
    ]  # fmt: skip
    assert '<progress class="mu-progress" max="7" value="2"' in said
    for section in postmortem.sections.all():
        editing.write(section, body="Written.", by=alice)
    assert "Every required section is written." in shown(at_desk, incident)
    assert ">Alice</b> sees to it" in shown(at_desk, incident)


def test_overdue_is_red_and_published_is_not(at_desk, alice):
    incident = resolved(alice, ago=8 * DAY)
    postmortem = drafted(incident)
    assert 'class="mu-overdue mu-strong"' in shown(at_desk, incident)
    assert "overdue by 3 days" in shown(at_desk, incident)
    Postmortem.objects.filter(pk=postmortem.pk).update(state="published", published_at=timezone.now())
    said = shown(at_desk, incident)
    assert "mu-overdue" not in said
    assert "published <time" in said


def test_it_is_sent_again_only_when_it_looks_different(at_desk, alice):
    incident = resolved(alice)
    address = reverse("postmortems:incident_panel", args=[incident.reference])
    before = panel.of(incident, user=alice).version
    seen = {"seen": f"postmortem-panel.{before}"}
    assert at_desk.get(address, seen).status_code == 204
    drafted(incident)
    assert at_desk.get(address, seen).status_code == 200
    assert panel.of(incident, user=alice).version != before


def test_it_costs_one_query(alice, django_assert_num_queries):
    incident = resolved(alice)
    drafted(incident)
    with django_assert_num_queries(1):
        assert panel.of(incident, user=alice).sections == 7


def test_strangers_to_a_private_incident_do_not_find_it(client, alice):
    incident = make.incident(is_private=True, assignee=alice)
    client.force_login(make.user("eve"))
    assert client.get(reverse("postmortems:incident_panel", args=[incident.reference])).status_code == 404


def test_the_button_begins_it_and_leads_to_it(at_desk, alice):
    incident = resolved(alice)
    start = reverse("postmortems:start", args=[incident.reference])
    first = at_desk.post(start)
    assert first.status_code == 303
    assert first["Location"].startswith(f"/postmortems/{incident.reference}")
    incident.refresh_from_db()
    assert (incident.status, incident.postmortem.owner) == ("postmortem", alice)
    assert at_desk.post(start)["Location"] == first["Location"]
    Postmortem.objects.update(state="published", published_at=timezone.now())
    assert at_desk.post(start)["Location"] == incident.postmortem.get_absolute_url()


def test_of_an_open_incident_it_says_why_not(at_desk):
    incident = make.incident()
    answer = at_desk.post(reverse("postmortems:start", args=[incident.reference]), follow=True)
    assert "its postmortem begins when it is resolved" in answer.content.decode()
