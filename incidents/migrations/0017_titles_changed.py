from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0016_follow_ups_in_order'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='timelineentry',
            index=models.Index(condition=models.Q(('kind', 'details_changed')), fields=['at'], name='incidents_renamed'),
        ),
    ]
