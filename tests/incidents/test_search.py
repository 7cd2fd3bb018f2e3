"""Finding incidents by words: what is a word, where they are looked for, and that no text breaks it."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from incidents import changes, lifecycle, listing, querysets, search, timeline
from incidents.models import Incident, TimelineEntry
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["by the index", "by reading"], autouse=True)
def way(request, monkeypatch, db):
    """In a small table every word is common, so documents are read; a word that is never common is looked up.

    Numbers begin at 1, because how common a word is is learnt from numbers spread over all that were given.
    """
    with connection.cursor() as cursor:
        cursor.execute("ALTER SEQUENCE incidents_incident_id_seq RESTART")
    if request.param == "by the index":
        monkeypatch.setattr(querysets, "COMMON", 0)
    return request.param


def found(text, *, as_typed=False):
    """Titles of what a text finds, in alphabetical order."""
    query = search.query_for(text, as_typed=as_typed)
    return [] if query is None else sorted(row.title for row in Incident.objects.matching(query))


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("kafka", True),
        ("KAFKA Lag", True),
        ("lag kafka", True),
        ("kafka zookeeper", False),
        ("lagging", True),
        ("consumers", True),
        ("db", True),
        ("primary", True),
        ("db.primary-3", True),
        ("primary_3", True),
        ("3", True),
        ("4", False),
        ("is down", True),
        ("the", True),
        ("down", True),
        ("up", False),
        ("größe", True),
        ("GRÖSSE", False),
        ("日本語", True),
        ("naïve", True),
        ("naive", False),
        ("5xx", True),
        ("v2", True),
        ("v2.1", True),
        ("orders/api", True),
        ("kaf", False),
        ("kafka's lag", False),
        ("'kafka'", True),
    ],
)
def test_all_words_must_be_there_in_any_order_whatever_stands_between_them(text, finds, now):
    description = "The consumer is down: größe, 日本語, naïve. 5xx from orders/api v2.1 at /var/log/kafka_lag."
    make.incident(title="Kafka lag on db.primary-3", description=description, at=now)
    make.incident(title="Something else", at=now)
    assert found(text) == (["Kafka lag on db.primary-3"] if finds else [])


def test_words_may_be_spread_over_title_description_and_notes(alice, now):
    incident = make.incident(title="Checkout slow", description="Since the deploy", at=now)
    timeline.add_note(incident, text="Rolled **back** `payments-api`", by=alice, now=now)
    for text in ("checkout deploy payments", "slow rolled", "back api"):
        assert found(text) == ["Checkout slow"], text
    assert found("checkout zebra") == []


def test_title_and_description_are_found_as_they_are_now(alice, now):
    incident = make.incident(title="Checkout slow", description="By memory", at=now)
    changes.edit(incident, by=alice, title="Cart slow", description="By disk", now=now)
    assert [found(text) for text in ("checkout", "cart", "memory", "disk")] == [[], ["Cart slow"], [], ["Cart slow"]]


def test_a_corrected_note_is_found_by_what_it_says_now(alice, now):
    incident = make.incident(title="One", at=now)
    first = timeline.add_note(incident, text="It is Zanzibar", by=alice, now=now)
    timeline.add_note(incident, text="And Walrus", by=alice, now=now)
    timeline.correct_note(first, text="It is Madagascar", at=first.at, by=alice, now=now + MINUTE)
    assert [found(text) for text in ("zanzibar", "madagascar", "walrus")] == [[], ["One"], ["One"]]


def test_what_muster_itself_writes_on_the_timeline_is_not_searched(alice, now):
    incident = make.incident(title="One", at=now)
    lifecycle.acknowledge(incident, by=alice, now=now)
    timeline.record_mitigation(incident, kind="scaled", text="Walrus", by=alice, now=now)
    assert (found("acknowledged"), found("walrus")) == ([], [])


def test_changing_an_incident_keeps_the_words_of_its_notes(alice, now):
    incident = make.incident(title="One", at=now)
    timeline.add_note(incident, text="Walrus", by=alice, now=now)
    Incident.objects.get(pk=incident.pk).save()
    lifecycle.resolve(incident, by=alice, now=now)
    changes.edit(incident, by=alice, title="Two", now=now)
    assert found("walrus two") == ["Two"]


# ---- while somebody types ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["connection", "replication", "deployment", "primaries", "planning", "availability", "organizations"]
)
def test_a_word_is_found_from_its_third_letter_to_its_last(word, now):
    make.incident(title=f"Trouble with {word}", at=now)
    assert found(word[:2], as_typed=True) == []
    typed = [word[:length] for length in range(3, len(word) + 1)]
    assert [text for text in typed if found(text, as_typed=True) != [f"Trouble with {word}"]] == []
    assert [text for text in typed if found(f"trouble {text}", as_typed=True) != [f"Trouble with {word}"]] == []


def test_only_the_last_word_may_be_unfinished(now):
    make.incident(title="Kafka consumer lag", at=now)
    assert found("kafka cons", as_typed=True) == ["Kafka consumer lag"]
    assert found("kaf consumer", as_typed=True) == []
    assert found("kafka cons ", as_typed=True) == []
    assert found("kafka cons.", as_typed=True) == []
    assert found("kafka cons") == []


def test_numbers_and_names_of_machines_are_found_as_they_are_typed(now):
    make.incident(title="Disk full on web-1042 v2beta", at=now)
    for text in ("104", "web-104", "v2b", "full 1042"):
        assert found(text, as_typed=True) == ["Disk full on web-1042 v2beta"], text
    assert found("v2x", as_typed=True) == []


# ---- any text ----------------------------------------------------------------------------------------------------

HOSTILE = [
    "",
    " ",
    "!!!",
    "& | ! ( ) :*",
    "a & | b",
    "kafka:*",
    "kafka:A",
    "!kafka",
    "kafka & !lag",
    "'kafka",
    "''",
    "'a' | 'b'",
    'kafka"; DROP TABLE incidents_incident; --',
    "\\",
    "kafka\\",
    "\\'kafka",
    "<->",
    "kafka <2> lag",
    "%s %(a)s {0} {table}",
    "²½¼ ᴬ ٣",
    "\u0301\u200b\u202e",
    "\ufffd",
    "-",
    "1e5 1.5 0x1f -3 +4 1e999",
    "x@y.zz http://a.b/c?d=e&f /etc/passwd",
    "a" * 5000,
    "ä" * 3000,
    "word " * 3000,
    " ".join(f"w{number}" for number in range(500)),
    "the is of a",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_breaks_a_search(text, now):
    make.incident(title="Kafka lag", at=now)
    for as_typed in (False, True):
        query = search.query_for(text, as_typed=as_typed)
        assert (query is None) == (not search.words_of(text))
        if query is not None:
            list(Incident.objects.matching(query))


def test_signs_of_the_query_language_are_only_punctuation(now):
    make.incident(title="Kafka lag", at=now)
    make.incident(title="Other", at=now)
    for text in ("!kafka", "kafka:*", "kafka | lag", "(kafka", "kafka\\", "'kafka' & !lag", "kafka <-> lag", "kafka:A"):
        assert found(text) == ([] if text == "kafka:A" else ["Kafka lag"]), text


def test_endless_words_are_found_by_their_beginning(now):
    title = "x" * 150
    make.incident(title=title, at=now)
    assert found("x" * 120) == [title]
    assert found("x" * 90) == []


def test_a_search_has_at_most_sixteen_words(now):
    words = [f"word{number}" for number in range(40)]
    make.incident(title="One", description=" ".join(words[:20]), at=now)
    assert search.words_of(" ".join(words)) == words[:16]
    assert found(" ".join(words)) == ["One"]


# ---- how it is found ---------------------------------------------------------------------------------------------


def test_asking_costs_one_query_before_the_list(way, now):
    make.incident(title="Kafka lag", at=now)
    with CaptureQueriesContext(connection) as queries:
        rows = Incident.objects.matching(search.query_for("kafka"))
        assert len(queries) == 1
        assert [row.title for row in rows] == ["Kafka lag"]
    assert len(queries) == 2
    assert ("ts_match_vq" in queries[1]["sql"]) == (way == "by reading")


def test_too_many_to_name_are_read(monkeypatch, now):
    monkeypatch.setattr(querysets, "COMMON", 0)
    monkeypatch.setattr(querysets, "MOST_FOUND", 2)
    for number in range(3):
        make.incident(title=f"Kafka {number}", at=now)
    make.incident(title="Other", at=now)
    with CaptureQueriesContext(connection) as queries:
        assert found("kafka") == ["Kafka 0", "Kafka 1", "Kafka 2"]
    assert "ts_match_vq" in queries[1]["sql"]


def test_every_order_finds_the_same(alice, now):
    for number in range(6):
        incident = make.incident(title=f"Kafka {number % 3}", at=now - number * MINUTE, assignee=alice)
        if number % 2:
            lifecycle.resolve(incident, by=alice, now=now)
    make.incident(title="Other", at=now)
    rows = Incident.objects.visible_to(alice).matching(search.query_for("kafka"))
    for sort in listing.SORTS:
        for period, count in (("all", 6), ("recent", 6), ("active", 3)):
            page = listing.page(listing.rows_of(period, rows, now=now), sort=sort, cursor=None)
            assert len(page.items) == count, (sort, period)
    assert (listing.counts(rows, now=now).all, listing.counts(rows, now=now).active) == (6, 3)


def test_what_many_have_is_counted_less_far(way, monkeypatch, now):
    monkeypatch.setattr(querysets, "MOST_COUNTED_BY_READING", 2)
    for number in range(4):
        make.incident(title=f"Kafka {number}", at=now)
    counts = listing.counts(Incident.objects.matching(search.query_for("kafka")), now=now)
    assert str(counts.all) == ("2+" if way == "by reading" else "4")


# ---- what notes may be -------------------------------------------------------------------------------------------


def letters(count, *, seed):
    """Words of one letter, each of four bytes and hardly one twice: as much index as a text can ask for."""
    chance = random.Random(seed)
    return " ".join(chr(chance.randrange(0x20000, 0x2A6DF)) for _ in range(count))


@pytest.mark.parametrize("word", [letters, lambda count, *, seed: ("y" * 250 + " ") * (count // 126)])
def test_the_longest_texts_never_fail_a_write(word, alice, now):
    incident = make.incident(title=letters(125, seed=1), description=word(25_000, seed=2), at=now)
    for number in range(12):
        timeline.add_note(incident, text=f"note{number} {word(9_900, seed=number)}", by=alice, now=now)
    changes.edit(incident, by=alice, description=word(25_000, seed=3), now=now)
    assert len(found("note11")) == 1
    assert found("note1") == []  # beyond the limit the newest notes count


def test_a_word_that_is_longer_than_an_index_holds_is_left_out(alice, now):
    incident = make.incident(title="One", at=now)
    timeline.add_note(incident, text=f"before {'z' * 3000} after", by=alice, now=now)
    assert (found("before after"), found("z" * 3000)) == (["One"], [])


def test_of_very_many_notes_the_newest_count(alice, now, monkeypatch):
    monkeypatch.setattr(search, "MOST_NOTES", 3)
    incident = make.incident(title="One", at=now)
    for number in range(5):
        timeline.add_note(incident, text=f"note{number}", by=alice, now=now)
    assert [bool(found(f"note{number}")) for number in range(5)] == [False, False, True, True, True]


@pytest.mark.django_db(transaction=True)
def test_two_who_correct_different_notes_at_once_are_both_found(alice, bob, now):
    """The second waits for the first and then indexes what both have written."""
    incident = make.incident(title="One", at=now)
    notes = [timeline.add_note(incident, text=f"draft{number}", by=alice, now=now) for number in range(2)]
    has_corrected, may_commit = threading.Event(), threading.Event()

    def correct(entry: TimelineEntry, word: str, *, is_first: bool) -> None:
        try:
            with transaction.atomic():
                timeline.correct_note(entry, text=word, at=entry.at, by=bob, now=now + timedelta(hours=1))
                if is_first:
                    has_corrected.set()
                    may_commit.wait(10)
        finally:
            connections.close_all()

    first = threading.Thread(target=correct, args=(notes[0], "walrus"), kwargs={"is_first": True})
    second = threading.Thread(target=correct, args=(notes[1], "zebra"), kwargs={"is_first": False})
    first.start()
    assert has_corrected.wait(10)
    second.start()
    second.join(0.3)
    assert second.is_alive()
    may_commit.set()
    first.join(10)
    second.join(10)
    assert [found(word) for word in ("walrus", "zebra", "draft0", "draft1")] == [["One"], ["One"], [], []]
