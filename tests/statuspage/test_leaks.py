"""Nothing internal is in any byte that the public gets.

Every text that Muster holds of an incident and of whatever stands around it, in every table of every app below, becomes
a secret word, but what an external update says, and maintenance that is announced. No document, no mailing, no message
to a subscriber, no answer over HTTP with its headers, and no file of the static copy has one, in its name or in it.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from email.header import decode_header, make_header

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.db.models import Q
from django.test import Client

from alerts.models import Alert, Group
from catalog.models import MaintenanceWindow
from incidents import action_items, lifecycle, timeline
from incidents.models import Incident, StatusUpdate, UpdateRevision
from statuspage import announcing, exporting, fanning, mails, publishing, rendering, webhooks
from statuspage.models import Delivery, Document, Mailing, Subscriber
from tests import make
from tests.make import MINUTE
from tests.profile import share

ROOMS = (
    "accounts", "oncall", "notifications", "catalog", "automation", "incidents", "alerts", "runbooks", "postmortems",
    "followups",
)  # fmt: skip
# Of these only some rows are inside: what is announced, and what was said outside, is public.
INSIDE = {
    MaintenanceWindow: Q(is_public=False),
    StatusUpdate: Q(visibility="internal") | Q(published_at=None) | Q(incident__is_private=True),
}
SECRET = "qzx"  # in no word of any language that pages speak
NUMBER = 7_654_321

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(alice, bob, now):
    """One with something of everything."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('incidents_incident', 'id'), %s)", [NUMBER - 1])
    team = make.team("sre", alice, bob)
    service = make.service(
        "checkout-internal", team=team, policy=make.escalation_policy(alice, bob), repo_url="https://x.example/"
    )
    made = make.incident(title="Disk full", description="On db-7.", services=[service], at=now, facts={"host": "db-7"})
    lifecycle.acknowledge(made, by=alice, now=now)
    make.runbook("disk-full")
    timeline.correct_note(
        timeline.add_note(made, text="It is bob's fault.", by=alice, now=now), text="No.", at=now, by=alice, now=now
    )
    timeline.link_evidence(
        made, url="https://grafana.example/d/1", caption="Graph", source="Grafana", by=alice, now=now
    )
    action_items.add(made, title="Buy disks", by=alice, owner=bob, now=now)
    integration, _ = make.integration(service=service)
    group = Group.objects.create(integration=integration, group_key="disk", incident=made)
    Alert.objects.create(
        integration=integration, group=group, fingerprint="f", title="Disk", severity="critical", started_at=now,
        labels={"host": "db-7"}, annotations={"summary": "Full"}, link="https://prometheus.example/",
    )  # fmt: skip
    make.status_update(made, "Internal: db-7 is full.", at=now, by=alice, title="Not for the public")
    return made


@pytest.fixture
def page(incident, now):
    page = make.status_page("acme", name="Acme status", at=now)
    make.component(page, *incident.affected_services.all(), name="Payments", at=now)
    services, by = incident.affected_services.all(), incident.assignee
    make.maintenance(*services, by=by, title="New disks", description="No action.")
    make.maintenance(*services, by=by, title="Disks of db-7", description="Nobody is to know.", is_public=False)
    say(incident, "resolved", "Not said yet.", at=now, title="Nearly over", published_at=None)
    hidden = make.incident(title="Break-in", services=services, at=now, is_private=True)
    say(hidden, "identified", "Said before it was made private.", at=now, title="Break-in")
    make.subscriber(page, "reader@example.com")
    make.subscriber(page, "https://hooks.example.com/x")
    return page


def say(incident, status, message, *, at, **fields):
    return make.status_update(incident, message, at=at, status=status, visibility="external", **fields)


def flood():
    """Put a word of its own into every text of every row that the public does not read; the fields that have one."""
    words, flooded = itertools.count(), set()
    for model in [model for room in ROOMS for model in apps.get_app_config(room).get_models()]:
        rows = model._base_manager.filter(INSIDE.get(model, Q()))
        for field in model._meta.concrete_fields:
            is_text = (
                isinstance(field, models.CharField | models.TextField) and not field.choices and not field.primary_key
            )
            if not (is_text or isinstance(field, models.JSONField)):
                continue
            for pk in list(rows.values_list("pk", flat=True)):
                word = f"{SECRET}{next(words):05}"
                try:
                    with transaction.atomic():
                        model._base_manager.filter(pk=pk).update(**{field.name: {word: word} if not is_text else word})
                except DatabaseError:
                    continue  # a constraint says what it may be
                flooded.add(f"{model.__name__}.{field.name}")
    return flooded


def everything():
    """All that the public gets, by its name."""
    found = {
        f"{row.page.slug}/{row.path}": bytes(row.body) + row.content_type.encode() for row in Document.objects.all()
    }
    for mailing in Mailing.objects.all():
        found[mailing.key] = json.dumps([mailing.subject, mailing.text, mailing.payload]).encode()
    for delivery in Delivery.objects.select_related("subscriber__page", "mailing__page", "mailing__report"):
        found[f"delivery {delivery.pk}"] = _sent(delivery)
    return found


def _sent(delivery):
    if delivery.subscriber.kind == "webhook":
        return json.dumps(webhooks.payload(delivery)).encode()
    message = mails.compose(delivery)
    headers = [f"{name}: {make_header(decode_header(value))}" for name, value in message.items()]
    return "\n".join(headers).encode() + message.get_payload(decode=True)


def answers(*paths):
    """What Muster says to a stranger, with its headers, by address."""
    found = {}
    for path in paths:
        answer = Client().get(f"/status/{path}")
        found[f"GET {path}"] = f"{answer.status_code} {answer.headers} {answer.cookies}".encode() + answer.content
    return found


def of_subscribers():
    """Addresses of the pages that are nobody's documents."""
    own = [f"acme/{verb}/{each.token}" for verb in ("confirm", "manage", "unsubscribe") for each in subscribers()]
    return ["subscribe", "acme/subscribe", "acme/as-of.json", "acme/nothing", "nothing/confirm/x", *own]


def subscribers():
    return Subscriber.objects.order_by("pk")


def written(place):
    """The files of the static copy, by name."""
    return {f"file {path.relative_to(place)}": path.read_bytes() for path in place.rglob("*") if path.is_file()}


def leaks(found, *words):
    """Where a word is, in whatever case, also where a calendar broke its line: in a name, or in what has the name."""
    texts = {name: f"{name}\n".encode() + body for name, body in found.items()}
    plain = {name: (text + text.replace(b"\r\n ", b"")).lower() for name, text in texts.items()}
    return {(word, name) for word in words for name, text in plain.items() if word.lower().encode() in text}


WANTED = {
    "Incident.title", "Incident.description", "Incident.root_cause", "Incident.source", "Incident.source_key",
    "Incident.facts", "Service.name", "Service.slug", "Service.description", "Service.repo_url", "Team.name",
    "Team.slug", "User.username", "User.name", "User.email", "ContactMethod.address", "TimelineEntry.text",
    "NoteRevision.text", "Evidence.url", "Evidence.caption", "Evidence.source", "ActionItem.title", "Alert.title",
    "Alert.labels", "Alert.annotations", "Alert.link", "Group.group_key", "Integration.name", "StatusUpdate.message",
    "StatusUpdate.title",
    "UpdateRevision.message", "UpdateRevision.title", "EscalationPolicy.name", "Notification.recipient",
    "MaintenanceWindow.title", "MaintenanceWindow.description",
}  # fmt: skip


@pytest.mark.parametrize("locale", share(["de", "en", "fr", "es"], one_of=4))
def test_no_secret_word_is_in_any_public_byte(page, incident, alice, now, locale, settings, tmp_path):
    settings.MUSTER = replace(settings.MUSTER, status_export=tmp_path)
    page.locale = locale
    page.save()
    first = say(incident, "investigating", "Payments fail.", at=now, by=alice)
    UpdateRevision.objects.create(update=first, status="identified", title="Old", message="Old.", replaced_at=now)
    flooded = flood()
    assert WANTED - flooded == set()
    assert not StatusUpdate.objects.filter(pk=first.pk, message__contains=SECRET).exists()
    incident = Incident.objects.get(pk=incident.pk)
    publishing.publish_missing(now=now)
    say(
        incident,
        "identified",
        "We found it.",
        at=now + MINUTE,
        title="Payments fail",
        affects={"qzx-nobody": "major_outage"},
    )
    say(incident, "postmortem", "What happened, in public.", at=now + 2 * MINUTE)
    assert publishing.publish_missing(now=now + 2 * MINUTE) == 2
    announcing.announce_due(now=now + 2 * MINUTE)
    rendering.render_due(now=now + 2 * MINUTE)
    fanning.fan_out_due(now=now + 2 * MINUTE)
    assert exporting.export_due(now=now + 2 * MINUTE) == 1
    found = everything() | answers(*Document.objects.values_list("path", flat=True), *of_subscribers())
    found |= written(tmp_path)
    assert (Delivery.objects.count(), Mailing.objects.count()) == (8, 4)
    for name in ("acme/index.html", "GET index.html", "file index.html", "file acme/history.html"):
        assert b"Payments fail" in found[name]
    assert b"New disks" in found["acme/maintenance.ics"]
    assert leaks(found, SECRET, "INC-", str(NUMBER), str(NUMBER + 1)) == set()


def test_nobody_who_reads_a_page_learns_who_subscribes(page, incident, now):
    say(incident, "investigating", "Payments fail.", at=now)
    publishing.publish_missing(now=now)
    rendering.render_due(now=now)
    fanning.fan_out_due(now=now)
    documents = {row.path: bytes(row.body) for row in Document.objects.all()}
    found = documents | answers(*documents, "subscribe", "acme/subscribe", "acme/nothing", "acme/confirm/x")
    assert Delivery.objects.count() == 2
    secrets = [each for row in subscribers() for each in (row.address, row.token, row.signing_secret) if each]
    assert leaks(found, *secrets) == set()
