"""Teams: made, listed, read and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch
from django.http import HttpResponse
from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts import audit, people
from accounts.access import require_manager
from accounts.models import Membership, Role, Team
from api import lookups, paging
from api.auth import ApiRequest, actor, manager, writer
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem
from api.schemas.base import Name
from api.schemas.people import NewTeam, TeamChange, TeamOut
from notifications import team_addresses

if TYPE_CHECKING:
    from collections.abc import Callable

    from accounts.models import User
    from accounts.querysets import TeamQuerySet

router = Router(tags=["teams"])

ADDRESSES = ("channel_address", "ticket_address")
PEOPLE = ("members", "managers")
