"""Actions, defined and changed by admins: a new revision whenever what one does has changed, and an audit entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import audit
from automation.models import Action, Way
from automation.parameters import BadParameter, declared
from core.text import clean, single_line
from incidents.models.incident import NotAllowedNow
from notifications import signing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User
    from automation.parameters import Parameter
    from catalog.models import Service

EDITABLE = (
    "name", "summary", "kind", "way", "runner", "command", "format", "url", "target", "is_read_only",
    "is_destructive", "has_dry_run", "is_automatic", "seconds", "rollback",
)  # fmt: skip
# A change of these makes a new revision: what was asked for before is not what would be done now.
DOES = (
    "way",
    "runner_id",
    "command",
    "format",
    "url",
    "target",
    "parameters",
    "is_destructive",
    "has_dry_run",
    "seconds",
)
NEEDS_TARGET = (Action.Format.GITHUB, Action.Format.ARGO)


@transaction.atomic
def create(
    *,
    slug: str,
    by: User | None,
    parameters: Iterable[Parameter] = (),
    services: Iterable[Service] = (),
    authorization: str = "",
    is_demo: bool = False,
    **fields: Any,
) -> tuple[Action, str]:
    """A new action, and the secret that its requests are signed with, which is shown once; empty for a runner's.

    Raises ValidationError.
    """
    action = Action(slug=slug, is_demo=is_demo)
    _set(action, fields, parameters, authorization)
    secret = _give_secret(action) if action.way == Way.HTTP else ""
    services = list(services)
    _check(action, services)
    audit.save(action, by=by)
    _tie(action, services, by=by)
    return action, secret


@transaction.atomic
def change(
    action: Action,
    *,
    by: User | None,
    parameters: Iterable[Parameter] | None = None,
    services: Iterable[Service] | None = None,
    authorization: str | None = None,
    **fields: Any,
) -> Action:
    """Change an action; what is left out stays. An ``authorization`` stays unless another one is given or, with an
    empty text, taken away. It does not follow to an address on another
    host. Raises ValidationError."""
    action = Action.objects.select_for_update().get(pk=action.pk)
    before, url = {name: getattr(action, name) for name in DOES}, action.url
    secret = action.authorization
    _set(action, fields, parameters, authorization)
    if authorization is None and action.authorization and _host(action.url) != _host(url):
        raise ValidationError({"authorization": "The address is on another host now: give its authorization anew."})
    if action.way == Way.HTTP and not action.signing_secret:
        _give_secret(action)
    services = list(action.services.all()) if services is None else list(services)
    _check(action, services)
    if before != {name: getattr(action, name) for name in DOES}:
        action.revision += 1
        action.is_demo = False  # whoever has given it something else to do means it
    audit.save(action, by=by)
    if action.authorization != secret:  # the log has secrets as “(secret)”, before and after
        audit.record(by=by, action="new authorization", on=action)
    _tie(action, services, by=by)
    return action


@transaction.atomic
def rotate_secret(action: Action, *, by: User | None) -> str:
    """A new secret to sign requests with; the old one is used no more. It is shown once.

    Raises NotAllowedNow for what a runner does: nothing of it is signed.
    """
    action = Action.objects.select_for_update().get(pk=action.pk)
    if action.way != Way.HTTP:
        raise NotAllowedNow(f"“{action}” is done by a runner: there is no request to sign.")
    secret = _give_secret(action)
    action.save(update_fields=["signing_secret", "updated_at"])
    audit.record(by=by, action="new signing secret", on=action)
    return secret


@transaction.atomic
def archive(action: Action, *, by: User | None, now: datetime | None = None) -> Action:
    """Nobody can ask for it any more; what was asked for before and has not begun is not run."""
    action = Action.objects.select_for_update().get(pk=action.pk)
    if action.archived_at is None:
        action.archived_at = now or timezone.now()
        action.revision += 1
    return audit.save(action, by=by)


@transaction.atomic
def restore(action: Action, *, by: User | None) -> Action:
    """Take it out of the archive."""
    action = Action.objects.select_for_update().get(pk=action.pk)
    action.archived_at = None
    return audit.save(action, by=by)


def _set(
    action: Action, fields: dict[str, Any], parameters: Iterable[Parameter] | None, authorization: str | None
) -> None:
    unknown = fields.keys() - set(EDITABLE)
    if unknown:
        raise ValidationError(dict.fromkeys(sorted(unknown), "An action has no such field."))
    for name, value in fields.items():
        setattr(action, name, value)
    action.name, action.summary = single_line(action.name), clean(action.summary).strip()
    if action.way == Way.HTTP:
        action.runner, action.command = None, ""
    else:
        action.url = action.target = action.authorization = action.signing_secret = ""
        action.format = Action.Format.GENERIC
    if authorization is not None and action.way == Way.HTTP:
        action.authorization = authorization.strip()
    if parameters is not None:
        try:
            action.parameters = [one.stored() for one in declared(parameters)]
        except BadParameter as error:
            raise ValidationError({"parameters": str(error)}) from None


def _check(action: Action, services: list[Service]) -> None:
    wrong: dict[str, str] = {}
    if action.way == Way.HTTP:
        wrong |= _wrong_request(action)
    else:
        if action.runner is None:
            wrong["runner"] = "Choose the runner that carries it out."
        if not action.command:
            wrong["command"] = "Name the action of the runner's own file."
        elif action.runner and action.runner.offers:
            wrong |= _wrong_command(action, action.runner.offer(action.command))
    if action.is_automatic and not services:
        wrong["services"] = "What runs by itself names the services whose incidents it is for."
    if action.is_automatic and not (action.is_read_only and action.kind == Action.Kind.DIAGNOSTICS):
        wrong["is_automatic"] = "Only diagnostics that only read may run by themselves."
    if action.is_destructive and action.is_read_only:
        wrong["is_destructive"] = "What only reads needs no second person."
    if wrong:
        raise ValidationError(wrong)


def _wrong_command(action: Action, offer: dict[str, object] | None) -> dict[str, str]:
    """What the runner's own file says otherwise, once the runner has told what is in it."""
    if offer is None:
        return {"command": f"The file of {action.runner} has no action of this name."}
    wrong: dict[str, str] = {}
    if action.is_read_only and not offer.get("read_only"):
        wrong["is_read_only"] = f"The file of {action.runner} does not say that it only reads."
    if action.has_dry_run and not offer.get("has_dry_run"):
        wrong["has_dry_run"] = f"The file of {action.runner} has no dry run of it."
    return wrong


def _wrong_request(action: Action) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not _is_address(action.url):
        wrong["url"] = "Enter an address that begins with https:// or http://, without spaces."
    elif "@" in urlsplit(action.url).netloc:
        wrong["url"] = "Put user and password into the authorization, where nobody sees them."
    if "{" in action.url or "%7b" in action.url.lower():
        wrong["url"] = "Nothing is filled into an address: write it without braces."
    if action.format in NEEDS_TARGET and not action.target:
        wrong["target"] = "GitHub needs a branch or tag, Argo the workflow template's name."
    if not action.authorization.isprintable() or not action.authorization.isascii():
        wrong["authorization"] = "A header has printable ASCII characters only."
    return wrong


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # such as https://[
        return False
    return has_host and url.startswith(("https://", "http://")) and url.isprintable() and " " not in url


def _tie(action: Action, services: list[Service], *, by: User | None) -> None:
    before = sorted(action.services.values_list("slug", flat=True))
    action.services.set(services)
    after = sorted(service.slug for service in services)
    audit.changed_links(action, by=by, name="services", before=before, after=after)


def _give_secret(action: Action) -> str:
    action.signing_secret = signing.new_secret()
    return action.signing_secret


def _host(url: str) -> str:
    return "/".join(url.split("/")[:3]).lower()
