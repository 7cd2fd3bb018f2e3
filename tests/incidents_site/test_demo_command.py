"""``manage.py demo`` where there is no demo yet, and where somebody real was first."""

from __future__ import annotations

import dataclasses
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Role, User
from catalog.models import Service
from incidents.models import Incident
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _embedded(settings, tmp_path):
    """As with the embedded database, and fast passwords."""
    settings.MUSTER = dataclasses.replace(settings.MUSTER, demo=True, data_dir=tmp_path)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def run(action: str) -> str:
    out = StringIO()
    call_command("demo", action, stdout=out)
    return out.getvalue()


def test_names_that_real_people_have_are_left_to_them(db):
    real = make.user("alex")
    make.service("kafka")
    printed = run("load")
    assert printed.startswith(f"Loaded {Incident.objects.count()} demo incidents")
    assert not User.objects.get(pk=real.pk).is_demo
    assert User.objects.get(username="alex-demo").is_demo
    assert Service.objects.get(slug="kafka-demo").is_demo
    User.objects.filter(pk=real.pk).update(role=Role.ADMIN)
    assert "No admin is left" not in run("remove")
    assert list(User.objects.all()) == [real]


def test_an_outside_database_gets_no_demo(settings):
    settings.MUSTER = dataclasses.replace(settings.MUSTER, demo=False)
    with pytest.raises(CommandError, match="embedded database only"):
        run("load")
    assert not User.objects.exists()


def test_without_a_demo_nothing_is_printed(db):
    assert run("logins") == ""
    assert run("remove") == "There is no demo data.\n"
