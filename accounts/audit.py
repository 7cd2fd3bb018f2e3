"""The audit log: every change of configuration or permission, with before and after, in the change's transaction."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models, transaction

from accounts.models import AuditEntry

if TYPE_CHECKING:
    from accounts.models import User

M = TypeVar("M", bound=models.Model)

# Never written down, whatever model they are in.
SECRET_FIELDS = frozenset({"password", "digest", "key_digest", "signing_secret", "authorization", "secret"})
SILENT_FIELDS = frozenset({"created_at", "updated_at", "last_login", "last_used_at"})
LONGEST_VALUE = 2000


def snapshot(instance: models.Model) -> dict[str, Any]:
    """The stored values of an object, secrets replaced by ``(secret)``."""
    values: dict[str, Any] = {}
    for field in instance._meta.concrete_fields:
        if field.attname in SILENT_FIELDS:
            continue
        value = field.value_from_object(instance)
        values[field.attname] = "(secret)" if field.attname in SECRET_FIELDS and value else _plain(value)
    return values


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime | date | time | timedelta):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return f"{len(value):,} bytes, {hashlib.sha256(value).hexdigest()[:12]}"
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return str(value)[:LONGEST_VALUE]


def record(
    *,
    by: User | None,
    action: str,
    on: models.Model,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    source: str = "Command line",
) -> AuditEntry:
    """Append one entry; ``source`` is who it was where it was no person."""
    return AuditEntry.objects.create(
        actor=by,
        actor_label=f"{by} ({by.username})" if by else source[:200],
        action=action,
        object_type=on._meta.label_lower,
        object_id=str(on.pk),
        object_label=str(on)[:300],
        before=before,
        after=after,
    )


def is_known(model: type[models.Model]) -> bool:
    """Whether anything of this kind was ever written down, as what was removed since has been."""
    return AuditEntry.objects.filter(object_type=model._meta.label_lower).exists()


@transaction.atomic
def save(instance: M, *, by: User | None) -> M:
    """Validate and save configuration, and write down what changed; nothing is written when nothing did.

    Raises ValidationError for values that the model refuses.
    """
    manager = type(instance)._default_manager
    stored = manager.select_for_update(of=("self",)).filter(pk=instance.pk).first() if instance.pk else None
    instance.full_clean()
    before = snapshot(stored) if stored else None
    instance.save()
    after = snapshot(instance)
    if before is None:
        record(by=by, action="created", on=instance, after=after)
    elif before != after:
        names = [name for name in after if before.get(name) != after[name]]
        record(
            by=by,
            action="changed",
            on=instance,
            before={name: before.get(name) for name in names},
            after={name: after[name] for name in names},
        )
    return instance


@transaction.atomic
def delete(instance: models.Model, *, by: User | None) -> None:
    """Delete configuration and write down what it was."""
    record(by=by, action="deleted", on=instance, before=snapshot(instance))
    instance.delete()


@transaction.atomic
def changed_links(instance: models.Model, *, by: User | None, name: str, before: list[str], after: list[str]) -> None:
    """Write down a change of what an object is tied to (members, dependencies, steps), if it is one."""
    if before != after:
        record(by=by, action="changed", on=instance, before={name: before}, after={name: after})
