"""Postmortems by their words: in the list, in the box that searches everything, and in the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from incidents import changes, search
from incidents.models import Incident
from postmortems import editing, searching
from postmortems.models import Postmortem
from tests import make
from tests.api.caller import Caller

pytestmark = pytest.mark.django_db


def write(postmortem, key, body, by):
    editing.write(postmortem.sections.get(key=key), body=body, by=by)


@pytest.fixture
def written(alice):
    """One whose root cause and lessons say something of their own."""
    postmortem = make.postmortem(by=alice, title="Checkout <fails>")
    write(postmortem, "root_cause", "## Why\n\n- The **write cache** of `db.primary-3` was off & stayed off.", alice)
    write(postmortem, "lessons_learned", "We were lucky that caches were warm.", alice)
    return postmortem


def found(text):
    rows = list(Postmortem.objects.matching(search.query_for(text)).for_list())
    return searching.found_in(rows, text)


@pytest.mark.parametrize("text", ["write cache", "primary", "checkout cache", "LUCKY", "caching", "db.primary-3"])
def test_all_words_are_found_wherever_they_stand(written, text):
    assert [each.postmortem for each in found(text)] == [written]


@pytest.mark.parametrize("text", ["cache nothere", "zebra"])
def test_a_word_that_is_missing_finds_nothing(written, text):
    assert found(text) == []


def test_a_text_that_was_replaced_is_not_found_any_more(written, alice):
    write(written, "lessons_learned", "Nothing.", alice)
    assert found("lucky") == []


def test_a_title_that_was_changed_is_found_and_the_old_one_is_not(written, alice):
    at = make.NOW + timedelta(hours=1)
    write(written, "summary", "It was slow.", alice)
    changes.edit(written.incident, title="Payments are slow", by=alice, now=at)
    assert searching.index_renamed(now=at) == 1
    assert [each.postmortem for each in found("payments cache")] == [written]
    assert found("checkout cache") == []
    assert searching.index_renamed(now=at) == 0


def test_a_title_that_was_changed_while_nothing_swept_is_found_later(written, alice):
    at = make.NOW + timedelta(hours=1)
    changes.edit(written.incident, description="Nothing new in the title", by=alice, now=at)
    assert searching.index_renamed(now=at) == 0
    changes.edit(written.incident, title="Payments are slow", by=alice, now=at)
    assert searching.index_renamed(now=at + timedelta(days=20)) == 1


@pytest.mark.parametrize("letters", [2, 40])
def test_the_longest_texts_of_different_words_in_the_largest_letters_can_be_saved(written, alice, letters):
    # Four bytes a letter (CJK, extension B); every word occurs once.
    word_count = editing.BODY_LIMIT // (letters + 1)
    for position, section in enumerate(written.sections.all()):
        numbers = range(position * word_count, (position + 1) * word_count)
        words = ("".join(chr(0x20000 + number // 40_000**at % 40_000) for at in range(letters)) for number in numbers)
        editing.write(section, body=" ".join(words), by=alice)
    assert [each.postmortem for each in found("checkout")] == [written]


def test_the_extract_is_of_the_section_with_most_of_the_words_and_is_safe(written):
    (each,) = found("write cache")
    assert (each.where, str(each.extract)) == (
        "Root cause",
        "The <mark>write</mark> <mark>cache</mark> of db.primary-3 was off &amp; stayed off.",
    )
    assert not each.is_in_title
    (each,) = found("checkout")
    assert each.title == "<mark>Checkout</mark> &lt;fails&gt;"
    assert each.is_in_title


def test_extracts_cost_two_queries(written, alice, django_assert_num_queries):
    make.postmortem(by=alice, title="Checkout is slow")
    rows = list(Postmortem.objects.matching(search.query_for("checkout")).for_list())
    with django_assert_num_queries(2):
        assert len(searching.found_in(rows, "checkout")) == 2
    with django_assert_num_queries(0):
        assert [each.title for each in searching.found_in(rows, "")] == ["Checkout is slow", "Checkout &lt;fails&gt;"]


# ---- everywhere --------------------------------------------------------------------------------------------------


def everywhere(client, q, **headers):
    return client.get(reverse("home:search"), {"q": q, "all": 1}, **headers).content.decode()


def test_the_search_of_everything_shows_them_with_their_place(client, alice, written):
    client.force_login(alice)
    page = everywhere(client, "write cache")
    assert '<h2 id="h-postmortems">Postmortems</h2>' in page
    assert "<mark>write</mark> <mark>cache</mark> of db.primary-3" in page
    assert written.get_absolute_url() in page
    box = everywhere(client, "write cac", headers={"HX-Request": "true"})
    assert f'id="answer-postmortem-{written.pk}"' in box


def test_the_number_of_its_incident_finds_it(client, alice, written):
    client.force_login(alice)
    for q in (written.incident.reference, str(written.incident_id)):
        assert f'id="answer-postmortem-{written.pk}"' in everywhere(client, q, headers={"HX-Request": "true"})


@pytest.mark.parametrize(("q", "is_found"), [("severity:critical cache", True), ("severity:low cache", False),
                                             ("team:mine cache", False), ("is:postmortem cache", True)])  # fmt: skip
def test_prefixes_narrow_them_as_they_narrow_incidents(client, alice, written, q, is_found):
    client.force_login(alice)
    assert (written.get_absolute_url() in everywhere(client, q)) is is_found


def test_what_one_may_not_see_is_not_found(client, bob, written):
    Incident.objects.filter(pk=written.incident_id).update(is_private=True, assignee=bob)
    client.force_login(make.user("eve"))
    assert written.get_absolute_url() not in everywhere(client, "write cache")
    client.force_login(bob)
    assert written.get_absolute_url() in everywhere(client, "write cache")


def test_the_api_finds_the_same(alice, written, settings):
    (each,) = Caller(alice, "read").get("search?q=write+cache").json()["postmortems"]
    assert each == {
        "id": written.pk,
        "incident": written.incident.reference,
        "title": "Checkout <fails>",
        "state": "draft",
        "section": "Root cause",
        "extract": "The write cache of db.primary-3 was off & stayed off.",
        "url": settings.MUSTER.base_url + written.get_absolute_url(),
    }
