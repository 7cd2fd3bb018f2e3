"""The people of Finchlight, and the three of them who may sign in."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from accounts.models import Role, User
from incidents_site.config import write_private
from notifications.models import ContactMethod

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime
    from pathlib import Path

DOMAIN = "finchlight.example"
PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works at Finchlight. ``team`` is a slug; ``runs`` says whether they manage it. Who
    is not ``is_reachable`` has added no contact method yet, as somebody always has not."""

    username: str
    name: str
    role: Role
    team: str
    time_zone: str
    runs: bool = False
    is_reachable: bool = True


PEOPLE = (
    Person("alex", "Alex Moreau", Role.ADMIN, "platform", "Europe/Paris", runs=True),
    Person("priya", "Priya Nair", Role.RESPONDER, "search-ai", "Asia/Kolkata"),
    Person("dana", "Dana Whitfield", Role.VIEWER, "leadership", "America/New_York"),
    Person("ben", "Ben Hughes", Role.RESPONDER, "platform", "Europe/London"),
    Person("tomo", "Tomo Kato", Role.RESPONDER, "platform", "Asia/Tokyo"),
    Person("noor", "Noor Haddad", Role.RESPONDER, "search-ai", "Asia/Dubai"),
    Person("lena", "Lena Fischer", Role.MANAGER, "search-ai", "Europe/Berlin", runs=True),
    Person("sam", "Sam Okafor", Role.RESPONDER, "data", "Africa/Lagos"),
    Person("jonas", "Jonas Weber", Role.RESPONDER, "data", "Europe/Vienna"),
    Person("ines", "Inês Costa", Role.MANAGER, "data", "Europe/Lisbon", runs=True),
    Person("kofi", "Kofi Mensah", Role.RESPONDER, "product", "Africa/Accra"),
    Person("ana", "Ana Ruiz", Role.RESPONDER, "product", "America/Mexico_City"),
    Person("maya", "Maya Lindqvist", Role.MANAGER, "product", "Europe/Stockholm", runs=True),
    Person("theo", "Theo Brandt", Role.RESPONDER, "data", "Europe/Berlin", is_reachable=False),
    Person("omar", "Omar Said", Role.MANAGER, "leadership", "Europe/London", runs=True),
    Person("rosa", "Rosa Jimenez", Role.VIEWER, "leadership", "America/Los_Angeles"),
)
MAY_SIGN_IN = ("alex", "priya", "dana")  # the admin, a responder, a leader: the order in which they are printed


def free(name: str, taken: Container[str]) -> str:
    """The name, or the name with ``-demo`` where somebody real has it already."""
    return f"{name}-demo" if name in taken else name


def load(*, now: datetime) -> dict[str, User]:
    """Create everybody, almost all reachable by e-mail; returns them by the usernames of ``PEOPLE``."""
    wanted = [person.username for person in PEOPLE]
    taken = set(User.objects.filter(username__in=wanted).values_list("username", flat=True))
    users = {}
    for person in PEOPLE:
        user = User(
            username=free(person.username, taken),
            name=person.name,
            email=f"{person.username}@{DOMAIN}",
            role=person.role,
            time_zone=person.time_zone,
            is_demo=True,
        )
        user.set_unusable_password()
        users[person.username] = user
    User.objects.bulk_create(users.values())
    ContactMethod.objects.bulk_create(
        ContactMethod(user=user, kind=ContactMethod.Kind.EMAIL, address=user.email, verified_at=now)
        for user, person in zip(users.values(), PEOPLE, strict=True)
        if person.is_reachable
    )
    return users


def logins_file() -> Path:
    """Where the passwords of this installation's demo people are kept, readable by its owner only."""
    return settings.MUSTER.data_dir / "demo-logins.json"


def give_passwords() -> list[tuple[str, str]]:
    """Give everybody who may sign in a new random password, and keep them readable; returns (username, password)."""
    addresses = [f"{username}@{DOMAIN}" for username in MAY_SIGN_IN]
    with transaction.atomic():
        users = {user.email: user for user in User.objects.active().filter(is_demo=True, email__in=addresses)}
        chosen = [(users[address], secrets.token_urlsafe(PASSWORD_BYTES)) for address in addresses if address in users]
        for user, password in chosen:
            user.set_password(password)
            user.save(update_fields=["password", "updated_at"])
        logins = [(user.username, password) for user, password in chosen]
        kept = [{"username": username, "password": password} for username, password in logins]
        write_private(logins_file(), json.dumps(kept, indent=2) + "\n")
    return logins


def logins() -> list[tuple[str, str]]:
    """(username, password) of the demo people who may sign in, in order; new passwords where the file is lost."""
    usernames = set(User.objects.active().filter(is_demo=True).values_list("username", flat=True))
    if not usernames:
        return []
    try:
        kept = [(each["username"], each["password"]) for each in json.loads(logins_file().read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError):
        return give_passwords()
    return [(username, password) for username, password in kept if username in usernames]
