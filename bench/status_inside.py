"""A public page with twelve components, an open incident and a past, rendered; it is the default one."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from statuspage import publishing, rendering  # noqa: E402
from tests import make  # noqa: E402

COMPONENTS = 12


def main() -> None:
    """Write the rows and the documents."""
    now = timezone.now()
    services = [make.service(f"part{number}", name=f"Part {number}") for number in range(COMPONENTS)]
    make.status_page("acme", *services, at=now, name="Acme status")
    incident = make.incident(title="Secret", services=services[:2], severity="high", at=now)
    make.status_update(incident, "We are on it.", title="Checkout is slow", visibility="external", at=now)
    publishing.publish_missing(now=now)
    rendering.render_due(now=timezone.now())


if __name__ == "__main__":
    main()
