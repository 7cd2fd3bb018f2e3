"""From an external update to what pages tell: once, in order, and nothing that changes in silence."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction

from catalog.models import Service
from incidents.models import AffectedService, Incident, StatusUpdate, UpdateRevision
from statuspage import components, publishing
from statuspage.models import Mailing, Report, Taken
from tests import make
from tests.make import MINUTE

MAJOR, PARTIAL, DEGRADED, WELL = "major_outage", "partial_outage", "degraded_performance", "operational"

pytestmark = pytest.mark.django_db


@pytest.fixture
def checkout():
    return make.service("checkout")


@pytest.fixture
def page(checkout, now):
    made = make.status_page("acme", at=now)
    made.components.all().delete()
    make.component(made, checkout, name="Payments", at=now)
    make.component(made, make.service("search"), name="Search", at=now)
    return made


@pytest.fixture
def incident(checkout, now):
    made = make.incident(severity="high", services=[checkout], at=now)
    Incident.objects.filter(pk=made.pk).update(started_at=now - 10 * MINUTE)
    made.refresh_from_db()
    return made


def say(incident, status="investigating", *, at, **fields):
    fields.setdefault("visibility", "external")
    return make.status_update(incident, at=at, status=status, **fields)


def resolved(incident, *, at):
    Incident.objects.filter(pk=incident.pk).update(status="resolved", resolved_at=at, acknowledged_at=at)


def part(page, name):
    return page.components.get(name=name)


def impacts(report):
    rows = report.impacts.order_by("started_at", "component__name", "id")
    return [(row.component.name, row.health, row.started_at, row.ended_at) for row in rows]


def test_the_first_external_update_begins_a_report_where_the_incident_began(page, incident, now):
    say(incident, visibility="internal", at=now, title="Secret")
    assert publishing.publish_missing(now=now) == 0
    update = say(incident, at=now + MINUTE, title="Payments fail")
    assert publishing.publish_missing(now=now + MINUTE) == 1
    assert publishing.publish_missing(now=now + MINUTE) == 0
    report = Report.objects.get()
    assert (report.page, report.name, report.status, report.started_at, report.created_at, report.resolved_at) == (
        page, "Payments fail", "investigating", now - 10 * MINUTE, now + MINUTE, None,
    )  # fmt: skip
    assert impacts(report) == [("Payments", PARTIAL, now - 10 * MINUTE, None)]
    assert update.taken.changes == {part(page, "Payments").public_id: [WELL, PARTIAL]}
    page.refresh_from_db()
    assert page.changed_at >= now + MINUTE


def test_what_waits_or_was_taken_back_is_not_told(page, incident, now):
    say(incident, at=now, published_at=None)
    say(incident, at=now, published_at=None, cancelled_at=now)
    assert publishing.publish_missing(now=now + MINUTE) == 0
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("severity", "health"), [("critical", MAJOR), ("high", PARTIAL), ("medium", DEGRADED), ("low", None)]
)
def test_components_are_as_the_severity_says(page, checkout, now, severity, health):
    say(make.incident(severity=severity, services=[checkout], at=now), at=now)
    publishing.publish_missing(now=now)
    report = Report.objects.get()
    assert impacts(report) == ([("Payments", health, now, None)] if health else [])
    assert list(Taken.objects.get().changes) == [part(page, "Payments").public_id]


def test_a_whole_course_with_a_worse_turn_and_an_end_that_came_before_it_was_told(page, incident, now):
    say(incident, at=now, title="Payments fail")
    Incident.objects.filter(pk=incident.pk).update(severity="critical")
    publishing.publish_missing(now=now)
    say(incident, "identified", at=now + 10 * MINUTE, title="All payments fail")
    say(incident, "monitoring", at=now + 20 * MINUTE, affects={part(page, "Payments").public_id: DEGRADED})
    assert publishing.publish_missing(now=now + 20 * MINUTE) == 2
    resolved(incident, at=now + 25 * MINUTE)
    say(incident, "resolved", at=now + 30 * MINUTE)
    say(incident, "postmortem", at=now + 90 * MINUTE)
    assert publishing.publish_missing(now=now + 90 * MINUTE) == 2
    report = Report.objects.get()
    assert impacts(report) == [
        ("Payments", MAJOR, now - 10 * MINUTE, now + 20 * MINUTE),
        ("Payments", DEGRADED, now + 20 * MINUTE, now + 25 * MINUTE),
    ]
    assert (report.name, report.status, report.resolved_at) == ("All payments fail", "postmortem", now + 25 * MINUTE)


def test_what_changes_in_silence_shows_with_the_next_update(page, incident, now):
    say(incident, at=now)
    publishing.publish_missing(now=now)
    Incident.objects.filter(pk=incident.pk).update(severity="medium")
    AffectedService.objects.create(incident=incident, service=Service.objects.get(slug="search"))
    publishing.publish_missing(now=now + MINUTE)
    assert impacts(Report.objects.get()) == [("Payments", PARTIAL, now - 10 * MINUTE, None)]
    say(incident, at=now + 2 * MINUTE)
    publishing.publish_missing(now=now + 2 * MINUTE)
    assert impacts(Report.objects.get()) == [
        ("Payments", PARTIAL, now - 10 * MINUTE, now + 2 * MINUTE),
        ("Payments", DEGRADED, now + 2 * MINUTE, None),
        ("Search", DEGRADED, now + 2 * MINUTE, None),
    ]


def test_what_an_update_says_of_a_component_holds_until_another_does_or_the_end(page, incident, now):
    payments, search = part(page, "Payments").public_id, part(page, "Search").public_id
    say(incident, at=now, affects={payments: WELL, search: DEGRADED})
    say(incident, at=now + MINUTE)
    say(incident, at=now + 2 * MINUTE, affects={search: MAJOR, "nobody": MAJOR, payments: "awful"})
    say(incident, "resolved", at=now + 3 * MINUTE)
    say(incident, "investigating", at=now + 5 * MINUTE)
    assert publishing.publish_missing(now=now + 5 * MINUTE) == 5
    report = Report.objects.get()
    assert impacts(report) == [
        ("Search", DEGRADED, now - 10 * MINUTE, now + 2 * MINUTE),
        ("Search", MAJOR, now + 2 * MINUTE, now + 3 * MINUTE),
        ("Payments", PARTIAL, now + 5 * MINUTE, None),
    ]
    assert (report.status, report.resolved_at) == ("investigating", None)


def test_an_incident_that_is_told_only_when_it_is_over_has_an_impact_all_the_same(page, incident, now):
    resolved(incident, at=now + 5 * MINUTE)
    say(incident, "resolved", at=now + 60 * MINUTE)
    publishing.publish_missing(now=now + 60 * MINUTE)
    report = Report.objects.get()
    assert impacts(report) == [("Payments", PARTIAL, now - 10 * MINUTE, now + 5 * MINUTE)]
    assert report.resolved_at == now + 5 * MINUTE


def test_an_end_before_the_beginning_ends_at_the_beginning(page, incident, now):
    say(incident, at=now)
    publishing.publish_missing(now=now)
    resolved(incident, at=now - 30 * MINUTE)
    say(incident, "resolved", at=now + MINUTE)
    publishing.publish_missing(now=now + MINUTE)
    assert impacts(Report.objects.get()) == [("Payments", PARTIAL, now - 10 * MINUTE, now - 10 * MINUTE)]
    assert Report.objects.get().resolved_at == now - 10 * MINUTE


def test_a_report_that_nobody_named_is_called_by_its_day_in_the_language_of_the_page(page, incident, now):
    page.locale, page.time_zone = "de", "America/New_York"
    page.save()
    say(incident, at=now)
    publishing.publish_missing(now=now)
    assert Report.objects.get().name == "Störung vom 13. Okt. 2026"


def test_pages_without_a_component_that_it_concerns_tell_nothing(page, incident, now):
    other = make.status_page("other", at=now)
    other.components.all().delete()
    elsewhere = make.component(other, make.service("mail"), name="Mail", at=now)
    say(incident, at=now)
    publishing.publish_missing(now=now)
    assert [report.page for report in Report.objects.all()] == [page]
    say(incident, at=now + MINUTE, affects={elsewhere.public_id: DEGRADED})
    publishing.publish_missing(now=now + MINUTE)
    report = Report.objects.get(page=other)
    assert (report.created_at, impacts(report)) == (now + MINUTE, [("Mail", DEGRADED, now - 10 * MINUTE, None)])


def test_a_page_that_gains_a_component_while_an_incident_is_open_tells_of_it_as_of_the_last_update(
    page, incident, checkout, now
):
    say(incident, at=now, title="Payments fail")
    update = say(incident, "identified", at=now + MINUTE)
    publishing.publish_missing(now=now + MINUTE)
    mailings = Mailing.objects.count()
    other = make.status_page("other", at=now)
    make.component(other, checkout, name="Tills", at=now + 2 * MINUTE)
    make.component(page, checkout, name="Refunds", at=now + 2 * MINUTE)
    assert publishing.publish_missing(now=now + 3 * MINUTE) == 2
    assert publishing.publish_missing(now=now + 3 * MINUTE) == 0
    assert impacts(Report.objects.get(page=page)) == [
        ("Payments", PARTIAL, now - 10 * MINUTE, None),
        ("Refunds", PARTIAL, now + MINUTE, None),
    ]
    report = Report.objects.get(page=other)
    assert (report.name, report.status, report.created_at) == ("Payments fail", "identified", update.published_at)
    assert impacts(report) == [("Tills", PARTIAL, now - 10 * MINUTE, None)]
    assert Mailing.objects.count() == mailings
    say(incident, "resolved", at=now + 4 * MINUTE)
    publishing.publish_missing(now=now + 4 * MINUTE)
    assert [end for _, _, _, end in impacts(report)] == [now + 4 * MINUTE]


def test_a_component_that_gains_a_service_is_told_of_as_well_and_no_other(page, incident, checkout, now):
    say(incident, at=now)
    publishing.publish_missing(now=now)
    AffectedService.objects.create(incident=incident, service=Service.objects.get(slug="search"))
    mail = make.component(page, make.service("mail"), name="Mail", at=now)
    components.change_component(mail, services=[checkout], by=None, now=now + MINUTE)
    assert publishing.publish_missing(now=now + MINUTE) == 1
    assert {name for name, *_ in impacts(Report.objects.get())} == {"Payments", "Mail"}


@pytest.mark.parametrize("how", ["told to be over", "private", "merged"])
def test_a_new_component_does_not_bring_back_what_is_over_or_may_not_be_told(page, incident, checkout, now, how):
    say(incident, "resolved" if how == "told to be over" else "monitoring", at=now)
    publishing.publish_missing(now=now)
    if how != "told to be over":
        merged_into = make.incident(at=now) if how == "merged" else None
        Incident.objects.filter(pk=incident.pk).update(is_private=how == "private", merged_into=merged_into)
    make.status_page("other", checkout, at=now + MINUTE)
    assert publishing.publish_missing(now=now + 2 * MINUTE) == 0
    assert [report.page for report in Report.objects.all()] == [page]


def test_nothing_of_a_private_or_merged_incident_is_taken_up_until_it_may_be_told(page, incident, now):
    say(incident, at=now)
    Incident.objects.filter(pk=incident.pk).update(is_private=True)
    assert publishing.publish_missing(now=now) == 0
    Incident.objects.filter(pk=incident.pk).update(is_private=False, merged_into=make.incident(at=now))
    assert publishing.publish_missing(now=now) == 0
    Incident.objects.filter(pk=incident.pk).update(merged_into=None)
    assert publishing.publish_missing(now=now) == 1


# ---- edits -------------------------------------------------------------------------------------------------------


def edit(update, *, at, **fields):
    UpdateRevision.objects.create(
        update=update, status=update.status, title=update.title, message=update.message, replaced_at=at
    )
    StatusUpdate.objects.filter(pk=update.pk).update(edited_at=at, **fields)
    update.refresh_from_db()


def test_an_edit_shows_and_nobody_is_mailed_again(page, incident, now):
    first = say(incident, at=now, title="Payments fail")
    second = say(incident, "identified", at=now + MINUTE)
    publishing.publish_missing(now=now + MINUTE)
    edit(first, at=now + 2 * MINUTE, title="Card payments fail", message="Cards only.")
    assert publishing.publish_missing(now=now + 2 * MINUTE) == 1
    assert publishing.publish_missing(now=now + 2 * MINUTE) == 0
    report = Report.objects.get()
    assert (report.name, report.status, report.updated_at) == ("Card payments fail", "identified", now + 2 * MINUTE)
    keys = [f"update/{first.pk}", f"update/{second.pk}"]
    assert sorted(Mailing.objects.values_list("key", flat=True)) == keys


def test_an_end_that_was_none_goes_on(page, incident, now):
    say(incident, at=now)
    end = say(incident, "resolved", at=now + 10 * MINUTE)
    publishing.publish_missing(now=now + 10 * MINUTE)
    edit(end, at=now + 12 * MINUTE, status="monitoring")
    publishing.publish_missing(now=now + 12 * MINUTE)
    report = Report.objects.get()
    assert (report.status, report.resolved_at) == ("monitoring", None)
    assert impacts(report) == [("Payments", PARTIAL, now - 10 * MINUTE, None)]


@pytest.mark.parametrize("number", [0, 1])
def test_what_turns_out_to_have_been_the_end_is_one(page, incident, now, number):
    updates = [say(incident, at=now), say(incident, "monitoring", at=now + 10 * MINUTE)][: number + 1]
    publishing.publish_missing(now=now + 10 * MINUTE)
    Report.objects.get()
    edit(updates[number], at=now + 12 * MINUTE, status="resolved")
    for later in StatusUpdate.objects.filter(published_at__gt=updates[number].published_at):
        edit(later, at=now + 12 * MINUTE, status="resolved")
    publishing.publish_missing(now=now + 12 * MINUTE)
    report = Report.objects.get()
    end = now + 10 * MINUTE * number
    assert (report.resolved_at, impacts(report)) == (end, [("Payments", PARTIAL, now - 10 * MINUTE, end)])


# ---- news --------------------------------------------------------------------------------------------------------


def test_each_update_is_one_piece_of_news_for_the_components_it_concerns(page, incident, now):
    update = say(incident, at=now, title="Payments\nfail", message="**Cards** fail.", next_at=now + 30 * MINUTE)
    publishing.publish_missing(now=now)
    mailing = Mailing.objects.get()
    assert (mailing.page, mailing.key, mailing.kind) == (page, f"update/{update.pk}", "update")
    assert mailing.subject == "Investigating: Payments fail"
    assert mailing.text == ("**Cards** fail.\n\nPayments: Operational → Partial outage\n\nNext update by 02:17 UTC.")
    assert [component.name for component in mailing.components.all()] == ["Payments"]
    assert mailing.payload["update"] == {
        "id": update.taken.public_id,
        "status": "investigating",
        "body": "**Cards** fail.",
        "created_at": "2026-10-14T01:47:08Z",
        "next_update_at": "2026-10-14T02:17:08Z",
    }
    assert mailing.payload["components"] == [
        {"id": part(page, "Payments").public_id, "name": "Payments", "old_status": WELL, "new_status": PARTIAL}
    ]


def test_what_is_taken_up_a_day_late_is_no_news(page, incident, now):
    say(incident, at=now)
    publishing.publish_missing(now=now + timedelta(days=1, seconds=1))
    assert (Report.objects.count(), Mailing.objects.count()) == (1, 0)


# ---- at once -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_take_an_update_up_once(page, incident, now):
    for minute in range(6):
        say(incident, at=now + minute * MINUTE)
    counts = []

    def sweep():
        try:
            counts.append(publishing.publish_missing(now=now + 6 * MINUTE))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 6
    assert (Taken.objects.count(), Mailing.objects.count(), Report.objects.count()) == (6, 6, 1)


@pytest.mark.django_db(transaction=True)
def test_an_incident_that_somebody_holds_keeps_its_turn(page, incident, checkout, now):
    say(incident, at=now)
    say(make.incident(services=[checkout], at=now), at=now)
    with transaction.atomic():
        Incident.objects.locked(incident.pk)
        found = []
        thread = threading.Thread(
            target=lambda: (found.append(publishing.publish_missing(now=now)), connection.close())
        )
        thread.start()
        thread.join()
    assert found == [1]
    assert publishing.publish_missing(now=now) == 1
