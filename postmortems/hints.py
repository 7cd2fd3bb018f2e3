"""Blameless wording: what in a text speaks of somebody's fault, and what to write instead. A hint, never a block.

People act on what they know, so an analysis that ends at a person ends too early. Names belong where things are told
(summary, timeline, resolution) and where work is given out (action items), not into causes and lessons.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortems.outline import TO_WRITE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from accounts.models import User

NAMES_BELONG_IN = frozenset({"summary", "timeline", "resolution", "action_items"})
MOST_HINTS = 8

NAME = "An analysis needs no names: say what the role or the system did, and what it knew at the time."

FAILED = "Say what was done instead, and what made that look right at the time."

# Names that are words too count only where they can be nothing but names: capital letters inside a sentence.
WORDS_TOO = frozenset(
    {
        "april", "art", "bill", "bob", "bond", "bright", "case", "chance", "chase", "dawn", "dean", "drew", "faith",
        "frank", "grace", "grant", "guy", "hope", "hunter", "iris", "ivy", "jack", "joy", "june", "king", "major",
        "mark", "may", "miles", "mike", "nick", "noble", "pat", "penny", "pierce", "ray", "rich", "rob", "robin",
        "root", "rose", "ruby", "sandy", "sky", "star", "sue", "summer", "victor", "wade", "will", "young",
    }
)  # fmt: skip

_PEOPLE = (
    r"(?:engineers?|developers?|operators?|responders?|admins?|administrators?|person|people|teams?|managers?|"
    r"reviewers?|colleagues?|on-call|staff|users?)"
)
_HUMAN = r"(?:i|we|you|he|she|they|who|nobody|somebody|someone|(?:the |an? |our )?(?:[\w-]+ )?" + _PEOPLE + ")"
_CONDUCT = (
    r"(?:ask|act|anticipate|check|communicate|consider|document|double-check|ensure|escalate|follow|foresee|inform|look|"
    r"monitor|notice|pay|read|reali[sz]e|remember|review|see|spot|tell|test|think|understand|verify)"
)

_PHRASES: tuple[tuple[str, str], ...] = (
    (
        r"(?:human|operator|user|pilot) errors?",
        "“Human error” ends the question: say what made the step easy to get wrong and hard to notice.",
    ),
    (
        r"(?:should|ought to)(?: not|n['’]t| never| always)? have|should['’]ve|shouldn['’]t have",
        "Say what happened and what was known then; what would have helped belongs into an action item.",
    ),
    (rf"(?:{_HUMAN} (?:had |have |has )?)?failed to {_CONDUCT}|{_HUMAN} (?:had |have |has )?failed to \w+", FAILED),
    (
        r"(?:forgot|neglected)(?: to)?|forgotten by",
        "Say what relied on somebody's memory, and what could remind or check.",
    ),
    (
        r"careless(?:ly|ness)?|negligen(?:t|tly|ce)|sloppy|lazy|incompetent|reckless(?:ly)?|stupid(?:ly|ity)?",
        "Judging a person explains nothing: say which pressure, habit or missing check made it likely.",
    ),
    (
        r"(?:the )?fault of|\w+['’]s fault|(?:was|were|is|are) at fault|(?:was|were|is|are) to blame|blame[sd]?",
        "Instead of whose fault it was, say which conditions had to come together.",
    ),
)
_WORDING = tuple(
    (re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])".replace(" ", r"\s+"), re.IGNORECASE), advice)
    for pattern, advice in _PHRASES
)
_FAILED = re.compile(r"\s+(?:(?:had|has)\s+)?failed\s+to\s+\w+")
_HARMLESS = re.compile(r"\b(?:git|svn) blame|\bpage fault|\bno-blame|\bwithout blame", re.IGNORECASE)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)
_GAP = re.compile(rf"^.*{re.escape(TO_WRITE)}.*$", re.MULTILINE)
_SENTENCE_BEGINS = re.compile(r"(?:^|[.!?:]\s+|\n)\W*$")


@dataclass(frozen=True, slots=True)
class Hint:
    """``words`` stand in the text; ``advice`` is one sentence on what to write instead."""

    words: str
    advice: str


def find(text: str, *, key: str, people: Iterable[User] = ()) -> list[Hint]:
    """Hints on the text of a section, in the order of the text; the same words once. Code, addresses and what is still
    to be written are passed over."""
    text = _blanked(text)
    found = [(at, Hint(words, advice)) for at, words, advice in _phrases(text)]
    for at, words in _names(text, people):
        failed = _FAILED.match(text, at + len(words))
        found += [(at, Hint(f"{words} {' '.join(failed[0].split())}", FAILED))] if failed else []
        found += [(at, Hint(words, NAME))] if key not in NAMES_BELONG_IN else []
    once = {hint.words.casefold(): hint for _, hint in sorted(found, key=lambda row: row[0], reverse=True)}
    return list(reversed(once.values()))[:MOST_HINTS]


def _blanked(text: str) -> str:
    for pattern in (_CODE, _GAP, _HARMLESS):
        text = pattern.sub(lambda found: " " * len(found[0]), text)
    return text


def _phrases(text: str) -> Iterator[tuple[int, str, str]]:
    for pattern, advice in _WORDING:
        for found in pattern.finditer(text):
            yield found.start(), " ".join(found[0].split()), advice


def _names(text: str, people: Iterable[User]) -> Iterator[tuple[int, str]]:
    """Where somebody is named: by their whole name, or by its first word, or by their username."""
    wholes = sorted({name for user in people for name in _names_of(user)}, key=len, reverse=True)
    if not wholes:
        return
    # An underscore is emphasis where it stands outside of a word.
    pattern = re.compile(
        rf"(?<![^\W_]|[@./-])(?<!\w_)(@?)({'|'.join(map(re.escape, wholes))})(?![^\W_]|[@-]|_\w|[./]\w)"
    )
    for found in pattern.finditer(text):
        if found[1] or not _is_word(found[2], text[: found.start()]):
            yield found.start(), found[0]


def _names_of(user: User) -> Iterator[str]:
    yield user.username
    if user.name.strip():
        yield user.name.strip()
        first = user.name.split()[0]
        if len(first) > 1 and first[0].isupper():
            yield first


def _is_word(name: str, before: str) -> bool:
    """Whether it may well be a word of the language instead."""
    if name.casefold() not in WORDS_TOO:
        return False
    return not name[0].isupper() or bool(_SENTENCE_BEGINS.search(before[-20:]))
