"""Who is concerned by a private incident, as a function of the database.

As subqueries the same is true, but PostgreSQL reckons with asking them for every row, although only a few are private:
it then avoids reading along the indexes that a list needs, and plans each statement several times longer.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ('accounts', '0001_initial'),
        ('catalog', '0001_initial'),
        ('incidents', '0005_list_orders'),
        ('notifications', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(
            """
            CREATE FUNCTION incidents_concerns(who bigint, what bigint) RETURNS boolean
            LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10 AS $$
            BEGIN
                RETURN EXISTS (
                    SELECT FROM notifications_notification WHERE topic = 'incident/' || what AND user_id = who
                ) OR EXISTS (
                    SELECT FROM incidents_affectedservice AS link
                    JOIN catalog_service AS service ON service.id = link.service_id
                    JOIN accounts_membership AS membership ON membership.team_id = service.team_id
                    WHERE link.incident_id = what AND membership.user_id = who
                );
            END $$
            """,
            "DROP FUNCTION incidents_concerns(bigint, bigint)",
        ),
    ]
