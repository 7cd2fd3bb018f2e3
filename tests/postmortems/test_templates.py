"""Templates: who makes them, what stays in every one, and the editor without a script."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.models import AuditEntry
from incidents.models.incident import NotAllowedNow
from postmortems import outline, templating
from postmortems.models import Template
from tests import make

pytestmark = pytest.mark.django_db

NEW = "/postmortems/templates/new"
LIST = "/postmortems/templates/"


@pytest.fixture
def manager():
    return make.user("maya", role="manager")


@pytest.fixture
def at_desk(client, manager):
    client.force_login(manager)
    return client


def form(*more, drop=(), **fields):
    """What a browser sends: the seven sections but some, and more of (key, part, title, prompt)."""
    rows = [
        (f"s{place}", part.key, part.title, part.prompt, "on" if part.is_required else "")
        for place, part in enumerate(outline.STANDARD, start=1)
        if part.key not in drop
    ]
    rows += [(*each, "on") for each in more]
    data = {"name": "Usual", "severity": "", "team": "", "is_active": "on"}
    data |= {"sections-TOTAL_FORMS": len(rows), "sections-INITIAL_FORMS": 0}
    for i, row in enumerate(rows):
        names = ("key", "part", "title", "prompt", "is_required")
        data |= {f"sections-{i}-{name}": text for name, text in zip(names, row, strict=True) if text}
    return data | fields


def keys(template):
    return [section["key"] for section in template.sections]


def rows_of(response):
    return [section["title"].value() for section in response.context["sections"]]


def test_a_template_is_made_and_changed_with_audit_entries(manager):
    made = templating.create(name=" Usual\n", by=manager)
    assert (made.name, keys(made)) == ("Usual", list(outline.STANDARD_KEYS))
    sections = [*made.sections, {"title": "Customers told?", "prompt": "Whom, when?"}]
    templating.change(made, sections=sections, severity="high", by=manager)
    assert keys(Template.objects.get()) == [*outline.STANDARD_KEYS, "customers_told"]
    actions = AuditEntry.objects.filter(object_type="postmortems.template").values_list("action", flat=True)
    assert sorted(actions) == ["changed", "created"]


def test_the_seven_are_in_every_one(manager):
    made = templating.create(name="Usual", by=manager)
    with pytest.raises(ValidationError, match="these sections too: Impact"):
        templating.change(made, sections=[each for each in made.sections if each["key"] != "impact"], by=manager)
    with pytest.raises(ValidationError, match="no such field"):
        templating.change(made, key="x", by=manager)


def test_summary_and_root_cause_are_always_to_be_written(manager):
    made = templating.create(name="Usual", by=manager)
    free = [each | {"is_required": False} for each in made.sections]
    with pytest.raises(ValidationError, match="must be written in every postmortem: Summary, Root cause"):
        templating.change(made, sections=free, by=manager)
    fewest = [each | {"is_required": each["key"] in ("summary", "root_cause")} for each in made.sections]
    templating.change(made, sections=fewest, by=manager)
    Template.objects.update(sections=free)  # as it could be kept once
    required = make.postmortem().sections.filter(is_required=True).values_list("key", flat=True)
    assert list(required) == ["summary", "root_cause"]


def test_of_two_who_change_it_the_second_is_told(manager, alice):
    made = templating.create(name="Usual", by=manager)
    seen = made.updated_at
    templating.change(made, name="Other", by=alice, based_on=seen)
    with pytest.raises(NotAllowedNow, match="Somebody has saved “Other”"):
        templating.change(made, name="Third", by=manager, based_on=seen)


def test_the_page_makes_one_that_the_next_draft_asks_for(at_desk):
    assert rows_of(at_desk.get(NEW)) == [part.title for part in outline.STANDARD]
    answer = at_desk.post(NEW, form(("n1", "", "Customers told?", "Whom, when?"), severity="critical"))
    assert (answer.status_code, answer["Location"]) == (303, LIST)
    assert "Usual" in at_desk.get(LIST).content.decode()
    postmortem = make.postmortem()
    last = postmortem.sections.last()
    assert (last.key, last.title, last.is_required) == ("customers_told", "Customers told?", True)
    assert last.body == "**To write:** Whom, when?"


def test_rows_are_added_moved_and_removed_without_a_script(at_desk):
    answer = at_desk.post(NEW, form(name="Typed") | {"add_section": "s1"})
    assert (answer.status_code, rows_of(answer)[:3]) == (200, ["Summary", "", "Timeline"])
    assert answer.context["form"]["name"].value() == "Typed"
    answer = at_desk.post(NEW, form(("n1", "", "Mine", "")) | {"section_up": "n1"})
    assert rows_of(answer)[-2:] == ["Mine", "Lessons learned"]
    answer = at_desk.post(NEW, form(("n1", "", "Mine", "")) | {"section_away": "n1"})
    assert "Mine" not in rows_of(answer)
    assert not Template.objects.exists()
    page = at_desk.post(NEW, form(("n1", "", "Mine", "")) | {"add_section": ""}).content.decode()
    assert page.count('name="section_away"') == 2  # the own one and the empty one, none of the seven


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (form(drop=("impact",)), "Every postmortem has these sections too: Impact."),
        (form(("n1", "", "Summary", "")), "The section “Summary” is there twice."),
        (form(("n1", "", "", "Whom?")), "Give it a title."),
        (form(name=""), "This field is required."),
        (form(severity="awful"), "Select a valid choice."),
        (form(**{"sections-TOTAL_FORMS": "x"}), "these sections too: Summary"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(at_desk, sent, why):
    answer = at_desk.post(NEW, sent)
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not Template.objects.exists()


def test_a_name_is_there_once(at_desk, manager):
    templating.create(name="Usual", by=manager)
    answer = at_desk.post(NEW, form())
    assert (answer.status_code, Template.objects.count()) == (422, 1)


def test_an_old_page_does_not_overwrite_and_keeps_what_was_typed(at_desk, manager, alice):
    made = templating.create(name="Usual", by=manager)
    address = made.get_absolute_url()
    seen = at_desk.get(address).context["form"]["seen"].value()
    templating.change(made, name="Theirs", by=alice)
    answer = at_desk.post(address, form(name="Mine", seen=seen))
    assert (answer.status_code, answer.context["form"]["name"].value()) == (409, "Mine")
    assert Template.objects.get().name == "Theirs"
    again = at_desk.post(address, form(name="Mine", seen=answer.context["form"]["seen"].value()))
    assert (again.status_code, Template.objects.get().name) == (303, "Mine")


def test_a_manager_of_a_team_has_the_templates_of_that_team(client, manager):
    maria = make.user("maria")
    team, other = make.team("payments", managers=(maria,)), make.team("search")
    of_all, theirs = templating.create(name="All", by=manager), templating.create(name="Other", team=other, by=manager)
    client.force_login(maria)
    for team_sent, status in (("", 422), (other.pk, 422), (team.pk, 303)):
        assert client.post(NEW, form(team=team_sent)).status_code == status
    own = Template.objects.get(team=team)
    found = {each.pk: client.get(each.get_absolute_url()).status_code for each in (of_all, theirs, own)}
    assert found == {of_all.pk: 403, theirs.pk: 403, own.pk: 200}
    assert [(row.name, may_edit) for row, may_edit, _ in client.get(LIST).context["rows"]] == [
        ("All", False), ("Other", False), ("Usual", True),
    ]  # fmt: skip


def test_others_read_the_list_and_change_nothing(client, alice, charlie):
    made = templating.create(name="Usual", by=None)
    for person in (alice, charlie):
        client.force_login(person)
        assert client.get(LIST).status_code == 200
        assert client.get(NEW).status_code == 403
        assert client.post(made.get_absolute_url(), form()).status_code == 403
    assert "New template" not in client.get(LIST).content.decode()


def test_django_admin_leads_to_the_editor_and_audits_the_rest(client, admin):
    made = templating.create(name="Usual", by=None)
    client.force_login(admin)
    assert client.get(reverse("admin:postmortems_template_add"))["Location"] == NEW
    change = reverse("admin:postmortems_template_change", args=[made.pk])
    answer = client.post(change, {"name": "Other", "severity": "", "team": "", "sections": "[]"})
    assert answer.status_code == 302
    changed = Template.objects.get()
    assert (changed.name, changed.is_active, keys(changed)) == ("Other", False, list(outline.STANDARD_KEYS))
    assert AuditEntry.objects.filter(action="changed", actor=admin).count() == 1


def test_a_section_may_be_titled_in_any_letters():
    usual = [{"key": part.key, "title": part.title} for part in outline.STANDARD]
    first, again = (outline.checked([*usual, {"title": title}])[-1] for title in ("影響", " 影響 "))
    assert first["title"] == "影響"
    assert first == again
    assert first["key"].isascii()
