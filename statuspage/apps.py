"""App configuration."""

from django.apps import AppConfig


class StatuspageConfig(AppConfig):
    """What the public is told."""

    name = "statuspage"
