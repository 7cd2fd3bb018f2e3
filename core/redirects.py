"""The answer to a form that did what it was asked to."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseRedirect
from django.shortcuts import resolve_url


class SeeOther(HttpResponseRedirect):
    """303: whatever was sent, look there with a GET (RFC 9110 15.4.4)."""

    status_code = 303


def see_other(to: Any, *args: Any, **kwargs: Any) -> SeeOther:
    """Redirect to a named address, an object with a page of its own, or a path."""
    return SeeOther(resolve_url(to, *args, **kwargs))
