"""What one person does, on another's screen: two browsers on one incident and one on the list; seconds from the click.

A third of the changes are notes, a third moves between stages, a third status updates, each made with the page's own
forms. With Redis away, hung (stopped, so that nobody hears of it) or gone (killed), pages find out by asking.
"""

from __future__ import annotations

import random
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

from bench import browsers, stack, table
from incidents_site.embedded.redis import RedisServer

SEED = 20261123
CHANGES = 200
WITHOUT_REDIS = 20
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 1.5
PATIENCE_SECONDS = 30

SET_UP = """
from django.utils import timezone
from accounts.models import User
from incidents import lifecycle
from incidents.lifecycle import Draft

now = timezone.now()
for name in ("bob", "carol"):
    User.objects.create_user(name, role="responder")
alice = User.objects.get(username="alice")
incident = lifecycle.declare(Draft(title="Search answers nothing", severity="low", services=[]), now=now)
lifecycle.acknowledge(incident, by=alice, now=now)
lifecycle.transition(incident, to="investigating", by=alice, now=now)
for number in range(20):
    lifecycle.declare(Draft(title=f"Something else, {number}", severity="low", services=[]), now=now)
print("number", incident.number)
"""

# When a person's click was made, by the clock that all browsers of this machine share.
NOTE_CLICKS = "() => addEventListener('click', () => { window.clickedAt = Date.now(); }, true)"
# When what is looked for was first on the screen: in the frame that is drawn after it has come.
NOTE_SIGHT = """() => {
    const find = () => %s;
    let shown = find();
    window.seenAt = 0;
    window.forget = () => { shown = find(); window.seenAt = 0; };
    new MutationObserver(() => {
        if (window.seenAt || find() === shown) return;
        window.seenAt = -1;
        requestAnimationFrame(() => { window.seenAt = Date.now(); });
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
}"""
NEWEST_ENTRY = "document.querySelector('#timeline li[id]')?.id"
STATUS_OF_ROW = "document.querySelector('#row-%s .c-status')?.textContent"


@dataclass
class Screens:
    """Alice works, bob watches the incident, and carol the list; each on a screen of their own."""

    alice: Page
    bob: Page
    carol: Page
    made: int = 0
    on_incident: list[float] = field(default_factory=list)
    on_list: list[float] = field(default_factory=list)

    def change(self) -> None:
        """One change by alice, and when the others saw it."""
        kind = (self._write_note, self._move, self._post_update)[self.made % 3]
        self.made += 1
        for page in (self.bob, self.carol):
            page.evaluate("() => window.forget()")
        kind(f"Change {self.made:03}")
        clicked = self.alice.evaluate("() => window.clickedAt")
        self.on_incident.append(_seen(self.bob) - clicked / 1000)
        if kind == self._move:
            self.on_list.append(_seen(self.carol) - clicked / 1000)

    def wait_until_live(self) -> None:
        """Until nobody needs to ask any more."""
        for page in (self.alice, self.bob, self.carol):
            page.locator("#live-state[data-state=live]").wait_for()

    def _write_note(self, words: str) -> None:
        self.alice.locator("#note-text").fill(words)
        self.alice.get_by_role("button", name="Add note").click()
        self.alice.locator("#timeline").get_by_text(words).wait_for()

    def _move(self, words: str) -> None:
        stage = self.alice.locator(".mu-steps [aria-current=step]")
        if "Investigating" in stage.inner_text():
            self.alice.locator("#stage").get_by_role("button", name="Mark mitigating").click()
            stage.get_by_text("Mitigating").wait_for()
        else:
            self.alice.locator("#stage summary").click()
            self.alice.locator("#stage").get_by_role("button", name="Back to investigating").click()
            stage.get_by_text("Investigating").wait_for()

    def _post_update(self, words: str) -> None:
        self.alice.locator("#communication").get_by_role("link", name="Post a status update").click()
        sheet = self.alice.locator("#sheet[open]")
        sheet.get_by_role("textbox").fill(words)
        sheet.locator("button.btn-primary").click()
        self.alice.locator("#communication").get_by_text(words).first.wait_for()


def _seen(page: Page) -> float:
    """When it was on the page's screen, in seconds of the clock."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (seen_at := page.evaluate("() => window.seenAt")) <= 0:
        assert time.monotonic() < deadline, f"nothing was seen on {page.url}"
        time.sleep(0.02)
    return seen_at / 1000


@contextmanager
def opened(muster: stack.Stack) -> Iterator[Screens]:
    """All three at their screens, with live pages."""
    ((_, number),) = browsers.run(muster, SET_UP)
    signed_in = browsers.cookies(muster, "alice", "bob", "carol")
    with browsers.chromium(2) as (first, second):
        pages = []
        for browser, cookie in zip((first, second, second), signed_in, strict=True):
            pages.append(browsers.window(browser, muster, cookie).new_page())
        alice, bob, carol = pages
        for page, address in ((alice, f"/incidents/INC-{number}"), (bob, f"/incidents/INC-{number}"), (carol, "/")):
            page.goto(address)
        screens = Screens(alice, bob, carol)
        screens.wait_until_live()
        alice.evaluate(NOTE_CLICKS)
        bob.evaluate(NOTE_SIGHT % NEWEST_ENTRY)
        carol.evaluate(NOTE_SIGHT % STATUS_OF_ROW % number)
        yield screens


def row(what: str, asked: str, seconds: list[float]) -> list[object]:
    """A line of the table."""
    shares = [table.percentile(seconds, share) for share in (0.5, 0.95)]
    return [what, len(seconds), asked, *shares, max(seconds)]


def main(*, changes: int = CHANGES, without: int = WITHOUT_REDIS) -> None:
    """Print the table."""
    chance = random.Random(SEED)
    found: list[list[object]] = []

    def work(count: int, what: str, asked: str) -> list[float]:
        screens.on_incident, screens.on_list = [], []
        for _ in range(count):
            screens.change()
            time.sleep(chance.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))
        found.append(row(f"{what}on the incident's page", asked, screens.on_incident))
        found.append(row(f"{what}on the list", asked, screens.on_list))
        return screens.on_incident + screens.on_list

    with tempfile.TemporaryDirectory(prefix="muster-redis-") as folder:
        redis = RedisServer(Path(folder))
        redis.start()
        assert redis.process
        try:
            with stack.running(REDIS_URL=redis.url) as muster, opened(muster) as screens:
                live = work(changes, "", "p95 <= 1")
                redis.process.send_signal(signal.SIGSTOP)
                away = work(without // 2, "Redis hangs, ", "max <= 10")
                redis.process.send_signal(signal.SIGCONT)
                screens.wait_until_live()
                redis.process.kill()
                away += work(without // 2, "Redis is gone, ", "max <= 10")
        finally:
            redis.stop()
    head = ["seconds from the click until another sees it", "changes", "asked", "p50", "p95", "max"]
    table.show("Two browsers, three people", found, head=head)
    assert table.percentile(live, 0.95) <= 1, "a change was on the other's screen too late"
    assert max(away) <= 10, "without Redis a change came too late"
