"""What each severity promises: read by everybody, changed by admins."""

from __future__ import annotations

from ninja import Query, Router

from accounts import audit
from api import paging
from api.auth import ApiRequest, actor, admin
from api.paging import ListQuery, Page
from api.problems import Problem
from api.schemas.base import Name
from api.schemas.policies import SeverityPolicyChange, SeverityPolicyOut
from incidents import policy
from incidents.models import SeverityPolicy

router = Router(tags=["severity policies"])


@router.get("", response=Page[SeverityPolicyOut])
def list_severity_policies(request: ApiRequest, query: Query[ListQuery]) -> Page[SeverityPolicyOut]:
    """All four, the worst first; there is never a second page."""
    paging.refuse_unknown(request, query)
    return Page[SeverityPolicyOut](items=[SeverityPolicyOut.of(row) for row in policy.policies().values()], next=None)


@router.get("/{severity}", response=SeverityPolicyOut)
def read_severity_policy(request: ApiRequest, severity: Name) -> SeverityPolicyOut:
    """One severity's policy."""
    return SeverityPolicyOut.of(_policy(severity))


@router.patch("/{severity}", auth=admin, response=SeverityPolicyOut)
def change_severity_policy(request: ApiRequest, severity: Name, body: SeverityPolicyChange) -> SeverityPolicyOut:
    """Change a policy. Incidents that are under way keep the plan they were declared with."""
    row = _policy(severity)
    for name, value in body.given().items():
        setattr(row, name, value)
    return SeverityPolicyOut.of(audit.save(row, by=actor(request)))


def _policy(severity: str) -> SeverityPolicy:
    found = policy.policies().get(severity)
    if found is None:
        raise Problem(404, "There is no such severity.")
    return found
