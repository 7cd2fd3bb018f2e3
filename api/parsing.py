"""Bodies and query strings from strangers: what the database could not keep is refused before anything is done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from ninja.parser import Parser

from api.problems import Problem, invalid
from core import strict_json

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.datastructures import MultiValueDict

LARGEST_BODY = 1024 * 1024
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
UNSTORABLE_WORDS = "This text has a NUL character or half of a surrogate pair, which cannot be stored."


class StrictParser(Parser):
    """Reads one JSON value with ``core.strict_json``; raises the problems 400, 413, 415 and 422."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """The body as ninja wants it; it may be any JSON value, which the schema then refuses."""
        if len(request.body) > LARGEST_BODY:
            raise Problem(413, "The body is larger than 1 MB.")
        try:
            value = strict_json.parse(request.body)
        except strict_json.Unparseable as error:
            if request.content_type and "json" not in request.content_type and request.content_type != "text/plain":
                raise Problem(415, "Send JSON, with Content-Type: application/json.") from None
            raise Problem(400, f"The body cannot be used: {error.reason}.") from None
        _refuse_unstorable(value)
        return cast("dict[str, Any]", value)

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """Parameters left empty, as a form sends them, count as left out."""
        result: dict[str, Any] = {}
        for name, values in data.lists():
            given = [value for value in values if value != ""]
            for value in (name, *given):
                if UNSTORABLE.search(value):
                    raise invalid(UNSTORABLE.sub("\ufffd", name), UNSTORABLE_WORDS)
            if given:
                result[name] = given if name in list_fields else given[-1]
        return result


def _refuse_unstorable(value: object) -> None:
    """Raises the problem 422 for a text that PostgreSQL cannot keep; nesting has been bounded by the parser."""
    waiting: list[tuple[tuple[str, ...], object]] = [((), value)]
    while waiting:
        path, each = waiting.pop()
        if isinstance(each, dict):
            for name, inner in each.items():
                waiting.append(((*path, name), name))
                waiting.append(((*path, name), inner))
        elif isinstance(each, list):
            waiting.extend(((*path, str(index)), inner) for index, inner in enumerate(each))
        elif isinstance(each, str) and UNSTORABLE.search(each):
            raise invalid(UNSTORABLE.sub("\ufffd", ".".join(path)), UNSTORABLE_WORDS)
