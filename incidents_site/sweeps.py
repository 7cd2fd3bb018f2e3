"""Every sweep there is: its name, what it does, and how often it looks when nobody nudges it.

Celery's workers run them as tasks of the same name, and ``manage.py pager`` runs them without Redis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts import sessions
from alerts import grouping
from automation import diagnostics, sending, watching
from core.work import run_sweep
from followups import checking, exporting, reminding
from incidents import communication, escalation, failed_pages, plan, quiet, readiness, repair, sla, snoozing
from incidents_site import paging_health
from metrics import catching_up, reporting
from notifications import delivery, drills, health
from notifications.models import Channel
from notifications.outbox import sweep_of
from oncall import imports
from postmortems import drafting, searching
from postmortems import reminding as postmortem_reminding
from statuspage import announcing, delivering, fanning, publishing, rendering, subscribing
from statuspage import exporting as page_exporting

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep of due rows; ``every`` is seconds."""

    name: str
    run: Callable[..., int]
    every: float


def ping_deadman(*, now: datetime) -> int:
    """Tell the outside switch that paging works, if it does."""
    health.ping_deadman(paging_health.check(now=now), now=now)
    return 0


SWEEPS: list[Sweep] = [
    Sweep("alerts.apply_due", grouping.apply_due, 0.3),  # without Redis nobody tells the pager of an event
    Sweep("incidents.advance_due", escalation.advance_due, 1.0),
    Sweep("incidents.carry_out_due", plan.carry_out_due, 2.0),
    Sweep("incidents.check_clocks_due", sla.check_due, 2.0),
    Sweep("incidents.publish_due", communication.publish_due, 1.0),
    Sweep("incidents.wake_due", snoozing.wake_due, 1.0),
    Sweep("incidents.remind_due", quiet.remind_due, 5.0),
    Sweep("incidents.follow_up_failed", failed_pages.follow_up_failed, 2.0),
    Sweep("incidents.repair_missing", repair.repair_missing, 30.0),
    Sweep("incidents.watch_missing", repair.watch_missing, 30.0),
    *(
        Sweep(sweep_of(channel), delivery.sweep(channel), 1.0)
        for channel in (Channel.EMAIL, Channel.WEBHOOK, Channel.CHAT)
    ),
    Sweep("automation.send_due", sending.send_due, 1.0),
    Sweep("automation.watch_due", watching.watch_due, 2.0),
    Sweep("automation.start_missing", diagnostics.start_missing, 1.0),
    Sweep("followups.remind_due", reminding.remind_due, 60.0),
    Sweep("followups.export_due", exporting.export_due, 2.0),
    Sweep("followups.check_due", checking.check_due, 60.0),
    Sweep("postmortems.draft_missing", drafting.draft_missing, 3.0),
    Sweep("postmortems.draft_left_over", drafting.draft_left_over, 60.0),
    Sweep("postmortems.remind_due", postmortem_reminding.remind_due, 60.0),
    Sweep("postmortems.index_renamed", searching.index_renamed, 5.0),
    Sweep("metrics.catch_up", catching_up.catch_up, 3.0),
    Sweep("metrics.report_due", reporting.report_due, 60.0),
    Sweep("statuspage.publish_missing", publishing.publish_missing, 1.0),
    Sweep("statuspage.render_due", rendering.render_due, 1.0),
    Sweep("statuspage.export_due", page_exporting.export_due, 5.0),
    Sweep("statuspage.announce_due", announcing.announce_due, 1.0),
    Sweep("statuspage.fan_out_due", fanning.fan_out_due, 1.0),
    Sweep("statuspage.deliver_due", delivering.deliver_due, 1.0),
    Sweep("statuspage.post_due", delivering.post_due, 1.0),
    Sweep("statuspage.forget_due", subscribing.forget_due, 600.0),
    Sweep("incidents_site.ping_deadman", ping_deadman, 15.0),
    Sweep("incidents.tell_readiness", readiness.tell_due, 300.0),
    Sweep("notifications.start_drills_due", drills.start_drills_due, 30.0),
    Sweep("notifications.end_drills_due", drills.end_due, 30.0),
    Sweep("oncall.read_calendars_due", imports.read_due, 60.0),
    Sweep("accounts.forget_sessions_due", sessions.forget_due, 600.0),
]

BY_NAME = {sweep.name: sweep for sweep in SWEEPS}


def run(name: str) -> int:
    """Run one sweep by name until it finds nothing, and note that it ran."""
    done = run_sweep(name, BY_NAME[name].run)
    health.record_run(name)
    return done
