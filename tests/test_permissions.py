"""Every route against every role and a stranger."""

from __future__ import annotations

import pytest
from django.core import signing
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts import tokens
from accounts.models import Role
from alerts.models import Alert
from automation import asking
from automation.asking import Wish
from core import pdf
from followups import tickets
from incidents import action_items, communication, messages, timeline, wordings
from incidents_site.permissions import NAMESPACES, ROUTES, Access, access_of
from notifications import drills
from notifications.models import Notification
from postmortems import comments as postmortem_comments
from postmortems import templating
from runbooks import running
from statuspage import components
from statuspage.models import StatusPage, Subscriber
from tests import make

pytestmark = pytest.mark.django_db


def routes(resolver=None, namespace=""):
    """(full name, pattern) of every route."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            inner = ":".join(part for part in (namespace, entry.namespace) if part)
            yield from routes(entry, inner)
        elif isinstance(entry, URLPattern) and (entry.name or not namespace):
            yield f"{namespace}:{entry.name}" if namespace else str(entry.name), entry


NAMES = sorted({name for name, _ in routes()})
OURS = [name for name in NAMES if name.partition(":")[0] not in NAMESPACES]


def test_every_route_is_in_the_table_and_every_line_of_the_table_is_a_route():
    assert [name for name in NAMES if access_of(name) is None] == []
    assert sorted(set(ROUTES) - set(NAMES)) == []


@pytest.fixture
def things(db, admin, alice, monkeypatch):
    """One of everything that an address can name. A PDF takes a second to make, and is another test's business."""
    monkeypatch.setattr(pdf, "make", lambda html, **_: html.encode())
    crew = make.team("crew", alice)
    policy = make.escalation_policy(alice)
    service = make.service("kafka", team=crew, policy=policy)
    incident = make.incident(services=[service])
    integration, _ = make.integration(service=service)
    alert = Alert.objects.create(
        integration=integration,
        fingerprint="f",
        title="Disk full",
        severity="low",
        status="resolved",
        started_at=make.NOW,
        resolved_at=make.NOW,
    )
    method = make.contact(admin, "email", "second@example.com")
    run, _ = running.start(incident, make.runbook("kafka"), by=admin)
    action = make.action("kafka", url="https://hooks.example.com/kafka", is_destructive=True)
    execution, _ = asking.ask(action, incident, Wish({}), by=admin)
    token, _ = tokens.create(admin, name="x", scope="read", by=admin)
    ticket = tickets.export(action_items.add(incident, title="y", by=admin), tracker=make.tracker(), by=admin)
    postmortem = make.postmortem(by=admin)
    page = make.status_page("kafka", service)
    return {
        "reference": incident.reference,
        "postmortem": postmortem.incident.reference,
        "event": postmortem.events.first().pk,
        "comment": postmortem_comments.add(postmortem, text="x", by=admin).pk,
        "template": templating.create(name="Usual", by=admin).pk,
        "slug": "kafka",
        "alert": alert.reference,
        "policy": policy.pk,
        "integration": integration.pk,
        "notification": Notification.objects.latest("pk").pk,
        "note": timeline.add_note(incident, text="x", by=admin).pk,
        "action": action_items.add(incident, title="x", by=admin).pk,
        "update": communication.post_update(incident, message="x", status="resolved", hold=True, by=admin).pk,
        "update_template": wordings.create(
            name="Usual", visibility="internal", status="resolved", message="x", by=admin
        ).pk,
        "ticketed": ticket.action_item_id,
        "tracker": ticket.tracker_id,
        "subscriber": make.subscriber(StatusPage.objects.get(slug="kafka")).pk,
        "method": method.pk,
        "drill": drills.start(admin, by=admin, now=make.NOW).pk,
        "run": run.pk,
        "execution": execution.pk,
        "runner": make.runner()[0].pk,
        "token_row": token.pk,
        "answer": messages.answer_url(incident, alice).rpartition("/")[2],
        "window": make.maintenance(service, starts_at=timezone.now() + make.MINUTE, by=admin).public_id,
        "confirm": signing.dumps(method.pk, salt="notifications.confirm"),
        "component": page.components.get().public_id,
        "group": components.add_group(page, name="Core", by=admin).public_id,
    }


REFERENCES = {"alerts:detail": "alert", "postmortems": "postmortem"}
KEYS = {
    "incidents:change_action": "action",
    "incidents:finish_action": "action",
    "incidents:reopen_action": "action",
    "incidents:accept_action": "action",
    "incidents:edit_update": "update",
    "incidents:withdraw_update": "update",
    "incidents:publish_update": "update",
    "incidents:update_template_edit": "update_template",
    "incidents:update_template_remove": "update_template",
    "followups": "ticketed",
    "followups:tracker_edit": "tracker",
    "statuspage:subscriber_remove": "subscriber",
    "postmortems:event_edit": "event",
    "oncall": "policy",
    "alerts": "integration",
    "postmortems:settle_comment": "comment",
    "postmortems:template_edit": "template",
    "runbooks": "run",
    "automation": "execution",
    "automation:runner_detail": "runner",
    "automation:runner_switch": "runner",
    "automation:runner_rotate": "runner",
    "accounts": "token_row",
    "notifications": "method",
    "notifications:notification_detail": "notification",
    "notifications:drill_detail": "drill",
}


def token_of(name, things):
    """The secret in an address."""
    if name.startswith("status:"):
        return Subscriber.objects.get(pk=things["subscriber"]).token
    return things["confirm"] if name == "notifications:confirm" else things["answer"]


def address(name, pattern, things):
    """An address of the route, with arguments that exist."""
    wanted = pattern.pattern.converters if hasattr(pattern.pattern, "converters") else {}
    values = {}
    for argument in wanted:
        values[argument] = {
            "reference": things[REFERENCES.get(name) or REFERENCES.get(name.partition(":")[0], "reference")],
            "section": "summary",
            "window": things["window"],
            "slug": "crew" if name.startswith(("accounts:team", "notifications:team")) else "kafka",
            "token": token_of(name, things),
            "secret": "x",
            "path": "acme/history.html",
            "chart": "sla",
            "position": 1,
            "public_id": things["group" if name.startswith("statuspage:group") else "component"],
            "pk": things[KEYS.get(name) or KEYS.get(name.partition(":")[0], "note")],
        }[argument]
    if name in {"account_confirm_email", "account_reset_password_from_key"}:
        values = {"key": "x"} if "confirm" in name else {"uidb36": "1", "key": "x-y"}
    return reverse(name, kwargs=values)


PATTERNS = dict(routes())
NEEDS_A_PASSWORD = {"account_reauthenticate", "mfa_reauthenticate"}  # a session made for a test has none to ask for


def is_right(least, role, status):
    """Whether an answer is what the table promises."""
    if least in {Access.ANYBODY, Access.LINK}:
        return status < 500
    if least is Access.TOKEN:
        return status in {401, 405}
    if role is None:
        return status in {302, 403, 404, 405}
    if role.rank < Role(least.value).rank:
        return status in {403, 404, 405}
    return status != 403 and status < 500


@pytest.mark.enable_socket
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("role", [None, *Role])
def test_only_those_in_the_table_get_in(role, method, things):
    signed_in = Client()
    if role:
        signed_in.force_login(make.user("somebody", role=role, email=False))
    wrong = {}
    for name in OURS:
        if name in NEEDS_A_PASSWORD or name == "paging":
            continue
        client = Client()
        client.cookies.update(signed_in.cookies)  # whatever a page does to the session is taken back with the rest
        with transaction.atomic():
            status = getattr(client, method)(address(name, PATTERNS[name], things)).status_code
            transaction.set_rollback(True)
        if not is_right(access_of(name), role, status):
            wrong[name] = status
    assert wrong == {}


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("admin:") and n.endswith(("changelist", "add"))])
def test_django_admin_is_for_admins(name, admin, alice):
    for person, allowed in ((None, False), (alice, False), (admin, True)):
        client = Client()
        if person:
            client.force_login(person)
        status = client.get(reverse(name)).status_code
        assert (status in {200, 303, 403}) if allowed else (status in {302, 403}), (str(person), status)


def test_strangers_are_sent_to_the_sign_in_page_and_back(client):
    answer = client.get("/incidents/INC-1")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/incidents/INC-1")
