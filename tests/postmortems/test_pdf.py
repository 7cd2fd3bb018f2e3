"""PDFs are made apart: nothing is fetched for one, it takes no longer than it may, and without its libraries all else
works."""

from __future__ import annotations

import io
import os
import re
import socket
import tempfile
import threading
from contextlib import contextmanager, suppress

import pytest
from django.urls import reverse
from pypdf import PdfReader

from core import pdf
from postmortems import exporting
from tests import make
from tests.api.caller import Caller
from tests.postmortems import stories

SECRET = "a word of a local file"


def read(body):
    return PdfReader(io.BytesIO(body))


def text_of(body):
    """Its text, with each run of white space as one space."""
    return " ".join(" ".join(page.extract_text() for page in read(body).pages).split())


@contextmanager
def listener():
    """A port of loopback, and what came in there."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        over = threading.Event()

        def listen():
            while not over.is_set():
                try:
                    with server.accept()[0] as one:
                        came.append(one.recv(100))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield server.getsockname()[1], came
        finally:
            over.set()
            thread.join()


@pytest.mark.enable_socket
def test_the_renderer_fetches_nothing_whatever_the_html_asks_for(tmp_path):
    """What ``core.markdown`` would never let through, given to the process itself."""
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    with listener() as (port, came):
        web, file = f"http://127.0.0.1:{port}", secret.as_uri()
        html = "".join(
            f"""<link rel=stylesheet href="{there}/a.css"><link rel=attachment href="{there}"><img src="{there}">
            <style>@import "{there}/b.css"; @import url({there}/c.css);
            @font-face {{ font-family: x; src: url({there}/x.woff) }}
            p {{ font-family: x; background: url({there}/bg) }}
            h1::before {{ content: url({there}/h) }} li {{ list-style-image: url({there}/li) }}</style>
            <object data="{there}"></object><embed src="{there}"><iframe src="{there}"></iframe><base href="{there}">
            <svg><image href="{there}/i" width="9" height="9"/><use href="{there}#x"/>
            <style>@import "{there}/s.css"; rect {{ fill: url({there}#y) }}</style><rect width="9" height="9"/></svg>
            <a rel=attachment href="{there}">take it</a><h1>Text</h1><p>that stays</p><ul><li>one</ul>"""
            for there in (web, file)
        )
        made = pdf.make(html)
    assert came == []
    assert SECRET not in text_of(made)
    assert SECRET.encode() not in made
    assert "that stays" in text_of(made)
    assert read(made).attachments == {}


def test_a_postmortem_has_page_numbers_a_running_head_and_everything_it_says(alice):
    made = stories.told(alice, title="Checkout answers 502", notes=22, services=[make.service("checkout")])
    body = exporting.export(made, "pdf", now=make.NOW).body
    pages = [" ".join(page.extract_text().split()) for page in read(body).pages]
    reference = made.incident.reference
    numbers = [re.search(r"\d / \d", text)[0] for text in pages]
    assert numbers == [f"{page} / {len(pages)}" for page in range(1, len(pages) + 1)]
    assert ["Postmortem " + reference + " Checkout answers 502" in text for text in pages] == [
        False,
        *[True] * (len(pages) - 1),
    ]
    whole = " ".join(pages)
    for words in [
        "How it went",
        "Contributing factors Capacity, Missing alert",
        "one in five",
        "A vendor called (added by Alice)",
        "Looked at the wrong pool (corrected; the timeline says: 01:49 Alice: Looked at the pool, number 1)",
        "Risk accepted: It is replaced in spring.",
        "Lessons learned",
    ]:
        assert words in whole
    assert read(body).metadata.title == f"Postmortem of {reference}: Checkout answers 502"


def test_one_is_made_at_a_time_and_whoever_comes_meanwhile_is_asked_to_come_again(client, alice):
    made = make.postmortem()
    client.force_login(alice)
    with pdf._turn:
        answer = client.get(reverse("postmortems:export_pdf", args=[made.incident.reference]))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Another PDF is being made at this moment." in answer.content.decode()
    assert not pdf._turn.locked()


@pytest.mark.parametrize(
    "lacking",
    [
        "import sys; sys.modules['weasyprint'] = None",
        "import sys\nclass Broken:\n    def find_spec(self, name, *_):\n        if name == 'weasyprint':\n"
        "            raise OSError('cannot load library libpango-1.0-0')\nsys.meta_path.insert(0, Broken())",
    ],
    ids=["the package", "a library"],
)
def test_without_its_libraries_the_page_says_what_to_install(client, alice, monkeypatch, tmp_path, lacking):
    program = tmp_path / "program.py"
    program.write_text(f"{lacking}\nimport runpy\nrunpy.run_path({pdf.PROGRAM!r}, run_name='__main__')\n")
    monkeypatch.setattr(pdf, "PROGRAM", str(program))
    made = make.postmortem()
    client.force_login(alice)
    answer = client.get(reverse("postmortems:export_pdf", args=[made.incident.reference]))
    assert answer.status_code == 503
    assert "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0" in answer.content.decode()
    assert client.get(made.get_absolute_url()).status_code == 200
    assert client.get(reverse("postmortems:export_html", args=[made.incident.reference])).status_code == 200


def test_a_renderer_that_breaks_is_no_error_of_the_page(client, alice, monkeypatch, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("assert not 'a layout'")
    monkeypatch.setattr(pdf, "PROGRAM", str(program))
    made = make.postmortem()
    client.force_login(alice)
    answer = client.get(reverse("postmortems:export_pdf", args=[made.incident.reference]))
    assert (answer.status_code, "could not be laid out in pages" in answer.content.decode()) == (503, True)


def test_what_is_too_long_is_given_up_and_the_next_is_made(monkeypatch):
    monkeypatch.setattr(pdf, "COMPUTING_SECONDS", 0.7)
    with pytest.raises(pdf.TooLong, match="This story is too long .* Tell it shorter."):
        pdf.make("<p>word</p>" * 20_000, what="This story", instead="Tell it shorter.")
    assert not pdf._turn.locked()


def test_a_text_that_is_too_long_is_the_texts_doing_and_no_error_of_ours(client, alice, monkeypatch):
    made = make.postmortem(by=alice)
    made.sections.filter(key="summary").update(body="word\n\n" * 7_000)
    monkeypatch.setattr(pdf, "COMPUTING_SECONDS", 0.7)
    client.force_login(alice)
    page = client.get(reverse("postmortems:export_pdf", args=[made.incident.reference]))
    assert (page.status_code, "Save it as HTML" in page.content.decode()) == (422, True)
    answer = Caller(alice, "read").get(f"postmortems/{made.pk}/export?format=pdf")
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")


def test_a_table_of_a_thousand_columns_and_deep_nesting_end_in_time(alice, monkeypatch):
    made = make.postmortem(by=alice)
    bodies = [
        "|a" * 1_000 + "|\n" + "|-" * 1_000 + "|",
        "> " * 200 + "x",
        "".join("  " * i + "- x\n" for i in range(200)),
    ]
    for section, body in zip(made.sections.all(), bodies, strict=False):
        type(section).objects.filter(pk=section.pk).update(body=body)
    monkeypatch.setattr(pdf, "COMPUTING_SECONDS", 1.0)
    with suppress(pdf.TooLong):
        assert exporting.export(made, "pdf", now=make.NOW).body.startswith(b"%PDF")


def test_what_a_killed_web_process_has_left_is_cleared_by_the_next_pdf(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, of_another, foreign = (tmp_path / name for name in ("muster-pdf-a", "muster-pdf-b", "others"))
    for folder in (left, of_another, foreign):
        folder.mkdir()
        (folder / "font.otf").write_text("x")
    for folder in (left, foreign):
        os.utime(folder, (1, 1))
    assert pdf.make("<p>text</p>").startswith(b"%PDF")
    assert sorted(tmp_path.iterdir()) == [of_another, foreign], "another process may be making one at this moment"
