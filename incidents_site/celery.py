"""The Celery application: it wakes the sweeps quickly and knows nothing that PostgreSQL does not know better."""

from __future__ import annotations

import os
import warnings

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning
from celery.platforms import SecurityWarning

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")

# Celery warns of running as root, because its pickled messages could run code. Ours are JSON and name a sweep.
warnings.filterwarnings("ignore", category=SecurityWarning)
# Each lost connection to the broker would print ten lines about an option that does not concern us: our tasks may
# run to their end, and running them again is harmless.
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)

app = Celery("muster")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
