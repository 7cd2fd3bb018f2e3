"""Everybody who says who is on call says the same: the pager, the pages, the calendar feed and the API.

The cases are those of bench.agreement_inside, which asks them all, in an installation of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys

from bench import million, table
from incidents_site.config import BASE_DIR

SCHEDULES, INSTANTS = 200, 100
INSIDE = (
    f"import django; django.setup(); from bench import agreement_inside; agreement_inside.main({SCHEDULES}, {INSTANTS})"
)


def main() -> None:
    """Print the table; fails with the first disagreements."""
    with million.installation(1_000) as muster:
        argv = [sys.executable, "-c", INSIDE]
        out = subprocess.run(argv, cwd=BASE_DIR, env=muster.env, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(out.splitlines()[-1])
    rows: list[list[object]] = [
        ["instants at which all seven were asked", f"{found['instants']:,}"],
        ["of them within 3 h of a handoff or transition", f"{found['near']:,}"],
        ["of them in a gap", f"{found['gaps']:,}"],
        ["weeks whose shifts and gaps were summed", f"{found['weeks']:,}"],
        ["disagreements (asked: 0)", len(found["wrong"])],
    ]
    table.show(f"Who is on call by {SCHEDULES} schedules", rows, head=["", ""])
    assert found["near"] * 2 >= found["instants"], "too few instants near a handoff or transition"
    assert not found["wrong"], "\n".join(found["wrong"][:3])
