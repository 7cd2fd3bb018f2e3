"""Extracts: the place of a text where words were found, marked, as safe HTML.

Texts are spread out first, so that words are found in ``db.primary-3`` as the index finds them. An extract costs the
reading of a text, so it is made for the rows that are shown and for no others.
"""

from __future__ import annotations

import re
from typing import Any

from django.contrib.postgres.search import SearchHeadline, SearchQuery
from django.db.models import F, Func, TextField, Value
from django.db.models.functions import Coalesce, Left
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from incidents.models.words import CONFIG

READ = 20_000  # characters of a text that extracts are cut from

# Private characters: where a word that was found begins and ends, and what keeps punctuation from gluing words.
_OPEN, _CLOSE, _GAP = "\ue000", "\ue001", "\ue002"
_MARKED = re.compile(f"{_OPEN}([^{_OPEN}{_CLOSE}]*){_CLOSE}")
_MARKDOWN = re.compile(r"\*\*|`|\\(?=[!-/:-@\[-`{-~])|^[ \t]*(?:#{1,6}|>|[-*+]|\d+\.)[ \t]+", re.MULTILINE)
_LEFT_OVER = re.compile(f"[{_OPEN}{_CLOSE}{_GAP}]")


class Spread(Func):
    """A text whose punctuation is set apart, so that words are found in ``db.primary-3`` as the index finds them."""

    function = "regexp_replace"
    output_field = TextField()

    def __init__(self, text: Any, **extra: Any) -> None:
        pattern, by = Value("([^[:alnum:][:space:]]+)"), Value(f"{_GAP}\\1{_GAP}")
        super().__init__(Left(text, READ), pattern, by, Value("g"), **extra)


def any_of(words: list[str]) -> SearchQuery:
    """The search for any of some words (``incidents.search.words_of``), of which the last may be unfinished."""
    whole = [f"'{word}'" for word in words]
    return SearchQuery(" | ".join([*whole, f"{whole[-1]}:*"]), config=CONFIG, search_type="raw")


def headline(name: str, query: SearchQuery, *, highlight_all: bool = False) -> SearchHeadline:
    """The place in a text field where something is found, or the whole text; for ``marked``."""
    return SearchHeadline(
        Spread(Coalesce(F(name), Value(""))),
        query,
        config=CONFIG,
        start_sel=_OPEN,
        stop_sel=_CLOSE,
        max_words=28,
        min_words=12,
        short_word="0",
        highlight_all=highlight_all,
    )


def has_mark(text: str) -> bool:
    """Whether something was found in a headline."""
    return _OPEN in text


def marked(text: str) -> SafeString:
    """A headline as escaped text with ``<mark>`` around what was found, and nothing else that is not text."""
    found = _MARKED.sub(r"<mark>\1</mark>", str(escape(text)))
    return mark_safe(_LEFT_OVER.sub("", found))  # noqa: S308 - escaped above


def extract(text: str, *, is_markdown: bool = False) -> SafeString:
    """A headline on one line, with dots where it seems to begin or to stop within a sentence. Of Markdown the marks of
    headings, lists and bold text are left out."""
    plain = _MARKDOWN.sub("", text.replace(_GAP, "")) if is_markdown else text
    line = " ".join(plain.split())
    begins, ends = line[:1].islower(), line[-1:].isalnum()
    return marked(f"{'…' if begins else ''}{line}{'…' if ends else ''}")
