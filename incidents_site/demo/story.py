"""What goes wrong at Finchlight, in the words of those who work on it: kinds of failure and how they are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

REGIONS = ("eu-west-1", "eu-central-1", "us-east-1", "ap-south-1")
TENANTS = ("Orchard Retail", "Bluegate Media", "Nordlys Bank", "Tern Logistics", "Fable Books", "Kestrel Health")
PEOPLE_ELSEWHERE = ("support", "the customer success team", "a sales engineer", "the partner team")

UPDATES = (
    "Joined. I take the {region} side and report here in {minutes} min.",
    "Told {reporter}: we are on it, next word in half an hour. {tenant} has been written to.",
    "Nothing new from the logs. Ruled out so far:\n\n- network between the zones\n- yesterday's maintenance\n- quota",
    "For the record: {pct} % of requests are affected at most, no data is lost.",
    "Looked for the same in other regions: clean. So this stays with {region}.",
    "Paged nobody else for now, there are enough hands here.",
    "Copied the graphs before they are rolled up, links are in the evidence.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One kind of failure. Texts have places such as ``{host}`` that each incident fills with its own values.

    ``services`` gives slugs with the weight of each; ``severities`` the weight of critical, high, medium and low.
    ``summaries`` and ``reports`` are titles, as monitors and as people write them; ``looks`` and ``watches`` are
    notes before and after the mitigation. A finding, the action against it and the cause that is written down in the
    end belong together: they stand in the same place of their lists.
    """

    name: str
    alert: str
    services: Mapping[str, int]
    severities: tuple[int, int, int, int]
    summaries: Sequence[str]
    reports: Sequence[str]
    descriptions: Sequence[str]
    looks: Sequence[str]
    findings: Sequence[str]
    mitigation: str
    actions: Sequence[str]
    watches: Sequence[str]
    causes: Sequence[str]
    evidence: Sequence[tuple[str, str, str]]


class Words:
    """The values of one incident and the texts that they fill; the same text is not told twice."""

    def __init__(self, failure: Failure, rng: random.Random, *, service: str, slug: str) -> None:
        self.failure = failure
        self.rng = rng
        self.slug = slug
        self._told: set[str] = set()
        self._turn = rng.randrange(len(failure.findings))
        release = f"v{rng.randint(2, 4)}.{rng.randint(3, 60)}"
        self.values = {
            "service": service,
            "slug": slug,
            "host": f"{slug}-{rng.randint(1, 9)}",
            "other": f"{slug}-{rng.randint(10, 14)}",
            "region": rng.choice(REGIONS),
            "tenant": rng.choice(TENANTS),
            "reporter": rng.choice(PEOPLE_ELSEWHERE),
            "version": f"{release}.{rng.randint(3, 6)}",
            "previous": f"{release}.{rng.randint(0, 2)}",
            "pct": str(rng.randint(3, 38)),
            "full": str(rng.randint(88, 98)),
            "lag": str(rng.randint(6, 90) * 10),
            "ms": f"{rng.randint(12, 78) * 100:,}",
            "count": f"{rng.randint(4, 220) * 1000:,}",
            "few": str(rng.randint(2, 6)),
            "times": str(rng.randint(2, 7)),
            "minutes": str(rng.randint(4, 25)),
            "days": str(rng.randint(2, 6)),
            "number": str(rng.randint(1200, 4800)),
        }

    def fill(self, text: str) -> str:
        """The text with this incident's values."""
        return text.format_map(self.values)

    def pick(self, texts: Sequence[str], *, once: bool = False) -> str:
        """One of the texts, filled; one that has not been told yet. With ``once`` nothing is told twice ("")."""
        fresh = [text for text in texts if text not in self._told]
        if once and not fresh:
            return ""
        text = self.rng.choice(fresh or list(texts))
        self._told.add(text)
        return self.fill(text)

    @property
    def finding(self) -> str:
        """What was found."""
        return self.fill(self.failure.findings[self._turn])

    @property
    def action(self) -> str:
        """What was done about it."""
        return self.fill(self.failure.actions[self._turn])

    @property
    def cause(self) -> str:
        """Why it happened, as written down in the end."""
        return self.fill(self.failure.causes[self._turn])

    def measured(self) -> str:
        """A description that a monitor could give: nobody told it."""
        return self.pick([text for text in self.failure.descriptions if "{reporter}" not in text])

    def evidence(self) -> tuple[str, str, str]:
        """Kind, caption and address of something to look at."""
        kind, caption, path = self.rng.choice(self.failure.evidence)
        return kind, self.fill(caption), self.fill(path)
