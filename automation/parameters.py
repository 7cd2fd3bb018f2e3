"""Typed parameters of actions: how they are declared, and which values they take; pure.

Values may come from an alert, that is from anybody. A value is used only as a whole, as one element of an argument list
or one string of a JSON body; there are no templates, and nothing is put together from it. Patterns are matched by RE2,
in time linear in the value's length, whatever the pattern (decision record 0010).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import re2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Value = str | int | bool

TYPES = {
    "name": "Name: letters, digits, dots, hyphens and underscores",
    "integer": "Whole number",
    "choice": "One of a list",
    "boolean": "Yes or no",
    "text": "Text of a pattern",
}
MOST_PARAMETERS = 20
MOST_CHOICES = 50
VALUE_LIMIT = 200
LABEL_LIMIT = 120
FACT_LIMIT = 200
BIGGEST = 2**53 - 1  # what every JSON reader keeps exact

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)
RESERVED = frozenset({"dry_run"})  # what some who listen are told a dry run by
NAME_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,16}", re.ASCII)
YES, NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0", ""})


class BadValue(ValueError):
    """A value that a parameter does not take. The message says what it takes, and never repeats the value."""


class BadParameter(ValueError):
    """A declaration that is no parameter; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. ``fact`` names a label of the incident whose value is offered, where it passes the checks."""

    name: str
    type: str = "name"
    label: str = ""
    is_required: bool = True
    default: str | int | bool | None = None
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    fact: str = ""

    def __str__(self) -> str:
        return self.label or self.name.replace("_", " ").capitalize()

    def check(self, value: object) -> Value:
        """The value as it is sent. Raises BadValue."""
        match self.type:
            case "integer":
                return _integer(value, self.minimum, self.maximum)
            case "boolean":
                return _boolean(value)
            case "choice":
                if isinstance(value, str) and value in self.choices:
                    return value
                raise BadValue(f"Choose one of: {', '.join(self.choices)}.")
            case "name":
                return _name(value)
            case _:
                return _text(value, self.pattern)

    def fits(self, value: object) -> bool:
        """Whether it takes the value."""
        try:
            self.check(value)
        except BadValue:
            return False
        return True

    @property
    def takes(self) -> str:
        """What it takes, in words."""
        match self.type:
            case "integer":
                return f"a whole number from {self.minimum} to {self.maximum}"
            case "choice":
                return f"one of {', '.join(self.choices)}"
            case "boolean":
                return "yes or no"
            case "name":
                return "a name of letters, digits, dots, hyphens and underscores"
            case _:
                return f"a text that is all of the pattern {self.pattern}"

    def stored(self) -> dict[str, Any]:
        """The declaration as JSON; ``read`` takes it back."""
        return asdict(self) | {"choices": list(self.choices)}


def read(rows: Iterable[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    """Declarations that were stored."""
    return tuple(Parameter(**{**row, "choices": tuple(row.get("choices", ()))}) for row in rows)


def declared(parameters: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Declarations that make sense, in order. Raises BadParameter."""
    found = tuple(parameters)
    if len(found) > MOST_PARAMETERS:
        raise BadParameter(f"An action has at most {MOST_PARAMETERS} parameters.")
    names = [one.name for one in found]
    for one in found:
        if not NAME.fullmatch(one.name):
            raise BadParameter(
                "A parameter's name begins with a letter and has letters, digits, hyphens and underscores, 40 at most."
            )
        if one.name.lower() in RESERVED:
            raise BadParameter(f"“{one.name}” has a meaning of its own; choose another name.")
        if names.count(one.name) > 1:
            raise BadParameter(f"Two parameters are called “{one.name}”.")
        _check_declaration(one)
    return found


def check(parameters: Iterable[Parameter], given: Mapping[str, object]) -> tuple[dict[str, Value], dict[str, str]]:
    """The values to send, and what is wrong by the parameter's name. What is left out takes its default."""
    values: dict[str, Value] = {}
    wrong: dict[str, str] = {}
    known = {one.name: one for one in parameters}
    wrong |= dict.fromkeys(sorted(given.keys() - known.keys()), "This action has no such parameter.")
    for name, one in known.items():
        value = given.get(name)
        if value is None or (value == "" and one.type != "boolean"):
            value = one.default
        if value is None and one.type == "boolean":
            value = False
        if value is None:
            if one.is_required:
                wrong[name] = f"{one} is missing. It takes {one.takes}."
            continue
        try:
            values[name] = one.check(value)
        except BadValue as error:
            wrong[name] = str(error)
    return values, wrong


def offered(parameters: Iterable[Parameter], facts: Mapping[str, object]) -> dict[str, Value]:
    """What is proposed: a label's value where it passes the checks, otherwise the default, otherwise nothing."""
    found: dict[str, Value] = {}
    for one in parameters:
        for value in (facts.get(one.fact) if one.fact else None, one.default):
            try:
                if value is not None and value != "":
                    found[one.name] = one.check(value)
                    break
            except BadValue:
                continue
    return found


def refused_facts(parameters: Iterable[Parameter], facts: Mapping[str, object]) -> list[str]:
    """Names of the labels whose values were there and not taken."""
    return [one.fact for one in parameters if one.fact and facts.get(one.fact) and not one.fits(facts[one.fact])]


def _check_declaration(one: Parameter) -> None:
    match one.type:
        case "integer":
            if one.minimum is None or one.maximum is None or not -BIGGEST <= one.minimum <= one.maximum <= BIGGEST:
                raise BadParameter(f"“{one.name}” needs a smallest and a largest number.")
        case "choice":
            if not 1 <= len(one.choices) <= MOST_CHOICES or not all(map(_is_choice, one.choices)):
                raise BadParameter(
                    f"“{one.name}” needs 1 to {MOST_CHOICES} choices of 1 to {VALUE_LIMIT} printable characters."
                )
        case "text":
            compiled(one.pattern, one.name)
        case "name" | "boolean":
            pass
        case _:
            raise BadParameter(f"“{one.name}” needs a type: {', '.join(TYPES)}.")
    if one.default is not None:
        try:
            one.check(one.default)
        except BadValue as error:
            raise BadParameter(f"The default of “{one.name}” is not one of its values. {error}") from None


def compiled(pattern: str, name: str) -> Any:
    """The pattern, ready to match. Raises BadParameter."""
    if not 1 <= len(pattern) <= VALUE_LIMIT:
        raise BadParameter(f"“{name}” needs a pattern of 1 to {VALUE_LIMIT} characters, such as [a-z]+-[0-9]+.")
    options = re2.Options()
    options.log_errors, options.max_mem = False, 1 << 20
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode("utf-8", "replace")
        raise BadParameter(f"The pattern of “{name}” cannot be read: {why}.") from None


def _is_choice(text: str) -> bool:
    return 1 <= len(text) <= VALUE_LIMIT and text.isprintable() and text == text.strip()


def _integer(value: object, minimum: int | None, maximum: int | None) -> int:
    if isinstance(value, str) and WHOLE_NUMBER.fullmatch(value):
        value = int(value)
    least, most = (-BIGGEST if minimum is None else minimum), (BIGGEST if maximum is None else maximum)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise BadValue(f"Enter a whole number from {least} to {most}.")


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.casefold() if isinstance(value, str) else None
    if word in YES or word in NO:
        return word in YES
    raise BadValue("Say yes or no.")


def _name(value: object) -> str:
    if isinstance(value, str) and NAME_VALUE.fullmatch(value):
        return value
    raise BadValue(
        "Enter a name of at most 128 letters, digits, dots, hyphens and underscores, with a letter or a digit first."
    )


def _text(value: object, pattern: str) -> str:
    """Printable, on one line, and no option: a program would take a value that begins with a hyphen for one."""
    if not isinstance(value, str) or not 1 <= len(value) <= VALUE_LIMIT or not value.isprintable():
        raise BadValue(f"Enter a text of at most {VALUE_LIMIT} printable characters.")
    if value.startswith("-"):
        raise BadValue("It must not begin with a hyphen.")
    if not compiled(pattern, "text").fullmatch(value):
        raise BadValue(f"It must be all of the pattern {pattern}.")
    return value
