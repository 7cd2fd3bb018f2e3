"""Drafts: by themselves, by hand, and again after an incident was reopened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incidents import lifecycle, policy, timeline
from incidents.models import SeverityPolicy, TimelineEntry
from incidents.models.incident import NotAllowedNow
from postmortems import drafting, editing, outline, reading
from postmortems.models import Postmortem
from tests import make

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
LATER = make.NOW + 40 * MINUTE


def resolved(by=None, **fields):
    return lifecycle.resolve(make.incident(**fields), by=by, now=make.NOW + 30 * MINUTE)


def text_of(postmortem, key):
    return postmortem.sections.get(key=key).body


@pytest.mark.parametrize(("severity", "drafts"), [("critical", 1), ("high", 1), ("medium", 0), ("low", 0)])
def test_a_resolved_incident_gets_a_draft_if_its_severity_wants_one(db, severity, drafts):
    incident = resolved(severity=severity)
    assert drafting.draft_missing(now=LATER) == drafts
    assert Postmortem.objects.filter(incident=incident).count() == drafts
    assert drafting.draft_missing(now=LATER) == 0


def test_an_automatic_draft_leaves_the_incident_resolved(db):
    postmortem = make.postmortem()
    postmortem.incident.refresh_from_db()
    assert (postmortem.incident.status, postmortem.started_at) == ("resolved", None)
    assert make.happened(postmortem.incident)[-1] == "postmortem_drafted"


def test_it_has_the_seven_sections_in_order(db):
    sections = make.postmortem().sections.values_list("key", "title")
    assert [key for key, _ in sections] == list(outline.STANDARD_KEYS)


def test_what_a_person_must_write_is_marked(db):
    postmortem = make.postmortem()
    unwritten = [section.key for section in postmortem.sections.all() if outline.is_unwritten(section.body)]
    assert unwritten == ["summary", "root_cause", "impact", "resolution", "lessons_learned"]


def test_the_same_facts_give_the_same_text(alice):
    services = [make.service(name, name=name.title()) for name in ("checkout", "billing", "search")]
    texts = []
    for order in (services, services[::-1]):
        incident = make.incident(services=order)
        lifecycle.acknowledge(incident, by=alice, now=make.NOW + 2 * MINUTE)
        for minute, word in sorted([(9, "Restarted"), (4, "Looked"), (6, "Asked")], reverse=order is not services):
            timeline.add_note(incident, text=word, by=alice, now=make.NOW + minute * MINUTE)
        lifecycle.resolve(incident, by=alice, root_cause="A full disk.", now=make.NOW + 30 * MINUTE)
        postmortem = make.postmortem(lifecycle.Incident.objects.get(pk=incident.pk))
        said = "\n".join(part.text for part in reading.read(postmortem).parts)
        assert said.index("Billing") < said.index("Checkout") < said.index("Search")
        assert said.index("Looked") < said.index("Asked") < said.index("Restarted")
        texts.append(said.replace(incident.reference, "INC-0"))
    assert texts[0] == texts[1]


def test_the_summary_says_when_how_long_and_who_answered(alice):
    incident = make.incident(steps=[alice], title="Checkout *fails*")
    lifecycle.acknowledge(incident, by=alice, now=make.NOW + 2 * MINUTE)
    lifecycle.resolve(incident, by=alice, root_cause="A full disk.", now=make.NOW + 30 * MINUTE)
    postmortem = make.postmortem(lifecycle.Incident.objects.get(pk=incident.pk))
    summary = text_of(postmortem, "summary")
    assert f"{incident.reference}, “Checkout \\*fails\\*”, was a **critical** incident" in summary
    assert "Alice answered after 2 min, within the 5 min that were promised." in summary
    assert "resolved on 14 Oct 2026, 02:17 UTC, 30 min after impact began" in summary
    assert text_of(postmortem, "root_cause").startswith("A full disk.\n\n**To write:**")


def test_merged_and_old_incidents_get_none(db):
    into = make.incident()
    merged = resolved()
    merged.merged_into = into
    merged.save()
    assert drafting.draft_missing(now=LATER) == 0
    resolved()
    assert drafting.draft_left_over(now=LATER + 31 * DAY) == 0


def test_sweeps_that_stood_still_for_weeks_lose_no_draft(db):
    policy.ensure_defaults()
    SeverityPolicy.objects.update(updated_at=make.NOW - DAY)
    resolved()
    assert [drafting.draft_missing(now=LATER + 29 * DAY), drafting.draft_left_over(now=LATER + 29 * DAY)] == [0, 1]


@pytest.mark.parametrize(("days", "drafts"), [(2, 1), (4, 0)])
def test_a_severity_that_begins_to_want_them_wants_none_of_what_ended_long_ago(db, days, drafts):
    policy.ensure_defaults()
    resolved(severity="medium")
    changed_at = LATER + days * DAY
    SeverityPolicy.objects.filter(severity="medium").update(needs_postmortem=True, updated_at=changed_at)
    assert drafting.draft_left_over(now=changed_at) == drafts


def test_what_cannot_be_drafted_keeps_nothing_newer_from_its_turn(db, monkeypatch):
    monkeypatch.setattr(drafting, "BATCH", 2)
    broken = [resolved().pk for _ in range(2)]
    draft = drafting._create

    def create(incident, **options):
        assert incident.pk not in broken
        return draft(incident, **options)

    monkeypatch.setattr(drafting, "_create", create)
    newer = lifecycle.resolve(make.incident(), by=None, now=LATER)
    assert drafting.draft_missing(now=LATER) == 1
    assert Postmortem.objects.get().incident == newer


def test_starting_it_moves_the_incident_and_makes_whoever_starts_its_owner(alice, bob):
    postmortem = make.postmortem()
    drafting.start(postmortem.incident, by=alice, now=LATER)
    postmortem.refresh_from_db()
    postmortem.incident.refresh_from_db()
    assert (postmortem.incident.status, postmortem.owner, postmortem.started_at) == ("postmortem", alice, LATER)
    drafting.start(postmortem.incident, by=bob, now=LATER + MINUTE)
    postmortem.refresh_from_db()
    assert (postmortem.owner, postmortem.started_at) == (alice, LATER)


def test_a_medium_incident_gets_one_by_hand(alice):
    postmortem = drafting.start(resolved(severity="medium"), by=alice, now=LATER)
    assert postmortem.sections.count() == 7
    assert postmortem.created_by == alice


def test_an_open_incident_has_none_yet(alice):
    with pytest.raises(NotAllowedNow, match="begins when it is resolved"):
        drafting.start(make.incident(), by=alice, now=LATER)


def test_after_reopening_what_nobody_touched_is_written_anew(alice):
    postmortem = make.postmortem(by=None)
    impact = postmortem.sections.get(key="impact")
    editing.write(impact, body="Nobody noticed.", base=impact.body, by=alice, now=LATER)
    lifecycle.reopen(postmortem.incident, reason="Again", by=alice, now=LATER)
    assert drafting.draft_missing(now=LATER) == 0
    lifecycle.resolve(postmortem.incident, by=alice, now=LATER + 60 * MINUTE)
    assert drafting.draft_missing(now=LATER + 60 * MINUTE) == 1
    assert "It was reopened once in between." in text_of(postmortem, "summary")
    assert text_of(postmortem, "impact") == "Nobody noticed."
    assert "reopened" in [event.entry.kind for event in postmortem.events.all()]
    assert drafting.draft_missing(now=LATER + 60 * MINUTE) == 0


def test_the_most_fitting_template_is_taken(alice):
    team = make.team("payments", alice)
    for name, severity, of in [("any", "", None), ("critical", "critical", None), ("payments", "", team)]:
        sections = [*({"key": part.key, "title": part.title} for part in outline.STANDARD), {"title": name}]
        drafting.Template.objects.create(name=name, severity=severity, team=of, sections=outline.checked(sections))
    taken = [
        make.postmortem(**fields).template.name
        for fields in (
            {"severity": "high"},
            {"severity": "critical"},
            {"severity": "critical", "services": [make.service("shop", team=team)]},
        )
    ]
    assert taken == ["any", "critical", "payments"]


def test_a_draft_of_two_thousand_entries_takes_less_than_a_second(alice, django_assert_max_num_queries):
    incident = make.incident()
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            incident=incident, kind="noted", at=make.NOW + i * timedelta(seconds=1), by=alice, text="word " * 40
        )
        for i in range(2000)
    )
    incident = lifecycle.resolve(incident, by=alice, now=LATER)
    with django_assert_max_num_queries(40):
        drafting.draft_missing(now=LATER)
    assert Postmortem.objects.get(incident=incident).events.count() == 60


def test_an_entry_of_every_kind_has_words(alice):
    incident = make.incident()
    timeline.add_note(incident, text="The disk\nis full", by=alice, now=make.NOW)
    for kind in TimelineEntry.Kind.values:
        for data in ({}, {"did": "done", "people": ["Alice"], "alerts": ["CPU"], "count": 1}):
            said = drafting.wording.say(TimelineEntry(incident=incident, kind=kind, at=make.NOW, text="why", data=data))
            assert said.strip()
            assert "\n" not in said
