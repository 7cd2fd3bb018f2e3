"""Who was told what of a postmortem, for tests."""

from __future__ import annotations

from notifications.models import Notification


def told(postmortem, word=""):
    """(who, the words of the title after the number) of every message about it, in order of names."""
    prefix = f"{postmortem.incident.topic}/postmortem/{postmortem.pk}/"
    rows = Notification.objects.filter(key__startswith=prefix, title__contains=word).order_by("id")
    reference = postmortem.incident.reference
    return sorted((row.recipient, row.title.removeprefix(f"{reference} ").partition(": It")[0]) for row in rows)


def finished(postmortem, by=None):
    """The postmortem with every gap filled."""
    for section in postmortem.sections.all():
        if section.key != "timeline":
            type(section).objects.filter(pk=section.pk).update(body=f"{section.title}, written.", edited_by=by)
    return type(postmortem).objects.get(pk=postmortem.pk)
