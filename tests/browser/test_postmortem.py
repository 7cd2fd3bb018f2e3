"""Two people write in one section of a postmortem, each in a window of their own, with nothing but a keyboard.

``script/prove two_editors`` is the long one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from playwright.sync_api import Page, expect

from postmortems import editing
from tests import make
from tests.browser.axe import in_every_light, violations
from tests.browser.hands import Keyboard
from tests.live import wait_until

SOON_MS = 4_000  # the pause after the last letter, the save, and the other's look
CARET = "field => field.value.slice(0, field.selectionStart).split(' ').at(-1)"


@pytest.fixture
def written(transactional_db):
    """Alice, bob, and a draft whose root cause somebody has written."""
    alice, bob = make.user("alice", name="Alice Moreau"), make.user("bob", name="Bob Lindqvist")
    postmortem = make.postmortem(by=alice, title="Search answers nothing")
    section = postmortem.sections.get(key="root_cause")
    editing.write(section, body="The disk of the index was full.\n\nNobody was told.", by=alice)
    return alice, bob, section


@contextmanager
def both_at_the_desk(windows, written) -> Iterator[tuple[Page, Page]]:
    """The editor in alice's window and in bob's; neither is loaded again unless a test does it."""
    alice, bob, section = written
    with ExitStack() as opened:
        pages = [opened.enter_context(windows.open(user=user)) for user in (alice, bob)]
        for page in pages:
            page.goto(f"/postmortems/INC-{section.postmortem.incident_id}/edit")
        for page in pages:
            expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
        yield pages[0], pages[1]


def field_of(page: Page):
    return page.get_by_label("Root cause, in Markdown")


def said(page: Page):
    return page.locator("#edit-root_cause [data-part=said]")


def type_at(page: Page, words: str, *, after: str) -> None:
    """With the keyboard: to the field, behind these words, and there."""
    field = field_of(page)
    Keyboard(page)._reach(field)
    field.evaluate("(field, at) => field.setSelectionRange(at, at)", field.input_value().index(after) + len(after))
    page.keyboard.type(words)


def text(section) -> str:
    return type(section).objects.get(pk=section.pk).body


def test_two_people_type_in_one_section_and_both_have_all_of_it(windows, written):
    section = written[2]
    with both_at_the_desk(windows, written) as (hers, his):
        type_at(his, " soon enough", after="Nobody was told")
        type_at(hers, " big", after="The")
        merged = "The big disk of the index was full.\n\nNobody was told soon enough."
        wait_until(lambda: text(section) == merged, "one of them has lost something")
        for page, word in ((hers, "big"), (his, "enough")):
            assert field_of(page).evaluate(CARET) == word, "what came in besides has moved the place where one writes"
        # Whoever leaves the field sees what the other wrote; how it reads is beside it.
        for page in (hers, his):
            page.keyboard.press("Tab")
            expect(field_of(page)).to_have_value(merged, timeout=SOON_MS)
            expect(page.locator("#edit-root_cause [data-part=preview]")).to_contain_text("told soon enough.")
        editing.write(section, body="Written from elsewhere.", by=written[1])
        for page in (hers, his):
            expect(field_of(page)).to_have_value("Written from elsewhere.", timeout=SOON_MS)


def test_the_same_words_are_told_and_a_person_decides_and_a_reload_loses_nothing(windows, written):
    alice, bob, section = written
    with both_at_the_desk(windows, written) as (hers, his):
        type_at(his, " half", after="was")
        editing.write(section, body="The disk of the index was quite full.\n\nNobody was told.", by=alice)
        expect(said(his)).to_contain_text("Not saved: Alice Moreau has changed the same words", timeout=SOON_MS)
        conflict = his.locator("#edit-root_cause .mu-desk-conflict")
        expect(conflict).to_contain_text("The disk of the index was quite full.")
        assert violations(his, of="#edit-root_cause") == []
        his.reload()
        expect(field_of(his)).to_have_value("The disk of the index was half full.\n\nNobody was told.")
        expect(said(his)).to_contain_text("Not saved: Alice Moreau", timeout=SOON_MS)
        assert "half" not in text(section)
        Keyboard(his).press(his.get_by_role("button", name="Edit both together"))
        expect(field_of(his)).to_be_focused()
        expect(field_of(his)).to_have_value(
            "The disk of the index was quite full.\nThe disk of the index was half full.\n\nNobody was told."
        )
        his.keyboard.press("Control+Enter")
        expect(said(his)).to_contain_text("Saved", timeout=SOON_MS)
        expect(field_of(hers)).to_have_value(field_of(his).input_value(), timeout=SOON_MS)
    assert len(windows.complaints) == 2, "Chromium reports the two 409 itself"
    assert all("409" in words for words in windows.complaints)
    windows.complaints.clear()


def test_the_pages_are_clean_and_fit(windows, written):
    alice, _, section = written
    page_of = f"/postmortems/INC-{section.postmortem.incident_id}"
    event = section.postmortem.events.first()
    found = {}
    with windows.open(user=alice) as page:
        for name in ("edit", "events", "events?show=rest", f"events/{event.pk}/edit", "history"):
            page.goto(f"{page_of}/{name}")
            found[name] = in_every_light(page)
        page.goto("/postmortems/")
        found["list"] = in_every_light(page)
    assert not any(found.values()), found
