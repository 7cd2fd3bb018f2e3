"""Whoever sends to subscribers is killed again and again: everybody hears, nearly everybody once."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from bench.sink import Sink
from statuspage import fanning
from statuspage.models import Delivery, Subscriber
from tests import make

READERS, KILLS, AT_WORK = 600, 3, 6  # seats times the tries whose results are written together


def database_url():
    own = connection.settings_dict
    return f"postgresql://{own['USER']}:{own['PASSWORD']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"


def start(port):
    env = os.environ | {"DATABASE_URL": database_url(), "EMAIL_URL": f"smtp://127.0.0.1:{port}"}
    argv = [sys.executable, "-m", "bench.subscribers_inside", "send", "2"]
    return subprocess.Popen(argv, cwd=settings.BASE_DIR, env=env)


def wait_until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.enable_socket
@pytest.mark.django_db(transaction=True)
def test_nobody_is_lost_and_few_hear_twice(tmp_path):
    page = make.status_page("acme")
    Subscriber.objects.bulk_create(
        Subscriber(page=page, kind="email", address=f"reader{n}@example.com", confirmed_at=make.NOW)
        for n in range(READERS)
    )
    make.mailing(page)
    while fanning.fan_out_due(now=timezone.now()):
        pass
    with Sink(tmp_path / "mail.tsv") as sink:
        for kill in range(1, KILLS + 2):
            process = start(sink.port)
            try:
                if kill > KILLS:
                    wait_until(lambda: not Delivery.objects.filter(finished_at=None).exists())
                else:
                    wait_until(lambda kill=kill: len(sink.mails()) >= kill * 130)
            finally:
                process.kill()
                process.wait(10)
        mails = [mail.to for mail in sink.mails()]
    assert len(set(mails)) == READERS
    assert len(mails) - READERS <= KILLS * AT_WORK
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
