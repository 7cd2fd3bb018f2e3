"""Indexes for every order of the list, newest first within equal severities, statuses and assignees."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('catalog', '0001_initial'),
        ('incidents', '0004_saved_views'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='incident',
            name='incidents_by_severity',
        ),
        migrations.RemoveIndex(
            model_name='incident',
            name='incidents_by_status',
        ),
        migrations.RemoveIndex(
            model_name='incident',
            name='incidents_by_title',
        ),
        migrations.RemoveIndex(
            model_name='incident',
            name='incidents_by_assignee',
        ),
        migrations.RemoveIndex(
            model_name='incident',
            name='incidents_open',
        ),
        migrations.AlterField(
            model_name='affectedservice',
            name='incident',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='service_links', to='incidents.incident'),
        ),
        migrations.AlterField(
            model_name='incident',
            name='assignee',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='assigned_incidents', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='incident',
            name='merged_into',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='incidents.incident'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['severity_rank', '-created_at', '-id'], name='incidents_by_severity'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['status_rank', '-created_at', '-id'], name='incidents_by_status'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['title', '-id'], name='incidents_by_title'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['assignee', 'created_at', 'id'], name='incidents_by_assignee'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(condition=models.Q(('status__in', ('triggered', 'acknowledged', 'investigating', 'mitigating'))), fields=['created_at', 'id'], name='incidents_open'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(condition=models.Q(('merged_into__isnull', False)), fields=['merged_into'], name='incidents_merged'),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    'ALTER INDEX incidents_by_words SET (gin_pending_list_limit = 1024)',
                    'ALTER INDEX incidents_by_words RESET (gin_pending_list_limit)',
                ),
            ],
            state_operations=[
                migrations.RemoveIndex(
                    model_name='incident',
                    name='incidents_by_words',
                ),
                migrations.AddIndex(
                    model_name='incident',
                    index=django.contrib.postgres.indexes.GinIndex(fields=['document'], gin_pending_list_limit=1024, name='incidents_by_words'),
                ),
            ],
        ),
    ]
