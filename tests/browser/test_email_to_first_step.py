"""From the e-mail to the first step of a runbook done: somebody tired, in under a minute, with a keyboard alone."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field, replace
from email.message import Message
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from alerts import grouping, intake
from core.work import db_now
from incidents.models import Incident
from incidents_site.config import MailServer
from notifications import delivery
from notifications.models import Notification
from runbooks import starter
from runbooks.models import Run, RunStep
from tests import make, receivers
from tests.browser.company import PASSWORD
from tests.browser.conftest import too_wide
from tests.browser.hands import HAS_FOCUS
from tests.live import wait_until

MOST_SECONDS = 60.0
MOST_TABS = 15
THINK_MS = 300
TYPE_MS = 60
SOON_MS = 2_000
TITLE = "KafkaConsumerGroupLag: ingest-main is 499666 behind"
IS_COVERED = """element => {
    const box = element.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return !element.contains(top);
}"""


@dataclass
class TiredHands:
    """One key after the other, each after a moment's thought; counts the Tabs to each thing."""

    page: Page
    begun: float
    tabs: dict[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Since the link was opened."""
        return time.monotonic() - self.begun

    def key(self, name: str) -> None:
        """Think, then press."""
        self.page.wait_for_timeout(THINK_MS)
        self.page.keyboard.press(name)

    def press(self, target: Locator, name: str) -> None:
        """Tab until it has the focus, then Enter."""
        self._reach(target, name)
        self.key("Enter")

    def write(self, target: Locator, name: str, text: str) -> None:
        """Tab to a field, then type."""
        self._reach(target, name)
        self.page.wait_for_timeout(THINK_MS)
        self.page.keyboard.type(text, delay=TYPE_MS)

    def _reach(self, target: Locator, name: str) -> None:
        element, self.tabs[name] = target.element_handle(), 0
        while not element.evaluate(HAS_FOCUS):
            assert self.tabs[name] < MOST_TABS, f"{name} is more than {MOST_TABS} Tabs away: {self.tabs}"
            self.key("Tab")
            self.tabs[name] += 1
        expect(target).to_be_in_viewport()
        # The browser scrolls to what has the focus with its next picture, not at once.
        said = f"{name} has the focus, and something lies over it"
        wait_until(lambda: not element.evaluate(IS_COVERED), said, within=1)


@pytest.fixture
def mailbox(settings, site):
    """A real mail server; links in what it is given lead to the running site."""
    with receivers.smtp_server() as (mailbox, port):
        server = MailServer(host="127.0.0.1", port=port, username="", password="", security="none")
        settings.MUSTER = replace(settings.MUSTER, email=server, base_url=site.url)
        yield mailbox


@pytest.fixture
def mail(mailbox, transactional_db) -> Message:
    """Alice's page about an alert that a guide of the starter library fits."""
    alice = make.user("alice", name="Alice Moreau", password=PASSWORD)
    bob = make.user("bob", name="Bob Lindqvist")
    links = {"dashboard_url": "https://grafana.example.com/d/1", "repo_url": "https://git.example.com/kafka"}
    team, policy = make.team("streaming", alice, bob), make.escalation_policy(alice, bob, name="Streaming on-call")
    kafka = make.service("kafka", team=team, policy=policy, **links)
    starter.load(now=timezone.now())
    _, key = make.integration(service=kafka)
    labels = {"alertname": "KafkaConsumerGroupLag", "consumergroup": "ingest-main", "topic": "events"}
    body = {"title": TITLE, "dedup_key": "lag", "severity": "critical", "labels": labels}
    intake.store(key=key, format="generic", body=json.dumps(body).encode())
    grouping.apply_due(now=db_now())
    delivery.deliver_due("email", now=db_now())
    assert Notification.objects.get(purpose="page").state == "sent"
    (mail,) = mailbox.messages
    return mail


def link_in(mail: Message) -> str:
    """What is behind the word Acknowledge in the text."""
    payload = mail.get_payload(decode=True)
    assert isinstance(payload, bytes)
    found = re.search(r"^Acknowledge: (\S+)$", payload.decode(), re.MULTILINE)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "window",
    [
        pytest.param({"screen": "desk"}, id="1440"),
        pytest.param({"screen": "phone"}, id="360"),
        pytest.param({"screen": "phone", "java_script_enabled": False}, id="360-without-script"),
    ],
)
def test_from_the_email_to_the_first_step_in_under_a_minute(windows, mail, window: dict[str, Any], request):
    with windows.open(**window) as page:
        hands = TiredHands(page, begun=time.monotonic())
        page.goto(link_in(mail))
        acknowledge(page, hands)
        sign_in(page, hands)
        if window.get("java_script_enabled", True):
            follow_by_keys(page, hands)
        else:
            follow_by_tab(page, hands)
        wait_until(lambda: RunStep.objects.filter(position=1, state="done").exists(), "step 1 is not done")
        took = hands.seconds
        expect_step_in_view(page, 2, says="1 of 10")
    print(f"\n{request.node.callspec.id}: {took:.1f} s, {sum(hands.tabs.values())} Tabs {hands.tabs}")
    assert took < MOST_SECONDS
    incident, run, step = Incident.objects.get(), Run.objects.get(), RunStep.objects.get(position=1)
    assert (incident.status, incident.title) == ("acknowledged", TITLE)
    assert (run.incident, run.runbook.slug) == (incident, "kafka-consumer-lag-resolution")
    assert {incident.assignee, run.started_by, step.by} == {make.User.objects.get(username="alice")}


def acknowledge(page: Page, hands: TiredHands) -> None:
    """Behind the link, signed in nowhere."""
    hands.press(page.get_by_role("button", name="Acknowledge"), "Acknowledge")
    expect(page.get_by_role("heading", name="You are on it")).to_be_visible()
    assert not too_wide(page)


def sign_in(page: Page, hands: TiredHands) -> None:
    """On the way to the incident; Enter in the last field sends the form."""
    hands.press(page.get_by_role("link", name="Open INC-"), "Open")
    hands.write(page.get_by_label("Username or email"), "Username", "alice")
    hands.write(page.get_by_label("Password"), "Password", PASSWORD)
    assert (hands.tabs["Username"], hands.tabs["Password"]) == (0, 1)
    hands.key("Enter")
    expect(page.get_by_role("heading", name=TITLE)).to_be_in_viewport()
    assert not too_wide(page)


def follow_by_keys(page: Page, hands: TiredHands) -> None:
    """B and T, from wherever one is on the page. What they did is in view, and Tab goes on from there."""
    hands.key("b")
    expect_step_in_view(page, 1, says="0 of 10")
    expect(page.locator("#runbooks-panel")).to_be_focused()
    hands.key("t")


def follow_by_tab(page: Page, hands: TiredHands) -> None:
    """Past everything that comes before the runbooks."""
    hands.press(page.get_by_role("link", name="Skip to runbooks"), "Skip to runbooks")
    hands.press(page.get_by_role("button", name="Start Consumer lag resolution"), "Start")
    expect_step_in_view(page, 1, says="0 of 10")
    hands.press(page.get_by_role("button", name="Done with step 1"), "Done")


def expect_step_in_view(page: Page, number: int, *, says: str) -> None:
    """Nobody has to look for what is to be done next."""
    expect(page.locator("#runbooks-panel")).to_contain_text(says, timeout=SOON_MS)
    heading = page.get_by_role("heading", name=re.compile(f"^Step {number}:"))
    expect(heading).to_be_in_viewport(ratio=1, timeout=SOON_MS)
    assert not too_wide(page)
