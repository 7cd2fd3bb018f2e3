"""Status updates and action items, and their entries of the timeline."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('incidents', '0002_search'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ActionItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=255)),
                ('due_on', models.DateField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('done_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='StatusUpdate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('investigating', 'Investigating'), ('identified', 'Identified'), ('monitoring', 'Monitoring'), ('resolved', 'Resolved'), ('postmortem', 'Postmortem')], max_length=20)),
                ('visibility', models.CharField(choices=[('internal', 'Internal'), ('external', 'External')], default='internal', max_length=10)),
                ('message', models.TextField(help_text='Markdown.')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'ordering': ('at', 'id'),
            },
        ),
        migrations.AlterField(
            model_name='timelineentry',
            name='kind',
            field=models.CharField(choices=[('triggered', 'Triggered'), ('acknowledged', 'Acknowledged'), ('moved', 'Moved'), ('resolved', 'Resolved'), ('reopened', 'Reopened'), ('postmortem_started', 'Postmortem started'), ('assigned', 'Assigned'), ('severity_changed', 'Severity changed'), ('services_changed', 'Services changed'), ('details_changed', 'Details changed'), ('noted', 'Noted'), ('evidence_linked', 'Evidence linked'), ('mitigated', 'Mitigated'), ('paged', 'Paged'), ('page_failed', 'Page failed'), ('nobody_reached', 'Nobody reached'), ('exhausted', 'Policy exhausted'), ('notified', 'Notified'), ('clock_warned', 'Clock warned'), ('clock_breached', 'Clock breached'), ('alert_added', 'Alert added'), ('alert_resolved', 'Alert resolved'), ('status_updated', 'Status updated'), ('action_added', 'Action item added'), ('action_changed', 'Action item changed'), ('action_done', 'Action item done'), ('action_reopened', 'Action item reopened')], max_length=30),
        ),
        migrations.AddField(
            model_name='actionitem',
            name='created_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='actionitem',
            name='done_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='actionitem',
            name='incident',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='action_items', to='incidents.incident'),
        ),
        migrations.AddField(
            model_name='actionitem',
            name='owner',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='action_items', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='statusupdate',
            name='by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='statusupdate',
            name='incident',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='status_updates', to='incidents.incident'),
        ),
        migrations.AddIndex(
            model_name='actionitem',
            index=models.Index(fields=['incident', 'id'], name='incidents_actions'),
        ),
        migrations.AddIndex(
            model_name='actionitem',
            index=models.Index(condition=models.Q(('done_at', None)), fields=['owner', 'due_on', 'id'], name='incidents_actions_undone'),
        ),
        migrations.AddIndex(
            model_name='statusupdate',
            index=models.Index(fields=['incident', 'at', 'id'], name='incidents_updates'),
        ),
        migrations.AddConstraint(
            model_name='statusupdate',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['investigating', 'identified', 'monitoring', 'resolved', 'postmortem'])), name='incidents_update_status_known'),
        ),
        migrations.AddConstraint(
            model_name='statusupdate',
            constraint=models.CheckConstraint(condition=models.Q(('visibility__in', ['internal', 'external'])), name='incidents_update_visibility_known'),
        ),
    ]
