"""Notes as Markdown: readable, and harmless whatever is written."""

from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.markdown import SOURCE_LIMIT, render

REL = 'rel="noopener noreferrer nofollow"'


class Elements(HTMLParser):
    """Collects tags and attributes as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("**b** _i_ `c` ~~s~~", "<p><strong>b</strong> <em>i</em> <code>c</code> <s>s</s></p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("3. c\n4. d", '<ol start="3">\n<li>c</li>\n<li>d</li>\n</ol>'),
        ("```sql\na < b\n```", "<pre><code>a &lt; b\n</code></pre>"),
        (
            "|a|\n|:-|\n|1|",
            "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n</tr>\n</tbody>\n</table>",
        ),
        ("[x](https://a.example/?q=1&r=2)", f'<p><a href="https://a.example/?q=1&amp;r=2" {REL}>x</a></p>'),
        ("<mailto:a@b.example>", f'<p><a href="mailto:a@b.example" {REL}>mailto:a@b.example</a></p>'),
        ("see www.example.com", "<p>see www.example.com</p>"),
        ("a\x00b\ud800", "<p>a\ufffdb\ufffd</p>"),
        (None, ""),
    ],
)
def test_markdown_becomes_html(source: str | None, html: str) -> None:
    assert render(source).strip() == html


@pytest.mark.parametrize(
    "source",
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHN)",
        "[x](vbscript:x)",
        "[x](ssh://host)",
        "[x](/incidents/INC-1)",
        "[x](//evil.example)",
        "[x](http://[::1)",
        "[x][r]\n\n[r]: file:///etc/passwd",
    ],
)
def test_only_links_to_the_web_and_to_mail_lead_anywhere(source: str) -> None:
    assert "href" not in {name for name, _ in Elements(render(source)).attributes}


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="https://x.example" hx-get="/x" data-hx-post="/y" class="btn" style="color:red" onclick="x()">q</a>',
        "<div hx-get='/x' hx-trigger='load'>",
        "<!-- x -->",
        "<svg><a xlink:href='javascript:x'/></svg>",
        "<style>*{display:none}</style>",
    ],
)
def test_html_is_shown_and_not_obeyed(source: str) -> None:
    html = render(source)
    assert Elements(html).tags <= {"p"}
    assert "&lt;" in html


def test_image_is_not_loaded() -> None:
    html = render("![pixel](https://tracker.example/p.png)")
    assert html.strip() == f'<p>!<a href="https://tracker.example/p.png" {REL}>pixel</a></p>'


def test_fence_cannot_bring_a_class() -> None:
    assert Elements(render('```js" class="mu-top" hx-get="/x\nx\n```')).attributes == set()


def test_only_that_it_is_text_may_be_said_of_a_block_of_code() -> None:
    assert render("```text\nx\n```\n") == '<pre><code class="language-text">x\n</code></pre>\n'
    assert Elements(render("```sql\nx\n```\n\n~~~text mu-top\nx\n~~~")).attributes == {("class", "language-text")}


def test_endless_text_is_cut() -> None:
    assert len(render("x" * (SOURCE_LIMIT * 2))) < SOURCE_LIMIT + 20


def test_threads_share_the_renderer() -> None:
    with ThreadPoolExecutor(4) as pool:
        results = set(pool.map(render, ["**a** [b](https://c.example)"] * 100))
    assert results == {f'<p><strong>a</strong> <a href="https://c.example" {REL}>b</a></p>\n'}


links = ["[x](", "![", "](", ")", "<", ">", "javascript:", "https://a.example", "hx-get="]
marks = ['"', "'", "`", "```\n", "\n\n", "|a", "-a", ">a", "\t", "\\", "*", "_", "[r]:", " "]
html = ["&#x6a;", "&colon;", "<img", "<a", "onerror=", "style=", "class="]
pieces = st.sampled_from(links + marks + html)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(pieces, max_size=25).map("".join))
def test_nothing_but_reading_can_be_done_with_any_note(source: str) -> None:
    page = Elements(render(source))
    assert not page.tags & {"img", "script", "svg", "style", "iframe", "form", "input", "button"}
    assert {name for name, _ in page.attributes} <= {"href", "title", "rel", "start"}
    for name, value in page.attributes:
        assert name != "href" or value.lower().startswith(("http:", "https:", "mailto:"))
