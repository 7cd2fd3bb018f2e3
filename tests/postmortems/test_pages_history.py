"""The page of what sections said before, and the way back."""

from __future__ import annotations

import pytest

from postmortems import editing
from tests.postmortems.desks import publish, section, text_of

pytestmark = pytest.mark.django_db


def test_history_shows_what_the_last_sitting_changed_and_leads_back(at_desk, page, postmortem, alice, bob):
    drafted = section(postmortem).body
    editing.write(section(postmortem), body="One\nTwo", by=alice)
    editing.write(section(postmortem), body="One\nThree", by=bob)
    answer = at_desk.get(f"{page}/history?section=root_cause")
    assert [(line.kind, line.text) for line in answer.context["lines"]] == [
        ("same", "One"),
        ("removed", "Two"),
        ("added", "Three"),
    ]
    assert [one.number for one in answer.context["sittings"]] == [3, 2, 1]
    compared = at_desk.get(f"{page}/history?section=root_cause&from=1&to=3")
    assert (compared.context["old"], compared.context["new"]) == (1, 3)
    back = at_desk.post(f"{page}/sections/root_cause/restore", {"number": 1})
    assert (back.status_code, back["Location"]) == (303, f"{page}/history?section=root_cause")
    assert section(postmortem).body == drafted
    for odd in ("from=99", "to=x", "until=x", "from=%00", "until=1"):
        assert at_desk.get(f"{page}/history?section=root_cause&{odd}").status_code in (200, 404)
    for number in ("99", "x", "", "9" * 30):
        assert at_desk.post(f"{page}/sections/root_cause/restore", {"number": number}).status_code == 404


def test_history_of_a_draft_and_of_a_published_postmortem(at_desk, page, postmortem, client, charlie):
    assert "It says what it said at first." in text_of(at_desk.get(f"{page}/history"))
    publish(postmortem)
    answer = at_desk.post(f"{page}/sections/root_cause/restore", {"number": 1})
    assert (answer.status_code, "Take it back" in text_of(answer)) == (409, True)
