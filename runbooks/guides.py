"""A guide as one text, front matter, a summary and steps: so the starter library is written, and versions compared.

Between two ``---`` lines stand ``title``, ``services`` (slugs with commas), ``severities`` and ``facts`` (indented
lines ``name: pattern``, or one behind the colon). The Markdown before the first ``## `` is the summary; each
``## Title`` begins a step whose text is its body; a line ``Action: slug`` in it names an action.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

SEVERITIES = ("critical", "high", "medium", "low")
TITLE_LIMIT = 200
TEXT_LIMIT = 20_000
PATTERN_LIMIT = 200
MOST_STEPS = 100
MOST_LINKS = 50

SLUG = re.compile(r"[A-Za-z0-9_-]{1,80}")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
HEADING = re.compile(r"##(?:[ \t]+(.*?))?(?:[ \t]+#*)?[ \t]*")
# What is not the middle of a paragraph: an empty line, a heading, a quotation, a table's row, a rule, a list's item.
BLOCK = re.compile(r"\s*$|\s*(?:#|>|\||```|~~~|[-*+] |\d+[.)] |(?:[-*_] *){3,}$)")
ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)]) ")
ACTION = re.compile(r"Action:[ \t]*(.*?)[ \t]*")
SETTING = re.compile(r"([a-z]+):[ \t]*(.*?)[ \t]*")
FACT = re.compile(r"([^:\s][^:]*?)[ \t]*:[ \t]*(.*?)[ \t]*")
LISTS = ("services", "severities")


class BadGuide(ValueError):
    """A text that is no guide; ``line`` is where, counted from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"Line {line}: {message}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction. ``action`` is the slug of what could do it, or empty."""

    title: str
    body: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Guide:
    """What a runbook says, and what it is for: slugs of services, severities, and (fact's name, pattern) pairs."""

    title: str
    summary: str = ""
    steps: tuple[Step, ...] = ()
    services: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Front:
    title: str = ""
    services: list[str] = field(default_factory=list)
    severities: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)


def parse(text: str) -> Guide:
    """The guide that a text is. Raises BadGuide."""
    lines = text.replace("\r\n", "\n").split("\n")
    front, start = _front(lines)
    summary, steps = _sections(lines, start)
    if not steps:
        raise BadGuide(len(lines), "A guide has at least one step: a line that begins with “## ”.")
    return Guide(
        title=front.title,
        summary=summary,
        steps=tuple(steps),
        services=tuple(dict.fromkeys(front.services)),
        severities=tuple(name for name in SEVERITIES if name in front.severities),
        facts=tuple(dict.fromkeys(front.facts)),
    )


def text_of(guide: Guide) -> str:
    """The text that ``parse`` reads back."""
    lines = ["---", f"title: {guide.title}"]
    lines += [f"{name}: {', '.join(values)}" for name in LISTS if (values := getattr(guide, name))]
    if guide.facts:
        lines += ["facts:", *(f"  {name}: {pattern}" for name, pattern in guide.facts)]
    lines += ["---", *([guide.summary] if guide.summary else [])]
    for step in guide.steps:
        lines += ["", f"## {step.title}", *([step.body] if step.body else [])]
        lines += ["", f"Action: {step.action}"] if step.action else []
    return "\n".join(lines) + "\n"


def unwrapped(text: str) -> str:
    """The text with each paragraph on one line. Files are wrapped for those who write them, while a line end in what
    people type is one (``core.markdown``); code, tables, lists and headings keep their lines."""
    lines: list[str] = []
    fence, goes_on = "", False
    for line in text.split("\n"):
        is_code, fence = bool(fence), _fence_after(line, fence)
        is_plain = not (is_code or fence or BLOCK.match(line))
        if is_plain and goes_on:
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
        is_open = is_plain or bool(ITEM.match(line)) and not is_code
        goes_on = is_open and not line.endswith(("  ", "\\"))
    return "\n".join(lines)


def facts_of(text: str) -> list[tuple[str, str]]:
    """(name, pattern) of each line ``name: pattern``; empty lines count as none. Raises BadGuide."""
    return [_fact(line, number) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]


def _front(lines: list[str]) -> tuple[_Front, int]:
    """What stands between the first two ``---``, and the number of lines up to there."""
    if lines[0].strip() != "---":
        raise BadGuide(1, "A guide begins with a line “---”, its title and what it is for, and another “---”.")
    front, inside = _Front(), ""
    for number, line in enumerate(lines[1:], start=2):
        if line.strip() == "---":
            if not front.title:
                raise BadGuide(number, "The title is missing.")
            return front, number
        if not line.strip():
            continue
        if line[0] in " \t":
            if inside != "facts":
                raise BadGuide(number, "Only facts have indented lines.")
            front.facts.append(_fact(line, number))
        else:
            inside = _setting(front, line, number)
    raise BadGuide(len(lines), "The second “---” is missing.")


def _setting(front: _Front, line: str, number: int) -> str:
    found = SETTING.fullmatch(line)
    name, value = found.groups() if found else ("", "")
    if name == "title":
        front.title = _checked_title(value, number)
    elif name == "facts":
        front.facts += [_fact(value, number)] if value else []
    elif name in LISTS:
        getattr(front, name).extend(_listed(name, value, number))
    else:
        raise BadGuide(number, "Write title, services, severities or facts, a colon, and what it is.")
    return name


def _listed(name: str, value: str, number: int) -> list[str]:
    words = [word.strip() for word in value.split(",") if word.strip()]
    for word in words:
        if name == "severities" and word not in SEVERITIES:
            raise BadGuide(number, f"“{word}” is no severity; choose from {', '.join(SEVERITIES)}.")
        if not SLUG.fullmatch(word):
            raise BadGuide(number, f"“{word[:80]}” is no slug: letters, digits, hyphens and underscores.")
    if len(words) > MOST_LINKS:
        raise BadGuide(number, f"These are more than {MOST_LINKS}.")
    return words


def _fact(line: str, number: int) -> tuple[str, str]:
    found = FACT.fullmatch(line.strip())
    if not found or not found[2]:
        raise BadGuide(number, "Write a fact as its name, a colon and a pattern, such as “alertname: Kafka*Lag*”.")
    if max(map(len, found.groups())) > PATTERN_LIMIT:
        raise BadGuide(number, f"A name and a pattern have at most {PATTERN_LIMIT} characters.")
    return found[1], found[2]


def _sections(lines: list[str], start: int) -> tuple[str, list[Step]]:
    """The summary and the steps; a heading or an action inside a block of code is code."""
    parts: list[tuple[Step, list[str]]] = [(Step(""), [])]
    fence = ""
    for number, line in enumerate(lines[start:], start=start + 1):
        is_code, fence = bool(fence), _fence_after(line, fence)
        heading, action = (None, None) if is_code else (HEADING.fullmatch(line), ACTION.fullmatch(line))
        step, body = parts[-1]
        if heading:
            parts.append((Step(_checked_title(heading[1] or "", number)), []))
        elif action and len(parts) > 1:
            if step.action or not SLUG.fullmatch(action[1]):
                raise BadGuide(number, "A step has one action at most, named by its slug.")
            parts[-1] = (replace(step, action=action[1]), body)
        else:
            body.append(line)
    if fence:
        raise BadGuide(len(lines), "A block of code is not closed.")
    if len(parts) - 1 > MOST_STEPS:
        raise BadGuide(len(lines), f"A guide has at most {MOST_STEPS} steps.")
    texts = ["\n".join(body).strip("\n").rstrip() for _, body in parts]
    if too_long := next((text for text in texts if len(text) > TEXT_LIMIT), None):
        raise BadGuide(len(lines), f"A text has at most {TEXT_LIMIT:,} characters; one has {len(too_long):,}.")
    return texts[0], [replace(step, body=text) for (step, _), text in zip(parts[1:], texts[1:], strict=True)]


def _fence_after(line: str, fence: str) -> str:
    """The fence of the block of code that is open after a line; empty where none is."""
    found = FENCE.fullmatch(line)
    if not found:
        return fence
    if not fence:
        return found[1] if found[1][0] == "~" or "`" not in found[2] else ""
    closes = found[1][0] == fence[0] and len(found[1]) >= len(fence) and not found[2].strip()
    return "" if closes else fence


def _checked_title(title: str, number: int) -> str:
    if not title:
        raise BadGuide(number, "The title is empty.")
    if len(title) > TITLE_LIMIT:
        raise BadGuide(number, f"A title has at most {TITLE_LIMIT} characters; this one has {len(title)}.")
    return title
