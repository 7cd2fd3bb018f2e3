"""Status updates: how far we are, in words for those who wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from core.text import clean
from core.work import db_now
from incidents.consequences import Consequences, Kind
from incidents.models import Incident, StatusUpdate
from incidents.models import Status as Lifecycle

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User

MESSAGE_LIMIT = 5_000
PUBLIC_LIMIT = 20_000  # a postmortem that the public reads

Status = StatusUpdate.Status
Visibility = StatusUpdate.Visibility

# What to say at each stage of the work, and the one word that stays if it was said already. While people mitigate, the
# cause is known and the fix is not in place yet, which status pages call "identified"; "monitoring" would promise more.
_SUGGESTED: dict[str, tuple[Status, Status | None]] = {
    Lifecycle.TRIGGERED: (Status.INVESTIGATING, None),
    Lifecycle.ACKNOWLEDGED: (Status.INVESTIGATING, None),
    Lifecycle.INVESTIGATING: (Status.INVESTIGATING, Status.IDENTIFIED),
    Lifecycle.MITIGATING: (Status.IDENTIFIED, Status.MONITORING),
    Lifecycle.RESOLVED: (Status.RESOLVED, None),
    Lifecycle.POSTMORTEM: (Status.POSTMORTEM, None),
}


def suggested_status(incident: Incident, *, last: StatusUpdate | None) -> Status:
    """The status that the next update most likely has, after the ``last`` one."""
    usual, kept = _SUGGESTED[incident.status]
    return kept if kept and last and last.status == kept else usual


@transaction.atomic
def post_update(
    incident: Incident,
    *,
    message: str,
    status: str,
    by: User | None,
    visibility: str = Visibility.INTERNAL,
    now: datetime | None = None,
) -> StatusUpdate:
    """Say how it stands, in Markdown. The incident's own status stays what it is, and nobody is notified.

    Raises ValidationError for an empty or overlong message, an unknown status, and, for now, external visibility.
    """
    checked = _checked_message(message)
    _check_words(status, visibility)
    incident = Incident.objects.locked(incident.pk)
    out = Consequences(now or db_now())
    update = StatusUpdate(incident=incident, status=status, visibility=visibility, message=checked, at=out.now, by=by)
    update.save()
    record(update, out=out)
    out.write()
    return update


def publish_postmortem(
    incident: Incident, *, message: str, by: User | None, out: Consequences, update: StatusUpdate | None = None
) -> StatusUpdate:
    """The one external update that there is so far: the public version of a postmortem. With ``update`` the one that
    was published before says something else from now on; what it said stays on the timeline.

    The caller holds the incident's lock and writes ``out``. Raises ValidationError.
    """
    message = clean(message).strip()
    if not 1 <= len(message) <= PUBLIC_LIMIT:
        raise ValidationError({"public_text": f"A public version has 1 to {PUBLIC_LIMIT:,} characters."})
    if update is not None and update.message == message:
        return update
    is_new = update is None
    update = update or StatusUpdate(incident=incident, status=Status.POSTMORTEM, visibility=Visibility.EXTERNAL)
    update.message, update.by = message, by
    if is_new:
        update.at = out.now
    update.save()
    update.incident = incident
    record(update, out=out)
    return update


def record(update: StatusUpdate, *, out: Consequences) -> None:
    """Put an update on the timeline."""
    out.record(
        update.incident,
        Kind.STATUS_UPDATED,
        by=update.by,
        text=update.message,
        update=update.pk,
        status=str(update.status),
        visibility=str(update.visibility),
    )


def _checked_message(message: str) -> str:
    message = clean(message).strip()
    if not message:
        raise ValidationError({"message": "Say how it stands."})
    if len(message) > MESSAGE_LIMIT:
        raise ValidationError(
            {"message": f"An update has at most {MESSAGE_LIMIT:,} characters; this one has {len(message):,}."}
        )
    return message


def _check_words(status: str, visibility: str) -> None:
    if status not in Status.values:
        raise ValidationError({"status": f"Choose one of: {', '.join(Status.values)}."})
    if visibility == Visibility.EXTERNAL:
        raise ValidationError({"visibility": "External updates are not published yet; post internal ones."})
    if visibility not in Visibility.values:
        raise ValidationError({"visibility": f"Choose one of: {', '.join(Visibility.values)}."})
