"""What looks like a secret, or is known to be one, does not stay in output."""

from __future__ import annotations

import json
import time

import pytest

from automation.masking import MASK, mask


def test_known_secrets_go_in_every_spelling():
    secret = "s3cr3t/value+"
    text = f"a {secret} b s3cr3t%2Fvalue%2B c czNjcjN0L3ZhbHVlKw== d"
    assert mask(text, [secret]) == f"a {MASK} b {MASK} c {MASK}== d"
    assert mask("abc abc", ["abc"]) == "abc abc"  # too short to be a secret


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("password=hunter22 next", f"password={MASK} next"),
        ('{"api_key": "abcd1234efgh"}', f'{{"api_key": "{MASK}"}}'),
        ("Authorization: Bearer abc.def.ghi", f"Authorization: Bearer {MASK}"),
        ("curl -H 'Authorization: Basic dXNlcjpwYXNz'", f"curl -H 'Authorization: Basic {MASK}'"),
        ("postgres://app:p4ssw0rd@db:5432/app", f"postgres://app:{MASK}@db:5432/app"),
        ("AKIAIOSFODNN7EXAMPLE", MASK),
        ("token ghp_0123456789abcdefghijABCDEFGHIJ0123", f"token {MASK}"),
        ("glpat-abcdefghij0123456789", MASK),
        ("xoxb-1234567890-abcdef", MASK),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl", MASK),
        ("mst_abcdefghijklmnopqrstuvwxyz", MASK),
        ("mrn_abcdefghijklmnopqrstuvwxyz", MASK),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----",
            f"-----BEGIN RSA PRIVATE KEY-----{MASK}-----END RSA PRIVATE KEY-----",
        ),
    ],
)
def test_shapes_of_secrets_are_known(line, left):
    assert mask(line) == left
    assert mask(mask(line)) == left


KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + f"{'MIIEow' * 10}\n" * 200 + "-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (KEY, f"-----BEGIN RSA PRIVATE KEY-----{MASK}-----END RSA PRIVATE KEY-----\n"),
        (json.dumps(KEY), f'"-----BEGIN RSA PRIVATE KEY-----{MASK}-----END RSA PRIVATE KEY-----\\n"'),
        ("a ghp_0123456789abcdefghijABCDEFGHIJ0123 b", f"a {MASK} b"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl b", f"{MASK} b"),
    ],
)
@pytest.mark.parametrize("size", [7, 100, 4000, 100_000])
def test_a_secret_that_comes_in_pieces_does_not_stay(text, left, size):
    kept = ""
    for start in range(0, len(text), size):
        kept = mask(kept + text[start : start + size])
    assert kept == left


def test_what_is_no_secret_stays():
    text = "GROUP orders LAG 120\nhttps://grafana.example.com/d/1?from=now-1h\nsecretary: ok\ntokens used: 12"
    assert mask(text) == text


def test_hostile_text_takes_no_time():
    for piece in ("password" * 8000, "-----BEGIN PRIVATE KEY-----" + "A" * 60_000, "a://" * 16_000, "Bearer " * 9_000):
        started = time.perf_counter()
        mask(piece)
        assert time.perf_counter() - started < 0.5
