"""A page that loses its person loses its interruption; private pages are found by an index of their own."""

from django.db import migrations, models
from django.db.models import Q

FORWARD = """
CREATE TRIGGER metrics_stale_person AFTER UPDATE OF user_id ON notifications_notification FOR EACH ROW
WHEN (OLD.user_id IS DISTINCT FROM NEW.user_id AND OLD.purpose = 'page' AND OLD.state IN ('sent', 'kept')
    AND OLD.topic LIKE 'incident/%')
EXECUTE FUNCTION metrics_stale_page();
"""
BACKWARD = "DROP TRIGGER metrics_stale_person ON notifications_notification;"


class Migration(migrations.Migration):
    dependencies = [("metrics", "0002_stale")]

    operations = [
        migrations.AddIndex(
            model_name="interruption",
            index=models.Index(
                fields=["local_hour"], condition=Q(("is_private", True)), name="metrics_interruptions_private"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
