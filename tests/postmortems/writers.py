"""Two people who write in one section, each from what they see: for tests and benches alike.

Every word that comes in is there once in the world, so that whether one was lost is a question of sets.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

WORD = re.compile(r"\b[ab]\d{4}\b")
START = "\n\n".join(f"Paragraph {n} says what is known of it so far, and leaves room." for n in range(1, 9))

SAVED, TOLD = "saved", "told"

# Saves a text that was written from a base: (saved, the text as it stands) or (told, theirs).
Save = Callable[[str, str], tuple[str, str]]


def words_of(text: str) -> set[str]:
    """The words that somebody has brought in."""
    return set(WORD.findall(text))


@dataclass
class Writer:
    """What one person has before them: ``text``, written from ``base``."""

    name: str
    text: str
    base: str
    chance: random.Random
    count: int = 0

    def type(self) -> None:
        """Bring words in, now and then take some away, mostly where one wrote last."""
        pieces = re.findall(r"\s+|\S+", self.text)
        for _ in range(self.chance.randint(1, 3)):
            at = self.chance.randint(0, len(pieces))
            if self.chance.random() < 0.2:
                del pieces[at : at + self.chance.randint(1, 4)]
            self.count += 1
            pieces.insert(min(at, len(pieces)), f" {self.name}{self.count:04} ")
        self.text = "".join(pieces)


@dataclass
class Tally:
    """What came of it. ``there`` is every word that has to be in the text, by what people did and were told."""

    edits: int = 0
    merged: int = 0
    told: int = 0
    there: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)

    def save(self, writer: Writer, save: Save) -> None:
        """One save of what a writer has; where they are told of another's words they choose what to keep."""
        came = words_of(writer.text) - words_of(writer.base)
        gone = words_of(writer.base) - words_of(writer.text)
        outcome, stands = save(writer.text, writer.base)
        if outcome == TOLD:
            self.told += 1
            self._choose(writer, stands, save)
            return
        self.there = (self.there | came) - gone
        self._hold(stands, f"{writer.name} saved")
        if stands != writer.text:
            self.merged += 1
        # Half of the time they have typed on meanwhile, and then go on from what they sent.
        writer.base = writer.text if writer.chance.random() < 0.5 else stands
        writer.text = writer.base

    def _choose(self, writer: Writer, theirs: str, save: Save) -> None:
        self._hold(theirs, f"{writer.name} was told")
        choice = writer.chance.choice(("theirs", "mine", "together"))
        if choice == "theirs":
            writer.text = writer.base = theirs
            return
        mine = " ".join(sorted(words_of(writer.text) - words_of(theirs)))
        both = f"{theirs}\n{mine}" if choice == "together" else writer.text
        writer.text, writer.base = both, theirs
        self.save(writer, save)

    def _hold(self, text: str, when: str) -> None:
        """Exactly the words that have to be there are."""
        if (found := words_of(text)) != self.there:
            self.lost.append(f"{when}: missing {self.there - found}, not asked for {found - self.there}")
            self.there = found


def at_work(save: Callable[[Writer], Save], *, edits: int, seed: int, start: str = START) -> Tally:
    """``edits`` random edits by two people, who save after every one or two of theirs."""
    chance = random.Random(seed)
    writers = [Writer(name, start, start, random.Random(f"{seed} {name}")) for name in "ab"]
    tally = Tally()
    while tally.edits < edits:
        writer = chance.choice(writers)
        writer.type()
        tally.edits += 1
        if chance.random() < 0.7:
            tally.save(writer, save(writer))
    for writer in writers:
        tally.save(writer, save(writer))
    return tally
