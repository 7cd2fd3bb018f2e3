"""JSON from strangers: what the standard parser lets through and the database refuses is refused here.

Twice the same key is allowed, the last one wins; NUL inside a string is allowed too (``core.text.clean`` mends it).
"""

import json
import math
from codecs import BOM_UTF8
from itertools import chain
from typing import NoReturn

MAX_DEPTH = 64
MAX_INTEGER_DIGITS = 18  # the largest count of digits that always fits into a bigint


class Unparseable(ValueError):
    """The body is no JSON that Muster accepts; ``reason`` says why in words fit for the sender."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse(body: bytes) -> object:
    """Read ``body`` as one JSON value, or raise ``Unparseable``.

    Refuses an empty body, bad UTF-8, syntax errors, NaN, Infinity and 1e999, integers of more than 18 digits, and
    nesting deeper than 64.
    """
    if not body.strip():
        raise Unparseable("the body is empty")
    try:
        value: object = _decoder.decode(body.removeprefix(BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        raise Unparseable(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise Unparseable(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise Unparseable(_TOO_DEEP) from None
    # Depth needs brackets: two counts at C speed let nearly every body pass without a walk.
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _is_too_deep(value):
        raise Unparseable(_TOO_DEEP)
    return value


_TOO_DEEP = f"nested deeper than {MAX_DEPTH}"


def _is_too_deep(value: object) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        children = chain.from_iterable(parent.values() if isinstance(parent, dict) else parent for parent in level)
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS and len(digits.lstrip("-")) > MAX_INTEGER_DIGITS:
        raise Unparseable(f"an integer of more than {MAX_INTEGER_DIGITS} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise Unparseable("a number beyond every limit")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise Unparseable(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_int=_integer, parse_float=_finite, parse_constant=_refuse_constant)
