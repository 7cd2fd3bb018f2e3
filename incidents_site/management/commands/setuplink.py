"""``manage.py setuplink``: the one-time link that creates the first admin."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from accounts import people
from accounts.models import User


class Command(BaseCommand):
    """Prints the link while there is no admin; it works once and for a day."""

    help = "Print the one-time link that creates the first admin."

    def handle(self, *args: Any, **options: Any) -> None:
        """Says so when it is not needed any more."""
        if User.objects.admins().exists():
            self.stderr.write("There is an admin already; ask them for an account.")
            return
        path = reverse("accounts:setup", args=[people.setup_token()])
        self.stdout.write(f"Create the first admin: {settings.MUSTER.base_url}{path}")
