"""One runbook, three people who tick at once: seconds until each sees what the others did, and nothing is lost.

Alice and bob have a mouse and a wide screen, carol a phone. Each aims at a step of their own order and presses about
every 0.6 s; now and then two or three of them press the same step in the same moment, and then write what they saw at
it, all at once. Times are taken inside the pages, by the clock of the machine that all browsers share.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page, TimeoutError, async_playwright

from bench import browsers, stack, table

SEED = 20261130
RUNS, STEPS, CONTESTED = 6, 50, 10
PEOPLE = ("alice", "bob", "carol")
SHORTEST_PAUSE, LONGEST_PAUSE, AIM_SECONDS = 0.2, 0.6, 0.2
PATIENCE_MS, SETTLE_SECONDS = 20_000, 10.0
PROMISE_SECONDS = 1.0
OK, OVERTAKEN = 204, 409

DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}

SET_UP = """
from accounts.models import User
from incidents import lifecycle
from incidents.lifecycle import Draft
from runbooks import editing, running
from runbooks.guides import Guide, Step

for name in ("bob", "carol"):
    User.objects.create_user(name, role="responder")
alice = User.objects.get(username="alice")
body = "Look at it before it is changed.\\n\\n```\\nkubectl get pods -n ingest\\n```\\n\\nAll are ready."
steps = tuple(Step(f"Step number {{number}}", body) for number in range(1, {steps} + 1))
book = editing.create(Guide(title="Ingest is late", steps=steps), slug="ingest-late", by=alice)
for number in range({runs}):
    incident = lifecycle.declare(Draft(title=f"Ingest is late, {{number}}", severity="low", services=[]))
    print("run", running.start(incident, book, by=alice)[0].pk)
"""
STEPS_OF_RUN = """
    SELECT s.position, s.state, u.username, s.text FROM runbooks_runstep s LEFT JOIN accounts_user u ON u.id = s.by_id
    WHERE s.run_id = {} ORDER BY s.position
"""
DONE_ENTRIES = """
    SELECT (data->>'position')::int, count(*) FROM incidents_timelineentry
    WHERE kind = 'runbook_step' AND data->>'did' = 'done' AND (data->>'run')::int = {} GROUP BY 1
"""

# What a page notes: when each step was first drawn as done and by whom, the steps that were pressed, what the server
# answered and when, and everything that was said in a toast or a sheet.
WATCH = """() => {
    const now = () => performance.timeOrigin + performance.now();
    const noted = { seen: {}, pressed: [], undone: [], answers: [], said: [] }, last = {};
    const look = () => {
        for (const step of document.querySelectorAll(".mu-run-step.mu-is-done")) {
            if (noted.seen[step.id]) continue;
            const [, by] = step.querySelector(".mu-run-last").textContent.match(/Done by (\\S+),/) ?? [];
            noted.seen[step.id] = { by, at: 0 };
            requestAnimationFrame(() => { noted.seen[step.id].at = now(); });
        }
        for (const id of ["said", "sheet-body"]) {
            const words = document.getElementById(id).textContent.trim().replace(/\\s+/g, " ");
            if (words && words !== last[id]) noted.said.push(words);
            last[id] = words;
        }
    };
    const all = { subtree: true, childList: true, characterData: true, attributes: true };
    new MutationObserver(look).observe(document.body, all);
    look();
    new PerformanceObserver((list) => {
        for (const one of list.getEntries()) {
            const [, step] = one.name.match(/\\/steps\\/(\\d+)\\/done$/) ?? [];
            const at = performance.timeOrigin + one.responseEnd;
            if (step) noted.answers.push({ step: Number(step), status: one.responseStatus, at });
        }
    }).observe({ type: "resource" });
    addEventListener("click", (event) => {
        const [, step, what] = event.target.closest?.("form")?.action.match(/\\/steps\\/(\\d+)\\/(done|undo)$/) ?? [];
        if (step) (what === "done" ? noted.pressed : noted.undone).push({ step: Number(step), at: now() });
    }, true);
    window.noted = noted;
}"""
AIM = """(step) => {
    const button = document.querySelector(`#step-${step} form[action$="/done"] button`);
    if (!button) return null;
    const { top, bottom } = button.getBoundingClientRect();
    if (top < 90 || bottom > innerHeight - 90) button.scrollIntoView({ block: "center", behavior: "instant" });
    const box = button.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
}"""
PRESSES = "() => window.noted.pressed.length"
IS_ANSWERED = """() => window.noted.answers.length >= window.noted.pressed.length
    && (window.noted.answers.at(-1).status !== 409 || document.getElementById("sheet").open)"""
SHOWN = """() => Array.from(document.querySelectorAll(".mu-run-step"), (step) => [
    Number(step.id.slice(5)),
    step.className.match(/mu-is-(done|todo|skipped)/)[1],
    step.querySelector(".mu-run-last")?.textContent.match(/Done by (\\S+),/)?.[1] ?? null,
    step.querySelector(".mu-note")?.innerText ?? "",
])"""

# A round of a plan: who takes which step. Those of one step press it in the same moment.
Round = Mapping[str, int]
Row = tuple[int, str, str | None, str]


def plan(chance: random.Random, *, steps: int, contested: int, side_by_side: bool) -> list[Round]:
    """Everybody's steps: from the front, from the back and from the middle, or one beside the other."""
    disputed = sorted(chance.sample(range(1, steps + 1), contested))
    rest = [step for step in range(1, steps + 1) if step not in disputed]
    share = -(-len(rest) // 3)
    orders = [rest[:share], rest[2 * share :][::-1], rest[share : 2 * share]]
    if side_by_side:
        orders = [rest[first::3] for first in range(3)]
    rounds: list[Round] = [
        {who: order[number] for who, order in zip(PEOPLE, orders, strict=True) if number < len(order)}
        for number in range(share)
    ]
    for step in disputed:
        rivals = chance.sample(PEOPLE, chance.choice((2, 3)))
        rounds.insert(chance.randrange(len(rounds) + 1), dict.fromkeys(rivals, step))
    return rounds


@dataclass
class Followed:
    """What three people did, and what their screens say at the end."""

    noted: dict[str, dict[str, Any]] = field(default_factory=dict)
    shown: dict[str, list[Row]] = field(default_factory=dict)
    texts: list[tuple[int, str]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    slips: list[str] = field(default_factory=list)

    @property
    def collisions(self) -> int:
        """How often somebody was told that somebody else was faster."""
        return sum(answer["status"] == OVERTAKEN for notes in self.noted.values() for answer in notes["answers"])

    def seen_after(self, *, since: str) -> list[float]:
        """Seconds until each tick was on each of the others' screens, ``since`` it was pressed or answered."""
        found = []
        for who, notes in self.noted.items():
            for answer, press in zip(notes["answers"], notes["pressed"], strict=True):
                if answer["status"] != OK:
                    continue
                at = (press if since == "pressed" else answer)["at"]
                others = [other["seen"][f"step-{answer['step']}"] for name, other in self.noted.items() if name != who]
                found += [(sight["at"] - at) / 1000 for sight in others]
        return found

    def lost(self, rows: Iterable[Row], done: Mapping[int, int]) -> list[str]:
        """What is not as it should be, held against the steps and their entries in the database; nothing, if all is."""
        wrong = list(self.troubles)
        kept = {row[0]: row for row in rows}
        won = {a["step"]: who for who, notes in self.noted.items() for a in notes["answers"] if a["status"] == OK}
        for position, (_, state, by, text) in kept.items():
            if (state, by, done.get(position)) != ("done", won.get(position), 1):
                wrong.append(
                    f"step {position} is {state} by {by}, done {done.get(position)} times, not by {won.get(position)}"
                )
            wrong += [f"{said} is not at step {at}" for at, said in self.texts if at == position and said not in text]
        for who, shown in self.shown.items():
            wrong += [f"{who} sees {row}, not {kept[row[0]]}" for row in shown if not _same(row, kept[row[0]])]
        for who, notes in self.noted.items():
            wrong += [f"{who} was told: {words}" for words in notes["said"] if not _expected(words)]
        return wrong


def _same(shown: Row, kept: Row) -> bool:
    return shown[:3] == kept[:3] and shown[3].split() == kept[3].split()


def _expected(words: str) -> bool:
    """Of one's own and others' steps, a form to write in, or who was faster."""
    told = (" did step ", " is done.", "Added.", "What you saw")
    return any(one in words for one in told) and not words.startswith("Not sent")


@dataclass
class Person:
    """One of the three, at the page of the run."""

    name: str
    page: Page
    is_touch: bool
    followed: Followed

    async def tick(self, step: int, rivals: asyncio.Barrier) -> None:
        """Aim, wait for the others who aim at the same, press, and read what comes of it."""
        presses = await self.page.evaluate(PRESSES)
        aimed = await self._aim(step)
        await rivals.wait()
        if aimed is None:
            return  # somebody else's, and seen in time
        if self.is_touch:
            await self.page.touchscreen.tap(*aimed)
        else:
            await self.page.mouse.down()
            await self.page.mouse.up()
        pressed = (await self.page.evaluate("() => window.noted.pressed.map((one) => one.step)"))[presses:]
        if pressed != [step]:
            self.followed.slips.append(f"{self.name} aimed at step {step} and pressed {pressed or 'nothing'}")
        if pressed:
            await self.page.wait_for_function(IS_ANSWERED)
        if await self.page.locator("#sheet[open]").count():
            await self._press("#sheet [data-close]")

    async def write(self, step: int, words: str) -> None:
        """What was seen, in the sheet."""
        await self._press(f"#step-{step} a[href$='/seen']")
        await self.page.locator("#sheet[open] textarea").fill(words)
        await self._press("#sheet-body button[type=submit]")
        await self.page.locator("#sheet:not([open])").wait_for(state="attached")
        self.followed.texts.append((step, words))

    async def _aim(self, step: int) -> tuple[float, float] | None:
        aimed = await self.page.evaluate(AIM, step)
        if aimed and not self.is_touch:
            await self.page.mouse.move(*aimed)
        await asyncio.sleep(AIM_SECONDS)
        return (aimed[0], aimed[1]) if aimed else None

    async def _press(self, selector: str) -> None:
        target = self.page.locator(selector)
        await (target.tap() if self.is_touch else target.click())


async def _work(person: Person, rounds: Sequence[Round], barriers: Sequence[asyncio.Barrier], seed: int) -> None:
    """One person's share; whatever goes wrong is told, and does not stop the others."""
    chance = random.Random(f"{seed} {person.name}")
    for number, (turn, barrier) in enumerate(zip(rounds, barriers, strict=True)):
        step = turn.get(person.name)
        if step is None:
            continue
        alone = [*turn.values()].count(step) == 1
        await asyncio.sleep(chance.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))
        try:
            await person.tick(step, asyncio.Barrier(1) if alone else barrier)
            if not alone or number % 8 == 0:
                await person.write(step, f"{person.name} saw {step}")
        except Exception as error:  # noqa: BLE001
            await barrier.abort()
            person.followed.troubles.append(f"{person.name} at step {step}: {str(error)[:100]}")
            await person.page.evaluate("() => document.getElementById('sheet').close()")


async def _settle(person: Person, steps: int) -> None:
    """Hands off; then what is on the screen. What slipped is made good first."""
    for step in range(1, steps + 1):
        if await person.page.evaluate(AIM, step):
            await person.tick(step, asyncio.Barrier(1))
    if not person.is_touch:
        await person.page.mouse.move(5, 5)


async def _follow(base_url: str, cookies: Sequence[str], address: str, rounds: Sequence[Round], seed: int) -> Followed:
    followed = Followed()
    steps = max(step for turn in rounds for step in turn.values())
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browsers.CHROMIUM, args=browsers.ARGUMENTS)
        people = []
        for name, cookie, screen in zip(PEOPLE, cookies, (DESK, DESK, PHONE), strict=True):
            context = await browser.new_context(base_url=base_url, **screen)
            context.set_default_timeout(PATIENCE_MS)
            key, _, value = cookie.partition("=")
            await context.add_cookies([{"name": key, "value": value, "url": base_url}])
            page = await context.new_page()
            page.on("pageerror", lambda error: followed.troubles.append(f"A page: {error}"))
            await page.goto(address)
            await page.locator("#live-state[data-state=live]").wait_for()
            await page.evaluate(WATCH)
            people.append(Person(name, page, screen is PHONE, followed))
        barriers = [asyncio.Barrier(len(turn)) for turn in rounds]
        await asyncio.gather(*(_work(person, rounds, barriers, seed) for person in people))
        await _settle(people[0], steps)
        for person in people[1:]:
            await _settle(person, 0)
        with suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(_until_alike(people), SETTLE_SECONDS)
        for person in people:
            followed.shown[person.name] = [tuple(row) for row in await person.page.evaluate(SHOWN)]
            followed.noted[person.name] = await person.page.evaluate("() => window.noted")
        await browser.close()
    return followed


async def _until_alike(people: Sequence[Person]) -> None:
    """Until every screen shows every step as done, and every text that was written."""
    while True:
        shown = [await person.page.evaluate(SHOWN) for person in people]
        said = {(row[0], row[3]) for row in shown[0]}
        is_told = all(
            any(at == step and words in text for step, text in said) for at, words in people[0].followed.texts
        )
        if is_told and all(rows == shown[0] for rows in shown) and all(row[1] == "done" for row in shown[0]):
            return
        await asyncio.sleep(0.1)


def follow(
    base_url: str, cookies: Sequence[str], address: str, rounds: Sequence[Round], *, seed: int = SEED
) -> Followed:
    """Three people follow the run at ``address``; ``cookies`` are theirs, in the order of ``PEOPLE``."""
    return asyncio.run(_follow(base_url, cookies, address, rounds, seed))


def main(*, runs: int = RUNS, steps: int = STEPS, contested: int = CONTESTED) -> None:
    """Print the table; fails where a tick was seen too late, or anything was lost."""
    chance = random.Random(SEED)
    pressed: list[float] = []
    answered: list[float] = []
    counts: Counter[str] = Counter()
    lost: list[str] = []
    with stack.running() as muster:
        keys = [pk for _, pk in browsers.run(muster, SET_UP.format(runs=runs, steps=steps))]
        cookies = browsers.cookies(muster, *PEOPLE)
        for number, pk in enumerate(keys):
            rounds = plan(chance, steps=steps, contested=contested, side_by_side=number % 2 == 1)
            found = follow(muster.base_url, cookies, f"/runs/{pk}", rounds, seed=SEED + number)
            done = dict(muster.query(DONE_ENTRIES.format(pk)))
            lost += found.lost(muster.query(STEPS_OF_RUN.format(pk)), done)
            pressed += found.seen_after(since="pressed")
            answered += (seconds := found.seen_after(since="answered"))
            counts += Counter(
                ticks=len(done), texts=len(found.texts), collisions=found.collisions, slips=len(found.slips)
            )
            load, _, _ = os.getloadavg()
            print("".join(f"{slip}\n" for slip in found.slips), end="")
            print(f"run {number + 1}: p95 {table.percentile(seconds, 0.95):.3f}, load of the machine {load:.1f}")
    rows: list[list[object]] = [
        [what, len(seconds), *(table.percentile(seconds, share) for share in (0.5, 0.95)), max(seconds), _late(seconds)]
        for what, seconds in (("the answer", answered), ("the press", pressed))
    ]
    head = ["seconds until another sees a tick, from", "seen", "p50", "p95", "max", "over 1 s"]
    table.show(f"{runs} runs of {steps} steps, three people", rows, head=head)
    said = ", ".join(f"{counts[name]} {name}" for name in ("ticks", "texts", "collisions", "slips"))
    print(f"\n  {said}, {len(lost)} lost")
    assert not lost, "\n".join(lost[:10])
    assert table.percentile(answered, 0.95) <= PROMISE_SECONDS, "a tick was on the others' screens too late"


def _late(seconds: Sequence[float]) -> str:
    return f"{sum(one > PROMISE_SECONDS for one in seconds) / len(seconds):.1%}"
