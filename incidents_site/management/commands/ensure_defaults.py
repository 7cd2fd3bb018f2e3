"""``manage.py ensure_defaults``: reference data that a fresh installation needs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from incidents import policy


class Command(BaseCommand):
    """Writes the severity policy and the incident settings where they are missing; changes nothing else."""

    help = "Write the default severity policy and settings where they are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Safe to run at every start."""
        policy.ensure_defaults()
