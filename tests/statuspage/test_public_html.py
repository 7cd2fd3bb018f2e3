"""What a public page says, and that it can do nothing but be read."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath

import pytest

from statuspage import html
from tests.statuspage import pictures
from tests.statuspage.pictures import AT, MINUTE

# Written by other makers beside the HTML, or answered by the server.
ELSEWHERE = {"history.atom", "history.rss", "maintenance.ics", "api/v2/summary.json", "as-of.json", "subscribe"}


def drawn(picture, path="index.html"):
    kind, body = html.documents(picture)[path]
    assert kind == "text/html; charset=utf-8"
    return body.decode()


def text_of(source):
    """What people read, on one line."""
    source = re.sub(r"<title>.*?</title>|<svg.*?</svg>", " ", source, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", source)).replace(" .", ".").replace(" ,", ",")


class Attributes(HTMLParser):
    """Every attribute of a document, as (tag, name, value)."""

    def __init__(self, source):
        super().__init__()
        self.found = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.found += [(tag, name, value or "") for name, value in attrs]


def test_the_banner_names_the_open_incident_what_it_affects_and_when_there_is_more():
    said = text_of(drawn(pictures.busy()))
    assert (
        "Card payments fail at checkout Since 02:47 CEST. Affected: Checkout and payments and Storefront. "
        "Everything else works. Next update by 03:17 CEST." in said
    )


def test_several_open_incidents_are_one_sentence():
    busy = pictures.busy()
    cards = busy.told[0]
    other = pictures.told("incother", "Slow search", "identified", *cards.said[1:], started_at=AT - MINUTE)
    picture = pictures.picture(*busy.sections, indicator="major", told=(other, cards))
    assert "Some systems are partly out of service 2 incidents are open." in text_of(drawn(picture))


def test_all_is_well():
    said = drawn(pictures.picture(pictures.section(pictures.part("Shop"))))
    assert "<h1>All systems operational</h1>" in said
    assert "No incident and no maintenance is under way." in said
    assert "Thu 1 Oct to Wed 14 Oct" in text_of(said)


def test_a_page_without_components_claims_nothing_of_them():
    said = drawn(pictures.picture())
    assert "<h1>Nothing is reported</h1>" in said
    assert "operational" not in text_of(said).lower()


def test_maintenance_under_way_says_until_when():
    part = pictures.part("Shop", "under_maintenance")
    works = pictures.works("w1", "Database upgrade", "in_progress", AT - MINUTE, AT + 30 * MINUTE, part)
    said = text_of(drawn(pictures.picture(pictures.section(part), indicator="maintenance", works=(works,))))
    assert "Maintenance is under way Until 03:35 CEST: Database upgrade." in said


def test_a_promise_that_has_passed_is_not_repeated_in_the_banner():
    busy = pictures.busy()
    late = pictures.picture(*busy.sections, indicator="major", told=busy.told, at=AT + 60 * MINUTE)
    banner = drawn(late).partition("</h1>")[2].partition("</section>")[0]
    assert "Next update" not in banner


def test_updates_stand_newest_first_with_their_changes_and_edits():
    said = text_of(drawn(pictures.busy(), "incidents/inccards.html"))
    assert said.index("We are investigating") < said.index("About one in five")
    assert "Checkout and payments: Degraded performance → Partial outage" in said
    assert "Edited 14 Oct, 03:05 CEST" in said
    assert "Began 14 Oct 2026, 02:47 CEST. Not resolved yet." in said


@pytest.mark.parametrize(("zone", "line"), [("Europe/Berlin", "All times CEST (UTC+2)"), ("UTC", "All times UTC ")])
def test_the_zone_of_all_times_is_said_once(zone, line):
    said = text_of(drawn(pictures.picture(on=pictures.page(time_zone=zone))))
    assert line in said
    assert "UTC (UTC)" not in said


def test_the_postmortem_stands_before_the_updates_of_its_incident():
    said = text_of(drawn(pictures.busy(), "incidents/inclogin.html"))
    assert said.index("What happened") < said.index("A fix is in place.")
    assert "Resolved after 38 minutes." in said


def test_bars_say_what_they_show_to_those_who_do_not_see_them():
    source = drawn(pictures.busy())
    assert 'aria-label="Checkout and payments: 99.82\xa0% uptime. Last 90 days: 3 days with problems."' in source
    assert "<title>Wed 14 Oct: Partial outage, 18 minutes</title>" in source
    assert 'aria-label="Reports and exports: 100\xa0% uptime. Last 90 days: no day with problems."' in source


def test_uptime_says_how_it_is_made_and_links_what_did_it():
    source = drawn(pictures.busy(), "uptime.html")
    assert "Degraded performance is shown and does not count as an outage." in source
    assert "Days are those of the time zone Europe/Berlin." in source
    assert '<a href="incidents/inclogin.html">Slow login</a>' in source
    assert "since 25 Sep 2026" in source


def test_a_component_without_a_known_day_claims_no_uptime():
    part = pictures.part("New", uptime=None, known=0)
    assert "No data yet" in drawn(pictures.picture(pictures.section(part)))


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("de", ("Betroffen: Checkout and payments und Storefront.", "Geplante Wartung", "Behoben nach 38 Minuten.")),
        (
            "fr",
            ("Composants touchés\xa0: Checkout and payments et Storefront.", "Maintenances prévues", "Résolu"),
        ),
        ("es", ("Componentes afectados: Checkout and payments y Storefront.", "Mantenimiento programado", "Resuelto")),
    ],
)
def test_a_page_speaks_its_language(locale, words):
    source = drawn(pictures.busy(on=pictures.page(locale=locale)))
    assert f'<html lang="{locale}">' in source
    assert [each for each in words if each not in source] == []


def test_a_long_history_has_a_document_for_each_quarter():
    told = tuple(
        pictures.told(
            f"inc{ago}", f"Trouble {ago}", "resolved", pictures.said(f"u{ago}", "resolved", "Over.", AT),
            started_at=AT - timedelta(days=ago), resolved_at=AT,
        )
        for ago in range(110)
    )  # fmt: skip
    found = html.documents(pictures.picture(told=told))
    names = sorted(path for path in found if path.startswith("history"))
    assert names == ["history-2026-q2.html", "history-2026-q3.html", "history.html"]
    assert [each in found["history.html"][1].decode() for each in ("Trouble 0<", "Trouble 20<")] == [True, False]
    assert b'<a href="history-2026-q2.html">Older</a>' in found["history-2026-q3.html"][1]
    assert b'<a href="history.html">Newer</a>' in found["history-2026-q3.html"][1]


def test_every_link_is_relative_and_leads_to_a_document():
    found = html.documents(
        pictures.busy(on=pictures.page(support_url="https://help.example.com", logo=b"x", logo_type="image/png"))
    )
    wrong = []
    for path, (kind, body) in found.items():
        if not kind.startswith("text/html"):
            continue
        for _, name, value in Attributes(body.decode()).found:
            if name not in ("href", "src", "action", "data-as-of") or value.startswith(("#", "https://help.")):
                continue
            target = normpath(join(dirname(path), value.partition("#")[0]))
            if target not in found and target not in ELSEWHERE:
                wrong.append((path, value))
    assert wrong == []


HOSTILE = (
    '<script>alert(1)</script><img src=x onerror=alert(1)><b hx-get="/x" data-hx-post="/y" style="color:red">b</b> '
    "[a](javascript:alert(1)) ![i](https://evil.example/i.png) "
    '[fine](https://ok.example "t\\" onclick=x") "><svg onload=x>'
)


def test_nothing_that_anybody_wrote_can_do_anything():
    part = pictures.part(HOSTILE[:80], description=HOSTILE)
    said = pictures.said("u1", "investigating", HOSTILE, AT)
    told = pictures.told("inc1", HOSTILE[:110], "investigating", said, started_at=AT, parts=((part, "operational"),))
    works = pictures.works("w1", HOSTILE[:110], "scheduled", AT, AT + MINUTE, part, text=HOSTILE)
    page = pictures.page(name=HOSTILE[:80], about=HOSTILE)
    picture = pictures.picture(pictures.section(part, name=HOSTILE[:70]), told=(told,), works=(works,), on=page)
    for path, (kind, body) in html.documents(picture).items():
        if not kind.startswith("text/html"):
            continue
        found = Attributes(body.decode()).found
        assert [each for each in found if each[1].startswith(("on", "hx-", "data-hx", "style"))] == [], path
        assert [each for each in found if each[0] in ("img", "iframe")] == [], path
        assert [each for each in found if "javascript:" in each[2] and each[1] in ("href", "src")] == [], path
        scripts = [each for each in found if each[0] == "script"]
        assert {each[1] for each in scripts} <= {"src", "defer"}, path
        assert b"<script>" not in body, path
    assert b'rel="noopener noreferrer nofollow"' in html.documents(picture)["index.html"][1]


def test_documents_are_the_same_for_the_same_picture_and_small():
    one, two = html.documents(pictures.busy()), html.documents(pictures.busy())
    assert one == two
    needed = [path for path in one if path in ("index.html", "icon.svg") or path.startswith("status.")]
    assert len(needed) == 4
    assert sum(len(gzip.compress(one[path][1])) for path in needed) < 12_000


def test_fifty_components_stay_below_fifty_kilobytes():
    parts = [
        pictures.part(
            f"Component {number}", bad={each: ("partial_outage", 60 * each, "") for each in range(number, 90, 9)}
        )
        for number in range(50)
    ]
    found = html.documents(pictures.picture(pictures.section(*parts)))
    needed = [
        body for path, (_, body) in found.items() if path in ("index.html",) or path.startswith(("status.", "icon"))
    ]
    assert sum(len(gzip.compress(body, 6)) for body in needed) < 50_000


def test_the_pages_colour_is_in_its_own_sheet_with_ink_that_can_be_read():
    plain, blue = (html.documents(pictures.picture(on=pictures.page(colour=each))) for each in ("", "#1d4ed8"))
    sheets = [next(path for path in found if path.endswith(".css")) for found in (plain, blue)]
    assert sheets[0] != sheets[1]
    assert b"--brand: #1d4ed8; --on-brand: #ffffff;" in blue[sheets[1]][1]
    assert b"--brand: #" not in plain[sheets[0]][1]


def test_an_exported_page_sends_its_form_to_muster(settings):
    form = 'method="post" action="{}"'
    assert form.format("subscribe") in drawn(pictures.busy())
    settings.MUSTER = replace(settings.MUSTER, status_export=Path("/srv/status"))
    assert form.format("http://127.0.0.1:8000/status/acme/subscribe") in drawn(pictures.busy())


def test_headings_of_an_update_stand_below_those_of_the_page():
    assert "<h3>What happened</h3>" in drawn(pictures.busy(), "incidents/inclogin.html")
    loud = pictures.said("u1", "investigating", "# Very loud\n\n###### Quiet", AT)
    told = pictures.told("inc1", "Slow", "investigating", loud, started_at=AT)
    source = drawn(pictures.picture(told=(told,), indicator="minor"))
    assert ("<h4>Very loud</h4>" in source, "<h4>Quiet</h4>" in source) == (True, True)
