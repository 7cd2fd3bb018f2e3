"""Means, medians and percentiles of runs that are never put into one list are those of the whole list."""

from __future__ import annotations

import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import samples
from metrics.samples import Run, Sample, packed, unpacked

MOST = 10 * 366 * 86_400 * 1_000_000  # ten years in microseconds
VALUES = st.one_of(st.integers(0, 5), st.integers(-1_000, 1_000_000), st.integers(-MOST, MOST))
RUNS = st.lists(st.lists(VALUES, max_size=12).map(sorted), max_size=8)


def sample(runs):
    return Sample([Run("q", run) for run in runs])


def percentile_cont(values, of, parts):
    """As the SQL standard says, in exact arithmetic: row number 1 + (n - 1) p, between its neighbours."""
    ordered = sorted(values)
    row = Fraction((len(ordered) - 1) * of, parts)
    low = int(row)
    high = low + (row != low)
    return ordered[low] + (row - low) * (ordered[high] - ordered[low])


@given(RUNS)
def test_describes_all_its_values(runs):
    values, found = [value for run in runs for value in run], sample(runs)
    assert found.n == len(values)
    if not values:
        assert (found.mean, found.median, found.p90) == (None, None, None)
        return
    assert found.mean == float(Fraction(sum(values), len(values)))
    assert found.median == statistics.median(values)
    if len(values) > 1:
        p90 = Fraction(statistics.quantiles([Fraction(value) for value in values], n=10, method="inclusive")[8])
        assert abs(Fraction(found.p90) - p90) <= abs(p90) * Fraction(1, 2**50) + Fraction(1, 2**20)


@given(RUNS, st.integers(0, 100))
def test_a_quantile_is_that_of_percentile_cont(runs, percent):
    values = [value for run in runs for value in run]
    found = sample(runs).quantile(percent, 100)
    if values:
        exact = percentile_cont(values, percent, 100)
        assert abs(Fraction(found) - exact) <= abs(exact) * Fraction(1, 2**50) + Fraction(1, 2**20)
    else:
        assert found is None


@given(RUNS, st.integers(0, 5))
def test_every_rank_is_that_of_the_sorted_list(runs, most):
    values, found = sorted(value for run in runs for value in run), sample(runs)
    pairs = list(zip(values, [*values[1:], *values[-1:]], strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "MOST_SORTED", most)
        assert [found.ranked(place) for place in range(len(values))] == pairs


@pytest.mark.parametrize("size", [2, 8])
@given(st.data())
def test_what_the_database_packs_is_unpacked(size, data):
    values = data.draw(st.lists(st.integers(-(2 ** (8 * size - 1)), 2 ** (8 * size - 1) - 1)))
    kept = b"".join(value.to_bytes(size, "big", signed=True) for value in values)
    assert list(unpacked(kept, size)) == values
    assert packed(unpacked(kept, size)) == kept
