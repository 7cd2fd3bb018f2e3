"""What the bench of subscribers works with, made inside a running installation.

``python -m bench.subscribers_inside N`` makes N readers, and prints the incident that is told of; ``send LEASE`` sends
for ever, under leases of so many seconds.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from catalog.models import Service  # noqa: E402
from core.work import db_now  # noqa: E402
from incidents import lifecycle  # noqa: E402
from incidents.lifecycle import Draft  # noqa: E402
from statuspage import components, delivering, pages  # noqa: E402

# Every tenth wants one component alone, of two; half of those, the one that the incident is about.
_READERS = """
    INSERT INTO statuspage_subscriber
        (page_id, kind, address, token, signing_secret, created_at, confirmed_at, ended_why, failures)
    SELECT %s, 'email', 'reader' || n || '@example.com', md5(n::text) || md5((-n)::text), '', now(), now(), '', 0
    FROM generate_series(1, %s) n
"""
_WISHES = """
    INSERT INTO statuspage_subscriber_components (subscriber_id, component_id)
    SELECT id, CASE WHEN id %% 20 = 0 THEN %s ELSE %s END FROM statuspage_subscriber WHERE id %% 10 = 0
"""


def main(count: int) -> None:
    """Write the rows; ``told`` is how many readers one update of the incident is for."""
    service, now = Service.objects.get(slug="platform"), timezone.now()
    page = pages.create(slug="bench", name="Bench status", by=None, now=now)
    parts = [
        components.add_component(page, name=name, services=services, since=now.date(), by=None, now=now)
        for name, services in (("Shop", [service]), ("Search", []))
    ]
    incident = lifecycle.declare(Draft(title="Shop is slow", severity="low", services=[service]), now=now)
    with connection.cursor() as cursor:
        cursor.execute(_READERS, [page.pk, count])
        cursor.execute(_WISHES, [part.pk for part in parts])
        cursor.execute("ANALYZE statuspage_subscriber")
        cursor.execute("SELECT count(*) FROM statuspage_subscriber_components WHERE component_id = %s", [parts[1].pk])
        (others,) = cursor.fetchone()
    print(f"incident={incident.reference}")
    print(f"told={count - others}")


def send(lease: float) -> None:
    """What the pager's thread does, until it is killed."""
    delivering.LEASE, delivering.SLOWEST_SEND_SECONDS = timedelta(seconds=lease), lease / 10
    while True:
        if not delivering.deliver_due(now=db_now()):
            time.sleep(0.1)


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(float(sys.argv[2]))
    else:
        main(int(sys.argv[1]))
