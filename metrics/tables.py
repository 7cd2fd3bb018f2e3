"""Rows of a file of figures, before they are written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from incidents.export import harmless

if TYPE_CHECKING:
    from datetime import datetime

Value = str | int


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds; None stands for what there is nothing to say of."""

    header: tuple[str, ...]
    rows: list[tuple[Value | None, ...]]


def cell(value: Value | None) -> Value:
    """As it stands in the file: nothing that a spreadsheet would take for a formula."""
    return "" if value is None else harmless(value) if isinstance(value, str) else value


def moment(at: datetime | None) -> str | None:
    """2026-10-14T01:47:08.250000Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}" if at else None
