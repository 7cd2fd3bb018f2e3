"""What people write in notes, as HTML that can do nothing but be read."""

from __future__ import annotations

from functools import lru_cache

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

from core.text import clean

SOURCE_LIMIT = 100_000  # characters
KEPT, LONGEST_KEPT = 4096, 2000  # texts, and characters of one: a page that is looked at again has the same notes

_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
    "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


def render(text: str | None) -> SafeString:
    """Markdown as safe HTML: no HTML of the writer's, no images, links to the web and to e-mail only.

    A line end is a line end. No attribute survives but a link's ``href`` and ``title``, a list's ``start``, and that a
    block of code is said to be ``text``, so nothing that a script or htmx would act on. Texts beyond 100,000
    characters are cut.
    """
    source = clean(text, limit=SOURCE_LIMIT)
    return _rendered(source) if len(source) <= LONGEST_KEPT else _rendered.__wrapped__(source)


@lru_cache(KEPT)
def _rendered(source: str) -> SafeString:
    return SafeString(_cleaner.clean(_parser.render(source)))


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    # An image would tell its host who reads the note, and when.
    return parser.enable(["table", "strikethrough"]).disable(["image", "html_block", "html_inline"])


_parser = _make_parser()
_cleaner = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href", "title"}, "ol": {"start"}},
    tag_attribute_values={"code": {"class": {"language-text"}}},
    link_rel="noopener noreferrer nofollow",
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",  # the text is also read in e-mails and on other hosts
)
