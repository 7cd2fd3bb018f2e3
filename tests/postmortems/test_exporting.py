"""A postmortem as a file: what is in it, and that nobody's text does anything there."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.urls import reverse

from core import pdf
from incidents import action_items
from postmortems import exporting, reading
from postmortems.models import Factor, KeyEvent, Section
from tests import make
from tests.postmortems import stories
from tests.postmortems.test_pdf import SECRET, listener, read, text_of

NOW = make.NOW + timedelta(hours=2)
FORMATS = ["markdown", "html", "pdf"]


class Seen(HTMLParser):
    """Every element and attribute of a document, and its text."""

    def __init__(self, body):
        super().__init__()
        self.tags, self.attributes, self.words = [], [], []
        self.feed(body.decode())

    def handle_starttag(self, tag, attrs):
        """Note it."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data):
        """Note it."""
        self.words.append(data)

    @property
    def text(self):
        """As one line."""
        return " ".join(" ".join(self.words).split())


def body_of(postmortem, format_):
    return exporting.export(postmortem, format_, now=NOW).body


def hostile(port, secret):
    """Texts that try to fetch, to read, to run, and to break out of where they stand."""
    web = f"http://127.0.0.1:{port}"
    return [
        f"<img src={secret}> ![a]({web}/a.png) [a](javascript:alert(1)) <link rel=attachment href={secret}>",
        f"<style>@import '{web}/c.css'; body {{ background: url({web}) }}</style></style><script>alert(1)</script>",
        f"<svg onload=alert(1)><image href='{web}/i'/></svg> <a rel=attachment href='{secret}'>x</a> <base href={web}>",
        f"[a](data:text/html,x) [b]({secret}) <iframe src={web}></iframe> <https://example.com> ![x][y]\n\n[y]: {web}",
        f"\\22;}} @import url({web}/e); /* \\3c/style\\3e */ \"'><object data={secret}></object>",
        f"{{{{ settings.SECRET_KEY }}}} {{% include '/etc/passwd' %}} <p style=\"background:url({web})\" hx-get={web}>",
    ]


@pytest.fixture
def attacked(alice, tmp_path):
    """A postmortem whose every text is hostile, and what came in where they point: (postmortem, requests)."""
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    with listener() as (port, came):
        texts = hostile(port, secret.as_uri())
        alice.name = texts[4][:100]
        alice.save()
        service = make.service("shop", name=texts[0][:90])
        made = make.postmortem(by=alice, title=texts[0] + texts[4], services=[service])
        for section in made.sections.all():
            body = "\n\n".join([texts[section.position % 6], texts[(section.position + 1) % 6], section.body])
            Section.objects.filter(pk=section.pk).update(title=texts[section.position % 6][:120], body=body)
        KeyEvent.objects.create(postmortem=made, at=make.NOW, text="".join(texts)[:900], changed_by=alice)
        for text in texts:
            action_items.add(made.incident, title=text[:250], owner=alice, by=alice)
        item = action_items.add(made.incident, title=texts[1], by=alice)
        action_items.accept_risk(item, reason=texts[2], by=alice)
        made.factors.add(Factor.objects.create(name=texts[1][:60]))
        yield type(made).objects.whole().get(pk=made.pk), came


# ---- what is in a file -----------------------------------------------------------------------------------------------


def test_markdown_has_a_title_the_facts_and_the_sections(alice):
    made = stories.told(alice, title="Pool | *full*", notes=1, services=[make.service("checkout")])
    reference = made.incident.reference
    text = body_of(made, "md").decode()
    head, _, rest = text.partition("\n## Timeline\n")
    assert head == (
        f"# Postmortem of {reference}: Pool \\| \\*full\\*\n\n"
        "| | |\n|---|---|\n"
        f"| Incident | {reference} |\n"
        "| Severity | Critical |\n"
        "| State | Draft |\n"
        "| Owner | Alice |\n"
        "| Impact began | 14 Oct 2026, 01:45 UTC |\n"
        "| Detected | 14 Oct 2026, 01:47 UTC |\n"
        "| Resolved | 14 Oct 2026, 02:57 UTC |\n"
        "| Lasted | 1 h 12 min |\n"
        "| As of | 14 Oct 2026, 03:47 UTC |\n"
        "| Affected services | Checkout |\n"
        "| Contributing factors | Capacity, Missing alert |\n\n"
        f"<http://127.0.0.1:8000/postmortems/{reference}>\n\n"
        f"## Summary\n\n{stories.TEXTS['summary']}\n"
    )
    assert "- **01:57** A vendor called\n" in rest
    assert "- Limit retries (Preventive; owner Alice; due 28 Oct 2026; done)\n" in rest
    assert text.count("\n## ") == 7
    assert text.endswith("- It was night.\n")


def test_html_is_one_file_that_forbids_itself_everything_else(alice):
    made = stories.told(alice, notes=1)
    seen = Seen(body_of(made, "html"))
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert ("meta", "content", policy) in seen.attributes
    assert {"script", "link", "img", "iframe", "form"}.isdisjoint(seen.tags)
    assert seen.tags.count("style") == 1
    assert [value for _, name, value in seen.attributes if name in {"src", "style", "action", "data"}] == []
    assert f"How {made.incident.reference} went" in seen.text
    assert "Wednesday, 14 October 2026 (UTC) 01:47" in seen.text
    assert "Limit retries Preventive Alice 28 Oct 2026 Done" in seen.text


def test_times_in_files_are_utc_whoever_saves_them(client, alice):
    alice.time_zone = "Asia/Tokyo"
    alice.save()
    made = stories.told(alice, notes=1)
    client.force_login(alice)
    seen = Seen(client.get(reverse("postmortems:export_html", args=[made.incident.reference])).content)
    assert "01:48 Alice acknowledged it" in seen.text
    assert "Acknowledged 14 Oct, 01:48" in seen.text


def test_one_that_is_published_says_since_when(alice):
    made = make.postmortem(by=alice)
    made.state, made.published_at = made.State.PUBLISHED, NOW
    made.save()
    facts = dict(exporting.facts_of(reading.read(made), now=NOW))
    assert (facts["State"], facts["Published"], "As of" in facts) == ("Published", "14 Oct 2026, 03:47 UTC", False)


# ---- the address -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format_", "ending", "content_type"),
    [("markdown", "md", "text/markdown; charset=utf-8"), ("html", "html", "text/html; charset=utf-8")],
)
def test_files_are_to_save_and_no_page_of_ours(client, charlie, format_, ending, content_type):
    made = make.postmortem()
    client.force_login(charlie)
    answer = client.get(reverse(f"postmortems:export_{format_}", args=[made.incident.reference]))
    assert answer.status_code == 200
    assert answer["Content-Type"] == content_type
    assert answer["Content-Disposition"] == f'attachment; filename="postmortem-{made.incident.reference}.{ending}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Content-Security-Policy"].endswith("img-src data:; sandbox")


def test_pdf_is_to_save_too(client, charlie, monkeypatch):
    monkeypatch.setattr(pdf, "make", lambda html, **_: b"%PDF" + html[:15].encode())
    made = make.postmortem()
    client.force_login(charlie)
    answer = client.get(reverse("postmortems:export_pdf", args=[made.incident.reference]))
    assert (answer["Content-Type"], answer.content) == ("application/pdf", b"%PDF<!doctype html>")
    assert answer["Content-Disposition"] == f'attachment; filename="postmortem-{made.incident.reference}.pdf"'


@pytest.mark.parametrize("format_", FORMATS)
def test_what_one_may_not_see_is_not_there(client, bob, format_):
    made = make.postmortem(is_private=True)
    client.force_login(bob)
    assert client.get(reverse(f"postmortems:export_{format_}", args=[made.incident.reference])).status_code == 404


# ---- hostile texts ---------------------------------------------------------------------------------------------------


@pytest.mark.enable_socket
def test_nothing_of_what_people_wrote_runs_or_is_fetched(attacked, client, alice):
    made, came = attacked
    body = body_of(made, "pdf")
    assert came == []
    assert SECRET not in text_of(body)
    assert read(body).attachments == {}
    actions = [note["/A"] for page in read(body).pages for note in page.get("/Annots", []) if "/A" in note]
    assert {action["/S"] for action in actions} == {"/URI"}
    assert {action["/URI"].partition(":")[0] for action in actions} == {"http", "https"}

    client.force_login(alice)
    page = client.get(made.get_absolute_url()).content
    for html in (body_of(made, "html"), page):
        seen = Seen(html)
        assert {"base", "object", "embed", "iframe", "image", "img"}.isdisjoint(seen.tags)
        hrefs = [value for tag, name, value in seen.attributes if name == "href" and tag == "a"]
        assert {href.partition(":")[0] for href in hrefs if ":" in href} <= {"http", "https"}
        assert [name for _, name, _ in seen.attributes if name.startswith("on") or name == "style"] == []
        assert [value for _, name, value in seen.attributes if name == "rel" and "attachment" in value] == []
    seen = Seen(body_of(made, "html"))
    assert (seen.tags.count("style"), seen.tags.count("script"), seen.tags.count("link")) == (1, 0, 0)
    assert SECRET not in seen.text
    assert came == []
