"""Contributing factors as tags."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection

from accounts import audit
from accounts.models import AuditEntry
from incidents.models.incident import NotAllowedNow
from postmortems import factors, publishing
from postmortems.models import Factor
from tests import make
from tests.postmortems.told import finished

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(minutes=60)


def of(postmortem):
    return [factor.name for factor in postmortem.factors.all()]


def test_a_fresh_installation_has_a_starting_set_and_keeps_what_people_change():
    call_command("ensure_defaults")
    assert {*factors.DEFAULTS} == set(Factor.objects.values_list("name", flat=True))
    Factor.objects.filter(name="Hardware").delete()
    Factor.objects.filter(name="Data").update(name="Bad data")
    call_command("ensure_defaults")
    names = set(Factor.objects.values_list("name", flat=True))
    assert names == {*factors.DEFAULTS, "Bad data"} - {"Hardware", "Data"}
    for factor in Factor.objects.all():
        audit.delete(factor, by=None)
    call_command("ensure_defaults")
    assert not Factor.objects.exists()


def test_some_are_chosen_and_one_is_new(alice):
    postmortem = make.postmortem()
    capacity = Factor.objects.create(name="Capacity")
    factors.choose(postmortem, factors=[capacity], new=[" Odd\nclock "], by=alice, now=LATER)
    assert of(postmortem) == ["Capacity", "Odd clock"]
    postmortem.refresh_from_db()
    assert (postmortem.incident.status, postmortem.started_at) == ("postmortem", LATER)
    assert AuditEntry.objects.get(object_type="postmortems.factor").object_label == "Odd clock"
    factors.choose(postmortem, factors=[], by=alice)
    assert of(postmortem) == []


def test_a_name_is_there_once_whatever_its_capitals(alice):
    postmortem = make.postmortem(by=alice)
    capacity = Factor.objects.create(name="Capacity")
    factors.choose(postmortem, factors=[capacity], new=["CAPACITY", "capacity"], by=alice)
    assert of(postmortem) == ["Capacity"]


@pytest.mark.django_db(transaction=True)
def test_two_who_add_the_same_name_at_once_get_one():
    ready, found = threading.Barrier(2), []

    def add():
        ready.wait()
        found.append(factors.named("Odd clock", by=None).pk)
        connection.close()

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Factor.objects.get().pk] * 2


@pytest.mark.parametrize(("new", "why"), [(" ", "in a few words"), ("x" * 61, "at most 60")])
def test_a_name_is_a_few_words(alice, new, why):
    with pytest.raises(ValidationError, match=why):
        factors.choose(make.postmortem(by=alice), factors=[], new=[new], by=alice)


def test_too_many_say_nothing(alice):
    rows = Factor.objects.bulk_create(Factor(name=f"F{number}") for number in range(13))
    with pytest.raises(ValidationError, match="at most 12"):
        factors.choose(make.postmortem(by=alice), factors=rows, by=alice)


def test_a_published_postmortem_keeps_its_factors(alice):
    postmortem = publishing.publish(finished(make.postmortem(by=alice)), by=alice, now=LATER)
    with pytest.raises(NotAllowedNow, match="stands as it is"):
        factors.choose(postmortem, factors=[], new=["Capacity"], by=alice)
    assert not Factor.objects.exists()
