"""The pager among anything that can happen: lives of fifty steps against a model (bench.pager_machine).

``python -m bench.pager SEED LIVES`` is one of them; it works on the database that the environment names.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack

from bench import table

LIVES, STEPS, PROCESSES = 2_000, 50, 2
SEED = 20261124


def live(seed: int, lives: int, *, steps: int = STEPS) -> None:
    """So many lives, always the same ones for one seed; inside a transaction of the caller's. Raises what is wrong."""
    from hypothesis import HealthCheck, Phase, settings  # noqa: PLC0415 - Django is set up by now
    from hypothesis import seed as seeded  # noqa: PLC0415
    from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415

    from bench.pager_machine import Pager  # noqa: PLC0415
    from bench.pager_world import World  # noqa: PLC0415

    machine = seeded(seed)(type("Life", (Pager,), {"world": World()}))
    options = settings(
        max_examples=lives,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # shortening a failed life takes minutes, and what failed can be read without it
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=options)


def _alone(seed: int, lives: int) -> None:
    import django  # noqa: PLC0415 - the parent needs no Django

    django.setup()
    from django.db import transaction  # noqa: PLC0415

    with transaction.atomic():
        live(seed, lives)
        transaction.set_rollback(True)


def main(*, lives: int = LIVES) -> None:
    """Print the table; fails with the first life that broke a promise."""
    from bench import million  # noqa: PLC0415 - it would set up Django in the children

    started = time.monotonic()
    with ExitStack() as stack:
        processes = []
        for number in range(PROCESSES):
            env = stack.enter_context(million.empty())
            argv = [sys.executable, "-m", "bench.pager", str(SEED + number), str(lives // PROCESSES)]
            processes.append(stack.enter_context(subprocess.Popen(argv, env=env, cwd=million.BASE_DIR)))
        broken = sum(process.wait() != 0 for process in processes)
    rows: list[list[object]] = [["lives", lives], ["steps of each", STEPS], ["seconds", time.monotonic() - started]]
    table.show("The pager against its model (asked: 2,000 lives of 50 steps, 0 broken)", rows, head=["", ""])
    assert not broken, f"{broken} of {PROCESSES} processes found a broken promise; it is printed above"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")
    _alone(int(sys.argv[1]), int(sys.argv[2]))
