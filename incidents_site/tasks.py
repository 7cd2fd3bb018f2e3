"""One Celery task and one beat entry for each sweep, under the sweep's own name."""

from __future__ import annotations

from celery import Task

from incidents_site import sweeps
from incidents_site.celery import app
from incidents_site.sweeps import SWEEPS, Sweep


def register(sweep: Sweep) -> Task:
    """Make the sweep a task: an alarm clock, nothing else."""

    def look_now() -> None:
        sweeps.run(sweep.name)

    return app.task(look_now, name=sweep.name, ignore_result=True)


for _sweep in SWEEPS:
    register(_sweep)

# A wake-up that nobody took within a few periods is worthless: the next one says the same.
# Workers are nudged, so beat looks once a second at most; the pager, whom nobody tells of an event, looks as often as
# the table says.
app.conf.beat_schedule = {
    sweep.name: {
        "task": sweep.name,
        "schedule": max(sweep.every, 1.0),
        "options": {"expires": max(sweep.every * 3, 5.0), "ignore_result": True},
    }
    for sweep in SWEEPS
}
