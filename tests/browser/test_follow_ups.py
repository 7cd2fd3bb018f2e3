"""The list of follow-ups in a browser: ticked and accepted where it stands, and the page stays."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from followups import tickets
from followups.models import Ticket
from incidents import action_items
from incidents.models import ActionItem
from tests import make
from tests.browser.axe import in_every_light


def test_items_are_ticked_accepted_and_exported_without_leaving_the_list(windows, shop):
    for title in ("first", "second", "third", "fourth"):
        action_items.add(shop.busy, title=title, owner=shop.alice, by=shop.alice)
    make.tracker(name="Ops")
    tickets.export(ActionItem.objects.get(title="fourth"), tracker=make.tracker(), by=shop.alice)
    Ticket.objects.update(state="failed", due_at=None, error="GitHub does not accept the token (HTTP 401)")
    with windows.open(user=shop.alice) as page:
        page.goto("/follow-ups/?owner=me")
        page.evaluate("window.stayed = true")
        row = page.locator("#items tbody tr")
        assert in_every_light(page) == []

        page.get_by_role("button", name="Mark as done: first").click()
        expect(row.filter(has_text="first")).to_have_count(0)
        page.get_by_role("link", name="Accept the risk: second").click()
        page.get_by_label("Why can we live with it?").fill("It goes in March.")
        page.get_by_role("button", name="Accept the risk", exact=True).click()
        expect(row.filter(has_text="second")).to_have_count(0)
        page.get_by_role("link", name="Export: third").click()
        page.get_by_label(re.compile("Ops: GitHub octo/repo")).check()
        page.get_by_role("button", name="Export", exact=True).click()
        expect(row.filter(has_text="third")).to_contain_text("On its way to Ops")
        page.get_by_role("button", name="Retry exporting fourth").click()
        expect(row.filter(has_text="fourth")).to_contain_text("On its way to")
        assert page.evaluate("window.stayed") is True
    states = {item.title: item.state for item in ActionItem.objects.filter(owner=shop.alice)}
    assert (states["first"], states["second"]) == ("done", "accepted")
