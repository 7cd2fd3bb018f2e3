"""How allauth behaves in Muster: nobody signs up by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction

from accounts import audit

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):
    """Admins make accounts; there is no public sign-up."""

    def set_password(self, user: User, password: str) -> None:
        """A changed password stands in the audit log, without the password."""
        with transaction.atomic():
            super().set_password(user, password)
            audit.record(by=user, action="changed the password of", on=user)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False
