"""The pages on which people say how it stands: writing, templates, looking once more, undo, and editing."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from incidents import communication, lifecycle, wordings
from incidents.communication import post_update, publish_due
from incidents.models import StatusUpdate, UpdateTemplate
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def incident(db):
    return make.incident(severity="low", title="Replica db-7 lags", at=timezone.now() - 3 * MINUTE)


def url(name: str, incident, *args) -> str:
    return reverse(f"incidents:{name}", args=[incident.reference, *args])


def words(source: str) -> str:
    """What markup says."""
    bare = re.sub(r"<svg.*?</svg>", "", source, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare))).strip()


def panel(client, incident, name: str = "communication") -> str:
    page = client.get(incident.get_absolute_url()).content.decode()
    return page.split(f'id="{name}"')[1].split("</section>")[0]


def chosen(form_page, name: str = "status") -> list[str]:
    """What a group of radio buttons offers."""
    return re.findall(rf'name="{name}" value="(\w+)"[^>]*checked', form_page.content.decode())


def typed(form_page, name: str = "message") -> str:
    """What stands in a field."""
    page = form_page.content.decode()
    found = re.search(rf'<textarea name="{name}"[^>]*>\s*(.*?)</textarea>', page, re.DOTALL)
    found = found or re.search(rf'<input type="text" name="{name}"(?: value="([^"]*)")?', page)
    assert found
    return html.unescape(found[1] or "")


def said(**more):
    return {"status": "identified", "visibility": "internal", "message": "Found *it* <b>", "when": "hold"} | more


# ---- writing -------------------------------------------------------------------------------------------------------


def test_an_update_is_held_then_read(at_desk, incident):
    page = at_desk.get(url("post_update", incident))
    assert (page.status_code, chosen(page), chosen(page, "visibility")) == (200, ["investigating"], ["internal"])
    answer = at_desk.post(url("post_update", incident), said())
    update = StatusUpdate.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"{incident.get_absolute_url()}#update-{update.pk}")
    waiting = panel(at_desk, incident)
    assert "<em>it</em> &lt;b&gt;" in waiting
    assert "Not published yet" in waiting
    assert "Undo" in waiting
    assert "posted a status update" not in words(panel(at_desk, incident, "timeline"))
    assert (update.due_at - update.at, update.published_at) == (MINUTE, None)
    publish_due(now=update.due_at)
    told = panel(at_desk, incident)
    assert ("Not published yet" in told, "<em>it</em>" in told) == (False, True)
    assert "Alice posted a status update: Identified" in words(panel(at_desk, incident, "timeline"))


def test_the_form_suggests_what_follows_and_shows_what_was_said_last(at_desk, alice, incident):
    lifecycle.transition(incident, to="mitigating", by=alice)
    words = {"visibility": "external", "title": "Checkout fails"}
    post_update(incident, message="A fix is out.", status="monitoring", by=alice, **words)
    page = at_desk.get(url("post_update", incident))
    assert (chosen(page), chosen(page, "visibility")) == (["monitoring"], ["internal"])
    assert typed(page, "title") == "Checkout fails"
    assert "A fix is out." in page.content.decode()


@pytest.mark.parametrize(
    ("data", "mistake"),
    [
        ({"message": " "}, "Say how it stands."),
        ({"message": "x" * 5001}, "at most 5000 characters"),
        ({"message": "a\x00b"}, "Null characters are not allowed."),
        ({"status": ""}, "Choose how far we are."),
        ({"status": "fixed"}, "Select a valid choice."),
        ({"visibility": "public"}, "Select a valid choice."),
        ({"visibility": "external"}, "Say what the incident is called in public."),
        ({"visibility": "external", "title": "x" * 121}, "at most 120 characters"),
        ({"visibility": "external", "title": "x", "affects-a b": "x"}, "Give each part by its id"),
        ({"visibility": "external", "title": "x", "affects-a": "\x00"}, "Give each part by its id"),
        ({"when": "at"}, "Say when it goes out."),
        ({"when": "at", "publish_at": "2020-01-01T00:00"}, "This time has passed."),
        ({"when": "at", "publish_at": "9999-12-31T23:59"}, "At most 90 days ahead."),
        ({"when": "at", "publish_at": "soon"}, "Enter a valid date/time."),
        ({"when": "never"}, "Select a valid choice."),
        ({"next_in": "at"}, "Say when the next update comes."),
        ({"next_in": "at", "next_at": "2020-01-01T00:00"}, "The next update comes after this one."),
        ({"next_in": "7"}, "Select a valid choice."),
    ],
)
def test_an_update_that_cannot_be_posted_comes_back(at_desk, incident, data, mistake):
    for more in ({}, {"preview": "1"}):
        for headers in ({}, {"HX-Request": "true"}):
            answer = at_desk.post(url("post_update", incident), said(**data, **more), headers=headers)
            assert answer.status_code == 422
            assert mistake in html.unescape(answer.content.decode())
            assert ("<!doctype html>" in answer.content.decode()) == (not headers)
    assert not StatusUpdate.objects.exists()


def test_the_public_is_told_what_it_is_called_how_parts_are_and_when_it_hears_more(at_desk, incident):
    more = {
        "visibility": "external",
        "title": "Checkout",
        "affects-k3x9": "major_outage",
        "affects-k4": "",
        "next_in": "30",
    }
    at_desk.post(url("post_update", incident), said(**more))
    update = StatusUpdate.objects.get()
    assert (update.visibility, update.title, update.affects) == ("external", "Checkout", {"k3x9": "major_outage"})
    assert abs(update.next_at - update.due_at - 30 * MINUTE) < timedelta(seconds=5)
    at_desk.post(url("post_update", incident), said(**more | {"visibility": "internal"}))
    inner = StatusUpdate.objects.latest("pk")
    assert (inner.visibility, inner.title, inner.affects) == ("internal", "", {})


def test_an_update_is_scheduled_in_the_time_zone_of_its_author(at_desk, alice, incident):
    alice.time_zone = "Asia/Tokyo"
    alice.save()
    at = (timezone.now() + DAY).replace(second=0, microsecond=0)
    local = f"{at + timedelta(hours=9):%Y-%m-%dT%H:%M}"
    at_desk.post(url("post_update", incident), said(when="at", publish_at=local, even_when_over="on", next_in="60"))
    update = StatusUpdate.objects.get()
    assert (update.due_at, update.even_when_over, update.next_at) == (at, True, at + 60 * MINUTE)


def test_a_private_incident_offers_nothing_public(at_desk, alice):
    secret = make.incident(severity="low", is_private=True, assignee=alice, at=timezone.now())
    wordings.ensure_defaults()
    page = words(at_desk.get(url("post_update", secret)).content.decode())
    assert "is private: the public hears nothing of it." in page
    assert ("Everybody: the public" in page, "We know the cause" in page) == (False, False)
    answer = at_desk.post(url("post_update", secret), said(visibility="external", title="x"))
    assert answer.status_code == 422
    assert not StatusUpdate.objects.exists()


# ---- templates and previews ----------------------------------------------------------------------------------------


def test_a_template_fills_the_form_and_keeps_what_was_typed(at_desk, incident):
    wordings.ensure_defaults()
    template = UpdateTemplate.objects.get(name="We are looking into it")
    page = at_desk.post(url("post_update", incident), said(message="My words", template=template.pk, fill="1"))
    assert (page.status_code, chosen(page), chosen(page, "visibility")) == (200, ["investigating"], ["external"])
    assert typed(page, "title") == "We are looking into a problem"
    began, _, rest = typed(page).partition("\n\n")
    assert began.endswith("We are looking into the cause.")
    assert rest == "Next update: as soon as there is news.\n\nMy words"
    other = UpdateTemplate.objects.get(name="It is over")
    again = said(message="Since then", filled="Since then", title="Mine", template=other.pk, fill="1")
    page = at_desk.post(url("post_update", incident), again)
    assert typed(page).startswith("This is resolved. It began at")
    assert ("Since then" in typed(page), typed(page, "title")) == (False, "Mine")
    for wrong in ("", "x", str(2**70), "999"):
        page = at_desk.post(url("post_update", incident), said(message="My words", template=wrong, fill="1"))
        assert (page.status_code, typed(page)) == (200, "My words")
    assert not StatusUpdate.objects.exists()


def test_the_preview_shows_each_audience_what_it_reads_and_how_many_they_are(at_desk, alice, bob, incident):
    incident.affected_services.set([make.service("db", team=make.team("crew", bob))])
    page = at_desk.post(url("post_update", incident), said(preview="1", next_in="15"))
    assert (page.status_code, typed(page)) == (200, "Found *it* <b>")
    assert re.findall(r'class="([^"]+)"[^>]* autofocus', page.content.decode()) == ["mu-form-set mu-preview"]
    seen = words(page.content.decode().split("mu-preview")[1].split("</section>")[0])
    assert "Told of it: nobody." in seen
    assert "The public reads nothing of it." in seen
    data = said(preview="1", visibility="external", title="Searches are slow", message="Replica DB-7 lags, see inc-42.")
    seen = words(at_desk.post(url("post_update", incident), data).content.decode().split("mu-preview")[1])
    assert "Is this meant for the public? It says “INC-42”, “Replica db-7 lags”." in seen
    assert "anybody reads it on the status page. Told of it: 0 subscribers." in seen
    assert "Identified Searches are slow" in seen
    assert not StatusUpdate.objects.exists()


# ---- what waits, and what is out -----------------------------------------------------------------------------------


def held(incident, by, **more):
    return post_update(incident, message="We look.", status="investigating", by=by, hold=True, **more)


def test_what_waits_is_undone_by_a_button(at_desk, alice, incident):
    update = held(incident, alice)
    answer = at_desk.post(url("withdraw_update", incident, update.pk))
    assert (answer.status_code, answer["Location"]) == (303, incident.get_absolute_url())
    seen = words(panel(at_desk, incident))
    assert "Nobody has said yet how it stands." in seen
    assert "1 not published Investigating taken back" in seen
    at_desk.post(url("withdraw_update", incident, update.pk), headers={"HX-Request": "true"})
    answer = at_desk.post(url("publish_update", incident, update.pk))
    assert answer.status_code == 409
    assert "It was taken back; write another one." in words(answer.content.decode())


def test_what_waits_is_published_by_a_button_and_cannot_be_undone_then(at_desk, alice, incident):
    update = held(incident, alice)
    answer = at_desk.post(url("publish_update", incident, update.pk), headers={"HX-Request": "true"})
    assert (answer.status_code, "The update is published." in answer["HX-Trigger"]) == (204, True)
    for headers in ({}, {"HX-Request": "true"}):
        answer = at_desk.post(url("withdraw_update", incident, update.pk), headers=headers)
        assert answer.status_code == 409
        assert "cannot be taken back; edit it instead." in words(answer.content.decode())


def test_an_edit_shows_with_what_it_said_before(at_desk, alice, incident):
    update = post_update(incident, message="We look.", status="investigating", by=alice)
    at = url("edit_update", incident, update.pk)
    assert typed(at_desk.get(at)) == "We look."
    assert at_desk.post(at, {"status": "identified", "message": ""}).status_code == 422
    assert at_desk.post(at, {"status": "identified", "message": "We *know*."}).status_code == 303
    seen = words(panel(at_desk, incident))
    assert "We know ." in seen
    assert "by Alice; what it said before" in seen
    assert "We look." in seen
    assert "Alice edited a status update: Identified" in words(panel(at_desk, incident, "timeline"))
    gone = held(incident, alice)
    communication.withdraw(gone, by=alice)
    answer = at_desk.post(url("edit_update", incident, gone.pk), {"status": "identified", "message": "Hm"})
    assert answer.status_code == 422
    assert "It was taken back; write another one." in words(answer.content.decode())


def test_an_update_of_another_incident_is_not_found(at_desk, alice, incident):
    other = held(make.incident(severity="low", at=timezone.now()), alice)
    for name in ("edit_update", "withdraw_update", "publish_update"):
        assert at_desk.post(url(name, incident, other.pk), said()).status_code == 404


def test_readers_see_what_is_published_and_no_buttons(client, alice, charlie, incident):
    held(incident, alice)
    communication.withdraw(held(incident, alice), by=alice)
    post_update(incident, message="We know.", status="identified", by=alice)
    client.force_login(charlie)
    seen = words(panel(client, incident))
    assert "We know." in seen
    for hidden in ("We look.", "not published", "Undo", "Edit"):
        assert hidden not in seen


def test_the_panel_is_new_when_an_update_is_published_or_edited(at_desk, alice, incident):
    def version():
        return re.search(r'data-version="([^"]+)"', panel(at_desk, incident))[1]

    versions = [version()]
    update = held(incident, alice)
    for step in (
        lambda: None,
        lambda: publish_due(now=update.due_at),
        lambda: communication.edit(update, message="We know.", by=alice),
    ):
        step()
        versions.append(version())
    assert len(set(versions)) == 4


# ---- keeping templates ---------------------------------------------------------------------------------------------


@pytest.fixture
def at_office(client, admin):
    client.force_login(admin)
    return client


BODY = {
    "name": "We look",
    "visibility": "external",
    "status": "investigating",
    "title": "A",
    "message": "Since {started}",
}


def test_managers_write_change_and_delete_templates(at_office):
    new, rows = reverse("incidents:update_template_new"), reverse("incidents:update_template_list")
    assert "{services}" in words(at_office.get(new).content.decode())
    assert "Make the first one" in at_office.get(rows).content.decode()
    answer = at_office.post(new, BODY)
    assert (answer.status_code, answer["Location"]) == (303, rows)
    template = UpdateTemplate.objects.get()
    at = reverse("incidents:update_template_edit", args=[template.pk])
    assert at in at_office.get(rows).content.decode()
    assert at_office.post(at, BODY | {"name": "Look"}).status_code == 303
    template.refresh_from_db()
    assert (template.name, template.message) == ("Look", "Since {started}")
    assert at_office.post(reverse("incidents:update_template_remove", args=[template.pk])).status_code == 303
    assert (UpdateTemplate.objects.count(), at_office.get(at).status_code) == (0, 404)


@pytest.mark.parametrize(
    ("data", "mistake"),
    [
        ({"message": "{assignee}"}, "{assignee} is for colleagues only; the public must not read it."),
        ({"message": "{x.y}"}, "There is no {x.y}. Use {status}, {started}, {duration}, {next_update}."),
        ({"title": "{", "message": ""}, "This field is required."),
        ({"title": "x" * 121}, "at most 120 characters"),
        ({"name": "\x00"}, "Null characters are not allowed."),
        ({"status": ""}, "This field is required."),
        ({"visibility": "internal", "title": "x"}, "Only external updates have a title."),
        ({"name": "Taken"}, "already exists"),
    ],
)
def test_a_template_that_cannot_be_kept_comes_back(at_office, data, mistake):
    wordings.create(by=None, name="Taken", visibility="internal", status="resolved", message="x")
    answer = at_office.post(reverse("incidents:update_template_new"), BODY | data)
    assert answer.status_code == 422
    assert mistake in html.unescape(answer.content.decode())
    assert UpdateTemplate.objects.count() == 1


def test_others_read_templates_and_change_none(at_desk):
    wordings.ensure_defaults()
    page = at_desk.get(reverse("incidents:update_template_list")).content.decode()
    assert ("It is over" in page, "New template" in page) == (True, False)


def test_django_admin_checks_templates_the_same_way(at_office):
    add = reverse("admin:incidents_updatetemplate_add")
    answer = at_office.post(add, BODY | {"message": "{reference}"})
    assert (answer.status_code, UpdateTemplate.objects.count()) == (200, 0)
    assert "is for colleagues only" in answer.content.decode()
    assert at_office.post(add, BODY).status_code == 302
    assert UpdateTemplate.objects.get().message == "Since {started}"
    assert at_office.get(reverse("admin:incidents_statusupdate_changelist")).status_code == 200
