"""The oldest open incident is found by an index; a page whose topic is not exactly an incident's stops nobody."""

from django.db import migrations, models
from django.db.models import Q

FORWARD = """
CREATE OR REPLACE FUNCTION metrics_stale_page() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    topic text := CASE WHEN TG_OP = 'DELETE' THEN OLD.topic ELSE NEW.topic END;
BEGIN
    INSERT INTO metrics_stale (incident_id) SELECT substr(topic, 10)::bigint WHERE topic ~ '^incident/[0-9]{1,18}$';
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0004_reading")]

    operations = [
        migrations.AddIndex(
            model_name="fact",
            index=models.Index(fields=["created_at"], condition=Q(("is_open", True)), name="metrics_fact_open"),
        ),
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
    ]
