"""What people may send about an incident, checked before a domain function sees it."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import User
from catalog.models import Service
from incidents import excluding
from incidents.changes import OVERTAKEN
from incidents.lifecycle import TEXT_LIMIT, TITLE_LIMIT, Draft
from incidents.models import Evidence, Incident, Severity, Status, TimelineEntry
from incidents.timeline import MITIGATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import QueryDict

REASON_LIMIT = 2000
SNOOZE_MORNING = time(9)


class MomentField(forms.DateTimeField):
    """A past moment in the reader's time zone, to the second. An untouched one keeps its fractions of a second."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")
        super().__init__(widget=widget, **options)

    def clean(self, value: Any) -> datetime | None:
        """The moment, if it is not in the future."""
        moment: datetime | None = super().clean(value)
        if moment is not None and moment > timezone.now():
            raise ValidationError("This time is in the future.", code="future")
        return moment


class ServicesField(forms.ModelMultipleChoiceField):
    """Services by their slugs, as boxes to tick."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            Service.objects.select_related("team", "escalation_policy").order_by("name", "slug"),
            to_field_name="slug",
            required=False,
            widget=forms.CheckboxSelectMultiple,
            **options,
        )


class AssigneeField(forms.ModelChoiceField):
    """A person who may sign in, by username."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            people(),
            to_field_name="username",
            required=False,
            empty_label=options.pop("empty_label", "Nobody"),
            **options,
        )


def people() -> QuerySet[User]:
    """Those who can be given an incident, by name."""
    return User.objects.active().order_by("name", "username")


class ActionForm(forms.Form):
    """A form whose valid data are the arguments of one domain function."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """``auto_id`` carries the form's name: many forms stand on one page."""
        name = type(self).__name__.removesuffix("Form").lower()
        options.setdefault("auto_id", f"{name}-%s")
        super().__init__(*args, **options)

    def typed(self) -> list[str]:
        """The texts that a person wrote into a valid form, to be given back where they could not be used."""
        return [text for text in self.cleaned_data.values() if isinstance(text, str) and " " in text.strip()]


class TextField(forms.CharField):
    """Several lines. Browsers end them with CR and LF; we keep LF, as everybody else writes them."""

    def __init__(self, *, rows: int = 3, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), **options)

    def to_python(self, value: Any) -> str:
        """The text with plain line ends."""
        return (super().to_python(value) or "").replace("\r\n", "\n")


def new_ticket() -> str:
    """What a form carries so that a second press of its button is known as one."""
    return secrets.token_urlsafe(16)


class DeclareForm(ActionForm):
    """A new incident."""

    title = forms.CharField(
        label="What is wrong?",
        max_length=TITLE_LIMIT,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "placeholder": "Checkout fails for card payments", "data-draft": True}
        ),
        error_messages={"required": "Say in a few words what is wrong."},
    )
    severity = forms.ChoiceField(
        choices=Severity.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how bad it is; it can be changed later."},
    )
    services = ServicesField(label="Affected services")
    description = TextField(
        label="What do you know so far?", required=False, max_length=TEXT_LIMIT, rows=4, help_text="Markdown works."
    )
    assignee = AssigneeField(empty_label="Nobody yet", help_text="They are told. It does not stop the paging.")
    started_at = MomentField(
        label="Impact began at", required=False, help_text="Empty: now. The clocks count from the declaration."
    )
    is_private = forms.BooleanField(
        label="Private",
        required=False,
        help_text="Only admins, the assignee, you, the teams of the services and whoever is told of it see it.",
    )

    ticket = forms.CharField(required=False, max_length=64, initial=new_ticket, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
    anyway = forms.BooleanField(required=False, widget=forms.HiddenInput)

    @classmethod
    def filled(cls, said: QueryDict, *, ticket: bool = False) -> DeclareForm:
        """The form with what an address or an earlier form says, and no complaints about it."""
        names = ("title", "severity", "description", "assignee", "started_at", "is_private", "ticket")
        given: dict[str, Any] = {name: said[name] for name in names if name in said and (ticket or name != "ticket")}
        return cls(initial=given | {"services": said.getlist("services")})

    def so_far(self) -> dict[str, Any]:
        """What is right already of a form that need not be finished."""
        self.is_valid()
        return self.cleaned_data

    def has_shown(self, numbers: Iterable[int]) -> bool:
        """Whether the person has seen all of these incidents beside the form, or declares whatever is like them."""
        return self.cleaned_data["anyway"] or set(map(str, numbers)) <= set(self.cleaned_data["seen"].split())

    def carried(self) -> list[tuple[str, str]]:
        """Every field as it was sent, for a page that asks one question before it is done."""
        sent: Any = self.data
        names = [name for name in self.fields if name not in ("seen", "anyway")]
        return [(name, value) for name in names for value in sent.getlist(name)]

    def draft(self, *, by: User) -> Draft:
        """The incident that a valid form describes; the same form sent twice describes the same incident."""
        said = {name: value for name, value in self.cleaned_data.items() if name not in ("seen", "anyway")}
        ticket = said.pop("ticket")
        words = repr(sorted((name, str(value)) for name, value in said.items()))
        digest = hashlib.sha256(f"{ticket}{words}".encode()).hexdigest()
        return Draft(**said, by=by, source_key=f"form/{by.pk}/{digest}" if ticket else None)


class AcknowledgeForm(ActionForm):
    """Where to go on afterwards: a page of ours, or the incident."""

    next = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)

    def clean_next(self) -> str:
        """Only an address within Muster."""
        address: str = self.cleaned_data["next"]
        is_ours = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
        return address if is_ours else ""


class MoveForm(ActionForm):
    """To a stage of the work."""

    to = forms.ChoiceField(
        choices=[(status.value, status.label) for status in (Status.INVESTIGATING, Status.MITIGATING)]
    )


class AssignForm(ActionForm):
    """To a person, or to nobody."""

    to = AssigneeField(label="Assignee", help_text="They are told. It is no acknowledgement.")


class SeverityForm(ActionForm):
    """How bad it is now."""

    to = forms.ChoiceField(label="Severity", choices=Severity.choices, widget=forms.RadioSelect)
    reason = forms.CharField(required=False, max_length=REASON_LIMIT)


class ServicesForm(ActionForm):
    """What it touches."""

    services = ServicesField(label="Affected services", help_text="A new one pages by its own policy.")


class NoteForm(ActionForm):
    """A note, about now or an earlier moment. The domain knows its limit and says how long a note was."""

    text = TextField(label="Note", required=False)
    at = MomentField(label="When it happened", required=False, help_text="Empty: now.")


class CorrectionForm(ActionForm):
    """What a note ought to say, and when it happened."""

    text = TextField(label="Note", required=False, rows=4)
    at = MomentField(label="When it happened")

    def __init__(self, *args: Any, note: TimelineEntry, **options: Any) -> None:
        self.note = note
        options.setdefault("initial", {"text": note.text, "at": note.at})
        options.setdefault("auto_id", f"correction-{note.pk}-%s")
        super().__init__(*args, **options)

    def clean_at(self) -> datetime:
        """The form shows whole seconds; a time that was not touched stays exactly what it was."""
        moment: datetime = self.cleaned_data["at"]
        return moment if "at" in self.changed_data else self.note.at


class EvidenceForm(ActionForm):
    """A link that shows something."""

    url = forms.URLField(
        label="Address",
        max_length=1000,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    kind = forms.ChoiceField(label="It shows a", choices=Evidence.Kind.choices, initial=Evidence.Kind.METRIC)
    caption = forms.CharField(required=False, max_length=200, help_text="What one should see there.")
    source = forms.CharField(required=False, max_length=100, help_text="Such as Grafana.")


class MitigationForm(ActionForm):
    """What was done against the impact."""

    kind = forms.ChoiceField(label="What was done", choices=list(MITIGATIONS.items()), widget=forms.RadioSelect)
    text = TextField(label="Details", required=False, max_length=20_000, rows=2, help_text="Markdown works.")


class ResolveForm(ActionForm):
    """The end of the impact, and why there was one."""

    root_cause = TextField(
        label="Root cause",
        required=False,
        max_length=TEXT_LIMIT,
        help_text="As far as you know it; the postmortem can say more. Markdown works.",
    )


class EscalateForm(ActionForm):
    """Page further now."""

    reason = forms.CharField(label="Who or what is missing", max_length=REASON_LIMIT, required=False)


class GiveBackForm(ActionForm):
    """Somebody else is needed."""

    reason = forms.CharField(label="What the next person should know", max_length=REASON_LIMIT, required=False)


class SnoozeForm(ActionForm):
    """Until when it can wait: one button for each usual time, or a time of one's own. Times are the reader's."""

    wait = forms.ChoiceField(
        choices=[("30", "30 min"), ("60", "1 h"), ("240", "4 h"), ("morning", "Until")],
        required=False,
    )
    until = forms.DateTimeField(
        label="Or until",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="At most seven days.",
    )

    def clean(self) -> dict[str, Any]:
        """The time that was chosen."""
        super().clean()
        wait, until = self.cleaned_data.pop("wait", ""), self.cleaned_data.get("until")
        if wait:
            now = timezone.now()
            return {"until": morning(now) if wait == "morning" else now + timedelta(minutes=int(wait))}
        if until is None and "until" not in self.errors:
            self.add_error("until", "Choose a time.")
        return self.cleaned_data


def morning(now: datetime) -> datetime:
    """The next 09:00 of the reader."""
    local = timezone.localtime(now)
    day = local.date() + timedelta(days=local.time() >= SNOOZE_MORNING)
    return datetime.combine(day, SNOOZE_MORNING, tzinfo=local.tzinfo)


class ReopenForm(ActionForm):
    """It is not over."""

    reason = forms.CharField(
        label="Why is it open again?",
        max_length=REASON_LIMIT,
        error_messages={"required": "Say why it is open again."},
    )


class ExcludeForm(ActionForm):
    """The metrics are not to count it."""

    reason = forms.CharField(
        label="Why is it left out?",
        max_length=excluding.REASON_LIMIT,
        help_text="Such as: a drill, a false alarm of a new monitor, declared twice.",
        error_messages={"required": excluding.NO_REASON},
    )


_TEXTS = ("title", "description", "root_cause")


class EditForm(ActionForm):
    """What the incident says of itself."""

    # Each field carries what the person saw, so that an old page takes nothing back that somebody else has written.
    title = forms.CharField(
        max_length=TITLE_LIMIT,
        error_messages={"required": "Say in a few words what is wrong."},
        show_hidden_initial=True,
    )
    description = TextField(
        required=False, max_length=TEXT_LIMIT, rows=5, help_text="Markdown works.", show_hidden_initial=True
    )
    root_cause = TextField(label="Root cause", required=False, max_length=TEXT_LIMIT, show_hidden_initial=True)
    started_at = MomentField(label="Impact began at", show_hidden_initial=True)
    is_private = forms.BooleanField(
        label="Private",
        required=False,
        show_hidden_initial=True,
        help_text="Only admins, the assignee, its declarer, the teams of the services and whoever was told see it.",
    )

    def __init__(self, *args: Any, incident: Incident, **options: Any) -> None:
        self.incident = incident
        options.setdefault("initial", {name: getattr(incident, name) for name in self.base_fields})
        super().__init__(*args, **options)
        if not incident.root_cause and incident.is_open:
            del self.fields["root_cause"]

    def clean(self) -> dict[str, Any]:
        """Only what was changed, and what the texts among it said when the person saw them."""
        super().clean()
        changed = {name: value for name, value in self.cleaned_data.items() if name in self.changed_data}
        before = {name: self.data.get(self.add_initial_prefix(name)) for name in changed if name in _TEXTS}
        return changed | {"seen": {name: text for name, text in before.items() if text is not None}}

    def add_error(self, field: str | None, error: Any) -> None:
        """Whoever reads how a text reads now has seen that, and may replace it."""
        for each in error if isinstance(error, list) else [error]:
            if field and getattr(each, "code", None) == OVERTAKEN:
                sent: Any = self.data
                sent = sent.copy()
                sent[self.add_initial_prefix(field)] = each.params["now"]
                self.data = sent
        super().add_error(field, error)
