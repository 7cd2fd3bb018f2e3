"""Many incidents, one button: each is answered on its own, and what became of each is said."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from incidents import bulk, lifecycle
from incidents.models import Incident
from tests import make

pytestmark = pytest.mark.django_db

ACTION = "/incidents/acknowledge"


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


def said(client, address: str = "/incidents/") -> list[str]:
    """The messages that the next page shows."""
    return [str(message) for message in client.get(address).context["messages"]]


def state(*incidents: Incident) -> list[tuple[str, str | None]]:
    rows = [Incident.objects.select_related("assignee").get(pk=incident.pk) for incident in incidents]
    return [(row.status, row.assignee.username if row.assignee else None) for row in rows]


def test_each_gets_what_it_needs_and_the_answer_says_what(at_desk, alice, bob):
    now = timezone.now()
    one, two, bobs, over, secret = (make.incident(at=now) for _ in range(5))
    lifecycle.acknowledge(bobs, by=bob)
    lifecycle.resolve(over, by=bob)
    Incident.objects.filter(pk=secret.pk).update(is_private=True)
    ids = [one.pk, two.pk, bobs.pk, over.pk, secret.pk, 10**15]
    answer = at_desk.post(ACTION, {"id": ids, "next": "/incidents/?period=recent"})
    assert (answer.status_code, answer["Location"]) == (303, "/incidents/?period=recent")
    assert state(one, two, bobs, over, secret) == [
        ("acknowledged", "alice"),
        ("acknowledged", "alice"),
        ("acknowledged", "bob"),
        ("resolved", "bob"),
        ("triggered", None),
    ]
    assert said(at_desk) == [
        f"Acknowledged: {one.reference}, {two.reference}. Nobody else is paged for them.",
        f"Answered before: {bobs.reference} (Bob has it).",
        f"Over already: {over.reference}.",
        f"Not found: {secret.reference}, INC-1000000000000000.",
    ]


def test_each_is_a_transaction_of_its_own_with_its_own_entry(alice):
    incidents = [make.incident(steps=[alice]) for _ in range(2)]
    outcome = bulk.acknowledge([incident.pk for incident in incidents], by=alice)
    assert [incident.pk for incident in outcome.acknowledged] == [incident.pk for incident in incidents]
    for incident in incidents:
        assert make.happened(incident)[-1] == "acknowledged"


def test_the_order_is_kept_and_repeats_count_once(alice):
    one, two = make.incident(), make.incident()
    outcome = bulk.acknowledge([two.pk, one.pk, two.pk], by=alice)
    assert [incident.pk for incident in outcome.acknowledged] == [two.pk, one.pk]
    assert (outcome.answered, outcome.over, outcome.missing) == ([], [], [])


def test_nothing_ticked_is_said(at_desk):
    assert at_desk.post(ACTION)["Location"] == "/incidents/"
    assert said(at_desk) == ["Nothing is selected. Tick the incidents first."]


def test_what_is_no_number_counts_as_nothing(at_desk):
    at_desk.post(ACTION, {"id": ["x", "-1", "1e9", "٣", "9" * 40, ""]})
    assert said(at_desk) == ["Nothing is selected. Tick the incidents first."]


def test_too_many_change_nothing(at_desk):
    incident = make.incident()
    at_desk.post(ACTION, {"id": range(incident.pk, incident.pk + bulk.MOST + 1)})
    assert said(at_desk) == ["At most 200 incidents at once; nothing was changed."]
    assert state(incident) == [("triggered", None)]


def test_many_are_named_up_to_a_point(at_desk):
    incidents = lifecycle.declare_many([lifecycle.Draft(title="x", severity="low") for _ in range(11)])
    at_desk.post(ACTION, {"id": [incident.pk for incident in incidents]})
    (message,) = said(at_desk)
    names = ", ".join(incident.reference for incident in incidents[:8])
    assert message == f"Acknowledged: {names} and 3 more. Nobody else is paged for them."


def test_viewers_may_not_and_strangers_sign_in(client, charlie):
    incident = make.incident()
    assert client.post(ACTION, {"id": incident.pk})["Location"].startswith(reverse("account_login"))
    client.force_login(charlie)
    assert client.post(ACTION, {"id": incident.pk}).status_code == 403
    assert state(incident) == [("triggered", None)]


def test_it_never_leads_out_of_muster_and_never_happens_on_get(at_desk):
    incident = make.incident()
    answer = at_desk.post(ACTION, {"id": incident.pk, "next": "//evil.example/"})
    assert answer["Location"] == "/incidents/"
    assert at_desk.get(ACTION).status_code == 405


def test_the_list_offers_it_to_those_who_may(client, alice, charlie):
    incident = make.incident(at=timezone.now())
    client.force_login(alice)
    box = f'<input type="checkbox" form="bulk" name="id" value="{incident.pk}"'
    page = client.get("/incidents/?q=broken").content.decode()
    assert box in page
    assert f'<form id="bulk" method="post" action="{ACTION}">' in page
    assert '<input type="hidden" name="next" value="/incidents/?q=broken">' in page
    client.force_login(charlie)
    assert 'type="checkbox" form="bulk"' not in client.get("/incidents/").content.decode()
