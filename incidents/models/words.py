"""Words of a text, as PostgreSQL indexes them: full-text search without stop words.

Every run of letters and digits is a word, so ``db.primary-3`` is found by "primary" and "db primary" alike. Words are
reduced to their English stems, and none is left out: "down" and "up" are what people search for.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db.models import F, Func, TextField, Value
from django.db.models.functions import Coalesce

CONFIG = "muster"  # the text search configuration that migration 0002 makes


class Spaced(Func):
    """A text with a space in the place of everything that is neither a letter nor a digit."""

    function = "regexp_replace"
    output_field = TextField()

    def __init__(self, text: object, **extra: Any) -> None:
        super().__init__(text, Value("[^[:alnum:]]+"), Value(" "), Value("g"), **extra)


class Words(Func):
    """The words of a text field with their places and a weight, A for the most telling."""

    function = "to_tsvector"
    template = f"setweight(to_tsvector('{CONFIG}'::regconfig, %(expressions)s), '%(weight)s')"
    output_field = SearchVectorField()

    def __init__(self, field: object, *, weight: str = "C", **extra: Any) -> None:
        expression = F(field) if isinstance(field, str) else field
        super().__init__(Spaced(Coalesce(expression, Value(""))), weight=weight, **extra)


class Joined(Func):
    """Several documents as one; one that is null counts as empty."""

    arg_joiner = " || "
    template = "%(expressions)s"
    output_field = SearchVectorField()

    def __init__(self, *documents: object, **extra: Any) -> None:
        empty = Value("", output_field=SearchVectorField())
        super().__init__(*(Coalesce(document, empty) for document in documents), **extra)
