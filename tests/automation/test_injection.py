"""Text of alerts, values and rules is data: none of it is executed, and none gets into an address, a header, or an
argument list of which it is not one whole, checked element."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ValidationError

from alerts import grouping
from automation import asking, diagnostics, executing, sending
from automation.asking import Wish
from automation.models import Execution
from automation.parameters import Parameter
from core.text import clean
from core.work import db_now
from incidents.models import Incident
from runbooks import matching
from tests import make
from tests.automation import hostile
from tests.receivers import webhook_receiver

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]

OWNED = Path("/tmp/muster-owned")
TYPED = (
    Parameter("name", is_required=False, fact="name"),
    Parameter("count", "integer", minimum=1, maximum=9, is_required=False, fact="count"),
    Parameter("mode", "choice", choices=("slow", "fast"), is_required=False, fact="mode"),
    Parameter("force", "boolean", is_required=False, fact="force"),
    Parameter("topic", "text", pattern="[a-z]+(-[a-z]+)*", is_required=False, fact="topic"),
)
ANYTHING = Parameter("note", "text", pattern=".*", fact="note")  # as careless as an admin can be


@pytest.fixture
def hook(settings):
    settings.MUSTER = replace(settings.MUSTER, allow_nets=(ipaddress.ip_network("127.0.0.0/8"),))
    with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def _nothing_ran():
    OWNED.unlink(missing_ok=True)
    yield
    assert not OWNED.exists()


def test_there_are_enough_of_them():
    assert len(set(hostile.ALL)) >= 60


def test_no_type_takes_one_as_a_parameter(alice):
    action, incident = make.action("a", *TYPED), make.incident()
    for value in hostile.ALL:
        with pytest.raises(ValidationError) as refused:
            asking.ask(action, incident, Wish(dict.fromkeys((one.name for one in TYPED), value)), by=alice)
        assert sorted(refused.value.message_dict) == sorted(one.name for one in TYPED)
        assert len(value) < 4 or value not in str(refused.value)
    assert Execution.objects.count() == 0


def test_no_label_of_an_alert_becomes_a_value(client):
    """Each alert says it in its title, its key, its labels' names and all labels that parameters are offered from."""
    kafka = make.service("kafka")
    runner, _ = make.runner()
    for one in TYPED:
        own = replace(one, is_required=True)
        make.action(f"a-{one.name}", own, runner=runner, is_read_only=True, is_automatic=True, services=(kafka,))
    _, key = make.integration(service=kafka)
    for number, value in enumerate(hostile.ALL):
        labels = {one.fact: value for one in TYPED} | {value: value}
        body = {"title": value or "x", "dedup_key": f"{number} {value}", "labels": labels, "description": value}
        answer = client.post(f"/integrations/{key}/generic", data=json.dumps(body), content_type="application/json")
        assert answer.status_code == 202
    while grouping.apply_due(now=db_now()):
        pass
    while diagnostics.start_missing(now=db_now()):
        pass
    assert Incident.objects.count() == len(hostile.ALL)
    begun = Execution.objects.exclude(state="cancelled")
    assert {(one.action.slug, str(one.values)) for one in begun.select_related("action")} == {
        ("a-force", "{'force': False}")  # a switch that nobody understood stays off
    }
    assert executing.take(runner) is not None
    assert not Execution.objects.exclude(action__slug="a-force").exclude(values={}).exists()


def test_the_most_careless_pattern_lets_them_into_one_string_of_a_body(hook, alice):
    action = make.action("a", ANYTHING, url=f"{hook.url}?fixed=1", authorization="Bearer abc")
    values = [value for value in hostile.ALL if value.isprintable() and not value.startswith("-")]
    assert len(values) >= 60
    usual: set[str] = set()
    incident = make.incident()
    for value in values:
        execution, _ = asking.ask(action, incident, Wish({"note": value}), by=alice)
        assert sending.send_due(now=db_now()) == 1
        headers, body = hook.requests[-1]
        usual = usual or set(headers)
        data = json.loads(body)["data"]
        assert (set(headers), headers["host"]) == (usual, urlsplit(hook.url).netloc)
        assert (data["parameters"], data["dry_run"], data["id"]) == ({"note": value}, False, execution.pk)
        assert all(value not in text for text in headers.values() if len(value) > 3)
    assert hook.paths == ["/hook?fixed=1"] * len(values)


def test_the_most_careless_pattern_hands_a_runner_whole_values(alice):
    action, incident = make.action("a", ANYTHING), make.incident()
    for value in (one for one in hostile.ALL if one.isprintable() and not one.startswith("-")):
        execution, _ = asking.ask(action, incident, Wish({"note": value}), by=alice)
        work = executing.take(action.runner)
        assert work is not None
        asking.stop(execution, by=alice)
        assert (work.execution, work.action, work.values) == (execution.pk, "a", {"note": value})


def test_a_header_is_never_made_of_them(hook):
    for value in hostile.ALL:
        if not (value.isprintable() and value.isascii()):
            with pytest.raises(ValidationError):
                make.action(url=hook.url, authorization=f"Bearer {value}")


def test_rules_are_patterns_and_nothing_else():
    """What a guide looks for in labels, and labels that look like patterns."""
    for value in hostile.ALL:
        links = matching.Links(1, "Guide", facts=((value, value), ("name", value)))
        known = matching.Situation("x", "high", facts={"name": "orders"})
        assert (matching.best([links], known) != []) == (value == "*")
        told = matching.Situation(value, "high", facts={value: "orders", "name": value})
        assert matching.best([matching.Links(1, "Guide", facts=(("name", "orders"),))], told) == []


def test_pages_show_them_as_they_are(client, alice):
    client.force_login(alice)
    for value in hostile.TEMPLATES + hostile.WIRE:
        incident = make.incident(title=clean(value), facts={"note": clean(value)})
        shown = client.get(incident.get_absolute_url()).content.decode()
        assert "<script>alert(1)" not in shown
        assert "<img src=x" not in shown
        assert ">49<" not in shown
