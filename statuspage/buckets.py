"""Files in an S3-compatible bucket: PUT and DELETE, signed with AWS Signature Version 4.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html. Addresses are path-style, which
S3 and every server that speaks like it understand.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

from core import http

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "AWS4-HMAC-SHA256"
SECONDS = 20.0
UNRESERVED = "-._~"
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,60})</Code>")


class Failed(Exception):
    """The bucket did not take it; its words name host and status, and never a key."""


class Place(Protocol):
    """A bucket, as the configuration names it."""

    @property
    def base_url(self) -> str:
        """Scheme and host."""

    @property
    def region(self) -> str:
        """As the signature names it."""

    @property
    def name(self) -> str:
        """The bucket's."""

    @property
    def prefix(self) -> str:
        """What every key begins with; empty, or with a slash at its end."""

    @property
    def key(self) -> str:
        """The id of the access key."""

    @property
    def secret(self) -> str:
        """The secret of the access key."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Writes files below the prefix of a place."""

    place: Place
    guard: http.Guard | None = None

    def put(self, path: str, body: bytes, *, content_type: str, cache_control: str) -> None:
        """Replace one file. Raises Failed."""
        headers = {"content-type": content_type, "cache-control": cache_control}
        self._send("PUT", path, body, headers)

    def delete(self, path: str) -> None:
        """Remove one file, if it is there. Raises Failed."""
        self._send("DELETE", path, b"", {})

    def has(self, path: str) -> bool:
        """Taken for granted: asking would cost a request for each file."""
        return True

    def tidy(self) -> None:
        """Nothing: a bucket keeps no half of a file."""

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        place = self.place
        target = "/" + quote(f"{place.name}/{place.prefix}{path}", safe="/" + UNRESERVED)
        url = place.base_url + target
        parts = urlsplit(place.base_url)
        host = parts.netloc.removesuffix({"https": ":443", "http": ":80"}[parts.scheme])
        signed = sign(method, target, headers={"host": host, **headers}, body=body, place=place, at=datetime.now(UTC))
        try:
            if method == "PUT":
                answer = http.put(url, body=body, headers=signed, guard=self.guard, total_seconds=SECONDS)
            else:
                answer = http.delete(url, headers=signed, guard=self.guard, total_seconds=SECONDS)
        except http.HttpError as error:
            raise Failed(str(error)) from None
        if not 200 <= answer.status < 300 and not (method == "DELETE" and answer.status == 404):
            code = _CODE.search(answer.body)
            raise Failed(f"{host} answered {answer.status}{f' {code[1].decode()}' if code else ''}")


def sign(
    method: str, target: str, *, headers: Mapping[str, str], body: bytes, place: Place, at: datetime, query: str = ""
) -> dict[str, str]:
    """These headers with those that sign the request. ``target`` and ``query`` are encoded already, and the query's
    parts are in order; names of headers are in lower case, ``host`` is among them."""
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    chosen = {**headers, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    names = ";".join(sorted(chosen))
    lines = "".join(f"{name}:{' '.join(chosen[name].split())}\n" for name in sorted(chosen))
    request = "\n".join((method, target, query, lines, names, digest))
    scope = f"{stamp[:8]}/{place.region}/s3/aws4_request"
    text = "\n".join((ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{place.secret}".encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    signature = _mac(key, text).hex()
    chosen["authorization"] = f"{ALGORITHM} Credential={place.key}/{scope},SignedHeaders={names},Signature={signature}"
    return chosen


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
