"""Templates of postmortems, made and changed with an entry in the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from core.text import single_line
from incidents.models.incident import NotAllowedNow
from postmortems import outline
from postmortems.models import Template

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User

EDITABLE = ("name", "severity", "team", "sections", "is_active")


@transaction.atomic
def create(*, by: User | None, **fields: Any) -> Template:
    """A new template; without ``sections`` it has the seven that every postmortem has. Raises ValidationError."""
    fields.setdefault("sections", standard())
    return audit.save(_with(Template(), fields), by=by)


@transaction.atomic
def change(template: Template, *, by: User | None, based_on: datetime | None = None, **fields: Any) -> Template:
    """Change what later drafts ask for; drafts that there are stay as they are. ``EDITABLE`` names the fields.

    ``based_on`` is the template's ``updated_at`` that the change was made from. Raises ValidationError, and
    NotAllowedNow where somebody has saved it since.
    """
    template = Template.objects.select_for_update(of=("self",)).get(pk=template.pk)
    if based_on is not None and template.updated_at != based_on:
        raise NotAllowedNow(f"Somebody has saved “{template}” while you were changing it.")
    return audit.save(_with(template, fields), by=by)


def standard() -> list[dict[str, Any]]:
    """The seven sections that every postmortem has, as a template keeps them."""
    return [
        {"key": part.key, "title": part.title, "prompt": part.prompt, "is_required": part.is_required}
        for part in outline.STANDARD
    ]


def _with(template: Template, fields: dict[str, Any]) -> Template:
    if unknown := fields.keys() - set(EDITABLE):
        raise ValidationError(dict.fromkeys(sorted(unknown), "A template has no such field."))
    if "name" in fields:
        fields["name"] = single_line(fields["name"])
    if "sections" in fields:
        fields["sections"] = outline.checked(fields["sections"])
    for name, value in fields.items():
        setattr(template, name, value)
    return template
