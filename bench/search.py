"""Searches by two words among 1,000,000 incidents: server time of the list, of the results page and of the search box.

Words are drawn, with a fixed seed, by how common they are (bench.million): of two common ones both are in a tenth of
all incidents or more, a rare one is in some hundred. Each pair is asked for three times, and all of them count: the
first time, most of what it finds is not in PostgreSQL's memory. Then the plans are shown that docs/search.md keeps.

``MUSTER_BENCH_DATA=folder`` keeps the installation for two days, ``MUSTER_BENCH_SIZES=1000`` takes a smaller one.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from urllib.parse import quote

import psycopg

from bench import million, table
from bench.pages import Visitor, visitor

SIZE = 1_000_000
PAIRS, TIMES = 15, 3
MOST_MS = 150.0

COMMON, MIDDLING, RARE = range(8, 60), range(150, 1_500), range(6_000, 20_000)


def draw(chance: random.Random, words: list[str], *ranks: range) -> str:
    """One word of each range of ranks."""
    return " ".join(words[chance.choice(some)] for some in ranks)


def kinds() -> dict[str, Callable[[random.Random, list[str]], str]]:
    """What is searched for, by a name for it."""
    return {
        "common + common": lambda chance, words: draw(chance, words, COMMON, COMMON),
        "common + middling": lambda chance, words: draw(chance, words, COMMON, MIDDLING),
        "common + rare": lambda chance, words: draw(chance, words, COMMON, RARE),
        "middling + middling": lambda chance, words: draw(chance, words, MIDDLING, MIDDLING),
        "rare + rare": lambda chance, words: draw(chance, words, RARE, RARE),
        "common + none": lambda chance, words: f"{draw(chance, words, COMMON)} qq{chance.randint(10, 99)}xq",
        "none + none": lambda chance, words: f"qq{chance.randint(10, 99)}xq xqq{chance.randint(10, 99)}",
    }


def beginnings() -> dict[str, Callable[[random.Random, list[str]], str]]:
    """What somebody may have typed when the search box asks."""

    def cut(chance: random.Random, words: list[str], first: range, second: range) -> str:
        return f"{draw(chance, words, first)} {draw(chance, words, second)[: chance.randint(3, 5)]}"

    return {
        "common + beginning of a common one": lambda chance, words: cut(chance, words, COMMON, COMMON),
        "common + beginning of a rare one": lambda chance, words: cut(chance, words, COMMON, RARE),
        "rare + beginning of a common one": lambda chance, words: cut(chance, words, RARE, COMMON),
        "rare + beginning of a rare one": lambda chance, words: cut(chance, words, RARE, RARE),
        "three letters": lambda chance, words: draw(chance, words, RARE)[:3],
        "none + three letters": lambda chance, words: f"qq{chance.randint(10, 99)}xq {draw(chance, words, RARE)[:3]}",
    }


def measure(muster: Visitor, address: str, texts: list[str]) -> list[float]:
    """Milliseconds of every request."""
    return [muster.ask(address + quote(text))["ms"] for text in texts for _ in range(TIMES)]


def main() -> None:
    """Print the tables and the plans."""
    size = int(os.environ.get("MUSTER_BENCH_SIZES", SIZE))
    words = million.vocabulary()
    rows: list[list[object]] = []
    with visitor(size) as muster:
        for _ in range(3):
            muster.ask("/incidents/?q=warm")
            muster.ask("~/search/?q=warm")
        asked = [("list", "/incidents/?period=all&q=", kinds()), ("results page", "/search/?all=1&q=", kinds())]
        for place, address, some in [*asked, ("search box", "~/search/?q=", beginnings())]:
            for name, make in some.items():
                chance = random.Random(f"{million.SEED} {name}")
                texts = [make(chance, words) for _ in range(PAIRS)]
                ms = measure(muster, address, texts)
                median, p95 = table.percentile(ms, 0.5), table.percentile(ms, 0.95)
                over = f"over {MOST_MS:.0f} ms" if median > MOST_MS else ""
                rows.append([place, name, texts[0], f"{median:.1f}", f"{p95:.1f}", f"{max(ms):.1f}", over])
        head = ["where", "words", "such as", "median", "p95", "max", ""]
        table.show(f"Searches among {size:,}, server time, ms (asked: median <= {MOST_MS:.0f})", rows, head=head)
        explain(muster, words)


def explain(muster: Visitor, words: list[str]) -> None:
    """Show what PostgreSQL does for one search of each kind, and for one that is being typed."""
    chance = random.Random(million.SEED)
    common, rare = draw(chance, words, COMMON, COMMON), draw(chance, words, COMMON, RARE)
    typed = draw(chance, words, RARE)
    shown = {
        f"{common}: how common they are": (f"/incidents/?period=all&q={quote(common)}", "WITH asked"),
        f"{common}: the first page": (f"/incidents/?period=all&q={quote(common)}", 'ts_match_vq("incidents'),
        f"{rare}: which incidents": (f"/incidents/?period=all&q={quote(rare)}", "WITH asked"),
        f"{rare}: the first page": (f"/incidents/?period=all&q={quote(rare)}", '"id" = ANY('),
        f"{typed[:5]}, while it is typed": (f"~/search/?q={typed[:5]}", "WITH asked"),
    }
    with psycopg.connect(muster.url) as connection:
        for title, (address, part) in shown.items():
            queries = muster.ask(f"?{address}")["queries"]
            sql = next((sql for sql in queries if part in sql), "SELECT 'not asked'")
            plan = connection.execute("EXPLAIN (ANALYZE, BUFFERS, SUMMARY) " + sql).fetchall()
            print(f"\n--- {title}", *(line for (line,) in plan), sep="\n", file=sys.stdout)


if __name__ == "__main__":
    main()
