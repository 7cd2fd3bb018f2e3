"""What Django's own expressions do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import BooleanField, F, Func, Value

if TYPE_CHECKING:
    from collections.abc import Sequence


class IsOneOf(Func):
    """Whether a whole number is one of those given: as one parameter, where ``__in`` makes one of each number (some
    thousands take Django and psycopg longer than PostgreSQL)."""

    template = "%(expressions)s::bigint[])"
    arg_joiner = " = ANY("
    output_field = BooleanField()

    def __init__(self, field: Any, numbers: Sequence[int] | Any, **extra: Any) -> None:
        of = F(field) if isinstance(field, str) else field
        super().__init__(of, Value(numbers) if isinstance(numbers, list) else numbers, **extra)
