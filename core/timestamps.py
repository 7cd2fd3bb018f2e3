"""The one abstract model: when a row was made and last changed."""

from django.db import models


class Timestamped(models.Model):
    """Aware UTC times kept by Django on save; bulk updates set ``updated_at`` themselves."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
