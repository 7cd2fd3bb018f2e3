"""What monitors speak: one file a format, pure functions from a JSON value to a ``Delivery``.

A new vendor is a new file here and a line in ``FORMATS``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from alerts.formats import alertmanager, generic
from alerts.formats.delivery import Delivery, Item, Unusable

__all__ = ["FORMATS", "Delivery", "Format", "Item", "Unusable"]


class Format(Protocol):
    """What the file of a format offers."""

    def group_key(self, payload: object, *, event_key: str = "") -> str:
        """The dedup key, cheaply, as ``parse`` gives it. Raises Unusable where there is none.

        ``event_key`` is unique to the request and stands in where a sender may leave the key out.
        """

    def parse(self, payload: object, *, received_at: datetime, default_severity: str, event_key: str = "") -> Delivery:
        """The whole request in our words. Raises Unusable if nothing can be made of it."""


FORMATS: Mapping[str, Format] = {"alertmanager": alertmanager, "generic": generic}
