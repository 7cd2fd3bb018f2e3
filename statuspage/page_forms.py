"""What managers may send about status pages, their groups and components. The domain functions judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from catalog.models import Service
from core import time_zones
from statuspage import components, logos, pages
from statuspage.models import Component, ComponentGroup, StatusPage
from statuspage.overtaken import SeenField

if TYPE_CHECKING:
    from accounts.models import User


class PageForm(forms.Form):
    """A page as a whole; without one a new page."""

    name = forms.CharField(max_length=80, help_text="Readers see it on top, such as “Acme status”.")
    slug = forms.SlugField(
        max_length=60, label="Slug", help_text="Its name in addresses: small letters, digits and hyphens."
    )
    about = forms.CharField(max_length=300, required=False, help_text="A sentence below the name.")
    locale = forms.ChoiceField(
        choices=StatusPage.Locale.choices, label="Language", help_text="Of fixed words and dates."
    )
    time_zone = forms.ChoiceField(help_text="Its days begin and end there.")
    domain = forms.CharField(
        max_length=253,
        required=False,
        label="Own domain",
        help_text="Such as status.example.com. Its DNS has to point to Muster, or to the proxy before it.",
    )
    colour = forms.CharField(
        max_length=7,
        required=False,
        label="Colour",
        help_text="Of the head, such as #1d4ed8. Text on it is white or black, whichever can be read better.",
    )
    logo = forms.FileField(
        required=False,
        allow_empty_file=True,
        help_text="PNG, JPEG or WebP, 200 KB at most. It is scaled to 160 pixels of height.",
    )
    without_logo = forms.BooleanField(required=False, label="Take the logo away")
    home_url = forms.CharField(max_length=500, required=False, label="Home page", help_text="Where the name leads.")
    support_url = forms.CharField(max_length=500, required=False, label="Support", help_text="Where readers find help.")
    is_default = forms.BooleanField(required=False, label="Show it at /status/")
    based_on = SeenField()

    def __init__(self, *args: Any, page: StatusPage | None = None, **options: Any) -> None:
        kept = {name: getattr(page, name) for name in self.base_fields if hasattr(page, name)} if page else {}
        kept.pop("logo", None)
        if page is not None:
            kept["based_on"] = page.updated_at.isoformat()
        options["initial"] = {"time_zone": "UTC", **kept, **options.get("initial", {})}
        super().__init__(*args, **options)
        fields: Any = self.fields
        fields["time_zone"].choices = time_zones.choices(current=page.time_zone if page else "UTC")
        fields["logo"].widget.attrs["accept"] = ",".join(f"image/{format.lower()}" for format in logos.FORMATS)
        if page is None or not page.logo_type:
            del fields["without_logo"]
        if page is None:
            del fields["based_on"]

    def arguments(self) -> dict[str, Any]:
        """What the domain function takes."""
        said = dict(self.cleaned_data)
        upload = said.pop("logo")
        if upload is not None:
            said["logo"] = upload.read(logos.LARGEST_UPLOAD + 1)
        return said


class GroupForm(forms.Form):
    """What a group is called."""

    name = forms.CharField(max_length=80, help_text="Readers see it above its components.")


class ComponentForm(forms.Form):
    """A component, and what it stands for."""

    name = forms.CharField(max_length=80, help_text="In the words of those who use it: “Search”, not “query-engine-2”.")
    description = forms.CharField(max_length=300, required=False, help_text="A sentence that readers may look up.")
    group: Any = forms.ModelChoiceField(None, required=False, empty_label="No group")
    services = forms.ModelMultipleChoiceField(
        Service.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Incidents and maintenance of these affect it. Readers do not see which they are.",
    )
    since = forms.DateField(
        required=False,
        label="History since",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The first day that is shown; before it nothing is claimed. Left empty: today.",
    )
    based_on = SeenField()

    def __init__(
        self, *args: Any, page: StatusPage, by: User, component: Component | None = None, **options: Any
    ) -> None:
        if component is not None:
            kept = {name: getattr(component, name) for name in ("name", "description", "group", "since")}
            kept["based_on"] = component.updated_at.isoformat()
            options["initial"] = {**kept, "services": list(component.services.all())}
        super().__init__(*args, **options)
        fields: Any = self.fields
        fields["group"].queryset = page.groups.all()
        fields["services"].queryset = Service.objects.visible_to(by).order_by("name", "slug")
        if component is None:
            del fields["based_on"]
        else:
            fields["since"].required = True
            fields["since"].help_text = "The first day that is shown; before it nothing is claimed."


# ---- the same in Django admin ------------------------------------------------------------------------------------


class _CheckedForm(forms.ModelForm):  # type: ignore[type-arg]
    """Says beside the fields what the domain function would refuse."""

    def check(self) -> None:
        """Raises ValidationError."""
        raise NotImplementedError

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            self.check()
        except ValidationError as error:
            self._update_errors(error)  # type: ignore[attr-defined]


class PageAdminForm(_CheckedForm):
    """A page; which one is the default, and its logo, are said on its own form."""

    domain, colour = PageForm.base_fields["domain"], PageForm.base_fields["colour"]  # as they are typed

    class Meta:
        model = StatusPage
        fields = tuple(name for name in pages.EDITABLE if name != "is_default")

    def clean_domain(self) -> str:
        """As it is kept, which is what the model judges."""
        return pages.domain_of(self.cleaned_data["domain"])

    def clean_colour(self) -> str:
        """As it is kept."""
        return pages.colour_of(self.cleaned_data["colour"])

    def check(self) -> None:
        """As on its own form."""
        pages.checked(self.instance)


class GroupAdminForm(_CheckedForm):
    """A group; its page stays."""

    class Meta:
        model = ComponentGroup
        fields = ("page", "name", "position")

    def check(self) -> None:
        """As on its own form."""
        components.checked_group(self.instance)


class GroupChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Groups, each with the name of its page."""

    def label_from_instance(self, obj: Any) -> str:
        """Two pages may have groups of one name."""
        return f"{obj.page}: {obj}"


class ComponentAdminForm(_CheckedForm):
    """A component; its page stays."""

    group: Any = GroupChoice(ComponentGroup.objects.select_related("page"), required=False, empty_label="No group")

    class Meta:
        model = Component
        fields = ("page", *components.EDITABLE, "services", "position")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["since"].required = self.instance.pk is not None
        self.fields["since"].help_text = "The first day that is shown. Left empty for a new one: today."

    def check(self) -> None:
        """As on its own form."""
        components.checked_component(self.instance, now=timezone.now())
