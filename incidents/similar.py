"""Open incidents that are like the one somebody is about to declare.

Two are alike when they touch the same service, or when their titles share words: enough of those of the title that has
less to say, counting words such as "errors" or "slow" for little.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db.models import Q

from core.together import together
from incidents.models import AffectedService, Incident

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from accounts.models import User
    from catalog.models import Service
    from incidents.querysets import IncidentQuerySet

MOST_SHOWN = 5
MOST_COMPARED = 300  # of the open incidents that share a word, the newest
MOST_WORDS = 24
ENOUGH = 0.5  # of the weight of the title that has less of it
SHORTEST_BEGINNING = 3

NUMBER_WEIGHT = 0.5  # 502 says more than "error", and less than "checkout"
LITTLE_WEIGHT = 0.25

_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # where HighErrorRate comes apart
_ENDING = re.compile(r"(?<=\w{3})(?:ings?|ies|ied|ed|es|s|e|y)$")


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """A word without its English ending, so that "fails", "failed" and "failing" are the same."""
    return word if any(letter.isdigit() for letter in word) else _ENDING.sub("", word)


# What every title says weighs little; what no title means anything by, nothing.
_LITTLE = """
error fail failure slow down high low latency timeout time out return unavailable issue problem alert outage incident
service request user customer response degraded broken stuck missing increase large many some every all since after
before during test prod production staging host server node system app has can cannot could no longer unable
"""
_NOTHING = "a an the i it its of to in on at by for from with and or not is are was be been do does we our you"
SAYS_LITTLE = frozenset(stem(word) for word in _LITTLE.split())
SAYS_NOTHING = frozenset(_NOTHING.split())


@dataclass(frozen=True, slots=True)
class Similar:
    """An open incident and what makes it alike: words of its title, names of services."""

    incident: Incident
    words: tuple[str, ...]
    services: tuple[str, ...]


def similar_open(user: User, *, title: str, services: Iterable[Service], limit: int = MOST_SHOWN) -> list[Similar]:
    """Open incidents that the person may see and that are like the one described, the most alike first.

    Those that share words and a service come before those that share only words, and these before those that share
    only a service. Two queries, whatever is found.
    """
    names = {service.pk: service.name for service in services}
    if not title.strip() and not names:
        return []
    open_ = Incident.objects.visible_to(user).open().order_by("-id")
    titles, shared_services = _candidates(title, names, open_)
    shared_words = {match.key: match for match in compare(title, titles)}
    order = sorted(
        shared_words.keys() | shared_services.keys(),
        key=lambda pk: (
            pk not in shared_words,
            pk not in shared_services,
            -shared_words[pk].score if pk in shared_words else 0,
            -len(shared_services.get(pk, ())),
            -pk,
        ),
    )[:limit]
    rows = {row.pk: row for row in Incident.objects.visible_to(user).select_related("assignee").filter(pk__in=order)}
    return [
        Similar(rows[pk], shared_words[pk].words if pk in shared_words else (), tuple(shared_services.get(pk, ())))
        for pk in order
        if pk in rows
    ]


def _candidates(
    text: str, names: Mapping[int, str], open_: IncidentQuerySet
) -> tuple[dict[int, str], dict[int, list[str]]]:
    """The titles of open incidents that may be alike, and which of the named services each touches."""
    links = AffectedService.objects.filter(service__in=names, incident__in=open_.order_by().values("pk"))
    found = together(
        titles=titles_sharing(text, open_).only("title")[:MOST_COMPARED],
        links=links.order_by("-incident_id", "id")[:MOST_COMPARED],
    )
    touched: dict[int, list[str]] = defaultdict(list)
    for link in found.plain("links"):
        touched[link["incident_id"]].append(names[link["service_id"]])
    return {row["id"]: row["title"] for row in found.plain("titles")}, touched


def titles_sharing(text: str, rows: IncidentQuerySet) -> IncidentQuerySet:
    """Those of some incidents whose title has a word, or its beginning, of those that mean something in a text."""
    stems = [word for word in {*_words(text), _beginning(text)} if word and word not in SAYS_LITTLE]
    if not stems:
        return rows.none()
    # They are letters and digits, so nothing in them is read as a pattern. Monitors write several words in one.
    begins = Q(title__iregex=f"(^|[^[:alnum:]])({'|'.join(sorted(stems))})")
    inside = Q(title__regex=f"[[:alnum:]]({'|'.join(sorted(word.capitalize() for word in stems))})")
    return rows.filter(begins | inside)


# ---- comparing titles ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Match:
    """How alike a title is; ``score`` is the weight of the words it shares, which are given as it spells them."""

    key: int
    score: float
    words: tuple[str, ...]


def compare(text: str, titles: Mapping[int, str]) -> list[Match]:
    """Those of some titles that are like a text, which may end in the middle of a word; the most alike first."""
    wanted, beginning = _words(text), _beginning(text)
    found = []
    for key, title in titles.items():
        words = _words(title)
        shared = [word for word in words if word in wanted]
        if beginning and stem(beginning) not in words:
            shared += [word for word in words if word not in wanted and word.startswith(beginning)][:1]
        if match := _match(key, shared, words, wanted):
            found.append(match)
    return sorted(found, key=lambda match: (-match.score, -match.key))


def _match(key: int, shared: list[str], words: Mapping[str, str], wanted: Mapping[str, str]) -> Match | None:
    """The match, if what is shared is enough of the shorter title and not only words that say little."""
    telling = tuple(words[word] for word in shared if word not in SAYS_LITTLE)
    score = sum(map(_weight, shared))
    shorter = min(sum(map(_weight, wanted)), sum(map(_weight, words)))
    return Match(key, score, telling) if telling and score >= ENOUGH * shorter else None


def _words(text: str) -> dict[str, str]:
    """The words of a text that mean something: stem to spelling, in order. PodCrash is also "pod" and "crash"."""
    found = [
        part.lower() for word in _WORD.findall(text)[:MOST_WORDS] for part in dict.fromkeys([word, *_HUMP.split(word)])
    ]
    return {stem(word): word for word in found if word not in SAYS_NOTHING}


def _weight(word: str) -> float:
    return LITTLE_WEIGHT if word in SAYS_LITTLE else NUMBER_WEIGHT if word.isdigit() else 1.0


def _beginning(text: str) -> str:
    """The word that somebody may still be typing, once it is long enough to tell."""
    last = _WORD.findall(text.lower())[-1:] if text[-1:].isalnum() else []
    return last[0] if last and len(last[0]) >= SHORTEST_BEGINNING else ""
