"""Documents of pages: written when something changes, or when time changes it, and not otherwise."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from structlog.testing import capture_logs

from incidents.models import Incident
from statuspage import components, pages, publishing, rendering
from statuspage.models import Document, Report, StatusPage
from tests import make
from tests.make import MINUTE

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def checkout():
    return make.service("checkout")


@pytest.fixture
def page(checkout, now):
    return make.status_page("acme", checkout, at=now)


def render(at):
    return rendering.render_due(now=at)


def summary(page):
    return json.loads(bytes(page.documents.get(path="api/v2/summary.json").body))


def tags(page):
    return dict(page.documents.values_list("path", "etag"))


def say(incident, status="investigating", *, at, **fields):
    update = make.status_update(incident, at=at, status=status, visibility="external", **fields)
    publishing.publish_missing(now=at)
    return update


def test_a_new_page_is_written_once(page, now):
    assert (render(now), render(now)) == (1, 0)
    assert set(tags(page)) >= {
        "index.html", "history.html", "api/v2/summary.json", "api/v2/incidents/unresolved.json", "history.atom",
        "history.rss", "maintenance.ics", "badge.svg",
    }  # fmt: skip
    page.refresh_from_db()
    assert (page.rendered_at, page.due_at.isoformat()) == (page.changed_at, "2026-10-15T00:00:00+00:00")


def test_an_update_is_told_by_the_next_sweeps(page, checkout, now):
    render(now)
    say(make.incident(severity="critical", services=[checkout], at=now), at=now + MINUTE, title="Payments fail")
    assert render(now + MINUTE) == 1
    told = summary(page)
    assert (told["status"]["indicator"], [each["name"] for each in told["incidents"]]) == (
        "critical",
        ["Payments fail"],
    )
    link = f"incidents/{Report.objects.get().public_id}.html"
    assert b"Payments fail" in bytes(page.documents.get(path=link).body)


def test_what_is_the_same_is_not_written_again(page, now):
    render(now)
    before = {row.path: (row.etag, row.rendered_at) for row in page.documents.all()}
    pages.changed([page.pk], now=now + MINUTE)
    assert render(now + MINUTE) == 1
    after = {row.path: (row.etag, row.rendered_at) for row in page.documents.all()}
    assert after["badge.svg"] == before["badge.svg"] == (before["badge.svg"][0], now)
    assert after.keys() == before.keys()


def test_two_changes_at_one_instant_are_both_seen(page, now):
    pages.changed([page.pk], now=now)
    render(now)
    components.add_component(page, name="Mail", services=[], since=now.date(), by=None, now=now)
    assert render(now) == 1
    assert [each["name"] for each in summary(page)["components"]] == ["Checkout", "Mail"]


def test_a_day_and_a_maintenance_that_begin_have_it_written_and_exported_again(page, checkout, now):
    make.maintenance(checkout, starts_at=now + HOUR, hours=2)
    render(now)
    for at, indicator in ((now + HOUR, "maintenance"), (now + 3 * HOUR, "none"), (now + DAY, "none")):
        page.refresh_from_db()
        before = page.rendered_at
        assert (render(at), render(at)) == (1, 0)
        page.refresh_from_db()
        assert page.rendered_at == page.changed_at > before
        assert summary(page)["status"]["indicator"] == indicator


@pytest.mark.parametrize("how", ["private", "removed"])
def test_what_may_not_be_told_any_more_is_gone_from_every_document(page, checkout, now, how):
    incident = make.incident(severity="critical", services=[checkout], at=now)
    say(incident, at=now, title="Xylophones fail")
    render(now)
    assert any(b"Xylophones" in bytes(row.body) for row in page.documents.all())
    if how == "private":
        Incident.objects.filter(pk=incident.pk).update(is_private=True)
    else:
        Incident.objects.filter(pk=incident.pk).delete()
    assert (render(now + MINUTE), render(now + MINUTE)) == (1, 0)
    assert not any(b"Xylophones" in bytes(row.body) for row in page.documents.all())
    assert not page.documents.filter(path__startswith="incidents/").exists()
    if how == "private":
        Incident.objects.filter(pk=incident.pk).update(is_private=False)
        assert render(now + 2 * MINUTE) == 1
        assert page.documents.filter(path__startswith="incidents/").count() == 1


def test_a_merged_incident_is_told_on_its_own_page_alone_which_leads_to_what_it_is_part_of(page, checkout, now):
    whole, between, part = (make.incident(severity="critical", services=[checkout], at=now) for _ in range(3))
    say(whole, at=now, title="Shop down")
    say(part, at=now, title="Xylophones fail", message="Tuning.")
    render(now)
    link = f"incidents/{Report.objects.get(incident=part).public_id}.html"
    Incident.objects.filter(pk=between.pk).update(merged_into=whole)
    Incident.objects.filter(pk=part.pk).update(merged_into=between)
    assert (render(now + MINUTE), render(now + MINUTE)) == (1, 0)
    assert {row.path for row in page.documents.all() if b"Xylophones" in bytes(row.body)} == {link}
    shown = bytes(page.documents.get(path=link).body).decode()
    assert f'<a href="{Report.objects.get(incident=whole).public_id}.html">' in shown
    assert ("Tuning." in shown, "Not resolved yet" in shown) == (True, False)
    Incident.objects.filter(pk=whole.pk).update(is_private=True)
    assert render(now + 2 * MINUTE) == 1
    shown = bytes(page.documents.get(path=link).body).decode()
    assert ("Xylophones" in shown, "Read on there" in shown) == (True, False)
    assert render(now + 200 * DAY) == 1
    assert page.documents.filter(path=link).exists()
    Incident.objects.filter(pk=part.pk).update(is_private=True)
    assert render(now + 200 * DAY) == 1
    assert not page.documents.filter(path=link).exists()


def test_what_is_set_otherwise_is_told_without_another_change(page, now, settings):
    render(now)
    for field in ({"base_url": "https://muster.example.com"}, {"status_export": Path("/srv/status")}):
        settings.MUSTER = replace(settings.MUSTER, **field)
        assert (render(now), render(now)) == (1, 0)
    index = bytes(page.documents.get(path="index.html").body).decode()
    assert 'action="https://muster.example.com/status/acme/subscribe"' in index


def test_two_processes_that_are_set_up_otherwise_are_noticed_once(page, now, settings):
    rendering._warn.cache_clear()
    ours = settings.MUSTER
    with capture_logs() as logged:
        assert (render(now), logged) == (1, [])
        for _ in range(2):
            settings.MUSTER = replace(ours, base_url="https://muster.example.com")
            assert render(now) == 1
            settings.MUSTER = ours
            assert render(now) == 1
    assert [(each["log_level"], "another BASE_URL" in each["event"]) for each in logged] == [("warning", True)]


def test_a_permanent_link_stays_when_it_is_long_ago_unless_it_may_not_be_told(page, checkout, now):
    incident = make.incident(severity="critical", services=[checkout], at=now)
    say(incident, "resolved", at=now, title="Long ago")
    render(now)
    link = f"incidents/{Report.objects.get().public_id}.html"
    assert render(now + 200 * DAY) == 1
    assert summary(page)["incidents"] == []
    assert page.documents.filter(path=link).count() == 1
    Incident.objects.filter(pk=incident.pk).update(is_private=True)
    assert render(now + 200 * DAY) == 1
    assert not page.documents.filter(path=link).exists()


def test_each_page_has_its_own(page, now):
    other = make.status_page("other", at=now, locale="de")
    assert render(now) == 2
    assert b"Acme" not in b"".join(bytes(row.body) for row in other.documents.all())


def test_a_page_that_cannot_be_drawn_keeps_no_other_from_its_turn(page, checkout, now):
    make.status_page("other", at=now)
    say(make.incident(services=[checkout], at=now), at=now)
    Report.objects.update(status="unheard-of")
    assert render(now) == 1
    assert set(Document.objects.values_list("page__slug", flat=True)) == {"other"}


@contextmanager
def rendered_meanwhile(page, at):
    """A rendering in another thread, that is in the midst of writing: it waits for a document that this thread has."""
    with ThreadPoolExecutor() as others:
        with transaction.atomic():
            Document.objects.select_for_update().get(page=page, path="index.html")
            found = others.submit(lambda: (render(at), connection.close())[0])
            wait_for_locks(1, asked_by=found)
            yield found
        found.result(20)


def wait_for_locks(count, *, asked_by, within=20.0):
    """Return when so many connections to this database wait for a lock; ``asked_by`` is one of them."""
    deadline = time.monotonic() + within
    while (waiting := waiting_for_a_lock()) < count:
        assert not asked_by.done(), "it was done without waiting"
        assert time.monotonic() < deadline, f"after {within:g} s {waiting} wait for a lock, expected {count}"
        time.sleep(0.01)


def waiting_for_a_lock():
    here = "SELECT pid FROM pg_locks JOIN pg_database ON oid = database WHERE datname = current_database()"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN ({here})")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_write_a_page_once_and_nobody_waits_for_them(page, checkout, now):
    incident = make.incident(severity="critical", services=[checkout], at=now)
    render(now)
    pages.change(page, name="Acme Inc.", by=None, now=now + MINUTE)
    with rendered_meanwhile(page, now + MINUTE) as other, ThreadPoolExecutor() as third:
        assert render(now + MINUTE) == 0
        before = time.monotonic()
        third.submit(lambda: (say(incident, at=now + MINUTE), connection.close())).result(10)
        assert time.monotonic() - before < 2
        assert not other.done()
    assert other.result() == 1
    stored = StatusPage.objects.get(pk=page.pk)
    assert stored.rendered_at < stored.changed_at
    assert render(now + MINUTE) == 1
    assert summary(page)["status"]["indicator"] == "critical"


@pytest.mark.django_db(transaction=True)
def test_a_page_is_removed_while_it_is_rendered(page, checkout, now):
    render(now)
    pages.change(page, name="Acme Inc.", by=None, now=now + MINUTE)
    with ThreadPoolExecutor() as remover:
        with rendered_meanwhile(page, now + MINUTE) as other:
            removal = remover.submit(lambda: (pages.remove(page, by=None), connection.close()))
            wait_for_locks(2, asked_by=removal)
        removal.result(20)
    assert other.result() == 1
    assert not StatusPage.objects.exists()
    assert not Document.objects.exists()
