"""Requests to a bucket are signed as AWS says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from core.addresses import Guard
from incidents_site import config
from statuspage.buckets import Bucket, Failed, sign
from tests.receivers import free_port
from tests.statuspage import s3


@dataclass(frozen=True)
class Example:
    """The place of the examples that AWS has published."""

    base_url: str = "https://examplebucket.s3.amazonaws.com"
    region: str = "us-east-1"
    name: str = "examplebucket"
    prefix: str = ""
    key: str = "AKIAIOSFODNN7EXAMPLE"
    secret: str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
@pytest.mark.parametrize(
    ("method", "target", "query", "headers", "body", "names", "signature"),
    [
        (
            "GET", "/test.txt", "", {"range": "bytes=0-9"}, b"",
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT", "/test%24file.text", "",
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET", "/", "lifecycle=", {}, b"",
            "host;x-amz-content-sha256;x-amz-date",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET", "/", "max-keys=2&prefix=J", {}, b"",
            "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)  # fmt: skip
def test_the_examples_of_aws(method, target, query, headers, body, names, signature):
    headers = {"host": "examplebucket.s3.amazonaws.com", **headers}
    at = datetime(2013, 5, 24, tzinfo=UTC)
    signed = sign(method, target, headers=headers, body=body, place=Example(), at=at, query=query)
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={names},Signature={signature}"
    )


LOOPBACK = Guard(allow_nets=(ip_network("127.0.0.0/8"),))


@pytest.fixture
def store():
    with s3.s3_server() as server:
        yield server


def bucket(port, *, secret=s3.SECRET, prefix="a b/"):
    place = config.Bucket(f"http://127.0.0.1:{port}", s3.REGION, "status", prefix, s3.KEY, secret)
    return Bucket(place, guard=LOOPBACK)


@pytest.mark.enable_socket
def test_files_are_put_and_removed(store):
    ours = bucket(store.port)
    ours.put("acme/index.html", b"hello", content_type="text/html", cache_control="no-cache")
    ours.put("it's (1).txt", b"", content_type="text/plain", cache_control="no-cache")
    body, headers = store.files["/status/a%20b/acme/index.html"]
    assert (body, headers["content-type"], headers["cache-control"]) == (b"hello", "text/html", "no-cache")
    assert set(store.files) == {"/status/a%20b/acme/index.html", "/status/a%20b/it%27s%20%281%29.txt"}
    ours.delete("acme/index.html")
    ours.delete("acme/index.html")
    assert set(store.files) == {"/status/a%20b/it%27s%20%281%29.txt"}


@pytest.mark.enable_socket
@pytest.mark.parametrize("prefix", ["", "a b/c&d=e/"])
@pytest.mark.parametrize("path", ["it's (1) – ü+~*!.txt", "a//b/../c", "100%25", "?q#f", "x" * 900])
def test_no_name_is_signed_otherwise_than_the_library_of_aws_does(store, path, prefix):
    ours = bucket(store.port, prefix=prefix)
    ours.put(path, b"\x00\xff", content_type="text/html; charset=utf-8", cache_control="public,  max-age=10")
    assert [body for body, _ in store.files.values()] == [b"\x00\xff"]
    ours.delete(path)
    assert store.files == {}


@pytest.mark.enable_socket
def test_what_goes_wrong_is_said_without_the_secret(store):
    with pytest.raises(Failed) as refused:
        bucket(store.port, secret="hunter2").put("x", b"", content_type="text/plain", cache_control="no-cache")
    assert str(refused.value) == f"127.0.0.1:{store.port} answered 403 SignatureDoesNotMatch"
    store.refuses = 503
    with pytest.raises(Failed) as refused:
        bucket(store.port).delete("x")
    assert str(refused.value) == f"127.0.0.1:{store.port} answered 503 SlowDown"
    port = free_port()
    with pytest.raises(Failed, match=f"127.0.0.1:{port}: Connection refused"):
        bucket(port).delete("x")
    with pytest.raises(Failed, match="is not a public address"):
        Bucket(bucket(store.port).place, guard=Guard()).delete("x")
