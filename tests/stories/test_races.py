"""Two of everything at once: claims exclude each other, and constraints hold."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts import people
from accounts.models import User
from alerts import grouping, intake
from alerts.models import Group
from core.work import db_now
from incidents import escalation, letting_go, lifecycle, quiet, snoozing
from incidents.models import Incident
from notifications import delivery, drills
from notifications.models import Attempt, Drill, MonthlyDrill, Notification
from runbooks import editing, running
from runbooks.models import Run
from tests import make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.story]


def at_once(*functions):
    """Run functions in threads that start together; raises what any of them raised."""
    barrier, errors = threading.Barrier(len(functions)), []

    def work(function):
        barrier.wait()
        try:
            function()
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def drain():
    while grouping.apply_due(now=db_now()):
        continue


def test_four_workers_on_the_same_lanes_open_one_incident_a_key():
    alice = make.user("alice")
    _, key = make.integration(service=make.service(policy=make.escalation_policy(alice)))
    for number in range(60):
        body = {"title": "Down", "dedup_key": f"key-{number % 6}", "severity": "critical"}
        intake.store(key=key, format="generic", body=json.dumps(body).encode())
    at_once(*[drain] * 4)
    drain()
    assert Incident.objects.count() == 6
    assert Counter(Group.objects.values_list("group_key", flat=True)) == {f"key-{n}": 1 for n in range(6)}


def test_two_senders_never_send_one_notification_twice():
    alice = make.user("alice")
    for _ in range(40):
        make.incident(steps=[alice], at=timezone.now())
    at_once(*[lambda: delivery.deliver_due("email", now=db_now())] * 3)
    pages = Notification.objects.filter(purpose="page", user=alice)
    assert set(pages.values_list("state", flat=True)) == {"kept"}
    assert Attempt.objects.filter(notification__in=pages).count() == 40


def test_acknowledging_while_the_next_step_fires_leaves_nothing_pending():
    alice, bob = make.user("alice"), make.user("bob")
    now = timezone.now()
    later = now + 5 * make.MINUTE
    for round_ in range(10):
        incident = make.incident(steps=[alice, bob], delays=(0, 5), at=now)
        at_once(
            partial(lifecycle.acknowledge, incident, by=alice, now=later),
            partial(escalation.advance_due, now=later),
        )
        open_pages = Notification.objects.filter(topic=incident.topic, state="pending", purpose="page")
        assert (round_, open_pages.count()) == (round_, 0)
        assert incident.escalations.get().state == "stopped"


def test_two_people_resolving_at_once_resolve_once():
    alice, bob = make.user("alice"), make.user("bob")
    incident = make.incident(at=timezone.now())

    def resolve(person):
        try:
            lifecycle.resolve(incident, by=person)
        except lifecycle.NotAllowedNow:
            return

    at_once(lambda: resolve(alice), lambda: resolve(bob))
    assert make.happened(incident).count("resolved") == 1


def test_the_link_for_the_first_admin_makes_one_however_many_use_it_at_once():
    token = people.setup_token()

    def use(number):
        with contextlib.suppress(people.SetupClosed):
            people.create_first_admin(
                token, username=f"root{number}", email=f"root{number}@example.com", password="seven green boats"
            )

    at_once(*[partial(use, number) for number in range(4)])
    assert User.objects.admins().count() == 1


def test_two_admins_who_step_down_at_once_leave_one():
    first, second = make.user(role="admin"), make.user(role="admin")

    def step_down(person):
        with contextlib.suppress(ValidationError):
            people.update_user(person, by=person, role="viewer")

    at_once(partial(step_down, first), partial(step_down, second))
    assert User.objects.admins().count() == 1


def test_two_presses_of_the_declare_button_declare_one_incident():
    alice = make.user("alice")
    make.policy.ensure_defaults()
    answers = []

    def press():
        browser = Client()
        browser.force_login(alice)
        said = {"title": "Kafka is slow", "severity": "low", "ticket": "t"}
        answers.append(browser.post("/incidents/new", said))

    at_once(*[press] * 4)
    assert {answer.status_code for answer in answers} == {303}
    assert Incident.objects.count() == 1


def test_a_drill_that_is_begun_four_times_at_once_is_one_drill():
    alice = make.user("alice")

    def press():
        with contextlib.suppress(drills.StillRunning):
            drills.start(alice, by=alice)

    at_once(*[press] * 4)
    assert Drill.objects.count() == 1
    assert Notification.objects.filter(purpose="drill").count() == 1


def test_two_pagers_begin_a_monthly_drill_once():
    people_ = [make.user(f"person{number}") for number in range(20)]
    at = make.NOW.replace(hour=11)
    MonthlyDrill.objects.bulk_create(MonthlyDrill(user=user, next_drill_at=at) for user in people_)

    def sweep():
        while drills.start_drills_due(now=at):
            continue

    at_once(*[sweep] * 3)
    sweep()
    assert Counter(Drill.objects.values_list("user", flat=True)) == {user.pk: 1 for user in people_}
    assert not MonthlyDrill.objects.filter(next_drill_at__lte=at).exists()


def test_monthly_drills_that_begin_while_people_give_them_up_wait_for_each_other():
    people_ = [make.user(f"person{number}") for number in range(30)]
    at = make.NOW.replace(hour=11)
    MonthlyDrill.objects.bulk_create(MonthlyDrill(user=user, next_drill_at=at) for user in people_)

    def give_up(some):
        for user in some:
            drills.set_monthly(user, is_on=False, by=user)

    backwards = people_[::-1]
    at_once(partial(drills.start_drills_due, now=at), *(partial(give_up, backwards[first::3]) for first in range(3)))
    assert not MonthlyDrill.objects.exists()


def test_two_pagers_end_a_snooze_once_and_remind_once():
    alice = make.user("alice")
    now = timezone.now()
    asleep = [make.incident(steps=[alice], at=now) for _ in range(5)]
    quiet_ones = [make.incident(steps=[alice], at=now) for _ in range(5)]
    for incident in asleep:
        snoozing.snooze(incident, until=now + make.MINUTE, by=alice, now=now)
    for incident in quiet_ones:
        lifecycle.acknowledge(incident, by=alice, now=now)
    later = now + 30 * make.MINUTE
    wake, remind = partial(snoozing.wake_due, now=later), partial(quiet.remind_due, now=later)
    at_once(wake, wake, remind, remind)
    assert [make.happened(incident).count("woken") for incident in asleep] == [1] * 5
    assert [make.happened(incident).count("reminded") for incident in quiet_ones] == [1] * 5
    assert [make.pages(incident) for incident in asleep] == [[("alice", now), ("alice", later)]] * 5


def test_giving_back_and_acknowledging_at_once_leave_somebody_paged_or_somebody_on_it():
    alice, bob = make.user("alice"), make.user("bob")
    for _ in range(10):
        incident = lifecycle.acknowledge(make.incident(steps=[alice, bob], at=timezone.now()), by=alice)
        at_once(
            partial(letting_go.unacknowledge, incident, by=alice),
            partial(lifecycle.acknowledge, incident, by=bob),
            partial(quiet.remind_due, now=timezone.now() + 30 * make.MINUTE),
        )
        incident.refresh_from_db()
        states = {row.state for row in incident.escalations.all()}
        assert (incident.status, incident.assignee, states) in (
            ("acknowledged", bob, {"stopped"}),
            ("triggered", None, {"running"}),
        )


def test_three_people_tick_fifty_steps_at_once_and_nothing_is_lost():
    people_at_work = [make.user(name) for name in ("alice", "bob", "dora")]
    incident, book = make.incident(), make.runbook("long", *(f"Step {number}" for number in range(1, 51)))
    at_once(*(partial(running.start, incident, book, by=person) for person in people_at_work))
    run = Run.objects.get()
    refused = Counter()

    def work(person, order):
        for position in order:
            try:
                running.tick(run, position, by=person)
            except lifecycle.NotAllowedNow:
                refused[person.username] += 1
            running.add_text(run, position, by=person, text=f"{person} {position}")

    there, back = range(1, 51), range(50, 0, -1)
    middle = [*range(25, 51), *range(1, 25)]
    at_once(*(partial(work, *pair) for pair in zip(people_at_work, (there, back, middle), strict=True)))
    run.refresh_from_db()
    steps = list(run.steps.order_by("position"))
    assert run.finished_at
    assert [step.state for step in steps] == ["done"] * 50
    assert [len(step.text.splitlines()) for step in steps] == [5] * 50  # three texts with a line between
    did = Counter(incident.timeline.filter(kind="runbook_step").values_list("data__did", flat=True))
    assert (did, sum(refused.values())) == ({"done": 50, "seen": 150}, 100)
    assert make.happened(incident).count("runbook_started") == make.happened(incident).count("runbook_finished") == 1


def test_of_two_who_save_a_runbook_at_once_one_hears_of_the_other():
    book = make.runbook("lag")
    guide = editing.guide_of(book)
    refused = []

    def save(title):
        try:
            editing.change(book, replace(guide, title=title), by=None, based_on=1)
        except editing.Overtaken as error:
            refused.append(error.since.title)

    at_once(partial(save, "One"), partial(save, "Two"))
    assert list(book.versions.values_list("number", "title")) == [(2, refused[0]), (1, "Lag")]
