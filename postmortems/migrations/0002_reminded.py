from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('postmortems', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='postmortem',
            name='reminded_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='When its owner was last reminded of its date.', null=True),
        ),
    ]
