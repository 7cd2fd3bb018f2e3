"""Templates of status updates: what their placeholders say, and which are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from accounts.models import AuditEntry
from incidents import changes, lifecycle, wordings
from incidents.models import IncidentSettings, UpdateTemplate
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
START = datetime(2024, 7, 10, 21, 30, tzinfo=UTC)


def template(**fields):
    said = {"name": "Usual", "visibility": "internal", "status": "identified", "title": "", "message": "x"}
    return wordings.create(by=None, **said | fields)


def filled(made, incident, *, next_at=None, now=START + 72 * MINUTE):
    return wordings.fill(made, incident, next_at=next_at, now=now)


def test_an_inner_template_may_say_everything(alice):
    kafka, web = make.service("kafka"), make.service("web")
    incident = make.incident(severity="high", title="Lag\n{duration}", services=[web, kafka], at=START)
    made = template(
        message="{reference} {title} {severity} {services} {assignee} {status} {started} {duration} {next_update} {"
    )
    assert filled(made, incident).message == (
        f"{incident.reference} Lag {{duration}} high {kafka.name}, {web.name} nobody yet identified 21:30 UTC"
        " 1 h 12 min as soon as there is news {"
    )
    changes.assign(incident, to=alice, by=alice)
    incident.refresh_from_db()
    assert filled(template(name="Who", message="{assignee}"), incident).message == "Alice"


def test_times_are_those_of_the_site_with_their_zone_and_day():
    IncidentSettings.objects.update_or_create(pk=1, defaults={"time_zone": "Europe/Berlin"})
    incident = make.incident(severity="low", at=START)
    made = template(visibility="external", title="Trouble since {started}", message="{next_update}")
    said = filled(made, incident, next_at=START + 2 * HOUR, now=START + HOUR)
    assert (said.title, said.message) == ("Trouble since 10 Jul, 23:30 CEST", "01:30 CEST")
    assert (said.visibility, said.status) == ("external", "identified")


def test_what_is_over_lasted_as_long_as_it_did(alice):
    incident = make.incident(severity="low", at=START)
    lifecycle.resolve(incident, by=alice, now=START + 9 * MINUTE)
    incident.refresh_from_db()
    made = template(visibility="external", message="{duration}")
    assert filled(made, incident, now=START + timedelta(days=3)).message == "9 min"


@pytest.mark.parametrize("name", sorted(wordings.INSIDE))
def test_the_public_reads_nothing_from_inside(name):
    for field in ("title", "message"):
        with pytest.raises(ValidationError) as refused:
            template(visibility="external", **{"message": "x", field: f"So: {{{name}}}"})
        assert refused.value.message_dict == {
            field: [f"{{{name}}} is for colleagues only; the public must not read it."]
        }
    assert not UpdateTemplate.objects.exists()
    made = template(message=f"{{{name}}}")
    UpdateTemplate.objects.update(visibility="external")  # whatever a row says, no such value is at hand
    made.refresh_from_db()
    assert filled(made, make.incident(severity="low", at=START)).message == f"{{{name}}}"


@pytest.mark.parametrize(
    "name",
    ["", "Status", "status ", "status!r", "status:>9", "incident.title", "title.__class__", "0", "duration()"],
)
def test_there_is_nothing_but_plain_names(name):
    with pytest.raises(ValidationError) as refused:
        template(message=f"Since {{{name}}}.")
    (mistake,) = refused.value.message_dict["message"]
    assert mistake.startswith(f"There is no {{{name}}}. Use {{status}}, {{started}}, ")


def test_braces_that_hold_no_name_are_braces():
    incident = make.incident(severity="low", at=START)
    assert filled(template(message="a { b\n} {{status}} }{"), incident).message == "a { b\n} {identified} }{"


@pytest.mark.parametrize(
    ("fields", "mistake"),
    [
        ({"name": " "}, {"name": ["This field cannot be blank."]}),
        ({"name": "x" * 81}, {"name": ["At most 80 characters; these are 81."]}),
        ({"message": "\n"}, {"message": ["This field cannot be blank."]}),
        ({"message": "x" * 5001}, {"message": ["At most 5,000 characters; these are 5,001."]}),
        (
            {"visibility": "external", "title": "x" * 121},
            {"title": ["At most 120 characters; these are 121."]},
        ),
        ({"title": "Checkout"}, {"title": ["Only external updates have a title."]}),
        ({"status": "fixed"}, {"status": ["Value 'fixed' is not a valid choice."]}),
        ({"name": "taken"}, {"name": ["Update template with this Name already exists."]}),
    ],
)
def test_a_template_that_cannot_be_kept_says_why(fields, mistake):
    template(name="taken")
    with pytest.raises(ValidationError) as refused:
        template(**fields)
    assert refused.value.message_dict == mistake


def test_what_managers_do_is_in_the_audit_log(admin):
    made = template()
    wordings.change(made, by=admin, message="Since {started}.", status="monitoring")
    made.refresh_from_db()
    assert (made.message, made.status) == ("Since {started}.", "monitoring")
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.actor, entry.after) == (
        "changed", admin, {"status": "monitoring", "message": "Since {started}."},
    )  # fmt: skip
    wordings.remove(made, by=admin)
    assert (AuditEntry.objects.latest("pk").action, UpdateTemplate.objects.count()) == ("deleted", 0)


def test_the_starting_set_is_written_once_and_can_be_used_as_it_is():
    for _ in range(2):
        call_command("ensure_defaults")
    rows = UpdateTemplate.objects.all()
    assert sorted(row.name for row in rows) == sorted(each["name"] for each in wordings.STARTERS)
    incident = make.incident(severity="low", at=START)
    for row in rows:
        row.full_clean()
        wordings.check(row.title, row.visibility), wordings.check(row.message, row.visibility)
        assert "{" not in filled(row, incident).message
    rows.exclude(name="It is over").delete()
    call_command("ensure_defaults")
    assert UpdateTemplate.objects.count() == 1


def test_the_starting_set_does_not_come_back_once_somebody_has_removed_all_of_it(admin):
    call_command("ensure_defaults")
    for row in UpdateTemplate.objects.all():
        wordings.remove(row, by=admin)
    call_command("ensure_defaults")
    assert not UpdateTemplate.objects.exists()
