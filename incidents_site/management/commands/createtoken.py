"""``manage.py createtoken USER --scope read|write|admin``: an API token on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from accounts import tokens
from accounts.models import Scope, User

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Prints one token and nothing else, so that a script can keep it in a variable."""

    help = "Create an API token for a user and print it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who it is for, and what it may do."""
        parser.add_argument("username")
        parser.add_argument("--scope", choices=Scope.values, default=Scope.READ)
        parser.add_argument("--name", default="command line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for an unknown or inactive user."""
        user = User.objects.active().filter(username=options["username"]).first()
        if user is None:
            known = ", ".join(User.objects.active().values_list("username", flat=True)[:20])
            raise CommandError(f"There is no active user {options['username']!r}. Known: {known or 'nobody yet'}.")
        _, secret = tokens.create(user, name=options["name"], scope=options["scope"], by=None)
        self.stdout.write(secret)
