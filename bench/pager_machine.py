"""Anything that can happen to paging, in any order, against the model: alerts, people, time, and processes that die.

After every step the rows say what the model says, and the invariants of the design's section 4 hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bench import pager_model as model
from bench.pager_checks import Checked, Matter
from bench.pager_world import ANSWERS, SWEEPS, World
from incidents import changes, letting_go, lifecycle, more_help, repair, snoozing
from incidents.models import Escalation, Incident, SlaClock, TimelineEntry
from incidents.models.incident import NotAllowedNow
from notifications.models import Notification
from oncall import schedule_changes

DOORS = ("platform", "storage", "nobody")
PEOPLE = ("alice", "bob", "carol", "dave")
WAITS = (1, 5, 20, 31, 61, 120, 300, 420, 1_000, 4_000, 20_000)  # seconds
SETTLED = timedelta(seconds=61)
ORDER = ("wake", "apply", "carry out", "advance", "clocks", "remind", "deliver", "follow up", "advance",
         "deliver")  # fmt: skip

which = st.integers(0, 7)
who = st.sampled_from(PEOPLE)
severities = st.sampled_from(model.SEVERITIES)


class Pager(Checked, RuleBasedStateMachine):
    """One life of the company; ``world`` is shared, and every life is rolled back."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self._life = transaction.atomic()
        self._life.__enter__()
        self.world.begin()
        self.schedule = model.Schedule(("alice", "bob"))
        self.policies = model.company(self.schedule)
        self.matters: list[Matter] = []
        self.groups: dict[tuple[str, str], Matter | None] = {}
        self.events: list[tuple[tuple[str, str], str, str]] = []
        self.begin_checks()

    def teardown(self) -> None:
        """Nothing of it happened."""
        transaction.set_rollback(True)
        self._life.__exit__(None, None, None)

    def pass_time(self, seconds: int = 1) -> None:
        """People need a second for anything."""
        self.world.set_clock(self.world.now + timedelta(seconds=seconds))

    # ---- monitors ------------------------------------------------------------------------------------------------

    @initialize(severity=st.sampled_from(model.PAGING))
    def something_breaks(self, severity: str) -> None:
        """Most lives begin with a page."""
        self.alert("platform", "a", severity)
        self.work()

    @rule(door=st.sampled_from(DOORS), key=st.sampled_from(("a", "a", "b")), severity=severities)
    def alert(self, door: str, key: str, severity: str) -> None:
        """A new matter, or the same again."""
        self._event((door, key), "firing", severity)

    @precondition(lambda self: self.groups)
    @rule(number=which, status=st.sampled_from(("firing", "resolved", "resolved", "acknowledged")))
    def again(self, number: int, status: str) -> None:
        """The monitor has more to say of something."""
        keys = list(self.groups)
        self._event(keys[number % len(keys)], status, "high")

    def _event(self, key: tuple[str, str], status: str, severity: str) -> None:
        self.pass_time()
        self.world.alert(*key, status=status, severity=severity)
        self.events.append((key, status, severity))

    def _apply(self) -> None:
        """What the model makes of the events that came."""
        now = self.world.now
        for key, status, severity in self.events:
            matter = self.groups.get(key)
            if matter and not matter.said.is_open:
                matter = None
            if status == "firing" and matter is None:
                policies = [self.policies.get(key[0], self.policies["Every admin"])]
                said = model.Incident(severity, policies)
                said.begin_missing(now)
                numbers = self.world.incidents_of(*key)
                matter = Matter(numbers[sum(each.key == key for each in self.matters)], said, key)
                self.matters.append(matter)
            elif status == "firing" and matter and _is_worse(severity, matter.said.severity):
                matter.said.change_severity(severity, now)
            elif status == "acknowledged" and matter and matter.said.status == "triggered":
                matter.said.acknowledge(None, now)
            elif status == "resolved" and matter:
                matter.said.resolve(None, now)
                matter = None
            self.groups[key] = matter
        self.events = []

    # ---- people --------------------------------------------------------------------------------------------------

    @contextmanager
    def _both(self, number: int) -> Iterator[tuple[Incident, model.Incident]]:
        """The incident and the model's; both refuse, or neither does."""
        self.pass_time()
        matter = self.matters[number % len(self.matters)]
        incident = Incident.objects.get(pk=matter.number)
        yield incident, matter.said

    def _same(self, act: Callable[[], object], say: Callable[[], object]) -> None:
        try:
            say()
        except model.Refused:
            try:
                act()
            except NotAllowedNow:
                return
            raise AssertionError("this should have been refused") from None
        act()

    @precondition(lambda self: self.matters)
    @rule(number=which, by=who)
    def acknowledge(self, number: int, by: str) -> None:
        """Somebody answers."""
        with self._both(number) as (row, said):
            person = self.world.people[by]
            self._same(lambda: lifecycle.acknowledge(row, by=person), lambda: said.acknowledge(by, self.world.now))

    @precondition(lambda self: self.matters)
    @rule(number=which, by=who, to=st.sampled_from(("investigating", "mitigating")))
    def move(self, number: int, by: str, to: str) -> None:
        """Somebody works on it."""
        with self._both(number) as (row, said):
            person = self.world.people[by]
            self._same(lambda: lifecycle.transition(row, to=to, by=person), lambda: said.move(to, by, self.world.now))

    @precondition(lambda self: self.matters)
    @rule(number=which, by=who)
    def resolve(self, number: int, by: str) -> None:
        """It is over."""
        with self._both(number) as (row, said):
            person = self.world.people[by]
            self._same(lambda: lifecycle.resolve(row, by=person), lambda: said.resolve(by, self.world.now))

    @precondition(lambda self: self.matters)
    @rule(number=which, by=who)
    def reopen(self, number: int, by: str) -> None:
        """It is not."""
        with self._both(number) as (row, said):
            person = self.world.people[by]
            self._same(lambda: lifecycle.reopen(row, reason="Not over", by=person), lambda: said.reopen(self.world.now))

    @precondition(lambda self: self.matters)
    @rule(number=which, by=who, to=who)
    def assign(self, number: int, by: str, to: str) -> None:
        """Somebody else has it; that is no answer."""
        with self._both(number) as (row, said):
            changes.assign(row, to=self.world.people[to], by=self.world.people[by])
            said.assignee = to

    @precondition(lambda self: self.matters)
    @rule(number=which, by=who, to=severities)
    def change_severity(self, number: int, by: str, to: str) -> None:
        """It is worse than was thought, or not so bad."""
        with self._both(number) as (row, said):
            changes.change_severity(row, to=to, by=self.world.people[by])
            said.change_severity(to, self.world.now)

    @precondition(lambda self: self.matters)
    @rule(number=which, by=who, names=st.sets(st.sampled_from(("platform", "storage"))))
    def change_services(self, number: int, by: str, names: set[str]) -> None:
        """It touches other services."""
        with self._both(number) as (row, said):
            before = list(row.service_links.order_by("id").values_list("service__slug", flat=True))
            services = [self.world.services[name] for name in names]
            changes.change_services(row, services=services, by=self.world.people[by])
            after = [name for name in before if name in names] + [name for name in names if name not in before]
            said.policies = [self.policies[name] for name in after] or [self.policies["Every admin"]]
            if said.is_open and set(names) - set(before):
                said.begin_missing(self.world.now)

    @precondition(lambda self: self.matters)
    @rule(number=which, by=who)
    def page_further(self, number: int, by: str) -> None:
        """Somebody needs more people now."""
        with self._both(number) as (row, said):
            person = self.world.people[by]
            self._same(lambda: more_help.escalate(row, by=person), lambda: said.page_further(self.world.now))

    @precondition(lambda self: self.matters)
    @rule(number=which, by=who)
    def give_back(self, number: int, by: str) -> None:
        """Whoever has it cannot go on."""
        with self._both(number) as (row, said):
            person = self.world.people[by]
            self._same(lambda: letting_go.unacknowledge(row, by=person), lambda: said.give_back(self.world.now))

    @precondition(lambda self: self.matters)
    @rule(number=which, by=who, minutes=st.sampled_from((1, 10, 90, 600)))
    def snooze(self, number: int, by: str, minutes: int) -> None:
        """It can wait."""
        with self._both(number) as (row, said):
            person, until = self.world.people[by], self.world.now + timedelta(minutes=minutes)
            self._same(
                lambda: snoozing.snooze(row, until=until, by=person), lambda: said.snooze(until, by, self.world.now)
            )

    @precondition(lambda self: self.matters)
    @rule(number=which, by=who)
    def wake(self, number: int, by: str) -> None:
        """It cannot."""
        with self._both(number) as (row, said):
            person = self.world.people[by]
            self._same(lambda: snoozing.wake(row, by=person), said.wake)

    @rule(person=who, after=st.sampled_from((0, 600, 18_000)), hours=st.integers(1, 12))
    def override(self, person: str, after: int, hours: int) -> None:
        """Somebody stands in; dave too, whom nothing reaches."""
        self.pass_time()
        start = self.world.now + timedelta(seconds=after)
        end = start + timedelta(hours=hours)
        user = self.world.people[person]
        schedule_changes.override(self.world.schedule, user=user, start=start, end=end, by=user)
        self.schedule.overrides.append((person, start, end))

    # ---- time, and what goes wrong -------------------------------------------------------------------------------

    @rule(waits=st.lists(st.sampled_from(WAITS), min_size=1, max_size=3))
    def tick(self, waits: list[int]) -> None:
        """Time passes, and every sweep comes by."""
        for seconds in waits:
            self.pass_time(seconds)
            self.work()

    @rule()
    def tick_to_the_next_step(self) -> None:
        """The pager is in time for the next step of any policy."""
        pagings = [paging for each in self.matters for paging in each.said.pagings.values()]
        due = min((paging.due for paging in pagings if paging.state == "running"), default=self.world.now)
        self.world.set_clock(max(due, self.world.now + timedelta(seconds=1)))
        self.work()

    def work(self) -> None:
        """All sweeps, until nothing is due: no obligation is late then."""
        for name in ORDER:
            self._sweep(name)
        now = self.world.now
        assert not Escalation.objects.filter(state="running", due_at__lte=now).exists()
        late = Notification.objects.pending().filter(due_at__lte=now)
        assert not late.exclude(lease_until__gt=now).exists()
        assert repair.repair_missing(now=now + SETTLED) == 0, "the auditor found something to mend"
        clocks = Counter(SlaClock.objects.filter(kind="response").values_list("incident", flat=True))
        assert clocks == {each.number: each.said.openings for each in self.matters}

    @rule(seconds=st.sampled_from(WAITS), name=st.sampled_from(sorted(SWEEPS)), after=st.integers(1, 14))
    def accident(self, seconds: int, name: str, after: int) -> None:
        """A process dies in the midst of a sweep."""
        self.pass_time(seconds)
        self._sweep(name, accident_after=after)

    @rule(mood=st.sampled_from(sorted(ANSWERS)))
    def mail_server(self, mood: str) -> None:
        """From now on it answers like this."""
        self.world.mood = mood

    def _sweep(self, name: str, *, accident_after: int = 0) -> None:
        lived = self.world.sweep(name, accident_after=accident_after)
        if name == "apply" and lived:
            self._apply()
        elif name == "advance" and lived:
            for matter in self.matters:
                matter.said.advance(self.world.now)
        elif name == "wake" and lived:
            for matter in self.matters:
                matter.said.end_snooze(self.world.now)
        elif name == "remind" and lived:
            self._believe_reminded()
        elif name == "follow up":
            self._believe_hastened()

    def _believe_reminded(self) -> None:
        """When silence is long enough is not predicted; that who is asked had it, and that the next step is paged only
        ten minutes after the question and while nobody was heard, is."""
        now = self.world.now
        for matter in self.matters:
            entries = TimelineEntry.objects.filter(incident=matter.number).order_by("id")
            last = entries.filter(by__isnull=False).last()
            for entry in entries.filter(at=now, by=None, kind__in=("reminded", "escalated")):
                said = matter.said
                assert said.is_open
                assert said.status != "triggered"
                assert said.snoozed_until is None
                assert last is None or now - last.at >= timedelta(minutes=30)
                if entry.kind == "reminded":
                    assert not said.is_paging
                    continue
                asked = entries.filter(kind="reminded").last()
                assert asked is not None
                assert now - asked.at >= timedelta(minutes=10)
                said.page_further(now)

    def _believe_hastened(self) -> None:
        """Whose page failed and reached nobody is not predicted; that it only brings a step forward, to now, is."""
        now = self.world.now
        for matter in self.matters:
            for paging in matter.said.pagings.values():
                if paging.state != "running" or paging.due <= now:
                    continue
                row = self._escalation(matter, paging)
                if row.due_at == paging.due:
                    continue
                assert row.due_at == now
                pages = Notification.objects.filter(
                    origin=f"incident/{matter.number}/{row.target}/{paging.round}/{paging.step - 1}"
                )
                assert pages
                assert all(page.state == "failed" or page.created_at <= now - timedelta(seconds=30) for page in pages)
                paging.due = now

    def _escalation(self, matter: Matter, paging: model.Paging) -> Escalation:
        rows = Escalation.objects.filter(incident=matter.number).select_related("policy")
        (row,) = [row for row in rows if (row.policy.name if row.policy else "Every admin") == paging.policy.name]
        return row

    @invariant()
    def always(self) -> None:
        """One for all, so that what Hypothesis prints of a failed life can be read."""
        self.holds()


def _is_worse(severity: str, than: str) -> bool:
    return model.SEVERITIES.index(severity) < model.SEVERITIES.index(than)
