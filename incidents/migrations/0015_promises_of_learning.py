"""Policies that were there before get what a new installation has, where an admin cannot have decided yet."""

from django.db import migrations

DAYS = {"critical": (5, 14), "high": (10, 30), "medium": (None, 60), "low": (None, 90)}


def fill(apps, schema_editor):
    policies = apps.get_model("incidents", "SeverityPolicy").objects
    for severity, (write_within, follow_within) in DAYS.items():
        policies.filter(severity=severity).update(
            needs_postmortem=write_within is not None,
            postmortem_within_days=write_within,
            follow_up_within_days=follow_within,
        )


class Migration(migrations.Migration):
    dependencies = [("incidents", "0014_follow_ups")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
