"""A server that speaks like S3: it keeps what is put, and refuses what is not signed as AWS says.

The signature is worked out a second time, by the library of AWS and from the bytes of the request.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEY, SECRET, REGION = "AKIAEXAMPLE", "s3cret/+=", "eu-central-1"
FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>\w+)/(?P<day>\d{8})/(?P<region>[\w-]+)/s3/aws4_request,"
    r"SignedHeaders=(?P<names>[\w;-]+),Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass
class Store:
    """What is in the bucket: body and headers by path. ``refuses`` is a status for everything that comes."""

    port: int = 0
    files: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refuses: int = 0


def signature_of(method: str, target: str, body: bytes, headers: dict[str, str], names: str) -> str:
    """What botocore signs the request with that came."""
    signed = {name: headers[name] for name in names.split(";")}
    request = AWSRequest(method, f"http://{headers['host']}{target}", headers=signed, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = S3SigV4Auth(Credentials(KEY, SECRET), "s3", REGION)
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


@contextmanager
def s3_server() -> Iterator[Store]:
    """A store, and the port of loopback that it listens on."""
    store = Store()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def answer(self, status: int, code: str = "") -> None:
            body = f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>".encode() if code else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            store.asked.append(f"{self.command} {self.path}")
            found = FORM.fullmatch(headers.get("authorization", ""))
            if store.refuses:
                return self.answer(store.refuses, "SlowDown")
            if found is None or found["key"] != KEY or found["region"] != REGION:
                return self.answer(403, "InvalidAccessKeyId")
            if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(found["names"].split(";")):
                return self.answer(403, "AccessDenied")
            if headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
                return self.answer(400, "XAmzContentSHA256Mismatch")
            if signature_of(self.command, self.path, body, headers, found["names"]) != found["signature"]:
                return self.answer(403, "SignatureDoesNotMatch")
            if self.command == "PUT":
                store.files[self.path] = (body, headers)
                return self.answer(200)
            store.files.pop(self.path, None)
            return self.answer(204)

        do_PUT = do_DELETE = take  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    store.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
