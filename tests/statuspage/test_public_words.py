"""The fixed words of public pages, their dates, lengths and shares."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime

import pytest

from incidents.models import StatusUpdate
from statuspage.models import Health, StatusPage
from statuspage.words import LANGUAGES, Words

AT = datetime(2026, 10, 14, 1, 5, tzinfo=UTC)


def fields(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def test_every_language_of_a_page_has_the_same_words_with_the_same_gaps():
    assert sorted(LANGUAGES) == sorted(StatusPage.Locale.values)
    english = LANGUAGES["en"].WORDS
    for language in LANGUAGES.values():
        assert sorted(language.WORDS) == sorted(english)
        assert {key: fields(text) for key, text in language.WORDS.items()} == {
            key: fields(text) for key, text in english.items()
        }
        assert (len(language.MONTHS.split()), len(language.SHORT_MONTHS.split())) == (12, 12)
        assert len(language.WEEKDAYS.split()) == 7


@pytest.mark.parametrize(
    ("locale", "full", "day", "month"),
    [
        ("en", "14 Oct 2026, 03:05 CEST", "Wed 14 Oct", "October 2026"),
        ("de", "14. Okt. 2026, 03:05 CEST", "Mi., 14. Okt.", "Oktober 2026"),
        ("fr", "14 oct. 2026, 03:05 CEST", "mer. 14 oct.", "octobre 2026"),
        ("es", "14 oct 2026, 03:05 CEST", "mié, 14 oct", "octubre de 2026"),
        ("xx", "14 Oct 2026, 03:05 CEST", "Wed 14 Oct", "October 2026"),
    ],
)
def test_dates_are_written_as_the_language_writes_them(locale, full, day, month):
    words = Words(locale, "Europe/Berlin")
    assert (words.full(AT), words.day(date(2026, 10, 14)), words.month(date(2026, 10, 14))) == (full, day, month)


@pytest.mark.parametrize(
    ("zone", "named", "offset"),
    [
        ("Europe/Berlin", "CEST", "UTC+2"),
        ("UTC", "UTC", "UTC"),
        ("America/Sao_Paulo", "UTC-3", "UTC-3"),
        ("Asia/Kathmandu", "UTC+5:45", "UTC+5:45"),
        ("America/St_Johns", "NDT", "UTC-2:30"),
    ],
)
def test_a_zone_without_letters_is_named_by_its_offset(zone, named, offset):
    assert (Words("en", zone).zone_at(AT), Words("en", zone).offset_at(AT)) == (named, offset)


def test_a_clock_has_its_day_where_the_reader_would_take_it_for_another():
    words = Words("en", "Europe/Berlin")
    assert words.clock(AT, beside=AT) == "03:05 CEST"
    assert words.clock(datetime(2026, 10, 13, 21, 59, tzinfo=UTC), beside=AT) == "13 Oct, 23:59 CEST"
    assert words.short(datetime(2025, 12, 31, 23, 30, tzinfo=UTC), beside=AT) == "1 Jan, 00:30 CET"
    assert words.short(datetime(2025, 12, 31, 22, 30, tzinfo=UTC), beside=AT) == "31 Dec 2025, 23:30 CET"


def test_a_span_names_both_days_and_both_zones_where_they_differ():
    words = Words("en", "Europe/Berlin")
    start = datetime(2026, 10, 18, 2, 0, tzinfo=UTC)
    assert words.span(start, start.replace(hour=3)) == "Sun 18 Oct 2026, 04:00 to 05:00 CEST"
    assert words.span(start, start.replace(day=19)) == "Sun 18 Oct 2026, 04:00 to Mon 19 Oct, 04:00 CEST"
    autumn = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert words.span(autumn, autumn.replace(hour=1)) == "Sun 25 Oct 2026, 02:30 CEST to 02:30 CET"


@pytest.mark.parametrize(
    ("locale", "seconds", "said"),
    [
        ("en", 0, "0 seconds"),
        ("en", 59, "59 seconds"),
        ("en", 60, "1 minute"),
        ("en", 4320, "1 hour 12 minutes"),
        ("en", 7200, "2 hours"),
        ("en", 187_200, "2 days 4 hours"),
        ("de", 2280, "38 Minuten"),
        ("fr", 0, "0 seconde"),
        ("es", 3600, "1 hora"),
    ],
)
def test_lengths_are_said_in_their_two_largest_units(locale, seconds, said):
    assert Words(locale, "UTC").length(seconds) == said


@pytest.mark.parametrize(
    ("locale", "share", "said"),
    [
        ("en", 1.0, "100\xa0%"),
        ("en", 0.99999999, "99.99\xa0%"),
        ("en", 0.9982, "99.82\xa0%"),
        ("de", 0.99829, "99,82\xa0%"),
        ("en", 0.5, "50\xa0%"),
        ("en", 0.0, "0\xa0%"),
    ],
)
def test_shares_are_rounded_down_so_that_all_of_it_is_said_of_all_of_it_only(locale, share, said):
    assert Words(locale, "UTC").percent(share) == said


def test_names_are_listed_as_people_list_them():
    words = Words("de", "UTC")
    assert [words.listed(names) for names in ([], ["A"], ["A", "B"], ["A", "B", "C"])] == [
        "", "A", "A und B", "A, B und C",
    ]  # fmt: skip


def test_every_health_and_every_status_has_words():
    values = [*Health.values, *StatusUpdate.Status.values]
    assert [value for value in values if not Words("fr", "UTC").say(value)] == []
