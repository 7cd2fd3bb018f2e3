"""A page of some size: ``slug components past``. Prints the incident that is to be told of."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from incidents.models import StatusUpdate  # noqa: E402
from statuspage import publishing  # noqa: E402
from tests import make  # noqa: E402

EXTERNAL = StatusUpdate.Visibility.EXTERNAL


def main() -> None:
    """Write the rows."""
    slug, components, past = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    now = timezone.now()
    services = [make.service(f"{slug}{number}") for number in range(components)]
    make.status_page(slug, *services, at=now)
    for number in range(past):
        at = now - timedelta(hours=14 * (number + 1))
        incident = make.incident(services=services[number % components :][:2], severity="low", at=at)
        for step, status in enumerate(("investigating", "identified", "resolved")):
            said = {"title": f"Matter {number}", "visibility": EXTERNAL, "status": status}
            make.status_update(incident, "So it is.", at=at + step * timedelta(minutes=9), **said)
    while publishing.publish_missing(now=now):
        pass
    print(make.incident(services=services[:2], severity="low", at=now).reference)


if __name__ == "__main__":
    main()
