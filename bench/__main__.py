"""``script/prove [suite …]``: run the suites by name, or all of them."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable

from bench import (
    acknowledgements,
    agreement,
    automation,
    chaos,
    frozen,
    hostile,
    intake,
    latency,
    malformed,
    metrics,
    pager,
    pages,
    postmortems,
    rotations,
    schedules,
    screens,
    search,
    status,
    streams,
    subscribers,
    throughput,
    ticks,
    told,
    two_editors,
    weight,
)

SUITES: dict[str, Callable[[], None]] = {
    "intake": intake.main,
    "latency": latency.main,
    "throughput": throughput.main,
    "pages": pages.main,
    "search": search.main,
    "status": status.main,
    "streams": streams.main,
    "told": told.main,
    "subscribers": subscribers.main,
    "screens": screens.main,
    "ticks": ticks.main,
    "two_editors": two_editors.main,
    "weight": weight.main,
    "malformed": malformed.main,
    "hostile": hostile.main,
    "rotations": rotations.main,
    "schedules": schedules.main,
    "agreement": agreement.main,
    "pager": pager.main,
    "acknowledgements": acknowledgements.main,
    "frozen": frozen.main,
    "automation": automation.main,
    "postmortems": postmortems.main,
    "metrics": metrics.main,
    "chaos": chaos.main,
}


def main(names: list[str]) -> int:
    """0 when every suite kept its promises."""
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        print(f"No such suite: {', '.join(unknown)}. There are: {', '.join(SUITES)}.", file=sys.stderr)
        return 2
    print(f"{time.strftime('%Y-%m-%d %H:%M')} · {platform.machine()} · Python {platform.python_version()}")
    failed = []
    for name in names or list(SUITES):
        print(f"\n=== {name}")
        try:
            SUITES[name]()
        except AssertionError as error:
            failed.append(name)
            print(f"FAILED: {error}")
    print(f"\n{len(names or SUITES) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
