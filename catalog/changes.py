"""Services, changed with an entry in the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from catalog.models import Dependency, Health, Service
from core import live

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User

EDITABLE = (
    "slug", "name", "team", "description", "tier", "health", "dashboard_url", "logs_url", "repo_url",
    "escalation_policy",
)  # fmt: skip
RESERVED_SLUGS = frozenset({"new"})  # addresses of their own


@transaction.atomic
def create_service(*, by: User | None, depends_on: Iterable[Service] = (), **fields: Any) -> Service:
    """A new service with what it depends on. Raises ValidationError, for an unknown field too."""
    service = audit.save(_with(Service(), fields), by=by)
    _set_dependencies(service, depends_on, by=by)
    return service


@transaction.atomic
def update_service(
    service: Service, *, by: User | None, depends_on: Iterable[Service] | None = None, **changes: Any
) -> Service:
    """Change a service; ``depends_on`` of None leaves the dependencies as they are. Raises ValidationError."""
    service = audit.save(_with(_locked(service), changes), by=by)
    if depends_on is not None:
        _set_dependencies(service, depends_on, by=by)
    return service


@transaction.atomic
def set_health(service: Service, *, to: str, by: User | None) -> Service:
    """Say how a service is. Raises ValidationError for an unknown word."""
    if to not in Health.values:
        raise ValidationError({"health": f"Choose one of: {', '.join(Health.values)}."})
    live.changed("services")
    return audit.save(_with(_locked(service), {"health": to}), by=by)


def _locked(service: Service) -> Service:
    locked: Service = Service.objects.select_for_update(of=("self",)).get(pk=service.pk)
    return locked


def _with(service: Service, values: dict[str, Any]) -> Service:
    unknown = values.keys() - set(EDITABLE)
    if unknown:
        raise ValidationError(dict.fromkeys(sorted(unknown), "A service has no such field."))
    if values.get("slug") in RESERVED_SLUGS:
        raise ValidationError({"slug": "This word is an address of its own. Choose another one."})
    for name, value in values.items():
        setattr(service, name, value)
    return service


def _set_dependencies(service: Service, wanted: Iterable[Service], *, by: User | None) -> None:
    """Services may depend on each other in a ring, as real ones do; only on itself none may."""
    services = {each.pk: each for each in wanted}
    if service.pk in services:
        raise ValidationError({"depends_on": "A service cannot depend on itself."})
    before = _slugs(service)
    have = set(service.dependencies.values_list("depends_on", flat=True))
    service.dependencies.exclude(depends_on__in=services).delete()
    Dependency.objects.bulk_create(
        [Dependency(service=service, depends_on=each) for pk, each in services.items() if pk not in have],
        ignore_conflicts=True,
    )
    audit.changed_links(service, by=by, name="depends_on", before=before, after=_slugs(service))


def _slugs(service: Service) -> list[str]:
    return list(service.dependencies.order_by("depends_on__slug").values_list("depends_on__slug", flat=True))
