"""The door for runners (docs/automation.md has the contract): JSON in, JSON out, a token for each runner."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from automation import executing, runners
from automation.models import OUTPUT_LIMIT
from core import strict_json
from core.work import db_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    from automation.models import Runner

Body = TypeVar("Body", bound=BaseModel)

BODY_LIMIT = 512 * 1024  # bytes
BIGGEST = 2**53 - 1
MOST_HEARD = 2**30  # characters of output that anybody listens to


class Said(BaseModel):
    """A body; what is not known is left out, so that a newer runner is understood."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Claim(Said):
    """A runner asks for work, and says what its file allows."""

    version: str = Field("", max_length=200)
    host: str = Field("", max_length=1000)
    actions: list[Any] = []


class Start(Said):
    """May it begin?"""

    token: str = Field(max_length=100)


class Output(Start):
    """More of what was printed; ``offset`` counts the characters before it."""

    offset: int = Field(ge=0, le=MOST_HEARD)
    text: str = Field("", max_length=2 * OUTPUT_LIMIT)


class Finish(Start):
    """How it ended."""

    outcome: str = Field(pattern="^(done|failed|unknown)$")
    exit_code: int | None = Field(None, ge=-(2**31), le=2**31 - 1)
    detail: str = Field("", max_length=4000)
    left_out: int = Field(0, ge=0, le=BIGGEST)


def door(
    kind: type[Body],
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """A view for runners: POST, a token that counts, and a body of its kind. 401, 405, 409, 413 or 422 otherwise."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @never_cache
        @wraps(view)
        def wrapped(request: HttpRequest, **named: int) -> HttpResponse:
            if request.method != "POST":
                return _problem(405, "Send a POST.", Allow="POST")
            runner = _runner(request)
            if runner is None:
                return _problem(401, "This token is unknown, or its runner is off.", **{"WWW-Authenticate": "Bearer"})
            try:
                body = kind.model_validate(_read(request))
            except RequestDataTooBig:
                return _problem(413, f"The body is larger than {BODY_LIMIT // 1024} KB.")
            except strict_json.Unparseable as error:
                return _problem(422, f"This cannot be read: {error.reason}.")
            except ValidationError as error:
                first = error.errors()[0]
                return _problem(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}.")
            try:
                return view(runner, body, **named)
            except executing.NotYours:
                return _problem(409, "This execution is not yours, or not any more. Do not run it.")

        return wrapped

    return decorate


@door(Claim)
def claim(runner: Runner, said: Claim) -> HttpResponse:
    """Work, or 204."""
    runners.heard(runner, version=said.version, host=said.host, offers=said.actions, now=db_now())
    work = executing.take(runner)
    if work is None:
        return HttpResponse(status=204)
    return JsonResponse(
        {
            "execution": work.execution,
            "token": work.token,
            "action": work.action,
            "parameters": work.values,
            "dry_run": work.is_dry_run,
            "seconds": work.seconds,
        }
    )


@door(Start)
def start(runner: Runner, said: Start, *, pk: int) -> HttpResponse:
    """200: it may begin."""
    executing.begin(runner, pk, said.token)
    return JsonResponse({})


@door(Output)
def output(runner: Runner, said: Output, *, pk: int) -> HttpResponse:
    """How much has arrived, and whether to stop."""
    received, has_to_stop = executing.hear(runner, pk, said.token, offset=said.offset, text=said.text)
    return JsonResponse({"received": received, "stop": has_to_stop})


@door(Finish)
def finish(runner: Runner, said: Finish, *, pk: int) -> HttpResponse:
    """It is over."""
    executing.end(
        runner,
        pk,
        said.token,
        outcome=said.outcome,
        exit_code=said.exit_code,
        detail=said.detail,
        left_out=said.left_out,
    )
    return JsonResponse({})


def _runner(request: HttpRequest) -> Runner | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return runners.find(token.strip()) if scheme.lower() == "bearer" and token else None


def _read(request: HttpRequest) -> object:
    if int(request.headers.get("Content-Length") or 0) > BODY_LIMIT:
        raise RequestDataTooBig
    return strict_json.parse(request.body)


def _problem(status: int, detail: str, **headers: str) -> HttpResponse:
    return JsonResponse({"detail": detail}, status=status, headers=headers)
