"""API tokens: made, found and revoked. The token itself exists only in the answer that creates it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import ApiToken, Role, Scope
from core.digests import digest_of

if TYPE_CHECKING:
    from accounts.models import User

PREFIX = "mst_"
USED_RESOLUTION = timedelta(minutes=1)


@transaction.atomic
def create(
    user: User, *, name: str, scope: str, by: User | None, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new token and its secret text, which cannot be shown again. Raises ValidationError for a wrong scope."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        user=user, name=name, prefix=secret[:10], digest=digest_of(secret), scope=scope, expires_at=expires_at
    )
    return audit.save(token, by=by), secret


def find(secret: str, *, now: datetime | None = None) -> ApiToken | None:
    """The usable token with this secret. When it was used is written at most once a minute."""
    now = now or timezone.now()
    token = ApiToken.objects.select_related("user").filter(digest=digest_of(secret)).first()
    if token is None or not token.is_usable(now=now):
        return None
    if token.last_used_at is None or now - token.last_used_at >= USED_RESOLUTION:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


@transaction.atomic
def revoke(token: ApiToken, *, by: User | None, now: datetime | None = None) -> None:
    """End a token for good; its row stays, to say when it was last used."""
    if token.revoked_at is None:
        token.revoked_at = now or timezone.now()
        token.save(update_fields=["revoked_at"])
        audit.record(by=by, action="revoked", on=token)


def allows(token: ApiToken, role: Role) -> bool:
    """Rights are the token's scope and its owner's role, whichever is less. Write reaches what a manager may do."""
    if token.scope == Scope.READ and role != Role.VIEWER:
        return False
    if token.scope == Scope.WRITE and role == Role.ADMIN:
        return False
    return token.user.has_role(role)
