"""Demo data: a made-up company that looks alive, keeps every promise of the tables, and goes without a trace."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import stat
from collections import Counter
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.test import override_settings
from django.utils import timezone

from accounts import tokens
from accounts.models import AuditEntry, Membership, Role, Team, User
from alerts.models import Alert, AlertLink, Event, Group, Integration
from catalog.models import MaintenanceWindow, Service
from core import time_zones
from followups import checking, exporting
from followups.models import Reminder, Ticket, Tracker
from incidents import communication, lifecycle, sla, subscriptions
from incidents import escalation as paging
from incidents.lifecycle import Draft
from incidents.models import (
    ActionItem,
    Escalation,
    Evidence,
    Holiday,
    Incident,
    IncidentSettings,
    PlannedAction,
    Severity,
    SlaClock,
    Status,
    StatusUpdate,
    TimelineEntry,
    UpdateRevision,
)
from incidents.policy import policies
from incidents_site.demo import course, loading, people, removal, rhythm
from notifications import delivery, drill_times, drills
from notifications.models import Attempt, ContactMethod, Drill, MonthlyDrill, Notification
from oncall.models import EscalationPolicy
from postmortems import listing, reading
from postmortems.models import Comment, KeyEvent, Postmortem, Reviewer, Revision, Section
from runbooks.models import Run
from statuspage import publishing
from statuspage.models import Impact, Mailing, Report, StatusPage, Subscriber
from tests import make

pytestmark = pytest.mark.django_db

DEMO_MODELS = (User, Team, Service, EscalationPolicy, Integration, Incident)
Kind = TimelineEntry.Kind


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker, tmp_path_factory):
    """The demo, loaded once for all tests of this file, and the moment of it. Nothing is committed."""
    muster = dataclasses.replace(django_settings.MUSTER, demo=True, data_dir=tmp_path_factory.mktemp("data"))
    fast = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with django_db_blocker.unblock(), override_settings(MUSTER=muster, PASSWORD_HASHERS=fast), transaction.atomic():
        now = timezone.now()
        loading.load(now=now)
        yield now
        transaction.set_rollback(True)


@pytest.fixture
def demo(loaded, db):
    """The moment of the demo. What a test changes is undone after it."""
    return loaded


def run(action: str) -> str:
    out = StringIO()
    call_command("demo", action, stdout=out)
    return out.getvalue()


def past():
    return Incident.objects.filter(status__in=("resolved", "postmortem")).prefetch_related("timeline__by")


def test_there_are_six_months_of_incidents_of_every_kind(demo):
    assert Incident.objects.count() >= 300
    assert not Incident.objects.filter(is_demo=False).exists()
    assert set(Incident.objects.values_list("severity", flat=True)) == set(Severity.values)
    assert set(Incident.objects.values_list("status", flat=True)) == set(Status.values)
    first, last = Incident.objects.earliest("created_at"), Incident.objects.latest("created_at")
    assert demo - first.created_at > timedelta(days=150)
    assert demo - last.created_at < timedelta(minutes=5)
    moved = set(TimelineEntry.objects.filter(kind=Kind.MOVED).values_list("data__to", flat=True))
    assert moved == {"investigating", "mitigating"}


def test_numbers_follow_the_order_of_creation(demo):
    assert list(past().order_by("id")) == list(past().order_by("created_at"))


def test_three_incidents_are_open_and_the_engine_works_on_them(demo):
    outage, late, waits = Incident.objects.open().order_by("-id")
    assert (waits.status, waits.snoozed_until) == ("acknowledged", demo + timedelta(hours=4))
    assert (outage.severity, outage.status, outage.assignee) == ("critical", "triggered", None)
    assert (late.severity, late.status, late.assignee.username) == ("high", "investigating", "sam")
    assert late.timeline.filter(kind=Kind.NOTED).count() >= 3
    assert Evidence.objects.filter(incident=late).count() >= 3
    assert Alert.objects.of_incident(late).filter(status="firing").count() == 3
    assert outage.escalations.filter(state="running", due_at__gt=demo).count() == outage.escalations.count() > 0
    before = len(make.pages(outage))
    paging.advance_due(now=demo + timedelta(minutes=5))
    assert len(make.pages(outage)) > before
    sla.check_due(now=demo + timedelta(minutes=5))
    assert outage.clocks.get(kind="response").state == "breached"
    delivery.deliver_due("email", now=timezone.now() + timedelta(minutes=6))
    assert set(Notification.objects.values_list("state", flat=True)) == {"kept", "sent"}


def test_the_responder_has_answered_two_fire_drills(demo):
    monthly, by_hand = drills.measure(Drill.objects.all())
    assert [(row.drill.user.username, row.drill.is_monthly) for row in (monthly, by_hand)] == [
        ("priya", True),
        ("priya", False),
    ]
    assert (monthly.answered_after, by_hand.answered_after) == (12.4, 71.0)
    for row in (monthly, by_hand):
        assert 0 < row.handed_over_after < 2
        assert drill_times.is_fit(row.drill.started_at, time_zones.zone(row.drill.user.time_zone))
        assert row.drill.started_at < demo
    assert MonthlyDrill.objects.get().next_drill_at > demo


def test_loading_twice_changes_nothing(demo):
    before = Incident.objects.count(), User.objects.count(), Notification.objects.count()
    assert "there already" in run("load")
    assert (Incident.objects.count(), User.objects.count(), Notification.objects.count()) == before


def test_the_same_seed_and_moment_give_the_same_history(demo):
    def drawn(seed):
        rng = random.Random(seed)
        return [course.of(each, rng, now=demo) for each in rhythm.occasions(rng, now=demo)]

    assert drawn(1) == drawn(1) != drawn(2)


def test_every_constraint_of_the_database_holds(demo):
    connection.check_constraints()  # runs what is deferred; the others held as the rows were written
    for model in DEMO_MODELS:
        for row in model.objects.all():
            row.clean_fields(exclude=["password", "description"] if model is User else [])


def test_times_are_in_order(demo):
    assert not Incident.objects.filter(started_at__gt=F("created_at")).exists()
    assert not Incident.objects.filter(acknowledged_at__lt=F("created_at")).exists()
    assert not past().filter(acknowledged_at__gt=F("resolved_at")).exists()
    assert not past().filter(Q(resolved_at__gte=demo) | Q(resolved_at__lte=F("created_at"))).exists()
    assert not TimelineEntry.objects.filter(Q(at__gt=demo) | Q(at__lt=F("incident__created_at"))).exists()
    after = TimelineEntry.objects.filter(incident__in=past(), at__gt=F("incident__resolved_at"))
    assert set(after.values_list("kind", flat=True)) == {
        Kind.POSTMORTEM_DRAFTED, Kind.POSTMORTEM_STARTED, Kind.POSTMORTEM_PUBLISHED, Kind.DETAILS_CHANGED,
        Kind.STATUS_UPDATED, Kind.ACTION_ADDED, Kind.ACTION_CHANGED, Kind.ACTION_DONE, Kind.ACTION_ACCEPTED,
        Kind.ACTION_REOPENED,
    }  # fmt: skip


def test_timelines_tell_what_the_incidents_say(demo):
    for incident in past():
        entries = list(incident.timeline.all())
        assert entries[0].kind == Kind.TRIGGERED
        assert entries == sorted(entries, key=lambda entry: (entry.at, entry.pk))
        resolved = [entry for entry in entries if entry.kind == Kind.RESOLVED]
        assert resolved[-1].at == incident.resolved_at
        assert len(resolved) == 1 + sum(entry.kind == Kind.REOPENED for entry in entries)
        answers = [entry.at for entry in entries if entry.kind in {Kind.ACKNOWLEDGED, Kind.MOVED}]
        assert (min(answers) if answers else None) == incident.acknowledged_at
        assert (incident.status == "postmortem") == any(entry.kind == Kind.POSTMORTEM_STARTED for entry in entries)


def test_those_who_act_are_members_of_a_team_that_is_affected(demo):
    member = Membership.objects.filter(
        user=OuterRef("by"), team__services__incident_links__incident=OuterRef("incident")
    )
    acted = TimelineEntry.objects.filter(by__isnull=False, incident__in=past())
    assert acted.count() > 1000
    assert not acted.exclude(Exists(member)).exists()


def test_clocks_ended_as_the_times_say(demo):
    clocks = SlaClock.objects.filter(incident__in=past(), kind="response").select_related("incident")
    assert clocks.count() == past().count()
    assert {clock.state for clock in clocks} == {"met", "breached", "cancelled"}
    for clock in clocks:
        answered = clock.incident.acknowledged_at
        assert clock.met_at == answered
        late = (answered or clock.incident.resolved_at) > clock.due_at
        assert clock.state == ("breached" if late else "met" if answered else "cancelled")
    assert clocks.filter(state="met").count() > 10 * clocks.filter(state="breached").count()


def test_those_who_wait_were_told_and_what_is_left_to_do_is_written_down(demo):
    spoken_of = past().filter(severity="critical", acknowledged_at__isnull=False)
    assert not spoken_of.filter(status_updates=None).exists()
    for update in StatusUpdate.objects.published().select_related("incident"):
        entry = update.incident.timeline.get(kind=Kind.STATUS_UPDATED, data__update=update.pk)
        corrected = update.revisions.first()
        said = corrected.message if corrected else update.message
        assert (entry.at, entry.by_id, entry.text) == (update.at, update.by_id, said)
    items = ActionItem.objects.all()
    assert items.count() > 60
    assert not items.filter(Q(done_at__gt=demo) | Q(done_at__lte=F("created_at"))).exists()
    assert not items.filter(due_on__lt=F("created_at__date")).exists()
    done, late = items.filter(done_at__isnull=False), items.filter(done_at=None, due_on__lt=demo.date())
    assert done.count() > 3 * late.count() > 0
    assert items.filter(done_at=None, due_on__gte=demo.date()).exists()
    for item in items:
        kinds = list(TimelineEntry.objects.filter(data__action=item.pk).order_by("at").values_list("kind", flat=True))
        assert kinds[0] == Kind.ACTION_ADDED
        assert (item.done_at is not None) == (kinds[-1] == Kind.ACTION_DONE), kinds


def test_the_public_is_told_of_ninety_days_in_words_of_its_own(demo):
    page = StatusPage.objects.get()
    assert (page.slug, page.is_default, page.is_demo, page.components.count()) == ("finchlight", True, True, 6)
    assert {part.since for part in page.components.all()} == {(demo - timedelta(days=120)).date()}
    assert StatusUpdate.objects.external().published().filter(taken=None).count() == 0
    reports = Report.objects.select_related("incident")
    assert 15 <= reports.count() <= 60
    assert reports.earliest("created_at").created_at < demo - timedelta(days=80)
    assert [(report.name, report.incident.severity) for report in reports.filter(resolved_at=None)] == [
        ("New documents can be found late", "high")
    ]
    written_up = Postmortem.objects.exclude(public_update=None).get()
    night = reports.get(incident=written_up.incident)
    assert (night.status, night.name) == ("postmortem", "Documents are refused or can be found late")
    assert {impact.health for impact in Impact.objects.all()} == {
        "degraded_performance",
        "partial_outage",
        "major_outage",
    }
    said = " ".join(StatusUpdate.objects.external().values_list("message", flat=True))
    said += " ".join(StatusUpdate.objects.external().values_list("title", flat=True))
    said += " ".join(str(part) + part.description for part in page.components.all())
    inside = {*Service.objects.values_list("name", flat=True), *User.objects.values_list("username", flat=True)}
    assert [name for name in inside - {"Dashboards"} if re.search(rf"\b{re.escape(name)}\b", said)] == []
    assert re.search(r"INC-|ALR-|\b[a-z]+-\d\b|us-east|eu-", said) is None


def test_an_update_was_corrected_and_the_next_goes_out_by_itself_before_its_promise_passes(demo):
    assert StatusUpdate.objects.exclude(edited_at=None).count() == UpdateRevision.objects.count() == 1
    waits = StatusUpdate.objects.waiting().get()
    last = StatusUpdate.objects.external().published().latest("published_at")
    assert (waits.incident, waits.visibility) == (last.incident, "external")
    assert demo + timedelta(hours=2) < waits.due_at < last.next_at
    assert communication.publish_due(now=waits.due_at) == 1
    publishing.publish_missing(now=waits.due_at)
    assert Report.objects.get(resolved_at=None).updated_at == waits.due_at
    assert StatusUpdate.objects.external().published().latest("published_at").next_at is None


def test_the_public_page_has_maintenance_and_readers_who_get_nothing(demo):
    windows = MaintenanceWindow.objects.order_by("starts_at")
    assert [window.state_at(demo) for window in windows] == ["completed", "scheduled"]
    subscribers = Subscriber.objects.all()
    assert (subscribers.count(), subscribers.active().count()) == (40, 34)
    assert all(subscriber.address.endswith(".example") for subscriber in subscribers)
    recent = StatusUpdate.objects.external().filter(published_at__gte=demo - publishing.NEWS_UNTIL)
    assert set(Mailing.objects.filter(kind="update").values_list("key", flat=True)) == {
        f"update/{update.pk}" for update in recent
    }  # of what is under way, and of what ended within a day; the past is no news
    assert recent.filter(incident__resolved_at=None).count() == 2


def test_who_may_sign_in_hears_of_something(demo):
    rows = [row for name in people.MAY_SIGN_IN for row in subscriptions.of(User.objects.get(username=name))]
    heard = [(row.user.username, str(row.service or row.team or row.severity)) for row in rows]
    assert heard == [("alex", "Platform"), ("priya", "Kafka"), ("dana", "critical"), ("dana", "high")]


def test_what_is_left_has_kinds_and_tickets_and_some_of_it_is_lived_with(demo):
    items = ActionItem.objects.all()
    assert {item.kind for item in items} - {""} == {"preventive", "detective", "mitigating"}
    lived = items.accepted().select_related("accepted_by")
    assert 0 < lived.count() < 0.2 * items.count()
    for item in lived:
        entry = item.incident.timeline.get(kind=Kind.ACTION_ACCEPTED, data__action=item.pk)
        assert (entry.at, entry.by, entry.text) == (item.accepted_at, item.accepted_by, item.accepted_reason)
        assert "{" not in item.accepted_reason
    tracker = Tracker.objects.get()
    assert (tracker.is_active, tracker.is_demo) == (False, True)
    states = Counter(Ticket.objects.values_list("state", flat=True))
    assert states["queued"] == 1
    assert min(states["open"], states["closed"]) > 3
    assert exporting.export_due(now=demo) == checking.check_due(now=demo) == 0


def test_a_real_tracker_for_a_demo_team_is_switched_off_by_the_removal(demo):
    mine = make.tracker(team=Team.objects.first())
    removal.remove(now=timezone.now())
    assert [(row.pk, row.team, row.is_active) for row in Tracker.objects.all()] == [(mine.pk, None, False)]


def test_runbooks_were_followed_and_one_is_being_followed(demo):
    done, going = Run.objects.with_steps().order_by("finished_at")
    assert (done.incident.is_open, going.incident.is_open, going.finished_at) == (False, True, None)
    assert done.incident.acknowledged_at < done.started_at < done.finished_at < done.incident.resolved_at
    assert going.started_at < demo
    assert {step.state for step in done.steps.all()} == {"done", "skipped"}
    assert {step.state for step in going.steps.all()} == {"done", "todo"}
    for run in (done, going):
        told = run.incident.timeline.filter(kind=Kind.RUNBOOK_STEP, data__did__in=("done", "skipped"))
        steps = [step for step in run.steps.all() if step.at]
        assert list(told.order_by("at").values_list("at", "by")) == [(step.at, step.by_id) for step in steps]


def test_most_bad_incidents_have_a_postmortem_and_most_of_these_are_published(demo):
    bad = past().filter(severity__in=("critical", "high"), merged_into=None)
    states = Counter(bad.values_list("postmortem__state", flat=True))
    assert states["published"] > 0.65 * bad.count()
    assert min(states["draft"], states["in_review"], states[None]) > 0
    read = bad.filter(postmortem__state="in_review").latest("resolved_at").postmortem
    assert read.reviewers.filter(approved_at=None).exists()
    assert read.comments.filter(settled_at=None).exists()
    fresh = bad.filter(acknowledged_at__isnull=False).latest("resolved_at").postmortem
    assert (fresh.state, fresh.started_at, fresh.sections.filter(number__gt=1).count()) == ("draft", None, 0)
    late = listing.behind(User.objects.get(username="alex"), listing.Filters(), policies(), now=demo)
    assert 1 < sum(rows.count() for rows in late.values()) < 40
    for row in Postmortem.objects.select_related("incident"):
        moments = [row.drafted_for, row.started_at, row.in_review_at, row.published_at, demo]
        assert [at for at in moments if at] == sorted(at for at in moments if at)
        assert (row.started_at is not None) == (row.incident.status == "postmortem")
        assert row.created_at == row.drafted_for == row.incident.resolved_at
        kinds = row.incident.timeline.values_list("kind", flat=True)
        assert Kind.POSTMORTEM_DRAFTED in kinds
        assert (Kind.POSTMORTEM_PUBLISHED in kinds) == row.is_published


def test_published_postmortems_are_complete_and_tell_no_gap(demo):
    for row in Postmortem.objects.filter(state="published").whole().select_related("incident"):
        read = reading.read(row)
        assert read.unwritten == []
        assert "{" not in "".join(part.section.body for part in read.parts if part.section.key != "timeline")
        assert read.events
        assert row.factors.all()
    assert not Section.objects.filter(postmortem__state="published", body__icontains="to write:").exists()
    for section in Section.objects.prefetch_related("revisions"):
        assert section.revisions.all()[0].body == section.body
        assert section.number == len(section.revisions.all())


def test_one_is_told_word_for_word(demo):
    row = Postmortem.objects.get(incident__title__contains="ingest.raw")
    assert (row.state, row.incident.severity) == ("published", "critical")
    assert row.meeting_at.hour == 14
    assert timedelta(days=3) < row.published_at - row.incident.resolved_at < timedelta(days=5)
    assert row.reviewers.filter(approved_at=None).count() == 0 < row.reviewers.count()
    assert row.comments.filter(settled_at=None).count() == 0 < row.comments.count()
    assert [event.is_corrected for event in row.events.all()].count(True) == 1
    assert row.events.filter(is_kept=False).exists()
    assert row.events.filter(entry=None).count() == 2
    assert {item.kind for item in row.incident.action_items.all()} == {"preventive", "detective", "mitigating"}
    assert row.factors.count() == 4
    assert row.public_update.message == row.public_text
    assert "search" in reading.read(row).parts[0].text


def test_nothing_of_the_past_is_owed_any_more(demo):
    assert not Notification.objects.pending().exists()
    assert not PlannedAction.objects.filter(state="due").exists()
    assert not Escalation.objects.filter(incident__in=past(), state="running").exists()
    assert not SlaClock.objects.filter(incident__in=past(), state="running").exists()
    assert not Event.objects.filter(state="pending").exists()
    assert not Group.objects.filter(incident__in=past(), closed_at=None).exists()
    assert not Alert.objects.filter(group__incident__in=past(), status="firing").exists()


def test_pages_were_kept_and_paged_before_the_answer(demo):
    kept = Notification.objects.filter(state="kept")
    assert kept.count() == Attempt.objects.filter(outcome="kept").count() > 300
    for incident in past().filter(acknowledged_at__isnull=True):
        assert not incident.timeline.filter(kind=Kind.ACKNOWLEDGED).exists()
    paging_severities = past().filter(severity__in=("critical", "high"), acknowledged_at__isnull=False)
    for incident in paging_severities.exclude(timeline__kind=Kind.SEVERITY_CHANGED):
        assert all(at < incident.acknowledged_at for _, at in make.pages(incident))
        assert make.pages(incident)


def test_the_company_has_its_named_services_and_a_default_policy(demo):
    assert {"ai-service", "query-engine", "kafka", "postgresql"} <= set(Service.objects.values_list("slug", flat=True))
    assert Service.objects.filter(team=None).count() == Service.objects.filter(escalation_policy=None).count() == 0
    assert EscalationPolicy.objects.get(is_default=True).is_demo
    assert IncidentSettings.objects.get().leadership.slug == "leadership"
    assert set(User.objects.values_list("role", flat=True)) == set(Role.values)
    assert not ContactMethod.objects.filter(verified_at=None).exists()
    assert not ContactMethod.objects.exclude(address__regex=r"[.@]finchlight[.]example(/|$)").exists()


def test_logins_are_printed_for_the_admin_a_responder_and_a_leader(demo, settings):
    printed = run("logins").splitlines()
    found = [re.fullmatch(r"login: (\S+) / (\S+)", line).groups() for line in printed]
    assert [username for username, _ in found] == ["alex", "priya", "dana"]
    users = [authenticate(username=username, password=password) for username, password in found]
    assert [user.role for user in users] == ["admin", "responder", "viewer"]
    assert users[2] in IncidentSettings.objects.get().leadership.members.all()
    assert stat.S_IMODE(people.logins_file().stat().st_mode) == 0o600
    assert run("logins").splitlines() == printed
    assert len({password for _, password in found}) == 3


def test_lost_passwords_are_replaced(demo):
    people.logins_file().unlink()
    username, password = people.logins()[0]
    assert authenticate(username=username, password=password)
    assert json.loads(people.logins_file().read_text())[0] == {"username": "alex", "password": password}


def test_removing_leaves_nothing(demo, client):
    alex = User.objects.get(username="alex")
    client.force_login(alex, backend="allauth.account.auth_backends.AuthenticationBackend")
    tokens.create(alex, name="script", scope="read", by=alex)
    written = AuditEntry.objects.count()
    printed = run("remove")
    assert re.search(r"\d+ incidents", printed)
    assert printed.endswith("No admin is left; manage.py setuplink prints the link that creates the first.\n")
    hang_on = (
        Postmortem,
        Section,
        Revision,
        KeyEvent,
        Reviewer,
        Comment,
        Run,
        TimelineEntry,
        StatusUpdate,
        ActionItem,
        Ticket,
        Tracker,
        Reminder,
        Notification,
        Attempt,
        Alert,
        Event,
        Group,
        Holiday,
        Membership,
        StatusPage,
        MaintenanceWindow,
        Report,
        Subscriber,
    )
    for model in (*DEMO_MODELS, *hang_on, Drill, MonthlyDrill):
        assert model.objects.count() == 0, model
    assert client.session.is_empty() or not client.session.exists(client.session.session_key)
    assert not people.logins_file().exists()
    assert AuditEntry.objects.count() == written + 1
    assert IncidentSettings.objects.get().leadership is None
    assert run("remove") == "There is no demo data.\n"


def test_what_is_real_survives_the_removal(demo):
    alice = make.user("alice")
    mine = make.service("checkout", policy=make.escalation_policy(alice))
    services = [mine, Service.objects.get(slug="kafka")]
    real = lifecycle.declare(Draft(title="Checkout down", severity="critical", services=services, by=alice))
    demo_incident = Incident.objects.filter(is_demo=True).latest("id")
    Incident.objects.filter(pk=real.pk).update(merged_into=demo_incident)
    AlertLink.objects.create(alert=Alert.objects.latest("id"), incident=real)
    Holiday.objects.create(date="2031-05-05", name="Founders' day")
    to_demo_people = Notification.objects.filter(topic=real.topic, user__is_demo=True)
    kept = list(to_demo_people.values_list("pk", flat=True))
    removal.remove(now=timezone.now())
    real.refresh_from_db()
    assert list(Incident.objects.all()) == [real]
    assert list(real.affected_services.all()) == [mine]
    assert real.merged_into is None
    assert list(User.objects.all()) == [alice]
    assert kept
    assert set(Notification.objects.filter(pk__in=kept).values_list("state", flat=True)) == {"cancelled"}
    assert Notification.objects.filter(user=alice, state="pending", purpose="page").exists()
    assert Holiday.objects.get().name == "Founders' day"
    lifecycle.acknowledge(real, by=alice)


def test_a_status_page_that_somebody_real_subscribed_to_stays_without_the_made_up_readers(demo):
    page = StatusPage.objects.get(is_demo=True)
    ann = make.subscriber(page, "ann@example.com", page.components.first())
    parts = page.components.count()
    assert f"The status page “{page}” stays: something real is on it. It is yours now." in run("remove")
    page.refresh_from_db()
    assert (page.is_demo, page.components.count(), list(page.subscribers.all())) == (False, parts, [ann])
    assert list(ann.components.all()) == [page.components.first()]
    assert not Report.objects.exists()
    assert not Incident.objects.exists()


@pytest.mark.parametrize("what", ["service", "incident"])
def test_a_status_page_that_tells_of_something_real_stays(demo, what):
    page = StatusPage.objects.get(is_demo=True)
    if what == "service":
        page.components.first().services.add(make.service("checkout"))
    else:
        make.report(page, make.incident())
    removal.remove(now=timezone.now())
    assert [each.is_demo for each in StatusPage.objects.filter(pk=page.pk)] == [False]
    assert not Subscriber.objects.exists()
