"""English."""

MONTHS = "January February March April May June July August September October November December"
SHORT_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
WEEKDAYS = "Mon Tue Wed Thu Fri Sat Sun"
DAY = "{day} {month}"
DAY_OF_WEEK = "{weekday} {day} {month}"
DATE = "{day} {month} {year}"
MONTH = "{month} {year}"
DECIMAL = "."
THOUSANDS = ","

WORDS = {
    # what a component is, what an update says, how a maintenance goes
    "operational": "Operational",
    "degraded_performance": "Degraded performance",
    "partial_outage": "Partial outage",
    "major_outage": "Major outage",
    "under_maintenance": "Under maintenance",
    "unknown": "No data",
    "investigating": "Investigating",
    "identified": "Identified",
    "monitoring": "Monitoring",
    "resolved": "Resolved",
    "postmortem": "Postmortem",
    "scheduled": "Scheduled",
    "in_progress": "Under way",
    "completed": "Completed",
    "cancelled": "Cancelled",
    # the sentence over everything
    "all.none": "All systems operational",
    "all.empty": "Nothing is reported",
    "all.minor": "Some systems do not work as they should",
    "all.major": "Some systems are partly out of service",
    "all.critical": "A major outage affects some systems",
    "all.maintenance": "Maintenance is under way",
    "all.about.none": "No incident and no maintenance is under way.",
    "all.since": "Since {at}.",
    "all.affected": "Affected: {names}.",
    "all.rest_works": "Everything else works.",
    "all.several": "{count} incidents are open.",
    "all.until": "Until {at}: {names}.",
    "next_by": "Next update by {at}.",
    # the page and its parts
    "skip": "Skip to the content",
    "overall": "Overall status",
    "status_of": "Status of {name}",
    "subscribe": "Subscribe",
    "components": "Components",
    "legend": "What the colours mean",
    "degraded": "Degraded",
    "outage": "Outage",
    "maintenance": "Maintenance",
    "days_ago": "90 days ago",
    "since_day": "since {date}",
    "today": "Today",
    "uptime": "{percent} uptime",
    "uptime_unknown": "No data yet",
    "bars": "{name}: {uptime}. Last 90 days: {days}.",
    "bars.fine": "no day with problems",
    "bars.some.one": "{count} day with problems",
    "bars.some.other": "{count} days with problems",
    "uptime_page": "Uptime",
    "uptime_days": "Days with problems in the last 90 days",
    "uptime_none": "There was no day with problems in the last 90 days.",
    "day": "Day",
    "worst": "Worst state",
    "down_for": "Outage",
    "degraded_for": "Degraded",
    "incidents": "Incidents",
    "method": "How uptime is calculated",
    "method.short": "Uptime: the share of the last 90 days without a partial or major outage.",
    "method.long": "Uptime is the share of the last 90 days in which a component had neither a partial nor a major "
    "outage. It is made of the times at which the incidents on this page began and ended for the component; "
    "several at once count once. Degraded performance is shown and does not count as an outage. Maintenance that was "
    "announced before it began does not count either. Days before the component was on this page are left out. "
    "Percentages are rounded down, never up. Days are those of the time zone {zone}.",
    "maintenances": "Scheduled maintenance",
    "past": "Past incidents",
    "history": "Full history",
    "history_page": "History",
    "history_none": "There were no incidents in this time.",
    "older": "Older",
    "newer": "Newer",
    "no_incidents": "No incidents",
    "nothing_affected": "No component is named.",
    "affected_parts": "Affected components",
    "resolved_after": "Resolved after {length}.",
    "began": "Began {at}",
    "still_open": "Not resolved yet",
    "part_of": "This incident turned out to be part of another one.",
    "part_of_link": "Read on there",
    "edited": "Edited {at}",
    "permanent": "Permanent link",
    "updates": "Updates",
    "change": "{name}: {before} → {after}",
    "all_status": "Current status",
    "duration": "{start} to {end}",
    # following
    "subscribe_title": "Subscribe to updates",
    "email": "E-mail address",
    "follow": "Or follow by",
    "choices": "choose components, or a webhook",
    "calendar": "Maintenance calendar",
    # the foot
    "times": "All times {zone}",
    "as_of": "As of {at}",
    "as_of_why": "This page is written anew whenever something changes.",
    "stale": "This page may be out of date: Muster has not confirmed it since {at}.",
    "powered": "Powered by Muster",
    "home": "Home page",
    "support": "Support",
    # where there is nothing
    "not_found": "Nothing is here",
    "not_found_why": "The address leads nowhere, or what was here is no longer published.",
    "unreadable": "This request was not understood",
    "unreadable_why": "It is longer than allowed, or not written as a browser writes it.",
    "away": "This page cannot be read just now",
    "away_why": "Muster’s database does not answer. Please try again in a minute.",
    # lengths and lists
    "second.one": "{count} second",
    "second.other": "{count} seconds",
    "minute.one": "{count} minute",
    "minute.other": "{count} minutes",
    "hour.one": "{count} hour",
    "hour.other": "{count} hours",
    "date.one": "{count} day",
    "date.other": "{count} days",
    "and": "{first} and {last}",
    "to": "{start} to {end}",
    # what a report is called that nobody has named
    "incident_of": "Incident of {date}",
}
