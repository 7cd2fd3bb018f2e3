"""Which runbooks fit an incident, and why; pure.

A pattern that one of its facts fits says most, then a service, then the severity; words of the title decide between
guides that fit alike. Services of an installation may be called otherwise than those that a guide names, so a name that
contains the guide's ("orders-kafka") counts a little, and so do two words that both titles have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OF_FACT, OF_SERVICE, OF_LIKE_SERVICE, OF_SEVERITY, OF_WORD, OTHER_SEVERITY = 6, 4, 2, 1, 1, -2
MOST_COUNTED = 3  # facts, and words
ENOUGH_WORDS = 2

# Words that say nothing of what is wrong.
_EMPTY = frozenset({
    "the", "and", "for", "with", "from", "than", "that", "this", "into", "are", "was", "not", "has", "after", "above",
    "below", "over", "under", "since", "every", "each", "all", "one", "two", "high", "low", "investigation",
    "investigate", "resolution", "resolve", "reached", "failed", "fails", "problem", "error", "errors", "alert",
    "incident", "service", "services", "engine", "too", "many", "more", "less",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Links:
    """What a runbook is for. ``key`` is what it is found by again."""

    key: int
    title: str
    service_ids: frozenset[int] = frozenset()
    slugs: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Affected:
    """A service that an incident touches."""

    pk: int
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of an incident."""

    title: str
    severity: str
    services: tuple[Affected, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """A runbook that fits; ``reasons`` are words, the best first."""

    key: int
    score: int
    reasons: tuple[str, ...]


def best(runbooks: Iterable[Links], situation: Situation) -> list[Match]:
    """Those that fit, the best first; of equal ones by title."""
    found = [(links, match) for links in runbooks if (match := _match(links, situation))]
    return [match for _, match in sorted(found, key=lambda pair: (-pair[1].score, pair[0].title, pair[0].key))]


def _match(links: Links, situation: Situation) -> Match | None:
    facts = [f"{name} {situation.facts[name]}" for name, pattern in links.facts if _fits(situation, name, pattern)]
    facts = list(dict.fromkeys(facts))[:MOST_COUNTED]
    tied = [one.name for one in situation.services if one.pk in links.service_ids or one.slug in links.slugs]
    alike = [] if tied else [one.name for one in situation.services if _is_called_like(one, links.slugs)]
    has_severity = situation.severity in links.severities
    words = sorted(_words(links.title) & _words(situation.title))[:MOST_COUNTED]
    is_for_any = has_severity and not (links.service_ids or links.slugs or links.facts)
    if not (facts or tied or alike or is_for_any or len(words) >= ENOUGH_WORDS):
        return None
    score = len(facts) * OF_FACT + bool(tied) * OF_SERVICE + bool(alike) * OF_LIKE_SERVICE + len(words) * OF_WORD
    if links.severities:
        score += OF_SEVERITY if has_severity else OTHER_SEVERITY
    severity = [f"{situation.severity} severity"] if has_severity else []
    reasons = [*facts, *tied, *alike, *severity] or [f"“{' '.join(words)}” in the title"]
    return Match(links.key, score, tuple(reasons))


def _fits(situation: Situation, name: str, pattern: str) -> bool:
    value = situation.facts.get(name)
    return value is not None and fnmatchcase(str(value).casefold(), pattern.casefold())


def _is_called_like(service: Affected, slugs: tuple[str, ...]) -> bool:
    """Whether all words of a slug are words of the service's own slug or name."""
    own = set(_split(f"{service.slug} {service.name}"))
    return any(set(_split(slug)) <= own for slug in slugs)


def _words(title: str) -> set[str]:
    return {word for word in _split(title) if len(word) > 2 and word not in _EMPTY}


def _split(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())
