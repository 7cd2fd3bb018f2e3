"""App configuration."""

from django.apps import AppConfig


class FollowupsConfig(AppConfig):
    """What incidents left to do, until it is done."""

    name = "followups"
    verbose_name = "Follow-ups"
