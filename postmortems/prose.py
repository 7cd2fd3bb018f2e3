"""What a section says, as HTML to be read: gaps can be seen, and its headings stand below the section's own."""

from __future__ import annotations

import re

from django.utils.safestring import SafeString, mark_safe

from core import markdown

_TOP_HEADING = re.compile(r"(</?)h[12]>")
_GAP = re.compile(r"<p><strong>(to write\s*:?)</strong>(.*?)</p>", re.IGNORECASE | re.DOTALL)
NOT_WRITTEN = '<p class="mu-gap">Not written yet.</p>'


def render(text: str, *, is_writer: bool = True) -> SafeString:
    """Markdown as ``core.markdown`` has it. Whoever does not write sees that something is missing, not what."""
    # The cleaned HTML has these tags without attributes, and a writer's own "<p>" is text there.
    html = _TOP_HEADING.sub(r"\1h3>", markdown.render(text))
    shown = r'<p class="mu-gap"><strong>\1</strong>\2</p>' if is_writer else NOT_WRITTEN
    return mark_safe(_GAP.sub(shown, html))  # noqa: S308 - it was cleaned above
