"""How actions and executions look; ``{% load automation %}``."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django import template
from django.utils.html import format_html

from automation.models import Action, Execution
from core.templatetags.muster import icon

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    from accounts.models import User

register = template.Library()

State = Execution.State
Kind = Action.Kind

# A glyph and a word, always both. Red and amber are for what went wrong and for what somebody has to look at.
_GLYPHS: dict[str, tuple[str, str]] = {
    State.WAITING: ("users", "mu-strong"),
    State.QUEUED: ("clock", ""),
    State.CLAIMED: ("clock", ""),
    State.RUNNING: ("play", "mu-strong"),
    State.DONE: ("check", ""),
    State.FAILED: ("x", "mu-overdue"),
    State.UNKNOWN: ("alert", "mu-soon"),
    State.REFUSED: ("ban", ""),
    State.CANCELLED: ("ban", ""),
}
_KINDS: dict[str, str] = {
    Kind.DIAGNOSTICS: "terminal",
    Kind.FIX: "wrench",
    Kind.SCALE: "scale",
    Kind.ROLLBACK: "undo",
}
TAIL_LINES = 12
LINE = 160  # characters; longer ones are wrapped


@register.filter
def state_of(execution: Execution) -> SafeString:
    """``{{ execution|state_of }}``: its state, as a glyph and a word."""
    glyph, tone = _GLYPHS[execution.state]
    is_stopping = execution.state == State.RUNNING and execution.stopped_at
    word = "Is told to stop" if is_stopping else execution.get_state_display()
    return format_html('<span class="mu-status mu-outcome {}">{}{}</span>', tone, icon(glyph), word)


@register.filter
def kind_icon(action: Action) -> str:
    """The sprite's symbol for what an action is for."""
    return _KINDS[action.kind]


@register.filter
def host_of(url: str) -> str:
    """Where a request goes, without the path."""
    return urlsplit(url).netloc


@register.filter
def address_for(action: Action, user: User) -> str:
    """``{{ action|address_for:user }}``: where a request goes, as far as the reader may know it."""
    return action.address_for(user)


@register.filter
def last_lines(output: str) -> str:
    """The end of what was printed."""
    return "\n".join(output.rstrip().splitlines()[-TAIL_LINES:])


@register.filter
def has_columns(output: str) -> bool:
    """Whether its lines are short enough to be kept as they are, so that columns stay columns."""
    return max(map(len, output.splitlines()), default=0) <= LINE


@register.filter
def given(execution: Execution) -> list[tuple[str, str, object]]:
    """What was given: label, name and value, in the order of the action's parameters, then whatever it has no more."""
    labels = {one.name: str(one) for one in execution.action.takes}
    names = [*(name for name in labels if name in execution.values), *(execution.values.keys() - labels.keys())]
    return [(labels.get(name, name), name, execution.values[name]) for name in names]


@register.filter
def shown(value: object) -> str:
    """A value as people write it."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
