"""``manage.py demo load|remove|logins``: a made-up company to look at, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from incidents_site.demo import loading, people, removal

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Safe to repeat, all three."""

    help = "Load demo data (load), take it away again (remove), or print its passwords (logins)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do."""
        parser.add_argument("action", choices=("load", "remove", "logins"))

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where demo data does not belong."""
        {"load": self._load, "remove": self._remove, "logins": self._logins}[options["action"]]()

    def _load(self) -> None:
        if not settings.MUSTER.demo:
            raise CommandError(
                "Demo data is for the embedded database only: leave DATABASE_URL and MUSTER_DEMO=0 away to load it."
            )
        count = loading.load(now=timezone.now())
        if count is None:
            self.stdout.write("The demo data is there already; manage.py demo remove takes it away.")
        else:
            self.stdout.write(f"Loaded {count} demo incidents; manage.py demo remove takes everything away again.")

    def _remove(self) -> None:
        kept = [page.name for page in removal.pages_in_use()]
        removed = removal.remove(now=timezone.now())
        if not removed:
            self.stdout.write("There is no demo data.")
            return
        self.stdout.write("Removed the demo data:")
        for name, count in removed.items():
            self.stdout.write(f"{count:>7,} {name}")
        for name in kept:
            self.stdout.write(f"The status page “{name}” stays: something real is on it. It is yours now.")
        if not User.objects.admins().exists():
            self.stdout.write("No admin is left; manage.py setuplink prints the link that creates the first.")

    def _logins(self) -> None:
        for username, password in people.logins():
            self.stdout.write(f"login: {username} / {password}")
