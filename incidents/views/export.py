"""The list as a file."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from core.htmx import HtmxHttpRequest
from core.redirects import see_other
from incidents import export
from incidents.messages import absolute
from incidents.views.list import asked, list_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

# A reader who takes a file slowly keeps a thread and a connection to the database; pages need the others.
AT_ONCE = 2
_seats = BoundedSemaphore(AT_ONCE)


@login_required
@require_safe
def export_csv(request: HtmxHttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Every incident of the list's tab and filters, in its order, as CSV; its page in the address does not count.

    A wrong filter is left out of the list, which says so; a file could not.
    """
    ask = asked(request)
    if not ask.filters.form.is_valid():
        messages.warning(request, "Nothing was exported, because a filter is not right. It says below what it takes.")
        return see_other(list_address(ask.query))
    chunks = export.chunks(ask.rows, sort=ask.sort, beside=absolute(reverse("incidents:list")), now=ask.now)
    name = f"incidents-{ask.period}-{ask.now:%Y-%m-%d}.csv"
    return as_file(request, chunks, name=name, instead=list_address(ask.query))


def as_file(
    request: HttpRequest, chunks: Iterator[bytes], *, name: str, instead: str
) -> HttpResponse | StreamingHttpResponse:
    """Chunks of CSV as a file; where too many are being written already, back to ``instead`` with a word."""
    if not _seats.acquire(blocking=False):
        messages.warning(request, "Two other exports are being written. Try again in a minute.")
        return see_other(instead)
    response = StreamingHttpResponse(_Seated(chunks), content_type="text/csv; charset=utf-8; header=present")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class _Seated:
    """Gives its seat back when the last chunk was read, or the reader has gone."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._is_seated = True

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        finally:
            self.close()

    def close(self) -> None:
        """Called by Django at the end of the response, whatever end it was."""
        if self._is_seated:
            self._is_seated = False
            _seats.release()
