"""How people are reached: one's own contact methods, and everybody's for admins."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts.models import Role, User
from api import paging
from api.auth import ApiRequest, actor, admin, require, writer
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem
from api.resources.users import user_of
from api.schemas.base import Name, Number
from api.schemas.incidents import Nothing
from api.schemas.people import AddedContactMethod, ContactMethodChange, ContactMethodOut, NewContactMethod
from notifications import contacts
from notifications.models import ContactMethod

router = Router(tags=["contact methods"])


@router.get("/{username}/contact-methods", response=Page[ContactMethodOut])
def list_contact_methods(request: ApiRequest, username: Name, query: Query[ListQuery]) -> Page[ContactMethodOut]:
    """How a person is reached, newest first."""
    rows = ContactMethod.objects.filter(user=_owner(request, username))
    return paging.answer(request, rows, query, Page[ContactMethodOut], ContactMethodOut.of)


@router.post("/{username}/contact-methods", auth=writer, response={201: AddedContactMethod, 200: AddedContactMethod})
@idempotent(hide=("signing_secret",))
def add_contact_method(request: ApiRequest, username: Name, body: NewContactMethod) -> Answer[AddedContactMethod]:
    """Add a way to reach a person; one that is there already answers 200.

    The secret that signs a new webhook's requests is shown in this answer only; a repeated one has null.
    """
    owner = _owner(request, username)
    if body.verified:
        require(request, Role.ADMIN)
    method, is_new = contacts.add(
        owner, kind=body.kind, address=body.address, by=actor(request), is_verified=body.verified
    )
    return Answer(201 if is_new else 200, AddedContactMethod.added(method, is_new=is_new))


@router.get("/{username}/contact-methods/{method_id}", response=ContactMethodOut)
def read_contact_method(request: ApiRequest, username: Name, method_id: Number) -> ContactMethodOut:
    """One way to reach a person."""
    return ContactMethodOut.of(_method(request, username, method_id))


@router.patch("/{username}/contact-methods/{method_id}", auth=admin, response=ContactMethodOut)
def confirm_contact_method(
    request: ApiRequest, username: Name, method_id: Number, body: ContactMethodChange
) -> ContactMethodOut:
    """Mark as verified without the link that its owner would follow."""
    method = _method(request, username, method_id)
    return ContactMethodOut.of(contacts.confirm(method, by=actor(request)))


@router.delete("/{username}/contact-methods/{method_id}", auth=writer, response={204: None})
def remove_contact_method(request: ApiRequest, username: Name, method_id: Number) -> HttpResponse:
    """Forget a way to reach a person."""
    contacts.remove(_method(request, username, method_id), by=actor(request))
    return HttpResponse(status=204)


@router.post("/{username}/contact-methods/{method_id}/test", auth=writer, response={202: ContactMethodOut})
def page_contact_method(
    request: ApiRequest, username: Name, method_id: Number, body: Nothing | None = None
) -> Answer[ContactMethodOut]:
    """Send what a page looks like, with a link that confirms the address."""
    method = _method(request, username, method_id)
    contacts.send_test(method)
    return Answer(202, ContactMethodOut.of(method))


def _owner(request: ApiRequest, username: str) -> User:
    """The person, if it is oneself or one is an admin. Raises the problems 404 and 403."""
    owner = user_of(request, username)
    if owner != actor(request):
        require(request, Role.ADMIN)
    return owner


def _method(request: ApiRequest, username: str, pk: int) -> ContactMethod:
    method: ContactMethod | None = ContactMethod.objects.filter(user=_owner(request, username), pk=pk).first()
    if method is None:
        raise Problem(404, "There is no such contact method.")
    return method
