"""Public pages in a browser: for everybody, on every screen, with and without a script."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from statuspage import html, shelf
from statuspage.models import Document, StatusPage
from tests import make
from tests.browser import axe
from tests.statuspage import pictures

ADDRESSES = [
    "",
    "history.html",
    "uptime.html",
    "incidents/inccards.html",
    "incidents/inclogin.html",
    "maintenance/wrkupgrade.html",
    "embed.html",
]

OUTSIDE = """() => [...document.querySelectorAll(".mu-banner *, .mu-component *, .mu-group *")].filter((one) => {
    const card = one.closest(".mu-banner, .mu-component, .mu-group");
    const room = card.getBoundingClientRect().right - parseFloat(getComputedStyle(card).paddingRight);
    return one.getBoundingClientRect().right > room + 1;
}).map((one) => one.textContent)"""


def published(**fields) -> StatusPage:
    """A stored page with the documents of the mockups' picture."""
    page = make.status_page("acme", name="Acme status", time_zone="Europe/Berlin", **fields)
    write(page, html.documents(pictures.busy(on=page)))
    return page


def write(page, documents):
    now = timezone.now()
    for path, (kind, body) in documents.items():
        given = {"content_type": kind, "body": body, "etag": str(hash(body))[:32], "rendered_at": now}
        Document.objects.update_or_create(page=page, path=path, defaults=given)
    shelf.clear()


@pytest.mark.parametrize("locale", ["en", "de"])
def test_every_public_page_is_for_everybody(windows, transactional_db, locale):
    published(locale=locale, colour="#1d4ed8")
    with windows.open() as page:
        found = {}
        for address in ADDRESSES:
            page.goto(f"/status/acme/{address}")
            found[address] = axe.in_every_light(page)
        assert found == {address: [] for address in ADDRESSES}
        assert page.context.cookies() == []


def test_long_words_stay_inside_a_narrow_page(windows, transactional_db):
    word = "Donaudampfschifffahrtsgesellschaftskapitän"
    page_ = make.status_page("acme", name=word, locale="de")
    parts = [pictures.part(name, "degraded_performance") for name in ("Einlesen von Belegen", word)]
    said = pictures.said("u1", "identified", "Belege kommen spät an.", pictures.AT)
    told = pictures.told(
        "inc1", word, "identified", said, started_at=pictures.AT, parts=((parts[1], "partial_outage"),)
    )
    section = pictures.section(*parts, name=word[:30], health="degraded_performance")
    write(page_, html.documents(pictures.picture(section, on=page_, indicator="minor", told=(told,))))
    with windows.open(screen="phone") as page:
        page.goto("/status/acme/")
        assert axe.too_wide(page) == []
        assert page.evaluate(OUTSIDE) == []


def test_nothing_is_asked_of_anybody_else(windows, transactional_db):
    published()
    with windows.open() as page:
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto("/status/acme/", wait_until="networkidle")
        assert [url for url in asked if not url.startswith(f"{windows.base_url}/status/acme/")] == []


def test_it_is_whole_without_a_script(windows, transactional_db):
    published()
    with windows.open(java_script_enabled=False) as page:
        page.goto("/status/acme/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Card payments fail at checkout")
        page.get_by_role("link", name="Full history").click()
        page.get_by_role("link", name="Slow login").click()
        expect(page.get_by_role("heading", name="Postmortem")).to_be_visible()
        page.get_by_role("link", name="Current status").click()
        expect(page).to_have_url(f"{windows.base_url}/status/acme/index.html")


def test_a_page_that_nobody_confirms_says_how_old_it_is(windows, transactional_db):
    page_ = published()
    Document.objects.filter(page=page_).update(rendered_at=timezone.now() - timedelta(minutes=11))
    with windows.open() as page:
        page.goto("/status/acme/")
        expect(page.get_by_role("status")).to_contain_text("Muster has not confirmed it since")
    write(page_, html.documents(pictures.busy(on=page_)))
    with windows.open() as page:
        page.goto("/status/acme/embed.html")
        page.goto("/status/acme/", wait_until="networkidle")
        expect(page.locator("#stale")).to_be_hidden()


def test_a_page_that_was_written_anew_shows_itself_anew(windows, transactional_db):
    page_ = published()
    with windows.open() as page:
        page.clock.install()
        page.goto("/status/acme/", wait_until="networkidle")
        shop = pictures.section(pictures.part("Shop"))
        calm = pictures.picture(shop, on=page_, at=pictures.AT + timedelta(hours=1))
        write(page_, html.documents(calm))
        page.clock.fast_forward(62_000)
        expect(page.get_by_role("heading", level=1)).to_have_text("All systems operational")


def test_it_works_from_a_folder_with_nothing_behind_it(windows, transactional_db, tmp_path):
    page_ = pictures.page(logo=None)
    documents = html.documents(pictures.busy(on=page_))
    documents["as-of.json"] = ("application/json", json.dumps({"at": timezone.now().isoformat()}).encode())
    for path, (_, body) in documents.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(body)
    with windows.open(java_script_enabled=False) as page:
        page.goto((tmp_path / "index.html").as_uri())
        page.get_by_role("link", name="Card payments fail at checkout").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Card payments fail at checkout")
        assert page.evaluate("getComputedStyle(document.querySelector('.mu-card')).borderTopWidth") == "1px"
