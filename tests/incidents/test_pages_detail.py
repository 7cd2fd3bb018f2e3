"""The page of one incident: what it shows, and what each button does, for whom."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from incidents import changes, escalation, lifecycle, timeline
from incidents.models import IncidentSettings, SeverityPolicy, SlaClock
from notifications.models import Attempt, Notification
from tests import make
from tests.make import MINUTE, happened

pytestmark = pytest.mark.django_db

MOST_QUERIES = 12
ACTIONS = {
    "acknowledge": {},
    "move": {"to": "investigating"},
    "assign": {"to": "alice"},
    "severity": {"to": "low"},
    "services": {"services": []},
    "edit": {"title": "New", "started_at": "2026-01-01T00:00:00"},
    "resolve": {"root_cause": "A cable"},
    "reopen": {"reason": "Not over"},
    "add_note": {"text": "Seen"},
    "link_evidence": {"url": "https://example.com/", "kind": "log"},
    "record_mitigation": {"kind": "scaled"},
}


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def incident(alice):
    return make.incident(at=timezone.now() - 3 * MINUTE, title="Checkout <fails>")


def url(name: str, incident, *args) -> str:
    return reverse(f"incidents:{name}", args=[incident.reference, *args])


def text(response) -> str:
    """What the page says, without its markup."""
    body = re.sub(r"<svg.*?</svg>", "", response.content.decode(), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body)))


def done(incident) -> list[str]:
    """What people did, in order; the paging of an incident that has nobody to page is left aside."""
    return [kind for kind in happened(incident) if kind not in ("nobody_reached", "exhausted", "notified")]


def primary(response) -> list[str]:
    """The words on the primary buttons of the incident's header."""
    stage = response.content.decode().split('id="stage"')[1].split("</section>")[0]
    found = re.findall(r'<(?:button|a) class="btn btn-primary[^"]*"[^>]*>(.*?)</(?:button|a)>', stage, re.DOTALL)
    return [re.sub(r"<(svg|kbd).*?</\1>|<[^>]+>", "", button, flags=re.DOTALL).strip() for button in found]


def test_the_reference_is_read_in_either_case_and_everything_else_is_not_found(at_desk, incident):
    for reference in (incident.reference, incident.reference.lower()):
        assert at_desk.get(f"/incidents/{reference}").status_code == 200
    for reference in (incident.pk, f"INC-0{incident.pk}", "INC-", "INC-9999", "INC-１", "INC-9" * 9, f"INC-{10**30}"):
        assert at_desk.get(f"/incidents/{reference}").status_code == 404, reference


def test_strangers_are_sent_to_sign_in_wherever_they_press(client, incident):
    for response in (client.get(incident.get_absolute_url()), *(client.post(url(name, incident)) for name in ACTIONS)):
        assert (response.status_code, response["Location"][:16]) == (302, "/accounts/login/")
    assert done(incident) == ["triggered"]


def test_viewers_see_everything_and_may_do_nothing(client, charlie, incident):
    client.force_login(charlie)
    page = client.get(incident.get_absolute_url())
    assert page.status_code == 200
    assert b'id="stage"' not in page.content
    assert b'method="post" action="/incidents/' not in page.content
    for name, data in ACTIONS.items():
        assert client.post(url(name, incident), data).status_code == 403, name
    assert done(incident) == ["triggered"]


def test_a_private_incident_is_not_there_for_others(client, bob):
    secret = make.incident(is_private=True, at=timezone.now())
    client.force_login(bob)
    assert client.get(secret.get_absolute_url()).status_code == 404
    for name, data in ACTIONS.items():
        assert client.post(url(name, secret), data).status_code == 404, name


def test_every_small_form_is_a_page_of_its_own_that_sends_itself(at_desk, incident):
    for name in ACTIONS:
        response = at_desk.get(url(name, incident))
        assert response.status_code == (405 if name == "acknowledge" else 200), name
        if name != "acknowledge":
            assert f'method="post" action="{url(name, incident)}"' in response.content.decode(), name
    assert done(incident) == ["triggered"]


def test_one_primary_button_leads_through_every_stage(at_desk, alice, incident):
    where = incident.get_absolute_url()
    walk = [
        ("Acknowledge", "acknowledge", {}, "acknowledged"),
        ("Start investigating", "move", {"to": "investigating"}, "investigating"),
        ("Mark mitigating", "move", {"to": "mitigating"}, "mitigating"),
        ("Resolve", "resolve", {"root_cause": "A **cable**"}, "resolved"),
    ]
    for words, name, data, status in walk:
        assert primary(at_desk.get(where)) == [words]
        response = at_desk.post(url(name, incident), data)
        assert (response.status_code, response["Location"]) == (303, where), name
        incident.refresh_from_db()
        assert incident.status == status
    assert primary(at_desk.get(where)) == ["Start postmortem"]
    assert at_desk.post(reverse("postmortems:start", args=[incident.reference])).status_code == 303
    assert primary(at_desk.get(where)) == ["Open the postmortem"]
    assert incident.assignee == alice
    assert done(incident)[:5] == ["triggered", "acknowledged", "moved", "moved", "resolved"]
    assert done(incident)[5:] == ["postmortem_drafted", "postmortem_started"]
    assert "<strong>cable</strong>" in at_desk.get(where).content.decode()


def test_acknowledging_twice_says_who_has_it(at_desk, bob, incident):
    lifecycle.acknowledge(incident, by=bob)
    response = at_desk.post(url("acknowledge", incident), follow=True)
    assert "was acknowledged already; Bob has it." in text(response)


@pytest.mark.parametrize("name", ["acknowledge", "resolve", "move"])
def test_what_is_not_possible_any_more_shows_what_is_so_now(at_desk, bob, incident, name):
    lifecycle.resolve(incident, by=bob)
    response = at_desk.post(url(name, incident), ACTIONS[name])
    assert response.status_code == 409
    assert f"{incident.reference} is resolved by now: Bob, resolved " in text(response)
    assert primary(response) == ["Start postmortem"]


@pytest.mark.parametrize(
    ("name", "data", "message", "kept"),
    [
        ("add_note", {"text": " "}, "Write something first.", ""),
        ("add_note", {"text": "typed words", "at": "2999-01-01T00:00"}, "in the future", "typed words"),
        ("add_note", {"text": "x" * 20_001}, "at most 20,000 characters", "x" * 100),
        ("link_evidence", {"url": "javascript:alert(1)", "kind": "log"}, "valid URL", "javascript:alert(1)"),
        ("link_evidence", {"url": "ftp://example.com/x", "kind": "log"}, "http", "ftp://example.com/x"),
        ("record_mitigation", {"text": "typed words"}, "required", "typed words"),
        ("assign", {"to": "nobody-of-that-name"}, "valid choice", ""),
        ("severity", {"to": "enormous", "reason": "typed words"}, "enormous", "typed words"),
        ("services", {"services": ["no-such"]}, "no-such", ""),
        ("edit", {"title": "", "description": "typed words", "started_at": "2026-01-01T00:00"}, "few words", "typed"),
        ("edit", {"title": "T", "started_at": "2999-01-01T00:00"}, "in the future", 'value="T"'),
    ],
)
def test_a_form_that_is_not_accepted_comes_back_as_it_was_written(at_desk, incident, name, data, message, kept):
    response = at_desk.post(url(name, incident), data)
    assert response.status_code == 422
    assert message in text(response)
    assert kept in html.unescape(response.content.decode())
    assert 'class="mu-error"' in response.content.decode()
    assert done(incident) == ["triggered"]


def test_who_comes_second_gets_back_what_he_wrote(at_desk, bob, incident):
    lifecycle.resolve(incident, by=bob, root_cause="A cable")
    response = at_desk.post(url("resolve", incident), {"root_cause": "My own <theory> of it"})
    assert (response.status_code, "<pre>My own &lt;theory&gt; of it</pre>" in response.content.decode()) == (409, True)
    incident.refresh_from_db()
    assert incident.root_cause == "A cable"


def test_reopening_needs_a_reason(at_desk, alice, incident):
    lifecycle.resolve(incident, by=alice)
    response = at_desk.post(url("reopen", incident), {"reason": ""})
    assert (response.status_code, "Say why it is open again." in text(response)) == (422, True)
    assert at_desk.post(url("reopen", incident), {"reason": "It is back"}).status_code == 303
    incident.refresh_from_db()
    assert incident.status == "investigating"
    assert "Reason: It is back" in text(at_desk.get(incident.get_absolute_url()))


def test_notes_are_markdown_that_can_do_nothing_and_lead_to_themselves(at_desk, incident):
    response = at_desk.post(
        url("add_note", incident), {"text": "**Seen** <script>alert(1)</script>\r\n[x](javascript:alert(2))", "at": ""}
    )
    note = incident.timeline.get(kind="noted")
    assert response["Location"] == f"{incident.get_absolute_url()}#entry-{note.pk}"
    page = at_desk.get(incident.get_absolute_url()).content.decode()
    assert f'id="entry-{note.pk}"' in page
    assert "<strong>Seen</strong>" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "Checkout &lt;fails&gt;" in page


def test_a_notes_time_is_the_readers(at_desk, alice, incident):
    alice.time_zone = "America/New_York"
    alice.save()
    at_desk.post(url("add_note", incident), {"text": "Earlier", "at": "2026-10-14T21:00:05"})
    assert incident.timeline.get(kind="noted").at.isoformat() == "2026-10-15T01:00:05+00:00"


def test_a_note_is_corrected_and_the_page_shows_what_it_said(at_desk, alice, bob, incident):
    note = timeline.add_note(incident, text="pool is 46\nnot more", by=bob)
    form = at_desk.get(url("correct_note", incident, note.pk))
    at = re.search(r'name="at" value="([^"]+)"', form.content.decode())[1]
    response = at_desk.post(url("correct_note", incident, note.pk), {"text": "pool is 64\r\nnot more", "at": at})
    assert response["Location"] == f"{incident.get_absolute_url()}#entry-{note.pk}"
    before = note.at
    note.refresh_from_db()
    assert (note.text, note.at) == ("pool is 64\nnot more", before)
    assert [(row.text, row.replaced_by) for row in note.revisions.all()] == [("pool is 46\nnot more", alice)]
    page = text(at_desk.get(incident.get_absolute_url()))
    assert "pool is 64" in page
    assert "pool is 46" in page
    assert "by Alice; what it said before" in page


def test_a_correction_that_is_not_accepted_comes_back(at_desk, alice, incident):
    note = timeline.add_note(incident, text="pool is 46", by=alice)
    response = at_desk.post(url("correct_note", incident, note.pk), {"text": "typed", "at": "2999-01-01T00:00"})
    assert (response.status_code, "in the future" in text(response)) == (422, True)
    assert ">\ntyped</textarea>" in response.content.decode()


def test_only_notes_of_this_incident_can_be_corrected(at_desk, alice, incident):
    other = timeline.add_note(make.incident(at=timezone.now()), text="elsewhere", by=alice)
    triggered = incident.timeline.get(kind="triggered")
    for pk in (other.pk, triggered.pk):
        assert at_desk.post(url("correct_note", incident, pk), {"text": "x"}).status_code == 404
        assert at_desk.get(url("correct_note", incident, pk)).status_code == 404


def test_an_old_page_takes_nothing_back_that_somebody_else_has_written(at_desk, bob, incident):
    form = at_desk.get(url("edit", incident)).content.decode().split('class="mu-sheet"')[1].split("</section>")[0]
    data = {name: html.unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form)}
    changes.edit(incident, by=bob, title="What Bob wrote")
    data["description"] = "What Alice wrote"
    assert at_desk.post(url("edit", incident), data).status_code == 303
    incident.refresh_from_db()
    assert (incident.title, incident.description) == ("What Bob wrote", "What Alice wrote")


def test_of_two_who_write_the_same_text_the_second_reads_the_first(at_desk, bob, incident):
    changes.edit(incident, by=bob, description="As it began.")
    data = {"title": incident.title, "initial-title": incident.title, "initial-description": "As it began."}
    data |= {"started_at": "2026-01-01T00:00:00", "initial-started_at": "2026-01-01T00:00:00"}
    changes.edit(incident, by=bob, description="What Bob wrote,\nand it is long.")
    answer = at_desk.post(url("edit", incident), data | {"description": "What Alice wrote"})
    assert answer.status_code == 422
    assert "It now says: “What Bob wrote, and it is long.” Put both together" in text(answer)
    assert ">\nWhat Alice wrote</textarea>" in answer.content.decode()
    incident.refresh_from_db()
    assert incident.description == "What Bob wrote,\nand it is long."

    hidden = re.search(r'name="initial-description" value="([^"]*)"', answer.content.decode())[1]
    data["initial-description"] = html.unescape(hidden).replace("\n", "\r\n")  # as browsers do
    assert at_desk.post(url("edit", incident), data | {"description": "What both wrote"}).status_code == 303
    incident.refresh_from_db()
    assert incident.description == "What both wrote"


def test_who_hides_it_from_himself_is_led_to_the_list(at_desk, incident):
    data = {"title": incident.title, "started_at": "2026-01-01T00:00:00", "is_private": "on"}
    response = at_desk.post(url("edit", incident), data)
    assert (response.status_code, response["Location"]) == (303, reverse("incidents:list"))
    assert at_desk.get(incident.get_absolute_url()).status_code == 404


def test_the_plan_shows_what_comes_when_and_to_whom(at_desk, alice, bob):
    now = timezone.now()
    leaders = make.team("leaders", bob)
    make.policy.ensure_defaults()
    IncidentSettings.objects.update(leadership=leaders)
    SeverityPolicy.objects.filter(severity="critical").update(leadership_after_minutes=10, resolve_within_minutes=60)
    incident = make.incident(steps=[alice, bob], at=now)
    said = text(at_desk.get(incident.get_absolute_url())).split("What happens next")[1]
    order = [
        "step 2 of",
        "Response clock",
        "Notify leadership",
        "Page the last resort",
        "Resolution clock",
        "Page on-call",
    ]
    places = [said.index(words) for words in order]
    assert places == sorted(places)
    assert "then" in said
    assert "If nobody answers: Page, step 2 of" in text(at_desk.get(incident.get_absolute_url()))


def test_after_an_answer_nobody_else_is_announced(at_desk, alice, bob):
    incident = make.incident(steps=[alice, bob], at=timezone.now())
    lifecycle.acknowledge(incident, by=alice)
    page = text(at_desk.get(incident.get_absolute_url()))
    assert "step 2 of" not in page
    assert "If nobody answers" not in page


def test_who_was_paged_by_what_with_which_result(at_desk, alice, bob):
    now = timezone.now() - 10 * MINUTE
    incident = make.incident(steps=[alice, bob], at=now)
    Notification.objects.filter(user=alice).update(state="sent", finished_at=now, attempt_count=1)
    escalation.advance_due(now=now + 5 * MINUTE)
    row = Notification.objects.get(user=bob)
    Notification.objects.filter(pk=row.pk).update(
        state="failed", finished_at=now, attempt_count=2, error="refused by the mail server"
    )
    for number in (1, 2):
        Attempt.objects.create(
            notification=row, number=number, started_at=now, finished_at=now, outcome="failed", detail=f"no {number}"
        )
    lifecycle.acknowledge(incident, by=alice, now=now + 6 * MINUTE)
    told = at_desk.get(incident.get_absolute_url()).content.decode().split('id="told"')[1].split("</section>")[0]
    said = html.unescape(re.sub(r"\s+", " ", re.sub(r"<svg.*?</svg>|<[^>]+>", "", told, flags=re.DOTALL)))
    assert said.index("Alice answered in 6:00") < said.index("Bob not reached")
    assert "E-mail: sent" in said
    assert "E-mail: failed, refused by the mail server" in said
    assert "no 2" in said


def test_every_kind_of_entry_reads_as_a_sentence(at_desk, alice, bob, incident):
    now = timezone.now()
    entries = {
        "moved": ({"from": "triggered", "to": "mitigating"}, "Alice moved it to Mitigating"),
        "assigned": ({"from": "Bob", "to": "Alice"}, "Alice took it over from Bob"),
        "severity_changed": ({"from": "low", "to": "high"}, "Alice changed severity Low to High"),
        "services_changed": ({"added": ["kafka"], "removed": ["search"]}, "added kafka and removed search"),
        "details_changed": ({"fields": ["started_at"]}, "Alice changed the beginning of the impact"),
        "evidence_linked": (
            {"url": "https://x.example", "kind": "log", "caption": "Errors"},
            "linked evidence: Errors",
        ),
        "mitigated": ({"mitigation": "rolled_back"}, "Alice mitigated: Rolled back"),
        "paged": ({"people": ["Bob"], "reason": "Step 1", "unreachable": ["Eve"]}, "Bob paged, Step 1; no contact"),
        "page_failed": ({"person": "Bob", "channel": "email", "why": "refused", "still_trying": True}, "still trying"),
        "nobody_reached": ({"reason": "Step 1", "why": "nobody is a target"}, "Nobody was reached, Step 1: nobody is"),
        "exhausted": ({"policy": "P", "last_resort": ["Rita"]}, "P is used up; last resort paged: Rita"),
        "escalated": ({}, "asked for the next step now"),
        "unacknowledged": (
            {"from": "mitigating", "had": "Bob"},
            "Alice gave it back; Bob had it. It asks for an answer",
        ),
        "snoozed": ({"until": now.isoformat()}, "Alice snoozed it until"),
        "woken": ({"until": now.isoformat()}, "Alice ended the snooze"),
        "reminded": ({"told": "Bob", "silence": "30 min"}, "No activity for 30 min: Bob asked whether they are still"),
        "notified": ({"action": "notify_leadership", "result": "Told Bob"}, "Leadership notified: Told Bob"),
        "clock_warned": ({"clock": "response", "told": "Bob"}, "80 % of the response time is used; told Bob"),
        "clock_breached": ({"clock": "response", "told": ""}, "The response time has ended"),
        "alert_added": ({"alerts": ["ALR-7 Disk"], "count": 1}, "ALR-7 Disk"),
        "runbook_started": ({"run": 1, "title": "Lag", "of": 3}, "Alice started the runbook Lag, 3 steps"),
        "runbook_step": (
            {"run": 1, "title": "Lag", "of": 3, "step": "Look", "position": 2, "did": "skipped"},
            "Alice skipped step 2 of 3, Look",
        ),
        "runbook_finished": (
            {"run": 1, "title": "Lag", "of": 3, "done": 2, "skipped": 1},
            "The runbook Lag is finished: 2 of 3 done, 1 skipped",
        ),
        "automation": (
            {"execution": 1, "action": "Restart", "slug": "restart", "did": "waits", "is_dry_run": False},
            "Alice asked for Restart; it waits for a second person",
        ),
        "alert_resolved": ({"alerts": ["ALR-7 Disk"], "count": 1200}, "1,200 alerts resolved"),
        "postmortem_drafted": ({}, "Alice drafted the postmortem"),
        "postmortem_published": ({"count": 1, "is_public": False}, "Alice published the postmortem"),
    }
    for kind, (data, _) in entries.items():
        incident.timeline.create(kind=kind, at=now, by=None if kind.startswith("alert") else alice, data=data)
    said = text(at_desk.get(incident.get_absolute_url()))
    for kind, (_, words) in entries.items():
        assert words in said, kind
    elsewhere = {"triggered", "acknowledged", "resolved", "reopened", "postmortem_started", "noted"}
    of_communication = {"status_updated", "action_added", "action_changed", "action_done", "action_reopened"}
    of_communication |= {"action_accepted", "update_changed"}
    assert {*entries, *elsewhere, *of_communication} == set(incident.timeline.model.Kind.values)


@pytest.mark.parametrize(
    ("state", "fields", "words"),
    [
        ("met", {"met_at": 2 * MINUTE}, "Met in 2:00"),
        ("breached", {"breached_at": 5 * MINUTE, "met_at": 7 * MINUTE}, "2:00 late"),
        ("breached", {"breached_at": 5 * MINUTE}, "overdue"),
        ("cancelled", {"cancelled_at": MINUTE}, "Not needed"),
    ],
)
def test_clocks_say_how_it_went(at_desk, alice, state, fields, words):
    now = timezone.now() - timedelta(hours=1)
    incident = make.incident(at=now)
    SlaClock.objects.update(state=state, **{name: now + after for name, after in fields.items()})
    assert words in text(at_desk.get(incident.get_absolute_url()))


def test_a_long_timeline_shows_its_newest_part_and_leads_to_the_rest(at_desk, alice, incident):
    now = timezone.now()
    incident.timeline.bulk_create(
        incident.timeline.model(incident=incident, kind="noted", at=now, by=alice, text=f"note {index}.")
        for index in range(205)
    )
    page = at_desk.get(incident.get_absolute_url())
    assert ("note 204." in text(page), "note 3." in text(page)) == (True, False)
    assert b"?all=1" in page.content
    assert "note 3." in text(at_desk.get(f"{incident.get_absolute_url()}?all=1"))


def test_the_page_costs_the_same_queries_whatever_happened(at_desk, alice, bob):
    make.policy.ensure_defaults()
    IncidentSettings.objects.update(leadership=make.team("leaders", bob))
    incident = make.incident(steps=[alice, bob], at=timezone.now() - 2 * MINUTE)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert at_desk.get(incident.get_absolute_url()).status_code == 200
        return len(queries)

    timeline.correct_note(timeline.add_note(incident, text="a", by=bob), text="b", at=timezone.now() - MINUTE, by=alice)
    few = cost()
    for index in range(12):
        note = timeline.add_note(incident, text=f"a{index}", by=bob)
        timeline.correct_note(note, text=f"b{index}", at=note.at, by=alice)
        timeline.link_evidence(incident, url=f"https://example.com/{index}", by=bob)
    changes.change_services(
        incident, services=[make.service(policy=make.escalation_policy(bob)) for _ in "123"], by=bob
    )
    assert cost() == few <= MOST_QUERIES


def test_the_page_keeps_to_its_content_policy(at_desk, incident):
    page = at_desk.get(incident.get_absolute_url())
    assert "style=" not in page.content.decode()
    assert not re.search(r"<script(?![^>]*src=)", page.content.decode())
    assert not re.search(r"\son[a-z]+=", page.content.decode())


@pytest.mark.parametrize("next_", ["foo", "//example.com/", "https://example.com/", "admin:index"])
def test_after_acknowledging_it_leads_only_to_pages_of_ours(client, alice, next_):
    client.force_login(alice)
    incident = make.incident()
    response = client.post(f"{incident.get_absolute_url()}/acknowledge", {"next": next_})
    assert (response.status_code, response["Location"]) == (303, incident.get_absolute_url())
