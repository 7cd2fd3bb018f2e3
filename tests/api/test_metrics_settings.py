"""What figures are held against, and reports, over the API: as on their pages, with the same rights."""

from __future__ import annotations

from datetime import date

import pytest

from accounts.models import AuditEntry
from metrics.models import Report, ReportChoice
from notifications.models import File
from tests import make
from tests.api.caller import Caller, fields_of

pytestmark = pytest.mark.django_db

DEFAULTS = {
    "target_percent": 90,
    "currency": "",
    "critical_per_hour": None,
    "high_per_hour": None,
    "medium_per_hour": None,
    "low_per_hour": None,
    "leadership_weekly": True,
    "leadership_monthly": True,
}


def test_settings_are_read_by_all_and_changed_by_admins(root, charlie):
    assert Caller(charlie, "read").get("metrics/settings").json() == DEFAULTS
    change = {"currency": "EUR", "critical_per_hour": "1250.50", "high_per_hour": 300, "target_percent": 95}
    wanted = DEFAULTS | change | {"high_per_hour": "300.00"}
    assert root.patch("metrics/settings", change).json() == wanted
    assert AuditEntry.objects.filter(object_type="metrics.metricssettings").exists()
    assert root.patch("metrics/settings", {"critical_per_hour": None}).json()["critical_per_hour"] is None
    assert Caller(charlie, "admin").patch("metrics/settings", {"target_percent": 1}).status_code == 403
    assert root.get("metrics/settings").json()["target_percent"] == 95


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"target_percent": 0}, "target_percent"),
        ({"target_percent": 101}, "target_percent"),
        ({"target_percent": None}, "target_percent"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "EURO"}, "currency"),
        ({"critical_per_hour": 5}, "currency"),
        ({"currency": "EUR", "low_per_hour": -1}, "low_per_hour"),
        ({"currency": "EUR", "low_per_hour": "1.005"}, "low_per_hour"),
        ({"currency": "EUR", "low_per_hour": "NaN"}, "low_per_hour"),
        ({"currency": "EUR", "low_per_hour": 1e300}, "low_per_hour"),
        ({"currency": "EUR", "low_per_hour": True}, "low_per_hour"),
        ({"leadership_weekly": "yes"}, "leadership_weekly"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_set_is_named(root, body, field):
    answer = root.patch("metrics/settings", body)
    assert (answer.status_code, fields_of(answer)) == (422, [field])
    assert root.get("metrics/settings").json() == DEFAULTS


def test_everybody_chooses_their_own_reports(charlie):
    caller = Caller(charlie, "write")
    found = caller.get("metrics/reports/choice").json()
    assert (found["weekly"], found["monthly"], found["is_chosen"], found["is_leadership"]) == (False,) * 4
    assert [each["kind"] for each in found["next"]] == ["weekly", "monthly"]
    found = caller.patch("metrics/reports/choice", {"weekly": True}).json()
    assert (found["weekly"], found["monthly"], found["is_chosen"]) == (True, False, True)
    assert ReportChoice.objects.get().user == charlie
    assert Caller(charlie, "read").patch("metrics/reports/choice", {"weekly": False}).status_code == 403


def test_reports_are_listed_with_their_files(charlie):
    file = File.objects.create(name="muster-weekly-2026-W41.pdf", content=b"%PDF-1.7", content_type="application/pdf")
    week = Report.objects.create(
        kind="weekly", starts_on=date(2026, 10, 5), due_at=make.NOW, made_at=make.NOW, file=file, sent_to=3
    )
    month = Report.objects.create(kind="monthly", starts_on=date(2026, 9, 1), due_at=make.NOW, made_at=make.NOW)
    caller = Caller(charlie, "read")
    first, second = caller.items("metrics/reports")
    address = first.pop("file_url")
    assert first == {
        "id": week.pk, "kind": "weekly", "starts_on": "2026-10-05", "due_at": "2026-10-14T01:47:08Z",
        "made_at": "2026-10-14T01:47:08Z", "sent_to": 3,
    }  # fmt: skip
    assert (second["id"], second["file_url"]) == (month.pk, None)
    answer = caller.get(address.removeprefix("http://testserver"))
    assert (answer.content, answer["Content-Type"]) == (b"%PDF-1.7", "application/pdf")
    assert 'filename="muster-weekly-2026-W41.pdf"' in answer["Content-Disposition"]
    for pk in (month.pk, 10**6):
        assert caller.get(f"metrics/reports/{pk}/file").status_code == 404
    assert len(caller.items("metrics/reports?limit=1")) == 1
    assert fields_of(caller.get("metrics/reports?x=1")) == ["x"]


def test_the_leadership_page_is_a_pdf(charlie):
    caller = Caller(charlie, "read")
    answer = caller.get("metrics/report?from=2026-10-01&to=2026-10-31&compare=previous")
    assert (answer.status_code, answer["Content-Type"], answer.content[:5]) == (200, "application/pdf", b"%PDF-")
    assert 'filename="muster-2026-10-01-to-2026-10-31.pdf"' in answer["Content-Disposition"]
    for query, field in (("zone=Asia/Kolkata", "zone"), ("from=2026-10-01T00:00:00Z", "from"), ("team=nope", "team")):
        refused = caller.get(f"metrics/report?{query}")
        assert (refused.status_code, fields_of(refused)) == (422, [field])
