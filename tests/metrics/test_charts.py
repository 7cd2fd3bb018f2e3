"""Drawings are places and sizes that can be checked with a ruler, and figures are said in plain words."""

from __future__ import annotations

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import charts, wording
from metrics.charts import Part, Stack
from metrics.periods import Period

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000


def stack(name, *counts):
    kinds = ("critical", "high", "medium", "low")
    return Stack(name, name, [Part(kind, count, "") for kind, count in zip(kinds, counts, strict=True)], "/there")


def test_columns_stand_on_each_other_from_the_base_up():
    drawing = charts.columns([stack("one", 1, 0, 3, 0), stack("two", 0, 0, 0, 0)], title="", description="", plot=100)
    first, second = drawing.columns
    assert [(part.kind, part.y, part.height) for part in first.segments] == [
        ("critical", "89.0", "24.0"),  # a quarter of 100 pixels, less the gap
        ("medium", "14.0", "74.0"),
    ]
    assert [first.x, first.width, first.middle] == ["7.50%", "35.00%", "25.00%"]
    assert [second.segments, second.total, second.x] == [[], 0, "57.50%"]
    assert [tick.label for tick in drawing.ticks] == ["0", "1", "2", "3", "4"]
    assert [drawing.base, drawing.height] == [114, 138]


@given(st.integers(0, 3_000_000))
def test_an_axis_has_few_whole_numbers_and_reaches_the_highest(highest):
    marks = charts.steps(highest)
    assert marks[0] == 0
    assert marks[-1] >= max(1, highest)
    assert 2 <= len(marks) <= 6
    assert len({after - before for before, after in zip(marks, marks[1:], strict=False)}) == 1


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60))
def test_no_column_is_outside_its_drawing(counts):
    drawing = charts.columns(
        [stack(str(n), count, 0, 0, 0) for n, count in enumerate(counts)], title="", description=""
    )
    for column, count in zip(drawing.columns, counts, strict=True):
        assert column.total == count
        assert 0 <= float(column.x[:-1]) <= float(column.x[:-1]) + float(column.width[:-1]) <= 100.01
        for part in column.segments:
            assert float(part.y) >= 0
            assert float(part.y) + float(part.height) <= drawing.base + 0.1  # they are written with one digit
    assert drawing.columns[-1].is_named
    assert sum(column.is_named for column in drawing.columns) <= charts.MOST_NAMES


def test_a_line_has_gaps_where_nothing_is_known_and_a_lone_value_is_a_dot():
    line = charts.spark([0, 10, None, 5], title="", description="", limit=10)
    assert [line.path, line.dots] == ["M0.0 25.0 L33.3 3.0", "M100.0 14.0h0"]
    assert line.limit_y == "3.0"
    assert charts.spark([None, None], title="", description="").path == ""


def test_hours_of_the_week_have_levels_and_working_time():
    counts = [0] * 168
    counts[0], counts[9], counts[167] = 1, 8, 3
    off = charts.off_hours([1, 2, 3, 4, 5], time(9), time(17, 30))
    heat = charts.heat(counts, unit=("incident", "incidents"), off=off, hrefs=[f"/{hour}" for hour in range(168)])
    monday, sunday = heat.rows[0], heat.rows[6]
    assert [(cell.level, cell.is_off, cell.href) for cell in (monday.cells[0], monday.cells[9], monday.cells[10])] == [
        (1, True, "/0"),
        (4, False, "/9"),
        (0, False, ""),
    ]
    assert [monday.cells[17].is_off, monday.cells[18].is_off, sunday.cells[12].is_off] == [False, True, True]
    assert [monday.cells[9].words, sunday.cells[23].words] == ["Monday 09:00: 8 incidents", "Sunday 23:00: 3 incidents"]
    assert [step.words for step in heat.scale] == ["0", "1 to 2", "3 to 4", "5 to 6", "7 to 8"]
    assert 17 in charts.off_hours([1], time(9), time(17))


def test_a_meter_is_missed_below_its_target_only():
    assert charts.meter(9, 10, target=90).is_missed is False
    assert charts.meter(899, 1000, target=90).is_missed is True
    assert charts.meter(0, 0, target=90).is_missed is False
    assert [charts.meter(3, 4).width, charts.meter(3, 4, target=90).notch] == ["75.00%", "90.00%"]


def test_parts_of_a_bar_fill_it():
    bar = charts.strip([("a", 30, "A"), ("b", 0, "B"), ("c", 10, "C")])
    assert [(part.kind, part.x, part.width) for part in bar] == [("a", "0.00%", "75.00%"), ("c", "75.00%", "25.00%")]


@pytest.mark.parametrize(
    ("microseconds", "words"),
    [
        (None, "–"),
        (0, "0 s"),
        (400_000, "0.4 s"),
        (45 * SECOND, "45 s"),
        (134 * SECOND, "2 min 14 s"),
        (5 * MINUTE, "5 min"),
        (41 * MINUTE + SECOND, "41 min"),
        (HOUR + 31 * MINUTE, "1 h 31 min"),
        (26 * HOUR, "1 d 2 h"),
    ],
)
def test_lengths_in_words(microseconds, words):
    assert wording.length(microseconds) == words


def test_shares_are_rounded_down_so_that_none_looks_better_than_it_is():
    assert wording.percent(899, 1000) == "89 %"
    assert wording.percent(999, 1000) == "99 %"
    assert wording.percent(1000, 1000) == "100 %"
    assert wording.percent(1, 1000) == "under 1 %"
    assert [wording.percent(0, 1000), wording.percent(0, 0)] == ["0 %", "–"]


def test_changes_in_words_and_none_of_few():
    assert wording.faster(78, 100, n=5, n_before=5) == "22 % faster"
    assert wording.faster(111, 100, n=9, n_before=9) == "11 % slower"
    assert wording.faster(100.2, 100, n=9, n_before=9) == "no change"
    assert wording.faster(250, 100, n=9, n_before=9) == "2.5 times as long"
    assert wording.faster(50, 100, n=4, n_before=12) == "too few to compare: 4 now, 12 before"
    assert wording.faster(None, 100, n=0, n_before=12) == "nothing to compare"
    assert wording.faster(50, None, n=8, n_before=0) == "none before"
    assert [wording.more(63, 67), wording.more(9, 8), wording.more(8, 8)] == [
        "4 fewer than before",
        "1 more than before",
        "as many as before",
    ]
    assert wording.points(95, 100, 90, 100) == "was 90 %"
    assert wording.points(3, 4, 90, 100) == "too few to compare: 4 now, 100 before"
    assert [wording.few(0), wording.few(3), wording.few(5)] == ["none", "only 3", ""]
    assert [wording.of_few(9), wording.of_few(10)] == ["of 9: close to the longest", ""]


def test_days_in_words():
    assert wording.days(Period.of_days(date(2026, 7, 20), date(2026, 10, 14), "UTC")) == "20 Jul to 14 Oct 2026"
    assert wording.days(Period.of_days(date(2025, 12, 20), date(2026, 1, 3), "UTC")) == "20 Dec 2025 to 3 Jan 2026"
    assert wording.days(Period.of_days(date(2026, 1, 3), date(2026, 1, 3), "UTC")) == "3 Jan 2026"
