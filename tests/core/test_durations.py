"""Lengths of time as people read them."""

import pytest

from core.durations import clock, measured, words


@pytest.mark.parametrize(
    ("seconds", "text", "padded"),
    [
        (-5, "0:00", "00:00"),
        (0, "0:00", "00:00"),
        (0.99, "0:00", "00:00"),
        (52, "0:52", "00:52"),
        (108, "1:48", "01:48"),
        (725, "12:05", "12:05"),
        (3599, "59:59", "59:59"),
        (3600, "1 h 00 min", "1 h 00 min"),
        (11_040, "3 h 04 min", "3 h 04 min"),
        (86_399, "23 h 59 min", "23 h 59 min"),
        (86_400, "1 d 0 h", "1 d 0 h"),
    ],
)
def test_clock_counts_minutes_and_seconds_below_an_hour(seconds: float, text: str, padded: str) -> None:
    assert (clock(seconds), clock(seconds, is_padded=True)) == (text, padded)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (45.9, "45 s"),
        (60, "1 min"),
        (2299, "38 min"),
        (3600, "1 h"),
        (4320, "1 h 12 min"),
        (11_040, "3 h 04 min"),
        (36_000, "10 h"),
        (86_400, "1 d"),
        (187_200, "2 d 4 h"),
        (864_000, "10 d"),
        (8_640_000, "100 d"),
    ],
)
def test_words_are_the_two_largest_units(seconds: float, text: str) -> None:
    assert words(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-0.01, "0.00 s"),
        (0.042, "0.04 s"),
        (0.42, "0.4 s"),
        (9.9, "9.9 s"),
        (10, "10 s"),
        (12.3, "12 s"),
        (119.9, "119 s"),
        (135, "2:15 min"),
        (3600, "1 h"),
    ],
)
def test_a_stopwatch_shows_tenths_where_they_matter(seconds: float, text: str) -> None:
    assert measured(seconds) == text
