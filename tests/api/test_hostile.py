"""Whatever strangers send is a problem document, and never our mistake."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from accounts.models import User
from incidents.models import Incident
from tests import make
from tests.api.caller import declaration, fields_of

BODIES = {
    "empty": b"",
    "blank": b" \n\t ",
    "half": b'{"title": "x"',
    "two": b"{} {}",
    "array": b"[]",
    "null": b"null",
    "number": b"1",
    "text": b'"x"',
    "true": b"true",
    "not utf-8": b'{"title": "\xff\xfe"}',
    "utf-16": declaration()["title"].encode("utf-16"),
    "5,000 digits": b'{"title": ' + b"9" * 5000 + b"}",
    "5,000 digits in a list": b'{"affected_services": [' + b"9" * 5000 + b"]}",
    "NaN": b'{"title": NaN}',
    "Infinity": b'{"title": -Infinity}',
    "1e999": b'{"title": 1e999}',
    "deep lists": b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "unclosed": b"[" * 100_000,
    "NUL raw": b'{"title": "a\x00b"}',
    "NUL escaped": b'{"title": "a\\u0000b"}',
    "lone surrogate": b'{"title": "\\ud800"}',
    "lone surrogate in a list": b'{"affected_services": ["\\udfff"]}',
    "lone surrogate as a name": b'{"\\ud800": 1}',
    "NUL as a name": b'{"a\\u0000": 1}',
    "many names": b"{" + b",".join(b'"a%d": 1' % number for number in range(20_000)) + b"}",
    "many items": b'{"affected_services": [' + b",".join([b"null"] * 100_000) + b"]}",
    "many services": json.dumps(declaration(affected_services=["x"] * 100_000)).encode(),
    "2 MB": json.dumps(declaration(description="x" * 2_000_000)).encode(),
    "same name twice": b'{"title": "a", "title": 5}',
    "proto": b'{"__proto__": {}, "__class__": 1, "self": 2, "request": 3}',
    "form": b"title=x&severity=high",
}
POSTS = ["incidents", "users", "teams", "services", "escalation-policies", "integrations"]


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_the_senders_mistake(root, name):
    for path in (*POSTS, "users/root/contact-methods", f"incidents/{make.incident().reference}/timeline"):
        answer = root.post(path, BODIES[name])
        assert 400 <= answer.status_code < 500, (path, answer.content)
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    assert (Incident.objects.count(), User.objects.count()) == (1, 1)


@pytest.mark.parametrize("method", ["PATCH", "POST", "PUT"])
@pytest.mark.parametrize("name", ["deep lists", "NaN", "lone surrogate", "NUL escaped", "array", "not utf-8"])
def test_a_hostile_change_is_the_senders_mistake(root, name, method):
    incident = make.incident()
    paths = {
        "PATCH": (f"incidents/{incident.reference}", "users/root", "severity-policies/low"),
        "POST": (f"incidents/{incident.reference}/reopen", f"incidents/{incident.reference}/acknowledge"),
        "PUT": (f"incidents/{incident.reference}/services",),
    }
    for path in paths[method]:
        answer = root.call(method, path, BODIES[name])
        assert 400 <= answer.status_code < 500, (path, answer.content)
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("name", "status", "fields"),
    [
        ("half", 400, []),
        ("empty", 400, []),
        ("array", 422, [""]),
        ("null", 422, [""]),
        ("NUL escaped", 422, ["title"]),
        ("lone surrogate", 422, ["title"]),
        ("lone surrogate in a list", 422, ["affected_services.0"]),
        ("lone surrogate as a name", 422, ["\ufffd"]),
        ("2 MB", 413, []),
        ("form", 400, []),
    ],
)
def test_each_mistake_has_its_status(root, name, status, fields):
    answer = root.post("incidents", BODIES[name])
    assert (answer.status_code, fields_of(answer)) == (status, fields)


@pytest.mark.parametrize("media", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/xml"])
def test_what_is_not_json_is_an_unsupported_media_type(api, media):
    answer = api.client.generic(
        "POST", "/api/v1/incidents", b"a=b", content_type=media, headers={"authorization": f"Bearer {api.secret}"}
    )
    assert (answer.status_code, answer["Content-Type"]) == (415, "application/problem+json")


def test_json_is_read_whatever_it_is_called(api):
    answer = api.client.generic(
        "POST",
        "/api/v1/incidents",
        json.dumps(declaration()).encode(),
        content_type="application/x-www-form-urlencoded",
        headers={"authorization": f"Bearer {api.secret}"},
    )
    assert answer.status_code == 201


BIG = "9" * 30
PATHS = [
    "incidents/INC-9223372036854775808", f"incidents/INC-{BIG}", "incidents/INC-%00", "incidents/%00",
    "incidents/INC-1%0A", "incidents/INC-١", "incidents/..", f"incidents/{'x' * 5000}",
    "alerts/ALR-9223372036854775808", "alerts/ALR-%00", f"alerts/ALR-{BIG}", "alerts/ALR-١",
    "users/%00", "users/a%00b", f"users/{'x' * 5000}", "users/%ED%A0%80", "users/%FF",
    "users/root/contact-methods/0", "users/root/contact-methods/-1", f"users/root/contact-methods/{BIG}",
    "users/root/contact-methods/x", "users/%00/contact-methods",
    "teams/%00", "services/%00", "services/a%00", "severity-policies/%00", "severity-policies/urgent",
    "escalation-policies/9223372036854775808", f"escalation-policies/{BIG}", "escalation-policies/x",
    "escalation-policies/%00", "integrations/9223372036854775808", "integrations/0", "integrations/1.5",
    "nothing", "nothing/", "", "incidents/INC-1/nothing",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_an_address_that_leads_nowhere_is_not_found(root, path):
    answer = root.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "query",
    [
        "limit=%00", f"limit={BIG}", "limit[]=1", "cursor=%00", "cursor=" + "x" * 100_000, "severity=%00",
        "status=%FF", "q=%00", "q=" + "x" * 10_000, "service=%00", "service=" + "x" * 10_000, "team=%00",
        "assignee=%00", "assignee=" + "x" * 10_000, "period=%00", "%00=1", "%FF=1", "x" * 10_000,
        "&".join(f"a{n}=1" for n in range(2000)),
    ],
)  # fmt: skip
def test_a_hostile_query_is_the_senders_mistake(root, query):
    answer = root.get(f"incidents?{query}")
    assert answer.status_code in (400, 422), answer.content
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("value", ["%00", BIG, "x", "-1", "1e3", "INC-0", "%FF", "INC-%00"])
@pytest.mark.parametrize("name", ["integration", "incident", "status", "severity", "cursor"])
def test_a_hostile_filter_of_alerts_is_the_senders_mistake(root, name, value):
    answer = root.get(f"alerts?{name}={value}")
    assert (answer.status_code, fields_of(answer)) == (422, [name])


@pytest.mark.parametrize("text", ["%_\\", "' OR 1=1 --", "\u202e", "😀" * 50, "a\u0301"])
def test_strange_text_is_only_text(api, text):
    made = api.post("incidents", declaration(title=f"x{text}", description=text))
    assert made.status_code == 201
    assert made.json()["description"] == text
    has_words = any(letter.isalnum() for letter in text)
    assert api.get(f"incidents?q={quote(text)}").status_code == (200 if has_words else 422)
    assert api.get(f"incidents?service={quote(text)}").status_code == 200


def test_errors_are_counted_out_and_not_echoed(api):
    answer = api.post("incidents", BODIES["many names"])
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 50)
    assert len(answer.content) < 10_000


@pytest.mark.parametrize("key", ["\x00", "\x7f", "ü" * 300])
def test_a_hostile_key_is_the_senders_mistake(api, key):
    answer = api.post("incidents", declaration(), key=key)
    assert answer.status_code in (201, 422)
