"""``manage.py up``: all of Muster on this machine, until Ctrl-C."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from incidents_site.embedded import EmbeddedError
from incidents_site.supervisor import StartError, Supervisor


class Command(BaseCommand):
    """Start everything and stay; see ``incidents_site.supervisor``."""

    help = "Runs all of Muster: embedded services if needed, migrations, web, Celery worker, beat and pager."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal asks us to stop."""
        try:
            Supervisor(settings.MUSTER, self._say).run()
        except (StartError, EmbeddedError) as error:
            sys.exit(f"Muster cannot start: {error}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
