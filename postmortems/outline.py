"""What a postmortem is made of: seven sections, what each asks its writer for, and how unfinished text is told.

Generated text marks what only a person can write with a line that begins ``**To write:**``; a required section that
still has one cannot be published. Two lists stay live until then: a line that says ``[[events]]`` or
``[[action items]]`` stands for the events that are kept, or the incident's action items (``postmortems.places``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.text import slugify

from core.text import clean, single_line
from core.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Iterable

TO_WRITE = "**To write:**"
UNWRITTEN_PATTERN = r"\*\*\s*to write\s*:?\s*\*\*"  # PostgreSQL reads it alike
_UNWRITTEN = re.compile(UNWRITTEN_PATTERN, re.IGNORECASE)

PROMPT_LIMIT = 2_000
TITLE_LIMIT = 120
KEY_LIMIT = 40
MOST_SECTIONS = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One section of the outline: its key in the API, its heading, what it asks for, and whether it must be written."""

    key: str
    title: str
    prompt: str
    is_required: bool = True


STANDARD = (
    Part("summary", "Summary", "What happened and what it meant, so that somebody who was not there understands it."),
    Part("timeline", "Timeline", "The key events in order. Keep what explains how it went, leave out the rest."),
    Part(
        "root_cause",
        "Root cause",
        "What made it possible? Ask why until the answer is about the system, not about a person.",
    ),
    Part("impact", "Impact", "Who noticed what: users affected, data, money."),
    Part("resolution", "Resolution", "What ended it, what was tried before, and how it was made sure of."),
    Part("action_items", "Action items", "What will change, who sees to it, and by when."),
    Part("lessons_learned", "Lessons learned", "What went well, what could improve, and where we were lucky."),
)
STANDARD_KEYS = tuple(part.key for part in STANDARD)
ALWAYS_REQUIRED = ("summary", "root_cause")  # without these two nothing is learned


def to_write(prompt: str) -> str:
    """The mark of a gap, with what belongs there."""
    return f"{TO_WRITE} {single_line(prompt)}"


def is_unwritten(body: str) -> bool:
    """Whether a text is empty, or still says that something is to be written."""
    return not body.strip() or bool(_UNWRITTEN.search(body))


def parts_of(sections: Iterable[dict[str, Any]]) -> tuple[Part, ...]:
    """The outline of a template; the standard one where it says nothing."""
    found = tuple(
        Part(
            section["key"],
            section["title"],
            section["prompt"],
            section["is_required"] or section["key"] in ALWAYS_REQUIRED,
        )
        for section in sections
    )
    return found or STANDARD


def _key_of(title: str) -> str:
    """A title in Latin letters names its section; for any other, a short digest of it does, the same every time."""
    return slugify(title).replace("-", "_")[:KEY_LIMIT] or f"section_{version_of(title)}"


def checked(sections: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """A template's sections as they are kept. A section without a key gets one from its title. Raises ValidationError
    where one of the seven is missing, summary or root cause need not be written, or a section has no title or is there
    twice."""
    found: dict[str, dict[str, Any]] = {}
    for section in sections:
        title = single_line(section.get("title"), limit=TITLE_LIMIT)
        key = section.get("key") or _key_of(title)
        if not title:
            raise ValidationError({"sections": "Give every section a title."})
        if key in found:
            raise ValidationError({"sections": f"The section “{title}” is there twice."})
        found[key] = {
            "key": key,
            "title": title,
            "prompt": clean(section.get("prompt"), limit=PROMPT_LIMIT).strip(),
            "is_required": bool(section.get("is_required", True)),
        }
    missing = [part.title for part in STANDARD if part.key not in found]
    if missing:
        raise ValidationError({"sections": f"Every postmortem has these sections too: {', '.join(missing)}."})
    optional = [found[key]["title"] for key in ALWAYS_REQUIRED if not found[key]["is_required"]]
    if optional:
        raise ValidationError({"sections": f"This must be written in every postmortem: {', '.join(optional)}."})
    if len(found) > MOST_SECTIONS:
        raise ValidationError({"sections": f"A template has at most {MOST_SECTIONS} sections."})
    return list(found.values())
