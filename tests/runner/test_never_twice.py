"""Whatever is killed whenever: nothing is run twice, and nothing is said to have been run that was not."""

from __future__ import annotations

import os
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.live import wait_until
from tests.runner.place import installed
from tests.runner.test_executions import is_alive

pytestmark = pytest.mark.enable_socket

POINTS = 20
# Kills the runner before the n-th of the calls that leave a trace outside of it, counted from its first claim on.
KILL = """
import os, signal, threading
left, lock, claimed = {number}, threading.Lock(), threading.Event()
def count():
    global left
    with lock:
        if claimed.is_set():
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
def counted(owner, name):
    real = getattr(owner, name)
    def call(*args, **kwargs):
        count()
        return real(*args, **kwargs)
    setattr(owner, name, call)
for owner, name in [(os, "fsync"), (os, "replace"), (os, "unlink"), (m.subprocess, "Popen"), (m.Execution, "_stream")]:
    counted(owner, name)
real_of, real_post = m.Entry.of, m.Server.post
def of(body):
    claimed.set()
    return real_of(body)
def post(self, path, body, **more):
    if path != "claim":
        count()
    return real_post(self, path, body, **more)
m.Entry.of, m.Server.post = of, post
m.HEARTBEAT_SECONDS = 60  # or there would be more points on a slow machine
"""


def killed_at(number: int) -> tuple[bool, int, str, str]:
    """Kill a runner there, start another one, and ask for the same execution again.

    Returns whether it was killed, how often the program ran, what was told at first, and what the second time.
    """
    with installed() as (muster, place):
        told = muster.ask(5)
        first = place.start(first=KILL.format(number=number))
        wait_until(
            lambda: first.poll() is not None or (told.ends and not place.journal), "neither dead nor done", within=20
        )
        with suppress(subprocess.TimeoutExpired):
            first.wait(0.3)  # there is one more point after the journal's file has gone
        was_killed = first.poll() is not None
        place.kill(first)
        left_over, ran_before, said_before = bool(place.journal), place.times_run, len(told.ends)
        place.start()
        wait_until(lambda: len(told.ends) > said_before or not left_over, "what was left is not told", within=20)
        again = str(uuid.uuid4())
        muster.ask(5, token=again)
        wait_until(lambda: any(end["token"] == again for end in told.ends), "no end", within=20)
        outcomes = {end["token"] == again: end for end in reversed(told.ends)}
        for end in told.ends:
            assert place.times_run == 1 or end["outcome"] != "done"
        if ran_before:
            assert "Nothing was run" not in outcomes.get(False, {"detail": ""})["detail"]
        return was_killed, place.times_run, outcomes.get(False, {}).get("outcome", ""), outcomes[True]["outcome"]


def test_killed_at_any_point_it_runs_at_most_once_also_when_asked_again():
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(killed_at, range(1, POINTS + 1)))
    assert [was_killed for was_killed, *_ in found] == [True] * (POINTS - 1) + [False], "and there are no more points"
    assert {ran for _, ran, *_ in found} <= {0, 1}
    assert {first for _, _, first, _ in found} == {"", "failed", "unknown", "done"}
    # Run for the second asking only where it was not run for the first.
    assert all(second == "unknown" for _, _, first, second in found if first in ("unknown", "done"))


def test_killed_before_it_began_it_says_that_nothing_was_run(muster, place):
    muster.hold_start.clear()
    told = muster.ask(1)
    process = place.start()
    wait_until(lambda: told.starts, "it does not ask")
    place.kill(process)
    assert [entry["state"] for entry in place.journal] == ["claimed"]
    muster.hold_start.set()
    place.start()
    muster.wait_for_end(1)
    assert (told.outcome, told.detail) == ("failed", "The runner was stopped before it began. Nothing was run.")
    assert place.times_run == 0


def test_killed_while_it_runs_the_program_dies_too_and_its_end_is_unknown(muster, place):
    place.action("long", "print(os.getpid(), flush=True); time.sleep(60)")
    told = muster.ask(1, "long")
    process = place.start()
    wait_until(lambda: told.text, "it does not run")
    place.kill(process)
    assert [entry["state"] for entry in place.journal] == ["executing"]
    assert not is_alive(int(told.text))
    place.start()
    muster.wait_for_end(1)
    assert told.outcome == "unknown"
    assert told.detail == "The runner was stopped while this ran. Check what it has done before you run it again."
    assert place.times_run == 1


def test_killed_before_its_end_was_told_it_tells_it_after_a_restart(muster, place):
    muster.statuses["finish"] = 503
    told = muster.ask(1)
    process = place.start()
    wait_until(lambda: "finish" in muster.calls, "it does not end")
    place.kill(process)
    muster.statuses.clear()
    place.start()
    muster.wait_for_end(1)
    assert (told.outcome, place.times_run) == ("done", 1)
    wait_until(lambda: place.journal == [], "it stays in the journal")


def test_the_same_execution_is_not_run_again_while_it_runs_nor_afterwards(muster, place):
    place.action("wait", "time.sleep(0.5)")
    token, other = str(uuid.uuid4()), str(uuid.uuid4())
    told = muster.ask(1, "wait", token=token)
    for again in (token, other):
        muster.ask(1, "wait", token=again)
    place.start()
    wait_until(lambda: len(told.ends) == 2, "it is not told")
    assert {end["token"]: end["outcome"] for end in told.ends} == {other: "unknown", token: "done"}
    muster.ask(1, "wait", token=token)
    wait_until(lambda: len(told.ends) == 3, "the third is not told")
    assert told.ends[2]["outcome"] == "unknown"
    assert told.ends[2]["detail"].startswith("This runner has already begun this execution once")
    assert place.times_run == 1


def test_ten_thousand_executions_are_remembered(runner, tmp_path):
    runner.TOMBSTONES, before = 20, runner.TOMBSTONES
    try:
        (tmp_path / "journal").mkdir()
        journal = runner.Journal(str(tmp_path))
        for number in range(1, 31):
            journal.close(runner.Entry(number, "t", "finished", ran=True))
    finally:
        runner.TOMBSTONES = before
    journal = runner.Journal(str(tmp_path))
    assert before == 10_000
    assert [journal.knows(number) for number in (10, 11, 30, 31)] == [False, True, True, False]


def test_what_cannot_be_written_down_is_not_run(muster, place):
    told = muster.ask(1)
    fail = "def full(*args): raise OSError(28, 'No space left on device')\nm.os.fsync = full"
    place.start(first=fail)
    muster.wait_for_end(1)
    assert (told.outcome, place.times_run, told.starts) == ("failed", 0, 0)
    assert told.detail == "The runner cannot write its journal: No space left on device. Nothing was run."


def test_a_second_runner_with_the_same_folder_gives_up(muster, place):
    place.start()
    wait_until(lambda: muster.offers, "it asks for nothing")
    second = place.start()
    assert second.wait(5) == 1
    assert f"another runner already uses {place.state}" in place.said


def test_a_journal_that_cannot_be_read_stops_the_runner(runner, tmp_path):
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "3-x.json").write_text("{")
    advice = "what it names must not be run again: .* what it has done, and only then remove the file"
    with pytest.raises(runner.ConfigError, match=f"3-x.json cannot be read .*; {advice}"):
        runner.Journal(str(tmp_path))
    os.unlink(tmp_path / "journal" / "3-x.json")
    (tmp_path / "executed").write_text("3\nx\n")
    with pytest.raises(runner.ConfigError, match=f"executed cannot be read .*; {advice}"):
        runner.Journal(str(tmp_path))
