"""What changes in the sums when some facts do: it costs what the change is worth, not what the weeks hold.

What the facts come to before and after is found by the same queries that all sums are made with (``metrics.cells``), so
a rebuild says the same.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import connection

from core.expressions import IsOneOf
from metrics.cells import COLUMNS, load_again, queries, week_of
from metrics.measures import MEASURES, MOST, NAMES, SIZES
from metrics.models import Fact, Interruption, Series, Tally
from metrics.samples import TYPES, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from metrics.models import Cell

Key = tuple[Any, ...]  # the values of a cell's KEYS, and of a series its measure


class Astray(Exception):
    """The sums are not those of the facts that there were."""


@dataclass
class Worth:
    """What some incidents come to in the sums, as they are now; ``people`` are those whose weeks they are in."""

    numbers: dict[Key, list[int]] = field(default_factory=dict)
    values: dict[Key, Counter[int]] = field(default_factory=dict)
    people: dict[date, set[int]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, incidents: Sequence[int]) -> Worth:
        """Of their facts and interruptions."""
        found = cls()
        for model, rows in queries(Fact.objects.filter(IsOneOf("pk", list(incidents)))):
            for *key, value in rows:
                if model is Tally:
                    found.numbers[tuple(key)] = value
                else:
                    found.values[tuple(key)] = Counter(unpacked(value, size_of(key)))
        pages = Interruption.objects.filter(IsOneOf("incident_id", list(incidents)))
        for hour, user in pages.values_list("local_hour", "user_id"):
            found.people[week_of(hour)].add(user)
        return found


def size_of(key: Sequence[Any]) -> int:
    """Bytes of a value of a series."""
    return SIZES.get(key[-1], 8)


def apply(before: Worth, after: Worth, *, is_strict: bool) -> None:
    """Change the sums by the difference. Raises Astray, before anything is written, where what is to be taken away is
    not there; without ``is_strict``, while everything is being made anew, it takes away what there is."""
    tallies = _tallies(before, after, is_strict=is_strict)
    series = _series(before, after, is_strict=is_strict)
    _write(Tally, tallies)
    _write(Series, series)
    people = {week: before.people.get(week, set()) | after.people.get(week, set()) for week in before.people}
    for week, some in {**after.people, **people}.items():
        load_again(week, sorted(some))


def _tallies(before: Worth, after: Worth, *, is_strict: bool) -> dict[Key, list[int] | None]:
    """The new numbers of each cell that changes; None where nothing is left."""
    nothing = [0] * len(NAMES)
    changed = [key for key in {**before.numbers, **after.numbers} if before.numbers.get(key) != after.numbers.get(key)]
    known, made = _known(Tally, changed), {}
    for key in changed:
        there = known.get(key, nothing)
        there = there + nothing[len(there) :]  # a measure may be newer than the sums
        rows = (there, after.numbers.get(key, nothing), before.numbers.get(key, nothing))
        numbers = [held + new - old for held, new, old in zip(*rows, strict=True)]
        is_cut = MOST in there  # what is taken away from a sum that was cut off leaves nothing that is true
        if is_cut or any(numbers[place] < 0 for place in _COUNTS):
            if is_strict:
                raise Astray(f"{key}: {numbers}")
            numbers = after.numbers.get(key, nothing)
        made[key] = [min(number, MOST) for number in numbers] if any(numbers) else None
    return made


def _series(before: Worth, after: Worth, *, is_strict: bool) -> dict[Key, bytes | None]:
    """The same of values."""
    changed = [key for key in {**before.values, **after.values} if before.values.get(key) != after.values.get(key)]
    known, made = _known(Series, changed), {}
    for key in changed:
        run: array[int] = unpacked(known.get(key, b""), size_of(key))
        old, new = before.values.get(key, Counter()), after.values.get(key, Counter())
        for value in (old - new).elements():
            place = bisect_left(run, value)
            if place < len(run) and run[place] == value:
                del run[place]
            elif is_strict:
                raise Astray(f"{key}: there is no {value}")
        if more := list((new - old).elements()):
            run = array(TYPES[size_of(key)], sorted([*run, *more]))
        made[key] = packed(run) if run else None
    return made


def _known(model: type[Cell], keys: Sequence[Key]) -> dict[Key, Any]:
    """What the rows of some cells hold."""
    *names, value = COLUMNS[model]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {_listed(names)}, "{value}" FROM {model._meta.db_table}
            JOIN {_given(model)} USING ({_listed(names)})""",  # noqa: S608
            _columns(model, keys),
        )
        return {tuple(key): held for *key, held in cursor.fetchall()}


def _write(model: Any, rows: dict[Key, Any]) -> None:
    *names, value = COLUMNS[model]
    gone = [key for key, held in rows.items() if held is None]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""DELETE FROM {model._meta.db_table} AS sum USING {_given(model)}
            WHERE ({_listed(names, "sum.")}) = ({_listed(names, "cell.")})""",  # noqa: S608
            _columns(model, gone),
        )
    model.objects.bulk_create(
        [
            model(**dict(zip(names, key, strict=True)), **{value: held})
            for key, held in rows.items()
            if held is not None
        ],
        update_conflicts=True,
        unique_fields=names,
        update_fields=[value],
        batch_size=1_000,
    )


def _listed(names: Iterable[str], of: str = "") -> str:
    return ", ".join(f'{of}"{name}"' for name in names)


def _given(model: type[Cell]) -> str:
    """Cells that are named by arrays, one for each of their columns."""
    types = ["text", "bigint", "date", "text", "text"][: len(COLUMNS[model]) - 1]
    arrays = ", ".join(f"%s::{name}[]" for name in types)
    return f"unnest({arrays}) AS cell ({_listed(COLUMNS[model][:-1])})"


def _columns(model: type[Cell], keys: Sequence[Key]) -> list[list[Any]]:
    return [[key[n] for key in keys] for n in range(len(COLUMNS[model]) - 1)]


# The places of those that are never negative.
_COUNTS = [place for place, measure in enumerate(MEASURES) if not measure.amount.endswith("_us")]
