"""Templates of postmortems and contributing factors over the API: what the pages do, with the pages' rights."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry, Role
from postmortems import outline, templating
from postmortems.models import Factor, Template
from tests import make
from tests.api.caller import Caller, fields_of

pytestmark = pytest.mark.django_db

PATH = "postmortem-templates"


@pytest.fixture
def maya():
    return Caller(make.user("maya", role=Role.MANAGER), "write")


def test_responders_read_factors_and_add_one_that_is_there_once(alice, charlie):
    Factor.objects.create(name="Capacity", description="More was asked for than there was room for.")
    api = Caller(alice, "write")
    made = api.post("postmortem-factors", {"name": " Odd  clock"})
    assert (made.status_code, made.json()["name"]) == (201, "Odd clock")
    assert AuditEntry.objects.get(object_type="postmortems.factor").actor == alice
    assert api.post("postmortem-factors", {"name": "CAPACITY"}).status_code == 200
    listed = Caller(charlie, "read").items("postmortem-factors")
    assert [(row["name"], row["description"]) for row in listed] == [
        ("Odd clock", ""), ("Capacity", "More was asked for than there was room for."),
    ]  # fmt: skip
    for name in (" ", "x" * 61, None):
        answer = api.post("postmortem-factors", {"name": name})
        assert (answer.status_code, fields_of(answer)) == (422, ["name"])
    assert Caller(charlie, "write").post("postmortem-factors", {"name": "Mine"}).status_code == 403


def test_a_template_is_made_read_changed_and_put_away(maya, charlie):
    made = maya.post(PATH, {"name": "Usual", "severity": "critical"}).json()
    assert [part["key"] for part in made["sections"]] == list(outline.STANDARD_KEYS)
    assert (made["severity"], made["team"], made["is_active"]) == ("critical", None, True)
    path = f"{PATH}/{made['id']}"
    sections = [*made["sections"], {"title": "Customers told?", "prompt": "Whom, when?"}]
    changed = maya.patch(path, {"sections": sections, "severity": None, "based_on": made["updated_at"]}).json()
    assert changed["sections"][-1] == {
        "key": "customers_told", "title": "Customers told?", "prompt": "Whom, when?", "is_required": True,
    }  # fmt: skip
    assert changed["severity"] is None
    assert maya.patch(path, {"name": "Other", "based_on": made["updated_at"]}).status_code == 409
    assert maya.patch(path, {"is_active": False}).json()["is_active"] is False
    reader = Caller(charlie, "read")
    assert reader.items(PATH) == [reader.get(path).json()]
    assert reader.get(f"{PATH}/{made['id'] + 1}").status_code == 404
    actions = AuditEntry.objects.filter(object_type="postmortems.template").values_list("action", flat=True)
    assert sorted(actions) == ["changed", "changed", "created"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "Usual"}, "name"),
        ({"name": "x", "severity": "awful"}, "severity"),
        ({"name": "x", "team": "nobody"}, "team"),
        ({"name": "x", "sections": []}, "sections"),
        ({"name": "x", "sections": [{"title": "One"}]}, "sections"),
        ({"name": "x", "sections": [{"title": "One", "key": "a b"}]}, "sections.0.key"),
        ({"name": "x", "sections": [part | {"is_required": False} for part in templating.standard()]}, "sections"),
        ({"name": "x", "is_standard": True}, "is_standard"),
    ],
)
def test_what_is_wrong_is_named(maya, body, field):
    templating.create(name="Usual", by=None)
    answer = maya.post(PATH, body)
    assert (answer.status_code, fields_of(answer)) == (422, [field])
    assert Template.objects.count() == 1


def test_a_manager_of_a_team_has_the_templates_of_that_team(alice):
    maria = make.user("maria")
    team, other = make.team("payments", managers=(maria,)), make.team("search")
    of_all, theirs = templating.create(name="All", by=None), templating.create(name="Other", team=other, by=None)
    api = Caller(maria, "write")
    assert api.post(PATH, {"name": "Ours"}).status_code == 403
    assert api.post(PATH, {"name": "Ours", "team": "search"}).status_code == 403
    own = api.post(PATH, {"name": "Ours", "team": team.slug}).json()
    tried = [(of_all.pk, {"name": "x"}), (theirs.pk, {"name": "x"}), (own["id"], {"team": None}),
             (own["id"], {"team": "search"}), (own["id"], {"name": "Still ours"})]  # fmt: skip
    assert [api.patch(f"{PATH}/{pk}", body).status_code for pk, body in tried] == [403, 403, 403, 403, 200]
    assert Caller(alice, "write").patch(f"{PATH}/{own['id']}", {"name": "x"}).status_code == 403
    assert sorted(Template.objects.values_list("name", flat=True)) == ["All", "Other", "Still ours"]
