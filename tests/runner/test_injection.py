"""Values that were written to become something else: each is refused, or is exactly one element and nothing more."""

from __future__ import annotations

import json
import re

import pytest

from tests.automation import hostile

pytestmark = pytest.mark.enable_socket

NASTY = [*hostile.ALL, *hostile.MORE]
OTHERS = [None, True, False, 0, 1, -1, 11, 1.0, 10**400, [], ["a"], {}, {"parameter": "group"}, [["orders"]]]
TYPES = {
    "name": ({"type": "name"}, {}),
    "integer": ({"type": "integer", "minimum": 1, "maximum": 10}, {}),
    "choice": ({"type": "choice", "choices": ["orders", "a:9092"]}, {}),
    "boolean": ({"type": "boolean"}, {"flag": "--verbose"}),
    "text": ({"type": "text", "pattern": "[a-z]+(-[a-z]+)*"}, {}),
    "loose": ({"type": "text", "pattern": "(?s).*"}, {}),
    "prefixed": ({"type": "text", "pattern": "(?s).*"}, {"prefix": "--topic="}),
}


def matches(kind: str, value: object) -> bool:
    """Whether a value is one of this type; written down here once more, in other words than the runner's."""
    if kind == "boolean":
        return value is True or value is False
    if kind == "integer":
        return isinstance(value, int) and value is not True and value is not False and 1 <= value <= 10
    if not isinstance(value, str):
        return False
    fits = {
        "name": re.match(r"\A[a-zA-Z0-9][a-zA-Z0-9_.\-]*\Z", value) and len(value) <= 128,
        "choice": value in ("orders", "a:9092"),
        "text": re.match(r"\A[a-z]+(-[a-z]+)*\Z", value) and len(value) <= 200,
        "loose": 0 < len(value) <= 200 and value.isprintable() and value[0] != "-",
        "prefixed": 0 < len(value) <= 200 and value.isprintable(),
    }
    return bool(fits[kind])


def actions_of(place) -> None:
    for kind, (declared, use) in TYPES.items():
        argument = {"parameter": "value", **use}
        more = {"parameters": {"value": declared}, "argv": [str(place.program), "show", "first", argument, "last"]}
        place.action(kind, "", **more)


def test_there_are_enough_of_them():
    assert len(set(NASTY)) > 100


@pytest.mark.parametrize("kind", TYPES)
def test_a_value_is_refused_or_is_one_element(runner, place, kind):
    actions_of(place)
    place.save()
    action = runner.read_config(str(place.config)).actions[kind]
    accepted = 0
    for value in [*NASTY, *OTHERS]:
        if not matches(kind, value):
            with pytest.raises(runner.Refused, match="^The parameter value must ") as refusal:
                action.command({"value": value}, dry_run=False)
            assert not isinstance(value, str) or len(value) < 6 or value not in str(refusal.value)
            continue
        argv = action.command({"value": value}, dry_run=False)
        accepted += 1
        between = argv[3:-1]
        prefix = TYPES[kind][1].get("prefix", "")
        assert between == ([f"{prefix}{value}"] if kind != "boolean" else ["--verbose"] * value)
        assert (argv[2], argv[-1]) == ("first", "last")
    assert accepted > 0


def test_none_of_them_reaches_a_program_as_anything_but_one_element(muster, place):
    actions_of(place)
    place.settings["at_once"] = 8
    asked = [
        (kind, value)
        for at, value in enumerate(NASTY)
        for kind in dict.fromkeys(("loose", list(TYPES)[at % len(TYPES)]))
    ]
    for number, (kind, value) in enumerate(asked, start=1):
        muster.ask(number, kind, parameters={"value": value})
    place.start(first="m.START_SECONDS = 10")  # a busy machine is no refusal
    muster.wait_for_end(*range(1, len(asked) + 1), within=60)
    ran = 0
    for number, (kind, value) in enumerate(asked, start=1):
        told = muster.told[number]
        if matches(kind, value):
            ran += 1
            assert told.outcome == "done", (kind, value)
            assert json.loads(told.text) == ["first", f"{TYPES[kind][1].get('prefix', '')}{value}", "last"]
        else:
            assert (told.outcome, told.starts, told.text) == ("failed", 0, ""), (kind, value)
            assert told.detail.endswith("Nothing was run.")
    assert place.times_run == ran > 20
    assert not any(value in place.said for value in NASTY if len(value) > 8)
