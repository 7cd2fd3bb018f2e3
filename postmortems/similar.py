"""Postmortems that are like one: what was learned before from the same service, the same factor, in the same words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from catalog.models import Service
from core.together import Rows, attach, grouped, together
from incidents import similar
from incidents.models import AffectedService, Incident
from postmortems.models import Factor, Postmortem

if TYPE_CHECKING:
    from accounts.models import User

MOST_SHOWN = 5
MOST_COMPARED = 300  # of those that share anything, the newest
MOST_READ = 1_000  # titles in which words are looked for, those of the newest; no index answers that
SERVICE, FACTOR, WORD, SEVERITY = 2.0, 2.0, 1.0, 0.5  # what each that is shared counts for
MOST_NAMED = 2


@dataclass(frozen=True, slots=True)
class Similar:
    """A postmortem that is like another, and what makes it so: names of services and factors, words of its title."""

    postmortem: Postmortem
    services: tuple[str, ...]
    factors: tuple[str, ...]
    words: tuple[str, ...]
    is_as_severe: bool

    @property
    def score(self) -> float:
        """How alike they are; severity alone makes nothing alike."""
        shared = SERVICE * len(self.services) + FACTOR * len(self.factors) + WORD * len(self.words)
        return shared + SEVERITY * self.is_as_severe if shared else 0.0

    @property
    def why(self) -> str:
        """In words: "Kafka too; capacity again; its title says lag"."""
        said = []
        if self.services:
            said.append(f"{_named(self.services)} too")
        if self.factors:
            said.append(f"{_named(self.factors)} again")
        if self.words:
            said.append(f"its title says {_named(tuple(f'“{word}”' for word in self.words))}")
        if self.is_as_severe:
            said.append("as severe")
        return "; ".join(said)


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - MOST_NAMED
    shown = names if more <= 0 else (*names[:MOST_NAMED], f"{more} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def similar_to(postmortem: Postmortem, *, user: User, limit: int = MOST_SHOWN) -> list[Similar]:
    """Published ones and the reader's own drafts that are like it, the most alike first, of those the newest; one
    query. Reads ``incident``."""
    rows = _read(postmortem, user)
    attach(rows["postmortems"], "incident", {incident.pk: incident for incident in rows["incidents"]})
    services = {service.pk: service.name for service in rows["services"]}
    factors = {factor.pk: factor.name for factor in rows["factors"]}
    touched = {pk: [link.service_id for link in links] for pk, links in grouped(rows["links"], "incident_id").items()}
    tagged = {pk: [tie.factor_id for tie in ties] for pk, ties in grouped(rows["ties"], "postmortem_id").items()}
    titles = {incident.pk: incident.title for incident in rows["incidents"]}
    # A full stop: nobody is still typing its last word.
    words = {match.key: match.words for match in similar.compare(f"{postmortem.incident.title}.", titles)}
    found = [
        Similar(
            postmortem=row,
            services=tuple(services[pk] for pk in touched.get(row.incident_id, ())),
            factors=tuple(factors[pk] for pk in tagged.get(row.pk, ())),
            words=words.get(row.incident_id, ()),
            is_as_severe=row.incident.severity == postmortem.incident.severity,
        )
        for row in rows["postmortems"]
    ]
    order = sorted((one for one in found if one.score), key=lambda one: (-one.score, -one.postmortem.pk))
    return order[:limit]


def _read(postmortem: Postmortem, user: User) -> Rows:
    """Everything in one statement: those that share anything, with what of it they share."""
    own_services = AffectedService.objects.filter(incident=postmortem.incident_id).values("service")
    own_factors = Postmortem.factors.through._default_manager.filter(postmortem=postmortem.pk).values("factor")
    on_them = AffectedService.objects.filter(service__in=own_services)
    with_them = Postmortem.factors.through._default_manager.filter(factor__in=own_factors)
    readable = Postmortem.objects.visible_to(user).exclude(pk=postmortem.pk)
    readable = readable.filter(Q(state=Postmortem.State.PUBLISHED) | Q(owner=user)).order_by("-id")
    newest = Incident.objects.filter(pk__in=readable.values("incident")[:MOST_READ]).order_by()
    saying = similar.titles_sharing(f"{postmortem.incident.title}.", newest)
    alike = readable.filter(
        Q(incident__in=on_them.values("incident"))
        | Q(pk__in=with_them.values("postmortem"))
        | Q(incident__in=saying.values("pk"))
    )[:MOST_COMPARED]
    numbers = alike.values("incident")
    return together(
        postmortems=alike.defer("document", "public_text"),
        incidents=Incident.objects.filter(pk__in=numbers).only("title", "severity", "resolved_at"),
        links=on_them.filter(incident__in=numbers).order_by("incident_id", "id"),
        ties=with_them.filter(postmortem__in=alike.values("pk")).order_by("postmortem_id", "id"),
        services=Service.objects.filter(pk__in=own_services).only("name"),
        factors=Factor.objects.filter(pk__in=own_factors).only("name"),
    )
