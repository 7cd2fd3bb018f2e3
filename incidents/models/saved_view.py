"""A way of looking at the list that somebody wants to keep."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import User


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Reads of saved views."""

    def visible_to(self, user: User) -> SavedViewQuerySet:
        """One's own; nobody else's, whatever one's role."""
        return self.filter(user=user)


class SavedView(models.Model):
    """The list's query string (tab, filters and order, never a page's cursor) under a name of its owner's."""

    user = models.ForeignKey(User, models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=("user", "name"), name="incidents_view_name_once"),)

    def __str__(self) -> str:
        return self.name
