"""People: users, teams, API tokens, and the audit log of what was configured by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.querysets import ApiTokenQuerySet, AuditEntryQuerySet, TeamQuerySet, UserManager
from core import time_zones
from core.timestamps import Timestamped

if TYPE_CHECKING:
    from datetime import datetime


class Role(models.TextChoices):
    """What a person may do on the whole site; each role includes the ones before it."""

    VIEWER = "viewer", "Viewer"
    RESPONDER = "responder", "Responder"
    MANAGER = "manager", "Manager"
    ADMIN = "admin", "Admin"

    @property
    def rank(self) -> int:
        """Position in the order viewer, responder, manager, admin."""
        return list(Role).index(self)


class User(AbstractBaseUser, Timestamped):
    """A person. The role alone decides site-wide rights; team managers also manage their team's configuration."""

    username = models.CharField(
        max_length=150,
        unique=True,
        validators=[UnicodeUsernameValidator()],
        error_messages={"unique": "Somebody has this username already."},
    )
    name = models.CharField(max_length=150, blank=True)
    email = models.EmailField(blank=True)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.RESPONDER)
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[time_zones.validate],
        help_text="IANA name, such as Europe/Berlin.",
    )
    is_active = models.BooleanField(default=True, help_text="Switch off instead of deleting.")
    is_demo = models.BooleanField(default=False, editable=False)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    objects = UserManager()

    class Meta:
        ordering = ("username",)
        constraints = (models.CheckConstraint(condition=Q(role__in=Role.values), name="accounts_user_role_known"),)

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        """The name people know; the username where none is set."""
        return str(self)

    @property
    def initials(self) -> str:
        """One or two letters for the avatar."""
        words = str(self).replace(".", " ").replace("_", " ").split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"

    def has_role(self, role: Role) -> bool:
        """Whether the person's role is ``role`` or a higher one."""
        return self.is_active and Role(self.role).rank >= role.rank

    @property
    def is_staff(self) -> bool:
        """Only admins enter Django admin."""
        return self.has_role(Role.ADMIN)

    @property
    def is_superuser(self) -> bool:
        """Django's name for an admin."""
        return self.has_role(Role.ADMIN)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Django admin asks this; the answer is the role."""
        return self.has_role(Role.ADMIN)

    def has_perms(self, perm_list: list[str], obj: object = None) -> bool:
        """Django admin asks this; the answer is the role."""
        return self.has_role(Role.ADMIN)

    def has_module_perms(self, app_label: str) -> bool:
        """Django admin asks this; the answer is the role."""
        return self.has_role(Role.ADMIN)

    def manages(self, team: Team | None) -> bool:
        """Whether the person may change what the team owns (services, policies, addresses, members)."""
        if self.has_role(Role.MANAGER):
            return True
        return team is not None and self.is_active and team.memberships.filter(user=self, is_manager=True).exists()


class Team(Timestamped):
    """People who own services together, and where their channel and their tickets are.

    An address is an e-mail address, ``https://…`` for a signed webhook, or ``slack+https://…`` for a
    Slack-compatible incoming webhook (Slack, Mattermost, Rocket.Chat, Discord's ``/slack`` form). Where none is
    set, messages go to the team's inbox page.
    """

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True)
    channel_address = models.CharField(max_length=500, blank=True)
    ticket_address = models.CharField(max_length=500, blank=True)
    signing_secret = models.CharField(max_length=200, blank=True, editable=False)
    members = models.ManyToManyField(User, through="Membership", related_name="teams", blank=True)
    is_demo = models.BooleanField(default=False, editable=False)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ("name", "slug")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person in a team; managers of the team may change what it owns."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    is_manager = models.BooleanField(default=False)

    class Meta:
        ordering = ("team", "user")
        constraints = (models.UniqueConstraint(fields=("team", "user"), name="accounts_membership_once"),)

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Scope(models.TextChoices):
    """What a token may do at most; the owner's role limits it further."""

    READ = "read", "Read"
    WRITE = "write", "Read and write"
    ADMIN = "admin", "Everything its owner may do"


class ApiToken(models.Model):
    """A bearer token of the API. Only its SHA-256 is stored; the token itself is shown once."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(
        max_length=16, editable=False, help_text="The token's first characters, to tell it apart."
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.READ)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "API token"
        constraints = (models.CheckConstraint(condition=Q(scope__in=Scope.values), name="accounts_token_scope_known"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_usable(self, *, now: datetime) -> bool:
        """Neither revoked nor expired, and its owner still active."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now) and self.user.is_active


class AuditEntry(models.Model):
    """One configuration or permission change. Append-only: a database trigger refuses UPDATE, DELETE and TRUNCATE.

    The actor's and the object's names are kept as text, so that the entry outlives both.
    """

    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(
        User, models.DO_NOTHING, null=True, blank=True, db_constraint=False, related_name="audit_entries"
    )
    actor_label = models.CharField(max_length=200)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=60)
    object_label = models.CharField(max_length=300)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "audit entries"
        indexes = (
            models.Index(fields=("object_type", "object_id", "-id"), name="accounts_audit_object"),
            models.Index(fields=("actor", "-id"), name="accounts_audit_actor"),
        )

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.object_type} {self.object_label}"

    def differences(self) -> list[tuple[str, str, str]]:
        """(field, before, after) of what was written down, in words for reading."""
        before, after = self.before or {}, self.after or {}
        return [(name, _words(before.get(name)), _words(after.get(name))) for name in {**before, **after}]


def _words(value: Any) -> str:
    if value is None or value == "":
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
