"""Writing runbooks: versions, conflicts, reviews, the archive."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEntry
from runbooks import editing
from runbooks.guides import Guide, Step
from runbooks.models import Runbook
from tests import make

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def numbers(runbook):
    return list(runbook.versions.order_by("number").values_list("number", "what_changed"))


def test_a_runbook_begins_with_version_1_which_counts_as_reviewed(alice, now):
    kafka = make.service("kafka")
    runbook = make.runbook("lag", Step("Look", "at it", "peek"), services=("kafka", "redis"), by=alice)
    assert (runbook.version.number, runbook.reviewed_at, runbook.reviewed_by) == (1, now, alice)
    assert runbook.version.steps == [{"title": "Look", "body": "at it", "action": "peek"}]
    assert (list(runbook.services.all()), runbook.all_slugs, runbook.only_called) == (
        [kafka],
        ["kafka", "redis"],
        ["redis"],
    )
    assert AuditEntry.objects.get(action="created", object_type="runbooks.runbook").object_label == "Lag"


def test_a_version_is_made_when_something_changed_and_only_then(alice, now):
    runbook = make.runbook("lag", "Look")
    guide = editing.guide_of(runbook)
    editing.change(runbook, guide, by=alice, now=now + DAY)
    editing.change(runbook, replace(guide, title=" Lag\n", summary="\r\n"), by=alice)
    assert numbers(runbook) == [(1, "")]
    changed = editing.change(runbook, replace(guide, summary="Why"), by=alice, what_changed="Said why", now=now + DAY)
    assert numbers(runbook) == [(1, ""), (2, "Said why")]
    assert (changed.version.created_by, changed.version.created_at) == (alice, now + DAY)
    editing.change(runbook, replace(guide, summary="Why", severities=("high",)), by=alice)
    editing.change(runbook, by=alice, review_every_days=30)
    assert [number for number, _ in numbers(runbook)] == [1, 2, 3]
    runbook.refresh_from_db()
    assert (runbook.severities, runbook.review_every_days) == (["high"], 30)


def test_versions_never_change(alice):
    version = make.runbook("lag").version
    version.title = "Another"
    with pytest.raises(TypeError):
        version.save()


def test_whoever_saves_second_hears_of_the_first_and_nothing_is_written(alice, bob):
    runbook = make.runbook("lag", "Look")
    guide = editing.guide_of(runbook)
    editing.change(runbook, replace(guide, summary="Hers"), by=alice, based_on=1)
    with pytest.raises(editing.Overtaken, match="Alice saved version 2 while you were changing version 1") as raised:
        editing.change(runbook, replace(guide, summary="His"), by=bob, based_on=1)
    assert raised.value.since.summary == "Hers"
    assert len(numbers(runbook)) == 2
    editing.change(runbook, replace(guide, summary="Both"), by=bob, based_on=2)
    assert Runbook.objects.get().version.summary == "Both"


@pytest.mark.parametrize(
    ("guide", "fields"),
    [
        (Guide(title="", steps=(Step("a"),)), ["title"]),
        (Guide(title="x" * 201, steps=()), ["steps", "title"]),
        (Guide(title="x", steps=(Step(" "),)), ["steps"]),
        (Guide(title="x", steps=(Step("a", action="two words"),)), ["steps"]),
        (Guide(title="x", steps=(Step("a", "x" * 20_001),)), ["steps"]),
        (Guide(title="x", steps=(Step("a"),) * 101), ["steps"]),
        (Guide(title="x", steps=(Step("a"),), summary="x" * 20_001), ["summary"]),
        (Guide(title="x", steps=(Step("a"),), services=("a b",)), ["services"]),
        (Guide(title="x", steps=(Step("a"),), facts=(("a:b", "c"),)), ["facts"]),
        (Guide(title="x", steps=(Step("a"),), facts=(("a", ""),)), ["facts"]),
    ],
)
def test_what_no_guide_can_be_is_refused_by_name(guide, fields):
    with pytest.raises(ValidationError) as raised:
        editing.create(guide, slug="x", by=None)
    assert sorted(raised.value.message_dict) == fields


def test_slugs_are_unique_and_new_is_none():
    make.runbook("lag")
    for slug in ("lag", "new", "two words", ""):
        with pytest.raises(ValidationError) as raised:
            editing.create(Guide(title="x", steps=(Step("a"),)), slug=slug, by=None)
        assert list(raised.value.message_dict) == ["slug"]


def test_a_guide_goes_stale_and_is_reviewed(alice, now):
    runbook = make.runbook("lag", review_every_days=180)
    later = now + 210 * DAY
    assert (runbook.is_stale(now=now + 180 * DAY), runbook.is_stale(now=later)) == (False, True)
    assert runbook.days_unreviewed(now=later) == 210
    assert list(Runbook.objects.stale(now=later)) == [runbook]
    runbook = editing.mark_reviewed(runbook, by=alice, now=later)
    assert (runbook.is_stale(now=later), runbook.reviewed_by) == (False, alice)
    assert list(Runbook.objects.stale(now=later)) == []


def test_the_archive_is_a_place_to_come_back_from(alice, now):
    runbook = make.runbook("lag")
    editing.archive(runbook, by=alice, now=now)
    assert editing.archive(runbook, by=alice, now=now + DAY).archived_at == now
    assert list(Runbook.objects.current()) == []
    editing.restore(runbook, by=alice)
    assert list(Runbook.objects.current()) == [runbook]


def test_words_are_found_in_titles_summaries_and_steps():
    make.runbook("lag", Step("Look", 'run `kafka-consumer-groups --describe "x"`'), title="Consumer lag")
    make.runbook("other", title="Other", summary="About lag")
    found = {
        words: [row.slug for row in Runbook.objects.matching(words)]
        for words in ("LAG", "lag describe", '--describe "x"', "nothing", "50%", "")
    }
    assert found == {
        "LAG": ["lag", "other"], "lag describe": ["lag"], '--describe "x"': ["lag"], "nothing": [], "50%": [],
        "": ["lag", "other"],
    }  # fmt: skip


def test_a_service_finds_its_guides_tied_or_only_called():
    tied, called = make.service("kafka"), make.runbook("b", services=("redis",))
    made = make.runbook("a", services=("kafka",))
    make.service("redis")
    assert [list(Runbook.objects.of_service(slug)) for slug in ("kafka", "redis", "x")] == [[made], [called], []]
    tied.slug = "bus"
    tied.save()
    assert list(Runbook.objects.of_service("bus")) == [made]
