"""Who may see which private incidents, asked of many at once, is what it is asked of each."""

from __future__ import annotations

import random

import pytest

from incidents.models import Incident
from tests import make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("seed", range(3))
def test_many_at_once_are_those_that_each_is_visible(seed):
    chance = random.Random(seed)
    people = [make.user() for _ in range(4)]
    teams = [make.team("", *chance.sample(people, 2)) for _ in range(3)]
    services = [make.service(team=chance.choice([*teams, None])) for _ in range(4)]
    incidents = [
        make.incident(
            is_private=chance.random() < 0.8,
            steps=chance.sample(people, chance.choice([0, 0, 1])),
            services=chance.sample(services, chance.choice([0, 0, 1, 2])),
            by=chance.choice([*people, None]),
        )
        for _ in range(25)
    ]
    for incident in incidents:
        Incident.objects.filter(pk=incident.pk).update(assignee=chance.choice([*people, None, None, None]))
    asked = chance.sample([incident.pk for incident in incidents], 20)
    for person in people:
        visible = Incident.objects.visible_to(person).filter(pk__in=asked).values_list("pk", flat=True)
        assert sorted(Incident.objects.seen_among(asked, person)) == sorted(visible)
        assert 0 < len(visible) < 20
    assert Incident.objects.seen_among([], people[0]) == []
