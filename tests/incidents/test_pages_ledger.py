"""The page of the ledger: who may ask, what it leads to, and the list of one's own pages."""

from __future__ import annotations

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import lifecycle
from tests import make
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db

MOST_QUERIES = 10


@pytest.fixture
def incident(alice, bob):
    policy = make.escalation_policy(alice, bob, name="Payments")
    return make.incident(services=[make.service("kafka", policy=policy)])


@pytest.fixture
def alice_reads(client, alice):
    client.force_login(alice)
    return client


def words(answer):
    """What the main part of a page says, without its tags."""
    assert answer.status_code == 200
    main = answer.content.decode().split("<main")[1].split("</main")[0]
    text = re.sub(r"<svg.*?</svg>|<option.*?</option>|<[^>]+>", " ", main, flags=re.S)
    return html.unescape(re.sub(r"\s+", " ", text))


def test_it_tells_every_decision_and_what_comes_next_in_the_readers_zone(alice_reads, alice, incident):
    alice.time_zone = "Asia/Kolkata"
    alice.save()
    said = words(alice_reads.get(f"/incidents/{incident.reference}/ledger"))
    assert "Times are Asia/Kolkata Wednesday, 14 October 2026 07:17:08 Triggered by Muster as critical" in said
    assert "Step 1 of Payments : Alice by name E-mail to Alice being sent Waiting for an answer until 07:22:08" in said
    assert "What comes next, if nobody answers Page, step 2 of Payments Bob" in said


def test_the_answer_comes_first(alice_reads, incident):
    said = words(alice_reads.get(f"/incidents/{incident.reference}/ledger?person=alice"))
    assert "Why was I paged? You were paged at 01:47:08 as step 1 of Payments, because it names you." in said
    said = words(alice_reads.get(f"/incidents/{incident.reference}/ledger?person=bob"))
    assert "Why was Bob paged? Bob was not paged: step 2 of Payments pages them at 01:52:08, if nobody answers." in said


def test_an_entry_without_words_of_its_own_looks_as_on_the_timeline(alice_reads, alice, incident):
    entry = incident.timeline.create(kind="noted", at=NOW, by=alice, text="Until nine")
    incident.timeline.filter(pk=entry.pk).update(kind="postponed")
    answer = alice_reads.get(f"/incidents/{incident.reference}/ledger")
    assert "Alice postponed: Until nine" in words(answer)


def test_viewers_ask_about_themselves_and_nobody_about_what_they_may_not_see(client, alice, charlie, incident):
    client.force_login(charlie)
    address = f"/incidents/{incident.reference}/ledger"
    assert "<select" not in client.get(address).content.decode().split("<main")[1]
    assert "You were not paged" in words(client.get(f"{address}?person=charlie"))
    assert client.get(f"{address}?person=alice").status_code == 403
    incident.is_private = True
    incident.save()
    assert client.get(address).status_code == 404
    client.force_login(alice)
    assert client.get(f"{address}?person=alice").status_code == 200
    assert client.get(f"{address}?person=nobody").status_code == 404


def test_a_name_that_cannot_be_anybodys_is_nobodys(alice_reads, incident):
    assert alice_reads.get(f"/incidents/{incident.reference}/ledger?person=%00").status_code == 404


def test_the_incident_the_simulation_and_the_ledger_lead_to_each_other(alice_reads, incident):
    ledger = f"/incidents/{incident.reference}/ledger"
    page = alice_reads.get(incident.get_absolute_url()).content.decode()
    entry = incident.timeline.get(kind="paged")
    assert all(f'href="{ledger}{end}"' in page for end in ("", "?person=alice", f"#entry-{entry.pk}"))
    simulation = "/services/kafka/simulate?severity=critical&amp;at=2026-10-14T01%3A47Z"
    assert f'href="{simulation}"' in alice_reads.get(ledger).content.decode()
    assert f'href="{ledger}"' in alice_reads.get(html.unescape(simulation)).content.decode()


def test_it_costs_few_statements(alice_reads, incident):
    address = f"/incidents/{incident.reference}/ledger?person=bob"
    alice_reads.get(address)
    with CaptureQueriesContext(connection) as queries:
        alice_reads.get(address)
    assert len(queries) <= MOST_QUERIES


def test_the_list_of_ones_own_pages(alice_reads, alice, bob, incident):
    make.contact(alice, "webhook", "https://example.com/hook")
    other = make.incident(steps=[alice], at=NOW + MINUTE, title="Another one")
    lifecycle.acknowledge(incident, by=bob, now=NOW + 3 * MINUTE)
    lifecycle.acknowledge(other, by=alice, now=NOW + 4 * MINUTE)
    answer = alice_reads.get("/me/pages")
    said = words(answer)
    assert f"{other.reference} Another one" in said
    assert "you answered in 3:00" in said
    assert "Step 1 of Payments; Bob answered in 3:00" in said
    assert said.index(other.reference) < said.index(incident.reference)
    assert answer.content.decode().count("/ledger?person=alice") == 2
    assert '"/me/pages"' in alice_reads.get("/me/").content.decode()


def test_who_was_never_paged_reads_so(client, charlie):
    client.force_login(charlie)
    assert "Nobody has paged you yet" in words(client.get("/me/pages"))
