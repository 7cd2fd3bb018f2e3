"""What a bench works with: two responders with e-mail, a policy, a service, and an integration of each format.

Prints ``name=value`` lines: the routing keys and an API token.
"""

from __future__ import annotations

import os
import secrets

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from accounts import tokens  # noqa: E402
from accounts.models import User  # noqa: E402
from alerts.models import Integration  # noqa: E402
from catalog.models import Service  # noqa: E402
from core.digests import digest_of  # noqa: E402
from notifications.models import ContactMethod  # noqa: E402
from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget  # noqa: E402


def person(username: str, role: str) -> User:
    """Somebody with a confirmed e-mail address."""
    user = User.objects.create_user(username, email=f"{username}@example.com", role=role)
    ContactMethod.objects.create(user=user, kind="email", address=user.email, verified_at=timezone.now())
    return user


def main() -> None:
    """Write the rows and print the keys."""
    admin, alice = person("root", "admin"), person("alice", "responder")
    policy = EscalationPolicy.objects.create(name="Platform on-call", repeat=0, repeat_after_minutes=60)
    step = EscalationStep.objects.create(policy=policy, position=0, delay_minutes=0)
    EscalationTarget.objects.create(step=step, kind="user", user=alice)
    service = Service.objects.create(slug="platform", name="Platform", escalation_policy=policy)
    for format in Integration.Format.values:
        key = secrets.token_urlsafe(24)
        Integration.objects.create(
            name=f"Bench {format}",
            format=format,
            service=service,
            default_severity="critical",
            key_digest=digest_of(key),
            key_prefix=key[:6],
        )
        print(f"{format}={key}")
    print(f"token={tokens.create(admin, name='bench', scope='admin', by=None)[1]}")


if __name__ == "__main__":
    main()
