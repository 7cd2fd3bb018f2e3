from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0023_next_update_clock'),
    ]

    operations = [
        migrations.AddField(
            model_name='statusupdate',
            name='is_postmortem',
            field=models.BooleanField(db_default=False, default=False, help_text='The public version of a postmortem, which is changed there.'),
        ),
    ]
