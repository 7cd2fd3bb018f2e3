"""A provider that hangs delays its own messages only: nothing that others need is held while it is waited for."""

from __future__ import annotations

import pytest
from django.db import connection

from core.work import db_now
from notifications import delivery
from notifications.channels.base import Outcome, Result, Sender
from notifications.models import Notification
from tests import make


@pytest.mark.django_db(transaction=True)
def test_no_database_connection_is_held_while_a_provider_is_asked(monkeypatch):
    held = []

    def send(_row: Notification, _is_repeat: bool) -> Result:
        held.append(connection.connection)
        return Result(Outcome.SENT)

    monkeypatch.setitem(delivery.SENDERS, "email", Sender(seats=1, batch=5, destination=lambda _: "x", send=send))
    incident = make.incident(steps=[(make.user("alice"), make.user("bob"))])
    assert delivery.deliver_due("email", now=db_now()) == 2
    assert held == [None, None]
    assert set(Notification.objects.for_topic(incident.topic).values_list("state", flat=True)) == {"sent"}
