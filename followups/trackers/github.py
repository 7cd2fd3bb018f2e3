"""Issues of a GitHub repository.

Source: GitHub REST API, version 2022-11-28: "Create an issue", "List repository issues", "Get an issue", "Rate limits
for the REST API". On GitHub Enterprise Server the address is https://HOST/api/v3.

``find`` lists what was changed since the attempt instead of searching: the search index lags, the list does not.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from followups.trackers.base import SHORT_LAG, Call, Draft, Later, Refusal, Ticket, as_object, has_mark

if TYPE_CHECKING:
    from core.http import Response
    from followups.trackers.base import Account

NAME = "GitHub"
LAG = SHORT_LAG
CAN_FIND = True
PER_PAGE, MOST_PAGES = 50, 6
SLACK = timedelta(minutes=5)  # its clock and ours may differ


def create(account: Account, draft: Draft) -> Ticket:
    """Open an issue."""
    path = f"/repos/{account.project}/issues"
    found = _call(account).post(path, {"title": draft.title, "body": draft.markdown()})
    return _ticket(account, as_object(found, NAME, makes=True))


def find(account: Account, marker: str, *, since: datetime) -> Ticket | None:
    """The issue whose text has the mark, among what was changed ``since``."""
    begin = (since - SLACK).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = {"state": "all", "since": begin, "sort": "created", "direction": "asc", "per_page": PER_PAGE}
    for page in range(1, MOST_PAGES + 1):
        rows = _call(account).get(f"/repos/{account.project}/issues?{urlencode({**asked, 'page': page})}")
        if not isinstance(rows, list):
            raise Refusal(f"{NAME} has no {account.project}, or the token does not see it.")
        for row in rows:
            if "pull_request" not in row and has_mark(row.get("body"), marker):
                return _ticket(account, row)
        if len(rows) < PER_PAGE:
            return None
    raise Later(f"{account.project} is too busy to find out whether the issue was made.")


def look(account: Account, key: str) -> bool | None:
    """Whether it is closed."""
    found = _call(account).get(f"/repos/{account.project}/issues/{key.rpartition('#')[2]}")
    if found is None:
        raise Refusal(f"{key} is not there any more, or the token does not see it.")
    return as_object(found, NAME, makes=False).get("state") == "closed"


def _call(account: Account) -> Call:
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {account.secret}",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    return Call(NAME, account, headers, limited=_is_limited)


def _is_limited(answer: Response) -> bool:
    """Primary limits leave nothing of the ration, secondary ones say Retry-After, or only say so in words."""
    if answer.status not in (403, 429):
        return False
    is_used_up = answer.headers.get("x-ratelimit-remaining") == "0"
    return answer.status == 429 or is_used_up or "retry-after" in answer.headers or b"rate limit" in answer.body.lower()


def _ticket(account: Account, row: dict[str, Any]) -> Ticket:
    return Ticket(f"{account.project}#{row['number']}", str(row.get("html_url")), row.get("state") == "closed")
