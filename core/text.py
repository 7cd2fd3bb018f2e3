"""Text from outside, made fit for PostgreSQL, for one line, and for the subject of an e-mail."""

import re
import unicodedata

# PostgreSQL's text and jsonb refuse NUL; lone surrogates cannot be encoded as UTF-8 at all.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

# White space of every kind (with U+0085, U+2028 and U+2029), control characters, and the marks that turn the
# direction of whatever follows them on the page.
_BREAKING = re.compile("[\\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


def clean(text: object, *, limit: int | None = None) -> str:
    """Give ``text`` as a string that PostgreSQL accepts: NUL and lone surrogates become U+FFFD.

    Null becomes the empty text and bytes are read as UTF-8. ``limit`` counts code points.
    """
    if not isinstance(text, str):
        text = _as_text(text)
    if limit is not None:
        text = text[:limit]
    return _UNSTORABLE.sub("\ufffd", text)


def single_line(text: object, *, limit: int | None = None) -> str:
    """Give ``text`` cleaned and on one line, safe as the subject of an e-mail or a header's value.

    Each run of white space, line separators, controls and direction marks becomes one space; the ends are
    trimmed. ``limit`` counts code points.
    """
    line = _BREAKING.sub(" ", clean(text)).strip()
    return line if limit is None else line[:limit].rstrip()


def without_controls(text: str) -> str:
    """Each control character as a space; iCalendar, for one, knows none."""
    return "".join(" " if unicodedata.category(each) == "Cc" else each for each in text)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value)
