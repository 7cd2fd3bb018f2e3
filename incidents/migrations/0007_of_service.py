"""The incidents of a service, and the services of an incident, from one index each."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('catalog', '0001_initial'),
        ('incidents', '0006_concerned'),
    ]

    operations = [
        migrations.AlterField(
            model_name='affectedservice',
            name='service',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='incident_links', to='catalog.service'),
        ),
        migrations.AddIndex(
            model_name='affectedservice',
            index=models.Index(fields=['service', 'incident'], name='incidents_of_service'),
        ),
    ]
