"""A company with something to see on every page, made by the domain itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from playwright._impl._api_structures import SetCookieParam

from accounts.models import User
from alerts import grouping, intake
from alerts.models import Alert, Integration
from automation import asking, executing, runners
from automation.asking import Wish
from automation.models import Action, Execution
from automation.parameters import Parameter
from catalog.models import MaintenanceWindow, Service
from core.work import db_now
from incidents import action_items, changes, communication, escalation, lifecycle, timeline, wordings
from incidents.models import Incident, UpdateTemplate
from notifications import delivery, drills
from notifications.models import Drill, Notification
from oncall.models import EscalationPolicy, Schedule
from oncall.windows import of_text
from runbooks import editing, running
from runbooks.guides import Step
from runbooks.models import Run
from statuspage import components, publishing
from statuspage.models import Component
from tests import make
from tests.make import MINUTE

PASSWORD = "correct horse battery"
LONG_WORD = "query-engine-eu-central-1a-0123456789abcdef0123456789abcdef.internal.example.com"


@dataclass
class Company:
    """What was made, by the pages that show it."""

    alice: User
    admin: User
    service: Service
    policy: EscalationPolicy
    schedule: Schedule
    integration: Integration
    triggered: Incident
    busy: Incident
    resolved: Incident
    alert: Alert
    message: Notification
    drill: Drill
    run: Run
    action: Action
    executions: tuple[Execution, ...]
    maintenance: MaintenanceWindow
    component: Component
    template: UpdateTemplate

    def sheets(self) -> dict[str, str]:
        """The small forms of an incident, by name; each is a page as well."""
        note, task = self.busy.timeline.filter(kind="noted").earliest("id"), self.busy.action_items.earliest("id")
        of_busy = (
            "move", "assign", "severity", "services", "edit", "resolve", "notes", "evidence", "mitigations", "snooze",
            "unacknowledge", "escalate",
        )  # fmt: skip
        paths = {name: name for name in of_busy} | {
            "correction": f"notes/{note.pk}/correct",
            "status update": "status-updates/new",
            "action item": "action-items/new",
            "action item change": f"action-items/{task.pk}/edit",
            "accepted risk": f"action-items/{task.pk}/accept",
        }
        sheets = {name: f"{self.busy.get_absolute_url()}/{path}" for name, path in paths.items()}
        refusal = {"refuse": f"{self.executions[-1].get_absolute_url()}/refuse"}
        return sheets | refusal | {"reopen": f"{self.resolved.get_absolute_url()}/reopen"}

    def pages(self) -> dict[str, str]:
        """Every main page of a signed-in admin, by name."""
        return {
            "list": "/incidents/",
            "all incidents": "/incidents/?period=all",
            "nothing found": "/incidents/?q=nothing+fits",
            "detail": self.triggered.get_absolute_url(),
            "busy": self.busy.get_absolute_url(),
            "resolved": self.resolved.get_absolute_url(),
            "ledger": f"{self.busy.get_absolute_url()}/ledger?person={self.alice.username}",
            "pages to me": "/me/pages",
            "declare": "/incidents/new",
            "my work": "/my-work/",
            "search": "/search/",
            "results": "/search/?q=error+severity:critical+foo:bar",
            "first steps": "/first-steps/",
            "on-call": "/on-call/",
            "schedule": f"/on-call/{self.schedule.pk}",
            "week": f"/on-call/{self.schedule.pk}?view=week",
            "month": f"/on-call/{self.schedule.pk}?view=month",
            "schedule form": f"/on-call/{self.schedule.pk}/edit",
            "override": f"/on-call/{self.schedule.pk}/override",
            "new schedule": "/on-call/new",
            "swap": f"/on-call/{self.schedule.pk}/swap",
            "away": "/on-call/away/",
            "new absence": "/on-call/away/new",
            "readiness": "/on-call/readiness",
            "simulate": f"/services/{self.service.slug}/simulate",
            "services": "/services/",
            "service": f"/services/{self.service.slug}",
            "service form": f"/services/{self.service.slug}/edit",
            "teams": "/teams/",
            "team": "/teams/search",
            "team addresses": "/teams/search/addresses",
            "inbox": "/inbox/search",
            "profile": "/me/",
            "new contact": "/me/contact-methods/new",
            "drills": "/me/drills/",
            "drill": f"/me/drills/{self.drill.pk}",
            "new token": "/me/tokens/new",
            "outbox": "/outbox/",
            "message": f"/outbox/{self.message.pk}",
            "runbooks": "/runbooks/",
            "runbook": "/runbooks/reader-lag",
            "runbook form": "/runbooks/reader-lag/edit",
            "runbook history": "/runbooks/reader-lag/history",
            "run": self.run.get_absolute_url(),
            "actions": "/automation/",
            "archived actions": "/automation/?show=archived",
            "action": self.action.get_absolute_url(),
            "action form": f"{self.action.get_absolute_url()}/edit",
            "new action": f"/automation/actions/new?runner={self.action.runner_id}&command=flush",
            "runners": "/automation/runners/",
            "runner": f"/automation/runners/{self.action.runner_id}",
            "new runner": "/automation/runners/new",
            "execution": self.executions[0].get_absolute_url(),
            "execution that waits": self.executions[-1].get_absolute_url(),
            "ask": f"{self.busy.get_absolute_url()}/actions/scale",
            "ask again": f"{self.busy.get_absolute_url()}/actions/restart",
            "executions": f"{self.busy.get_absolute_url()}/actions",
            "follow-ups": "/follow-ups/?state=all",
            "trackers": "/follow-ups/trackers/",
            "new tracker": "/follow-ups/trackers/new",
            "now": "/now/",
            "templates": "/update-templates/",
            "new template": "/update-templates/new",
            "template": f"/update-templates/{self.template.pk}",
            "maintenances": "/maintenance/",
            "maintenance": self.maintenance.get_absolute_url(),
            "new maintenance": "/maintenance/new",
            "maintenance form": f"{self.maintenance.get_absolute_url()}/edit",
            "status pages": "/status-pages/",
            "status page": "/status-pages/acme",
            "new status page": "/status-pages/new",
            "status page form": "/status-pages/acme/edit",
            "removal": "/status-pages/acme/remove",
            "new group": "/status-pages/acme/groups/new",
            "component": f"/status-pages/acme/components/{self.component.public_id}",
            "subscribers": "/status-pages/acme/subscribers/",
            "import": "/status-pages/acme/subscribers/import",
            "alerts": "/alerts/?show=all",
            "alert": f"/alerts/{self.alert.reference}",
            "integrations": "/settings/integrations/",
            "integration": f"/settings/integrations/{self.integration.pk}",
            "new integration": "/settings/integrations/new",
            "policies": "/escalation-policies/",
            "policy": f"/escalation-policies/{self.policy.pk}",
            "new policy": "/escalation-policies/new",
            "policy form": f"/escalation-policies/{self.policy.pk}/edit",
            "second step": "/accounts/2fa/",
            "password": "/accounts/password/change/",
        }


def build() -> Company:
    """Two people, a team, a service, an open and a finished incident, an alert and what was sent."""
    now = timezone.now()
    admin = make.user("root", role="admin", name="Robin Castellanos-Whitmore")
    alice = make.user("alice", name="Alice Moreau")
    team = make.team("search", alice, managers=(admin,), name="Search", description="Owns what finds things.")
    schedule = _schedule(alice, admin, now=now)
    policy = make.escalation_policy((alice, schedule), team, delays=(0, 5), repeat=1, name="Search on-call", team=team)
    links = {"dashboard_url": "https://grafana.example.com/d/1", "repo_url": "https://git.example.com/query"}
    service = make.service("query-engine", name="Query Engine", policy=policy, team=team, **links)
    make.service("kafka", name="Kafka", team=team)
    resolved = make.incident(title="Replica lag above 90 s", severity="high", services=[service], at=now - 300 * MINUTE)
    lifecycle.acknowledge(resolved, by=alice, now=now - 298 * MINUTE)
    timeline.add_note(resolved, text=f"Seen on `{LONG_WORD}`:\n\n| host | lag |\n|---|---|\n| a | 91 s |", by=alice)
    timeline.link_evidence(resolved, url="https://grafana.example.com/d/lag", kind="metric", by=alice)
    lifecycle.resolve(resolved, root_cause="A **full** disk.", by=alice)
    busy = _work_on(make.incident(title="Ingest is late", services=[service], at=now - 90 * MINUTE), alice, now=now)
    integration, key = make.integration(service=service)
    labels = {"instance": LONG_WORD, "region": "eu-central-1"}
    body = {"title": f"HighErrorRate on {LONG_WORD}", "dedup_key": "errors", "severity": "critical", "labels": labels}
    intake.store(key=key, format="generic", body=json.dumps(body).encode())
    intake.store(key=key, format="generic", body=b"{not json")
    grouping.apply_due(now=db_now())
    alert = Alert.objects.get()
    escalation.advance_due(now=db_now() + timedelta(seconds=1))
    delivery.deliver_due("email", now=db_now())
    run = _followed(busy, alice)
    action, executions = _automated(busy, run, alice, service)
    return Company(
        alice=alice,
        admin=admin,
        service=service,
        policy=policy,
        schedule=schedule,
        integration=integration,
        triggered=Incident.objects.get(status="triggered"),
        busy=busy,
        resolved=resolved,
        alert=alert,
        message=Notification.objects.filter(channel="email").latest("id"),
        drill=drills.start(admin, by=admin),
        run=run,
        action=action,
        executions=executions,
        maintenance=make.maintenance(service, title=f"New disks for {LONG_WORD}", starts_at=now + 60 * MINUTE, at=now),
        component=_read_in_public(service, busy, alice, now=now),
        template=wordings.create(
            by=admin, name="A fix", visibility="external", status="monitoring", message="It works"
        ),
    )


def _read_in_public(service: Service, incident: Incident, alice: User, *, now: datetime) -> Component:
    """A page with a group, a component, an incident and two who hear of it, one of them not yet."""
    page = make.status_page("acme", name=LONG_WORD[:60], at=now)
    group = components.add_group(page, name="What people use", by=None, now=now)
    component = make.component(page, service, name=LONG_WORD[:80], at=now, group=group)
    make.subscriber(page, "reader@example.com", component)
    make.subscriber(page, "https://hooks.example.com/status", active=False)
    communication.post_update(
        incident,
        message="Search is late.",
        title="Search finds nothing new",
        visibility="external",
        status="identified",
        by=alice,
    )
    publishing.publish_missing(now=db_now())
    return component


def _schedule(alice: User, admin: User, *, now: datetime) -> Schedule:
    """With two layers, a gap on Sundays and somebody who stands in."""
    weekdays = make.layer(alice, admin, name="Weekdays", windows=of_text("mon-sat 08:00-20:00"))
    nights = make.layer(admin, alice, name="Nights", unit="week", windows=of_text("mon-sat 20:00-08:00"))
    schedule = make.schedule(f"Search, {LONG_WORD}", nights, weekdays, zone="Europe/Berlin")
    make.override(schedule, alice, now - 60 * MINUTE, now + 600 * MINUTE, reason="Swapped")
    return schedule


def _work_on(incident: Incident, alice: User, *, now: datetime) -> Incident:
    """Something in each panel of the incident's page."""
    lifecycle.acknowledge(incident, by=alice, now=now - 88 * MINUTE)
    changes.change_severity(incident, to="high", reason="Only one region.", by=alice, now=now - 80 * MINUTE)
    changes.assign(incident, to=alice, by=alice, now=now - 80 * MINUTE)
    lifecycle.transition(incident, to="investigating", by=alice, now=now - 70 * MINUTE)
    note = timeline.add_note(incident, text="Nobody reads from `ingest`.", by=alice, now=now - 60 * MINUTE)
    timeline.correct_note(note, text="Nobody reads from **ingest-2**.", at=note.at, by=alice, now=now - 50 * MINUTE)
    for kind in ("metric", "log", "trace", "screenshot", "link"):
        address = f"https://grafana.example.com/{kind}"
        timeline.link_evidence(incident, url=address, kind=kind, caption=f"A {kind}", source="Grafana", by=alice)
    timeline.record_mitigation(incident, kind="scaled", text="Twice as many readers.", by=alice)
    for status, message in (("investigating", "We look at it."), ("identified", "Readers **hang** since the deploy.")):
        communication.post_update(incident, message=message, status=status, by=alice)
    today = timezone.localdate()
    action_items.add(incident, title="Alert on reader lag", by=alice, owner=alice, due_on=today + timedelta(days=7))
    action_items.add(incident, title="Ask for a second review", by=alice)
    action_items.set_done(action_items.add(incident, title="Roll back", by=alice, owner=alice), by=alice)
    return incident


def _followed(incident: Incident, alice: User) -> Run:
    """A guide with everything that one can have, in the middle of being followed."""
    command = f"```\nreaders --host {LONG_WORD} --describe\n```\n\n| seen | then |\n|---|---|\n| 0 | wait |"
    steps = (
        Step("Look at the readers", command),
        Step("Restart them", "One by one.", "restart"),
        Step("Wait"),
        Step("Tell"),
    )
    links: dict[str, Any] = {"services": ("query-engine", "ingest"), "severities": ("high",)}
    book = make.runbook(
        "reader-lag",
        *steps,
        title="Reader lag",
        summary="When it is **late**.",
        by=alice,
        facts=(("alertname", "*Lag*"),),
        **links,
    )
    guide = editing.guide_of(book)
    editing.change(book, replace(guide, summary="When readers are **late**."), by=alice, what_changed="Clearer")
    make.runbook("old", title="Old habits", services=("query-engine",), at=timezone.now() - timedelta(days=210))
    run, _ = running.start(incident, book, by=alice)
    running.tick(run, 1, by=alice, text="All `0`.")
    running.skip(run, 2, by=alice, reason="They hang.")
    return run


def _automated(incident: Incident, run: Run, alice: User, service: Service) -> tuple[Action, tuple[Execution, ...]]:
    """Actions of each way, and executions that are done, failed, running and waiting, the last one."""
    runner, _ = make.runner("eu-central")
    group = Parameter("group", "name", "Consumer group", fact="consumer_group")
    number = Parameter("replicas", "integer", minimum=1, maximum=20, default=3)
    offer = {"read_only": False, "has_dry_run": True, "description": f"Of {LONG_WORD}."}
    listed = [
        {"name": name, "parameters": [number.stored()], **offer} for name in ("scale", "restart", "look", "flush")
    ]
    runners.heard(runner, version="1", host=LONG_WORD, offers=listed, now=db_now())
    runner.refresh_from_db()
    undo = make.action("undo", group, runner=runner, command="scale", name="Scale back", kind="rollback")
    shared: dict[str, Any] = {"runner": runner, "services": (service,)}
    zone = Parameter("zone", "choice", choices=("a", LONG_WORD), is_required=False)
    drain = Parameter("drain", "boolean", "Drain first")
    scale = make.action(
        "scale", group, number, zone, drain, name="Scale the readers", kind="scale", has_dry_run=True, rollback=undo,
        summary="More **readers**.", **shared,
    )  # fmt: skip
    restart = make.action("restart", name="Restart", kind="fix", is_destructive=True, has_dry_run=True, **shared)
    hook = make.action("hook", url=f"https://{LONG_WORD}/run", name="Tell the pipeline", services=(service,))
    made = []
    for values, outcome in ({"group": "a", "zone": LONG_WORD}, "failed"), ({"group": "b"}, "done"):
        asked, _ = asking.ask(scale, incident, Wish(values, place=f"run/{run.pk}/3"), by=alice)
        work = executing.take(runner)
        assert work
        executing.begin(runner, asked.pk, work.token)
        executing.hear(runner, asked.pk, work.token, offset=0, text=f"{LONG_WORD} {'x' * 90}\n" * 40)
        executing.end(runner, asked.pk, work.token, outcome=outcome, exit_code=1, detail="It ended.", left_out=512)
        made.append(asked)
    for action in (hook, restart):
        made.append(asking.ask(action, incident, Wish({}), by=alice)[0])
    return scale, tuple(made)


def session_cookie(user: User, base_url: str) -> SetCookieParam:
    """The cookie of somebody who has signed in already."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return {
        "name": settings.SESSION_COOKIE_NAME,
        "value": session.session_key or "",
        "domain": urlsplit(base_url).hostname or "",
        "path": "/",
    }
