"""The site as a Django app, so that its commands and tasks are found."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Composes the other apps; it has no tables."""

    name = "incidents_site"
    verbose_name = "Site"
