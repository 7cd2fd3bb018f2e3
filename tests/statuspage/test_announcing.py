"""From a maintenance window to what pages tell: each step once, a reminder a day before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from catalog import maintenance
from catalog.models import MaintenanceWindow
from statuspage import announcing, maintenance_words
from statuspage.models import Announced, Mailing, StatusPage
from tests import make
from tests.make import MINUTE, SECOND

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def kafka():
    return make.service("kafka")


@pytest.fixture
def page(kafka, now):
    return make.status_page("acme", kafka, at=now - DAY, time_zone="Europe/Berlin")


def announce(at):
    """Until nothing is left to announce, as a sweep runs."""
    count = 0
    while done := announcing.announce_due(now=at):
        count += done
    return count


def heard(page):
    """The keys of mailings in their order, without the window's."""
    keys = Mailing.objects.filter(page=page).order_by("id").values_list("key", flat=True)
    return [key.split("/", 2)[2] for key in keys]


def touch(window, **fields):
    """As a change at some time does."""
    MaintenanceWindow.objects.filter(pk=window.pk).update(**fields)


def test_each_step_is_told_once(page, kafka, now):
    window = make.maintenance(kafka, starts_at=now + 3 * DAY, hours=2, description="Short pauses.")
    assert announce(now) == 1
    assert (heard(page), announce(now + MINUTE)) == (["announced"], 0)
    begins = now + 3 * DAY
    assert announce(begins - DAY - SECOND) == 0
    assert announce(begins - DAY) == 1
    assert announce(begins - SECOND) == 0
    assert announce(begins) == 1
    assert announce(begins + 2 * HOUR - SECOND) == 0
    assert announce(begins + 2 * HOUR) == 1
    assert announce(begins + 3 * DAY) == 0
    assert heard(page) == ["announced", "reminder", "begins", "ends"]
    first = Mailing.objects.earliest("id")
    part = page.components.get()
    assert (first.subject, first.kind, first.maintenance, list(first.components.all())) == (
        "Maintenance announced: New disks",
        "maintenance",
        window,
        [part],
    )
    assert first.text == ("New disks\nSat 17 Oct 2026, 03:47 to 05:47 CEST\nAffected: Kafka.\n\nShort pauses.")
    assert first.payload == {
        "step": "announced",
        "maintenance": {
            "id": window.public_id,
            "name": "New disks",
            "body": "Short pauses.",
            "status": "scheduled",
            "scheduled_for": "2026-10-17T01:47:08Z",
            "scheduled_until": "2026-10-17T03:47:08Z",
            "shortlink": f"http://127.0.0.1:8000/status/acme/maintenance/{window.public_id}.html",
        },
        "components": [{"id": part.public_id, "name": "Kafka"}],
    }
    last = Mailing.objects.latest("id")
    assert last.text == "New disks\nIt was over at 17 Oct 2026, 05:47 CEST.\nAffected: Kafka."


def test_the_page_is_rendered_anew_at_each_step(page, kafka, now):
    make.maintenance(kafka, starts_at=now + 3 * DAY, hours=2)
    moved = []
    for at in (now, now + MINUTE, now + 2 * DAY, now + 3 * DAY, now + 3 * DAY + 2 * HOUR):
        before = StatusPage.objects.get().changed_at
        announce(at)
        moved.append(StatusPage.objects.get().changed_at > before)
    assert moved == [True, False, True, True, True]


def test_nobody_is_reminded_of_what_they_heard_of_within_the_last_day(page, kafka, now):
    make.maintenance(kafka, starts_at=now + DAY - MINUTE)
    announce(now)
    announce(now + 2 * MINUTE)
    assert heard(page) == ["announced"]


def test_a_change_is_told_and_reminds_again_where_it_moves_away(page, kafka, now):
    window = make.maintenance(kafka, starts_at=now + 2 * DAY, hours=2)
    announce(now)
    announce(now + DAY)
    maintenance.change(window, starts_at=now + 9 * DAY, ends_at=now + 9 * DAY + HOUR, by=None, now=now + DAY)
    announce(now + DAY)
    announce(now + 8 * DAY)
    assert heard(page) == ["announced", "reminder", "changed/1", "reminder/1"]
    changed = Mailing.objects.get(key__endswith="changed/1")
    assert changed.text == (
        "New disks\nFri 23 Oct 2026, 03:47 to 04:47 CEST\n"
        "It was announced for Fri 16 Oct 2026, 03:47 to 05:47 CEST.\nAffected: Kafka."
    )
    maintenance.change(window, title="Newer disks", by=None, now=now + 8 * DAY)
    announce(now + 8 * DAY)
    assert heard(page)[-1] == "changed/2"


def test_a_new_description_is_shown_and_not_mailed(page, kafka, now):
    window = make.maintenance(kafka, starts_at=now + 2 * DAY)
    announce(now)
    maintenance.change(window, description="Spelled right.", by=None, now=now)
    before = StatusPage.objects.get().changed_at
    assert announce(now) == 1
    assert (heard(page), StatusPage.objects.get().changed_at > before) == (["announced"], True)


def test_started_and_ended_early_it_is_told_as_that(page, kafka, now):
    window = make.maintenance(kafka, starts_at=now + 5 * DAY)
    announce(now)
    maintenance.start_now(window, by=None, now=now + HOUR)
    announce(now + HOUR)
    maintenance.extend(window, until=now + 9 * HOUR, by=None, now=now + HOUR)
    announce(now + HOUR)
    maintenance.end_now(window, by=None, now=now + 2 * HOUR)
    announce(now + 2 * HOUR)
    announce(now + 9 * HOUR)
    assert heard(page) == ["announced", "begins", "changed/1", "ends"]


def test_what_was_announced_can_be_called_off(page, kafka, now):
    window = make.maintenance(kafka, starts_at=now + 5 * DAY)
    unheard = make.maintenance(kafka, starts_at=now + 5 * DAY)
    maintenance.cancel(unheard, by=None, now=now)
    announce(now)
    maintenance.cancel(window, by=None, now=now)
    announce(now)
    announce(now + 5 * DAY)
    assert heard(page) == ["announced", "cancelled"]


def test_only_pages_with_a_component_of_its_services_hear_of_it(page, kafka, now):
    other = make.status_page("other", make.service("mail"), at=now)
    make.maintenance(kafka, starts_at=now + 2 * DAY)
    make.maintenance(kafka, starts_at=now + 2 * DAY, is_public=False)
    announce(now)
    assert (heard(page), heard(other)) == (["announced"], [])
    other.components.get().services.set([kafka])
    announce(now + MINUTE)
    assert (heard(page), heard(other)) == (["announced"], ["announced"])


def test_one_that_is_not_public_any_more_leaves_the_page_without_a_word(page, kafka, now):
    window = make.maintenance(kafka, starts_at=now + 2 * DAY)
    announce(now)
    maintenance.change(window, is_public=False, by=None, now=now)
    before = StatusPage.objects.get().changed_at
    assert (announce(now), Announced.objects.count()) == (1, 0)
    assert (heard(page), StatusPage.objects.get().changed_at > before) == (["announced"], True)
    assert announce(now) == 0


def test_one_that_is_announced_again_tells_what_is_new_since_it_was_told(page, kafka, now):
    window = make.maintenance(kafka, starts_at=now + 9 * DAY)
    announce(now)

    def change(at, **fields):
        maintenance.change(window, by=None, now=at, **fields)
        announce(at)
        return heard(page)

    assert change(now + HOUR, title="More disks") == ["announced", "changed/1"]
    change(now + 2 * HOUR, is_public=False)
    assert change(now + 3 * HOUR, is_public=True) == ["announced", "changed/1"]
    change(now + 4 * HOUR, is_public=False)
    assert change(now + 5 * HOUR, is_public=True, title="New racks") == ["announced", "changed/1", "changed/2"]
    assert change(now + 6 * HOUR, title="Old racks") == ["announced", "changed/1", "changed/2", "changed/3"]


def test_what_ended_while_nobody_looked_is_no_news_a_day_later(page, kafka, now):
    make.maintenance(kafka, starts_at=now + DAY, hours=1)
    announce(now)
    announce(now + 3 * DAY)
    assert heard(page) == ["announced"]
    assert Announced.objects.get().state == "completed"


def test_demo_maintenance_is_shown_and_mailed_to_nobody(page, kafka, now):
    window = make.maintenance(kafka, starts_at=now + DAY)
    touch(window, is_demo=True)
    assert announce(now) == 1
    assert heard(page) == []


def test_a_page_speaks_its_own_language(kafka, now):
    page = make.status_page("acme", kafka, at=now, locale="de", time_zone="Europe/Berlin")
    make.maintenance(kafka, starts_at=now + 3 * DAY, hours=2)
    announce(now)
    mailing = Mailing.objects.get()
    assert mailing.subject == "Wartung angekündigt: New disks"
    assert mailing.text.splitlines()[2] == "Betroffen: Kafka."
    assert heard(page) == ["announced"]


def test_every_language_has_every_word():
    english = maintenance_words.WORDS["en"]
    assert set(maintenance_words.STEPS) <= set(english)
    assert set(maintenance_words.WORDS) == set(StatusPage.Locale.values)
    for words in maintenance_words.WORDS.values():
        assert words.keys() == english.keys()
        for key, text in words.items():
            assert [part.split("}")[0] for part in text.split("{")[1:]] == [
                part.split("}")[0] for part in english[key].split("{")[1:]
            ]


def test_looking_costs_the_same_for_many_windows(page, kafka, now, django_assert_num_queries):
    for days in range(1, 6):
        make.maintenance(kafka, starts_at=now + days * DAY)
    announce(now)
    with django_assert_num_queries(5):
        assert announcing.announce_due(now=now) == 0
