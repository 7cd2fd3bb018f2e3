"""Facts of incidents, made by the database from what it holds; the only place that knows how."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import connection

from accounts.models import User
from incidents import policy
from metrics.measures import STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

VERSION = 3  # of the arithmetic here and in metrics.measures; another number has everything made anew
NIGHT_FROM, NIGHT_UNTIL = 22, 7  # o'clock where the person is


@cache
def _zones() -> frozenset[str]:
    """Those that the database knows; its list may be older than Python's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_timezone_names")
        return frozenset(name for (name,) in cursor.fetchall())


def basis() -> dict[str, Any]:
    """What all facts depend on besides their incidents. A zone that the database does not know counts as UTC."""
    promised = policy.policies().items()
    zone = policy.site_settings().time_zone
    return {
        "version": VERSION,
        "zone": zone if zone in _zones() else "UTC",
        "postmortem_days": {name: row.postmortem_within_days for name, row in promised if row.needs_postmortem},
    }


def _unknown_zones() -> list[str]:
    """Those of people that the database does not know."""
    theirs = User.objects.order_by().values_list("time_zone", flat=True).distinct()
    return [name for name in theirs if name not in _zones()]


def derive(incidents: Sequence[int], basis: dict[str, Any], *, now: datetime) -> None:
    """Make the facts and interruptions of some incidents anew, as they are ``now``; those of incidents that are gone
    go."""
    days = {name: within for name, within in basis["postmortem_days"].items() if within is not None}
    given = {
        "ids": list(incidents),
        "zone": basis["zone"],
        "severities": list(days),
        "days": list(days.values()),
        "unknown": _unknown_zones(),
        "night_from": NIGHT_FROM,
        "night_until": NIGHT_UNTIL,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM metrics_fact WHERE incident_id = ANY(%(ids)s::bigint[])", given)
        cursor.execute("DELETE FROM metrics_interruption WHERE incident_id = ANY(%(ids)s::bigint[])", given)
        cursor.execute(_FACTS, given)
        cursor.execute(_INTERRUPTIONS, given)


def forget_gone() -> None:
    """Take away the facts of incidents that are no more."""
    with connection.cursor() as cursor:
        for table in ("metrics_fact", "metrics_interruption"):
            cursor.execute(
                f"""DELETE FROM {table} WHERE NOT EXISTS (
                    SELECT FROM incidents_incident WHERE incidents_incident.id = {table}.incident_id)"""  # noqa: S608
            )


def _us(length: str) -> str:
    return f"(extract(epoch FROM {length}) * 1000000)::bigint"


_CLOCK = """
    CASE WHEN bool_or(state = 'breached') FILTER (WHERE kind = '{kind}') THEN 'breached'
        WHEN bool_or(state = 'running') FILTER (WHERE kind = '{kind}') THEN 'pending'
        WHEN bool_or(state = 'met') FILTER (WHERE kind = '{kind}') THEN 'met'
        WHEN bool_or(state = 'cancelled') FILTER (WHERE kind = '{kind}') THEN 'cancelled' ELSE '' END
"""

# An acknowledgement moves only what is triggered; of what is being worked on it says "still on it". So an entry that is
# no acknowledgement begins a run, and the acknowledgements after it stand on what it began with.
_STEPS = """
    moves AS (
        SELECT incident_id, id, at, kind, CASE kind
            WHEN 'triggered' THEN 'triggered' WHEN 'unacknowledged' THEN 'triggered' WHEN 'resolved' THEN 'resolved'
            WHEN 'reopened' THEN coalesce(data ->> 'to', 'investigating') ELSE data ->> 'to' END AS status
        FROM incidents_timelineentry
        WHERE incident_id = ANY(%(ids)s::bigint[])
            AND (kind IN ('triggered', 'acknowledged', 'unacknowledged', 'resolved', 'reopened')
                OR kind IN ('moved', 'woken') AND data ? 'to')),
    runs AS (
        SELECT *, count(*) FILTER (WHERE kind <> 'acknowledged') OVER (PARTITION BY incident_id ORDER BY at, id) AS run
        FROM moves),
    begun AS (
        SELECT *, first_value(status) OVER (PARTITION BY incident_id, run ORDER BY at, id) AS base FROM runs),
    steps AS (
        SELECT incident_id, kind, CASE WHEN kind <> 'acknowledged' THEN status
            WHEN base = 'triggered' THEN 'acknowledged' ELSE base END AS status,
            lead(at) OVER (PARTITION BY incident_id ORDER BY at, id) - at AS took
        FROM begun),
    stages AS (
        SELECT incident_id, count(*) FILTER (WHERE kind = 'reopened') AS reopenings,
            bool_or(kind = 'resolved') AS was_resolved, bool_or(kind = 'triggered') AS is_told,
            {sums}
        FROM steps GROUP BY incident_id)
"""
_STAGE = _us("coalesce(sum(took) FILTER (WHERE status = '{0}'), interval '0')") + " AS {0}_us"
_STEPS = _STEPS.replace("{sums}", ", ".join(map(_STAGE.format, STAGES)))

_FACTS = f"""
    WITH {_STEPS},
    promises AS (SELECT * FROM unnest(%(severities)s::text[], %(days)s::int[]) AS promised (severity, days)),
    clocks AS (
        SELECT incident_id, {_CLOCK.format(kind="response")} AS response,
            {_CLOCK.format(kind="resolution")} AS resolution
        FROM incidents_slaclock WHERE incident_id = ANY(%(ids)s::bigint[]) GROUP BY incident_id),
    touched AS (
        SELECT link.incident_id, array_agg(service.id ORDER BY service.id) AS services,
            array_agg(DISTINCT service.team_id) FILTER (WHERE service.team_id IS NOT NULL) AS teams
        FROM incidents_affectedservice AS link JOIN catalog_service AS service ON service.id = link.service_id
        WHERE link.incident_id = ANY(%(ids)s::bigint[]) GROUP BY link.incident_id),
    alerted AS (
        SELECT alert_group.incident_id, count(*) AS alerts
        FROM alerts_group AS alert_group JOIN alerts_alert AS alert ON alert.group_id = alert_group.id
        WHERE alert_group.incident_id = ANY(%(ids)s::bigint[]) GROUP BY alert_group.incident_id),
    followed AS (
        SELECT incident_id, count(*) AS items, count(done_at) AS done,
            count(*) FILTER (WHERE (done_at AT TIME ZONE %(zone)s)::date <= coalesce(due_on, 'infinity')) AS on_time,
            count(accepted_at) AS accepted
        FROM incidents_actionitem WHERE incident_id = ANY(%(ids)s::bigint[]) GROUP BY incident_id),
    causes AS (
        SELECT postmortem.incident_id, array_agg(cause.factor_id ORDER BY cause.factor_id) AS factors
        FROM postmortems_postmortem AS postmortem
        JOIN postmortems_postmortem_factors AS cause ON cause.postmortem_id = postmortem.id
        WHERE postmortem.incident_id = ANY(%(ids)s::bigint[]) GROUP BY postmortem.incident_id),
    learned AS (
        SELECT incident.id AS incident_id, postmortem.first_published_at AS published_at,
            incident.resolved_at + make_interval(days => promises.days) AS due_at
        FROM incidents_incident AS incident JOIN promises USING (severity)
        LEFT JOIN postmortems_postmortem AS postmortem ON postmortem.incident_id = incident.id
        WHERE incident.id = ANY(%(ids)s::bigint[]) AND incident.resolved_at IS NOT NULL)
    INSERT INTO metrics_fact (incident_id, created_at, week, hour_of_week, severity, standing, is_private, is_open,
        was_resolved, reopenings, acknowledge_us, resolve_us, impact_us,
        triggered_us, acknowledged_us, investigating_us, mitigating_us,
        response, resolution, postmortem, changes_at, alerts, items, items_done, items_on_time, items_accepted,
        service_ids, team_ids, factor_ids)
    SELECT incident.id, incident.created_at, date_trunc('week', local.at)::date,
        (extract(isodow FROM local.at)::int - 1) * 24 + extract(hour FROM local.at)::int, incident.severity,
        CASE WHEN incident.excluded_from_metrics THEN 'excluded' WHEN incident.merged_into_id IS NOT NULL THEN 'merged'
            ELSE 'counted' END,
        incident.is_private, incident.resolved_at IS NULL,
        incident.resolved_at IS NOT NULL OR coalesce(stages.was_resolved, false), coalesce(stages.reopenings, 0),
        {_us("incident.acknowledged_at - incident.created_at")}, {_us("incident.resolved_at - incident.created_at")},
        {_us("incident.resolved_at - incident.started_at")},
        CASE WHEN told.is_whole THEN triggered_us END, CASE WHEN told.is_whole THEN acknowledged_us END,
        CASE WHEN told.is_whole THEN investigating_us END, CASE WHEN told.is_whole THEN mitigating_us END,
        coalesce(response, ''), coalesce(resolution, ''),
        CASE WHEN learned.due_at IS NULL THEN '' WHEN published_at <= learned.due_at THEN 'on_time'
            WHEN published_at IS NOT NULL THEN 'late' WHEN learned.due_at < %(now)s THEN 'overdue' ELSE 'waiting' END,
        CASE WHEN published_at IS NULL AND learned.due_at >= %(now)s THEN learned.due_at END,
        coalesce(alerts, 0), coalesce(items, 0), coalesce(done, 0), coalesce(on_time, 0), coalesce(accepted, 0),
        coalesce(services, '{{}}'), coalesce(teams, '{{}}'), coalesce(factors, '{{}}')
    FROM incidents_incident AS incident
    CROSS JOIN LATERAL (SELECT incident.created_at AT TIME ZONE %(zone)s AS at) AS local
    LEFT JOIN stages ON stages.incident_id = incident.id
    CROSS JOIN LATERAL (
        SELECT incident.resolved_at IS NOT NULL AND stages.was_resolved AND stages.is_told AS is_whole) AS told
    LEFT JOIN clocks ON clocks.incident_id = incident.id
    LEFT JOIN touched ON touched.incident_id = incident.id
    LEFT JOIN alerted ON alerted.incident_id = incident.id
    LEFT JOIN followed ON followed.incident_id = incident.id
    LEFT JOIN causes ON causes.incident_id = incident.id
    LEFT JOIN learned ON learned.incident_id = incident.id
    WHERE incident.id = ANY(%(ids)s::bigint[])
"""  # noqa: S608 - constants

# A page goes out through every contact method at once: rows of one moment are one page.
_INTERRUPTIONS = """
    INSERT INTO metrics_interruption (incident_id, user_id, at, local_hour, is_night, is_private, is_counted)
    SELECT incident.id, page.user_id, page.created_at, clock.hour,
        clock.hour %% 24 >= %(night_from)s OR clock.hour %% 24 < %(night_until)s,
        incident.is_private, NOT incident.excluded_from_metrics
    FROM incidents_incident AS incident
    JOIN notifications_notification AS page ON page.topic = 'incident/' || incident.id
    JOIN accounts_user AS person ON person.id = page.user_id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN person.time_zone = ANY(%(unknown)s::text[]) THEN 'UTC' ELSE person.time_zone END AS name
    ) AS zone
    CROSS JOIN LATERAL (
        SELECT floor(extract(epoch FROM page.created_at AT TIME ZONE zone.name) / 3600)::int AS hour) AS clock
    WHERE incident.id = ANY(%(ids)s::bigint[]) AND page.purpose = 'page' AND page.state IN ('sent', 'kept')
    GROUP BY incident.id, page.user_id, page.created_at, clock.hour
"""
