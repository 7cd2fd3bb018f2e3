"""Every error is a problem document (RFC 9457) with an entry for each mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from django.core.exceptions import (
    NON_FIELD_ERRORS,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.core.signals import got_request_exception
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from ninja import errors as ninja_errors
from psycopg_pool import PoolTimeout

from catalog.maintenance import TooLate
from incidents.models.incident import NotAllowedNow
from oncall.cover import Overtaken

if TYPE_CHECKING:
    from ninja import NinjaAPI

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 50
RETRY_AFTER_SECONDS = "5"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

View = Callable[..., HttpResponseBase]

# Our words instead of the validator's, where they are clearer.
_WORDS = {
    "missing": "This field is required.",
    "extra_forbidden": "There is no such field.",
    "model_type": "Enter a JSON object.",
    "model_attributes_type": "Enter a JSON object.",
}


class Problem(Exception):
    """An answer with an error status; ``errors`` are (field, message) pairs, ``headers`` go with the answer, and
    ``extra`` are members of the document besides those that RFC 9457 names."""

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.extra = extra


def invalid(field: str, message: str) -> Problem:
    """One value of the request is wrong."""
    return mistakes([(field, message)])


def mistakes(errors: Sequence[tuple[str, str]]) -> Problem:
    """Some values of the request are wrong."""
    return Problem(422, "Some values cannot be used; see errors.", errors=errors)


def respond(problem: Problem) -> HttpResponse:
    """The problem as an answer."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
    }
    if problem.detail:
        body["detail"] = problem.detail
    if problem.errors:
        body["errors"] = [{"field": field, "message": message} for field, message in problem.errors[:MOST_ERRORS]]
    body |= problem.extra or {}
    return JsonResponse(body, status=problem.status, content_type=MEDIA_TYPE, headers=dict(problem.headers or {}))


def of_exception(error: Exception | type[Exception]) -> Problem | None:
    """What an exception means to the client; None when it is our fault."""
    for kinds, translate in _TRANSLATIONS:
        if isinstance(error, kinds):
            return translate(error)
    return None


def _of_http_error(error: ninja_errors.HttpError) -> Problem:
    if isinstance(error.__cause__, Problem):  # raised while the body was read
        return error.__cause__
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return Problem(
            401,
            "Send an API token: Authorization: Bearer mst_…",
            headers={"WWW-Authenticate": 'Bearer realm="Muster"'},
        )
    return Problem(error.status_code, error.message)


def _of_bad_request(error: ninja_errors.ValidationError) -> Problem:
    errors = error.errors
    if any(each["loc"][0] == "path" for each in errors):
        return Problem(404, "There is nothing at this address.")
    if any(each["type"] == "missing" and tuple(each["loc"]) == ("body", "body") for each in errors):
        return Problem(400, "The body is empty; send a JSON object.")
    return mistakes([(_field(each["loc"]), _WORDS.get(each["type"]) or _sentence(each["msg"])) for each in errors])


def _field(loc: Sequence[object]) -> str:
    """``steps.0.targets``: the place in the body, or the name of the query parameter."""
    names = [str(part) for part in loc[1:]]
    if loc[0] == "body" and names[:1] == ["body"]:
        names = names[1:]
    return ".".join(names)


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".") + "."


def _of_validation_error(error: ValidationError) -> Problem:
    if not hasattr(error, "error_dict"):
        return mistakes([("", message) for message in error.messages])
    return mistakes(
        [
            ("" if name == NON_FIELD_ERRORS else name, message)
            for name, messages in error.message_dict.items()
            for message in messages
        ]
    )


def _of_unavailable(error: Exception) -> Problem:
    log.error("api cannot reach the database", error=repr(error))
    return Problem(503, "The database cannot answer now. Try again.", headers={"Retry-After": RETRY_AFTER_SECONDS})


def _of_unstorable(error: Exception) -> Problem:
    log.warning("api was given a value that the database refuses", error=repr(error))
    return Problem(422, "A value is outside of what can be stored.")


def _of_conflict(error: Exception) -> Problem:
    return Problem(409, "Somebody else made a change that this one contradicts. Read the current state and try again.")


# In order: the first that fits counts.
_TRANSLATIONS: Sequence[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any], Problem]]] = (
    (Problem, lambda error: error),
    (ninja_errors.ValidationError, _of_bad_request),
    (ninja_errors.HttpError, _of_http_error),
    (ValidationError, _of_validation_error),
    ((NotAllowedNow, Overtaken, TooLate), lambda error: Problem(409, str(error))),
    (Http404, lambda error: Problem(404, "There is nothing at this address.")),
    (PermissionDenied, lambda error: Problem(403, str(error) or "You may not do this.")),
    (RequestDataTooBig, lambda error: Problem(413, "The body is too large.")),
    (SuspiciousOperation, lambda error: Problem(400, "This request cannot be understood.")),
    (ProtectedError, lambda error: Problem(409, "Something else still needs this.")),
    (IntegrityError, _of_conflict),
    (DataError, _of_unstorable),
    ((OperationalError, InterfaceError, PoolTimeout), _of_unavailable),
)


def answer(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """The answer to a request that ended in an exception. Ours are logged and reported as Django reports them."""
    problem = of_exception(error)
    if problem is None:
        log.exception("api request failed", path=request.path, method=request.method)
        got_request_exception.send(sender=None, request=request)
        problem = Problem(500, "Muster made a mistake. It has been logged.")
    return respond(problem)


def install(api: NinjaAPI) -> None:
    """Let ninja answer every exception with a problem."""
    for kind in (Exception, Http404, ninja_errors.HttpError, ninja_errors.ValidationError):
        api.add_exception_handler(kind, answer)


def guarded(view: View) -> View:
    """Around each operation: one transaction for whatever changes something, taken back as a whole by an error.

    HEAD is answered as GET is. What goes wrong outside of the operation, its commit included, is a problem as well.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            if request.method in SAFE_METHODS:
                response = _read(view, request, kwargs)
            else:
                with transaction.atomic():
                    response = view(request, **kwargs)
                    if response.status_code >= HTTPStatus.BAD_REQUEST:
                        transaction.set_rollback(True)
        except (DatabaseError, InterfaceError, PoolTimeout, Http404) as error:
            return answer(request, error)
        if isinstance(response, HttpResponseNotAllowed):
            allow = ", ".join(sorted(response["Allow"].split(", ")))
            return respond(Problem(405, f"This address takes {allow}.", headers={"Allow": allow}))
        return response

    return wrapper


def _read(view: View, request: HttpRequest, kwargs: dict[str, Any]) -> HttpResponseBase:
    method = request.method
    request.method = "GET" if method == "HEAD" else method
    try:
        return view(request, **kwargs)
    finally:
        request.method = method  # whoever sends the answer leaves out the body of a HEAD


@csrf_exempt
def nothing_here(request: HttpRequest, rest: str) -> HttpResponse:
    """The answer to an address below /api/v1/ that does not exist."""
    return respond(Problem(404, "There is nothing at this address."))
