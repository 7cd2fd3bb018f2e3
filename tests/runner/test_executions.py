"""From the claim to its end, with real processes."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from tests.live import wait_until
from tests.runner.fake_muster import TOKEN

pytestmark = pytest.mark.enable_socket


def test_what_is_printed_arrives_while_it_runs_and_its_end_is_told(muster, place):
    place.action("slow", "print('one', flush=True); input_ = time.sleep(1.2); print('two'); sys.exit(3)")
    told = muster.ask(7, "slow")
    process = place.start(is_fast=False)
    wait_until(lambda: told.text == "one\n", "nothing was streamed")
    assert told.ends == []
    muster.wait_for_end(7)
    assert told.text == "one\ntwo\n"
    assert {name: told.ends[0][name] for name in ("outcome", "exit_code", "detail", "left_out")} == {
        "outcome": "failed",
        "exit_code": 3,
        "detail": "It ended with exit code 3.",
        "left_out": 0,
    }
    assert muster.headers["authorization"] == f"Bearer {TOKEN}"
    assert muster.headers["user-agent"] == "muster-runner/1"
    wait_until(lambda: place.journal == [], "the journal keeps what is over")
    assert (place.state / "executed").read_text() == "7\n"
    process.terminate()
    assert process.wait(5) == 0


def test_muster_hears_what_the_file_allows(muster, place):
    place.action(
        "lag",
        "",
        {"parameter": "group"},
        {"parameter": "count", "prefix": "-n"},
        parameters={
            "group": {"type": "name"},
            "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 5},
        },
        dry_run_argv=["/bin/true"],
    )
    place.start()
    wait_until(lambda: muster.offers, "it asks for nothing")
    offer = muster.offers[0]
    assert offer["version"] == "1"
    assert offer["actions"][1] == {
        "name": "lag",
        "description": "Does lag.",
        "read_only": True,
        "has_dry_run": True,
        "parameters": [
            {"name": "group", "type": "name"},
            {"name": "count", "type": "integer", "minimum": 1, "maximum": 9, "default": 5},
        ],
    }


def test_values_of_every_type_become_whole_elements(muster, place):
    place.action(
        "all",
        "print(json.dumps(sys.argv[2:]))",
        {"parameter": "group"},
        {"parameter": "broker", "prefix": "--server="},
        {"parameter": "verbose", "flag": "--verbose"},
        {"parameter": "quiet", "flag": "--quiet"},
        {"parameter": "count"},
        {"parameter": "topic"},
        "{literal} $HOME",
        parameters={
            "group": {"type": "name"},
            "broker": {"type": "choice", "choices": ["a b:9092"]},
            "verbose": {"type": "boolean"},
            "quiet": {"type": "boolean", "default": False},
            "count": {"type": "integer", "minimum": 1, "maximum": 10},
            "topic": {"type": "text", "pattern": "[a-z]+(-[a-z]+)*"},
        },
        dry_run_argv=["/bin/echo", "would show", {"parameter": "group"}],
    )
    values = {"group": "orders", "broker": "a b:9092", "verbose": True, "count": 7, "topic": "a-b"}
    real, dry = muster.ask(1, "all", parameters=values), muster.ask(2, "all", parameters=values, dry_run=True)
    place.start()
    muster.wait_for_end(1, 2)
    assert json.loads(real.text) == ["orders", "--server=a b:9092", "--verbose", "7", "a-b", "{literal} $HOME"]
    assert (dry.text, dry.outcome, place.times_run) == ("would show orders\n", "done", 1)


def test_a_program_gets_a_clean_environment_and_nothing_else(muster, place):
    secret = place.write("password", "hunter22\n")
    place.action(
        "env",
        "import resource\n"
        "print(json.dumps([dict(os.environ), os.getcwd(), os.readlink('/proc/self/fd/0'), os.getuid(),\n"
        "   sorted(int(fd) for fd in os.listdir('/proc/self/fd'))[:-1], os.umask(0),\n"
        "   resource.getrlimit(resource.RLIMIT_CORE)[1], os.getpgrp() == os.getpid() == os.getsid(0),\n"
        "   len(os.environ['PW'])]))",
        environment={"PW": {"file": str(secret)}, "LANG": "C"},
    )
    told = muster.ask(1, "env")
    place.start()
    muster.wait_for_end(1)
    found = json.loads(told.text)
    found[0].pop("LC_CTYPE", None)  # the program's own Python sets it
    uid = 65534 if os.getuid() == 0 else os.getuid()
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C", "PW": "••••"}
    assert found == [environment, "/", "/dev/null", uid, [0, 1, 2], 0o077, 0, True, 8]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"action": "rm"}, "The runner's file has no action of this name."),
        ({"action": ["show"]}, "The runner's file has no action of this name."),
        ({"dry_run": True}, "This action has no dry run."),
        ({"dry_run": "false"}, "It was not said whether this is a dry run, or for how long it may run."),
        ({"seconds": True}, "It was not said whether this is a dry run, or for how long it may run."),
        ({"parameters": ["a"]}, "The parameters are not an object."),
        ({"parameters": {"user": "a"}}, "The runner's file knows no parameter user of this action."),
        ({"parameters": {"a\nb": "a"}}, "The runner's file knows no parameter of this action."),
    ],
)
def test_what_the_file_does_not_allow_is_refused_before_anything_runs(runner, place, change, detail):
    body = {"execution": 1, "token": "x", "action": "show", "parameters": {}, "dry_run": False, "seconds": 9, **change}
    place.save()
    with pytest.raises(runner.Refused) as refusal:
        runner.read_config(str(place.config)).allowed(body)
    assert str(refusal.value) == f"{detail} Nothing was run."


def test_a_refusal_is_told_and_nothing_is_run(muster, place):
    place.action("group", "", {"parameter": "group"}, parameters={"group": {"type": "name"}})
    wrong, missing = muster.ask(1, "group", parameters={"group": "$(id)"}), muster.ask(2, "group")
    unknown, gone = muster.ask(3, "reboot"), muster.ask(4)
    muster.queue[-1]["action"] = "absent"
    place.settings["actions"]["absent"] = {**place.settings["actions"]["show"], "argv": ["/nowhere/at-all"]}
    place.start()
    muster.wait_for_end(1, 2, 3, 4)
    assert (place.times_run, wrong.starts, missing.starts, unknown.starts) == (0, 0, 0, 0)
    assert {wrong.outcome, missing.outcome, unknown.outcome, gone.outcome} == {"failed"}
    assert wrong.detail.startswith("The parameter group must be at most 128 letters")
    assert "$(id)" not in wrong.detail + place.said
    assert missing.detail == "The parameter group is missing. Nothing was run."
    assert gone.detail == "The program could not be started: No such file or directory."


@pytest.mark.parametrize("status", [409, 404])
def test_without_the_word_to_begin_it_is_forgotten(muster, place, status):
    muster.statuses["start"] = status
    told = muster.ask(1)
    place.start()
    wait_until(lambda: "given back" in place.said, "it waits")
    assert (place.times_run, place.journal, told.ends) == (0, [], [])
    muster.statuses.clear()
    muster.ask(1)  # it was never run, so it may be
    muster.wait_for_end(1)
    assert (place.times_run, told.outcome) == (1, "done")


def test_no_clear_word_to_begin_means_that_it_does_not(muster, place):
    muster.statuses["start"] = 503
    told = muster.ask(1)
    place.start()
    muster.wait_for_end(1)
    assert (place.times_run, told.outcome) == (0, "failed")
    assert told.detail == "Muster did not say clearly that it may begin. Nothing was run."
    assert told.starts > 1


def test_a_person_stops_it_and_what_ignores_the_first_signal_is_killed(muster, place):
    place.action(
        "deaf", "signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid(), flush=True); time.sleep(60)"
    )
    told = muster.ask(1, "deaf")
    place.start()
    wait_until(lambda: told.text, "it does not run")
    muster.is_to_stop = True
    muster.wait_for_end(1)
    assert (told.outcome, told.detail, told.ends[0]["exit_code"]) == ("failed", "It was stopped by a person.", None)
    assert not is_alive(int(told.text))


def test_the_smaller_time_limit_counts(muster, place):
    place.action("short", "print('begun', flush=True); time.sleep(60)", seconds=1)
    place.action("long", "print('begun', flush=True); time.sleep(60)", seconds=300)
    of_file, of_muster = muster.ask(1, "short", seconds=300), muster.ask(2, "long", seconds=1)
    place.start()
    muster.wait_for_end(1, 2)
    for told in (of_file, of_muster):
        assert (told.text, told.outcome) == ("begun\n", "failed")
        assert told.detail == "It took longer than 1 s and was stopped."


def test_sigterm_ends_what_runs_and_the_runner(muster, place):
    place.action("long", "print(os.getpid(), flush=True); time.sleep(60)")
    told = muster.ask(1, "long")
    process = place.start()
    wait_until(lambda: told.text, "it does not run")
    process.send_signal(signal.SIGTERM)
    assert process.wait(9) == 0
    assert (told.outcome, told.detail) == ("failed", "The runner was stopped.")
    assert place.journal == []
    assert not is_alive(int(told.text))


def test_the_network_may_be_away_while_it_runs(muster, place):
    place.action("talks", "for n in range(6): print(n, flush=True); time.sleep(0.1)")
    told = muster.ask(1, "talks")
    place.start()
    wait_until(lambda: told.text, "it does not run")
    muster.is_away = True
    wait_until(lambda: place.journal[0]["state"] == "finished", "it did not go on")
    assert told.ends == []
    muster.is_away = False
    muster.wait_for_end(1)
    assert told.text == "".join(f"{n}\n" for n in range(6))
    assert (told.outcome, told.ends[0]["exit_code"]) == ("done", 0)


def test_signs_of_life_come_without_output_and_a_refused_output_hinders_nothing(muster, place):
    place.action("quiet", "time.sleep(0.6)")
    told = muster.ask(1, "quiet")
    place.start()
    muster.wait_for_end(1)
    assert muster.calls.count("output") >= 2
    muster.statuses["output"] = 409
    other = muster.ask(2)
    muster.wait_for_end(2)
    assert (told.outcome, other.outcome, other.text) == ("done", "done", "")


@pytest.mark.parametrize("leaves", ["", "start_new_session=True"])
def test_a_grandchild_that_holds_the_output_open_is_not_waited_for(muster, place, leaves):
    place.action("leaves", f"print(subprocess.Popen(['sleep', '8'], {leaves}).pid)")
    told = muster.ask(1, "leaves")
    place.start()
    began = time.monotonic()
    muster.wait_for_end(1)
    assert time.monotonic() - began < 4
    assert told.outcome == "done"
    assert is_alive(int(told.text)) == bool(leaves)
    if leaves:
        os.kill(int(told.text), signal.SIGKILL)


def test_several_run_at_once_and_no_more(muster, place):
    place.settings["at_once"] = 2
    place.action("wait", "time.sleep(0.4); print(time.monotonic())")
    told = [muster.ask(n, "wait") for n in (1, 2, 3)]
    place.start()
    muster.wait_for_end(1, 2, 3)
    first, second, third = sorted(float(one.text) for one in told)
    assert second - first < 0.35
    assert third - second > 0.2


def test_a_token_that_is_not_accepted_is_said_once_and_tried_again(muster, place):
    muster.statuses["claim"] = 401
    place.start()
    wait_until(lambda: muster.calls.count("claim") >= 3, "it gave up")
    assert place.said.count("does not accept the token") == 1
    muster.statuses.clear()
    told = muster.ask(1)
    muster.wait_for_end(1)
    assert told.outcome == "done"


def test_redirects_are_not_followed(muster, place):
    muster.statuses["claim"] = 302
    place.start()
    wait_until(lambda: muster.calls.count("claim") >= 2, "it gave up")
    assert "elsewhere" not in muster.calls
    assert "no work from Muster: it answered 302" in place.said


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie; looks for a moment, since killing takes one."""
    for _ in range(20):
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return False
        except FileNotFoundError:
            return False
        time.sleep(0.01)
    return True
