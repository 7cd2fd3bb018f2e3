"""The site: settings, addresses, processes and commands around the apps."""

from incidents_site.celery import app as celery_app

__all__ = ["celery_app"]
