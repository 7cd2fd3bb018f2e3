"""Reports: each week and month once, to whoever gets them, of what is not private, whatever happens meanwhile."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction
from django.urls import reverse

from core import pdf
from incidents import lifecycle, sla
from incidents.models import Incident, IncidentSettings
from metrics import catching_up, choosing, report_calendar, reporting, reports
from metrics.models import MetricsSettings, Report
from metrics.report_calendar import Term
from notifications.models import File, Notification, SweepRun
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 10, 19, 8, tzinfo=UTC)  # the week before is 12 to 18 October


@pytest.fixture(autouse=True)
def paper(monkeypatch):
    """A PDF takes a second to make, and is another test's business."""
    made = []

    def layout(html, **_):
        made.append(html)
        return b"%PDF " + html[:15].encode()

    monkeypatch.setattr(pdf, "make", layout)
    return made


def caught_up(now=MONDAY):
    catching_up.catch_up(now=now)  # the very first only begins
    while catching_up.catch_up(now=now):
        pass


@pytest.fixture
def running():
    """Muster has made reports for a while, and has an incident of the week that is over."""
    make.policy.ensure_defaults()
    begin(MONDAY - 6 * DAY)
    incident = make.incident(severity="high", title="Checkout fails", at=MONDAY - 4 * DAY)
    caught_up()
    return incident


def begin(at):
    SweepRun.objects.update_or_create(name=reporting.MARK, defaults={"last_run_at": at})


def sweep(now=MONDAY):
    return reporting.report_due(now=now)


def mails():
    return list(Notification.objects.filter(topic__startswith="report/").order_by("id"))


def test_a_week_is_reported_on_monday_at_eight_once(alice, running):
    choosing.choose_reports(alice, weekly=True, monthly=False)
    assert sweep(MONDAY - MINUTE) == 0
    assert sweep() == 1
    assert sweep(MONDAY + MINUTE) == 0
    (mail,) = mails()
    assert (mail.key, mail.address, mail.channel) == (
        f"report/weekly/2026-W42/{alice.pk}",
        "alice@example.com",
        "email",
    )
    assert mail.title == "Weekly report, Week 42, 12 Oct to 18 Oct 2026: 1 incident"
    assert "- Incidents: 1 " in mail.body
    assert "Private incidents are in none of these figures." in mail.body
    assert mail.url.endswith("/metrics/leadership?from=2026-10-12&to=2026-10-18")
    assert mail.reason == "You chose the weekly report"
    report = Report.objects.get()
    assert (report.kind, report.starts_on, report.due_at, report.sent_to) == ("weekly", date(2026, 10, 12), MONDAY, 1)
    assert (mail.file.name, mail.file.content_type) == ("muster-weekly-2026-W42.pdf", "application/pdf")
    assert report.file == mail.file


def test_the_figures_of_the_mail_are_exact_and_say_what_is_left_out(alice, running):
    lifecycle.acknowledge(running, by=alice, now=MONDAY - 4 * DAY + 2 * MINUTE)
    lifecycle.resolve(running, by=alice, now=MONDAY - 4 * DAY + 90 * MINUTE)
    make.incident(severity="critical", at=MONDAY - 3 * DAY)
    make.incident(severity="low", at=MONDAY - 9 * DAY)
    sla.check_due(now=MONDAY - 2 * DAY)
    caught_up()
    choosing.choose_reports(alice, weekly=True, monthly=False)
    sweep()
    body = mails()[0].body
    assert "Week 42, 12 Oct to 18 Oct 2026, compared with Week 41, 5 Oct to 11 Oct 2026." in body
    assert "- Time to acknowledge (MTTA): 2 min (median; mean 2 min, p90 2 min)" in body
    assert "n = 1" in body
    assert "Left out: 1 not acknowledged yet" in body
    assert "- Incidents: 2 (1 critical); 1 more than before, was 1." in body
    assert "- High: response 100 % (1 of 1)" in body
    assert "- Critical: response 0 % (0 of 1, below the target)" in body


def test_nothing_private_is_in_a_report_whoever_gets_it(admin, running, paper):
    Incident.objects.filter(pk=running.pk).update(is_private=True, title="Nobody may know")
    make.incident(severity="low", at=MONDAY - 2 * DAY)
    caught_up()
    choosing.choose_reports(admin, weekly=True, monthly=False)
    sweep()
    assert mails()[0].title.endswith(": 1 incident")
    assert "Nobody may know" not in mails()[0].body + paper[0]
    assert "Private incidents are in none of these figures." in paper[0]


def test_months_are_reported_on_the_first_and_the_sites_clocks_count(alice, running):
    IncidentSettings.objects.update(time_zone="America/New_York")
    caught_up()
    choosing.choose_reports(alice, weekly=False, monthly=True)
    first = datetime(2026, 11, 1, 13, tzinfo=UTC)  # 08:00 in New York, on the day the clocks went back
    sweep(first - HOUR)
    assert mails() == []
    sweep(first)
    (mail,) = mails()
    assert mail.key == f"report/monthly/2026-10/{alice.pk}"
    assert mail.title == "Monthly report, October 2026: 1 incident"
    assert mail.url.endswith("from=2026-10-01&to=2026-10-31")


def test_whoever_leads_gets_them_unless_they_chose_otherwise_and_nobody_gets_two(alice, bob, charlie, running):
    quiet = make.user("quiet")
    gone = make.user("gone", is_active=False)
    nowhere = make.user("nowhere")
    type(nowhere).objects.filter(pk=nowhere.pk).update(email="")
    crew = make.team("leads", alice, bob, quiet, gone, nowhere)
    IncidentSettings.objects.update(leadership=crew)
    choosing.choose_reports(quiet, weekly=False, monthly=True)
    choosing.choose_reports(bob, weekly=True, monthly=True)
    choosing.choose_reports(gone, weekly=True, monthly=True)
    assert sweep() == 1
    told = {mail.user.username: mail.reason for mail in mails()}
    assert told == {"alice": "The weekly report goes to leadership", "bob": "You chose the weekly report"}
    choosing.save_settings(by=None, leadership_weekly=False)
    assert [user.username for user in choosing.recipients("weekly")] == ["bob"]
    assert [user.username for user in choosing.recipients("monthly")] == ["alice", "bob", "quiet"]
    assert choosing.wanted_by(charlie).weekly is False
    assert MetricsSettings.objects.get().leadership_weekly is False


def test_the_first_sweep_makes_what_there_is_to_read_and_writes_to_nobody(alice):
    make.policy.ensure_defaults()
    choosing.choose_reports(alice, weekly=True, monthly=True)
    for days in (3, 10, 17, 30, 60, 90):
        make.incident(severity="low", at=MONDAY - days * DAY)
    caught_up()
    assert sweep(MONDAY + HOUR) == 2
    found = Report.objects.order_by("kind").values_list("kind", "starts_on", "sent_to")
    assert list(found) == [("monthly", date(2026, 9, 1), 0), ("weekly", date(2026, 10, 12), 0)]
    assert mails() == []
    assert sweep(MONDAY + 7 * DAY) == 1
    assert [mail.key for mail in mails()] == [f"report/weekly/2026-W43/{alice.pk}"]


def test_there_is_no_report_of_a_time_before_the_first_incident(alice):
    make.policy.ensure_defaults()
    caught_up()
    begin(MONDAY - 60 * DAY)
    choosing.choose_reports(alice, weekly=True, monthly=True)
    assert sweep() == 0
    make.incident(severity="low", at=MONDAY - 2 * HOUR)  # after the week was over
    caught_up()
    assert sweep(MONDAY + HOUR) == 0
    assert sweep(MONDAY + 7 * DAY) == 1


def test_what_was_missed_is_made_afterwards_but_sent_within_three_days_only(alice, running):
    begin(MONDAY - 60 * DAY)
    choosing.choose_reports(alice, weekly=True, monthly=False)
    assert sweep(MONDAY + 11 * DAY) == 2
    assert [(str(report.starts_on), report.sent_to) for report in Report.objects.all()] == [
        ("2026-10-19", 0),
        ("2026-10-12", 0),
    ]
    assert mails() == []
    assert sweep(MONDAY + 14 * DAY + 2 * DAY) == 2  # and October
    assert [mail.key for mail in mails()] == [f"report/weekly/2026-W44/{alice.pk}"]


def test_a_crash_in_the_midst_leaves_nothing_and_the_next_sweep_makes_it(alice, running, monkeypatch):
    choosing.choose_reports(alice, weekly=True, monthly=False)

    def crash(rows):
        raise RuntimeError("the power went")

    with monkeypatch.context() as patched, transaction.atomic():
        patched.setattr(reporting.outbox, "enqueue", crash)
        assert sweep() == 0
    assert [Report.objects.count(), File.objects.count(), len(mails())] == [0, 0, 0]
    assert sweep() == 1
    assert len(mails()) == 1


def test_two_sweeps_at_once_make_one_report(alice, running, monkeypatch):
    choosing.choose_reports(alice, weekly=True, monthly=False)
    layout = pdf.make

    def meanwhile(html, **words):
        monkeypatch.setattr(pdf, "make", layout)
        assert sweep() == 1  # another process was faster
        return layout(html, **words)

    monkeypatch.setattr(pdf, "make", meanwhile)
    assert sweep() == 0
    assert [Report.objects.count(), File.objects.count(), len(mails())] == [1, 1, 1]


def test_without_a_pdf_the_mail_goes_and_says_why(alice, running, monkeypatch):
    choosing.choose_reports(alice, weekly=True, monthly=False)

    def lacks(html, **_):
        raise pdf.Unavailable("This installation cannot make PDFs: it lacks libpango-1.0-0.")

    monkeypatch.setattr(pdf, "make", lacks)
    assert sweep() == 1
    (mail,) = mails()
    assert mail.file is None
    assert "There is no PDF with it: This installation cannot make PDFs: it lacks libpango-1.0-0." in mail.body


def test_a_busy_machine_is_waited_for_and_not_for_ever(alice, running, monkeypatch):
    choosing.choose_reports(alice, weekly=True, monthly=False)

    def busy(html, **_):
        raise pdf.Busy("Another PDF is being made at this moment.")

    monkeypatch.setattr(pdf, "make", busy)
    assert sweep() == 0
    assert sweep(MONDAY + 29 * MINUTE) == 0
    assert sweep(MONDAY + 31 * MINUTE) == 1
    assert "Another PDF is being made" in mails()[0].body


def test_sums_that_are_being_made_anew_are_waited_for(alice, running):
    choosing.choose_reports(alice, weekly=True, monthly=False)
    make.incident(severity="low", at=MONDAY - DAY)  # not summed yet
    assert sweep() == 0
    IncidentSettings.objects.update(time_zone="Europe/Berlin")
    catching_up.catch_up(now=MONDAY)  # the first part of a rebuild
    assert sweep() == 0
    caught_up()
    assert sweep() == 1
    assert mails()[0].title.endswith("2 incidents")


def test_a_week_without_incidents_is_reported_as_one(alice, running):
    choosing.choose_reports(alice, weekly=True, monthly=False)
    sweep()
    assert sweep(MONDAY + 7 * DAY) == 1
    assert "No incident was created in this time." in mails()[1].body


@pytest.mark.parametrize(
    ("kind", "first", "label", "name", "before"),
    [
        ("weekly", date(2026, 12, 28), "2026-W53", "Week 53, 28 Dec 2026 to 3 Jan 2027", date(2026, 12, 21)),
        ("weekly", date(2027, 1, 4), "2027-W01", "Week 1, 4 Jan to 10 Jan 2027", date(2026, 12, 28)),
        ("monthly", date(2027, 1, 1), "2027-01", "January 2027", date(2026, 12, 1)),
        ("monthly", date(2028, 2, 1), "2028-02", "February 2028", date(2028, 1, 1)),
    ],
)
def test_terms_at_the_turn_of_the_year(kind, first, label, name, before):
    term = Term(kind, first, "UTC")
    assert (term.label, term.name, term.before.first, term.before.next) == (label, name, before, first)
    assert report_calendar.current(kind, now=term.due_at - MINUTE, zone_name="UTC") == term
    assert next(report_calendar.due(kind, now=term.due_at, zone_name="UTC")) == term


# ---- pages -----------------------------------------------------------------------------------------------------------


def test_the_page_lists_reports_serves_their_files_and_takes_a_choice(client, charlie, running):
    sweep()
    client.force_login(charlie)
    page = client.get(reverse("metrics:reports")).content.decode()
    assert "Week 42, 12 Oct to 18 Oct 2026" in page
    report = Report.objects.get()
    answer = client.get(reverse("metrics:report_file", args=[report.pk]))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Content-Disposition"] == 'attachment; filename="muster-weekly-2026-W42.pdf"'
    assert answer.content == bytes(report.file.content)
    assert client.get(reverse("metrics:report_file", args=[report.pk + 1])).status_code == 404
    answer = client.post(reverse("metrics:choose_reports"), {"monthly": "on"}, follow=True)
    assert "You get the monthly report by e-mail." in answer.content.decode()
    assert charlie in choosing.recipients("monthly")
    assert charlie not in choosing.recipients("weekly")
    answer = client.post(reverse("metrics:choose_reports"), {}, follow=True)
    assert "You get no report by e-mail." in answer.content.decode()
    assert choosing.recipients("monthly") == []


def test_a_report_without_a_file_leads_to_making_one(client, charlie, running):
    sweep()
    File.objects.all().delete()
    client.force_login(charlie)
    assert "none; make one now" in client.get(reverse("metrics:reports")).content.decode()
    assert client.get(reverse("metrics:report_file", args=[Report.objects.get().pk])).status_code == 404


def test_reports_of_made_up_incidents_go_with_them(alice, running):
    sweep()
    sweep(MONDAY + 7 * DAY)
    Incident.objects.filter(pk=running.pk).update(is_demo=True)
    assert sum(reports.forget(with_any_of=Incident.objects.filter(is_demo=True)).values()) == 2
    assert [str(report.starts_on) for report in Report.objects.all()] == ["2026-10-19"]
    assert File.objects.count() == 1
