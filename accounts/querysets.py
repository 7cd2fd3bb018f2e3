"""Reads of people, teams and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.db import models

if TYPE_CHECKING:
    from accounts.models import ApiToken, AuditEntry, Team, User  # noqa: F401 - named in strings


class UserManager(BaseUserManager["User"]):
    """Makes users and answers the questions that other rooms ask about people."""

    def create_user(self, username: str, *, email: str = "", password: str | None = None, **fields: Any) -> User:
        """A user with a usable password, or with none that would ever match when it is not given."""
        user = self.model(username=username, email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, **fields: Any) -> User:
        """Django's name for creating an admin."""
        return self.create_user(username, **{**fields, "role": "admin"})

    def active(self) -> models.QuerySet[User]:
        """People who may sign in and be paged."""
        return self.filter(is_active=True)

    def admins(self) -> models.QuerySet[User]:
        """Everybody who is told when nobody else can be."""
        return self.active().filter(role="admin")

    def visible_to(self, user: User) -> models.QuerySet[User]:
        """Colleagues see each other."""
        return self.all()


class TeamQuerySet(models.QuerySet["Team"]):
    """Reads of teams."""

    def visible_to(self, user: User) -> TeamQuerySet:
        """Every signed-in person sees every team."""
        return self

    def managed_by(self, user: User) -> TeamQuerySet:
        """Teams whose configuration the person may change."""
        if user.is_active and user.role in {"manager", "admin"}:
            return self
        return self.filter(memberships__user=user, memberships__is_manager=True)

    def for_list(self) -> TeamQuerySet:
        """With the people; two queries, whatever the number of rows."""
        return self.prefetch_related("memberships__user").order_by("name", "slug")


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Reads of API tokens."""

    def visible_to(self, user: User) -> ApiTokenQuerySet:
        """One's own tokens; admins see all."""
        return self if user.is_staff else self.filter(user=user)


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    """Reads of the audit log."""

    def visible_to(self, user: User) -> AuditEntryQuerySet:
        """Admins only."""
        return self if user.is_staff else self.none()
