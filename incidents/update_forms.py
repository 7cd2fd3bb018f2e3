"""What people may send about status updates, checked before a domain function sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone

from incidents import communication
from incidents.forms import ActionForm, TextField
from incidents.models import StatusUpdate, UpdateTemplate
from incidents.models.updates import TITLE_LIMIT
from incidents.update_words import MESSAGE_LIMIT

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import QueryDict

    from incidents.models import Incident
    from incidents.wordings import Filled

Visibility = StatusUpdate.Visibility

AFFECTS = "affects-"  # before the public id of a component, in the names of fields that statuspage offers
NEXT = {"15": "in 15 minutes", "30": "in 30 minutes", "60": "in an hour", "120": "in two hours", "240": "in four hours"}
READERS = [(Visibility.INTERNAL, "Colleagues"), (Visibility.EXTERNAL, "Everybody: the public, and colleagues")]


class LaterField(forms.DateTimeField):
    """A moment to come, in the reader's time zone, to the minute."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, required=False, **options)


class StatusField(forms.ChoiceField):
    """How far we are, as status pages say it."""

    def __init__(self) -> None:
        super().__init__(
            label="How far are we?",
            choices=StatusUpdate.Status.choices,
            widget=forms.RadioSelect,
            help_text="A word for those who read it. The incident keeps its own status.",
            error_messages={"required": "Choose how far we are."},
        )


class MessageField(TextField):
    """The text of an update."""

    def __init__(self) -> None:
        super().__init__(
            max_length=MESSAGE_LIMIT,
            rows=6,
            help_text="What is affected, and what is being done. Markdown works.",
            error_messages={"required": "Say how it stands."},
        )


class TitleField(forms.CharField):
    """What the public calls it."""

    def __init__(self) -> None:
        super().__init__(
            label="What is it called in public?",
            required=False,
            max_length=TITLE_LIMIT,
            widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Checkout fails for card payments"}),
            help_text="Never the inner title by itself. Later updates keep it.",
        )


class BasedOnField(forms.CharField):
    """The version of an update that somebody looks at while they change it."""

    def __init__(self) -> None:
        super().__init__(required=False, max_length=20, empty_value=None, widget=forms.HiddenInput)


class StatusUpdateForm(ActionForm):
    """How it stands, who reads it, and when it goes out. Valid data are the arguments of ``post_update``."""

    status = StatusField()
    visibility = forms.ChoiceField(
        label="Who reads it?",
        choices=READERS,
        widget=forms.RadioSelect,
        required=False,
        initial=Visibility.INTERNAL,
    )
    title = TitleField()
    message = MessageField()
    next_in = forms.ChoiceField(
        label="Next update", required=False, choices=[("", "not said"), *NEXT.items(), ("at", "at a time")]
    )
    next_at = LaterField(label="The next update comes at")
    when = forms.ChoiceField(
        label="When does it go out?",
        choices=[("hold", "In a minute: until then you can undo it"), ("at", "At a time")],
        widget=forms.RadioSelect,
        required=False,
        initial="hold",
    )
    publish_at = LaterField(label="It goes out at", help_text="At most 90 days ahead.")
    even_when_over = forms.BooleanField(
        label="Even if the incident is over by then",
        required=False,
        help_text="Otherwise it is withheld, unless its status says that it is over.",
    )
    filled = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None = None, *, incident: Incident, **options: Any) -> None:
        super().__init__(data, **options)
        self.fields["message"].widget.attrs["autofocus"] = True  # the status is a good guess; the words are the work
        if incident.is_private:
            self.fields["visibility"].choices = READERS[:1]  # type: ignore[attr-defined]
            self.fields["visibility"].help_text = f"{incident.reference} is private: the public hears nothing of it."

    @classmethod
    def begun(cls, said: QueryDict, words: Filled, *, incident: Incident) -> StatusUpdateForm:
        """What was typed so far, begun with a template's words; what was typed by hand stays below them."""
        given: dict[str, Any] = {name: said[name] for name in cls.base_fields if name in said}
        typed = given.get("message", "").replace("\r\n", "\n").strip()
        is_own = typed and typed != given.get("filled", "").replace("\r\n", "\n").strip()
        given |= {
            "status": words.status,
            "visibility": words.visibility,
            "title": given.get("title") or words.title,
            "message": f"{words.message}\n\n{typed}" if is_own else words.message,
            "filled": words.message,
        }
        return cls(incident=incident, initial=given)

    def clean(self) -> dict[str, Any]:
        """The arguments of ``post_update``; what does not belong to inner updates is left out."""
        data = super().clean() or self.cleaned_data
        visibility = data.get("visibility") or Visibility.INTERNAL
        is_public = visibility == Visibility.EXTERNAL
        is_later = data.pop("when", "") == "at"
        data.pop("filled", None)
        publish_at = self._wanted("publish_at", "Say when it goes out.") if is_later else None
        return data | {
            "visibility": visibility,
            "title": data.get("title", "") if is_public else "",
            "affects": self._affects() if is_public else None,
            "hold": not is_later,
            "publish_at": publish_at,
            "next_at": self._next(publish_at or self._due_at()),
            "even_when_over": is_later and data.get("even_when_over", False),
        }

    def _due_at(self) -> datetime:
        """When it goes out, where nobody names a time."""
        return timezone.now() + communication.HOLD

    def look_elsewhere(self) -> None:
        """Let something else on the page have the focus."""
        self.fields["message"].widget.attrs.pop("autofocus", None)

    def next_so_far(self) -> datetime | None:
        """When the next update comes, as far as an unfinished form says it."""
        self.is_valid()
        found: datetime | None = self.cleaned_data.get("next_at")
        return found

    def _next(self, due_at: datetime) -> datetime | None:
        chosen = self.cleaned_data.pop("next_in", "")
        if chosen == "at":
            return self._wanted("next_at", "Say when the next update comes.")
        return due_at + timedelta(minutes=int(chosen)) if chosen else None

    def _wanted(self, name: str, words: str) -> datetime | None:
        at: datetime | None = self.cleaned_data.get(name)
        if at is None and name not in self.errors:
            self.add_error(name, words)
        return at

    def _affects(self) -> dict[str, str]:
        sent: Any = self.data
        return {name.removeprefix(AFFECTS): sent[name] for name in sent if name.startswith(AFFECTS) and sent[name]}


class EditWaitingForm(StatusUpdateForm):
    """An update that waits, changed in full. Valid data are arguments of ``edit``."""

    based_on = BasedOnField()

    def __init__(self, data: QueryDict | None = None, *, update: StatusUpdate, **options: Any) -> None:
        known = {name: getattr(update, name) for name in ("status", "visibility", "title", "message", "next_at")}
        known |= {"next_in": "at" if update.next_at else "", "based_on": update.version}
        known |= {"even_when_over": update.even_when_over, "publish_at": update.due_at}
        options.setdefault("initial", known | {"when": "keep"})
        super().__init__(data, incident=update.incident, **options)
        self.update = update
        del self.fields["filled"]
        self.fields["when"].choices = [("keep", "At the time that is set"), ("at", "At another time")]  # type: ignore[attr-defined]
        self.fields["when"].initial = "keep"

    def clean(self) -> dict[str, Any]:
        """The arguments of ``edit``."""
        data = super().clean()
        del data["hold"]
        if data["publish_at"] is None:
            del data["publish_at"], data["even_when_over"]
        return data

    def clean_next_at(self) -> datetime | None:
        """A field shows minutes; what nobody has changed keeps its seconds."""
        at: datetime | None = self.cleaned_data["next_at"]
        was = self.update.next_at
        return was if was and at == was.replace(second=0, microsecond=0) else at

    def clean_publish_at(self) -> datetime | None:
        """The same."""
        at: datetime | None = self.cleaned_data["publish_at"]
        was = self.update.due_at
        return was if at == was.replace(second=0, microsecond=0) else at

    def _due_at(self) -> datetime:
        return self.update.due_at


class EditUpdateForm(ActionForm):
    """A published update, said otherwise. Valid data are arguments of ``edit``."""

    status = StatusField()
    title = TitleField()
    message = MessageField()
    based_on = BasedOnField()

    def __init__(self, data: QueryDict | None = None, *, update: StatusUpdate, **options: Any) -> None:
        known = {name: getattr(update, name) for name in communication.WORDS} | {"based_on": update.version}
        options.setdefault("initial", known)
        super().__init__(data, **options)
        if update.visibility != Visibility.EXTERNAL:
            del self.fields["title"]


class ChooseTemplateForm(ActionForm):
    """Words to begin with."""

    template = forms.ModelChoiceField(UpdateTemplate.objects.none(), required=False, empty_label="None")

    def __init__(self, data: QueryDict | None = None, *, incident: Incident, **options: Any) -> None:
        super().__init__(data, **options)
        rows = UpdateTemplate.objects.order_by("-visibility", "name")
        field: Any = self.fields["template"]
        field.queryset = rows.exclude(visibility=Visibility.EXTERNAL) if incident.is_private else rows
