"""What always holds of paging, whatever happens: the rows say what the model says, and the promises are kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from bench import pager_model as model
from bench.pager_world import World
from incidents.models import Escalation, Incident, TimelineEntry
from notifications.models import Attempt, Notification

UNKNOWN = ("hangs up", "dies")


@dataclass
class Matter:
    """One incident: its number, and what the model says of it."""

    number: int
    said: model.Incident
    key: tuple[str, str]


class Checked:
    """A life of the company that is looked at after every step; ``matters`` are its incidents."""

    world: World
    matters: list[Matter]

    def begin_checks(self) -> None:
        """Nothing was sent yet."""
        self.checked_sends = 0
        self.fates: dict[int, str] = {}
        self.has_died = False

    def holds(self) -> None:
        """One for all, so that what Hypothesis prints of a failed life can be read."""
        self.rows_say_what_the_model_says()
        self.lines_are_complete_and_in_order()
        self.sends_are_wanted_and_marked()
        self.somebody_is_paged()

    def rows_say_what_the_model_says(self) -> None:
        """Status, assignee, and each policy's place."""
        fields = ("id", "status", "severity", "assignee__username", "is_unanswered", "snoozed_until")
        found = {number: rest for number, *rest in Incident.objects.order_by().values_list(*fields)}
        said_fields = ("status", "severity", "assignee", "is_unanswered", "snoozed_until")
        places: dict[int, dict[str, tuple]] = {number: {} for number in found}
        columns = ("incident", "policy__name", "state", "round", "next_step", "due_at")
        for number, policy, *place in Escalation.objects.order_by().values_list(*columns):
            places[number][policy or "Every admin"] = _place(*place)
        said = {each.number: [getattr(each.said, name) for name in said_fields] for each in self.matters}
        assert found == said
        for each in self.matters:
            expected = {name: _place(p.state, p.round, p.step, p.due) for name, p in each.said.pagings.items()}
            assert places[each.number] == expected

    def lines_are_complete_and_in_order(self) -> None:
        """Every step that fired, once, with the people who were on call then; and each of them has a page. No page
        waits that an answer has cancelled; the last resort is paged once each time an incident opens."""
        lines = self._lines()
        fields = ("topic", "created_at", "recipient", "state", "reason")
        pages = list(Notification.objects.filter(purpose="page").order_by().values_list(*fields))
        written = {page[:3] for page in pages}
        last_resort = Counter((topic, name) for topic, _, name, _, why in pages if why.startswith("Last resort"))
        matters = {f"incident/{each.number}": each.said for each in self.matters}
        for topic, said in matters.items():
            assert sorted(lines[topic]) == sorted(said.lines)
            asked = {(topic, at, name) for at, _, _, people in lines[topic] for name in people}
            assert asked <= written, f"a line says so, and no page was written: {asked - written}"
        for topic, at, name, state, why in pages:
            since = matters[topic].silent_since(_policy_of(why), name)
            assert state != "pending" or since is None or at > since, "a page still waits after the answer"
        assert all(times <= matters[topic].openings for (topic, _), times in last_resort.items())

    def _lines(self) -> dict[str, list[model.Line]]:
        """What the timelines say about paging, by topic."""
        lines: dict[str, list[model.Line]] = {f"incident/{each.number}": [] for each in self.matters}
        last: dict[int, Any] = {}
        entries = TimelineEntry.objects.order_by("id").values_list("incident", "at", "kind", "data")
        for number, at, kind, data in entries:
            assert at >= last.get(number, at), "the timeline is out of order"
            last[number] = at
            if kind in ("paged", "nobody_reached"):
                people = tuple(sorted(data.get("people", ())))
                lines[f"incident/{number}"].append((at, kind, data["reason"], people))
            elif kind == "exhausted":
                lines[f"incident/{number}"].append((at, kind, data["policy"], ()))
        return lines

    def sends_are_wanted_and_marked(self) -> None:
        """Nothing is sent after the answer (G5); twice only after an unknown result, and then marked (G3)."""
        new = self.world.sent[self.checked_sends :]
        self.checked_sends = len(self.world.sent)
        rows = Notification.objects.in_bulk([sent.notification for sent in new])
        matters = {f"incident/{m.number}": m.said for m in self.matters}
        for sent in new:
            row, was = rows[sent.notification], self.fates.get(sent.notification, "")
            since = matters[row.topic].silent_since(_policy_of(row.reason), row.recipient)
            if row.purpose == "page":
                assert since is None or row.created_at > since or sent.at < since, "sent after the answer"
            assert was not in ("takes", "refuses"), "sent again although the result was known"
            # Who dies takes a whole claim along: some of it may never have been tried, and is marked all the same.
            assert sent.is_repeat or was not in UNKNOWN, "a repeat that does not say so"
            assert not sent.is_repeat or was in UNKNOWN or self.has_died, "marked, and no repeat"
            stays_unknown = was in UNKNOWN and sent.answer == "is busy"
            self.fates[row.pk] = was if stays_unknown else sent.answer
            self.has_died = self.has_died or sent.answer == "dies"
        if new:
            doubles = Attempt.objects.filter(outcome="sent").values_list("notification", flat=True)
            assert max(Counter(doubles).values(), default=1) == 1

    def somebody_is_paged(self) -> None:
        """A triggered incident of a severity that pages is being paged about, or was in vain."""
        for matter in self.matters:
            if matter.said.status == "triggered" and matter.said.severity in model.PAGING:
                assert {paging.state for paging in matter.said.pagings.values()} & {"running", "exhausted"}


def _place(state: str, round: int, step: int, due: Any) -> tuple:
    """Where a policy stands; when the next step is due matters while it runs."""
    return (state, round, step, due if state == "running" else None)


def _policy_of(reason: str) -> str:
    """The policy in "Step 2 of Platform, round 2"; empty for other reasons."""
    return reason.partition(" of ")[2].partition(", round")[0] if reason.startswith("Step ") else ""
