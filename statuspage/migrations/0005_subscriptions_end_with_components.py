from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("statuspage", "0004_announced_and_exported"),
    ]

    operations = [
        migrations.AlterField(
            model_name="subscriber",
            name="ended_why",
            field=models.CharField(
                blank=True,
                choices=[
                    ("left", "Unsubscribed"),
                    ("bounced", "Address does not exist"),
                    ("gone", "Endpoint is gone"),
                    ("removed", "Removed by an admin"),
                    ("unlisted", "What they chose is no longer on the page"),
                ],
                max_length=10,
            ),
        ),
    ]
