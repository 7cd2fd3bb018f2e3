"""What figures are held against: set by admins, written down, and refused where it makes no sense."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.models import AuditEntry
from metrics import choosing
from metrics.models import MetricsSettings
from tests import make

pytestmark = pytest.mark.django_db

SENT = {"target_percent": "95", "currency": "eur", "critical_per_hour": "4800.50", "leadership_weekly": "on"}


@pytest.fixture(autouse=True)
def defaults():
    make.policy.ensure_defaults()


def test_an_admin_sets_them_and_the_audit_log_says_so(client, admin):
    client.force_login(admin)
    assert client.get(reverse("metrics:settings")).status_code == 200
    answer = client.post(reverse("metrics:settings"), SENT)
    assert (answer.status_code, answer.url) == (303, reverse("metrics:settings"))
    found = choosing.settings()
    assert (found.target_percent, found.currency, found.critical_per_hour) == (95, "EUR", Decimal("4800.50"))
    assert (found.leadership_weekly, found.leadership_monthly) == (True, False)
    assert choosing.rates_of(found) == {"critical": Decimal("4800.50")}
    entry = AuditEntry.objects.get(object_type="metrics.metricssettings")
    assert (entry.actor, entry.before["target_percent"], entry.after["target_percent"]) == (admin, 90, 95)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"target_percent": "101"}, "less than or equal to 100"),
        ({"target_percent": "0"}, "greater than or equal to 1"),
        ({"currency": "E1"}, "Write three capitals, such as EUR."),
        ({"currency": ""}, "Say which currency the rates are in, such as EUR."),
        ({"critical_per_hour": "-1"}, "An hour costs nothing or more."),
        ({"critical_per_hour": "much"}, "Enter a number."),
    ],
)
def test_what_makes_no_sense_is_said_beside_its_field(client, admin, changed, words):
    client.force_login(admin)
    answer = client.post(reverse("metrics:settings"), SENT | changed)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not MetricsSettings.objects.exists()


def test_only_admins_set_them(client, alice):
    client.force_login(alice)
    assert client.get(reverse("metrics:settings")).status_code == 403
    assert client.post(reverse("metrics:settings"), SENT).status_code == 403


def test_programs_are_refused_the_same(admin):
    with pytest.raises(ValidationError) as caught:
        choosing.save_settings(by=admin, low_per_hour=Decimal(-1), currency="EUR")
    assert set(caught.value.message_dict) == {"low_per_hour"}
    with pytest.raises(ValueError, match="pk"):
        choosing.save_settings(by=admin, pk=2)


def test_django_admin_sets_them_too(client, admin):
    client.force_login(admin)
    answer = client.post(reverse("admin:metrics_metricssettings_add"), SENT)
    assert answer.status_code == 302
    assert choosing.settings().target_percent == 95
    page = client.post(reverse("admin:metrics_metricssettings_change", args=[1]), SENT | {"currency": ""})
    assert "Say which currency" in page.content.decode()
    assert client.get(reverse("admin:metrics_metricssettings_add")).status_code == 403
