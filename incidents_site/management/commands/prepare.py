"""``manage.py prepare``: everything that a new version needs before it serves, in one start."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from incidents_site import static_files


class Command(BaseCommand):
    """Safe to repeat; with nothing to do it takes a few seconds."""

    help = "Bring the tables, the default policies and the static files up to date."

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrations first: the defaults are rows."""
        call_command("migrate", interactive=False, verbosity=0)
        call_command("ensure_defaults")
        static_files.collect()
