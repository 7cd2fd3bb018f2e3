"""Views of the list that people keep."""

from __future__ import annotations

from typing import Annotated

from django.conf import settings
from django.urls import reverse
from pydantic import Field

from api.schemas.base import Input, Output, Time
from incidents.models import SavedView
from incidents.saved_views import NAME_LIMIT, QUERY_LIMIT


class NewSavedView(Input):
    """A name, and the query string of the page of incidents. Of the query, what the list does not know is left out."""

    name: Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)]
    query: Annotated[str, Field(max_length=QUERY_LIMIT, examples=["severity=critical&team=mine"])] = ""


class SavedViewOut(Output):
    """A view of one's own."""

    id: int
    name: str
    query: str
    url: str = Field(description="The page that shows it.")
    created_at: Time

    @classmethod
    def of(cls, view: SavedView) -> SavedViewOut:
        """The view as the API shows it."""
        address = settings.MUSTER.base_url + reverse("incidents:list")
        return cls(
            id=view.pk,
            name=view.name,
            query=view.query,
            url=f"{address}?{view.query}" if view.query else address,
            created_at=view.created_at,
        )
