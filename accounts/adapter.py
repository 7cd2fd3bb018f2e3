"""How allauth behaves in Muster: nobody signs up by themselves, and nobody loses what they wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit, kept

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

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Where nothing else was asked for: to what was written and not sent, if there is something."""
        forms = kept.waiting(request.session, now=timezone.now())
        if forms:
            return reverse("accounts:kept", args=[forms[-1].key])
        url: str = super().get_login_redirect_url(request)
        return url

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False
