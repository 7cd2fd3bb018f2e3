"""A page's own domain: its public documents, and nothing else of Muster."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.test import Client

from statuspage import domains, rendering
from tests import make
from tests.make import NOW

pytestmark = pytest.mark.django_db

HOST = "status.acme.example"


@pytest.fixture
def page(db):
    """A page with a domain, which is not the default, rendered."""
    make.status_page("first", name="First")
    made = make.status_page("acme", make.service("shop"), name="Acme status", domain=HOST)
    rendering.render_due(now=NOW)
    return made


def read(path, host=HOST, method="get"):
    return getattr(Client(headers={"host": host}), method)(path)


@pytest.mark.parametrize(
    "path", ["/", "/index.html", "/history", "/api/v2/summary.json", "/as-of.json", "/status/acme/"]
)
def test_the_page_is_at_the_root_of_its_domain(page, path):
    assert read(path).status_code == 200


@pytest.mark.parametrize("host", [f"{HOST}:8443", HOST.upper(), f"{HOST}."])
def test_the_host_is_known_however_it_is_written(page, host):
    assert b"Acme status" in read("/", host).content


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "path",
    [
        "/accounts/login/",
        "/admin/",
        "/admin/login/",
        "/incidents/",
        "/api/v1/incidents",
        "/healthz",
        "/integrations/key/generic",
        "/status/first/",
        "/status/",
        "/static/css/app.css",
    ],
)
def test_nothing_else_of_muster_is_there(page, path, method):
    answer = read(path, method=method)
    assert answer.status_code in ({404} if method == "get" else {404, 405})
    assert answer.cookies == {}


FORM = "application/x-www-form-urlencoded"
MANY_FILES = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n\r\n' * 300
UNREADABLE = [
    (f"{FORM}; charset=utf-16", b"address=a"),
    (FORM, b"&".join(b"a%d=1" % number for number in range(3000))),
    ("multipart/form-data", b"x"),
    ("multipart/form-data; boundary=" + "b" * 500, b"x"),
    ("multipart/form-data; boundary=b", MANY_FILES),
]  # fmt: skip


def is_plain(answer):
    """Whether it has what every public answer has, and nothing of Muster's own pages."""
    headers = {"X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy"}
    return headers <= set(answer.headers) and answer.cookies == {} and b'href="' not in answer.content


@pytest.mark.parametrize("path", ["/a%0Ab", "/history%0D%0AX:%20y", "/status/first%0A", "/subscribe%0A"])
def test_a_path_that_no_address_has_leads_to_no_page_of_musters_own(page, path):
    answer = read(path)
    assert (answer.status_code, is_plain(answer)) == (404, True)


@pytest.mark.parametrize(("content_type", "body"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_body_that_cannot_be_read_is_refused_in_plain_words(page, content_type, body):
    answer = Client(headers={"host": HOST}).post("/subscribe", body, content_type=content_type)
    assert (answer.status_code, is_plain(answer)) == (400, True)


def test_who_subscribes_while_the_database_is_away_is_told_so(page, monkeypatch):
    def fail(*_args, **_options):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(connection, "cursor", fail)
    answer = read("/subscribe")
    assert (answer.status_code, answer["Retry-After"], is_plain(answer)) == (503, "10", True)


def test_the_way_to_a_page_has_the_headers_of_what_is_public(page):
    assert is_plain(read("/status", host="testserver"))


def test_a_signed_in_person_is_nobody_there(page, admin):
    client = Client(headers={"host": HOST})
    client.force_login(admin)
    answer = client.get("/")
    assert (answer.status_code, answer.cookies) == (200, {})
    assert client.get("/incidents/").status_code == 404


def test_another_unknown_host_is_refused_as_before(page):
    assert read("/", "evil.example").status_code == 400


def test_musters_own_host_never_asks_whose_it_is(page, django_assert_num_queries):
    domains.forget()
    with django_assert_num_queries(0):
        assert domains.page_at("testserver") is None
        assert domains.page_at("127.0.0.1:8000") is None


def test_a_domain_is_looked_up_every_few_seconds_and_not_at_every_request(page, django_assert_num_queries):
    domains.forget()
    with django_assert_num_queries(1):
        assert [domains.page_at(HOST) for _ in range(5)] == ["acme"] * 5
        assert domains.page_at("evil.example") is None


def test_relative_redirects_stay_on_the_domain(page):
    assert read("/history/")["Location"] == "../history"
    assert read("/status/acme")["Location"] == "acme/"
