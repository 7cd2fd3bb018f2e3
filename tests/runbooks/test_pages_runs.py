"""Following a runbook on pages: the panel of an incident, and a run as a whole, with and without a script."""

from __future__ import annotations

import html
import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import lifecycle
from runbooks import panel, running
from runbooks.guides import Step
from runbooks.models import Run
from tests import make

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def incident():
    return make.incident(title="Late", services=[make.service("kafka")])


@pytest.fixture
def run(incident, alice):
    book = make.runbook("lag", Step("Look", "Run `x`"), "Scale", "Wait", title="Consumer lag", services=("kafka",))
    return running.start(incident, book, by=alice)[0]


def text_of(response):
    return html.unescape(response.content.decode())


def panel_of(client, incident):
    page = client.get(incident.get_absolute_url()).content.decode()
    return html.unescape(page.split('id="runbooks-panel"')[1].split("</section>")[0])


def suggested(incident, user):
    return [(one.runbook.slug, one.why) for one in panel.of(incident, user=user).suggestions]


# ---- the panel -----------------------------------------------------------------------------------------------------


def test_guides_that_fit_are_offered_the_best_first(at_desk, incident, alice):
    make.runbook("lag", services=("kafka",), title="Lag")
    make.runbook("any", severities=("critical",), title="Any")
    make.runbook("other", services=("redis",))
    assert suggested(incident, alice) == [("lag", "Kafka"), ("any", "critical severity")]
    shown = panel_of(at_desk, incident)
    assert shown.index("Lag") < shown.index("Any")
    assert shown.count('data-key="b"') == 1


def test_facts_and_services_that_are_called_alike_fit_where_no_service_was_tied(alice):
    make.runbook("lag", services=("kafka",), facts=(("alertname", "kafka*"),))
    by_fact = make.incident(facts={"alertname": "KafkaLag"})
    alike = make.incident(services=[make.service("orders-kafka", name="Orders")])
    assert suggested(by_fact, alice) == [("lag", "alertname KafkaLag")]
    assert suggested(alike, alice) == [("lag", "Orders")]
    assert suggested(make.incident(title="Nothing"), alice) == []


def test_the_panel_is_one_query_however_much_there_is(incident, run, alice, bob):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            shown = panel.of(incident, user=alice)
            for one in (*shown.running, *shown.finished):
                assert [str(step.by) for step in one.steps]
        return len(queries)

    assert cost() == 1
    for number in range(6):
        book = make.runbook(f"r{number}", *"abcde", services=("kafka",))
        made, _ = running.start(incident, book, by=bob)
        for position in range(1, number + 1):
            running.tick(made, position, by=bob, text="x")
    assert cost() == 1


def test_the_next_step_is_open_and_one_button_does_it(at_desk, incident, run, bob):
    shown = panel_of(at_desk, incident)
    assert "Look" in shown
    assert "<code>x</code>" in shown
    assert "0 of 3" in shown
    answer = at_desk.post(f"/runs/{run.pk}/steps/1/done", {"next": f"{incident.get_absolute_url()}#runbooks-panel"})
    assert (answer.status_code, answer["Location"]) == (303, f"{incident.get_absolute_url()}#runbooks-panel")
    shown = panel_of(at_desk, incident)
    assert "1 of 3" in shown
    assert "done by Alice" in shown
    assert "Scale" in shown
    running.skip(run, 2, by=bob, reason="No")
    running.tick(run, 3, by=bob)
    assert "2 done, 1 skipped" in panel_of(at_desk, incident)
    assert "did step 1 of 3" in text_of(at_desk.get(incident.get_absolute_url()))


def test_the_panel_alone_is_answered_when_it_has_changed(at_desk, incident, run, alice):
    address = f"{incident.get_absolute_url()}/runbooks"
    version = re.search(r'data-version="(\w+)"', at_desk.get(address).content.decode())[1]
    assert at_desk.get(f"{address}?seen=runbooks-panel.{version}").status_code == 204
    running.tick(run, 1, by=alice)
    fresh = at_desk.get(f"{address}?seen=runbooks-panel.{version}", headers=HTMX)
    assert fresh.status_code == 200
    assert "done by Alice" in fresh.content.decode()


def test_viewers_read_and_press_nothing(client, charlie, incident, run):
    client.force_login(charlie)
    shown = panel_of(client, incident)
    assert "Look" in shown
    assert "<form" not in shown
    assert "<form" not in client.get(f"/runs/{run.pk}").content.decode().split('id="workspace"')[1].split("</main>")[0]


def test_a_resolved_incident_offers_nothing_and_keeps_what_was_done(at_desk, incident, run, alice):
    for position in (1, 2, 3):
        running.tick(run, position, by=alice)
    lifecycle.resolve(incident, by=alice)
    shown = panel_of(at_desk, incident)
    assert "3 done" in shown
    assert "Start" not in shown
    other = make.incident()
    lifecycle.resolve(other, by=alice)
    assert re.search(r'id="runbooks-panel"[^>]* hidden>', at_desk.get(other.get_absolute_url()).content.decode())


def test_the_timeline_says_what_became_of_each_step(at_desk, incident, run, alice):
    running.add_text(run, 1, by=alice, text="Lag **12**")
    running.tick(run, 1, by=alice)
    running.untick(run, 1, by=alice)
    running.skip(run, 2, by=alice, reason="No room")
    page = text_of(at_desk.get(incident.get_absolute_url())).split('id="timeline"')[1]
    said = re.sub(r"\s+", " ", re.sub(r"<svg.*?</svg>|<[^>]+>", "", page, flags=re.DOTALL))
    for words in (
        "Alice started the runbook Consumer lag, 3 steps", "Alice wrote down what they saw at step 1 of 3, LookLag 12",
        "Alice did step 1 of 3, Look", "Alice took back step 1 of 3", "Alice skipped step 2 of 3, ScaleReason: No room",
    ):  # fmt: skip
        assert words in said, words


# ---- the run -------------------------------------------------------------------------------------------------------


def test_the_page_of_a_run_shows_every_step(at_desk, incident, run, bob):
    running.tick(run, 1, by=bob, text="Seen **it**")
    page = text_of(at_desk.get(f"/runs/{run.pk}"))
    for words in ("Consumer lag", incident.reference, "Done by Bob", "<strong>it</strong>", "Scale", "Wait", "1 of 3"):
        assert words in page
    assert page.count('data-key="t"') == 1
    assert at_desk.get("/runs/999999").status_code == 404


def test_only_the_steps_that_changed_are_answered(at_desk, run, bob):
    page = at_desk.get(f"/runs/{run.pk}").content.decode()
    parts = re.findall(r'id="((?:step|run)-\w+)"[^>]*data-version="(\w+)"', page)
    seen = ",".join(f"{name}.{version}" for name, version in parts)
    address = f"/runs/{run.pk}/changed?seen={seen}"
    assert at_desk.get(address, headers=HTMX).status_code == 204
    running.add_text(run, 3, by=bob, text="Look here")
    assert re.findall(r'id="((?:step|run)-\w+)"', at_desk.get(address).content.decode()) == ["step-3"]
    running.tick(run, 1, by=bob)
    fresh = re.findall(r'id="((?:step|run)-\w+)"', at_desk.get(address).content.decode())
    assert fresh == ["run-head", "step-1", "step-2", "step-3"]


def test_a_step_is_skipped_for_a_reason_and_taken_back(at_desk, run):
    address = f"/runs/{run.pk}/steps/2"
    assert "Skip step 2" in text_of(at_desk.get(f"{address}/skip"))
    assert at_desk.post(f"{address}/skip", {"reason": " "}).status_code == 422
    answer = at_desk.post(f"{address}/skip", {"reason": "No room"})
    assert (answer.status_code, answer["Location"]) == (303, f"/runs/{run.pk}#step-2")
    assert "No room" in text_of(at_desk.get(f"/runs/{run.pk}"))
    assert at_desk.post(f"{address}/undo").status_code == 303
    assert run.steps.get(position=2).state == "todo"
    assert at_desk.post(f"{address}/seen", {"text": "12 left"}).status_code == 303
    assert run.steps.get(position=2).text == "12 left"


def test_the_second_to_tick_hears_who_was_first_and_loses_nothing(at_desk, run, bob):
    running.tick(run, 2, by=bob)
    for headers in ({}, HTMX):
        answer = at_desk.post(f"/runs/{run.pk}/steps/2/done", headers=headers)
        assert answer.status_code == 409
        assert "Bob did step 2 at" in text_of(answer)
    refused = at_desk.post(f"/runs/{run.pk}/steps/2/skip", {"reason": "My reason"}, headers=HTMX)
    assert (refused.status_code, "My reason" in text_of(refused)) == (409, True)


def test_htmx_is_told_to_look_again(at_desk, run, incident):
    answer = at_desk.post(f"/runs/{run.pk}/steps/1/done", headers=HTMX)
    assert (answer.status_code, json.loads(answer["HX-Trigger"])) == (204, {"muster:done": {"said": "Step 1 is done."}})
    book = make.runbook("other")
    answer = at_desk.post(f"/runbooks/{book.slug}/start", {"incident": incident.reference}, headers=HTMX)
    assert (answer.status_code, Run.objects.count()) == (204, 2)


def test_what_does_not_exist_is_not_found(at_desk, run):
    for address in (f"/runs/{run.pk}/steps/4/done", f"/runs/{run.pk}/steps/0/undo", "/runs/999/steps/1/skip"):
        assert at_desk.post(address).status_code == 404


def test_runs_at_private_incidents_are_not_there_for_others(client, alice, bob):
    hidden = make.incident(is_private=True, by=alice)
    run, _ = running.start(hidden, make.runbook("lag"), by=alice)
    client.force_login(bob)
    for address in (f"/runs/{run.pk}", f"/runs/{run.pk}/changed", f"{hidden.get_absolute_url()}/runbooks"):
        assert client.get(address).status_code == 404
    assert client.post(f"/runs/{run.pk}/steps/1/done").status_code == 404
