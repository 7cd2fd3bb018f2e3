"""What values parameters take: typed, matched as a whole, and never put together from anything."""

from __future__ import annotations

import time

import pytest

from automation.parameters import BadParameter, BadValue, Parameter, check, declared, offered, read, refused_facts

GROUP = Parameter("group", fact="consumer_group")
COUNT = Parameter("count", "integer", minimum=1, maximum=10, default=2)
MODE = Parameter("mode", "choice", choices=("slow", "fast"))
FORCE = Parameter("force", "boolean")
TICKET = Parameter("ticket", "text", pattern="[A-Z]+-[0-9]+", is_required=False)


def test_each_type_takes_its_values_and_nothing_else():
    assert [GROUP.check("orders-1"), COUNT.check("7"), COUNT.check(7), MODE.check("fast")] == ["orders-1", 7, 7, "fast"]
    assert [FORCE.check(word) for word in (True, "on", "No", "")] == [True, True, False, False]
    assert TICKET.check("OPS-12") == "OPS-12"
    wrong = {
        GROUP: ("", "-group", ".group", "a b", "a\n", "grüße", "a" * 129, 7, None, ["a"]),
        COUNT: (0, 11, "3.0", "0x3", "٣", True, 3.0, "99999999999999999", None),
        MODE: ("", "Fast", "slow ", 1, None),
        FORCE: ("maybe", 1, None, []),
        TICKET: ("OPS-12\n", "ops-12", "xOPS-1", "-OPS-1", "OPS-1 " * 60, "", None, 12),
    }
    for parameter, values in wrong.items():
        for value in values:
            with pytest.raises(BadValue) as refused:
                parameter.check(value)
            assert not isinstance(value, str) or len(value) < 5 or value not in str(refused.value)


def test_what_is_left_out_takes_its_default_and_what_is_unknown_is_wrong():
    values, wrong = check((GROUP, COUNT, MODE, FORCE, TICKET), {"group": "a", "mode": "slow"})
    assert (values, wrong) == ({"group": "a", "count": 2, "mode": "slow", "force": False}, {})
    values, wrong = check((GROUP, COUNT), {"count": 99, "shell": "sh"})
    assert sorted(wrong) == ["count", "group", "shell"]
    assert wrong["group"] == "Group is missing. It takes a name of letters, digits, dots, hyphens and underscores."


def test_a_label_is_offered_where_it_fits_and_named_where_it_does_not():
    parameters = (GROUP, COUNT)
    assert offered(parameters, {"consumer_group": "orders"}) == {"group": "orders", "count": 2}
    assert offered(parameters, {"consumer_group": "$(reboot)"}) == {"count": 2}
    assert refused_facts(parameters, {"consumer_group": "$(reboot)"}) == ["consumer_group"]
    assert refused_facts(parameters, {"consumer_group": "orders"}) == refused_facts(parameters, {}) == []


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        (Parameter("9lives"), "begins with a letter"),
        (Parameter("a b"), "begins with a letter"),
        (Parameter("Dry_Run"), "meaning of its own"),
        (Parameter("a", "shell"), "needs a type"),
        (Parameter("a", "integer", minimum=2), "smallest and a largest"),
        (Parameter("a", "integer", minimum=2, maximum=1), "smallest and a largest"),
        (Parameter("a", "choice"), "1 to 50 choices"),
        (Parameter("a", "choice", choices=("x\n",)), "1 to 50 choices"),
        (Parameter("a", "text"), "needs a pattern"),
        (Parameter("a", "text", pattern="(a"), "cannot be read: missing )"),
        (Parameter("a", "text", pattern=r"(a)\1"), "cannot be read"),
        (Parameter("a", default="-x"), "default of “a”"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(parameter, said):
    with pytest.raises(BadParameter, match=said.replace("(", r"\(").replace(")", r"\)")):
        declared([parameter])


def test_names_are_unique_and_declarations_are_read_back():
    with pytest.raises(BadParameter, match="Two parameters"):
        declared([GROUP, GROUP])
    with pytest.raises(BadParameter, match="at most 20"):
        declared([Parameter(f"a{n}") for n in range(21)])
    everything = (GROUP, COUNT, MODE, FORCE, TICKET)
    assert read([one.stored() for one in declared(everything)]) == everything


def test_a_pattern_that_others_choke_on_takes_no_time():
    hungry = Parameter("a", "text", pattern="(a+)+(b+)+c")
    started = time.perf_counter()
    with pytest.raises(BadValue):
        hungry.check("a" * 199 + "!")
    assert time.perf_counter() - started < 0.1
