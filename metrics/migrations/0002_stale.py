"""Whatever changes what figures say of an incident is noted by the database itself, in the same transaction.

Whoever writes it, however: domain functions, Django admin, a statement by hand. Each trigger fires only for a change
that a figure depends on, and appends a row; nothing waits for another transaction there (ADR 0013).
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION metrics_stale_itself() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_stale (incident_id) VALUES (CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END);
    RETURN NULL;
END $$;
CREATE FUNCTION metrics_stale_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_stale (incident_id)
    VALUES (CASE WHEN TG_OP = 'DELETE' THEN OLD.incident_id ELSE NEW.incident_id END);
    RETURN NULL;
END $$;
CREATE FUNCTION metrics_stale_alert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO metrics_stale (incident_id) SELECT incident_id FROM alerts_group WHERE id = OLD.group_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO metrics_stale (incident_id) SELECT incident_id FROM alerts_group WHERE id = NEW.group_id;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION metrics_stale_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_stale (incident_id) VALUES (OLD.incident_id), (NEW.incident_id);
    RETURN NULL;
END $$;
CREATE FUNCTION metrics_stale_page() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_stale (incident_id) VALUES (
        substr(CASE WHEN TG_OP = 'DELETE' THEN OLD.topic ELSE NEW.topic END, 10)::bigint);
    RETURN NULL;
END $$;
CREATE FUNCTION metrics_stale_service() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_stale (incident_id)
    SELECT incident_id FROM incidents_affectedservice WHERE service_id = NEW.id;
    RETURN NULL;
END $$;
CREATE FUNCTION metrics_stale_cause() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_stale (incident_id) SELECT incident_id FROM postmortems_postmortem
    WHERE id = CASE WHEN TG_OP = 'DELETE' THEN OLD.postmortem_id ELSE NEW.postmortem_id END;
    RETURN NULL;
END $$;
CREATE FUNCTION metrics_stale_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_stale (incident_id)
    SELECT DISTINCT incident_id FROM metrics_interruption WHERE user_id = NEW.id;
    RETURN NULL;
END $$;
"""

_INCIDENT = (
    "created_at", "severity", "excluded_from_metrics", "merged_into_id", "is_private", "resolved_at", "acknowledged_at",
    "started_at",
)  # fmt: skip
_PAGE = "{0}.purpose = 'page' AND {0}.state IN ('sent', 'kept') AND {0}.topic LIKE 'incident/%'"
_IS_PAGE, _WAS_PAGE = _PAGE.format("NEW"), _PAGE.format("OLD")


def _changed(*columns: str) -> str:
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return f"({old}) IS DISTINCT FROM ({new})"


# Table, what calls, when, function.
TRIGGERS = [
    ("incidents_incident", "INSERT OR DELETE", "", "itself"),
    ("incidents_incident", "UPDATE", _changed(*_INCIDENT), "itself"),
    ("incidents_slaclock", "INSERT OR DELETE", "", "owner"),
    ("incidents_slaclock", "UPDATE", _changed("state", "kind", "incident_id"), "owner"),
    ("incidents_affectedservice", "INSERT OR DELETE", "", "owner"),
    ("incidents_actionitem", "INSERT OR DELETE", "", "owner"),
    ("incidents_actionitem", "UPDATE", _changed("done_at", "accepted_at", "due_on"), "owner"),
    ("postmortems_postmortem", "INSERT OR DELETE", "", "owner"),
    ("postmortems_postmortem", "UPDATE", _changed("first_published_at"), "owner"),
    ("postmortems_postmortem_factors", "INSERT OR DELETE", "", "cause"),
    ("alerts_alert", "INSERT OR DELETE", "", "alert"),
    ("alerts_alert", "UPDATE", _changed("group_id"), "alert"),
    ("alerts_group", "UPDATE", _changed("incident_id"), "group"),
    ("notifications_notification", "INSERT", _IS_PAGE, "page"),
    ("notifications_notification", "UPDATE", f"({_IS_PAGE}) IS DISTINCT FROM ({_WAS_PAGE})", "page"),
    ("notifications_notification", "DELETE", _WAS_PAGE, "page"),
    ("catalog_service", "UPDATE", _changed("team_id"), "service"),
    ("accounts_user", "UPDATE", _changed("time_zone"), "person"),
]


def _name(call: str) -> str:
    return f"metrics_stale_{call.split()[0].lower()}"


FORWARD = FUNCTIONS + "".join(
    f"CREATE TRIGGER {_name(call)} AFTER {call} ON {table} FOR EACH ROW "
    f"{f'WHEN ({when})' if when else ''} EXECUTE FUNCTION metrics_stale_{function}();\n"
    for table, call, when, function in TRIGGERS
)
BACKWARD = "".join(f"DROP TRIGGER {_name(call)} ON {table};\n" for table, call, _, _ in TRIGGERS) + "".join(
    f"DROP FUNCTION metrics_stale_{name}();\n"
    for name in ("itself", "owner", "alert", "group", "page", "service", "cause", "person")
)


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0001_initial"),
        ("accounts", "0002_audit_log_append_only"),
        ("alerts", "0001_initial"),
        ("catalog", "0001_initial"),
        ("incidents", "0018_excluded"),
        ("notifications", "0004_files"),
        ("postmortems", "0003_indexed_title"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
