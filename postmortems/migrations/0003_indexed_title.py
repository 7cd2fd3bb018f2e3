from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('postmortems', '0002_reminded'),
    ]

    operations = [
        migrations.AddField(
            model_name='postmortem',
            name='indexed_title',
            field=models.CharField(blank=True, db_default='', editable=False, help_text="The incident's title whose words the document has.", max_length=255),
        ),
    ]
