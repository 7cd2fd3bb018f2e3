"""Sessions that are over do not stay."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session

from accounts import sessions
from tests.make import NOW, SECOND


def test_sessions_that_have_expired_are_forgotten(db):
    for name, expires in (("over", NOW - SECOND), ("old", NOW - timedelta(days=30)), ("valid", NOW + SECOND)):
        Session.objects.create(session_key=name, session_data="", expire_date=expires)
    assert sessions.forget_due(now=NOW) == 2
    assert sessions.forget_due(now=NOW) == 0
    assert list(Session.objects.values_list("pk", flat=True)) == ["valid"]
