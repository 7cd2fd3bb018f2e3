"""``manage.py ensure_defaults``: reference data that a fresh installation needs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from incidents import policy, wordings
from postmortems import factors
from runbooks import starter


class Command(BaseCommand):
    """Writes the severity policy, the incident settings, words for status updates, the starter runbooks and the
    contributing factors where they are missing; what a person has changed stays."""

    help = "Write the default severity policy, settings, words for updates, runbooks and factors where missing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Safe to run at every start."""
        policy.ensure_defaults()
        wordings.ensure_defaults()
        factors.ensure_defaults()
        starter.load(now=timezone.now())
