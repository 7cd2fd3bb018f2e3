"""Three ways to work a page: with a mouse, with fingers, and with a keyboard alone."""

from __future__ import annotations

import time

from playwright.sync_api import Locator, Page

MOST_TABS = 150
REST_SECONDS = 0.6
HAS_FOCUS = "element => element === document.activeElement"


class Mouse:
    """Points and clicks."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._pressed_at = 0.0

    def press(self, target: Locator) -> None:
        """A button, a link, a box, or the title of something folded."""
        self._rest()
        target.click()

    def _rest(self) -> None:
        """As long as people need: two presses in one place within half a second are a double click, taken for one."""
        left = self._pressed_at + REST_SECONDS - time.monotonic()
        if left > 0:
            self.page.wait_for_timeout(left * 1000)
        self._pressed_at = time.monotonic()

    def choose(self, target: Locator) -> None:
        """One of several."""
        target.check()

    def write(self, target: Locator, text: str) -> None:
        """Into a field."""
        self.press(target)
        self.page.keyboard.type(text)


class Fingers(Mouse):
    """Taps on what a phone shows."""

    def press(self, target: Locator) -> None:
        """Tap."""
        self._rest()
        target.tap()

    def choose(self, target: Locator) -> None:
        """Tap."""
        target.tap()


class Keyboard(Mouse):
    """Goes from one thing to the next with Tab, as far as it takes; never touches anything else."""

    def press(self, target: Locator) -> None:
        """Enter presses what has the focus; a box wants Space."""
        self._reach(target)
        self.page.keyboard.press("Space" if target.get_attribute("type") == "checkbox" else "Enter")

    def choose(self, target: Locator) -> None:
        """Tab leads to one of the group, the arrows to the others."""
        group = self.page.locator(f"input[name='{target.get_attribute('name')}']")
        self._reach(target, others=group)
        self.page.keyboard.press("Space")
        for _ in range(group.count()):
            if target.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError("the arrows never came to it")

    def write(self, target: Locator, text: str) -> None:
        """Into the field that has the focus."""
        self._reach(target)
        self.page.keyboard.type(text)

    def _reach(self, target: Locator, others: Locator | None = None) -> None:
        target.wait_for()
        element = target.element_handle()
        for _ in range(MOST_TABS):
            if element.evaluate(HAS_FOCUS):
                return
            if others and others.evaluate_all("all => all.includes(document.activeElement)"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never came to {target}")


HANDS = {"mouse": Mouse, "fingers": Fingers, "keyboard": Keyboard}
