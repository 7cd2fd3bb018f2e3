"""What people type into the search box, taken apart: words, and prefixes such as ``severity:critical``.

Pure: text in, terms out. Nothing is looked up and nothing raises; what a prefix stands for is asked elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Known prefixes, each with a value that shows what it wants.
PREFIXES = {
    "severity": "critical",
    "status": "triggered",
    "is": "open",
    "service": "kafka",
    "team": "mine",
    "assignee": "me",
    "after": "2026-10-01",
    "before": "2026-11-01",
}
LONGEST = 300  # characters
MOST_TERMS = 40

# name:"some words", name:word, name:, "some words", or a word. A quotation mark that nothing closes reaches to the end.
_TERM = re.compile(r'(?:([A-Za-z]{2,20}):)?(?:"([^"]*)(?:"|$)|([^\s"]+))?')


@dataclass(frozen=True, slots=True)
class Term:
    """A word (with an empty ``name``), or a prefix with its value."""

    name: str
    value: str

    def __str__(self) -> str:
        """As it can be typed, so that taking it apart gives this term again."""
        if not self.name:
            return self.value if _terms(self.value) == (self,) else f'"{self.value}"'
        plain = f"{self.name}:{self.value}"
        return plain if _terms(plain) == (self,) else f'{self.name}:"{self.value}"'


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, in its order."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    @property
    def words(self) -> str:
        """Everything that is searched as words. A prefix that nobody knows belongs to the words around it."""
        return " ".join(f"{term.name} {term.value}".strip() for term in self.terms if term.name not in PREFIXES)

    @property
    def prefixes(self) -> tuple[Term, ...]:
        """Known prefixes that have a value."""
        return tuple(term for term in self.terms if term.name in PREFIXES and term.value)

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Known prefixes that have no value yet, each once."""
        names = (term.name for term in self.terms if term.name in PREFIXES and not term.value)
        return tuple(dict.fromkeys(names))

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names in front of a colon that are no prefix, each once."""
        return tuple(dict.fromkeys(term.name for term in self.terms if term.name and term.name not in PREFIXES))

    def without(self, *gone: Term) -> Typed:
        """The same question without some of its terms."""
        return Typed(tuple(term for term in self.terms if term not in gone))


def parse(text: str) -> Typed:
    """Take apart what somebody typed; at most ``LONGEST`` characters and ``MOST_TERMS`` terms of it count."""
    return Typed(_terms(text[:LONGEST])[:MOST_TERMS])


def _terms(text: str) -> tuple[Term, ...]:
    found = (_term(*match.groups(default="")) for match in _TERM.finditer(text) if match[0])
    return tuple(term for term in found if term.name or term.value)


def _term(name: str, quoted: str, plain: str) -> Term:
    name, value = name.lower(), " ".join((quoted or plain).split())
    if name in PREFIXES or (name and value and not value.startswith("//")):
        return Term(name, value)
    return Term("", f"{name}:{value}" if name else value)
