"""What Finchlight tells those who wait, and what it wants to do so that a failure does not come back."""

from __future__ import annotations

from incidents.models import ActionItem, StatusUpdate

Status = StatusUpdate.Status

UPDATES: dict[str, tuple[str, ...]] = {
    Status.INVESTIGATING: (
        "We are looking into problems with **{service}**. About {pct} % of requests in {region} are affected. "
        "Next word in half an hour.",
        "**{service}** does not work as it should for some customers. The team is on it; more as soon as we know why.",
        "Customers of **{service}** in {region} see errors or long waits. Support has a text to answer with.",
    ),
    Status.IDENTIFIED: (
        "We know why, and are preparing the fix. No data is lost. Expect **{service}** to be slow until then.",
        "The cause is found. It is on our side and can be undone; we expect to be through in {minutes} minutes.",
        "The cause is found and does not spread.\n\n- affected: {region}\n- not affected: everything else\n\n"
        "{tenant} has been written to.",
    ),
    Status.MONITORING: (
        "A fix is in place and **{service}** recovers. We keep watching before we call it over.",
        "It works again for nearly everybody. What piled up meanwhile is being worked off.",
    ),
    Status.RESOLVED: (
        "**{service}** works as it should again. Thank you for your patience; what we learn will be written up.",
        "Over. Nobody has to do anything; {tenant} has confirmed it.",
    ),
}
AGAIN = "It has come back for some customers. We have opened it again and are looking."

# By the failure's name.
FOLLOW_UPS: dict[str, tuple[str, ...]] = {
    "deploy regression": (
        "Let the canary of {service} run on rows from before the last migration",
        "Roll {slug} back by itself when the error ratio of a new release passes 2 %",
        "Alert on the wait for a pooled connection above 500 ms",
        "Set a timeout on every outgoing call of {slug}, and check for it in review",
        "Write down how to roll {slug} back in one region only",
    ),
    "bad configuration": (
        "Show the rendered configuration in the review, not only the template",
        "Validate {slug} against the schema of the release that runs",
        "Roll configuration out to one host first, and wait for five minutes",
        "Name the unit in every limit of {slug}",
    ),
    "memory leak": (
        "Alert on the growth of memory, not on its level",
        "Bound every cache of {service}, and say how large it is on the dashboard",
        "Run {slug} under load for a night before each release",
        "Remove free text from metric labels",
    ),
    "certificate": (
        "Watch the days left of every endpoint from outside",
        "Move the last hand-made certificates to automatic renewal",
        "Let the renewal fail loudly when nobody serves what it renewed",
    ),
    "replica lag": (
        "Give reporting a replica of its own",
        "Throttle backfills by replay lag",
        "Alert on replay lag above 60 s before customers see it",
        "Size the disks of replicas like their primary's",
    ),
    "disk full": (
        "Page at the predicted time to full, not at 90 %",
        "Switch debug logging off by itself after an hour",
        "Set retention by size for every topic",
        "Clean up after failed compactions",
    ),
    "queue backlog": (
        "Spread imports of one tenant over all partitions",
        "Send a message to the dead-letter topic after three tries",
        "Show the age of the oldest message on the dashboard of {service}",
        "Let consumers scale with the backlog",
    ),
    "provider outage": (
        "Switch to the second provider by itself after two minutes of errors",
        "Practise the fallback of {service} once a quarter",
        "Ask the provider for their report, and file the credit",
        "Show customers which answers come from the fallback",
    ),
    "traffic spike": (
        "Send clients a Retry-After when {slug} sheds load",
        "Set the autoscaler's maximum from the last peak, every month",
        "Limit crawlers to the cached pages",
        "Leave unknown query parameters out of the cache key",
    ),
    "DNS": (
        "Alert when the name servers disagree about a serial",
        "Give every record an owner",
        "Lower the TTL of {slug} to 60 s for good",
        "Check names from twelve places, every minute",
    ),
}

# What an item is for shows in its first words; the rest keeps a failure from coming back.
_SHOWN_BY = {
    ActionItem.Kind.DETECTIVE: ("Alert", "Watch", "Show", "Page", "Check", "Let the renewal"),
    ActionItem.Kind.MITIGATING: (
        "Roll",
        "Switch",
        "Throttle",
        "Send",
        "Practise",
        "Write down how",
        "Set a timeout",
        "Limit",
    ),
}

# Why some of it is left undone.
ACCEPTED = (
    "{service} is replaced in the new year; until then we live with it, and the runbook says what to do.",
    "It has happened once in two years, and costs less than the work. Looked at again when it comes back.",
    "The provider does this for us from the next quarter on.",
    "Talked about in the review: the alert that we have now is enough.",
)


def kind_of(text: str) -> str:
    """What an item is for."""
    found = next((kind for kind, words in _SHOWN_BY.items() if text.startswith(words)), ActionItem.Kind.PREVENTIVE)
    return found.value
