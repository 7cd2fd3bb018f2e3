"""What forms share."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import QueryDict

KEY = re.compile(r"[a-z0-9]{1,12}")


def take_errors(form: forms.BaseForm, error: ValidationError) -> None:
    """Show what a domain function refused beside the fields it concerns; what concerns no field goes on top."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        form.add_error(name if name in form.fields else None, errors)


def with_one_more(data: QueryDict, prefix: str, *, most: int) -> QueryDict:
    """What was typed, with room for one more form of a form set: a button that works without a script."""
    data = data.copy()
    name = f"{prefix}-TOTAL_FORMS"
    count = data.get(name, "0")
    data[name] = str(min(int(count) + 1, most)) if count.isdecimal() else "1"
    return data


class RowFormSet(forms.BaseFormSet):
    """Rows in order, which buttons that send the form add, move and remove. Each row has a field ``key``, and its ids
    carry that key instead of its place, so that what belongs to a row moves with it.

    For rows called ``step`` the prefix is ``steps``, and the buttons are ``add_step``, ``step_up``, ``step_down`` and
    ``step_away``, with the row's key as their value.
    """

    noun = "row"
    blank: ClassVar[Mapping[str, str]] = {}  # what a row that was added says

    @classmethod
    def get_default_prefix(cls) -> str:
        """The rows' word, in the plural."""
        return f"{cls.noun}s"

    def _construct_form(self, i: int, **options: Any) -> Any:
        given = self.data.get(f"{self.prefix}-{i}-key", "") if self.is_bound else ""
        initial = self.initial[i] if not self.is_bound and self.initial and i < len(self.initial) else {}
        key = given if KEY.fullmatch(given) else initial.get("key") or new_key()
        form: Any = super()._construct_form(i, auto_id=f"{self.noun}-{key}-%s", **options)  # type: ignore[misc]
        form.row_key = key
        return form

    @classmethod
    def rearranged(cls, data: QueryDict) -> tuple[QueryDict, str] | None:
        """What was typed, with its rows as the pressed button asks for, and the key of the row that is to be looked
        at; None where it was no such button."""
        moves = (f"add_{cls.noun}", f"{cls.noun}_up", f"{cls.noun}_down", f"{cls.noun}_away")
        move = next((name for name in moves if name in data), None)
        if move is None:
            return None
        prefix, most = cls.get_default_prefix(), cls.absolute_max
        total = data.get(f"{prefix}-TOTAL_FORMS", "")
        count = min(int(total), most) if total.isdecimal() and len(total) < 5 else 0
        rows: list[dict[str, str]] = [{"key": ""} for _ in range(count)]
        changed = data.copy()
        for name in data:
            if found := re.fullmatch(rf"{prefix}-([0-9]{{1,4}})-(\w+)", name, re.ASCII):
                del changed[name]
                if int(found[1]) < count:
                    rows[int(found[1])][found[2]] = str(data[name])
        focus = cls._moved(rows, move, str(data[move]))
        changed[f"{prefix}-TOTAL_FORMS"] = str(len(rows))
        for i, row in enumerate(rows):
            for part, text in row.items():
                changed[f"{prefix}-{i}-{part}"] = text
        return changed, focus

    @classmethod
    def _moved(cls, rows: list[dict[str, str]], move: str, key: str) -> str:
        """Change the rows in place; returns the key to look at."""
        keys = [row["key"] for row in rows]
        at = keys.index(key) if key in keys else len(rows)
        if move == f"add_{cls.noun}":
            if len(rows) < cls.absolute_max:
                rows.insert(at + 1, {**cls.blank, "key": new_key()})
            return rows[min(at + 1, len(rows) - 1)]["key"]
        if at >= len(rows):
            return ""
        row = rows.pop(at)
        if move == f"{cls.noun}_away":
            return rows[min(at, len(rows) - 1)]["key"] if rows else ""
        rows.insert(max(0, at - 1) if move == f"{cls.noun}_up" else at + 1, row)
        return row["key"]


def new_key() -> str:
    """For a row that was added."""
    return f"n{secrets.token_hex(4)}"
