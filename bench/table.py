"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence


def show(title: str, rows: Sequence[Sequence[object]], *, head: Sequence[str]) -> None:
    """Print rows under a title, columns aligned."""
    cells = [list(head), *[[_text(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    print(f"\n{title}")
    for number, row in enumerate(cells):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))


def _text(cell: object) -> str:
    return (
        f"{cell:,.3f}"
        if isinstance(cell, float) and abs(cell) < 10
        else f"{cell:,.0f}"
        if isinstance(cell, float)
        else str(cell)
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; ``share`` from 0 to 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))] if ordered else float("nan")
