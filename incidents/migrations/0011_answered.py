"""What an answered incident waits for: the end of a snooze, and the moment at which nobody has done anything for long."""

import django.core.validators
from django.conf import settings
from django.db import migrations, models

REMIND_AFTER = {"critical": 30, "high": 60}


def remind(apps, schema_editor):
    """Policies from before the column begin with its defaults, as new ones do."""
    for severity, minutes in REMIND_AFTER.items():
        apps.get_model("incidents", "SeverityPolicy").objects.filter(severity=severity).update(
            remind_after_minutes=minutes
        )


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0001_initial'),
        ('incidents', '0010_last_resort_protected'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='incident',
            name='quiet_due_at',
            field=models.DateTimeField(blank=True, help_text='When Muster looks whether anything has been done since it was answered.', null=True),
        ),
        migrations.AddField(
            model_name='incident',
            name='reminded_at',
            field=models.DateTimeField(blank=True, help_text='When somebody was asked whether they are still on it, and has yet to answer.', null=True),
        ),
        migrations.AddField(
            model_name='incident',
            name='snoozed_until',
            field=models.DateTimeField(blank=True, help_text='Nobody is paged or reminded until then; then it asks for an answer again.', null=True),
        ),
        migrations.AddField(
            model_name='severitypolicy',
            name='remind_after_minutes',
            field=models.PositiveIntegerField(blank=True, help_text='Answered, and nobody has done anything for this long: remind the assignee, then page further. Empty: never.', null=True, validators=[django.core.validators.MinValueValidator(1)]),
        ),
        migrations.RunPython(remind, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='timelineentry',
            name='kind',
            field=models.CharField(choices=[('triggered', 'Triggered'), ('acknowledged', 'Acknowledged'), ('moved', 'Moved'), ('unacknowledged', 'Given back'), ('snoozed', 'Snoozed'), ('woken', 'Woken'), ('resolved', 'Resolved'), ('reopened', 'Reopened'), ('postmortem_started', 'Postmortem started'), ('assigned', 'Assigned'), ('severity_changed', 'Severity changed'), ('services_changed', 'Services changed'), ('details_changed', 'Details changed'), ('noted', 'Noted'), ('evidence_linked', 'Evidence linked'), ('mitigated', 'Mitigated'), ('paged', 'Paged'), ('page_failed', 'Page failed'), ('nobody_reached', 'Nobody reached'), ('exhausted', 'Policy exhausted'), ('escalated', 'Paged further'), ('reminded', 'Reminded'), ('notified', 'Notified'), ('clock_warned', 'Clock warned'), ('clock_breached', 'Clock breached'), ('alert_added', 'Alert added'), ('alert_resolved', 'Alert resolved'), ('status_updated', 'Status updated'), ('action_added', 'Action item added'), ('action_changed', 'Action item changed'), ('action_done', 'Action item done'), ('action_reopened', 'Action item reopened')], max_length=30),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(condition=models.Q(('snoozed_until__isnull', False)), fields=['snoozed_until', 'id'], name='incidents_snooze_due'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(condition=models.Q(('quiet_due_at__isnull', False)), fields=['quiet_due_at', 'id'], name='incidents_quiet_due'),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('quiet_due_at', None), ('snoozed_until', None)), ('status__in', ('acknowledged', 'investigating', 'mitigating')), _connector='OR'), name='incidents_only_answered_waits'),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.CheckConstraint(condition=models.Q(('snoozed_until', None), ('quiet_due_at', None), _connector='OR'), name='incidents_snoozed_is_not_reminded_of'),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.CheckConstraint(condition=models.Q(('reminded_at', None), ('quiet_due_at__isnull', False), _connector='OR'), name='incidents_reminded_has_due_time'),
        ),
    ]
