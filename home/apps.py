"""Pages across the apps: my work, search everywhere, first steps. Owns no tables."""

from django.apps import AppConfig


class HomeConfig(AppConfig):
    """The room above everything that a person works with."""

    name = "home"
