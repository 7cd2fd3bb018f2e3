"""Whom and what of the public pages an incident concerns, for those who are about to tell of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import Q

from incidents.models import StatusUpdate
from statuspage import addresses
from statuspage.impacts import BY_SEVERITY, ENDINGS, SAYABLE
from statuspage.models import Component, Health, Report, StatusPage, Subscriber, Taken

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from incidents.models import Incident

FIELD = "affects-"  # and the public id of a component: what a form calls it


@dataclass(frozen=True, slots=True)
class Choice:
    """How one component may be said to be. ``chosen`` is empty where nobody says: then it is as ``otherwise`` says."""

    component: Component
    chosen: str
    otherwise: str
    is_said: bool

    @property
    def name(self) -> str:
        """What its field is called."""
        return FIELD + self.component.public_id

    @property
    def options(self) -> list[tuple[str, str]]:
        """Values with their words. What was said once stays said, so that it is not among them then."""
        said = [(str(health.value), str(health.label)) for health in Health if health in SAYABLE]
        return said if self.is_said else [("", self.otherwise), *said]


@dataclass(slots=True)
class Choices:
    """The components of one page: those that the incident concerns, and the others."""

    page: StatusPage
    concerned: list[Choice] = field(default_factory=list)
    others: list[Choice] = field(default_factory=list)


def choices_for(incident: Incident, *, typed: Mapping[str, str], update: StatusUpdate | None = None) -> list[Choices]:
    """For each page that has components, how each of these may be said to be. ``typed`` is a form that was sent;
    ``update`` is the one that is edited."""
    mapped, said = mapped_to(incident), said_of(incident)
    own = update.affects if update else {}
    pages: dict[int, Choices] = {}
    by_severity = f"As the severity says: {Health(BY_SEVERITY[incident.severity]).label.lower()}"
    for component in (
        Component.objects.select_related("page", "group")
        .defer("page__logo")
        .order_by("page__name", "page", "group__position", "position", "pk")
    ):
        name = component.public_id
        is_concerned = component.pk in mapped or name in said
        chosen = typed.get(FIELD + name, own.get(name, said.get(name, "")))
        otherwise = by_severity if component.pk in mapped else "Not affected"
        of_page = pages.setdefault(component.page_id, Choices(component.page))
        row = Choice(component, chosen, otherwise, is_said=name in said)
        (of_page.concerned if is_concerned or chosen else of_page.others).append(row)
    return list(pages.values())


def recipients(incident: Incident, *, also: Collection[str] = (), but: Collection[str] = ()) -> int:
    """How many subscribers would be told of an external update that says of the components ``also``, by public id,
    besides those that the incident concerns already; without the e-mail addresses ``but``, which are told inside."""
    if incident.is_private:
        return 0
    concerned = _concerned(incident, also=also)
    pages = {*concerned.values(), *Report.objects.filter(incident=incident).values_list("page", flat=True)}
    wants = Q(components=None) | Q(components__in=concerned)
    return Subscriber.objects.active().filter(wants, page__in=pages).exclude(address__in=but).distinct().count()


@dataclass(frozen=True, slots=True)
class Tellers:
    """The pages that tell an incident, each with its address there; where none does, those that would."""

    told: list[tuple[StatusPage, str]] = field(default_factory=list)
    expected: list[StatusPage] = field(default_factory=list)


def tellers_of(incident: Incident, *, update: StatusUpdate | None) -> Tellers:
    """Who tells of an external ``update``, or would of one that there is not yet. What was taken up and concerned no
    page stays untold."""
    reports = Report.objects.filter(incident=incident).select_related("page").defer("page__logo").order_by("page__name")
    told = [(report.page, addresses.incident_of(report.page, report.public_id)) for report in reports]
    if told or (update is not None and Taken.objects.filter(update=update).exists()):
        return Tellers(told)
    pages = StatusPage.objects.filter(pk__in=_concerned(incident).values()).defer("logo")
    return Tellers(expected=list(pages.order_by("name")))


def _concerned(incident: Incident, *, also: Collection[str] = ()) -> dict[int, int]:
    """The components that an update would concern, each with its page, by primary keys."""
    named = {*also, *said_of(incident)}
    rows = Component.objects.filter(Q(pk__in=mapped_to(incident)) | Q(public_id__in=named))
    return dict(rows.values_list("pk", "page"))


def mapped_to(incident: Incident) -> set[int]:
    """Primary keys of the components that stand for a service that the incident affects."""
    links = incident.service_links.order_by().values("service")
    return set(Component.objects.filter(services__in=links).order_by().values_list("pk", flat=True))


def said_of(incident: Incident) -> dict[str, str]:
    """What published updates said of components, by public id; the end of an incident takes all of it back."""
    said: dict[str, str] = {}
    updates = StatusUpdate.objects.external().published().filter(incident=incident).order_by("published_at", "id")
    for status, affects in updates.values_list("status", "affects"):
        if status in ENDINGS:
            said.clear()
        else:
            said |= {name: word for name, word in affects.items() if word in SAYABLE}
    return said
