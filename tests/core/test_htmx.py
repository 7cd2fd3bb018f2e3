"""One view, two answers: the page to a browser, the fragment to htmx."""

from typing import cast

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django_htmx.middleware import HtmxDetails

from core.htmx import HtmxHttpRequest, render, wants_fragment

TEMPLATES = {
    "incident_list.html": '<h1>{{ title }}</h1>{% include "_incident_table.html" %}',
    "_incident_table.html": '<table id="incident_table">{{ title }}</table>',
}
PAGE = '<h1>All &lt;</h1><table id="incident_table">All &lt;</table>'
FRAGMENT = '<table id="incident_table">All &lt;</table>'

pytestmark = pytest.mark.usefixtures("_templates")


@pytest.fixture
def _templates() -> object:
    engine = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", TEMPLATES)]},
    }
    with override_settings(TEMPLATES=[engine]):
        yield


def request(**headers: str) -> HttpRequest:
    made = cast("HtmxHttpRequest", RequestFactory().get("/incidents/", headers=headers))
    made.htmx = HtmxDetails(made)
    return made


def answer(made: HttpRequest, *, fragment: str | None = "_incident_table.html", status: int = 200) -> HttpResponse:
    return render(made, "incident_list.html", {"title": "All <"}, fragment=fragment, status=status)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HX-Request": "true", "HX-Boosted": "true"},
        {"HX-Request": "true", "HX-History-Restore-Request": "true"},
    ],
)
def test_browser_boosted_link_and_restored_history_get_the_page(headers: dict[str, str]) -> None:
    assert answer(request(**headers)).content.decode() == PAGE


def test_htmx_gets_the_fragment_alone() -> None:
    assert answer(request(**{"HX-Request": "true"})).content.decode() == FRAGMENT


def test_without_a_fragment_everybody_gets_the_page() -> None:
    assert answer(request(**{"HX-Request": "true"}), fragment=None).content.decode() == PAGE


def test_request_that_has_not_passed_the_middleware_gets_the_page() -> None:
    bare = RequestFactory().get("/", headers={"HX-Request": "true"})
    assert not wants_fragment(bare)
    assert answer(bare).content.decode() == PAGE


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_every_answer_says_that_it_varies(headers: dict[str, str]) -> None:
    assert answer(request(**headers))["Vary"] == "HX-Request, HX-Boosted"


def test_status_is_kept() -> None:
    assert answer(request(**{"HX-Request": "true"}), status=422).status_code == 422
