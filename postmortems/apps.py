"""App configuration."""

from django.apps import AppConfig


class PostmortemsConfig(AppConfig):
    """What was learned from an incident."""

    name = "postmortems"
