"""Reading runs of values, and remembering them: what a week held seldom changes, and a median needs every value."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from django.db.models import CharField
from django.db.models.expressions import RawSQL

from core.expressions import IsOneOf
from core.together import as_bytes
from metrics.measures import SIZES
from metrics.models import Series
from metrics.samples import Run, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from django.db.models import QuerySet

MOST_BYTES = 64 * 1024 * 1024  # of a process: two years of a million incidents are 18 MB

# Which version of a row it is: the transaction that wrote it, and where it lies, as one may write it twice.
VERSION = RawSQL("metrics_series.xmin::text || metrics_series.ctid::text", [], output_field=CharField())


class _Memory:
    """Runs by the key and the version of their row; those that were not asked for longest are forgotten first."""

    def __init__(self, most_bytes: int) -> None:
        self.most, self.size = most_bytes, 0
        self._lock = threading.Lock()
        self._runs: OrderedDict[int, tuple[str, Run]] = OrderedDict()

    def recall(self, key: int, version: str) -> Run | None:
        """What is remembered of that version of a row."""
        with self._lock:
            known = self._runs.get(key)
            if known is None or known[0] != version:
                return None
            self._runs.move_to_end(key)
            return known[1]

    def keep(self, key: int, version: str, run: Run) -> None:
        """Remember it in place of another version, and forget what is too much."""
        with self._lock:
            before = self._runs.pop(key, None)
            self._runs[key] = version, run
            self.size += _size(run) - (_size(before[1]) if before else 0)
            while self.size > self.most and len(self._runs) > 1:
                _, (_, oldest) = self._runs.popitem(last=False)
                self.size -= _size(oldest)


def _size(run: Run) -> int:
    return len(run) * run.itemsize


_memory = _Memory(MOST_BYTES)


def read(rows: QuerySet[Series]) -> Iterator[tuple[str, date, str, Run]]:
    """Measure, week, severity and values of some series; only what this process does not know is fetched whole."""
    found: list[tuple[Any, ...]] = list(
        rows.annotate(version=VERSION).values_list("pk", "version", "measure", "week", "severity")
    )
    known = {pk: _memory.recall(pk, version) for pk, version, *_ in found}
    new = _fetched([pk for pk, run in known.items() if run is None])
    for pk, _, measure, week, severity in found:
        run = known[pk]
        if run is None:
            run = new.get(pk)
        if run is not None:  # else it has just gone
            yield measure, week, severity, run


def _fetched(keys: list[int]) -> dict[int, Run]:
    if not keys:
        return {}
    found = {}
    rows = Series.objects.filter(IsOneOf("pk", keys)).annotate(version=VERSION)
    for pk, version, measure, values in as_bytes(rows.values_list("pk", "version", "measure", "values")):
        found[pk] = unpacked(values, SIZES.get(measure, 8))
        _memory.keep(pk, version, found[pk])
    return found
