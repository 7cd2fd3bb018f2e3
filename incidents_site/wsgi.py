"""Django's pages as a WSGI application, for servers that run them apart from the event stream."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")

application = get_wsgi_application()
