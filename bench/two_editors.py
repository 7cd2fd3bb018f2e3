"""Two people at one section of a postmortem, each in a browser of their own: 200 random edits, and no word is lost
without somebody being told.

Both type words that are there once in the world, at random places of the same text and often at its end; pauses are
such that sometimes the page saves in between and sometimes it does not, and one answer in twelve is lost on its way
back. Whoever is told that the same words were changed presses one of the three buttons. In the end every word must be
in the text but those that somebody, when asked, has decided against.
"""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import BrowserContext, Page, Route, async_playwright

from bench import browsers, stack, table

SEED = 20261130
EDITS = 200
PEOPLE = ("alice", "bob")
SHORTEST_PAUSE, LONGEST_PAUSE, DECIDED_SECONDS = 0.1, 2.2, 0.3
LOST_ANSWERS = 1 / 12
AT_THE_END, LAST = 0.2, 0.9999  # where both would write
PATIENCE_MS, SETTLE_SECONDS = 20_000, 40.0
CONFLICT = 409
WORD = re.compile(r"\b[ab]\d{4}\b")

SET_UP = """
from accounts.models import User
from incidents import lifecycle
from incidents.lifecycle import Draft
from postmortems import drafting, editing

User.objects.create_user("bob", role="responder")
alice = User.objects.get(username="alice")
incident = lifecycle.declare(Draft(title="Search answers nothing", severity="critical", services=[]))
postmortem = drafting.start(lifecycle.resolve(incident, by=alice), by=alice)
text = "\\n\\n".join(f"Paragraph {n} says what is known of it so far, and leaves room." for n in range(1, 5))
section = editing.write(postmortem.sections.get(key="root_cause"), body=text, by=alice)
print("section", section.pk)
print("page", f"/postmortems/INC-{incident.pk}/edit")
"""
BODY = "SELECT body FROM postmortems_section WHERE id = {}"
MERGED = "SELECT count(*) FROM postmortems_revision WHERE section_id = {} AND note = 'merged'"
SAVES = "SELECT count(*) FROM postmortems_revision WHERE section_id = {} AND by_id IS NOT NULL"

FIELD = "#text-root_cause"
CHOICES = "#edit-root_cause [data-choice]"
AIM = """(field, share) => {
    const ends = [...field.value.matchAll(/\\S(?=\\s|$)/g)].map((one) => one.index + 1);
    const at = ends[Math.floor(share * ends.length)] ?? field.value.length;
    field.focus();
    field.setSelectionRange(at, at);
}"""


@dataclass
class Written:
    """What both have typed, been told and decided."""

    typed: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    conflicts: int = 0
    lost_answers: int = 0
    choices: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    def lost(self, text: str) -> set[str]:
        """Words that nobody has decided against and that are not in the text."""
        return self.typed - self.refused - words_of(text)


def words_of(text: str) -> set[str]:
    """The words that were typed into a text."""
    return set(WORD.findall(text))


@dataclass
class Editor:
    """One of the two, at the page."""

    name: str
    page: Page
    written: Written
    chance: random.Random
    count: int = 0

    async def edit(self) -> None:
        """Type a word somewhere, then pause."""
        await self.decide()
        self.count += 1
        word = f"{self.name[0]}{self.count:04}"
        at_the_end = self.chance.random() < AT_THE_END
        await self.page.locator(FIELD).evaluate(AIM, LAST if at_the_end else self.chance.random())
        await self.page.keyboard.type(f" {word}", delay=12)
        self.written.typed.add(word)
        await asyncio.sleep(self.chance.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))

    async def decide(self) -> None:
        """Where somebody else has changed the same words: one of the three ways on."""
        if not await self.page.locator(CHOICES).count():
            return
        mine = words_of(await self.page.locator(FIELD).input_value())
        theirs = words_of(await self.page.locator("#edit-root_cause [data-part=theirs]").text_content() or "")
        choice = self.chance.choice(("theirs", "mine", "together"))
        self.written.choices.append(choice)
        if choice != "together":
            self.written.refused |= mine - theirs if choice == "theirs" else theirs - mine
        await self.page.locator(f"#edit-root_cause [data-choice={choice}]").click()
        await asyncio.sleep(DECIDED_SECONDS)

    async def lose_some(self, route: Route) -> None:
        """A save arrives, and now and then its answer does not."""
        if "together=" in (route.request.post_data or "") or self.chance.random() >= LOST_ANSWERS:
            await route.continue_()
            return
        await route.fetch()
        self.written.lost_answers += 1
        await route.abort()

    def hear(self, response: Any) -> None:
        """Count who was told."""
        self.written.conflicts += response.status == CONFLICT


async def _open(context: BrowserContext, base_url: str, cookie: str, address: str, editor: Editor) -> None:
    key, _, value = cookie.partition("=")
    await context.add_cookies([{"name": key, "value": value, "url": base_url}])
    editor.page.on("pageerror", lambda error: editor.written.troubles.append(f"A page: {error}"))
    editor.page.on("response", editor.hear)
    await editor.page.goto(address)
    await editor.page.locator("#live-state[data-state=live]").wait_for()
    await editor.page.route("**/sections/root_cause", editor.lose_some)


async def _work(editor: Editor, edits: int) -> None:
    for _ in range(edits):
        await editor.edit()


async def _settle(editors: list[Editor]) -> None:
    """Hands off: nothing is asked any more, and both see the same."""
    async with asyncio.timeout(SETTLE_SECONDS):
        while True:
            for editor in editors:
                await editor.page.unroute("**/sections/root_cause")
                await editor.decide()
                await editor.page.locator("h1").click()
            await asyncio.sleep(1)
            texts = [await editor.page.locator(FIELD).input_value() for editor in editors]
            states = [
                await editor.page.locator(FIELD).evaluate("field => field.value === field.defaultValue")
                for editor in editors
            ]
            if texts[0] == texts[1] and all(states) and not await editors[0].page.locator(CHOICES).count():
                break
    for editor in editors:
        editor.written.shown[editor.name] = await editor.page.locator(FIELD).input_value()


async def _write(base_url: str, cookies: list[str], address: str, edits: int) -> Written:
    written = Written()
    async with async_playwright() as playwright:
        launched = [
            await playwright.chromium.launch(executable_path=browsers.CHROMIUM, args=browsers.ARGUMENTS) for _ in PEOPLE
        ]
        editors = []
        for name, cookie, browser in zip(PEOPLE, cookies, launched, strict=True):
            context = await browser.new_context(base_url=base_url, viewport={"width": 1440, "height": 900})
            context.set_default_timeout(PATIENCE_MS)
            editor = Editor(name, await context.new_page(), written, random.Random(f"{SEED} {name}"))
            await _open(context, base_url, cookie, address, editor)
            editors.append(editor)
        await asyncio.gather(*(_work(editor, edits // len(PEOPLE)) for editor in editors))
        await _settle(editors)
        for browser in launched:
            await browser.close()
    return written


def main(*, edits: int = EDITS) -> None:
    """Print the table; fails where a word was lost, or the two screens are not what was saved."""
    with stack.running() as muster:
        said = dict(browsers.run(muster, SET_UP))
        cookies = browsers.cookies(muster, *PEOPLE)
        written = asyncio.run(_write(muster.base_url, cookies, said["page"], edits))
        ((text,),) = muster.query(BODY.format(said["section"]))
        ((merged,),) = muster.query(MERGED.format(said["section"]))
        ((saves,),) = muster.query(SAVES.format(said["section"]))
    lost = written.lost(text)
    rows = [
        ["edits", len(written.typed)],
        ["saves", saves],
        ["merged", merged],
        ["told (409)", written.conflicts],
        ["answers lost on the way", written.lost_answers],
        ["decided against when asked", len(written.refused)],
        ["lost", len(lost)],
    ]
    table.show("Two people type in one section, each in a browser", rows, head=["what", "count"])
    assert not written.troubles, "\n".join(written.troubles[:10])
    assert not lost, f"lost: {sorted(lost)}"
    assert set(written.shown.values()) == {text}, "a screen shows something else than what was saved"
    assert len(written.typed) == edits
    assert merged, "they never were in each other's way"
    assert written.conflicts, "they never wrote the same words"
