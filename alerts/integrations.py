"""Integrations: made, changed, and given a new key. The key exists only in the answer that creates it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from alerts.models import Integration
from core.digests import digest_of

if TYPE_CHECKING:
    from accounts.models import User
    from catalog.models import Service

KEY_BYTES = 24
PREFIX_LENGTH = 6
EDITABLE = ("name", "service", "default_severity", "is_enabled")


@transaction.atomic
def create(
    *, name: str, format: str, service: Service | None, by: User | None, **fields: Any
) -> tuple[Integration, str]:
    """A new integration and its routing key, which cannot be shown again. Raises ValidationError."""
    integration = Integration(name=name, format=format, service=service, **fields)
    key = _give_key(integration)
    return audit.save(integration, by=by), key


@transaction.atomic
def update(integration: Integration, *, by: User | None, **changes: Any) -> Integration:
    """Change what ``EDITABLE`` names; the format stays, as the sender's address says it. Raises ValidationError."""
    unknown = changes.keys() - set(EDITABLE)
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, "This cannot be edited."))
    integration = Integration.objects.select_for_update().get(pk=integration.pk)
    for name, value in changes.items():
        setattr(integration, name, value)
    return audit.save(integration, by=by)


@transaction.atomic
def rotate_key(integration: Integration, *, by: User | None) -> tuple[Integration, str]:
    """Replace the routing key; the old one stops working at once. Returns the new one, which is shown once."""
    integration = Integration.objects.select_for_update().get(pk=integration.pk)
    key = _give_key(integration)
    return audit.save(integration, by=by), key


def _give_key(integration: Integration) -> str:
    key = secrets.token_urlsafe(KEY_BYTES)
    integration.key_digest = digest_of(key)
    integration.key_prefix = key[:PREFIX_LENGTH]
    return key
