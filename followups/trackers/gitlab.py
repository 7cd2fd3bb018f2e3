"""Issues of a GitLab project.

Source: GitLab REST API v4: "Issues API" (list project issues with ``search`` and ``in``, single project issue, new
issue), "Rate limits". The search of issues asks GitLab's database, so it does not lag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from followups.trackers.base import SHORT_LAG, Call, Draft, Refusal, Ticket, as_object, has_mark

if TYPE_CHECKING:
    from datetime import datetime

    from followups.trackers.base import Account

NAME = "GitLab"
LAG = SHORT_LAG
CAN_FIND = True


def create(account: Account, draft: Draft) -> Ticket:
    """Open an issue."""
    found = _call(account).post(_issues(account), {"title": draft.title, "description": draft.markdown()})
    return _ticket(account, as_object(found, NAME, makes=True))


def find(account: Account, marker: str, *, since: datetime) -> Ticket | None:
    """The issue whose text has the mark, whoever opened it."""
    asked = urlencode({"search": marker, "in": "description", "scope": "all", "per_page": 20})
    rows = _call(account).get(f"{_issues(account)}?{asked}")
    if not isinstance(rows, list):
        raise Refusal(f"{NAME} has no {account.project}, or the token does not see it.")
    return next((_ticket(account, row) for row in rows if has_mark(row.get("description"), marker)), None)


def look(account: Account, key: str) -> bool | None:
    """Whether it is closed."""
    found = _call(account).get(f"{_issues(account)}/{key.rpartition('#')[2]}")
    if found is None:
        raise Refusal(f"{key} is not there any more, or the token does not see it.")
    return as_object(found, NAME, makes=False).get("state") == "closed"


def _issues(account: Account) -> str:
    return f"/api/v4/projects/{quote(account.project, safe='')}/issues"


def _call(account: Account) -> Call:
    return Call(NAME, account, {"PRIVATE-TOKEN": account.secret})


def _ticket(account: Account, row: dict[str, Any]) -> Ticket:
    return Ticket(f"{account.project}#{row['iid']}", str(row.get("web_url")), row.get("state") == "closed")
