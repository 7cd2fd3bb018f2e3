"""Page or fragment: one view and one template tree for both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import shortcuts
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    class HtmxHttpRequest(HttpRequest):
        """A request that has passed django_htmx's middleware."""

        htmx: HtmxDetails

else:
    HtmxHttpRequest = HttpRequest


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page: not for a boosted link, and not to restore its history."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    if htmx is None or htmx.boosted or htmx.history_restore_request:
        return False
    return bool(htmx)


def unseen(request: HttpRequest, versions: Mapping[str, str], *, prefix: str = "") -> list[str]:
    """The parts of a page whose versions the reader does not have, as ``?seen=header.1f…,plan.2a…`` says; ``prefix``
    stands before each name there."""
    seen = set(request.GET.get("seen", "").split(","))
    return [name for name, version in versions.items() if f"{prefix}{name}.{version}" not in seen]


def render(
    request: HttpRequest,
    page_template: str,
    context: Mapping[str, Any] | None = None,
    *,
    fragment: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page, or to htmx its ``fragment`` alone, the template that the page includes.

    The answer says that it varies, so that no cache gives a fragment to somebody who opens the page.
    """
    template = fragment if fragment is not None and wants_fragment(request) else page_template
    response = shortcuts.render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Boosted"])
    return response
