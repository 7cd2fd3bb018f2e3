from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('notifications', '0002_drills'),
    ]

    operations = [
        migrations.AddField(
            model_name='notification',
            name='attachment',
            field=models.TextField(blank=True, db_default='', default='', editable=False, help_text='iCalendar that an e-mail carries.'),
        ),
    ]
