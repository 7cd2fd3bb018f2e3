"""App configuration."""

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    """Figures that leadership can trust."""

    name = "metrics"
