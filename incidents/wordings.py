"""Words to begin a status update with: templates whose placeholders are filled in while somebody writes.

A placeholder is a name in braces and nothing more: no attribute, no format, no second look at what was filled in.
Those that say what only people inside may know are refused in templates for the public.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from core import durations
from core.text import clean, single_line
from incidents import update_words
from incidents.models import StatusUpdate, UpdateTemplate
from incidents.models.updates import TITLE_LIMIT
from incidents.policy import site_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from accounts.models import User
    from incidents.models import Incident

Status = StatusUpdate.Status
Visibility = StatusUpdate.Visibility

EDITABLE = ("name", "visibility", "status", "title", "message")

FOR_EVERYBODY = {
    "status": "how far we are",
    "started": "when the impact began",
    "duration": "how long it has lasted",
    "next_update": "when readers hear more",
}
INSIDE = {
    "reference": "the incident's number",
    "title": "its inner title",
    "severity": "how bad it is",
    "services": "what it touches",
    "assignee": "who has it",
}

STARTERS: list[dict[str, str]] = [
    {
        "name": "We are looking into it",
        "visibility": Visibility.EXTERNAL,
        "status": Status.INVESTIGATING,
        "title": "We are looking into a problem",
        "message": "Since {started} some of our customers have had problems. We are looking into the cause.\n\n"
        "Next update: {next_update}.",
    },
    {
        "name": "We know the cause",
        "visibility": Visibility.EXTERNAL,
        "status": Status.IDENTIFIED,
        "title": "",
        "message": "We have found the cause and are working on a fix.\n\nNext update: {next_update}.",
    },
    {
        "name": "A fix is in place",
        "visibility": Visibility.EXTERNAL,
        "status": Status.MONITORING,
        "title": "",
        "message": "A fix is in place and things are getting better. We keep watching before we call it over.\n\n"
        "Next update: {next_update}.",
    },
    {
        "name": "It is over",
        "visibility": Visibility.EXTERNAL,
        "status": Status.RESOLVED,
        "title": "",
        "message": "This is resolved. It began at {started} and lasted {duration}. We are sorry for the trouble.",
    },
    {
        "name": "How it stands, for colleagues",
        "visibility": Visibility.INTERNAL,
        "status": Status.INVESTIGATING,
        "title": "",
        "message": "**{reference}, {severity}:** {title}\n\n- Affected: {services}\n- Since: {started} ({duration})\n"
        "- Led by: {assignee}\n- Next update: {next_update}",
    },
]

_PLACEHOLDER = re.compile(r"\{([^{}\n]*)\}")


@dataclass(frozen=True, slots=True)
class Filled:
    """What a template says of one incident at one moment."""

    visibility: str
    status: str
    title: str
    message: str


def fill(template: UpdateTemplate, incident: Incident, *, next_at: datetime | None, now: datetime) -> Filled:
    """The template's words about an incident, to be read and changed before they go out."""
    values = _values(template, incident, next_at=next_at, now=now)
    title, message = (_filled(text, values) for text in (template.title, template.message))
    return Filled(template.visibility, template.status, title, message)


def placeholders(visibility: str) -> dict[str, str]:
    """Those that a template may use, with what they say."""
    return FOR_EVERYBODY if visibility == Visibility.EXTERNAL else FOR_EVERYBODY | INSIDE


def check(text: str, visibility: str) -> None:
    """Raise ValidationError, in words, for placeholders that do not exist or say too much."""
    known = placeholders(visibility)
    for name in _PLACEHOLDER.findall(text):
        if name in known:
            continue
        if name in INSIDE:
            raise ValidationError(f"{{{name}}} is for colleagues only; the public must not read it.")
        names = ", ".join(f"{{{each}}}" for each in known)
        raise ValidationError(f"There is no {{{name[:40]}}}. Use {names}.")


# ---- keeping templates ---------------------------------------------------------------------------------------------


@transaction.atomic
def create(*, by: User | None, **fields: Any) -> UpdateTemplate:
    """A new template; ``EDITABLE`` names the fields. Raises ValidationError."""
    return audit.save(_with(UpdateTemplate(), fields), by=by)


@transaction.atomic
def change(template: UpdateTemplate, *, by: User | None, **fields: Any) -> UpdateTemplate:
    """Change what later updates begin with; updates that there are stay as they are. Raises ValidationError."""
    template = UpdateTemplate.objects.select_for_update().get(pk=template.pk)
    return audit.save(_with(template, fields), by=by)


def remove(template: UpdateTemplate, *, by: User | None) -> None:
    """Delete a template. What was written with it stays."""
    audit.delete(template, by=by)


def ensure_defaults() -> None:
    """Write the starting set where there never was a template; what a person has changed or removed stays so."""
    if not (UpdateTemplate.objects.exists() or audit.is_known(UpdateTemplate)):
        UpdateTemplate.objects.bulk_create([UpdateTemplate(**said) for said in STARTERS], ignore_conflicts=True)


def _with(template: UpdateTemplate, fields: Mapping[str, Any]) -> UpdateTemplate:
    for name, value in fields.items():
        setattr(template, name, value)
    return checked(template)


def checked(template: UpdateTemplate) -> UpdateTemplate:
    """The template with its texts made fit to be kept. Raises ValidationError for what ``full_clean`` does not see."""
    template.name, template.title = single_line(template.name), single_line(template.title)
    template.message = clean(template.message).strip()
    errors: dict[str, Any] = {}
    for name, limit in (("name", 80), ("title", TITLE_LIMIT), ("message", update_words.MESSAGE_LIMIT)):
        text = getattr(template, name)
        if len(text) > limit:
            errors[name] = f"At most {limit:,} characters; these are {len(text):,}."
        elif name != "name":
            try:
                check(text, template.visibility)
            except ValidationError as error:
                errors[name] = error.messages
    if template.visibility == Visibility.INTERNAL and template.title:
        errors["title"] = "Only external updates have a title."
    if errors:
        raise ValidationError(errors)
    return template


# ---- filling in ----------------------------------------------------------------------------------------------------


def _filled(text: str, values: Mapping[str, str]) -> str:
    """A name that nobody knows stays as it is; ``check`` has refused it when the template was saved."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _values(template: UpdateTemplate, incident: Incident, *, next_at: datetime | None, now: datetime) -> dict[str, str]:
    zone = ZoneInfo(site_settings().time_zone)
    lasted = (incident.resolved_at or now) - incident.started_at
    values = {
        "status": template.get_status_display().lower(),
        "started": _moment(incident.started_at, zone, now=now),
        "duration": durations.words(lasted.total_seconds()),
        "next_update": _moment(next_at, zone, now=now) if next_at else "as soon as there is news",
    }
    if template.visibility == Visibility.INTERNAL:
        services = incident.affected_services.order_by("name").values_list("name", flat=True)
        values |= {
            "reference": incident.reference,
            "title": single_line(incident.title),
            "severity": incident.get_severity_display().lower(),
            "services": single_line(", ".join(services)) or "no service named",
            "assignee": single_line(str(incident.assignee)) if incident.assignee else "nobody yet",
        }
    return values


def _moment(at: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """14:05 CET on the day itself, otherwise 30 Nov, 14:05 CET; in the site's time zone."""
    local = at.astimezone(zone)
    is_today = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M %Z}" if is_today else f"{local.day} {local:%b, %H:%M %Z}"
