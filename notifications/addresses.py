"""Addresses of teams and people: what kind of thing one is, and whether it can work at all."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from notifications.models import Channel

CHAT_SCHEME = "slack+"
CHAT_HOSTS = ("hooks.slack.com",)
DISCORD_HOSTS = ("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com")


def channel_of(address: str) -> tuple[Channel, str]:
    """The channel that serves an address, and the address as that channel needs it.

    ``ops@example.com`` is e-mail; ``https://…`` a signed webhook; ``slack+https://…`` a Slack-compatible incoming
    webhook, which the well-known hosts of Slack and Discord are even without the prefix. Raises ValidationError
    with what to write instead.
    """
    address = address.strip()
    if "://" not in address:
        try:
            validate_email(address)
            return Channel.EMAIL, _ascii(address)
        except (ValidationError, UnicodeError):
            raise ValidationError(
                "Enter an e-mail address, https://… for a signed webhook, or slack+https://… for Slack, Mattermost, "
                "Rocket.Chat or Discord."
            ) from None
    is_chat = address.startswith(CHAT_SCHEME)
    url = address.removeprefix(CHAT_SCHEME)
    host = validated_url(url)
    if host in DISCORD_HOSTS:
        return Channel.CHAT, _slack_form(url)
    return (Channel.CHAT if is_chat or host in CHAT_HOSTS else Channel.WEBHOOK), url


def _slack_form(url: str) -> str:
    """The address of a Discord webhook that takes what Slack's do; ``?thread_id=`` stays what it is."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=path if path.endswith("/slack") else f"{path}/slack"))


def _ascii(address: str) -> str:
    """The e-mail address as every mail server takes it: its domain in IDNA's ASCII form where it has other letters."""
    name, _, domain = address.rpartition("@")
    return address if domain.isascii() else f"{name}@{domain.encode('idna').decode()}"


def validated_url(url: str) -> str:
    """The host of an absolute http or https address without credentials; raises ValidationError otherwise."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValidationError("This is not a valid web address.") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValidationError("Enter a complete address that begins with https:// (or http://).")
    if parts.username or parts.password:
        raise ValidationError("Leave user name and password out of the address; webhooks are signed instead.")
    return host


def validate_address(address: str) -> None:
    """For forms and models: raises ValidationError when no channel can serve the address."""
    channel_of(address)
