"""What axe-core finds wrong with a page for those who use assistive technology, in light and dark, wide and narrow."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, ViewportSize

from tests.browser.conftest import too_wide

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 740}

# Colours that change slowly are judged when they have.
FINISH = "() => document.getAnimations().forEach((one) => one.effect.getTiming().iterations < Infinity && one.finish())"


def violations(page: Page, *, of: str = "html", only: str = "") -> list[str]:
    """What axe-core finds in a part of the page, perhaps with one rule only: the rule, and where."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE)
    rules = {"type": "rule", "values": [only]} if only else {"type": "tag", "values": RULES}
    run = "([of, rules]) => axe.run(of, {runOnly: rules, resultTypes: ['violations']})"
    found = page.evaluate(run, [of, rules])["violations"]
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


def in_every_light(page: Page, *, of: str = "html", sizes: tuple[ViewportSize, ...] = (NARROW, WIDE)) -> list[str]:
    """The same on a narrow and a wide screen, in light and in dark, where only contrast can be another; and what makes
    somebody scroll sideways. Leaves the page dark and of the last size."""
    found = []
    for size in sizes:
        page.set_viewport_size(size)
        page.evaluate("scrollTo(0, 0)")  # what has scrolled beside the bar on top is no smaller a target for it
        found += too_wide(page)
        page.emulate_media(color_scheme="light")
        page.evaluate(FINISH)
        found += violations(page, of=of)
        page.emulate_media(color_scheme="dark")
        page.evaluate(FINISH)
        found += violations(page, of=of, only="color-contrast")
    return found
