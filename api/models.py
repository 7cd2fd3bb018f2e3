"""What the API itself must remember: answers to requests that may be repeated."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import User


class IdempotencyKey(models.Model):
    """The answer to a POST that carried an Idempotency-Key; repeating the request within a day repeats the answer."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="api_idempotency_key_once"),)

    def __str__(self) -> str:
        return self.key
