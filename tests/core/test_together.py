"""Several querysets in one statement: the same instances as one by one, and no query afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Team, User
from catalog.models import Service
from core.together import attach, attach_many, grouped, together
from incidents import lifecycle, timeline
from incidents.models import Incident, SlaClock, TimelineEntry
from notifications.models import Notification
from tests import make

pytestmark = pytest.mark.django_db


def values(row):
    """Every loaded field with its type; types matter as much as values."""
    loaded = [field.attname for field in row._meta.concrete_fields if field.attname in row.__dict__]
    return {name: (type(getattr(row, name)), getattr(row, name)) for name in loaded}


def assert_same(found, queryset):
    expected = list(queryset)
    assert [values(row) for row in found] == [values(row) for row in expected]
    assert [row._state.adding for row in found] == [False] * len(expected)
    assert [row._state.db for row in found] == ["default"] * len(expected)


@pytest.fixture
def worked_on(alice, now):
    """An incident with clocks, pages, notes and facts, resolved after a day and some microseconds."""
    incident = make.incident(
        title="Ümläut \"quoted\" \\ 'and' <b>", steps=[alice], at=now, facts={"env": "prod", "n": "1"}
    )
    lifecycle.acknowledge(incident, by=alice, now=now + timedelta(minutes=2))
    timeline.add_note(incident, text="Looking\n\tat **it** — ✅", by=alice, now=now + timedelta(minutes=3))
    lifecycle.resolve(incident, by=alice, now=now + timedelta(days=1, hours=2, microseconds=345678))
    return incident


def test_instances_are_those_that_one_queryset_each_gives(worked_on, alice):
    querysets = {
        "incidents": Incident.objects.all(),
        "entries": TimelineEntry.objects.order_by("-at", "-id"),
        "clocks": SlaClock.objects.order_by("id"),
        "notifications": Notification.objects.order_by("id"),
        "people": User.objects.order_by("username"),
    }
    with CaptureQueriesContext(connection) as queries:
        found = together(**querysets)
    assert len(queries) == 1
    for name, rows in querysets.items():
        assert_same(found[name], rows)
    (incident,) = found["incidents"]
    assert incident.ended_after == timedelta(days=1, hours=2, microseconds=345678)
    assert incident.facts == {"env": "prod", "n": "1"}


def test_a_moment_in_another_time_zone_is_the_same_moment(db):
    at = datetime(2026, 3, 29, 1, 59, 59, 999999, tzinfo=UTC)
    make.incident(at=at)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Kathmandu'")
    assert together(rows=Incident.objects.all())["rows"][0].created_at == at


def test_filters_orders_slices_and_fields_count(db):
    for number in range(5):
        make.team(f"t{number}", name=f"Team {4 - number}")
    found = together(
        some=Team.objects.filter(slug__gt="t0").order_by("name")[1:3],
        only=Team.objects.order_by("slug").only("slug"),
        without=Team.objects.order_by("slug").defer("name", "description"),
    )
    assert [team.slug for team in found["some"]] == ["t3", "t2"]
    assert [team.slug for team in found["only"]] == ["t0", "t1", "t2", "t3", "t4"]
    assert found["only"][0].get_deferred_fields() >= {"name", "description"}
    assert found["without"][0].get_deferred_fields() == {"name", "description"}
    assert found["without"][0].name == "Team 4"


def test_a_foreign_key_may_be_named_as_its_column(db, alice):
    make.team("one", alice)
    (membership,) = together(rows=Membership.objects.only("user_id"))["rows"]
    assert (membership.user_id, membership.get_deferred_fields()) == (alice.pk, {"team_id", "is_manager"})


def test_orders_across_relations_and_joins_do_not_come_along(alice, bob):
    zeta, alpha = make.team("zeta", alice), make.team("alpha", bob)
    rows = Membership.objects.select_related("team").order_by("team__name")
    assert [row.team_id for row in together(rows=rows)["rows"]] == [alpha.pk, zeta.pk]


def test_nothing_is_nothing(db, alice):
    with CaptureQueriesContext(connection) as queries:
        found = together(none=User.objects.none(), no=User.objects.filter(pk__in=[]), some=User.objects.all())
    assert (found["none"], found["no"], found["some"], len(queries)) == ([], [], [alice], 1)
    assert together(empty=Team.objects.all())["empty"] == []


def test_equal_texts_mean_that_nothing_has_changed(alice):
    def text():
        return together(people=User.objects.all(), teams=Team.objects.all()).text("people")

    before = text()
    make.team("new")
    assert text() == before
    User.objects.filter(pk=alice.pk).update(name="Alicia")
    assert text() != before


def test_a_row_changed_and_saved_stays_what_it_is(alice):
    (again,) = together(people=User.objects.all())["people"]
    again.name = "Alicia"
    again.save(update_fields=["name"])
    assert list(User.objects.values_list("pk", "name")) == [(alice.pk, "Alicia")]


def test_attached_rows_are_not_asked_for_again(alice, bob):
    team = make.team("storage", alice, bob)
    owned, free = make.service("kafka", team=team), make.service("search")
    found = together(
        services=Service.objects.order_by("id"), teams=Team.objects.all(), members=Membership.objects.all()
    )
    teams = {team.pk: team for team in found["teams"]}
    with CaptureQueriesContext(connection) as queries:
        attach(found["services"], "team", teams)
        attach_many(found["teams"], "memberships", grouped(found["members"], "team_id"))
        attach_many(found["teams"], "services", grouped(found["services"], "team_id"))
        attach_many(found["teams"], "members", {})
        assert [(service, service.team) for service in found["services"]] == [(owned, team), (free, None)]
        (storage,) = found["teams"]
        assert {row.user_id for row in storage.memberships.all()} == {alice.pk, bob.pk}
        assert (list(storage.services.all()), list(storage.members.all())) == ([owned], [])
    assert len(queries) == 0


def test_what_was_not_found_is_read_when_asked_for(alice):
    team = make.team("storage")
    make.service("kafka", team=team)
    (service,) = together(services=Service.objects.all())["services"]
    attach([service], "team", {})
    assert service.team == team


def test_groups_keep_the_order_of_their_rows(alice, bob):
    one, two = make.team("one", alice, bob), make.team("two", bob)
    rows = list(Membership.objects.order_by("-id"))
    groups = grouped(rows, "team_id")
    assert {key: [row.user_id for row in some] for key, some in groups.items()} == {
        two.pk: [bob.pk],
        one.pk: [row.user_id for row in rows if row.team_id == one.pk],
    }


def test_narrower_questions_about_attached_rows_are_asked_anew(alice, bob):
    storage, other = make.team("storage", alice, bob), make.team("other")
    rows = list(Membership.objects.order_by("id"))
    attach_many([storage, other], "memberships", grouped(rows, "team_id"))
    assert (storage.memberships.count(), other.memberships.exists()) == (2, False)
    assert [row.user for row in storage.memberships.filter(user=bob)] == [bob]
    assert storage.memberships.order_by("-user").first().user == bob
    assert list(storage.memberships.values_list("user", flat=True).order_by("user")) == [alice.pk, bob.pk]
    assert list(other.memberships.filter(user=bob)) == []
    assert list(storage.memberships.all()) == rows


def test_plain_values_are_those_of_the_columns(alice):
    storage = make.team("storage", alice)
    found = together(teams=Team.objects.only("slug"), none=Team.objects.none())
    assert (found.plain("teams"), found.plain("none")) == ([{"id": storage.pk, "slug": "storage"}], [])
