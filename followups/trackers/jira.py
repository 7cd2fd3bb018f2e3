"""Issues of a Jira Cloud project.

Source: Jira Cloud platform REST API v3: "Create issue" (description as Atlassian Document Format), "Search for issues
using JQL enhanced search (POST)", "Get issue", "Basic auth for REST APIs", "Rate limiting".

Jira's search is not consistent after a write; Atlassian speaks of seconds to minutes. So ``LAG`` is long.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from followups.trackers.base import Call, Draft, Line, Refusal, Ticket, as_object, has_mark

if TYPE_CHECKING:
    from datetime import datetime

    from followups.trackers.base import Account

NAME = "Jira"
LAG = timedelta(minutes=2)
CAN_FIND = True
ISSUE_TYPE = "Task"
DONE = "done"  # the category of statuses that end an issue, whatever a project calls them


def create(account: Account, draft: Draft) -> Ticket:
    """Make an issue."""
    fields = {
        "project": {"key": account.project},
        "issuetype": {"name": account.issue_type or ISSUE_TYPE},
        "summary": draft.title,
        "description": document(draft),
    }
    found = as_object(_call(account).post("/rest/api/3/issue", {"fields": fields}), NAME, makes=True)
    return _ticket(account, str(found["key"]))


def find(account: Account, marker: str, *, since: datetime) -> Ticket | None:
    """The issue whose text has the mark. Words of a phrase are matched whole and in order."""
    jql = f'project = "{account.project}" AND description ~ "\\"{marker}\\""'
    asked = {"jql": jql, "fields": ["description", "status"], "maxResults": 20}
    found = as_object(_call(account).post("/rest/api/3/search/jql", asked, makes=False), NAME, makes=False)
    for row in found.get("issues", []):
        fields = row.get("fields") or {}
        if has_mark(" ".join(_texts(fields.get("description"))), marker):
            return _ticket(account, str(row["key"]), is_closed=_is_done(fields))
    return None


def look(account: Account, key: str) -> bool | None:
    """Whether its status is one of those that end an issue."""
    found = _call(account).get(f"/rest/api/3/issue/{quote(key, safe='')}?fields=status")
    if found is None:
        raise Refusal(f"{key} is not there any more, or the token does not see it.")
    return _is_done(as_object(found, NAME, makes=False).get("fields") or {})


def document(draft: Draft) -> dict[str, Any]:
    """The text in the Atlassian Document Format."""
    content = [{"type": "paragraph", "content": _nodes(line)} for line in draft.lines]
    return {"type": "doc", "version": 1, "content": content}


def _nodes(line: Line) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = [{"type": "text", "text": line.words}]
    if line.quoted:
        nodes += [{"type": "text", "text": " "}, {"type": "text", "text": line.quoted, "marks": [{"type": "code"}]}]
    if line.url:
        link = {"type": "link", "attrs": {"href": line.url}}
        nodes += [{"type": "text", "text": " "}, {"type": "text", "text": line.url, "marks": [link]}]
    return nodes


def _texts(node: Any) -> list[str]:
    """Every text of a document."""
    if isinstance(node, list):
        return [text for each in node for text in _texts(each)]
    if not isinstance(node, dict):
        return []
    own = [node["text"]] if isinstance(node.get("text"), str) else []
    return own + _texts(node.get("content"))


def _is_done(fields: dict[str, Any]) -> bool:
    status = fields.get("status") or {}
    return (status.get("statusCategory") or {}).get("key") == DONE


def _ticket(account: Account, key: str, *, is_closed: bool = False) -> Ticket:
    return Ticket(key, f"{account.root}/browse/{key}", is_closed)


def _call(account: Account) -> Call:
    pair = base64.b64encode(f"{account.username}:{account.secret}".encode()).decode()
    return Call(NAME, account, {"Authorization": f"Basic {pair}"})
