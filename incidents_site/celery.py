"""The Celery application: it wakes the sweeps quickly and knows nothing that PostgreSQL does not know better."""

from __future__ import annotations

import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")

# Celery warns of running as root, because its pickled messages could run code. Ours are JSON and name a sweep.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("muster")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
