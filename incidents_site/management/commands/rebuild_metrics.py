"""``manage.py rebuild_metrics``: make the figures' facts and sums anew from what the database holds."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand

from incidents.models import Incident
from metrics import catching_up


class Command(BaseCommand):
    """Nothing stops meanwhile; pages show what there was until it is done."""

    help = "Make the facts and sums that the metrics pages read anew."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Do it, and say how far it is."""
        started, last = time.monotonic(), Incident.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        catching_up.rebuild(report=lambda done: self.stderr.write(f"INC-{done} of INC-{last}"))
        self.stdout.write(f"Done in {time.monotonic() - started:.1f} s.")
