"""Lists in pages: ``{"items": […], "next": address or null}``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.utils.encoding import escape_uri_path
from django.utils.http import urlencode
from pydantic import BaseModel, ConfigDict, Field

from api.problems import invalid, mistakes
from core import pagination

if TYPE_CHECKING:
    from django.http import HttpRequest

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200

NEWEST_FIRST = ("-pk",)
OLDEST_FIRST = ("pk",)

M = TypeVar("M", bound=Model)
T = TypeVar("T")


class ListQuery(BaseModel):
    """What every list takes; lists with filters add theirs."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=LARGEST_LIMIT, description="How many items a page has at most.")
    cursor: str | None = Field(None, description="Where to go on; part of `next`.")


class Page(BaseModel, Generic[T]):
    """Some items, and where the following ones are."""

    items: list[T]
    next: str | None = Field(description="The address of the next page; null on the last.")


def answer(
    request: HttpRequest,
    rows: QuerySet[M] | Sequence[QuerySet[M]],
    query: ListQuery,
    page: type[Page[T]],
    show: Callable[[M], T],
    *,
    sort: tuple[str, ...] = NEWEST_FIRST,
) -> Page[T]:
    """One page of rows, which may be lanes (core.pagination). Raises the problem 422 for a cursor that is none, and
    for parameters that the list has not."""
    items, next_address = found(request, rows, query, sort=sort)
    return page(items=[show(row) for row in items], next=next_address)


def found(
    request: HttpRequest,
    rows: QuerySet[M] | Sequence[QuerySet[M]],
    query: ListQuery,
    *,
    sort: tuple[str, ...] = NEWEST_FIRST,
) -> tuple[list[M], str | None]:
    """The rows of a page, and the address of the next one; for lists that show rows together. Raises as ``answer``."""
    refuse_unknown(request, query)
    try:
        page = pagination.page(rows, sort=sort, cursor=query.cursor, limit=query.limit)
    except pagination.BadCursor:
        raise invalid("cursor", "This is not a cursor of this list; follow `next` as it is.") from None
    return page.items, _address(request, page.next) if page.next else None


def refuse_unknown(request: HttpRequest, query: BaseModel) -> None:
    """A misspelt filter is a mistake to hear of, and not a list of everything."""
    known = {field.alias or name for name, field in type(query).model_fields.items()}
    unknown = sorted(set(request.GET) - known)
    if unknown:
        raise mistakes([(name, "There is no such parameter here.") for name in unknown])


def _address(request: HttpRequest, cursor: str) -> str:
    filters = [(name, values) for name, values in request.GET.lists() if name != "cursor"]
    query = urlencode([*filters, ("cursor", cursor)], doseq=True)
    return request.build_absolute_uri(f"{escape_uri_path(request.path)}?{query}")
