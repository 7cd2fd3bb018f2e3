"""Facts are found by service, team and contributing factor; series are stored as they are, which is quicker to read."""

import django.contrib.postgres.indexes
from django.db import migrations

STORED = "ALTER TABLE metrics_series ALTER COLUMN values SET STORAGE {}"


class Migration(migrations.Migration):
    dependencies = [("metrics", "0003_whose_pages")]

    operations = [
        *(
            migrations.AddIndex(
                model_name="fact",
                index=django.contrib.postgres.indexes.GinIndex(fields=[f"{kind}_ids"], name=f"metrics_fact_{kind}s"),
            )
            for kind in ("service", "team", "factor")
        ),
        migrations.RunSQL(STORED.format("EXTERNAL"), STORED.format("EXTENDED")),
    ]
