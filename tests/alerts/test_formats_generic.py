"""Muster's own webhook: one alert a request, lenient about form and strict about identity."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.formats import FORMATS, Delivery, Item, Unusable, generic
from alerts.formats.generic import group_key

NOW = datetime(2026, 11, 23, 13, 20, tzinfo=UTC)


def parse(payload: object, **changes: Any) -> Delivery:
    return generic.parse(
        payload, **{"received_at": NOW, "default_severity": "medium", "event_key": "event-7", **changes}
    )


def test_full_alert_is_read_as_it_was_sent() -> None:
    delivery = parse(
        {
            "title": "Disk full",
            "dedup_key": "disk/web-1",
            "severity": "critical",
            "status": "firing",
            "link": "https://grafana.example/d/1",
            "description": "Two lines\nof text",
            "labels": {"service": "checkout", "used": 91},
            "unknown": [1, 2],
        }
    )
    assert delivery == Delivery(
        group_key="disk/web-1",
        title="Disk full",
        description="Two lines\nof text",
        status="firing",
        severity="critical",
        facts={"service": "checkout", "used": "91"},
        items=(
            Item(
                fingerprint="disk/web-1",
                title="Disk full",
                status="firing",
                severity="critical",
                labels={"service": "checkout", "used": "91"},
                annotations={},
                link="https://grafana.example/d/1",
                started_at=None,
                ended_at=None,
            ),
        ),
        link="https://grafana.example/d/1",
    )


def test_title_alone_fires_under_the_requests_own_key() -> None:
    delivery = parse({"title": "Disk full"})
    assert (delivery.group_key, delivery.status, delivery.severity) == ("event-7", "firing", "medium")
    assert group_key({"title": "Disk full"}, event_key="event-7") == "event-7"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("firing", "firing"),
        ("trigger", "firing"),
        ("TRIGGERED", "firing"),
        ("acknowledge", "acknowledged"),
        ("acknowledged", "acknowledged"),
        ("resolve", "resolved"),
        (" Resolved ", "resolved"),
        ("ok", "resolved"),
        (None, "firing"),
        ("", "firing"),
    ],
)
def test_every_senders_word_for_the_status_is_known(word: object, status: str) -> None:
    delivery = parse({"title": "t", "dedup_key": "k", "status": word})
    assert (delivery.status, delivery.warnings) == (status, ())


@pytest.mark.parametrize("word", ["alerting", 1, ["resolved"], {"a": 1}, False])
def test_unknown_status_fires_with_a_warning(word: object) -> None:
    delivery = parse({"title": "t", "dedup_key": "k", "status": word})
    assert delivery.status == "firing"
    assert len(delivery.warnings) == 1


@pytest.mark.parametrize("status", ["acknowledged", "resolved"])
def test_answer_needs_the_key_and_no_title(status: str) -> None:
    assert parse({"dedup_key": "k", "status": status}).title == ""
    for missing in ({"status": status}, {"status": status, "dedup_key": " "}, {"status": status, "dedup_key": {}}):
        with pytest.raises(Unusable) as refusal:
            parse(missing)
        assert refusal.value.field == "dedup_key"


def test_acknowledgement_is_no_alert() -> None:
    assert parse({"dedup_key": "k", "status": "acknowledge"}).items == ()
    (item,) = parse({"dedup_key": "k", "status": "ok"}).items
    assert (item.fingerprint, item.status) == ("k", "resolved")


@pytest.mark.parametrize("title", [None, "", " \n", [], {"a": 1}])
def test_firing_alert_without_a_title_is_unusable(title: object) -> None:
    with pytest.raises(Unusable) as refusal:
        parse({"title": title, "dedup_key": "k"})
    assert (refusal.value.field, refusal.value.reason) == ("title", "a firing alert needs a title")


@pytest.mark.parametrize("payload", [None, [], "Disk full", 5])
def test_anything_but_an_object_is_unusable(payload: object) -> None:
    with pytest.raises(Unusable):
        parse(payload)
    with pytest.raises(Unusable):
        group_key(payload, event_key="event-7")


def test_scalars_are_taken_as_text_on_one_line() -> None:
    delivery = parse({"title": 503, "dedup_key": 42, "description": True, "severity": "P1"})
    assert (delivery.title, delivery.group_key, delivery.description) == ("503", "42", "true")
    assert delivery.severity == "critical"
    assert parse({"title": "a\r\nBcc: x\x00"}).title == "a Bcc: x\ufffd"


def test_what_cannot_be_used_is_left_out_with_a_warning() -> None:
    delivery = parse({"title": "t", "severity": "weird", "link": "javascript:alert(1)", "labels": ["a"]})
    assert (delivery.severity, delivery.link, delivery.facts) == ("medium", "", {})
    assert delivery.warnings == (
        "severity 'weird' is unknown, taken for medium",
        "labels: not an object, left out",
        "link: not an http or https address, left out",
    )


def test_long_texts_are_cut_and_a_long_key_is_hashed_whole() -> None:
    delivery = parse({"title": "t" * 999, "description": "d" * 99_999, "dedup_key": "k" * 256})
    assert (len(delivery.title), len(delivery.description)) == (255, 16_000)
    assert delivery.group_key.startswith("sha256:")
    assert delivery.group_key != group_key({"dedup_key": "k" * 257})


def test_the_format_is_found_by_name() -> None:
    assert FORMATS["generic"].group_key({"dedup_key": "k"}) == "k"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = ("title", "dedup_key", "severity", "status", "link", "description", "labels")


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(names, anything)))
def test_any_object_gives_a_storable_delivery_or_is_unusable(payload: dict[str, object]) -> None:
    try:
        delivery = parse(payload)
    except Unusable:
        return
    assert delivery.group_key == group_key(payload, event_key="event-7")
    texts = [delivery.title, delivery.description, delivery.group_key, delivery.link, *delivery.warnings]
    "".join([*texts, *delivery.facts, *delivery.facts.values()]).encode()
    assert "\x00" not in "".join(texts)
